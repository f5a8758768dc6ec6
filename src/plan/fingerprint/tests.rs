use super::*;
use crate::observe::{ResourceId, RuntimeField};
use crate::plan::tests::world::settled;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn live(id: ResourceId, path: &str, count: u32, fields: Value) -> Live {
    Live {
        id,
        uid: "uid".into(),
        ownership: Ownership::Ours,
        fields: fields.into(),
        taken: BTreeMap::new(),
        runtime: Some(RuntimeField {
            path: path.into(),
            value: json!(count),
            managers: vec![format!("manager-{count}")],
        }),
        marks: BTreeMap::from([("pool".to_owned(), "h100".to_owned())]),
        workload: Some(settled(count)),
        applyset: None,
        version: None,
        autoscaler: None,
        deleting: false,
    }
}

fn deployment(count: u32) -> Live {
    let id = ResourceId::kubernetes("apps/v1", "Deployment", Some("llm"), "d");
    live(id, "/spec/replicas", count, json!({ "spec": { "replicas": count, "paused": false } }))
}

fn group(count: u32, max: u32) -> Live {
    let id = ResourceId::group("us-east-1", "g");
    live(id, "/desired", count, json!({ "desired": count, "max": max }))
}

fn of(live: &Live, owned_by: Option<&str>, body: &Value) -> Fingerprint {
    Fingerprint::of(live, Action::Update, Some(&body.into()), owned_by)
}

#[test]
fn each_part_stands_for_itself() {
    let body = json!({ "spec": {} });
    let before = of(&deployment(1), None, &body);
    let differing = |change: fn(&mut Live)| {
        let mut live = deployment(1);
        change(&mut live);
        before.differences(&of(&live, None, &body)).unwrap()
    };
    let none = Differences { identity: false, marks: false, fields: false, facts: false };
    assert_eq!(differing(|_| {}), none);
    assert_eq!(differing(|live| live.uid = "x".into()), Differences { identity: true, ..none });
    assert_eq!(differing(|live| live.deleting = true), Differences { identity: true, ..none });
    assert_eq!(differing(|live| live.marks.clear()), Differences { marks: true, ..none });
    let paused =
        differing(|live| live.fields.edit(|fields| fields["spec"]["paused"] = json!(true)));
    assert_eq!(paused, Differences { fields: true, ..none });
    assert_eq!(before.differences(&Fingerprint::absent()), None);
}

#[test]
fn the_order_of_keys_and_what_names_the_object_mean_nothing() {
    let body = json!({});
    let (mut a, mut b) = (deployment(1), deployment(1));
    a.fields = json!({ "x": { "a": 1, "b": [2, "\""] }, "y": null }).into();
    b.fields = json!({ "kind": "Deployment", "y": null, "x": { "b": [2, "\""], "a": 1 } }).into();
    assert_eq!(of(&a, None, &body), of(&b, None, &body));
    b.fields.edit(|fields| fields["x"]["b"] = json!(["\"", 2]));
    assert_ne!(of(&a, None, &body), of(&b, None, &body));
}

#[test]
fn a_group_max_is_a_fact_once_it_is_below_what_runs() {
    let body = json!({ "max": 5 });
    let print = |count| of(&group(count, 9), Some("/desired"), &body);
    assert_eq!(print(1), print(5));
    assert_ne!(print(5), print(6));
}

proptest! {
    #[test]
    fn runtime_fields_are_not_in_it_unless_git_owns_them(a in 0u32..50, b in 50u32..99) {
        let (shape, sized) = (json!({ "spec": {} }), json!({ "spec": { "replicas": 3 } }));
        let seeded = Some("/spec/replicas");
        prop_assert_eq!(of(&deployment(a), seeded, &shape), of(&deployment(b), seeded, &shape));
        prop_assert_ne!(of(&deployment(a), None, &sized), of(&deployment(b), None, &sized));
        let (shape, sized) = (json!({ "max": 99 }), json!({ "max": 99, "desired": 3 }));
        let (few, many) = (group(a, 99), group(b, 99));
        prop_assert_eq!(of(&few, Some("/desired"), &shape), of(&many, Some("/desired"), &shape));
        prop_assert_ne!(of(&few, None, &sized), of(&many, None, &sized));
    }
}
