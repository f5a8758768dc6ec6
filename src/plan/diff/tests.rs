use super::*;
use proptest::prelude::*;
use serde_json::json;

fn paths(diff: &Diff) -> Vec<&str> {
    diff.fields.iter().map(|field| field.path.as_str()).collect()
}

#[test]
fn a_field_is_named_as_people_write_it() {
    let live = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "sidecar", "image": "s:1"}, {"name": "server", "image": "a:1", "args": ["x"]}]}}},
        "metadata": {"labels": {"floodway.dev/pool": "h100"}}});
    let wanted = json!({"metadata": {"labels": {"floodway.dev/pool": "h200"}},
        "spec": {"template": {"spec": {"containers": [
        {"name": "server", "image": "a:2", "args": ["x"]}, {"name": "sidecar", "image": "s:1"}]}}}});
    let diff = diff(&live, &wanted);
    assert_eq!(
        diff.fields,
        [
            FieldChange {
                path: "metadata.labels[\"floodway.dev/pool\"]".into(),
                before: Some(json!("h100")),
                after: Some(json!("h200")),
            },
            FieldChange {
                path: "spec.template.spec.containers[server].image".into(),
                before: Some(json!("a:1")),
                after: Some(json!("a:2")),
            },
        ]
    );
    assert_eq!(diff.unchanged, 4, "two names, one argument, one image");
}

#[test]
fn an_owned_field_that_is_not_wanted_any_more_goes_and_others_fields_stay() {
    let live = json!({"spec": {"a": 1, "b": {"c": 2}}});
    let wanted = json!({"spec": {"a": 1}});
    assert_eq!(diff(&live, &wanted).fields[0].after, None);
    assert_eq!(paths(&diff(&live, &wanted)), ["spec.b"]);
    assert_eq!(diff_wanted(&live, &wanted).fields, []);
    assert_eq!(paths(&diff_wanted(&live, &json!({"spec": {"a": 2}}))), ["spec.a"]);
}

#[test]
fn elements_come_and_go_whole_and_are_told_by_their_merge_key() {
    let live = json!({"ports": [{"containerPort": 1}, {"containerPort": 1, "protocol": "UDP"}]});
    let wanted = json!({"ports": [{"containerPort": 1, "protocol": "TCP"}, {"containerPort": 2}]});
    assert_eq!(
        paths(&diff(&live, &wanted)),
        ["ports[1/TCP].protocol", "ports[2/TCP]", "ports[1/UDP]"]
    );
}

#[test]
fn a_list_without_distinct_keys_is_one_value() {
    let live = json!({"m": [{"type": "External", "v": 1}, {"type": "External", "v": 2}]});
    let wanted = json!({"m": [{"type": "External", "v": 1}, {"type": "External", "v": 3}]});
    assert_eq!(paths(&diff(&live, &wanted)), ["m"]);
    assert_eq!(paths(&diff(&json!({"args": ["a", "b"]}), &json!({"args": ["b", "a"]}))), ["args"]);
}

#[test]
fn the_servers_spelling_is_no_difference() {
    let live = json!({"spec": {
        "containers": [{"name": "s", "resources": {"limits": {"cpu": "1"}}}],
        "metrics": [{"type": "External", "external": {"target": {"averageValue": "1k"}}},
                    {"type": "External", "external": {"target": {"averageValue": "2k"}}}]}});
    let wanted = json!({"spec": {
        "containers": [{"name": "s", "args": [], "resources": {"limits": {"cpu": "1000m"}}}],
        "metrics": [{"type": "External", "external": {"target": {"averageValue": "1000"}}},
                    {"type": "External", "external": {"target": {"averageValue": "2000"}}}],
        "gone": null}});
    assert_eq!(diff(&live, &wanted).fields, []);
    let env = |value: &str| json!({"env": [{"name": "N", "value": value}]});
    assert_eq!(paths(&diff(&env("1000m"), &env("1"))), ["env[N].value"], "text is text");
}

