//! Which changes read as one.

use crate::render::plan::view::{ActionView, ChangeView};

/// Neighbours of a kind that come or go, and things that differ alike wherever
/// they stand; all others alone.
pub(super) fn blocks<'v>(changes: &[&'v ChangeView], whole: bool) -> Vec<Vec<&'v ChangeView>> {
    let mut blocks: Vec<Vec<&ChangeView>> = Vec::new();
    for &change in changes {
        let joined = match change.action {
            _ if whole => None,
            ActionView::Update => blocks.iter_mut().find(|block| differ_alike(block[0], change)),
            _ => blocks.last_mut().filter(|block| come_or_go_together(block[0], change)),
        };
        match joined {
            Some(block) => block.push(change),
            None => blocks.push(vec![change]),
        }
    }
    blocks
}

/// Whether all have the same.
pub(super) fn same<'v, T: PartialEq + 'v>(
    block: &[&'v ChangeView],
    of: impl Fn(&'v ChangeView) -> &'v T,
) -> bool {
    block.windows(2).all(|pair| of(pair[0]) == of(pair[1]))
}

fn differ_alike(a: &ChangeView, b: &ChangeView) -> bool {
    a.action == ActionView::Update
        && b.action == ActionView::Update
        && (&a.fields, &a.notes) == (&b.fields, &b.notes)
        && !a.stepwise
        && !b.stepwise
}

fn come_or_go_together(a: &ChangeView, b: &ChangeView) -> bool {
    let alone = |c: &ChangeView| c.stepwise || !c.notes.is_empty();
    a.action == b.action
        && matches!(a.action, ActionView::Create | ActionView::Delete)
        && (&a.kind, &a.scope) == (&b.kind, &b.scope)
        && !alone(a)
        && !alone(b)
}
