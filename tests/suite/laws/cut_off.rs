//! An apply that is cut off, at whichever call and however, and is repeated.

use super::cut::{Cut, how};
use super::declared::declared;
use super::heal::World;
use super::history::{edit, scale};
use super::place::{Place, shown};
use floodway::plan::PlanOptions;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn an_apply_that_was_cut_off_ends_where_an_uncut_one_ends_when_it_is_repeated(
        declared in declared(),
        edits in prop::collection::vec(prop::collection::vec(edit(), 1..4), 0..3),
        scales in prop::collection::vec(scale(), 0..3),
        at in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), how()), 1..3),
    ) {
        let mut whole = Place::new(declared);
        let last = at.index(edits.len() + 1);
        for edits in edits.iter().take(last) {
            whole.converge(World::Undisturbed);
            whole.edit(edits);
        }
        if last > 0 {
            scales.iter().for_each(|scale| whole.drift(scale));
        }
        let cut = whole.fork();
        whole.converge(World::Undisturbed);
        for (at, how) in cuts {
            cut_once(&cut, at, how);
        }
        cut.converge(World::Undisturbed);
        prop_assert_eq!(whole.settled(), cut.settled());
        for place in [&whole, &cut] {
            let refused = place.try_plan(&PlanOptions::default()).unwrap();
            prop_assert!(refused.is_empty(), "{}", shown(&refused));
        }
    }
}

/// Applies what is planned for `place`, cut at one of its calls.
fn cut_once(place: &Place, at: prop::sample::Index, how: super::cut::How) {
    let plan = place.plan();
    if !plan.refusals.is_empty() || !plan.has_work() {
        return;
    }
    let trial = Cut::new(usize::MAX, how);
    place.fork().apply_cut(&plan, &trial);
    let cut = Cut::new(at.index(trial.calls().max(1)), how);
    place.apply_cut(&plan, &cut);
}
