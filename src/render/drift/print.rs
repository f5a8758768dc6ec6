//! Drift in words.

use super::{DriftView, DriftedThing, DriftedView};
use crate::plan::What;
use crate::render::HIDDEN;
use crate::render::plan::FieldView;
use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen, count};
use serde_json::Value;

/// Of more things than this that were changed alike, not all are named,
const MANY: usize = 4;
/// but so many.
const FEW: usize = 2;
/// Values longer than this are shortened.
const LONG_VALUE: usize = 120;

/// All drift as text.
pub fn text(view: &DriftView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    let (certain, doubtful): (Vec<&DriftedView>, Vec<&DriftedView>) =
        view.changes.iter().partition(|change| change.doubt.is_none());
    certain.iter().for_each(|change| print(&mut screen, change, ("~", Ink::Change)));
    if view.more_deleted > 0 {
        let things = count(view.more_deleted, "thing");
        let text = format!(
            "{things} that the last apply left and that the file does not ask for any more: gone"
        );
        screen.hanging(0, 4, &Line::of(Ink::Change, "~ ").text(text));
    }
    if !doubtful.is_empty() {
        screen.blank();
        screen.line(0, Line::of(Ink::Strong, "Not certain:"));
        doubtful.iter().for_each(|change| print(&mut screen, change, ("?", Ink::Warn)));
    }
    if !view.unseen.is_empty() {
        screen.blank();
        screen.line(0, Line::of(Ink::Strong, "Could not be read:"));
        for unseen in &view.unseen {
            let line = Line::of(Ink::Warn, "! ").text(&unseen.what).text(": ").prose(&unseen.why);
            screen.hanging(0, 4, &line);
        }
    }
    screen.blank();
    screen.hanging(0, 2, &Line::of(Ink::Strong, &view.summary));
    if view.drift {
        let plan = format!("floodway plan {}", view.environment);
        let line = Line::of(Ink::Dim, "What an apply would do about it: ").text(plan);
        screen.unwrapped(&line);
    }
    screen.finish()
}

fn print(screen: &mut Screen<'_>, change: &DriftedView, (sign, ink): (&str, Ink)) {
    screen.hanging(0, 4, &Line::of(ink, format!("{sign} ")).text(&change.text).text(":"));
    screen.hanging(4, 2, &Line::of(Ink::Strong, things(change)));
    for field in &change.differences {
        screen.hanging(4, 4, &Line::from(format!("{} {}", field.path, values(field, true))));
    }
    if let Some(doubt) = &change.doubt {
        screen.hanging(4, 2, &Line::of(Ink::Dim, doubt));
    }
}

/// `Deployment ns/a, ns/b and 3 more`.
fn things(change: &DriftedView) -> String {
    let all = change.things.len();
    let told = if all > MANY { FEW } else { all };
    let first = change.things.first().map(|thing| thing.kind.as_str()).unwrap_or_default();
    let same = change.things.iter().all(|thing| thing.kind == first);
    let name = |(at, thing): (usize, &DriftedThing)| match same && at > 0 {
        true => thing.name.clone(),
        false => format!("{} {}", thing.kind, thing.name),
    };
    let names: Vec<String> = change.things.iter().take(told).enumerate().map(name).collect();
    let more = if all > told { format!(" and {} more", all - told) } else { String::new() };
    names.join(", ") + &more
}

/// What was done, without the things that it was done to.
pub(super) fn in_words(view: &DriftedView, what: &What) -> String {
    let by = match view.by.as_slice() {
        [] => String::new(),
        by => format!("by {}", by.join(", ")),
    };
    let after = |text: &str| {
        if by.is_empty() { text.to_owned() } else { format!("{text}, {by}") }
    };
    match (what, &view.field) {
        (What::Field { edited, .. }, Some(field)) => {
            after(&format!("{} {}", field.path, values(field, *edited)))
        }
        (What::Field { .. }, None) => after("changed"),
        (What::Mixed { .. }, _) if view.differences.is_empty() => {
            "changed since it was applied".to_owned()
        }
        (What::Mixed { .. }, _) => "changed since it was applied, and the file has changed too: \
                                    whose these differences are cannot be told apart"
            .to_owned(),
        (What::Deleted, _) => "deleted".to_owned(),
        (What::Deleting, _) => "being deleted".to_owned(),
        (What::MadeAnew { .. }, _) => after("deleted and made anew"),
        (What::Appeared { .. }, _) => {
            after("carries the environment's marks, and Floodway has not made it")
        }
        (What::Unmarked, _) => "carries the environment's marks no more".to_owned(),
        (What::MarkedAnew { owner }, _) => format!("carries the marks of {owner}"),
    }
}

/// `was "a", is "b"`; where the file was `edited` since, what it was is not known.
fn values(field: &FieldView, edited: bool) -> String {
    let is = field.after.as_ref().map_or_else(|| "gone".to_owned(), shown);
    let wanted = field.before.as_ref().map(shown);
    match (edited, wanted) {
        (false, wanted) => {
            format!("was {}, is {is}", wanted.unwrap_or_else(|| "not set".to_owned()))
        }
        (true, Some(wanted)) => format!("is {is}, and the file, edited since, says {wanted}"),
        (true, None) => format!("is {is}, and the file, edited since, does not set it"),
    }
}

fn shown(value: &Value) -> String {
    if value == HIDDEN {
        return HIDDEN.to_owned();
    }
    let text = value.to_string();
    let length = text.chars().count();
    if length <= LONG_VALUE {
        return text;
    }
    let kept: String = text.chars().take(LONG_VALUE - 40).collect();
    format!("{kept}… ({length} characters)")
}
