//! What operators say by hand, in a world.

use super::world::World;
use crate::observe::Hands;
use crate::plan::PortError;
use crate::port::Said;

impl World {
    pub(super) fn said(&self) -> Result<Said, PortError> {
        let text = self.hands.as_deref();
        Said::of(text, text.unwrap_or_default().to_owned(), "the simulated world")
    }

    pub(super) fn say(&mut self, hands: &Hands, over: &Said) -> Result<(), PortError> {
        if self.hands.as_deref().unwrap_or_default() != over.version {
            return Err(Said::overtaken());
        }
        self.hands = hands.to_text();
        Ok(())
    }
}
