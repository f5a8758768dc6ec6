//! A plan on a screen.

mod blocks;
mod changes;
mod costs;
mod fields;
mod image;
mod tables;
mod waves;

pub(in crate::render) use changes::symbol;
pub(in crate::render) use waves::listed_pools;

use super::view::{OwnerView, PlanView};
use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen};
use changes::{changes, unchecked};
use tables::pools;

/// How much to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// What a reviewer needs.
    #[default]
    Essential,
    /// All fields, steps and lines: `--verbose`.
    Whole,
}

/// A plan as text, for terminals and logs.
pub fn text(view: &PlanView, style: &Style, detail: Detail) -> String {
    let whole = detail == Detail::Whole;
    let mut screen = Screen::new(style);
    header(&mut screen, view);
    if view.is_empty() && !whole {
        left_alone(&mut screen, view);
    } else {
        pools(&mut screen, view, whole);
    }
    changes(&mut screen, view, whole);
    unchecked(&mut screen, view);
    if !view.targets.is_empty() {
        screen.blank();
        let text = format!("only {} is shown: the rest was not compared", view.targets.join(", "));
        screen.hanging(0, 2, &Line::of(Ink::Warn, "note: ").text(text));
    }
    for warning in &view.warnings {
        screen.blank();
        screen.hanging(0, 2, &Line::of(Ink::Warn, "warning: ").prose(warning));
    }
    for refusal in &view.refusals {
        screen.blank();
        let head = Line::of(Ink::Fail, "refused").text(format!(" ({}): ", refusal.guard));
        screen.hanging(0, 2, &head.prose(&refusal.message));
        screen.hanging(2, 2, &Line::of(Ink::Strong, "help: ").prose(&refusal.help));
    }
    screen.blank();
    let ink = if view.applicable { Ink::Strong } else { Ink::Fail };
    screen.unwrapped(&Line::of(ink, &view.summary));
    screen.finish()
}

fn header(screen: &mut Screen<'_>, view: &PlanView) {
    let environment = &view.environment;
    let place = match environment.repository.as_str() {
        "local" | "" => environment.file.clone(),
        repository => format!("{} in {repository}", environment.file),
    };
    let head = Line::of(Ink::Strong, format!("Plan for {}", environment.name));
    screen.hanging(0, 2, &head.ink(Ink::Dim, format!("  {place}, as of {}", view.as_of)));
    for place in &view.places {
        let identity = match place.title.contains(&place.identity) {
            true => String::new(),
            false => format!(" ({})", place.identity),
        };
        let line = Line::of(Ink::Dim, format!("{:<10}  ", place.side)).text(&place.title);
        screen.hanging(2, 2, &line.ink(Ink::Dim, identity));
    }
    for believed in &view.believed {
        screen.hanging(2, 2, &Line::of(Ink::Dim, believed));
    }
}

/// What others own, where there is nothing else to say.
fn left_alone(screen: &mut Screen<'_>, view: &PlanView) {
    for owner in [OwnerView::Hpa, OwnerView::Controller] {
        let owned = view.pools.iter().filter(|pool| pool.owner == owner);
        let parts: Vec<String> = owned
            .map(|p| format!("{} {} {} of {}–{}", p.pool, p.units.after, p.unit, p.min, p.max))
            .collect();
        if !parts.is_empty() {
            let text = format!("owned by {}, left alone: {}", owner.long(), parts.join(", "));
            screen.hanging(2, 2, &Line::of(Ink::Dim, text));
        }
    }
    costs::cost_now(screen, view);
}
