//! How many units each pool should have now, for the load that comes: a pure
//! function of what is declared, seen, measured and remembered.
//!
//! What runs is kept, and moved as little as the load asks: units are added where
//! they cost least, and released where they cost most. What is on its way counts
//! once. Nothing is released by what is not known.

mod apart;
mod asides;
mod autoscaler;
mod back;
mod budgets;
mod demand;
mod finish;
mod fleet;
mod hands;
mod hold;
mod input;
mod kept;
mod learn;
mod memory;
mod ongoing;
mod outcome;
mod place;
mod price;
mod profile;
mod purse;
mod rank;
mod record;
mod release;
mod said;
mod time;
mod tuning;

pub use hold::{Direction, Hold, HoldCause};
pub use input::{
    Delay, Delays, Hindrance, Latency, Mode, PoolSeen, ScalingInput, Seen, Served, Short, Spent,
    StageDemand, TokenMix, Units,
};
pub use learn::WORTH;
pub use memory::{
    Aside, AsideCause, Back, Comes, Kept, Learning, Least, Memory, Ongoing, Point, Shown,
    SourceMemory, StageMemory, Waiting,
};
pub use outcome::{
    Band, Cost, Event, EventKind, PoolScaling, Scaling, SourceScaling, StageScaling,
};
pub use profile::{inside_slo, learned, throughput, worth};
pub use rank::{UnitLoad, UnitStanding, cheapest_to_lose};
pub use record::{
    DecisionRecord, DoneOutcome, DoneRecord, ForecasterRecord, RECORD_VERSION, in_force,
};
pub use said::SaidRecord;
pub use tuning::Tuning;

use crate::id::Name;
use crate::units::Span;
use demand::Load;
use fleet::Pool;
use std::collections::BTreeMap;

/// By how much clocks may differ.
const CLOCKS: Span = Span::from_secs(300);

/// Decides how many units each pool should have. Pure: the same input, the same
/// decision.
pub fn scale(input: &ScalingInput<'_>) -> Scaling {
    if input.memory.at.is_some_and(|at| time::between(input.now, at) > CLOCKS) {
        let drain = input.planning.environment.burst.scale_in.drain;
        let memory = input.memory.clone().not_after(input.now, drain);
        return scale(&ScalingInput { memory: &memory, ..*input });
    }
    let decision = crate::decide::decide(&input.planning);
    let mut events = Vec::new();
    let kept = kept::pools(input, &mut events);
    let mut pools = fleet::pools(input, &decision, &mut events);
    for pool in &mut pools {
        pool.drain_given_up = kept.get(pool.name).map(|kept| kept.hold(input));
    }
    finish::notice_others(input, &mut pools);
    hands::set_floors(input, &mut pools);
    release::keep_idle(input, &mut pools);
    place::close(input, &mut pools);
    let mut purse = purse::Purse::new(input, &pools);
    apart::bound(input, &mut pools, &purse);
    place::raise_to_floors(input.now, &mut pools, &mut purse);
    // What goes by somebody's word is made up for by the same decision.
    release::release_set(input, &mut pools);

    let mut of_stage: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
    for (at, pool) in pools.iter().enumerate() {
        of_stage.entry(pool.stage).or_default().push(at);
    }
    let mut stages = BTreeMap::new();
    let mut worth = input.memory.worth.clone();
    worth.retain(|name, _| pools.iter().any(|pool| pool.name == name));
    let mut memory = Memory { at: Some(input.now), kept, ..Memory::default() };
    let mut scaled = Vec::with_capacity(of_stage.len());
    for (name, of_stage) in of_stage {
        let mut remembered = input.memory.stages.get(name).cloned().unwrap_or_default();
        let (stage, load) = scale_stage(
            input,
            (name, &of_stage),
            &mut pools,
            &mut purse,
            &mut remembered,
            &mut events,
        );
        learn::learn(input, (name, &of_stage), &pools, &mut remembered, &mut worth);
        scaled.push((name, of_stage, stage, load, remembered));
    }
    // What any stage needs is bought before what would only be cheaper.
    for (name, of_stage, mut stage, load, mut remembered) in scaled {
        back::step(input, &mut pools, &of_stage, (&load, &mut remembered), &mut purse);
        stage.after = release::capacity_of(&pools, &of_stage);
        stages.insert(name.clone(), stage);
        memory.stages.insert(name.clone(), remembered);
    }
    memory.worth = worth;
    finish::finish(input, pools, stages, events, memory)
}

fn scale_stage<'a>(
    input: &ScalingInput<'a>,
    (name, of_stage): (&Name, &[usize]),
    pools: &mut [Pool<'_>],
    purse: &mut purse::Purse<'_>,
    memory: &mut StageMemory,
    events: &mut Vec<Event>,
) -> (StageScaling, Load<'a>) {
    let mut load = Load::of(input, name);
    let window = input.planning.environment.burst.scale_in.stabilization;
    if let Some(began) = load.panic(input, memory) {
        let (kind, text) = match began {
            true => (EventKind::PanicBegan, "the load has risen suddenly: nothing is scaled in"),
            false => (EventKind::PanicEnded, "the load is as it was for a while"),
        };
        events.push(Event { kind, about: name.clone(), text: text.to_owned() });
    }
    let serving = of_stage.iter().map(|&at| pools[at].capacity_serving()).sum();
    let coming = of_stage.iter().map(|&at| pools[at].capacity_coming()).sum();
    autoscaler::watch(input, pools, of_stage, &load, events);
    let placed = place::place(input, pools, of_stage, &load, purse);
    let need = load.need(place::slowest(pools, of_stage)).capacity.max(placed.need.capacity);
    load.remember(need, window, memory);
    let mut holds = Vec::new();
    release::release(input, pools, of_stage, &load, memory, &mut holds);
    let known = load.is_known();
    let all_seen = of_stage.iter().all(|&at| pools[at].visible);
    let certain = load.now.is_some() && load.doubt.is_none() && all_seen;
    let shed = match load.now {
        Some(now) if certain => finish::shed(now, serving),
        _ => <_>::default(),
    };
    let scaled = StageScaling {
        demand: load.now,
        band: load.band(),
        doubt: load.doubt.clone(),
        expected: known.then_some(placed.need.load),
        expected_by: placed.need.by,
        lead: placed.lead,
        need: known.then_some(placed.need.capacity),
        serving,
        coming,
        after: release::capacity_of(pools, of_stage),
        unmet: placed.unmet,
        shed,
        panic: memory.panic_until.is_some(),
        holds,
    };
    let quiet = input.tuning.panic_short;
    let all = ongoing::Known { need: known, served: certain };
    ongoing::tell((name, input.now), (&scaled, all), quiet, memory, events);
    budgets::tell(input, pools, (name, of_stage), (memory, known), events);
    (scaled, load)
}

#[cfg(test)]
mod tests;
