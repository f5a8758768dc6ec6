//! A turn as a trace: its parts with their times, what was decided, and what was
//! written.

use super::name;
use crate::clock::Timestamp;
use crate::controller::lead::Standing;
use crate::controller::{Done, Part, Turn};
use crate::decide::scaling::Event;
use crate::plan::Step;
use crate::port::{Happened, Traced};

/// The trace of a turn of `environment`.
pub fn trace(environment: &str, standing: &Standing, turn: &Turn) -> Traced {
    let times = turn.parts.iter().map(|(_, times)| *times);
    let began = times.clone().map(|(began, _)| began).min();
    let ended = times.map(|(_, ended)| ended).max();
    let scaling = &turn.scaling;
    let whole = (began.unwrap_or(scaling.at), ended.unwrap_or(scaling.at));
    let mut all = Traced::of("turn", whole)
        .with("floodway.environment", environment)
        .with("floodway.standing", standing.state())
        .with("floodway.cost_usd_per_hour", scaling.cost_now.usd_per_hour.as_f64());
    for (name, pool) in &scaling.pools {
        all = all.with(format!("floodway.pool.{name}.wanted"), pool.wanted);
    }
    if let Some(why) = &turn.withheld {
        all = all.with("floodway.withheld", why.as_str());
    }
    all.parts = turn.parts.iter().map(|(part, times)| one(*part, *times, turn)).collect();
    all
}

fn one(part: Part, times: (Timestamp, Timestamp), turn: &Turn) -> Traced {
    let mut traced = Traced::of(part.as_str(), times);
    match part {
        Part::Look => {
            let unseen = turn.unseen.iter();
            let unseen = unseen.map(|(side, why)| format!("{}: {why}", name::side(*side)));
            let unseen: Vec<String> = unseen.collect();
            traced.failed = (!unseen.is_empty()).then(|| unseen.join("; "));
        }
        Part::Measure => {}
        Part::Decide => {
            traced.happened = turn.scaling.events.iter().map(event).collect();
        }
        Part::Act => {
            traced.happened = turn.done.iter().map(write).collect();
            let failed = turn.done.iter().filter_map(|done| done.outcome.as_ref()?.as_ref().err());
            let failed: Vec<String> = failed.map(ToString::to_string).collect();
            traced.failed = (!failed.is_empty()).then(|| failed.join("; "));
        }
    }
    traced
}

fn event(event: &Event) -> Happened {
    let kind = serde_json::to_value(event.kind).ok();
    let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default();
    let facts = vec![
        ("kind".to_owned(), kind.into()),
        ("about".to_owned(), event.about.as_str().into()),
        ("text".to_owned(), event.text.as_str().into()),
    ];
    Happened { name: "event", facts }
}

fn write(done: &Done) -> Happened {
    let outcome = match &done.outcome {
        None => "only shown".to_owned(),
        Some(Ok(())) => "done".to_owned(),
        Some(Err(error)) => error.to_string(),
    };
    let facts = vec![
        ("pool".to_owned(), done.pool.as_str().into()),
        ("step".to_owned(), step(&done.step).into()),
        ("outcome".to_owned(), outcome.into()),
    ];
    Happened { name: "write", facts }
}

fn step(step: &Step) -> String {
    let id = step.id();
    match step {
        Step::SetUnits { from, to, .. } => format!("{id}: {from} → {to}"),
        Step::DrainUnits { units, .. } => format!("{id}: without {}", units.join(", ")),
        _ => id.to_string(),
    }
}
