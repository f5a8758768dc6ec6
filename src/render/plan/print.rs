//! A plan on a screen.

use super::fields::{fields, one_line};
use super::tables::{pools, reason_text};
use super::view::{ActionView, ChangeView, OwnerView, PlanView};
use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen, count};

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
        let text =
            format!("--target shows only {}: the rest was not compared", view.targets.join(", "));
        screen.hanging(0, 2, &Line::of(Ink::Warn, "note: ").text(text));
    }
    for warning in &view.warnings {
        screen.blank();
        screen.hanging(0, 2, &Line::of(Ink::Warn, "warning: ").text(warning));
    }
    for refusal in &view.refusals {
        screen.blank();
        let head = Line::of(Ink::Fail, "refused").text(format!(" ({}): ", refusal.guard));
        screen.hanging(0, 2, &head.text(&refusal.message));
        screen.hanging(2, 2, &Line::of(Ink::Strong, "help: ").text(&refusal.help));
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
}

fn changes(screen: &mut Screen<'_>, view: &PlanView, whole: bool) {
    if view.changes.is_empty() {
        return;
    }
    screen.blank();
    screen.line(0, legend(view));
    for block in blocks(&view.changes, whole) {
        screen.blank();
        print_block(screen, &block, whole);
    }
    let mut hidden = Vec::new();
    if view.unchanged > 0 {
        hidden.push(format!("{} unchanged", count(view.unchanged, "resource")));
    }
    if !whole && view.changes.iter().any(|change| change.action == ActionView::Create) {
        hidden.push("--verbose shows every field of what is created".to_owned());
    }
    if !hidden.is_empty() {
        screen.blank();
        screen.hanging(2, 2, &Line::of(Ink::Dim, format!("({})", hidden.join("; "))));
    }
}

/// The symbols that follow, once each.
fn legend(view: &PlanView) -> Line {
    let mut line = Line::of(Ink::Strong, "Changes");
    for (action, meaning) in [
        (ActionView::Create, "create"),
        (ActionView::Update, "update in place"),
        (ActionView::Replace, "replace, new one first"),
        (ActionView::Delete, "destroy"),
    ] {
        if view.changes.iter().any(|change| change.action == action) {
            let (symbol, ink) = symbol(action);
            line = line.text("  ").ink(ink, symbol).ink(Ink::Dim, format!(" {meaning}"));
        }
    }
    line
}

pub(in crate::render) fn symbol(action: ActionView) -> (&'static str, Ink) {
    match action {
        ActionView::NoOp => (" ", Ink::Plain),
        ActionView::Create => ("+", Ink::Add),
        ActionView::Update => ("~", Ink::Change),
        ActionView::Replace => ("-/+", Ink::Replace),
        ActionView::Delete => ("-", Ink::Remove),
    }
}

/// Changes that read as one: neighbours that come or go for the same reason,
/// and things of a kind whose fields differ alike, wherever they stand.
fn blocks(changes: &[ChangeView], whole: bool) -> Vec<Vec<&ChangeView>> {
    let mut blocks: Vec<Vec<&ChangeView>> = Vec::new();
    for change in changes {
        let last = blocks.len().saturating_sub(1);
        let joined = blocks.iter_mut().enumerate().find(|(at, block)| {
            let first = block[0];
            !whole
                && (reads_alike(first, change)
                    || (*at == last && comes_or_goes_alike(first, change)))
        });
        match joined {
            Some((_, block)) => block.push(change),
            None => blocks.push(vec![change]),
        }
    }
    blocks
}

fn reads_alike(a: &ChangeView, b: &ChangeView) -> bool {
    let alone = |c: &ChangeView| c.stepwise || c.owned_by.is_some();
    (a.action, &a.kind, &a.fields, &a.notes) == (b.action, &b.kind, &b.fields, &b.notes)
        && a.action == ActionView::Update
        && a.reason.text == b.reason.text
        && !alone(a)
        && !alone(b)
}

