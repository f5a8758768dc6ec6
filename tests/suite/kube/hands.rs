//! The operator's hand on a real API server: no plan undoes it, nobody writes over
//! what they have not read.

use super::Ground;
use super::handover::BETWEEN;
use super::locks::scope;
use floodway::backend::kube::{Way, connect};
use floodway::observe::{HandHold, Hands};
use floodway::port::{FailureKind, KeepHands};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

fn with_hands(ground: &Ground, test: impl AsyncFnOnce(Arc<dyn KeepHands>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kubeconfig = ground.bed.kubeconfig();
        let way = Way { context: Some("bed"), cluster_uid: None, kubeconfig: Some(kubeconfig) };
        test(connect(way).await.unwrap().hands.unwrap()).await;
    });
}

/// Applied, with a pool that the controller moves.
fn applied(prefix: &str) -> Ground {
    let ground = Ground::new(prefix);
    ground.declare(&ground.pool("gpu", BETWEEN));
    ground.apply();
    ground
}

fn parent(ground: &Ground) -> Value {
    ground.get("configmap", &format!("floodway-{}", ground.name)).unwrap()
}

fn annotation(ground: &Ground) -> Option<String> {
    let text = parent(ground)["metadata"]["annotations"]["floodway.dev/hands"].as_str()?.to_owned();
    Some(text)
}

fn hold(reason: &str) -> Hands {
    let mut hands = Hands::default();
    hands.hold(HandHold {
        scale_in: true,
        reason: reason.into(),
        by: "ada".into(),
        ..HandHold::default()
    });
    hands
}

#[test]
fn what_an_operator_says_is_no_drift_and_stays_through_applies_and_saved_plans() {
    let ground = applied("held");
    let (env, pool) = (ground.name.as_str(), format!("{}/gpu", ground.name));
    ground.declare(&(ground.pool("gpu", BETWEEN) + &ground.pool("more", "1")));
    ground.run("plan", &["--out", "saved"]).exits(0);
    let held = ground.repository.run(&["hold", env, "--scale-in", "--reason", "an incident"]);
    held.exits(0).says("held: everything, no scale-in until it is resumed: an incident");
    let set = ["scale", env, "gpu", "5", "--for", "2h", "--reason", "a launch"];
    ground.repository.run(&set).exits(0).says("set: pool gpu to 5 until");
    ground.run("drift", &["--detailed-exitcode"]).exits(0);
    ground.repository.run(&["apply", "saved"]).exits(0);
    ground.is_settled();
    let said = annotation(&ground).unwrap();
    assert!(said.contains("an incident") && said.contains("a launch"), "{said}");
    let managers = parent(&ground)["metadata"]["managedFields"].clone();
    let owners: Vec<&Value> = managers
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["fieldsV1"].to_string().contains("floodway.dev/hands"))
        .map(|entry| &entry["manager"])
        .collect();
    assert_eq!(owners, ["floodway-hands"]);
    let status = ground.run("status", &[]).exits(0);
    status.says("held: everything, no scale-in").says("set: pool gpu to 5 until");
    ground.repository.run(&["resume", env]).exits(0).says("moved by the controller again. What");
    ground.repository.run(&["resume", &pool]).exits(0).says("moved by the controller again.");
    assert_eq!(annotation(&ground), None);
    ground.is_settled();
}

#[test]
fn nobody_writes_over_what_they_have_not_read() {
    let ground = applied("held-at-once");
    let mut scope = scope(&ground);
    scope.mark.file = format!("environments/{}.toml", ground.name);
    with_hands(&ground, async |hands| {
        let (first, second) =
            (hands.read(&scope).await.unwrap(), hands.read(&scope).await.unwrap());
        hands.write(&scope, &hold("first"), &first).await.unwrap();
        let error = hands.write(&scope, &hold("second"), &second).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Stale);
        assert!(error.message.contains("somebody else"), "{error}");
        // What others write on the parent is no reason to be refused.
        let third = hands.read(&scope).await.unwrap();
        assert_eq!(third.hands, hold("first"));
        ground.kubectl(&["annotate", "configmap", &format!("floodway-{}", ground.name), "a=b"]);
        hands.write(&scope, &hold("third"), &third).await.unwrap();
        assert_eq!(hands.read(&scope).await.unwrap().hands, hold("third"));
    });
}

#[test]
fn what_has_run_out_counts_no_more_and_goes_with_the_next_write() {
    let ground = applied("held-briefly");
    let env = ground.name.as_str();
    ground.repository.run(&["hold", env, "--for", "2s", "--reason", "gone soon"]).exits(0);
    std::thread::sleep(Duration::from_secs(2));
    assert!(annotation(&ground).unwrap().contains("gone soon"), "nobody has written since");
    let status = ground.run("status", &[]).exits(0);
    assert!(!status.out.contains("gone soon"), "{}", status.out);
    let pool = format!("{env}/gpu");
    ground.repository.run(&["hold", &pool, "--for", "1h", "--reason", "longer"]).exits(0);
    let said = annotation(&ground).unwrap();
    assert!(said.contains("longer") && !said.contains("gone soon"), "{said}");
}

#[test]
fn what_cannot_be_understood_is_told_and_not_written_over() {
    let ground = applied("held-oddly");
    let (env, parent) = (ground.name.as_str(), format!("floodway-{}", ground.name));
    for (text, why) in [("{\"version\":9}", "version 9"), ("hold it", "expected")] {
        let note = format!("floodway.dev/hands={text}");
        ground.kubectl(&["annotate", "--overwrite", "configmap", &parent, &note]);
        ground.run("status", &[]).exits(0).says("what operators have said by hand").says(why);
        let said = ground.repository.run(&["hold", env, "--reason", "x"]).exits(1);
        said.says("cannot be understood").says("help: use the Floodway that wrote it");
        assert_eq!(annotation(&ground).unwrap(), text);
        ground.is_settled();
    }
    // Written by hand, and taken back by command.
    let by_kubectl = format!("floodway.dev/hands={}", hold("x").to_text().unwrap());
    ground.kubectl(&["annotate", "--overwrite", "configmap", &parent, &by_kubectl]);
    ground.run("status", &[]).exits(0).says("held: everything, no scale-in");
    ground.repository.run(&["resume", env]).exits(0).says("moved by the controller again");
    assert_eq!(annotation(&ground), None);
}

#[test]
fn only_an_environment_that_stands_and_is_its_own_can_be_held() {
    let ground = Ground::new("held-early");
    ground.declare(&ground.pool("gpu", BETWEEN));
    let hold = ["hold", &ground.name, "--reason", "x"];
    ground.repository.run(&hold).exits(1).says("nothing of environment").says("apply it first");
    ground.repository.run(&["resume", &ground.name]).exits(0).says("Nothing was held or set");
    ground.apply();
    let copy = ground.environment(&ground.pool("gpu", BETWEEN));
    ground.repository.write("copy", &copy);
    let said = ground.repository.run(&["hold", "copy", "--reason", "x"]).exits(1);
    said.says(&format!("belongs to environments/{}.toml", ground.name));
    ground.repository.run(&hold).exits(0);
}
