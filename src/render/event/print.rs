//! Events as plain lines, for logs and for terminals without live progress.

use super::view::{EventView, MadeView, OutcomeView, ReportView, ThingView};
use crate::render::error::print_error;
use crate::render::plan::{listed_pools, symbol};
use crate::render::status::ProblemView;
use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen, count, span};
use crate::units::Span;

/// One event as text: a line or a few; empty for what a screen shows elsewhere
/// (the plan's own events, and the end).
pub fn text(event: &EventView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    match event {
        EventView::Started { .. }
        | EventView::PlannedChange { .. }
        | EventView::Planned { .. }
        | EventView::ApplyStarted { .. }
        | EventView::ApplyEnded { .. }
        | EventView::Finished { .. } => {}
        EventView::ChangeStarted { thing } => say(&mut screen, thing, Ink::Dim, doing(thing)),
        EventView::StepStarted { thing, step, target } => match step.as_str() {
            // Told by the change's own beginning.
            "apply" | "delete" if thing.name.ends_with(target.as_str()) => {}
            step => say(&mut screen, thing, Ink::Dim, format!("{} {target}", step_verb(step))),
        },
        EventView::Retrying { thing, because, retry_in_s } => {
            let text = format!("again in {}: {because}", seconds(*retry_in_s));
            say(&mut screen, thing, Ink::Change, text);
        }
        EventView::Waiting { thing, step, ready, of, problems, elapsed_s } => {
            let state = match step.as_str() {
                "drain" | "drain_units" => format!("{} left to drain", of.saturating_sub(*ready)),
                "delete" | "force_delete" => "until it is gone".to_owned(),
                "refresh" => format!("{ready} of {of} replaced"),
                _ => format!("{ready} of {of} ready"),
            };
            let text = format!("waiting: {state} after {}", seconds(*elapsed_s));
            say(&mut screen, thing, Ink::Plain, text);
            problems.iter().for_each(|problem| problem_line(&mut screen, problem));
        }
        EventView::ChangeDone { thing, elapsed_s } => {
            say(&mut screen, thing, Ink::Add, format!("done after {}", seconds(*elapsed_s)));
        }
        EventView::ChangeFailed { thing, error } => {
            say(&mut screen, thing, Ink::Fail, "failed");
            print_error(&mut screen, 6, error);
        }
        EventView::ChangeUnknown { thing, error } => {
            say(&mut screen, thing, Ink::Warn, "unknown whether it took effect");
            print_error(&mut screen, 6, error);
        }
        EventView::ChangeSkipped { thing, why } => {
            say(&mut screen, thing, Ink::Warn, format!("skipped: {why}"));
        }
        EventView::WaveStarted { wave, of, pools, changes } => {
            let pools = listed_pools(pools);
            let line = Line::of(Ink::Strong, format!("Wave {wave} of {of}"));
            let text = format!(": {} ({pools})", count(*changes, "change"));
            screen.hanging(0, 2, &line.text(text));
        }
        EventView::WaveWaiting { wave, of, wait_s } => {
            let text = format!(
                "Wave {wave} of {of} is done: waiting {} and looking at what speaks against it",
                seconds(*wait_s)
            );
            screen.hanging(0, 2, &Line::of(Ink::Plain, text));
        }
        EventView::WavePassed { wave, of } => {
            let text = format!("Wave {wave} of {of}: nothing speaks against it");
            screen.hanging(0, 2, &Line::of(Ink::Add, text));
        }
        EventView::Stopping { because } => {
            let text = format!("Stopping ({because}): what is in flight ends, nothing new begins.");
            screen.hanging(0, 2, &Line::of(Ink::Warn, text));
        }
        EventView::Warning { message } => {
            screen.hanging(0, 2, &Line::of(Ink::Warn, "warning: ").text(message));
        }
        EventView::Failed { error } => print_error(&mut screen, 0, error),
    }
    screen.finish()
}

