//! Rollouts that are wrong.

use super::super::fixture::WHOLE;
use super::{said, snapshot};

/// The fixture with `rollout` in place of its own.
fn with(rollout: &str) -> String {
    let (before, after) = WHOLE.split_once("[rollout.phases.short]").unwrap();
    let (_, after) = after.split_once("[[moved]]").unwrap();
    format!("{before}{rollout}\n[[moved]]{after}")
}

fn phases(short: &str, medium: &str) -> String {
    with(&format!(
        "[rollout.phases.short]\norder = 1\n{short}\n[rollout.phases.medium]\norder = 2\n{medium}"
    ))
}

fn parts(cases: &[(&str, String)]) -> String {
    let part = |(title, text): &(&str, String)| {
        format!("## {title}\n{}", said([("prod.toml", text.as_bytes())]))
    };
    cases.iter().map(part).collect::<Vec<_>>().join("\n")
}

/// A step of the phase `short`.
fn step(name: &str, does: &str) -> String {
    format!("[rollout.phases.short.steps.{name}]\nsummary = \"{name}\"\n{does}\n")
}

#[test]
fn phases_out_of_order() {
    let late = |short: &str, medium: &str| {
        phases(
            &format!("start = \"{short}\"\nwindow = \"1-2 weeks\""),
            &format!("start = \"{medium}\""),
        )
    };
    snapshot(parts(&[
        ("the same order", phases("", "").replace("order = 2", "order = 1")),
        ("a later phase that begins before an earlier one", late("2026-12-10", "2026-12-01")),
        ("one that begins before the earlier can be done", late("2026-12-10", "2026-12-12")),
        ("no days", late("tomorrow", "20261212")),
        ("a window that is none", phases("window = \"soon\"", "window = \"0 days\"")),
        ("a window that ends before it begins", phases("window = \"2-1 weeks\"", "")),
        (
            "shares of more than all",
            phases("goals = { availability = \"120%\" }", "").replacen(
                "[rollout",
                "[rollout.waves]\ncanary = \"200%\"\n[rollout",
                1,
            ),
        ),
        (
            "a passage at no moment",
            with("[rollout.phases.medium]\norder = 1\n[[rollout.history]]\nat = \"x\"\nby = \"y\""),
        ),
    ]));
}

#[test]
fn steps_that_wait_for_nothing_or_for_each_other() {
    let after = |name: &str, after: &str| step(name, &format!("after = [{after}]"));
    let [a, b, c] = ["a", "b", "c"];
    snapshot(parts(&[
        ("unknown steps", phases(&(after("hpa", "\"hpb\"") + &after(b, "\"lang.x\"")), "")),
        (
            "a step of a later phase",
            phases(
                &after(a, "\"medium.x\""),
                "[rollout.phases.medium.steps.x]\nsummary = \"x\"\nafter = [\"short.a\"]\n",
            ),
        ),
        (
            "a step of its own phase by its whole name",
            phases(&(after(a, "\"short.b\"") + &after(b, "")), ""),
        ),
        ("itself", phases(&after(a, "\"a\""), "")),
        ("a circle", phases(&(after(a, "\"b\"") + &after(b, "\"c\"") + &after(c, "\"a\"")), "")),
    ]));
}

#[test]
fn steps_that_fight() {
    let pools = "set.onprem.pools.cpu";
    let both = |one: &str, other: &str| phases(&(step("a", one) + &step("b", other)), "");
    snapshot(parts(&[
        (
            "different values of a key",
            both(
                "set.onprem.pools.cpu.capacity = \"1150 req/s\"",
                "set.onprem.pools.cpu.capacity = \"1100 req/s\"",
            ),
        ),
        (
            "a value and a table",
            both(
                &format!("{pools}.replicas = 3"),
                &format!("{pools}.replicas = {{ min = 1, max = 4 }}"),
            ),
        ),
        (
            "one takes away what the other sets",
            both("unset = [\"onprem.pools.cpu.hpa\"]", &format!("{pools}.hpa.cpu = \"60%\"")),
        ),
        (
            "a step that does both",
            phases(
                &step(
                    "a",
                    &format!("unset = [\"onprem.pools.cpu.hpa.cpu\"]\n{pools}.hpa.cpu = \"60%\""),
                ),
                "",
            ),
        ),
    ]));
}

