//! A rollout, for readers: one view, and what templates make of it.

mod build;
mod filters;
mod page;
mod templates;
mod view;

pub mod passed;
pub mod records;
pub mod status;

pub use build::{FORMAT_VERSION, Input};
pub use page::{DocumentError, Format, document};
pub use templates::{EMBEDDED, FOLDER, Templates};
pub use view::{
    BarView, BoxView, CriterionView, ExpectedSloView, FieldChangeView, FlowPhaseView,
    FlowchartView, GoalView, LinkView, MilestoneView, NextView, PassageView, PhaseChangeView,
    PhasePlanView, PhaseState, PhaseView, ReachView, RecordRowView, RecordView, RiskView,
    RolloutView, SettingView, StageReachView, StartView, StepView, SummaryView, TickView, TileView,
    TimelineView, Tone, VerdictView,
};
