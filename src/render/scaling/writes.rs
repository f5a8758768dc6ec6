//! What was written of a decision, in short words, and what became of it.

use crate::controller::Done;
use crate::decide::scaling::{DecisionRecord, Scaling, SourceScaling};
use crate::plan::Step;
use crate::render::style::Ink;
use crate::render::text::Line;

/// The writes of a decision, or why there is none; none: an older Floodway has not
/// noted it.
pub(super) fn line(record: &DecisionRecord) -> Option<Line> {
    record.standing.as_ref()?;
    if let Some(why) = &record.withheld {
        return Some(Line::of(Ink::Warn, "nothing was written: ").prose(why));
    }
    if record.done.is_empty() {
        return Some(Line::of(Ink::Dim, "nothing had to be written"));
    }
    let mut line = Line::from("written: ");
    for (at, write) in record.done.iter().enumerate() {
        let then = if at == 0 { "" } else { "; " };
        line = line.text(format!("{then}{} ", write.pool)).prose(&write.what);
        line = match &write.why {
            Some(why) => line.ink(Ink::Fail, " FAILED: ").prose(why),
            None => line.ink(Ink::Dim, format!(" ({})", write.outcome.as_str())),
        };
    }
    Some(line)
}

/// A write in short words, to tell it from all others of its pool.
pub fn words(done: &Done, scaling: &Scaling) -> String {
    let what = what(done, scaling);
    if done.follows(scaling) { format!("replicas {what}") } else { what }
}

/// The group of its pool that a write is about.
pub(in crate::render) fn source<'s>(
    done: &Done,
    scaling: &'s Scaling,
) -> Option<&'s SourceScaling> {
    let sources = &scaling.pools.get(&done.pool)?.sources;
    sources.iter().find(|source| source.group.as_deref() == Some(&*done.step.id().name))
}

/// A write in short words.
pub(in crate::render) fn what(done: &Done, scaling: &Scaling) -> String {
    match &done.step {
        Step::SetUnits { from, to, .. } => {
            let label = source(done, scaling).map_or_else(String::new, label);
            format!("{label}{from} → {to}")
        }
        Step::DrainUnits { units, .. } => {
            let ends = if units.len() == 1 { "ends" } else { "end" };
            format!("{} {ends}", units.join(", "))
        }
        Step::ReplaceUnits { units, .. } => {
            let are = if units.len() == 1 { "is" } else { "are" };
            format!("{} {are} replaced", units.join(", "))
        }
        Step::Proceed { units, .. } => format!("no hook holds {} any more", units.join(", ")),
        Step::SetEndpoints { to, .. } => {
            let all = to.as_array().map_or(&[] as &[_], Vec::as_slice);
            let are = |condition: &str| {
                all.iter().filter(|endpoint| endpoint["conditions"][condition] == true).count()
            };
            let (ready, ending) = (are("ready"), are("terminating"));
            let leave = if ending == 0 { String::new() } else { format!(", {ending} drain") };
            format!("endpoints: {ready} ready{leave}")
        }
        step => step.id().to_string(),
    }
}

/// `g6e.12xlarge on demand `
fn label(source: &SourceScaling) -> String {
    let market = source.market.map_or("", |market| market.as_str());
    format!("{} {market} ", source.label)
}
