//! Pools whose number an autoscaler owns: what it can still add counts for scale-out
//! as long as it can be expected to add it.

use super::demand::Load;
use super::fleet::Pool;
use super::hold::{Hold, HoldCause, plain};
use super::input::ScalingInput;
use super::time::between;
use crate::units::Rate;

/// Looks whether the autoscalers of a stage raise their numbers while the load asks for
/// more than all that is asked for. One that has not for as long as a launch takes is
/// not counted on any more, until its number moves as the load does.
pub(super) fn watch(
    input: &ScalingInput<'_>,
    pools: &mut [Pool<'_>],
    stage: &[usize],
    load: &Load<'_>,
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
    }
}

/// Says of pools that are not counted on to grow why that is, while more is needed
/// than on-prem has.
pub(super) fn tell(pools: &mut [Pool<'_>], stage: &[usize], need: Rate) {
    let onprem = stage.iter().filter(|&&at| pools[at].is_onprem());
    let onprem: Rate = onprem.map(|&at| pools[at].capacity()).sum();
    if need <= onprem {
        return;
    }
    for &at in stage {
        let pool = &mut pools[at];
        let Some(since) = pool.unraised_since else { continue };
        let text = format!(
            "the autoscaler of {} does not raise it: {} of {} since {}, with {need} needed",
            pool.name,
            pool.now(),
            pool.decided.max,
            since.strftime("%H:%M:%S"),
        );
        pool.holds.push(Hold::out(HoldCause::Autoscaler, plain(text)));
    }
}