#[test]
fn an_empty_object_is_a_value() {
    let volume = json!({"volumes": [{"name": "tmp", "emptyDir": {}}]});
    assert_eq!(diff(&volume, &volume), Diff { fields: vec![], unchanged: 2 });
    let without = json!({"volumes": [{"name": "tmp"}]});
    assert_eq!(paths(&diff(&without, &volume)), ["volumes[tmp].emptyDir"]);
}

/// Any tree that looks like an object of the API.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4i64).prop_map(Value::from),
        "[a-c]{1,2}".prop_map(Value::from),
        prop::collection::vec("[a-c]", 0..3).prop_map(|list| json!(list)),
    ];
    let inner = leaf.prop_recursive(4, 48, 4, |inner| {
        let object = prop::collection::btree_map("[a-d]|x/y", inner.clone(), 0..4);
        prop_oneof![
            object.clone().prop_map(|map| json!(map)),
            prop::collection::btree_map("[p-s]", object, 0..4).prop_map(|named| {
                let named = named.into_iter().map(|(name, map)| {
                    let mut element = json!(map);
                    element["name"] = json!(name);
                    element
                });
                Value::Array(named.collect())
            }),
        ]
    });
    prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|map| json!(map))
}

/// Does to `value` what a change says, by its printed path alone.
fn patch(value: &mut Value, change: &FieldChange) {
    let mut rest = change.path.as_str();
    let mut at = value;
    loop {
        let (key, element) = if let Some(quoted) = rest.strip_prefix("[\"") {
            let end = quoted.find("\"]").unwrap();
            rest = &quoted[end + 2..];
            (quoted[..end].to_owned(), false)
        } else if let Some(named) = rest.strip_prefix('[') {
            let end = named.find(']').unwrap();
            rest = &named[end + 1..];
            (named[..end].to_owned(), true)
        } else {
            let word = rest.strip_prefix('.').unwrap_or(rest);
            let end = word.find(['.', '[']).unwrap_or(word.len());
            rest = &word[end..];
            (word[..end].to_owned(), false)
        };
        let last = rest.is_empty();
        if element {
            let list = at.as_array_mut().unwrap();
            let found = list.iter().position(|element| element["name"] == json!(key));
            match (last, &change.after, found) {
                (true, None, Some(index)) => drop(list.remove(index)),
                (true, Some(after), Some(index)) => list[index] = after.clone(),
                (true, Some(after), None) => list.push(after.clone()),
                (true, None, None) => panic!("nothing to remove at {}", change.path),
                (false, ..) => {}
            }
            if last {
                return;
            }
            at = &mut list[found.unwrap()];
        } else {
            let map = at.as_object_mut().unwrap();
            match (last, &change.after) {
                (true, None) => drop(map.remove(&key).unwrap()),
                (true, Some(after)) => drop(map.insert(key.clone(), after.clone())),
                (false, _) => {}
            }
            if last {
                return;
            }
            at = map.get_mut(&key).unwrap();
        }
    }
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(tree in tree()) {
        prop_assert_eq!(diff(&tree, &tree).fields, []);
    }

    #[test]
    fn doing_what_differs_gives_what_is_wanted(live in tree(), wanted in tree()) {
        let mut patched = live.clone();
        for change in &diff(&live, &wanted).fields {
            patch(&mut patched, change);
        }
        prop_assert_eq!(diff(&patched, &wanted).fields, []);
        prop_assert_eq!(diff(&wanted, &patched).fields, []);
    }

    #[test]
    fn one_side_differs_from_the_other_as_the_other_from_the_one(a in tree(), b in tree()) {
        let mut there = diff(&a, &b).fields;
        let mut back: Vec<_> = diff(&b, &a).fields.into_iter()
            .map(|f| FieldChange { path: f.path, before: f.after, after: f.before }).collect();
        there.sort_by(|a, b| a.path.cmp(&b.path));
        back.sort_by(|a, b| a.path.cmp(&b.path));
        prop_assert_eq!(there, back);
    }
}
