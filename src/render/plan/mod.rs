//! A plan, for readers.

mod build;
mod print;
mod terraform;
mod view;

pub use build::FORMAT_VERSION;
pub(super) use print::symbol;
pub use print::{Detail, text};
pub use terraform::{ChangeBodies, PlanDocument, ResourceChange, json};
pub use view::{
    ActionView, AmountView, ChangeView, CostView, EnvironmentView, FieldView, FlowView,
    MarketCostView, OwnedView, OwnerView, PlaceView, PlanView, PoolView, PriceView, ReasonView,
    RefusalView, SpotView, StageCapacityView, TotalsView, UncheckedView,
};
