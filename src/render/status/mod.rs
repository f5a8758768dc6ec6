//! What runs now, for readers.

mod build;
mod decided;
mod pools;
mod print;
mod problem;
mod view;

pub use build::FORMAT_VERSION;
pub use print::text;
pub use view::{
    GapView, GpusView, GroupStatus, NodesView, PodsView, PoolStatus, ProblemView, StageStatus,
    StatusTotals, StatusView,
};
