//! What a promotion or a rollback has written, and what to do next.

use crate::id::Name;
use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen};
use crate::spec::model::{Passage, Phase, PhaseStep};
use similar::TextDiff;

/// What was written.
#[derive(Debug, Clone, Copy)]
pub struct Passed<'p> {
    /// The environment's name.
    pub environment: &'p str,
    /// Its file.
    pub file: &'p str,
    /// The promotion, or the rollback.
    pub passage: &'p Passage,
    /// The phase that it leads on to; none: it leads back.
    pub onward: Option<&'p Phase>,
}

/// What was written, and what to do next, as text.
pub fn text(passed: &Passed<'_>, style: &Style) -> String {
    let Passed { environment, file, passage, onward } = passed;
    let mut screen = Screen::new(style);
    let (from, to) = (place(passage.from.as_ref()), place(passage.to.as_ref()));
    let head = Line::of(Ink::Strong, format!("{environment} goes from {from} to {to}"));
    screen.hanging(0, 2, &head.text(format!(": written to {file}.")));
    for overridden in &passage.overridden {
        screen.hanging(2, 2, &Line::of(Ink::Warn, "overridden: ").prose(overridden));
    }
    for by_hand in onward.map(by_hand).unwrap_or_default() {
        screen.hanging(2, 2, &Line::of(Ink::Dim, "by hand: ").prose(&by_hand));
    }
    screen.blank();
    screen.line(0, "Nothing runs differently yet. Next:");
    let record = |phase: &Name, moment: &str| {
        let command = format!("floodway rollout record {environment} --phase {phase}");
        (format!("{command} --moment {moment}"), "keep what is measured now")
    };
    let left = passage.from.as_ref().map(|from| record(from, "after"));
    let begun = passage.to.as_ref().filter(|_| onward.is_some()).map(|to| record(to, "before"));
    let others = [
        (format!("floodway plan {environment}"), "read what it changes"),
        (format!("git commit {file}"), "and open a pull request"),
        (format!("floodway apply {environment}"), "after its merge"),
    ];
    for (command, why) in left.into_iter().chain(begun).chain(others) {
        screen.hanging(2, 4, &Line::from(command).ink(Ink::Dim, format!("  # {why}")));
    }
    screen.finish()
}

/// Steps that Floodway does not do, and who does.
fn by_hand(phase: &Phase) -> Vec<String> {
    let steps = phase.steps_in_order().into_iter().filter(|(_, step)| step.is_manual());
    let one = |(name, step): (&Name, &PhaseStep)| {
        let owner = step.owner.as_ref().or(phase.owner.as_ref());
        let owner = owner.map_or_else(String::new, |owner| format!(" ({owner})"));
        format!("{name}{owner}: {}", step.summary)
    };
    steps.map(one).collect()
}

fn place(phase: Option<&Name>) -> String {
    phase.map_or_else(|| "before the first phase".to_owned(), |phase| format!("phase {phase}"))
}

/// How the file at `path` would change, as `diff -u` has it.
pub fn diff(path: &str, before: &str, after: &str) -> String {
    let (old, new) = (format!("a/{path}"), format!("b/{path}"));
    TextDiff::from_lines(before, after).unified_diff().header(&old, &new).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::shape::Shape as _;

    #[test]
    fn a_promotion_says_what_to_do_next() {
        let passage = Passage {
            at: "2026-12-01T08:00:00Z".into(),
            from: None,
            to: Some("short".parse().unwrap()),
            by: "ada@here".into(),
            reason: None,
            overridden: vec!["exit slo: no data".into()],
        };
        let file = "environments/prod.toml";
        let onward = Phase::stand_in();
        let passed = Passed { environment: "prod", file, passage: &passage, onward: Some(&onward) };
        insta::assert_snapshot!(text(&passed, &Style::plain(80)), @r#"
        prod goes from before the first phase to phase short: written to
          environments/prod.toml.
          overridden: exit slo: no data

        Nothing runs differently yet. Next:
          floodway rollout record prod --phase short --moment before  # keep what is
              measured now
          floodway plan prod  # read what it changes
          git commit environments/prod.toml  # and open a pull request
          floodway apply prod  # after its merge
        "#);
    }
}