/// What became of every change, and what to do next.
pub fn report_text(report: &ReportView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    for (word, ink, outcomes) in [
        ("failed", Ink::Fail, &report.failed),
        ("unknown", Ink::Warn, &report.unknown),
        ("skipped", Ink::Dim, &report.skipped),
    ] {
        for outcome in outcomes {
            // What stopped all of them is said once, below.
            let told = Some(&outcome.error.message) == report.stopped.as_ref();
            outcome_lines(&mut screen, word, ink, outcome, told && word == "skipped");
        }
    }
    screen.blank();
    let mut parts = match report.made {
        Some(made) => made_parts(made),
        None => vec![format!("{} done", report.done.len())],
    };
    for (number, word) in [
        (report.failed.len(), "failed"),
        (report.skipped.len(), "skipped"),
        (report.unknown.len(), "unknown"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    let whole = report.made.is_some();
    let head = if whole { "Apply complete" } else { "Apply incomplete" };
    let ink = if whole { Ink::Add } else { Ink::Fail };
    if let Some(why) = &report.stopped {
        screen.hanging(0, 2, &Line::of(Ink::Warn, format!("Stopped early: {why}")));
    }
    let line = Line::of(ink, head).ink(Ink::Strong, format!(": {}.", parts.join(", ")));
    screen.unwrapped(&line);
    if let Some(next) = &report.next_command {
        screen.unwrapped(&Line::from("Next: ").ink(Ink::Strong, next));
    }
    for command in &report.or_commands {
        screen.unwrapped(&Line::from("  or: ").ink(Ink::Strong, command));
    }
    screen.finish()
}

/// As the plan's closing line: replacements only where there are some.
fn made_parts(made: MadeView) -> Vec<String> {
    let MadeView { added, changed, replaced, destroyed } = made;
    let mut parts = vec![format!("{added} added"), format!("{changed} changed")];
    parts.extend((replaced > 0).then(|| format!("{replaced} replaced")));
    parts.push(format!("{destroyed} destroyed"));
    parts
}

fn outcome_lines(screen: &mut Screen<'_>, word: &str, ink: Ink, outcome: &OutcomeView, told: bool) {
    let head = Line::of(ink, format!("{word:<8}")).then(title(&outcome.thing));
    screen.hanging(0, 10, &head);
    if told {
        return;
    }
    if word == "skipped" {
        screen.hanging(10, 2, &Line::of(Ink::Dim, &outcome.error.message));
    } else {
        print_error(screen, 10, &outcome.error);
    }
}

fn say(screen: &mut Screen<'_>, thing: &ThingView, ink: Ink, text: impl Into<String>) {
    screen.hanging(0, 6, &title(thing).text(": ").ink(ink, text));
}

fn title(thing: &ThingView) -> Line {
    let (symbol, ink) = symbol(thing.action);
    Line::of(ink, format!("{symbol:>3} "))
        .text(format!("{} ", thing.kind))
        .ink(Ink::Strong, &thing.name)
}

fn doing(thing: &ThingView) -> &'static str {
    use crate::render::plan::ActionView::{Create, Delete, NoOp, Replace, Update};
    match thing.action {
        NoOp => "waiting for",
        Create => "creating",
        Update => "updating",
        Replace => "replacing",
        Delete => "destroying",
    }
}

fn step_verb(step: &str) -> &str {
    match step {
        "apply" => "writing",
        "hold" => "holding the live value of",
        "raise" => "raising",
        "pass_on" => "passing on the number of",
        "catch_up" => "bringing to the size of the old one",
        "await_ready" => "waiting for",
        "drain" | "drain_units" => "draining",
        "delete" => "deleting",
        "force_delete" => "deleting by force",
        other => other,
    }
}

fn problem_line(screen: &mut Screen<'_>, problem: &ProblemView) {
    let head = format!("{}: {}", count(problem.units as usize, "unit"), problem.title());
    let ink = if problem.kind == "starting" { Ink::Change } else { Ink::Fail };
    screen.hanging(6, 2, &Line::of(ink, head).text(" (").prose(&problem.message).text(")"));
    if let Some(help) = &problem.help {
        screen.hanging(8, 2, &Line::of(Ink::Strong, "help: ").text(help));
    }
}

/// Below a minute with tenths, above as people wait.
fn seconds(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "0s".to_owned();
    }
    if seconds < 10.0 {
        return format!("{seconds:.1}s");
    }
    span(Span::from_millis((seconds * 1000.0) as u64))
}
