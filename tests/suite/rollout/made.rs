//! A week of a service, made: overloaded until Thursday noon, well from then on, and
//! half an hour on Saturday in which a fifth of all requests fails.

use floodway::clock::Timestamp;
use std::fmt::Write as _;

/// Monday, at midnight.
const FROM: &str = "2026-03-02T00:00:00Z";
const MINUTES: i64 = 7 * 24 * 60;
/// The last minute of overload: Thursday, 12:00.
const RELIEF: i64 = (3 * 24 + 12) * 60;
/// Saturday from 9:00 to 9:30.
const INCIDENT: std::ops::RangeInclusive<i64> = (5 * 24 + 9) * 60 + 1..=(5 * 24 + 9) * 60 + 30;

const LABELS: &str = "environment=\"chat\",stage=\"inference\"";
/// Bounds of the histogram, in seconds.
const BOUNDS: [&str; 4] = ["0.25", "0.5", "2", "+Inf"];

/// What ended in one minute, of 1200 requests.
struct Minute {
    failed: i64,
    /// Requests whose first token came within each bound.
    within: [i64; 4],
}

fn minute(at: i64) -> Minute {
    let well = Minute { failed: 1, within: [1194, 1199, 1200, 1200] };
    match at {
        ..=RELIEF => Minute { failed: 24, within: [1140, 1176, 1200, 1200] },
        _ if INCIDENT.contains(&at) => Minute { failed: 240, ..well },
        _ => well,
    }
}

/// All series, scraped once a minute, as OpenMetrics.
pub fn week() -> String {
    let from: Timestamp = FROM.parse().unwrap();
    let (mut ok, mut failed, mut within) = (0, 0, [0; 4]);
    let (mut requests, mut tokens) = (String::new(), String::new());
    for at in 1..=MINUTES {
        let minute = minute(at);
        let time = from.as_second() + at * 60;
        ok += 1200 - minute.failed;
        failed += minute.failed;
        for (status, value) in [("ok", ok), ("error", failed)] {
            let name = "inference_requests_total";
            writeln!(requests, "{name}{{{LABELS},status=\"{status}\"}} {value} {time}").unwrap();
        }
        for (sum, (more, bound)) in within.iter_mut().zip(minute.within.iter().zip(BOUNDS)) {
            *sum += more;
            let name = "inference_time_to_first_token_seconds_bucket";
            writeln!(tokens, "{name}{{{LABELS},le=\"{bound}\"}} {sum} {time}").unwrap();
        }
    }
    format!(
        "# TYPE inference_requests counter\n{requests}\
         # TYPE inference_time_to_first_token_seconds histogram\n{tokens}# EOF\n"
    )
}
