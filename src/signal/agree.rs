//! Several servers that should hold the same.

use super::{Measured, Reading, Verdict};

/// By which part of the larger two values may differ: servers scrape at different
/// moments, and a load doubles in seconds.
const APART: f64 = 1.0 / 3.0;

/// One reading of what each server said, in the order in which they are declared:
/// of the first that answers well. Good answers that differ contradict each other:
/// then the largest counts, and nothing is scaled in by it. None where no server was
/// asked.
pub fn agree(said: Vec<Measured>) -> Option<Measured> {
    let mut others = said;
    let mut chosen = others.remove(which(&others)?);
    let mut against = Vec::new();
    for other in others {
        chosen.notes.extend(other.notes);
        let server = server(&other.reading);
        match (&other.reading.verdict, chosen.reading.value, other.reading.value) {
            (Verdict::Good, Some(ours), Some(theirs))
                if differ(ours, theirs, chosen.reading.unit) =>
            {
                against.push(format!("{server} says {}", shown(theirs)));
            }
            (verdict, _, _) if *verdict != chosen.reading.verdict => {
                chosen.notes.push(format!("{server}: {verdict}"));
            }
            _ => {}
        }
    }
    if chosen.reading.verdict == Verdict::Good && !against.is_empty() {
        chosen.reading.verdict = Verdict::Contradicted(against.join(", "));
    }
    Some(chosen)
}

/// Which one counts.
fn which(said: &[Measured]) -> Option<usize> {
    let (first, best) =
        said.iter().enumerate().min_by_key(|(_, one)| rank(&one.reading.verdict))?;
    let value = |one: &Measured| one.reading.value.unwrap_or(f64::NEG_INFINITY);
    let largest = said
        .iter()
        .enumerate()
        .filter(|(_, one)| one.reading.verdict == Verdict::Good)
        .max_by(|(_, a), (_, b)| value(a).total_cmp(&value(b)));
    match largest {
        Some((at, most)) if differ(value(best), value(most), best.reading.unit) => Some(at),
        _ => Some(first),
    }
}

/// The better, the lower.
fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Good => 0,
        Verdict::Settling(_) => 1,
        Verdict::Contradicted(_) => 2,
        Verdict::Stale { .. } => 3,
        Verdict::Missing => 4,
        Verdict::Wrong(_) => 5,
        Verdict::Unreachable(_) => 6,
    }
}

pub(super) fn differ(one: f64, other: f64, unit: &str) -> bool {
    // What a few requests more or less make is no contradiction.
    let small = match unit {
        "share" => 0.2,
        "requests" | "messages" | "tokens/s" => 10.0,
        _ => 1.0,
    };
    let apart = (one - other).abs();
    apart > small && apart > one.max(other) * APART
}

/// The end of a source is its server.
fn server(reading: &Reading) -> &str {
    reading.source.rsplit_once(" at ").map_or(&reading.source, |(_, server)| server)
}

fn shown(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
