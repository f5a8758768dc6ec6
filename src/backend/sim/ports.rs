//! The simulator behind the ports.

use super::lock::Locking;
use super::store::Store;
use super::world::World;
use super::{Scenario, apply, faults, nodes, scenario};
use crate::clock::{Clock, Timestamp};
use crate::observe::{Hands, Inventory, Location, Ownership, ResourceId, Side, Workload, marks};
use crate::plan::{CheckRequest, PortError, Step, Verdict};
use crate::port::{
    Act, Backend, Check, Drain, KeepHands, KeepNotes, Leaving, Left, Locate, Lock, Notice, Observe,
    Progress, Purpose, Said, Scope, Tell,
};
use crate::spec::Environment;
use async_trait::async_trait;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A simulated world that both sides of an environment can live in.
pub struct Simulator {
    store: Store,
    lock: Arc<dyn Lock>,
    leadership: Arc<dyn Lock>,
    scope: Scope,
    /// Why time does not pass: a clock cannot say so itself.
    stuck: Mutex<Option<PortError>>,
}

impl Simulator {
    /// A world that lasts as long as this value.
    pub fn in_memory(environment: &Environment, scope: Scope, scenario: Scenario) -> Arc<Self> {
        Self::resumed(begin(environment, &scope, scenario), scope)
    }

    /// A copy of `world` that goes on by itself, as long as this value lasts.
    pub fn resumed(world: World, scope: Scope) -> Arc<Self> {
        let store = Store::Memory(Box::new(Mutex::new(world)));
        Arc::new(Self::of(store, |_| Locking::Memory(Arc::default()), scope))
    }

    /// The world kept in `folder`; `scenario` counts when it is made.
    ///
    /// # Errors
    /// A file that is damaged, or that cannot be read or written.
    pub fn on_disk(
        folder: &Path,
        environment: &Environment,
        scope: Scope,
        scenario: Scenario,
    ) -> Result<Arc<Self>, PortError> {
        let name = &scope.mark.environment;
        let store = Store::file(folder, name, || begin(environment, &scope, scenario))?;
        let lock = |purpose| {
            Locking::File(folder.join(match purpose {
                Purpose::Apply => format!("{name}.lease"),
                Purpose::Lead => format!("{name}.run.lease"),
            }))
        };
        Ok(Arc::new(Self::of(store, lock, scope.clone())))
    }

    fn of(store: Store, lock: impl Fn(Purpose) -> Locking, scope: Scope) -> Self {
        let [lock, leadership] =
            [Purpose::Apply, Purpose::Lead].map(|purpose| Arc::new(lock(purpose)) as Arc<dyn Lock>);
        Self { store, lock, leadership, scope, stuck: Mutex::default() }
    }

    /// The file of a world that was made with another scenario than this.
    ///
    /// # Errors
    /// As its file.
    pub fn kept_from_another(&self, scenario: &Scenario) -> Result<Option<&Path>, PortError> {
        let same = self.store.read(|world| world.asked == scenario.digest())?;
        Ok(self.store.path().filter(|_| !same))
    }

    /// One side of the world behind the ports.
    pub fn backend(self: &Arc<Self>, side: Side) -> Backend {
        let one = Arc::new(OneSide { simulator: Arc::clone(self), side });
        Backend {
            locate: Arc::clone(&one) as _,
            observe: Arc::clone(&one) as _,
            check: Arc::clone(&one) as _,
            act: Arc::clone(&one) as _,
            progress: Arc::clone(&one) as _,
            // One world, one lock: who takes those of both sides takes it once.
            lock: Some(Arc::clone(&self.lock)),
            leadership: Some(Arc::clone(&self.leadership)),
            drain: Some(Arc::clone(&one) as _),
            hands: Some(Arc::clone(&one) as _),
            notes: Some(Arc::clone(&one) as _),
            tell: Some(Arc::clone(&one) as _),
            calls: None,
            clock: Arc::clone(self) as _,
        }
    }

    /// Asks the world something.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&World) -> T) -> Result<T, PortError> {
        self.store.read(question)
    }

    /// Looks at the world; for tests and reports.
    ///
    /// # Errors
    /// As its file.
    pub fn world(&self) -> Result<World, PortError> {
        self.store.read(World::clone)
    }

    /// Whether its scenario says how much is asked of it.
    ///
    /// # Errors
    /// As its file.
    pub fn has_a_load(&self) -> Result<bool, PortError> {
        self.ask(|world| !world.scenario.load.is_empty())
    }

    /// Changes the world as others than Floodway do.
    ///
    /// # Errors
    /// As its file.
    pub fn disturb(&self, what: scenario::Actor) -> Result<(), PortError> {
        self.store.write(|world| world.disturb(what))
    }

    /// From now on no call fails, whatever the scenario says.
    ///
    /// # Errors
    /// As its file.
    pub fn forgive(&self) -> Result<(), PortError> {
        self.store.write(World::forgive)
    }
}

impl World {
    fn disturb(&mut self, what: scenario::Actor) {
        let at = crate::units::Span::from_millis(self.now);
        self.scenario.events.insert(self.happened, scenario::Event { at, what });
        self.settle();
    }
}

fn begin(environment: &Environment, scope: &Scope, mut scenario: Scenario) -> World {
    let asked = scenario.digest();
    if scenario.nodes.is_empty() {
        scenario.nodes = nodes::nodes_for(environment);
    }
    let declared = environment.aws.as_ref().and_then(|aws| aws.account.clone());
    scenario.account = scenario.account.or(declared);
    World { asked, ..World::new(&scope.mark.environment, scenario) }
}

