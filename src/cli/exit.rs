//! How a command ends.

use crate::pipeline;
use crate::plan::{FailureKind, PlanError, PortError};
use crate::render::error::ErrorView;
use std::process::ExitCode;

/// Exit codes; stable, and listed in `floodway --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Changes = 2,
    NotYet = 3,
    Abort = 4,
    Stale = 10,
    Locked = 11,
    Refused = 12,
    Partly = 13,
    Usage = 64,
    Invalid = 65,
}

impl Exit {
    /// With results that could not be printed. What went wrong with the work
    /// itself says more.
    pub(super) fn with_output(self, lost: bool) -> Self {
        match self {
            Self::Done | Self::Changes if lost => Self::Failed,
            exit => exit,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// None: it has been told already.
    pub(super) view: Option<ErrorView>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, view: Some(ErrorView::message(message)) }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// What went wrong has been printed.
    pub(super) fn told(exit: Exit) -> Self {
        Self { exit, view: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.view = self.view.map(|view| view.help(help));
        self
    }

    /// Something about a file.
    pub(super) fn file(
        path: &std::path::Path,
        what: &str,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        let mut view = ErrorView::new(error);
        view.message = format!("{} {what}: {}", path.display(), view.message);
        Self { exit: Exit::Failed, view: Some(view) }
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        pipeline::Error::from(error).into()
    }
}

impl From<pipeline::Error> for Failure {
    fn from(error: pipeline::Error) -> Self {
        use pipeline::Error;
        let exit = match &error {
            Error::Place(port) => match port.kind {
                FailureKind::Locked => Exit::Locked,
                FailureKind::Stale => Exit::Stale,
                _ => Exit::Failed,
            },
            Error::Refused(_) | Error::Elsewhere { .. } => Exit::Refused,
            Error::Stale(_) => Exit::Stale,
            Error::Plan(PlanError::Cycle(_)) => Exit::Failed,
            Error::Plan(_) => Exit::Usage,
            Error::Desired(_) | Error::Rejected(_) => Exit::Failed,
        };
        let mut view = ErrorView::new(&error);
        match &error {
            Error::Place(port) => view.help = port.help.iter().cloned().collect(),
            Error::Refused(refusals) => {
                view.help = refusals.iter().map(|r| r.help.clone()).collect()
            }
            Error::Stale(stale) => {
                view.message = "the plan is stale, so nothing was written".to_owned();
                view.causes = stale.iter().map(ToString::to_string).collect();
                view = view.help("plan again, read what changed, and apply the new plan");
            }
            Error::Elsewhere { .. } => view = view.help("check the context, account and region"),
            Error::Rejected(failure) => view = failure.into(),
            Error::Desired(_) | Error::Plan(_) => {}
        }
        Self { exit, view: Some(view) }
    }
}
