//! `[calendar]` and `[[event]]`: zones and moments that there are.

use super::{Rules, schedules};
use crate::clock::Timestamp;
use crate::diag::Diagnostic;
use crate::id::Name;
use std::collections::BTreeMap;

pub(super) fn check(rules: &mut Rules<'_>) {
    let environment = rules.environment;
    if let Some(calendar) = &environment.calendar {
        schedules::time_zone(rules, "calendar.time_zone", &calendar.time_zone);
    }
    let mut named: BTreeMap<&Name, usize> = BTreeMap::new();
    for (at, event) in environment.event.iter().enumerate() {
        let path = |key: &str| format!("event.{at}.{key}");
        if let Some(other) = named.insert(&event.name, at) {
            rules.report(
                Diagnostic::error(format!("two events are called `{}`", event.name))
                    .help("call one of them otherwise"),
                &[(&path("name"), ""), (&format!("event.{other}.name"), "")],
            );
        }
        let mut moment = |key: &str, text: &str| {
            let read = text.parse::<Timestamp>().ok();
            if read.is_none() {
                let help = "write it like \"2026-12-01T08:00:00Z\"";
                rules.error(&path(key), format!("`{text}` is no moment"), help);
            }
            read
        };
        let (start, end) = (moment("start", &event.start), moment("end", &event.end));
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            rules.report(
                Diagnostic::error(format!("the event `{}` ends before it starts", event.name))
                    .help("put `end` after `start`"),
                &[(&path("start"), ""), (&path("end"), "")],
            );
        }
    }
}
