//! What is really there: data only, as the backends saw it.

mod autoscaler;
mod body;
mod halts;
mod hands;
mod image;
mod inventory;
mod lookup;
mod market;
pub mod marks;
mod path;
mod requirements;
mod reserved;
mod resource;
mod workload;

pub use autoscaler::Autoscaler;
pub use body::{Body, Pattern};
pub use halts::{Aborted, Lifted, Pause};
pub use hands::{GoneOn, HandHold, Hands, Override};
pub use image::{Build, MachineImage, MadeOf};
pub use inventory::{ByPool, Capabilities, Gap, Inventory, LastApply, Location, Mark};
pub use lookup::{Lookup, Sought};
pub use market::{Market, Offer, QuotaOf, SpotPrice};
pub use path::FieldPath;
pub use requirements::{Requirements, Within};
pub use reserved::Reserved;
pub use resource::{Live, Ownership, ResourceId, RuntimeField, Side, Taken};
pub use workload::{
    Failed, Health, Node, Problem, ProblemKind, Refresh, Taint, Unit, Wait, Workload,
};
