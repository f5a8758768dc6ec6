//! Instances that stand alone, in a simulated world.

use super::{Day, FILE, controller_of, failures, session};
use crate::backend::sim::{Fault, FaultKind};
use crate::controller::Settings;
use crate::controller::endpoints::{self, Endpoint};
use crate::pipeline;
use crate::plan::{PlanOptions, PortError, Step};
use crate::port::{Drain, Leaving, Left};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

async fn begin() -> Day {
    Day::of(FILE.replace("join = \"kubernetes\"", "join = \"standalone\"")).await
}

impl Day {
    /// The endpoints of the pool.
    async fn endpoints(&self) -> Vec<Endpoint> {
        let seen = pipeline::look(&self.controller.session, []).await.unwrap();
        endpoints::slices(&seen.inventory).flat_map(endpoints::of).collect()
    }

    /// Instances that are in service, by their names.
    async fn in_service(&self) -> Vec<String> {
        let seen = pipeline::look(&self.controller.session, []).await.unwrap();
        let units = seen.inventory.resources.values().flat_map(|live| live.units().to_vec());
        units.filter(|unit| unit.ready).map(|unit| unit.name).collect()
    }
}

fn names(endpoints: &[Endpoint]) -> Vec<String> {
    endpoints.iter().filter(|one| one.ready).map(|one| one.instance.clone()).collect()
}

#[tokio::test]
async fn what_is_in_service_has_an_endpoint_and_counts_when_it_has() {
    let mut day = begin().await;
    let calm = day.passes(10, Some(10.0)).await;
    assert_eq!(day.endpoints().await, []);
    let mut busy = Vec::new();
    for _ in 0..40 {
        busy.extend(day.passes(1, Some(90.0)).await);
        // What counts is never more than what traffic reaches.
        let serving = busy.last().unwrap().scaling.pools["g6e"].serving as usize;
        assert!(serving <= names(&day.endpoints().await).len());
    }
    assert_eq!(names(&day.endpoints().await), day.in_service().await);
    let pool = &busy.last().unwrap().scaling.pools["g6e"];
    assert!(pool.serving >= 2 && pool.serving == pool.wanted);
    let addresses = day.endpoints().await.into_iter().map(|one| one.address);
    assert_eq!(addresses.collect::<std::collections::BTreeSet<_>>().len(), pool.serving as usize);
    let quiet = day.passes(200, Some(10.0)).await;
    assert_eq!(day.endpoints().await, []);
    assert_eq!(failures(&[calm, busy, quiet].concat()), [""; 0]);
    let plan = pipeline::make_plan(&day.controller.session, &PlanOptions::default()).await.unwrap();
    assert!(plan.is_empty(), "{plan:?}");
}

#[tokio::test]
async fn new_work_goes_elsewhere_before_an_instance_drains_and_another_leader_goes_on() {
    let mut day = begin().await;
    day.passes(40, Some(90.0)).await;
    let mut drained = false;
    for turn in 0..200 {
        let turns = day.passes(1, Some(10.0)).await;
        let all = day.endpoints().await;
        let going = day.controller.drains.names();
        let out: Vec<&Endpoint> = all.iter().filter(|one| one.terminating).collect();
        assert!(out.iter().all(|one| !one.ready && going.contains(&one.instance)));
        // Whoever drains has left its endpoint the turn before.
        let ends = turns[0].done.iter().find_map(|done| match &done.step {
            Step::DrainUnits { units, .. } => Some(units.clone()),
            _ => None,
        });
        for unit in ends.into_iter().flatten() {
            assert!(!names(&all).contains(&unit));
            drained = true;
        }
        if !out.is_empty() && turn % 2 == 0 {
            let before = going.clone();
            day.restart(false);
            day.passes(1, Some(10.0)).await;
            let left: Vec<String> = day.in_service().await;
            let goes_on = day.controller.drains.names();
            assert!(before.iter().all(|unit| goes_on.contains(unit) || !left.contains(unit)));
        }
    }
    assert!(drained);
    assert_eq!(day.controller.drains.names().len(), 0);
    assert_eq!(day.endpoints().await, []);
}

#[tokio::test]
async fn an_endpoint_stays_where_its_instance_cannot_be_seen() {
    let mut day = begin().await;
    day.passes(40, Some(90.0)).await;
    let before = day.endpoints().await;
    assert!(before.len() >= 2);
    let fault = Fault {
        kind: FaultKind::Denied,
        name: String::new(),
        list: Some("AutoScalingGroup".to_owned()),
        calls: 1000,
    };
    day.simulator.disturb(crate::backend::sim::Actor::Fault(fault)).unwrap();
    let blind = day.passes(20, Some(90.0)).await;
    let endpoints = |turn: &crate::controller::Turn| {
        turn.done.iter().any(|done| matches!(done.step, Step::SetEndpoints { .. }))
    };
    assert!(!blind.iter().any(endpoints));
    day.simulator.forgive().unwrap();
    assert_eq!(day.endpoints().await, before);
}

#[tokio::test]
async fn one_whose_agent_refuses_work_has_no_traffic_and_counts_for_nothing() {
    let mut day = begin().await;
    day.passes(40, Some(90.0)).await;
    let [first, ..] = &day.in_service().await[..] else { panic!("none is there") };
    let serving = day.passes(1, Some(90.0)).await[0].scaling.pools["g6e"].serving;
    let aws = day.controller.session.backends.aws.clone().unwrap();
    aws.drain.unwrap().begin(&Leaving::joined(first)).await.unwrap();
    let turn = day.passes(1, Some(90.0)).await.remove(0);
    assert_eq!(turn.scaling.pools["g6e"].serving, serving - 1);
    let endpoint = day.endpoints().await.into_iter().find(|one| one.instance == *first).unwrap();
    assert!(!endpoint.ready && !endpoint.terminating);
}

/// Agents that do what they are told, and never say how they stand.
struct Mute;

#[async_trait]
impl Drain for Mute {
    async fn status(&self, _: &Leaving) -> Result<Left, PortError> {
        std::future::pending().await
    }

    async fn close(&self, _: &Leaving) -> Result<Left, PortError> {
        Ok(Left::default())
    }

    async fn begin(&self, _: &Leaving) -> Result<Left, PortError> {
        Ok(Left::default())
    }

    async fn undo(&self, _: &Leaving) -> Result<(), PortError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_answer_keeps_no_number_waiting() {
    let mut day = begin().await;
    day.passes(40, Some(90.0)).await;
    assert!(day.in_service().await.len() >= 2);
    let mut session = session(&day.simulator, &day.text);
    session.backends.aws.as_mut().unwrap().drain = Some(Arc::new(Mute));
    let patience = Some(Duration::from_millis(500));
    let settings = Settings { dry_run: false, time_scale: 1, patience };
    day.controller = controller_of(session, (&day.simulator, &day.load), settings);
    let mut serving = Vec::new();
    for _ in 0..3 {
        let begun = tokio::time::Instant::now();
        let turn = day.passes(1, Some(90.0)).await.remove(0);
        assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
        serving.push(turn.scaling.pools["g6e"].serving);
    }
    assert!(serving.iter().all(|serving| *serving >= 2), "they count all the same: {serving:?}");
}
