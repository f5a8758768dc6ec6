//! Calendars and events that are wrong.

use super::super::fixture::{Memory, WHOLE};
use super::{said, snapshot};
use floodway::spec::resolve;

/// The whole fixture with `more` in it.
fn with(more: &str) -> String {
    WHOLE.replace("[rollout.phases.short]", &format!("{more}\n[rollout.phases.short]"))
}

#[test]
fn events_and_zones() {
    let event = |start: &str, end: &str, factor: &str| {
        format!(
            "[[event]]\nname = \"launch\"\nstart = \"{start}\"\nend = \"{end}\"\nfactor = {factor}\n"
        )
    };
    let [day, next] = ["2026-12-01T08:00:00Z", "2026-12-02T08:00:00Z"];
    let cases = [
        ("a zone that is none", "[calendar]\ntime_zone = \"Europe/Berlim\"\n".to_owned()),
        ("a moment that is none", event("2026-12-01", next, "2")),
        ("an end before the start", event(next, day, "2")),
        ("two of a name", event(day, next, "2") + &event(day, next, "1.5")),
        ("no factor", event(day, next, "0") + &event(day, next, "\"2x\"").replace("launch", "b")),
    ];
    let part = |(title, text): &(&str, String)| {
        format!("## {title}\n{}", said([("prod.toml", with(text).as_bytes())]))
    };
    snapshot(cases.iter().map(part).collect::<Vec<_>>().join("\n"));
}

#[test]
fn holiday_files() {
    let named = |path: &str| with(&format!("[calendar]\nholidays = \"{path}\"\n"));
    let alone = |path: &str| said([("e/prod.toml", named(path).as_bytes())]);
    let wrong = "date,name\n2026-02-30,x\n2026-12-25,a\n2026-12-25,b\n";
    let both = said([
        ("e/prod.toml", named("days/us.csv").as_bytes()),
        ("e/days/us.csv", wrong.as_bytes()),
    ]);
    let parts = [
        ("out of the folder", alone("../../days.csv")),
        ("out of environments", alone("../days.csv")),
        ("not there", alone("days.csv")),
        ("wrong days", both),
    ];
    let part = |(title, text): &(&str, String)| format!("## {title}\n{text}");
    snapshot(parts.iter().map(part).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_holidays_are_those_of_the_file_that_is_named_where_it_is_named() {
    let base = with("[calendar]\ntime_zone = \"Europe/Berlin\"\nholidays = \"days.csv\"\n");
    let files: [(&str, &[u8]); 3] = [
        ("e/low/top.toml", b"extends = \"../base.toml\"\n"),
        ("e/base.toml", base.as_bytes()),
        ("e/days.csv", b"date,name\n2026-12-25,Christmas\n"),
    ];
    let (resolved, _) = resolve("e/low/top.toml", &Memory::new(files));
    assert_eq!(resolved.unwrap().holidays[0].name, "Christmas");
}
