//! `[[freeze]]`: times that there are, and something that they leave alone.

use super::{Rules, schedules};
use crate::diag::Diagnostic;
use crate::id::Name;
use crate::units::Span;
use std::collections::BTreeMap;

/// The longest that lasts from a moment of `cron` on.
const LONGEST: Span = Span::from_secs(7 * 24 * 3600);

pub(super) fn check(rules: &mut Rules<'_>) {
    let mut named: BTreeMap<&Name, usize> = BTreeMap::new();
    for (at, freeze) in rules.environment.freeze.iter().enumerate() {
        let path = format!("freeze.{at}");
        if let Some(other) = named.insert(&freeze.name, at) {
            rules.report(
                Diagnostic::error(format!("two freezes are called `{}`", freeze.name))
                    .help("call one of them otherwise"),
                &[(&format!("{path}.name"), ""), (&format!("freeze.{other}.name"), "")],
            );
        }
        let keys = ["cron", "duration", "start", "end"].map(|key| format!("{path}.{key}"));
        let absent = keys.each_ref().map(|key| rules.is_absent(key));
        let no_time = freeze.cron.is_none() && freeze.start.is_none() && freeze.end.is_none();
        if no_time && absent[0] && absent[2] && absent[3] {
            let help = "write `start` and `end`, or `cron` and `duration`";
            rules.error(&format!("{path}.name"), "the freeze does not say when it is", help);
        }
        match (&freeze.cron, freeze.duration) {
            (Some(_), None) if absent[1] => {
                let help = "add `duration`, like \"2h\"";
                rules.error(&keys[0], "the freeze does not say how long it lasts", help);
            }
            (None, Some(_)) if absent[0] => {
                let help = "add `cron`, or write `start` and `end` instead";
                rules.error(&keys[1], "nothing says what the duration begins with", help);
            }
            (_, Some(duration)) if duration > LONGEST || duration == Span::default() => {
                let help = "use more than \"0s\" and at most \"1w\", or `start` and `end`";
                rules.error(&keys[1], format!("a freeze of {duration} at each time"), help);
            }
            _ => {}
        }
        if let Some(cron) = &freeze.cron {
            schedules::time(rules, &path, cron, &freeze.time_zone);
        }
        let what = format!("the freeze `{}`", freeze.name);
        schedules::window(rules, &path, &what, &freeze.start, &freeze.end);
        if !freeze.scale_in && !freeze.scale_out {
            let help = "write `scale_in = true` or `scale_out = true`, or remove it";
            rules.error(&format!("{path}.scale_in"), "the freeze leaves nothing alone", help);
        }
    }
}
