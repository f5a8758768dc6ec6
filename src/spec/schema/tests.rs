//! Schema and parser held to each other with documents made from the schema.

use super::*;
use crate::diag::{Diagnostics, Look};
use crate::id::Name;
use crate::spec::layers;
use crate::spec::print::environment_to_toml;
use crate::units::{Cpu, Memory, Rate, Share, Span, UsdPerHour, UsdPerMonth};
use common::document::{LoadError, Loaded, Loader, Node, Value};
use common::shape::{Decoder, Tree};
use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::LazyLock;

static OF_FILE: LazyLock<Validator> = LazyLock::new(|| compiled(&schema()));
static OF_WHOLE: LazyLock<Validator> = LazyLock::new(|| compiled(&schema_of_whole()));

fn compiled(schema: &Json) -> Validator {
    jsonschema::draft202012::new(schema).unwrap()
}

/// The text at `a.toml`, and nothing in any other file.
struct AmongEmptyFiles<'t>(&'t str);

impl Loader for AmongEmptyFiles<'_> {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        let text = if path == "a.toml" { self.0 } else { "" };
        Ok(Loaded { bytes: text.into(), real: path.to_owned() })
    }
}

/// What the parser makes of `text`, short of the rules between fields.
fn parsed(text: &str) -> Result<Environment, String> {
    let mut diagnostics = Diagnostics::default();
    let layers = layers::read("a.toml", &AmongEmptyFiles(text), &mut diagnostics);
    let root = Node { value: Value::Table(layers.table), at: layers.at };
    let mut decoder = Decoder::new(&mut diagnostics, false);
    let decoded = Environment::decode(&root, &mut decoder);
    decoder.finish();
    match decoded.filter(|_| !diagnostics.has_errors()) {
        Some(environment) => Ok(environment),
        None => Err(diagnostics.render(Look::PLAIN)),
    }
}

/// `document` as TOML: a line for each key at the top.
fn toml(document: &Json) -> String {
    let mut table = toml_edit::DocumentMut::new();
    for (key, value) in document.as_object().into_iter().flatten() {
        table.insert(key, toml_edit::Item::Value(toml_value(value)));
    }
    table.to_string()
}

fn toml_value(value: &Json) -> toml_edit::Value {
    match value {
        Json::Null => unreachable!("TOML has no null"),
        Json::Bool(value) => (*value).into(),
        Json::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64().unwrap().into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(values) => values.iter().map(toml_value).collect::<toml_edit::Array>().into(),
        Json::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.as_str(), toml_value(value)))
            .collect::<toml_edit::InlineTable>()
            .into(),
    }
}

/// Documents that `schema` accepts.
fn document(schema: &Json) -> BoxedStrategy<Json> {
    if let Some(either) = schema["anyOf"].as_array() {
        return either.iter().map(document).reduce(|a, b| prop_oneof![a, b].boxed()).unwrap();
    }
    if let Some(words) = schema["enum"].as_array() {
        return proptest::sample::select(words.clone()).boxed();
    }
    if is_of_its_own(schema) {
        // What a step sets is held to the rules where it is laid, not where it stands.
        return prop_oneof![Just(json!({})), Just(json!({ "slo": { "ttft_p99": "1s" } }))].boxed();
    }
    match schema["type"].as_str().unwrap() {
        "boolean" => any::<bool>().prop_map(Json::from).boxed(),
        "integer" => integer(schema),
        "number" => number(schema),
        "string" => match schema["pattern"].as_str() {
            Some(pattern) => matching(pattern).prop_map(Json::from).boxed(),
            None => any::<String>().prop_map(Json::from).boxed(),
        },
        "array" => {
            proptest::collection::vec(document(&schema["items"]), 0..3).prop_map(Json::from).boxed()
        }
        _ => object(schema),
    }
}

/// Whether it is a part of an environment inside the environment.
fn is_of_its_own(schema: &Json) -> bool {
    let keys = ["properties", "additionalProperties"];
    let open = schema["type"] == "object" && keys.iter().all(|key| schema.get(key).is_none());
    open || schema.get("$ref").is_some()
}

