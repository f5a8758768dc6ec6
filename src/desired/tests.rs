use super::fixture::{self, environment};
use std::collections::BTreeSet;

#[test]
fn every_id_occurs_once_and_everything_waited_for_is_there() {
    let world = fixture::world(&environment(), &fixture::empty());
    let ids: BTreeSet<_> = world.resources.iter().map(|desired| desired.id.clone()).collect();
    assert_eq!(ids.len(), world.resources.len());
    for desired in &world.resources {
        for earlier in &desired.after {
            assert!(ids.contains(earlier), "{} waits for {earlier}", desired.id);
        }
    }
}

mod flows;
mod golden;
mod hostile;
mod pods;
mod shapes;
#[cfg(feature = "kube")]
mod typed;
