//! Wave after wave.

use super::run::{Executor, State, wait_for_stop};
use super::{Entry, Event, Gate, Halt, HaltKind, Outcome, WaveState};
use std::collections::{BTreeMap, BTreeSet};

impl Executor<'_> {
    /// Runs the changes `todo`, each wave when all of those before it is done and
    /// nothing speaks against it.
    pub(super) async fn run_waves(&self, todo: &BTreeSet<usize>, state: &mut State) {
        let mut waves: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
        for &index in todo {
            waves.entry(self.plan.changes[index].wave).or_default().insert(index);
        }
        let mut waves = waves.into_iter().peekable();
        if let Some(&(first, _)) = waves.peek() {
            self.tell_of_first(first);
        }
        while let Some((wave, changes)) = waves.next() {
            if state.stopped.is_none() {
                state.stopped = self.begins(wave, changes.len()).await;
            }
            self.run_all(changes.clone(), state).await;
            if state.stopped.is_some() {
                continue;
            }
            let done = |&index: &usize| state.outcomes[index] == Some(Outcome::Done);
            if changes.iter().all(done) {
                self.pass(wave, &changes, state).await;
            } else if waves.peek().is_some() {
                state.stopped = Some(format!("{} was not finished", self.name(wave)));
            }
        }
    }

    /// Where an apply begins behind the first wave, it says so: what an apply that was
    /// cut off has still waited for is waited for no more.
    fn tell_of_first(&self, first: u32) {
        let before = match first {
            0 | 1 => return,
            2 => "wave 1".to_owned(),
            _ => format!("waves 1 to {}", first - 1),
        };
        let name = self.name(first);
        let message =
            format!("nothing is left to do in {before}, or to wait for: this begins with {name}");
        (self.listener)(&Event::Noted { message });
    }

    /// A wave begins; where that cannot be recorded, why.
    async fn begins(&self, wave: u32, changes: usize) -> Option<String> {
        let waves = self.plan.waves.as_ref().filter(|_| wave > 0)?;
        let (of, pools) = (waves.count(), waves.of(wave).to_vec());
        let unrecorded = self.came(wave, WaveState::Begun).await;
        if unrecorded.is_none() {
            (self.listener)(&Event::WaveStarted { wave, of, pools, changes });
        }
        unrecorded
    }

    /// Waits after a wave, all of which is done. What is written of the whole (the
    /// parent of the set) is nothing to wait for.
    async fn pass(&self, wave: u32, changes: &BTreeSet<usize>, state: &mut State) {
        let parent = |&index: &usize| self.plan.changes[index].id.is_parent_of(&self.plan.mark);
        let Some(waves) = self.plan.waves.as_ref().filter(|_| wave > 0) else { return };
        let Some(gate) = self.gate.filter(|_| !changes.iter().all(parent)) else { return };
        let (of, wait) = (waves.count(), waves.wait);
        // Whoever is told of it finds it in the journal.
        state.stopped = self.came(wave, WaveState::Waiting).await;
        if state.stopped.is_some() {
            return;
        }
        (self.listener)(&Event::WaveWaiting { wave, of, wait });
        match self.waited(gate, wave).await {
            Ok(()) => {
                (self.listener)(&Event::WavePassed { wave, of });
                state.stopped = self.came(wave, WaveState::Passed).await;
            }
            Err(Halt { kind, because }) => {
                (self.listener)(&Event::Stopping { because: because.clone() });
                (state.stopped, state.halted) = (Some(because), Some(kind));
            }
        }
    }

    async fn waited(&self, gate: &dyn Gate, wave: u32) -> Result<(), Halt> {
        let mut stop = self.stop.clone();
        tokio::select! {
            passed = gate.pass(wave) => passed,
            because = wait_for_stop(&mut stop) => Err(Halt {
                kind: HaltKind::Interrupted,
                because: format!("{because}, while it was waited after {}", self.name(wave)),
            }),
        }
    }

    async fn came(&self, wave: u32, state: WaveState) -> Option<String> {
        let of = self.plan.waves.as_ref()?.count();
        self.record(&Entry::Wave { at: self.clock().now(), wave, of, state }).await
    }

    /// `wave 2 of 3`
    fn name(&self, wave: u32) -> String {
        let of = self.plan.waves.as_ref().map_or(wave, crate::plan::WavePlan::count);
        format!("wave {wave} of {of}")
    }
}
