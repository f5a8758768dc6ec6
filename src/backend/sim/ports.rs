//! The simulator behind the ports.

use super::store::Store;
use super::world::World;
use super::{Scenario, apply, faults, nodes, scenario};
use crate::clock::{Clock, Timestamp};
use crate::observe::{Inventory, Location, Ownership, ResourceId, Side, Workload, marks};
use crate::plan::{CheckRequest, FailureKind, PortError, Step, Verdict};
use crate::port::{Act, Backend, Check, Lease, Locate, Lock, Observe, Progress, Scope};
use crate::spec::Environment;
use async_trait::async_trait;
use fs4::FileExt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A simulated world that both sides of an environment can live in.
pub struct Simulator {
    store: Store,
    lock: Locking,
    scope: Scope,
}

type Holder = Arc<Mutex<Option<String>>>;

enum Locking {
    Memory(Holder),
    File(PathBuf),
}

impl Simulator {
    /// A world that lasts as long as this value.
    pub fn in_memory(environment: &Environment, scope: Scope, scenario: Scenario) -> Arc<Self> {
        let world = World::new(furnished(environment, scenario));
        let store = Store::Memory(Box::new(Mutex::new(world)));
        Arc::new(Self { store, lock: Locking::Memory(Arc::default()), scope })
    }

    /// The world kept under `root/.floodway/sim`; `scenario` counts when it is
    /// made.
    ///
    /// # Errors
    /// A file that is damaged, or that cannot be read or written.
    pub fn on_disk(
        root: &Path,
        environment: &Environment,
        scope: Scope,
        scenario: Scenario,
    ) -> Result<Arc<Self>, PortError> {
        let name = &scope.mark.environment;
        let store = Store::file(root, name, || World::new(furnished(environment, scenario)))?;
        let lock = root.join(".floodway").join("sim").join(format!("{name}.lease"));
        Ok(Arc::new(Self { store, lock: Locking::File(lock), scope }))
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
            // One world, one lock.
            lock: (side == Side::Kubernetes).then(|| Arc::clone(self) as _),
            clock: Arc::clone(self) as _,
        }
    }

    /// Looks at the world; for tests and reports.
    ///
    /// # Errors
    /// As its file.
    pub fn world(&self) -> Result<World, PortError> {
        self.store.read(World::clone)
    }

    /// Changes the world as others than Floodway do.
    ///
    /// # Errors
    /// As its file.
    pub fn disturb(&self, what: scenario::Actor) -> Result<(), PortError> {
        self.store.write(|world| world.disturb(what))
    }
}

impl World {
    fn disturb(&mut self, what: scenario::Actor) {
        let at = crate::units::Span::from_millis(self.now);
        self.scenario.events.insert(self.happened, scenario::Event { at, what });
        self.settle();
    }
}

fn furnished(environment: &Environment, mut scenario: Scenario) -> Scenario {
    if scenario.nodes.is_empty() {
        scenario.nodes = nodes::nodes_for(environment);
    }
    let declared = environment.aws.as_ref().and_then(|aws| aws.account.clone());
    scenario.account = scenario.account.or(declared);
    scenario
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
        self.simulator.store.read(|world| world.inventory(scope, self.side))
    }
}

#[async_trait]
impl Check for OneSide {
    async fn check(&self, request: &CheckRequest) -> Verdict {
        let verdict = self.simulator.store.read(|world| self.ask(world, request));
        verdict.unwrap_or_else(Verdict::Rejected)
    }
}

impl OneSide {
    fn ask(&self, world: &World, request: &CheckRequest) -> Verdict {
        let id = &request.id;
        if let Err(error) = world.admit(id, &request.body) {
            return Verdict::Rejected(error);
        }
        let Some(live) = world.objects.get(id) else { return Verdict::Accepted };
        let ownership = world.ownership(&self.simulator.scope, id);
        if !request.exists && ownership != Ownership::Ours {
            return Verdict::Taken(Box::new(world.live(id, live, ownership)));
        }
        if id.side == Side::Aws {
            return Verdict::Accepted;
        }
        let mut object = live.clone();
        match apply::apply(&mut object, id, marks::MANAGER, &request.body, &request.takes) {
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
        let settled = Workload { observed: true, ..Workload::default() };
        self.simulator.store.read(|world| {
            let exists = world.objects.contains_key(id);
            exists.then(|| world.units(id).unwrap_or(settled))
        })
    }
}

#[async_trait]
impl Clock for Simulator {
    fn now(&self) -> Timestamp {
        self.store.read(World::now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    async fn sleep(&self, duration: Duration) {
        // A world that cannot be written shows it at the next call that can say so.
        let _ = self.store.pass(|world| world.advance(duration));
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Lock for Simulator {
    async fn acquire(&self, _: &Scope, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
        match &self.lock {
            Locking::Memory(mutex) => {
                let mut held = mutex.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(other) = held.as_ref() {
                    return Err(locked(other));
                }
                *held = Some(holder.to_owned());
                Ok(Arc::new(Held { file: None, memory: Some(Arc::clone(mutex)) }))
            }
            Locking::File(path) => lock_file(path, holder),
        }
    }
}

/// The operating system frees the lock when its holder ends, however it ends.
fn lock_file(path: &Path, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
    let failed = |error: std::io::Error| PortError {
        kind: FailureKind::Other,
        message: format!("the lock {} cannot be taken: {error}", path.display()),
        help: None,
    };
    let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    let mut file = open.map_err(failed)?;
    if FileExt::try_lock(&file).is_err() {
        let mut other = String::new();
        let _ = file.read_to_string(&mut other);
        return Err(locked(other.trim()));
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(holder.as_bytes())
    };
    write(&mut file).map_err(failed)?;
    Ok(Arc::new(Held { file: Some(file), memory: None }))
}

fn locked(holder: &str) -> PortError {
    PortError {
        kind: FailureKind::Locked,
        message: format!("another apply is under way: {holder}"),
        help: Some("wait until it ends, then try again".to_owned()),
    }
}

struct Held {
    file: Option<File>,
    memory: Option<Holder>,
}

#[async_trait]
impl Lease for Held {
    async fn renew(&self) -> Result<(), PortError> {
        Ok(())
    }

    async fn release(&self) -> Result<(), PortError> {
        if let Some(file) = &self.file {
            let _ = FileExt::unlock(file);
        }
        if let Some(memory) = &self.memory {
            *memory.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(())
    }
}
