//! What changes, one block for each thing, and one for things that change alike.

use super::fields::{fields, one_line};
use super::tables::reason_text;
use crate::render::plan::view::{ActionView, ChangeView, PlanView};
use crate::render::style::Ink;
use crate::render::text::{Line, Screen, count};

/// Prints what changes, in the order of applying.
pub(super) fn changes(screen: &mut Screen<'_>, view: &PlanView, whole: bool) {
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
    a.action == ActionView::Update
        && (a.action, &a.kind, &a.fields, &a.notes) == (b.action, &b.kind, &b.fields, &b.notes)
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
        screen.hanging(6, 2, &Line::of(Ink::Dim, "note: ").prose(note));
    }
    if change.stepwise || whole {
        for (at, step) in change.steps.iter().enumerate() {
            screen.hanging(8, 3, &Line::of(Ink::Dim, format!("{}. ", at + 1)).text(step));
        }
    }
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
