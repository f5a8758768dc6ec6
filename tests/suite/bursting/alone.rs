//! Instances that stand alone: their endpoints come and go, and their agents drain
//! them.

use super::ground::{Ground, within};
use super::web::ask;
use crate::support::node::{Manner, Node};
use serde_json::{Value, json};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::time::Duration;

/// An address of this machine that the API server takes for an endpoint: one of
/// loopback it refuses.
fn address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let routed = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    let address = routed.map(|address| address.ip()).ok();
    address
        .filter(|address| !address.is_loopback() && !address.is_unspecified())
        .expect("this machine needs an address beside loopback: `ip addr add 192.0.2.2/32 dev lo`")
}

/// The endpoints of instances, whosever slice they are in.
fn endpoints(ground: &Ground) -> Vec<Value> {
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices", ground.name);
    let (_, answer) = ask(&ground.cluster, "GET", &path, None).unwrap();
    let slices = answer["items"].as_array().unwrap();
    let all = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
    all.filter(|endpoint| endpoint["hostname"].is_string()).cloned().collect()
}

fn conditions(ready: bool, serving: bool, terminating: bool) -> Value {
    json!({"ready": ready, "serving": serving, "terminating": terminating})
}

#[test]
fn an_instance_that_stands_alone_gets_traffic_when_it_serves_and_finishes_what_it_has() {
    let place = TcpListener::bind((address(), 0)).unwrap();
    let at = place.local_addr().unwrap();
    let ground = Ground::edited("alone", |_, text| {
        let port = format!("launch = {{ agent_port = {} }}\n", at.port());
        text.replace("join = \"kubernetes\"\n", &format!("join = \"standalone\"\n{port}"))
            .replace("drain = \"2m\"", "drain = \"20m\"")
    });
    ground.joining.may_join(false);
    ground.aws.seed(&json!({"addresses": [at.ip().to_string()]}));
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    assert_eq!(endpoints(&ground), [] as [Value; 0]);

    ground.fleet.offer(24.0);
    let instance = within("an instance is in service", 30, || {
        let group = ground.group(0);
        let one = group["instances"].as_array()?.iter().find(|one| one["state"] == "InService")?;
        Some(one["id"].as_str()?.to_owned())
    });
    let node = Node::on(place, &instance, Manner::Right);
    within("its endpoint is ready", 20, || {
        let all = endpoints(&ground);
        (all.len() == 1 && all[0]["conditions"] == conditions(true, true, false)).then_some(())
    });
    assert_eq!(endpoints(&ground)[0]["addresses"], json!([at.ip().to_string()]));
    assert_eq!(endpoints(&ground)[0]["hostname"], json!(instance));
    within("it is given work", 20, || (ground.fleet.state().capacity >= 40.0).then_some(()));
    let serves = |one: &Value| one["pools"]["g6e"]["serving"] == json!(1);
    run.decides("it counts", 20, serves);

    // One request that outlasts the calm before the scale-in.
    let long = node.work(Duration::from_secs(30));
    ground.fleet.offer(6.0);
    within("its endpoint is on its way out", 60, || {
        let all = endpoints(&ground);
        (all.len() == 1 && all[0]["conditions"] == conditions(false, true, true)).then_some(())
    });
    within("its agent drains it", 20, || (node.drains() > 0).then_some(()));
    assert_eq!(node.in_flight(), 1, "{}", run.said());
    assert_eq!(node.work(Duration::ZERO).join().unwrap(), 503, "nothing new is taken");
    let ended = || {
        let ends = |(action, _): &(String, Value)| action == "TerminateInstanceInAutoScalingGroup";
        ground.writes().iter().any(ends)
    };
    assert!(!ended(), "{}", run.said());
    within("it ends", 60, || ended().then(|| assert_eq!(node.in_flight(), 0)));
    assert_eq!(long.join().unwrap(), 200, "nothing in flight is lost");
    within("its endpoint is gone", 20, || endpoints(&ground).is_empty().then_some(()));
    within("it is gone", 20, || (ground.asked() == [0, 0]).then_some(()));
    assert!(ground.aws.violations().is_empty(), "{:?}", ground.aws.violations());
    // Each instance is asked about until its address is known, and not again.
    let asked = ground.aws.calls().into_iter().filter(|call| call["action"] == "DescribeInstances");
    assert!((1..8).contains(&asked.count()));
}
