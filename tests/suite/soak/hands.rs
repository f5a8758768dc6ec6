//! Operators, who hold a pool or everything for a while.

use super::{Ends, Soak};
use floodway::id::Name;
use floodway::observe::{HandHold, Hands, Side};
use floodway::port::{KeepHands, Said};
use std::sync::Arc;

/// Whether operators hold `pool` in the way that `which` tells.
pub fn held(hands: &Hands, pool: &Name, which: fn(&HandHold) -> bool) -> bool {
    let of_it = |hold: &&HandHold| hold.pool.as_ref().is_none_or(|own| own == pool);
    hands.holds.iter().filter(of_it).any(which)
}

impl Soak {
    fn keeper(&self) -> Arc<dyn KeepHands> {
        self.world.backend(Side::Kubernetes).hands.unwrap()
    }

    /// What operators say.
    pub async fn said(&self) -> Said {
        self.keeper().read(&self.controller.session.scope([])).await.unwrap()
    }

    /// They say something else.
    pub async fn say(&self, change: impl FnOnce(&mut Hands)) {
        let said = self.said().await;
        let mut hands = said.hands.clone();
        change(&mut hands);
        let scope = self.controller.session.scope([]);
        self.keeper().write(&scope, &hands, &said).await.unwrap();
    }

    /// They hold something until the turn `ends`, in one direction or both.
    pub async fn hold_by_hand(&mut self, ends: u32) {
        let pools = [None, Some("g6e"), Some("h100")];
        let pool = pools[self.below(3) as usize].map(|name| name.parse::<Name>().unwrap());
        let directions = [(true, false), (false, true), (true, true)];
        let (scale_in, scale_out) = directions[self.below(3) as usize];
        let (of, reason) = (pool.clone(), "the soak".to_owned());
        let hold = HandHold { pool: of, scale_in, scale_out, reason, ..HandHold::default() };
        self.say(|hands| hands.hold(hold)).await;
        self.ends.push((ends, Ends::Hold(pool)));
    }
}
