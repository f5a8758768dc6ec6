//! The pictures: where everything stands, so that templates only draw.

use super::PhaseState;
use schemars::JsonSchema;
use serde::Serialize;

/// The phases on a line of time. Coordinates are in a picture of `width` × `height`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimelineView {
    /// Whether the file says on which day: else the first phase begins on day 1.
    pub dated: bool,
    /// Width of the picture.
    pub width: i64,
    /// Height of the picture.
    pub height: i64,
    /// Where the names end and the time begins.
    pub left: i64,
    /// Where the time ends.
    pub right: i64,
    /// Where the bars begin.
    pub top: i64,
    /// Where the bars end.
    pub bottom: i64,
    /// How a Mermaid Gantt writes its axis.
    pub axis: String,
    /// The phases, earliest first.
    pub bars: Vec<BarView>,
    /// Marks on the axis.
    pub ticks: Vec<TickView>,
    /// Promotions and rollbacks, where days are known.
    pub milestones: Vec<MilestoneView>,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BarView {
    /// The phase.
    pub name: String,
    /// Where it is on the way.
    pub state: PhaseState,
    /// `1-2 weeks`, or nothing.
    pub label: String,
    /// The day it begins, `2026-12-01`; without days in the file counted from 1970-01-01.
    pub start: String,
    /// Days that it takes at most; 0: the file does not say.
    pub days: i64,
    /// Left end.
    pub x: i64,
    /// Upper end.
    pub y: i64,
    /// How long it takes at least.
    pub least: i64,
    /// How long it takes at most.
    pub most: i64,
    /// Height.
    pub height: i64,
    /// Where the middle of a line of text stands.
    pub middle: i64,
    /// Where the label stands.
    pub label_x: i64,
    /// On which side of that: `start` or `end`.
    pub anchor: String,
}

/// A mark on the axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TickView {
    /// Where.
    pub x: i64,
    /// What it says.
    pub label: String,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MilestoneView {
    /// What: `promoted to short`.
    pub label: String,
    /// The day.
    pub day: String,
    /// Where.
    pub x: i64,
}

/// The steps as boxes and arrows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FlowchartView {
    /// The phases with their boxes.
    pub phases: Vec<FlowPhaseView>,
    /// The arrows.
    pub links: Vec<LinkView>,
}

/// A phase in the picture of the steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FlowPhaseView {
    /// Its name in the picture.
    pub id: String,
    /// The phase.
    pub name: String,
    /// Its steps.
    pub boxes: Vec<BoxView>,
}

/// A step in the picture of the steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BoxView {
    /// Its name in the picture.
    pub id: String,
    /// The step.
    pub name: String,
    /// What it is.
    pub summary: String,
    /// Whether Floodway does not do it.
    pub manual: bool,
}

/// An arrow: first one, then the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LinkView {
    /// The earlier box.
    pub from: String,
    /// The later box.
    pub to: String,
}