/// Over all that is allowed, its ends included; now and then as `3.0`.
fn integer(schema: &Json) -> BoxedStrategy<Json> {
    let bound = |key: &str| schema[key].as_i64().unwrap();
    let (least, most) = (bound("minimum"), bound("maximum"));
    let small = least..=most.min(9);
    let number = prop_oneof![4 => small, 2 => least..=most, 1 => Just(least), 1 => Just(most)];
    (number, proptest::bool::weighted(0.1))
        .prop_map(|(number, float)| if float { (number as f64).into() } else { number.into() })
        .boxed()
}

/// Over all that is allowed, of many decimals and magnitudes.
fn number(schema: &Json) -> BoxedStrategy<Json> {
    // Dollars may be nothing, a factor not; a quantile is more than nothing and less
    // than all.
    let (least, most) = match schema["maximum"].as_f64() {
        Some(most) => (schema["minimum"].as_f64().unwrap_or_default(), most),
        None => (f64::MIN_POSITIVE, 1.0 - f64::EPSILON),
    };
    prop_oneof![
        (1..100u32).prop_map(|hundredths| f64::from(hundredths) / 100.0),
        (0.0..1.0f64, 0..12i32).prop_map(move |(part, zeros)| most * part / 10f64.powi(zeros)),
        Just(least),
        Just(most),
    ]
    .prop_map(move |number| number.max(least).into())
    .boxed()
}

fn object(schema: &Json) -> BoxedStrategy<Json> {
    let Some(properties) = schema["properties"].as_object() else {
        let keys = match schema["propertyNames"]["pattern"].as_str() {
            Some(_) => "[a-z][a-z0-9]{0,3}",
            None => "[a-z.\" é]{1,6}",
        };
        return proptest::collection::btree_map(
            keys,
            document(&schema["additionalProperties"]),
            0..3,
        )
        .prop_map(|entries| Json::Object(entries.into_iter().collect()))
        .boxed();
    };
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let fields: Vec<_> = properties
        .iter()
        .map(|(key, schema)| {
            let value = match required.contains(&json!(key)) {
                _ if key == "extends" => extends(),
                // What the files below have, the schema cannot know.
                _ if key == "unset" => Just(None).boxed(),
                true => document(schema).prop_map(Some).boxed(),
                false => proptest::option::weighted(0.6, document(schema)).boxed(),
            };
            value.prop_map({
                let key = key.clone();
                move |value| Some((key.clone(), value?))
            })
        })
        .collect();
    fields.prop_map(|fields| Json::Object(fields.into_iter().flatten().collect())).boxed()
}

/// Of files that are there: which are, the schema cannot know.
fn extends() -> BoxedStrategy<Option<Json>> {
    let path = || proptest::sample::select(vec!["b.toml", "./c.toml", "d/../b.toml"]);
    let one = path().prop_map(Json::from);
    let some = proptest::collection::vec(path(), 0..3).prop_map(Json::from);
    proptest::option::weighted(0.3, prop_oneof![one, some]).boxed()
}

/// Texts that `pattern` accepts.
fn matching(pattern: &str) -> BoxedStrategy<String> {
    proptest::string::string_regex(pattern.trim_matches(['^', '$'])).unwrap().boxed()
}