fn comes_or_goes_alike(a: &ChangeView, b: &ChangeView) -> bool {
    let plain = |c: &ChangeView| !c.stepwise && c.notes.is_empty() && c.owned_by.is_none();
    a.action == b.action
        && matches!(a.action, ActionView::Create | ActionView::Delete)
        && (&a.reason, &a.highlights) == (&b.reason, &b.highlights)
        && plain(a)
        && plain(b)
}

fn print_block(screen: &mut Screen<'_>, block: &[&ChangeView], whole: bool) {
    let first = block[0];
    if block.len() > 1 && first.action == ActionView::Update {
        let (symbol, ink) = symbol(first.action);
        let title = format!(" {} differ alike", count(block.len(), &first.kind));
        screen.line(2, Line::of(ink, format!("{symbol:>3}")).ink(Ink::Strong, title));
        let names: Vec<String> = block.iter().map(|change| full_name(change)).collect();
        screen.line(6, Line::from(names.join(", ")));
    } else {
        for change in block {
            screen.hanging(2, 6, &title(change));
        }
    }
    screen.hanging(6, 2, &Line::of(Ink::Dim, format!("because {}", reason_text(&first.reason))));
    if !first.highlights.is_empty() {
        screen.line(6, Line::from(first.highlights.join(", ")));
    }
    body(screen, first, whole);
}

fn title(change: &ChangeView) -> Line {
    let (symbol, ink) = symbol(change.action);
    let line = Line::of(ink, format!("{symbol:>3} ")).text(format!("{} ", change.kind));
    let line = line.ink(Ink::Strong, full_name(change));
    match &change.replaces {
        Some(old) if *old != change.name => line.text(format!(" replaces {old}")),
        _ => line,
    }
}

fn full_name(change: &ChangeView) -> String {
    match &change.scope {
        Some(scope) => format!("{scope}/{}", change.name),
        None => change.name.clone(),
    }
}

fn body(screen: &mut Screen<'_>, change: &ChangeView, whole: bool) {
    let in_place = matches!(change.action, ActionView::Update | ActionView::Replace);
    if in_place || whole {
        fields(screen, 6, &change.fields, whole);
    }
    if let Some(owned) = &change.owned_by {
        let owner = owned.owner.long();
        let text = match &owned.value {
            Some(value) if change.action == ActionView::Create => {
                format!(
                    "{}: starts at {}, then owned by {owner}",
                    owned.path,
                    one_line(value, whole)
                )
            }
            Some(live) => {
                format!("{}: owned by {owner} (now {})", owned.path, one_line(live, whole))
            }
            None => format!("{}: owned by {owner} once created", owned.path),
        };
        screen.hanging(8, 2, &Line::of(Ink::Dim, text));
    }
    if in_place && change.unchanged_fields > 0 {
        let text = format!("({})", count(change.unchanged_fields, "unchanged field"));
        screen.line(8, Line::of(Ink::Dim, text));
    }
    for note in &change.notes {
        screen.hanging(6, 2, &Line::of(Ink::Dim, "note: ").text(note));
    }
    if change.stepwise || whole {
        for (at, step) in change.steps.iter().enumerate() {
            screen.hanging(8, 3, &Line::of(Ink::Dim, format!("{}. ", at + 1)).text(step));
        }
    }
}

fn unchecked(screen: &mut Screen<'_>, view: &PlanView) {
    for group in &view.unchecked {
        screen.blank();
        let counted = count(group.addresses.len(), "change");
        let head = Line::of(Ink::Warn, format!("{counted} not checked by the server: "));
        screen.hanging(0, 2, &head.text(&group.why));
        if group.addresses.len() < view.changes.len() {
            let named = |c: &&ChangeView| group.addresses.contains(&c.address);
            let names: Vec<String> = view
                .changes
                .iter()
                .filter(named)
                .map(|change| format!("{} {}", change.kind, full_name(change)))
                .collect();
            screen.hanging(2, 2, &Line::of(Ink::Dim, some_of(&names)));
        }
    }
}

/// The first few, and how many more.
fn some_of(names: &[String]) -> String {
    const FEW: usize = 4;
    let named = names.iter().take(FEW).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(FEW) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
