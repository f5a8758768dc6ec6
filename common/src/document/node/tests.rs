use super::*;
use proptest::prelude::*;

fn at(file: &str) -> At {
    At { file: file.into(), span: 0..1 }
}

/// Tables over few keys, so that layers meet, with every kind of value.
fn table(file: &'static str) -> impl Strategy<Value = Table> {
    let leaf = prop_oneof![
        (0i64..3).prop_map(|n| Value::Integer(Some(n))),
        "[a-b]".prop_map(Value::String),
        (0i64..3).prop_map(move |n| Value::Array(vec![Node {
            value: Value::Integer(Some(n)),
            at: at(file)
        }])),
    ];
    let tree = leaf.prop_recursive(3, 12, 3, move |inner| {
        entries(file, inner).prop_map(|entries| Value::Table(Table { entries, replaces: false }))
    });
    entries(file, tree).prop_map(|entries| Table { entries, replaces: false })
}

fn entries(
    file: &'static str,
    values: impl Strategy<Value = Value>,
) -> impl Strategy<Value = BTreeMap<String, Entry>> {
    proptest::collection::btree_map("[x-z]", values, 0..3).prop_map(move |values| {
        values
            .into_iter()
            .map(|(key, value)| (key, Entry { key: at(file), node: Node { value, at: at(file) } }))
            .collect()
    })
}

proptest! {
    #[test]
    fn layers_may_be_grouped_in_any_way(
        a in table("a"), b in table("b"), c in table("c"), d in table("d"),
    ) {
        let one_by_one =
            lay(lay(lay(a.clone(), b.clone()), c.clone()), d.clone());
        let from_the_top = lay(a.clone(), lay(b.clone(), lay(c.clone(), d.clone())));
        let in_pairs = lay(lay(a, b), lay(c, d));
        prop_assert_eq!(&one_by_one.entries, &from_the_top.entries);
        prop_assert_eq!(&one_by_one.entries, &in_pairs.entries);
    }

    #[test]
    fn a_layer_wins_over_what_it_is_laid_upon(a in table("a"), b in table("b")) {
        let laid = lay(a.clone(), b.clone());
        for (key, entry) in &b.entries {
            let got = &laid.entries[key];
            prop_assert_eq!(&got.node.at, &entry.node.at);
            if !matches!(entry.node.value, Value::Table(_)) {
                prop_assert_eq!(got, entry);
            }
        }
        for (key, entry) in &a.entries {
            if !b.entries.contains_key(key) {
                prop_assert_eq!(&laid.entries[key], entry);
            }
        }
    }
}
