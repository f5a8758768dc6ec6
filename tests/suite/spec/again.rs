//! Resolving what was resolved changes nothing, whatever it was.

use super::fixture::{Memory, WHOLE};
use floodway::diag::Look;
use floodway::spec::resolve;
use proptest::prelude::*;

/// Any text, as TOML writes it.
fn text() -> impl Strategy<Value = String> {
    let any = prop_oneof![
        "[a-z \"'\\\\#={}\\[\\]\n\t]{1,12}",
        "\\PC{1,8}",
        "[\u{1}-\u{9f}\u{202a}-\u{202e}]{1,6}",
    ];
    any.prop_map(|text| toml_edit::Value::from(format!("x{text}")).to_string())
}

/// Bounds that are right, or a number.
fn count() -> impl Strategy<Value = String> {
    prop_oneof![
        (1u32..50).prop_map(|number| number.to_string()),
        (1u32..9, 9u32..2_147_483_647)
            .prop_map(|(min, max)| format!("{{ min = {min}, max = {max} }}")),
    ]
}

fn pool() -> impl Strategy<Value = String> {
    let labels = proptest::collection::btree_map(
        "([a-z]{1,3}\\.[a-z]{1,3}/)?[A-Za-z0-9]{1,4}",
        "[A-Za-z0-9]{0,4}",
        0..3,
    );
    let effect = proptest::option::of(prop_oneof!["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    ("[a-z][a-z0-9-]{0,6}[a-z]", count(), 1u32..1_000_000, labels, effect).prop_map(
        |(name, count, millis, labels, effect)| {
            let labels: Vec<_> =
                labels.iter().map(|(key, value)| format!("\"{key}\" = \"{value}\"")).collect();
            let effect = effect.map_or(String::new(), |effect| format!(", effect = '{effect}'"));
            format!(
                "[onprem.pools.any-{name}]\nstage = 'inference'\nreplicas = {count}\n\
                 capacity = '{}.{:03} req/s'\nnode_selector = {{ {} }}\n\
                 tolerations = [{{ key = 'a/b'{effect} }}]\n",
                millis / 1000,
                millis % 1000,
                labels.join(", "),
            )
        },
    )
}

/// Environments with nothing wrong: the fixture with much of it replaced.
fn environment() -> impl Strategy<Value = String> {
    let settings = proptest::collection::btree_map("[A-Z][A-Z_]{0,5}", text(), 0..4);
    let arguments = proptest::collection::vec(text(), 0..4);
    let pools = proptest::option::of(pool());
    (settings, arguments, text(), pools, 1u32..999_999, 1u32..100_000_000).prop_map(
        |(settings, arguments, summary, pool, quantile, micros)| {
            let settings: Vec<_> =
                settings.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            let stage = format!(
                "gpus = 1\nenv = {{ {} }}\nargs = [{}]",
                settings.join(", "),
                arguments.join(", ")
            );
            WHOLE
                .replace("gpus = 1", &stage)
                .replace("order = 1", &format!("order = 1\nsummary = {summary}"))
                .replace("30000.5", &format!("{}", f64::from(micros) / 1e6))
                .replace(
                    "[burst]\n",
                    &format!("[burst]\nforecast = {{ quantile = 0.{quantile:06} }}\n"),
                )
                + &pool.unwrap_or_default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn resolving_twice_is_resolving_once(text in environment()) {
        let (first, said) = resolve("a.toml", &Memory::new([("a.toml", &text)]));
        // A text may look like a secret by chance, and is refused then.
        prop_assume!(!said.iter().any(|diagnostic| diagnostic.message.contains("secret")));
        prop_assert!(first.is_some(), "{}\n{text}", said.render(Look::PLAIN));
        let first = first.unwrap();
        for printed in [first.to_toml(), first.to_toml_with_origins()] {
            let (again, said) = resolve("b.toml", &Memory::new([("b.toml", &printed)]));
            prop_assert!(again.is_some(), "{}\n{printed}", said.render(Look::PLAIN));
            let again = again.unwrap();
            prop_assert_eq!(&first.environment, &again.environment);
            prop_assert_eq!(&first.digest, &again.digest);
            prop_assert_eq!(first.to_toml(), again.to_toml());
            prop_assert!(printed.lines().all(floodway::diag::is_plain), "{printed:?}");
        }
    }
}
