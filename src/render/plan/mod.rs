//! A plan, for readers.

mod build;
mod print;
mod terraform;
mod view;

pub use build::FORMAT_VERSION;
pub use print::{Detail, text};
pub(super) use print::{listed_pools, symbol};
pub use terraform::{ChangeBodies, PlanDocument, ResourceChange, json};
pub use view::{
    ActionView, AmountView, ChangeView, CostView, DiffersView, EnvironmentView, FieldView,
    FlowView, ImageView, MarketCostView, OwnedView, OwnerView, PackageView, PlaceView, PlanView,
    PoolView, PriceView, ReasonView, RefusalView, SpotView, StageCapacityView, TotalsView,
    UncheckedView, WaveView, WavesView,
};
