//! Pools whose number an autoscaler owns: what it can still add counts for scale-out
//! as long as it can be expected to add it.

use super::demand::Load;
use super::fleet::Pool;
use super::hold::{Hold, HoldCause, plain};
use super::input::{Hindrance, ScalingInput};
use super::memory::Hindered;
use super::outcome::{Event, EventKind};
use super::time::between;
use crate::units::Rate;

/// Looks whether the autoscalers of a stage raise their numbers while the load asks for
/// more than all that is asked for. One that has not for as long as a launch takes is
/// not counted on any more, until its number moves as the load does. One that says
/// itself that it cannot is not waited for at all.
pub(super) fn watch(
    input: &ScalingInput<'_>,
    pools: &mut [Pool<'_>],
    stage: &[usize],
    load: &Load<'_>,
    events: &mut Vec<Event>,
) {
    let asked: Rate = stage.iter().map(|&at| pools[at].capacity()).sum();
    let short = load.seen() > asked;
    for &at in stage {
        let pool = &mut pools[at];
        if !pool.is_autoscaled() || !pool.visible {
            continue;
        }
        let patience = pool.delays.cold.p95.max(input.tuning.autoscaler_after);
        let gave_up = |since| between(since, input.now) > patience;
        for source in pool.sources.iter_mut().filter(|source| source.exists) {
            let asked = source.units.asked();
            let before = source.memory.asked.unwrap_or(asked);
            let acts = asked > before || asked < before && !short || asked >= pool.decided.max;
            let since = source.memory.unraised_since.filter(|_| !acts);
            let since = since.filter(|since| short || gave_up(*since));
            source.memory.unraised_since = since.or((short && !acts).then_some(input.now));
            pool.unraised_since = since.filter(|since| gave_up(*since));
        }
        events.extend(hindered(input, pool));
    }
}

/// That an autoscaler cannot act, when that begins, and when it can again for a while.
fn hindered(input: &ScalingInput<'_>, pool: &mut Pool<'_>) -> Option<Event> {
    let memory = &mut pool.sources.first_mut()?.memory.hindered;
    let (kind, text) = match (&pool.hindrance, &mut *memory) {
        (Some(Hindrance::Cannot(why)), None) => {
            *memory = Some(Hindered { since: input.now, gone_since: None });
            let text = format!("its autoscaler cannot act, and is not waited for: {why}");
            (EventKind::AutoscalerStuck, text)
        }
        (Some(Hindrance::Cannot(_)), Some(known)) => {
            known.gone_since = None;
            return None;
        }
        (_, Some(known)) => {
            let gone = *known.gone_since.get_or_insert(input.now);
            if between(gone, input.now) < input.tuning.panic_short {
                return None;
            }
            *memory = None;
            (EventKind::AutoscalerActs, "its autoscaler can act again".to_owned())
        }
        (_, None) => return None,
    };
    Some(Event { kind, about: pool.name.clone(), text })
}

/// Says of pools that are not counted on to grow why that is: of one whose autoscaler
/// cannot act always, of the others while more is needed than on-prem has.
pub(super) fn tell(pools: &mut [Pool<'_>], stage: &[usize], need: Rate) {
    let onprem = stage.iter().filter(|&&at| pools[at].is_onprem());
    let onprem: Rate = onprem.map(|&at| pools[at].capacity()).sum();
    for &at in stage {
        let pool = &mut pools[at];
        if !pool.is_autoscaled() || !pool.visible {
            continue;
        }
        let (name, now, max) = (pool.name, pool.now(), pool.decided.max);
        let text = match (&pool.hindrance, pool.unraised_since) {
            (Some(Hindrance::Cannot(why)), _) => {
                format!("the autoscaler of {name} cannot act: {why}")
            }
            _ if need <= onprem => continue,
            (Some(Hindrance::AtMax(why)), _) if now < max => {
                format!("the autoscaler of {name} is at its own max, {now} of {max}: {why}")
            }
            (_, Some(since)) => format!(
                "the autoscaler of {name} does not raise it: {now} of {max} since {}, with {need} \
                 needed",
                since.strftime("%H:%M:%S"),
            ),
            (_, None) => continue,
        };
        pool.holds.push(Hold::out(HoldCause::Autoscaler, plain(text)));
    }
}