#[test]
fn steps_that_do_not_fight_are_no_errors() {
    let same = "set.onprem.pools.h100.capacity = \"20 req/s\"\n";
    for short in [
        // The same value.
        step("a", same) + &step("b", same),
        // One after the other, over a third.
        step("a", same)
            + &step("b", "after = [\"a\"]")
            + &step("c", "after = [\"b\"]\nset.onprem.pools.h100.capacity = \"21 req/s\"\n"),
        // A table that is set anew.
        step("a", "unset = [\"onprem.pools.cpu.hpa\"]\nset.onprem.pools.cpu.hpa.cpu = \"60%\"\n"),
    ] {
        let text = phases(&short, "");
        assert_eq!(said([("prod.toml", text.as_bytes())]), "", "{text}");
    }
}

#[test]
fn what_no_phase_may_set() {
    let does = |does: &str| phases(&step("a", does), "");
    snapshot(parts(&[
        ("the name and the guards", does("set.environment.max_destroy = 9")),
        ("the place", does("set.onprem.context = \"other\"\nset.aws.account = \"210987654321\"")),
        ("the budget", does("set.burst.budget = { usd_per_hour = 9000 }")),
        ("the rollout", does("set.rollout.phases = {}")),
        ("keys of a file", does("set.extends = \"x.toml\"\nset.unset = [\"aws\"]")),
        (
            "by taking it away",
            does("unset = [\"burst.budget\", \"aws\", \"burst\", \"onprem.context\"]"),
        ),
        ("no key", does("unset = [\"a b\", \"onprem.pools.gone\"]")),
    ]));
}

#[test]
fn what_is_wrong_at_another_phase_only() {
    let medium = |does: &str| format!("[rollout.phases.medium.steps.a]\nsummary = \"a\"\n{does}\n");
    let long = |does: &str| {
        format!(
            "[rollout.phases.long]\norder = 3\n[rollout.phases.long.steps.b]\nsummary = \"b\"\n{does}\n"
        )
    };
    let wrong = "set.onprem.pools.cpu.stage = \"preproces\"";
    let key = "set.onprem.pools.cpu.replica = 3";
    snapshot(parts(&[
        ("at the live one and a later one", phases("", &(medium(wrong) + &long("")))),
        ("at a later one", phases("", &(medium("") + &long(wrong)))),
        ("an unknown key at a later one", phases("", &(medium("") + &long(key)))),
        (
            "at an earlier one",
            phases(&step("x", wrong), &medium("set.onprem.pools.cpu.stage = \"preprocess\"")),
        ),
        (
            "a guard at a later one",
            phases("", &(medium("") + &long("set.aws.pools.g6e.warm_pool = 20"))),
        ),
    ]));
}

#[test]
fn criteria_that_cannot_be_measured() {
    let exit = |says: &str| phases(&format!("[rollout.phases.short.exit.a]\n{says}"), "");
    let abort = |says: &str| phases(&format!("[rollout.phases.short.abort.a]\n{says}"), "");
    snapshot(parts(&[
        ("nothing at all", exit("")),
        ("nothing measured", exit("at_least = \"99%\"")),
        ("two measured", exit("measure = \"availability\"\nquery = 'up'\nat_least = \"99%\"")),
        ("no limit", abort("measure = \"error_rate\"")),
        ("two limits", exit("query = 'up'\nat_least = 1\nat_most = 2")),
        (
            "too little data, and no time",
            exit("query = 'up'\nat_least = 1\nminimum = \"0%\"\nwindow = \"0s\""),
        ),
        ("more data than all", exit("query = 'up'\nat_least = 1\nminimum = \"101%\"")),
        ("a limit of another unit", exit("measure = \"ttft_p99\"\nat_most = \"99%\"")),
        ("a limit without its unit", exit("measure = \"availability\"\nat_least = 0.999")),
        ("a limit of more than all", exit("measure = \"availability\"\nat_least = \"101%\"")),
        ("met by bad values", exit("measure = \"availability\"\nat_most = \"99%\"")),
        ("ended by good values", abort("measure = \"error_rate\"\nbelow = \"1%\"")),
        ("an unknown measure", exit("measure = \"availibility\"\nat_least = \"99%\"")),
        ("no limit that is known", exit("query = 'up'\nat_least = \"fast\"")),
    ]));
}

#[test]
fn criteria_whose_promql_does_not_parse() {
    let query = |query: &str| {
        phases(&format!("[rollout.phases.short.exit.a]\nquery = '''{query}'''\nat_least = 1"), "")
    };
    snapshot(parts(&[
        ("open", query("sum(rate(x[5m])")),
        ("two things", query("up up")),
        ("an unknown function", query("speed(x[5m])")),
        ("a rate of no range", query("rate(x)")),
        ("a range, not a number", query("x[5m]")),
        ("a text", query("\"up\"")),
        ("no series", query("1 + 1")),
        ("an operator of nothing", query("sum by (a) (x) >")),
        ("two lines", query("up\n+ 1")),
    ]));
}
