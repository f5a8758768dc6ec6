//! What is really there: data only, as the backends saw it.

mod body;
mod inventory;
mod lookup;
pub mod marks;
mod path;
mod resource;
mod workload;

pub use body::{Body, Pattern};
pub use inventory::{Capabilities, Gap, Inventory, LastApply, Location, Mark};
pub use lookup::{Lookup, Sought};
pub use path::FieldPath;
pub use resource::{Live, Ownership, ResourceId, RuntimeField, Side, Taken};
pub use workload::{Health, Node, Problem, ProblemKind, Taint, Unit, Workload};
