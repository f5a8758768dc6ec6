//! In which waves changes go out.

use super::changes::print_blocks;
use crate::render::plan::view::{ChangeView, PlanView, WavesView};
use crate::render::style::Ink;
use crate::render::text::{Line, Screen, span};
use crate::units::Span;

/// Pools of a wave that are named; of more, it says how many.
const NAMED: usize = 12;

/// Prints what changes, wave by wave.
pub(super) fn changes_in_waves(
    screen: &mut Screen<'_>,
    view: &PlanView,
    waves: &WavesView,
    whole: bool,
) {
    let of = waves.waves.len();
    for wave in &waves.waves {
        let own: Vec<&ChangeView> =
            view.changes.iter().filter(|change| change.wave == Some(wave.wave)).collect();
        screen.blank();
        let head = Line::of(Ink::Strong, format!("Wave {} of {of}", wave.wave));
        let head = head.text(format!(": {}", listed_pools(&wave.pools)));
        if own.is_empty() {
            screen.hanging(0, 2, &head.ink(Ink::Dim, " (nothing to do)"));
            continue;
        }
        let wait = span(Span::from_millis((waves.wait_s * 1000.0) as u64));
        let then = format!(", then {wait} of watching what speaks against it");
        screen.hanging(0, 2, &head.ink(Ink::Dim, then));
        print_blocks(screen, &own, whole);
    }
    // Of a plan that no wave was given to there is nothing here.
    let rest: Vec<&ChangeView> = view.changes.iter().filter(|c| c.wave.is_none()).collect();
    print_blocks(screen, &rest, whole);
}

/// `pool a`, `pools a, b`.
pub(in crate::render) fn listed_pools(pools: &[String]) -> String {
    let named = pools.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let word = if pools.len() == 1 { "pool" } else { "pools" };
    match pools.len().saturating_sub(NAMED) {
        0 => format!("{word} {named}"),
        more => format!("{word} {named} and {more} more"),
    }
}
