//! Draining instances that stand alone, by the node protocol.

use crate::support::node::{Manner, Node};
use floodway::backend::node::Agents;
use floodway::port::{Drain, FailureKind, Leaving, PortError};
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(600);

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: did not happen within 10 s");
}

async fn refused(manner: Manner) -> PortError {
    let node = Node::start("i-0abc", manner);
    let agents = Agents::with_limit(Duration::from_secs(1));
    agents.begin(&node.unit()).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_instance_finishes_what_it_has_and_takes_nothing_new() {
    let (node, agents) = (Node::start("i-0abc", Manner::Right), Agents::default());
    let (long, short) = (Duration::from_millis(600), Duration::from_millis(1));
    let taken = [node.work(long), node.work(long)];
    wait_for("both are in flight", || node.in_flight() == 2);
    let serves = agents.status(&node.unit()).await.unwrap();
    assert_eq!((serves.known, serves.in_flight, serves.since), (true, 2, None));
    let left = agents.begin(&node.unit()).await.unwrap();
    assert_eq!((left.in_flight, left.is_nothing()), (2, false));
    assert_eq!(node.work(short).join().unwrap(), 503, "it takes nothing new");
    while !agents.begin(&node.unit()).await.unwrap().is_nothing() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(agents.begin(&node.unit()).await.unwrap().since, left.since, "it began once");
    for request in taken {
        assert_eq!(request.join().unwrap(), 200, "none was lost");
    }
    assert!(node.drains() > 2);
    agents.undo(&node.unit()).await.unwrap();
    assert_eq!(node.work(short).join().unwrap(), 200);
    assert!(!agents.status(&node.unit()).await.unwrap().is_nothing(), "it serves again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_another_instance_has_by_now_is_left_alone() {
    let (node, agents) = (Node::start("i-0new", Manner::Right), Agents::default());
    let old = Leaving { instance: "i-0old".into(), ..node.unit() };
    let error = agents.begin(&old).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Stale, "{error}");
    assert!(agents.status(&old).await.unwrap_err().message.contains("of instance \"i-0new\""));
    assert!(agents.undo(&old).await.is_err());
    assert_eq!((node.drains(), node.work(Duration::ZERO).join().unwrap()), (0, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_believed_is_told_and_drains_nothing() {
    for (manner, kind, says) in [
        (Manner::Says(200, "{}"), FailureKind::Rejected, "missing field"),
        (Manner::Says(200, "<html>"), FailureKind::Rejected, "cannot be believed"),
        (Manner::Says(404, ""), FailureKind::Rejected, "does not know the node protocol"),
        (Manner::Says(401, ""), FailureKind::Rejected, "refuses /v1/drain (401"),
        (Manner::Says(302, ""), FailureKind::Rejected, "refuses /v1/drain (302"),
        (Manner::Says(503, ""), FailureKind::Transient, "failed (503"),
        (Manner::Floods, FailureKind::Unreachable, "length limit exceeded"),
        (Manner::Silent, FailureKind::Unreachable, "does not answer within 1 s"),
    ] {
        let error = refused(manner).await;
        assert_eq!(error.kind, kind, "{manner:?}: {error}");
        assert!(error.message.contains(says), "{manner:?}: {error}");
        assert!(error.help.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_gone_or_whose_agent_is_not_known_is_told() {
    let node = Node::start("i-0abc", Manner::Right);
    let unit = node.unit();
    drop(node);
    let agents = Agents::default();
    wait_for("its port is closed", || std::net::TcpStream::connect(unit.agent.unwrap()).is_err());
    let error = agents.begin(&unit).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Unreachable);
    assert!(error.message.contains("refused"), "the cause is told: {error}");
    let error = agents.begin(&Leaving::joined("i-0abc")).await.unwrap_err();
    assert!(error.message.contains("where the agent of i-0abc answers is not known"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_gives_up_leaves_the_drain_as_it_is() {
    let node = Node::start("i-0abc", Manner::Right);
    let _endless = node.work(NEVER);
    wait_for("it is in flight", || node.in_flight() == 1);
    Agents::default().begin(&node.unit()).await.unwrap();
    // Another controller asks: it finds the drain where it was.
    let left = Agents::default().status(&node.unit()).await.unwrap();
    assert!(left.since.is_some() && left.in_flight == 1, "{left:?}");
}
