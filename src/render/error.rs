//! Errors, for the person who meets them.

use super::style::{Ink, Style};
use super::text::{Line, Screen, count};
use crate::plan::{PlanFailure, PortError, Stale};
use schemars::JsonSchema;
use serde::Serialize;
use std::error::Error;

/// What is wrong, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorView {
    /// What is wrong, in a sentence.
    pub message: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}

impl ErrorView {
    /// An error and its chain of causes. A cause that its effect already quotes
    /// is not told twice.
    pub fn new(error: &(dyn Error + 'static)) -> Self {
        let mut view = Self::message(error.to_string());
        let mut quoted = view.message.clone();
        let mut cause = Some(error);
        while let Some(error) = cause {
            view.help.extend(error.downcast_ref::<PortError>().and_then(|port| port.help.clone()));
            cause = error.source();
            if let Some(text) = cause.map(ToString::to_string).filter(|t| !quoted.contains(t)) {
                quoted.clone_from(&text);
                view.causes.push(text);
            }
        }
        view
    }

    /// A saved plan that is not good any more: what changed since it was made.
    pub fn stale(changed: &[Stale]) -> Self {
        let things = count(changed.len(), "thing");
        let message = format!("the plan is stale: {things} changed since it was made");
        let causes = changed.iter().map(ToString::to_string).collect();
        let help = "nothing was written; plan again, and apply the new plan".to_owned();
        Self { message, causes, help: vec![help] }
    }

    /// An error that is only words.
    pub fn message(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), help: Vec::new() }
    }

    /// With what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

impl From<&PlanFailure> for ErrorView {
    fn from(failure: &PlanFailure) -> Self {
        let mut view = Self::message(failure.to_string());
        let rejected = &failure.rejected;
        if rejected.len() > 1 {
            view.causes = rejected.iter().map(|(id, error)| format!("{id}: {error}")).collect();
        }
        for help in rejected.iter().filter_map(|(_, error)| error.help.as_ref()) {
            if !view.help.contains(help) {
                view.help.push(help.clone());
            }
        }
        view
    }
}

/// An error as text: `error:`, `caused by:`, `help:`.
pub fn text(view: &ErrorView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    print_error(&mut screen, 0, view);
    screen.finish()
}

/// An error on a screen that shows more.
pub(super) fn print_error(screen: &mut Screen<'_>, indent: usize, view: &ErrorView) {
    let mut say = |indent, ink, head: &str, text: &str| {
        // Messages of servers come in lines; each keeps its own.
        for (at, text) in text.lines().enumerate() {
            let head = if at == 0 { Line::of(ink, head) } else { Line::from("  ") };
            screen.hanging(indent, 2, &head.text(text));
        }
    };
    say(indent, Ink::Fail, "error: ", &view.message);
    for cause in &view.causes {
        say(indent + 2, Ink::Dim, "caused by: ", cause);
    }
    for help in &view.help {
        say(indent + 2, Ink::Strong, "help: ", help);
    }
}