/// Every place of `document`, with the part of the schema that it answers to.
fn places(schema: &Json, document: &Json, path: &str, found: &mut Vec<(String, Json)>) {
    found.push((path.to_owned(), schema.clone()));
    let either = schema["anyOf"].as_array();
    let schema = match either {
        Some(either) => either.iter().find(|one| (one["type"] == "object") == document.is_object()),
        None => Some(schema),
    };
    let Some(schema) = schema.filter(|schema| !is_of_its_own(schema)) else { return };
    match document {
        Json::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                places(&schema["items"], value, &format!("{path}/{at}"), found);
            }
        }
        Json::Object(entries) => {
            for (key, value) in entries {
                let inner = match schema["properties"].get(key) {
                    Some(inner) => inner,
                    None => &schema["additionalProperties"],
                };
                let key = key.replace('~', "~0").replace('/', "~1");
                places(inner, value, &format!("{path}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// `document` with one thing wrong: an unknown key, a wrong type or a wrong
/// unit. None: nothing can be made wrong there.
fn spoiled(document: &Json, at: &Index, how: &Index) -> Option<Json> {
    let mut found = Vec::new();
    places(&schema_of_whole(), document, "", &mut found);
    let (path, schema) = at.get(&found);
    let mut spoiled = document.clone();
    let place = spoiled.pointer_mut(path)?;
    let closed = schema["additionalProperties"] == json!(false);
    match (place, how.index(2)) {
        (Json::Object(entries), 0) if closed => drop(entries.insert("no-key".into(), json!(1))),
        (_, _) if path.is_empty() => return None,
        (place @ Json::String(_), 0) if schema.get("pattern").is_some() => {
            *place = json!("3 parsecs")
        }
        (place @ Json::Bool(_), _) => *place = json!("no"),
        (place, _) => *place = json!(true),
    }
    Some(spoiled)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_the_schema_accepts_the_parser_accepts(made in document(&schema_of_whole())) {
        prop_assert!(OF_WHOLE.is_valid(&made) && OF_FILE.is_valid(&made));
        let environment = parsed(&toml(&made));
        prop_assert!(environment.is_ok(), "{}\n{}", environment.unwrap_err(), toml(&made));
    }

    #[test]
    fn what_is_wrong_is_wrong_to_both(
        made in document(&schema_of_whole()), at: Index, how: Index,
    ) {
        let Some(spoiled) = spoiled(&made, &at, &how) else { return Ok(()) };
        prop_assert!(!OF_WHOLE.is_valid(&spoiled) && !OF_FILE.is_valid(&spoiled), "{spoiled}");
        prop_assert!(parsed(&toml(&spoiled)).is_err(), "{spoiled}");
    }

    #[test]
    fn what_is_missing_is_missing_to_both(made in document(&schema())) {
        let whole = OF_WHOLE.is_valid(&made);
        let text = toml(&made);
        // Tables that may be left out as a whole stand in the schema as required
        // where a key in them is.
        prop_assert_eq!(parsed(&text).is_ok(), whole, "{}", text);
    }

    #[test]
    fn what_is_printed_is_read_back_and_holds_to_the_schema(made in document(&schema_of_whole())) {
        let Ok(environment) = parsed(&toml(&made)) else { return Ok(()) };
        let printed = environment_to_toml(&environment);
        let again = parsed(&printed);
        prop_assert_eq!(again.as_ref(), Ok(&environment), "{}", printed);
        let json = environment.encode().as_ref().map(Tree::to_json).unwrap_or_default();
        let errors: Vec<_> = OF_WHOLE.iter_errors(&json).map(|e| e.to_string()).collect();
        prop_assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn patterns_accept_what_parsers_accept(
        text in prop_oneof![
            "[0-9]{0,3}(\\.[0-9]{0,4})? {0,2}(m|ms|s|h|w|x|Gi|Ki|G|%|req/s|/h|/month)?",
            "\\$?[0-9]{1,2}(\\.(0|00|5|25|125|3|50|500|0000))?( ?)(m|ms|Mi|Gi|%|req/s|/h|/month)?",
            "[-a-zA-Z0-9_]{0,5}",
            any::<String>(),
        ],
    ) {
        macro_rules! agree {
            ($($unit:ty),*) => {$(
                let pattern = compiled(&json!({ "pattern": <$unit>::PATTERN }));
                let accepted = pattern.is_valid(&json!(text));
                let parsed = text.parse::<$unit>().is_ok();
                prop_assert_eq!(parsed, accepted, "{} {:?}", stringify!($unit), text);
            )*};
        }
        agree!(Rate, Share, Span, Cpu, Memory, UsdPerHour, UsdPerMonth, Name);
    }
}
