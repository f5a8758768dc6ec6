//! The lease is lost while its controller lives.

use super::ground::{Ground, within};
use super::web::ask;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Somebody else who holds the lease, and goes on saying so until it is dropped.
struct Other {
    ends: Arc<AtomicBool>,
    says: Option<JoinHandle<()>>,
}

impl Other {
    const NAME: &str = "somebody else";

    fn takes_it_from(ground: &Ground) -> Self {
        let (cluster, name) = (ground.cluster.clone(), ground.lease().unwrap());
        let name = name["metadata"]["name"].as_str().unwrap();
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/default/leases/{name}");
        let since = now();
        let say = move || {
            let (_, mut lease) = ask(&cluster, "GET", &path, None)?;
            lease["spec"]["holderIdentity"] = json!(Self::NAME);
            lease["spec"]["acquireTime"] = json!(since);
            lease["spec"]["renewTime"] = json!(now());
            let (status, _) = ask(&cluster, "PUT", &path, Some(&lease))?;
            (status == 200).then_some(())
        };
        within("it is taken", 10, &say);
        let ends = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ends);
        let says = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(500));
                say();
            }
        });
        Self { ends, says: Some(says) }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.says.take().map(JoinHandle::join);
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[test]
fn whoever_loses_the_lease_writes_nothing_until_it_is_free_and_then_does_what_is_due() {
    let ground = Ground::new("lost");
    let run = ground.controller(&[]);
    ground.led_by(&run, 20);
    ground.settles(&run, 6.0);
    let other = Other::takes_it_from(&ground);
    // Three heartbeats.
    std::thread::sleep(Duration::from_secs(6));
    ground.aws.forget_calls();
    let replicas = ground.replicas("h100").0;
    ground.fleet.offer(40.0);
    run.decides("it sees that more is needed", 10, |one| {
        one["pools"]["g6e"]["wanted"].as_u64() > one["pools"]["g6e"]["now"].as_u64()
    });
    within("it tells why nothing is written", 5, || {
        run.said().contains(&format!("{} leads", Other::NAME)).then_some(())
    });
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(ground.writes(), Vec::<(String, Value)>::new(), "{}", run.said());
    assert_eq!(ground.replicas("h100").0, replicas);
    // The other one has ended and never said so.
    drop(other);
    ground.led_by(&run, 20);
    within("it bursts", 20, || (ground.asked()[0] >= 2).then_some(()));

    // A lease that somebody has deleted is made anew, by whoever is first.
    let lease = ground.lease().unwrap();
    let name = lease["metadata"]["name"].as_str().unwrap();
    ground.bed.kubectl(&["delete", "lease", name, "-n", "default"], "");
    ground.led_by(&run, 20);
    assert!(ground.aws.violations().is_empty(), "{:?}", ground.aws.violations());
}
