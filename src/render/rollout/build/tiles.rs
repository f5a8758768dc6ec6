//! The most important numbers: where the environment is, and where it will end.

use super::Input;
use crate::plan::{PoolDelta, Totals};
use crate::render::plan::AmountView;
use crate::render::rollout::view::TileView;
use crate::render::text::rate;
use crate::rollout::{Finding, Kind, PhasePlan, Verdict};

/// The numbers that readers are shown first.
pub(super) fn tiles(input: &Input<'_>) -> Vec<TileView> {
    let mut tiles = vec![phase(input), criteria(input)];
    let plan = |name| input.plans.iter().find(|plan| plan.phase.as_ref() == name);
    let last = input.rollout().in_order().last().map(|(name, _)| *name);
    let (Some(now), Some(end)) = (plan(input.live()), plan(last)) else { return tiles };
    let (Ok(now_plan), Ok(end_plan)) = (&now.plan, &end.plan) else { return tiles };
    let later = |text: String, same: bool| {
        if same { "and so to the end".to_owned() } else { format!("{text} at the end") }
    };
    if let Some(stage) = main_stage(&now_plan.pools).or_else(|| main_stage(&end_plan.pools)) {
        let carried =
            |at: &PhasePlan| rate(at.at_max.capacity.get(stage).map_or(0.0, |most| most.as_f64()));
        let (here, there) = (carried(now), carried(end));
        tiles.push(TileView {
            title: format!("{stage} at most"),
            note: later(format!("{there} req/s"), here == there),
            value: format!("{here} req/s"),
        });
    }
    let (here, there) = (now.at_max.gpus, end.at_max.gpus);
    tiles.push(TileView {
        title: "GPUs at most".to_owned(),
        value: here.to_string(),
        note: later(there.to_string(), here == there),
    });
    let at_max = |totals: &Totals| AmountView::from(totals.burst.at_max).per_hour();
    let (here, there) = (at_max(&now_plan.totals), at_max(&end_plan.totals));
    tiles.push(TileView {
        title: "Burst at most".to_owned(),
        note: later(there.clone(), here == there),
        value: here,
    });
    tiles
}

fn phase(input: &Input<'_>) -> TileView {
    let phases = input.rollout().in_order();
    let at = phases.iter().position(|(name, _)| Some(*name) == input.live());
    TileView {
        title: "Phase".to_owned(),
        value: input.live().map_or_else(|| "none yet".to_owned(), ToString::to_string),
        note: match at {
            Some(at) => format!("{} of {}", at + 1, phases.len()),
            None => format!("of {}", phases.len()),
        },
    }
}

fn criteria(input: &Input<'_>) -> TileView {
    let live = input.live().and_then(|live| input.rollout().phases.get(live));
    let declared = live.map_or(0, |phase| phase.exit.len());
    let of = |found: &&Finding| Some(&found.phase) == input.live() && found.kind == Kind::Exit;
    let exits: Vec<_> = input.findings.iter().filter(of).collect();
    let met = exits.iter().filter(|found| found.verdict == Verdict::Met).count();
    let measured = exits.len() == declared;
    let (value, note) = match declared {
        0 => ("–".to_owned(), "none are declared"),
        _ if !measured => (format!("– of {declared}"), "not measured"),
        _ => (format!("{met} of {declared}"), "hold"),
    };
    TileView { title: "Exit criteria".to_owned(), value, note: note.to_owned() }
}

/// The stage that the GPUs are for, or else the first.
fn main_stage(pools: &[PoolDelta]) -> Option<&str> {
    let most = pools.iter().rev().max_by_key(|pool| pool.gpus.after.max(pool.gpus.before))?;
    Some(most.stage.as_str())
}
