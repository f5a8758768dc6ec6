//! What changes, one block for each thing, and one for things that change alike.

use super::blocks::{blocks, same};
use super::fields::{fields, one_line};
use super::image::image;
use super::tables::reason_text;
use super::waves::changes_in_waves;
use crate::render::plan::view::{ActionView, ChangeView, PlanView};
use crate::render::style::Ink;
use crate::render::text::{Line, Screen, count};

/// Names longer than this do not push the others' reasons to the right.
const LONG_NAME: usize = 34;

/// Prints what changes, in the order of applying.
pub(super) fn changes(screen: &mut Screen<'_>, view: &PlanView, whole: bool) {
    if view.changes.is_empty() {
        return;
    }
    screen.blank();
    screen.line(0, legend(view));
    match &view.waves {
        Some(waves) => changes_in_waves(screen, view, waves, whole),
        None => print_blocks(screen, &view.changes.iter().collect::<Vec<_>>(), whole),
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

/// Prints these, those together that read as one.
pub(super) fn print_blocks(screen: &mut Screen<'_>, changes: &[&ChangeView], whole: bool) {
    for block in blocks(changes, whole) {
        screen.blank();
        print_block(screen, &block, whole);
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

/// An action's sign.
pub(in crate::render) fn symbol(action: ActionView) -> (&'static str, Ink) {
    match action {
        ActionView::NoOp => (" ", Ink::Plain),
        ActionView::Create => ("+", Ink::Add),
        ActionView::Update => ("~", Ink::Change),
        ActionView::Replace => ("-/+", Ink::Replace),
        ActionView::Delete => ("-", Ink::Remove),
    }
}

/// One change, or several that read as one.
fn print_block(screen: &mut Screen<'_>, block: &[&ChangeView], whole: bool) {
    let first = block[0];
    if block.len() == 1 {
        screen.hanging(2, 6, &title(first));
        screen.hanging(6, 2, &because(first));
        if !first.highlights.is_empty() {
            screen.line(6, Line::from(first.highlights.join("; ")));
        }
    } else {
        let (symbol, ink) = symbol(first.action);
        let head = Line::of(ink, format!("{symbol:>3} ")).ink(Ink::Strong, heading(block));
        screen.hanging(2, 6, &head);
        members(screen, block);
    }
    body(screen, block, whole);
}

/// `3 ServiceAccounts in inference`, `5 resources differ alike`.
fn heading(block: &[&ChangeView]) -> String {
    let first = block[0];
    let kind = if same(block, |change| &change.kind) { &first.kind } else { "resource" };
    let place = match &first.scope {
        Some(scope) if same(block, |change| &change.scope) => format!(" in {scope}"),
        _ => String::new(),
    };
    let alike = if first.action == ActionView::Update { " differ alike" } else { "" };
    format!("{}{place}{alike}", count(block.len(), kind))
}

/// Each with its reason, unless there is but one and nothing else to say.
fn members(screen: &mut Screen<'_>, block: &[&ChangeView]) {
    let first = block[0];
    let plain = block.iter().all(|c| c.highlights.is_empty() && c.owned_by.is_none());
    let names: Vec<String> = block
        .iter()
        .map(|change| match (same(block, |c| &c.kind), same(block, |c| &c.scope)) {
            (true, true) => change.name.clone(),
            (true, false) => full_name(change),
            (false, true) => format!("{} {}", change.kind, change.name),
            (false, false) => format!("{} {}", change.kind, full_name(change)),
        })
        .collect();
    if plain && same(block, |change| &change.reason) {
        screen.line(6, Line::from(names.join(", ")));
        screen.hanging(6, 2, &because(first));
        return;
    }
    let length = |name: &String| name.chars().count();
    let column = names.iter().map(length).filter(|l| *l <= LONG_NAME).max().unwrap_or(0);
    for (change, name) in block.iter().zip(&names) {
        let pad = " ".repeat(column.saturating_sub(length(name)) + 2);
        let line = Line::of(Ink::Strong, name).text(pad).then(because(change));
        screen.hanging(6, column + 2, &line);
        if !change.highlights.is_empty() {
            screen.line(10, Line::from(change.highlights.join("; ")));
        }
        owned(screen, 10, change);
    }
}

fn because(change: &ChangeView) -> Line {
    Line::of(Ink::Dim, format!("because {}", reason_text(&change.reason)))
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

/// What differs, and how it is done; of several that read as one, once.
fn body(screen: &mut Screen<'_>, block: &[&ChangeView], whole: bool) {
    let change = block[0];
    let in_place = matches!(change.action, ActionView::Update | ActionView::Replace);
    if in_place || whole {
        fields(screen, 6, &change.fields, whole);
    }
    if let Some(other) = &change.image {
        image(screen, 8, other, whole);
    }
    if block.len() == 1 {
        owned(screen, 8, change);
    }
    let unchanged: usize = block.iter().map(|change| change.unchanged_fields).sum();
    if in_place && unchanged > 0 {
        let text = format!("({})", count(unchanged, "unchanged field"));
        screen.line(8, Line::of(Ink::Dim, text));
    }
    for note in &change.notes {
        screen.hanging(6, 2, &Line::of(Ink::Dim, "note: ").prose(note));
    }
    if change.stepwise || whole {
        for (at, step) in change.steps.iter().enumerate() {
            screen.hanging(8, 3, &Line::of(Ink::Dim, format!("{}. ", at + 1)).text(step));
        }
    }
}

/// What git leaves alone; of a create, the highlights say it.
fn owned(screen: &mut Screen<'_>, indent: usize, change: &ChangeView) {
    let Some(owned) = &change.owned_by else { return };
    if change.action == ActionView::Create {
        return;
    }
    let now = match &owned.value {
        Some(live) => format!(" (now {})", one_line(live, false)),
        None => String::new(),
    };
    let text = format!("{}: owned by {}{now}", owned.path, owned.owner.long());
    screen.hanging(indent, 2, &Line::of(Ink::Dim, text));
}

/// Prints what the server was not asked about, and why.
pub(super) fn unchecked(screen: &mut Screen<'_>, view: &PlanView) {
    for group in &view.unchecked {
        screen.blank();
        let counted = count(group.addresses.len(), "change");
        let head = Line::of(Ink::Warn, format!("{counted} not checked by the server: "));
        screen.hanging(0, 2, &head.prose(&group.why));
        if group.addresses.len() < view.changes.len() {
            let names = some_of(view, &group.addresses);
            screen.hanging(2, 2, &Line::of(Ink::Dim, names));
        }
    }
}

/// The first few of these changes, and how many more.
fn some_of(view: &PlanView, addresses: &[String]) -> String {
    const FEW: usize = 4;
    let name = |address: &String| {
        let change = view.changes.iter().find(|change| change.address == *address);
        change.map_or_else(|| address.clone(), |c| format!("{} {}", c.kind, full_name(c)))
    };
    let named = addresses.iter().take(FEW).map(name).collect::<Vec<_>>().join(", ");
    match addresses.len().saturating_sub(FEW) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
