//! Troubles, named, with the next step.

use super::view::ProblemView;
use crate::observe::{Problem, ProblemKind};

impl From<&Problem> for ProblemView {
    fn from(problem: &Problem) -> Self {
        let (kind, help) = known(problem.kind);
        Self {
            kind: kind.into(),
            units: problem.units,
            message: problem.message.clone(),
            help: help.map(Into::into),
        }
    }
}

impl ProblemView {
    /// In words: `image cannot be pulled`.
    pub(in crate::render) fn title(&self) -> String {
        match self.kind.as_str() {
            "image_pull" => "image cannot be pulled".into(),
            "crash_loop" => "starts and crashes again".into(),
            "unschedulable" => "no node has room".into(),
            "refused" => "creation refused".into(),
            "insufficient_capacity" => "AWS has no capacity".into(),
            "starting" => "starting".into(),
            _ => "not ready".into(),
        }
    }
}

/// Its name in documents, and what to do.
fn known(kind: ProblemKind) -> (&'static str, Option<&'static str>) {
    match kind {
        ProblemKind::ImagePull => {
            ("image_pull", Some("check the stage's `image` and that the nodes may pull it"))
        }
        ProblemKind::CrashLoop => {
            ("crash_loop", Some("read the last run's log: kubectl logs --previous"))
        }
        ProblemKind::Unschedulable => (
            "unschedulable",
            Some("free or add nodes that fit, or lower the pool's min; check selectors and taints"),
        ),
        ProblemKind::Refused => {
            ("refused", Some("raise the namespace's quota or limits, or lower the pool's max"))
        }
        ProblemKind::InsufficientCapacity => (
            "insufficient_capacity",
            Some("add an instance type, subnet or region to the pool, or wait"),
        ),
        ProblemKind::Starting => ("starting", None),
        ProblemKind::Other => ("other", None),
    }
}