struct OneSide {
    simulator: Arc<Simulator>,
    side: Side,
}

#[async_trait]
impl Locate for OneSide {
    async fn locate(&self) -> Result<Location, PortError> {
        self.simulator.store.read(|world| world.location(self.side))
    }
}

#[async_trait]
impl Observe for OneSide {
    async fn observe(&self, scope: &Scope) -> Result<Inventory, PortError> {
        let store = &self.simulator.store;
        if store.read(|world| world.lists_badly(self.side))? {
            return store.write(|world| world.list_badly(scope, self.side))?;
        }
        store.read(|world| world.inventory(scope, self.side))
    }
}

#[async_trait]
impl Check for OneSide {
    async fn check(&self, requests: &[CheckRequest]) -> Vec<Verdict> {
        let all = |world: &World| requests.iter().map(|r| self.ask(world, r)).collect();
        let verdicts = self.simulator.store.read(all);
        verdicts.unwrap_or_else(|error| vec![Verdict::Rejected(error); requests.len()])
    }
}

impl OneSide {
    fn ask(&self, world: &World, request: &CheckRequest) -> Verdict {
        let (id, body) = (&request.id, &request.body.value());
        if let Err(error) = world.admit(id, body) {
            return Verdict::Rejected(error);
        }
        let Some(live) = world.objects.get(id) else { return Verdict::Accepted };
        let ownership = world.ownership(&self.simulator.scope, id);
        // A namespace that somebody has just made is a namespace.
        let serves = id.kind == "Namespace" && ownership == Ownership::Unmarked;
        if !request.exists && ownership != Ownership::Ours && !serves {
            return Verdict::Taken(Box::new(world.live(id, live, ownership)));
        }
        if id.side == Side::Aws {
            return Verdict::Accepted;
        }
        let mut object = live.clone();
        match apply::apply(&mut object, id, marks::MANAGER, body, &request.takes) {
            Ok(()) if object.content == live.content => Verdict::Unchanged,
            Ok(()) => Verdict::Accepted,
            Err(error) => Verdict::Rejected(error),
        }
    }
}

#[async_trait]
impl Act for OneSide {
    async fn act(&self, step: &Step) -> Result<(), PortError> {
        self.simulator.store.write(|world| {
            let fault = world.take_fault(step.id());
            match fault {
                None => world.write(&self.simulator.scope, step),
                Some(scenario::FaultKind::TimeoutAfterEffect) => {
                    world.write(&self.simulator.scope, step)?;
                    Err(faults::error(scenario::FaultKind::TimeoutAfterEffect))
                }
                Some(fault) => Err(faults::error(fault)),
            }
        })?
    }
}

#[async_trait]
impl Progress for OneSide {
    async fn progress(&self, id: &ResourceId) -> Result<Option<Workload>, PortError> {
        // What is waited for never comes where time stands still.
        if let Some(stuck) =
            self.simulator.stuck.lock().unwrap_or_else(PoisonError::into_inner).clone()
        {
            return Err(stuck);
        }
        let settled = Workload { observed: true, ..Workload::default() };
        self.simulator.store.read(|world| {
            if id.kind == "InstanceRefresh" {
                return world.refresh_progress(&id.refreshed_group());
            }
            let exists = world.objects.contains_key(id);
            exists.then(|| world.units(id).unwrap_or(settled))
        })
    }
}

#[async_trait]
impl Drain for OneSide {
    async fn close(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.simulator.store.write(|world| world.close(&unit.instance))
    }

    async fn status(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.simulator.store.read(|world| world.standing(&unit.instance))
    }

    async fn begin(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.simulator.store.write(|world| world.begin_drain(&unit.instance))
    }

    async fn undo(&self, unit: &Leaving) -> Result<(), PortError> {
        self.simulator.store.write(|world| world.undo_drain(&unit.instance))
    }
}

#[async_trait]
impl KeepHands for OneSide {
    async fn read(&self, _: &Scope) -> Result<Said, PortError> {
        self.simulator.store.read(World::said)?
    }

    async fn write(&self, _: &Scope, hands: &Hands, over: &Said) -> Result<(), PortError> {
        self.simulator.store.write(|world| world.say(hands, over))?
    }
}

#[async_trait]
impl KeepNotes for OneSide {
    async fn read_notes(&self, _: &Scope) -> Result<Option<String>, PortError> {
        self.simulator.store.read(|world| world.notes.clone())
    }

    async fn note(&self, _: &Scope, text: &str) -> Result<(), PortError> {
        self.simulator.store.write(|world| world.notes = Some(text.to_owned()))
    }
}

#[async_trait]
impl Tell for OneSide {
    async fn tell(&self, _: &Scope, notice: &Notice) -> Result<bool, PortError> {
        self.simulator.store.write(|world| world.tell(notice))
    }
}

#[async_trait]
impl Clock for Simulator {
    fn now(&self) -> Timestamp {
        self.store.read(World::now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    async fn sleep(&self, duration: Duration) {
        let passed = self.store.pass(|world| world.advance(duration));
        *self.stuck.lock().unwrap_or_else(PoisonError::into_inner) = passed.err();
        tokio::task::yield_now().await;
    }
}
