//! The lock on a real API server: shown, broken, and never the wrong one.

use super::Ground;
use crate::support::bed::eventually;
use crate::support::running::Running;
use floodway::backend::kube::{Way, connect};
use floodway::observe::Mark;
use floodway::port::{FailureKind, Lock, Scope};
use serde_json::json;
use std::sync::Arc;

pub(super) fn scope(ground: &Ground) -> Scope {
    let mark = Mark {
        environment: ground.name.clone(),
        repository: "local".into(),
        file: "environments/e.toml".into(),
    };
    Scope::of(mark, ground.name.clone())
}

fn lease(ground: &Ground) -> String {
    format!("floodway-{0}.{0}", ground.name)
}

fn with_lock(ground: &Ground, test: impl AsyncFnOnce(Arc<dyn Lock>, Scope)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kubeconfig = ground.bed.kubeconfig();
        let way = Way { context: Some("bed"), cluster_uid: None, kubeconfig: Some(kubeconfig) };
        let lock = connect(way).await.unwrap().lock.unwrap();
        test(lock, scope(ground)).await;
    });
}

#[test]
fn an_apply_whose_lease_is_broken_stops_before_its_next_write() {
    let ground = Ground::new("lock-broken");
    // No pod finds a node, so that the apply waits.
    ground.bed.kubectl(&["cordon", "-l", &format!("test={}", ground.name)], "");
    let patient = ground.environment(&ground.pool("gpu", "1"));
    ground.repository.write(&ground.name, &patient.replace("startup = \"1m\"", "startup = \"1h\""));
    let mut command = ground.repository.command(&["apply", &ground.name, "--yes"]);
    command.env("USER", "ada");
    let apply = Running::start(command);
    eventually("it waits", || ground.replicas("llm-inference-gpu").map(|_| ()));
    let place = format!("Lease default/{}", lease(&ground));
    let shown = ground.repository.run(&["lock", "show", &ground.name]).exits(0);
    shown.says("ada@").says("last renewed").says("live").says(&place);
    let broken = ground.repository.run(&["lock", "break", &ground.name, "--yes"]).exits(0);
    broken.says("Broken: it was ada@");
    assert!(ground.bed.get("default", "lease", &lease(&ground)).is_none());
    apply.end().exits(13).says("Stopped early: the lock was lost: it was deleted");
    ground.repository.run(&["lock", "show", &ground.name]).exits(0).says("Nobody holds the lock");
}

#[test]
fn a_lease_without_heartbeats_is_shown_as_run_out() {
    let ground = Ground::new("lock-expired");
    ground.declare(&ground.pool("gpu", "1"));
    let long_ago = "2026-01-01T00:00:00.000000Z";
    let dead = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": lease(&ground), "namespace": "default"},
        "spec": {"holderIdentity": "bob@gone", "acquireTime": long_ago, "renewTime": long_ago,
            "leaseDurationSeconds": 60},
    });
    ground.bed.apply(&[dead]);
    let shown = ground.repository.run(&["lock", "show", &ground.name]).exits(0);
    shown.says("bob@gone is taken for dead").says("since 2026-01-01T00:00:00Z");
    ground.apply();
    ground.repository.run(&["lock", "show", &ground.name]).exits(0).says("Nobody holds the lock");
}

#[test]
fn only_the_lease_that_was_shown_is_broken() {
    let ground = Ground::new("lock-anew");
    with_lock(&ground, async |lock, scope| {
        let first = lock.acquire(&scope, "ada").await.unwrap();
        let shown = lock.show(&scope).await.unwrap().unwrap();
        first.release().await.unwrap();
        assert!(!lock.break_held(&scope, &shown).await.unwrap(), "it was given back");
        let second = lock.acquire(&scope, "ada").await.unwrap();
        let error = lock.break_held(&scope, &shown).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Stale);
        // A renewal keeps it the same one.
        let shown = lock.show(&scope).await.unwrap().unwrap();
        second.renew().await.unwrap();
        assert!(lock.break_held(&scope, &shown).await.unwrap());
        assert_eq!(second.renew().await.unwrap_err().kind, FailureKind::Stale);
    });
}
