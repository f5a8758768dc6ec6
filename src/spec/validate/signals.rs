//! Where the load is measured.

use super::{Rules, text};
use crate::diag::{Diagnostic, looks_secret};
use crate::id::Name;
use crate::spec::model::{Demand, Kafka, Signals};
use crate::spec::promql;
use crate::units::Span;

pub(super) fn check(rules: &mut Rules<'_>) {
    weights(rules);
    let Some(signals) = &rules.environment.signals else { return };
    servers(rules, signals);
    times(rules, signals);
    demand(rules, signals);
    for (stage, query) in &signals.queue {
        of_stage(rules, "queue", stage);
        promql(rules, &format!("signals.queue.{stage}"), query);
    }
    for stage in signals.engine.keys() {
        of_stage(rules, "engine", stage);
    }
    for (stage, matchers) in &signals.select {
        of_stage(rules, "select", stage);
        select(rules, signals, stage, matchers);
    }
    for (stage, topic) in &signals.kafka {
        of_stage(rules, "kafka", stage);
        kafka(rules, stage, topic);
    }
    for (name, query) in &signals.upstream {
        promql(rules, &format!("signals.upstream.{name}"), query);
    }
}

/// Weights are of the load that they were trained on, and of no other.
fn weights(rules: &mut Rules<'_>) {
    let environment = rules.environment;
    let scaled = environment.controlled_stages();
    let loads = environment.demand_queries().keys().filter(|stage| scaled.contains(*stage)).count();
    if environment.burst.forecast.weights.is_some() && loads > 1 && rules.could_read("signals") {
        let message =
            format!("the weights are of one load, and the controller looks ahead of {loads}");
        let help = "leave `weights` out: the other forecasters learn from each load by itself";
        rules.error("burst.forecast.weights", message, help);
    }
}

fn servers(rules: &mut Rules<'_>, signals: &Signals) {
    if signals.prometheus.is_empty() {
        let help = "write it like \"http://prometheus.monitoring:9090\"";
        rules.error("signals.prometheus", "`signals.prometheus` names no server", help);
    }
    for (at, server) in signals.prometheus.iter().enumerate() {
        let alone = signals.prometheus.len() == 1;
        let at_it = || format!("signals.prometheus.{at}");
        let path = if alone { "signals.prometheus".to_owned() } else { at_it() };
        url(rules, &path, server);
        if signals.prometheus[..at].contains(server) {
            let help = "a server that is asked twice contradicts nothing";
            rules.error(&path, format!("`{server}` stands there twice"), help);
        }
    }
}

fn times(rules: &mut Rules<'_>, signals: &Signals) {
    let keys = [
        ("signals.timeout", signals.timeout),
        ("signals.max_age", signals.max_age),
        ("signals.interval", signals.interval),
        ("signals.window", signals.window),
    ];
    for (path, span) in keys {
        if span == Span::default() {
            rules.error(path, format!("`{path}` is nothing"), "write it like \"15s\"");
        }
    }
    if signals.timeout > LONGEST {
        let message = format!("`signals.timeout` is longer than {LONGEST}");
        let help = "every decision waits for a server that does not answer";
        rules.error("signals.timeout", message, help);
    }
    for (path, span) in [keys[0], keys[2]] {
        if span > signals.max_age {
            let message = format!("`{path}` is longer than a measurement stays good");
            let help = "make it shorter, or `max_age` longer";
            let max_age = format!("old after {}", signals.max_age);
            let places = [(path, ""), ("signals.max_age", max_age.as_str())];
            rules.report(Diagnostic::error(message).help(help), &places);
        }
    }
}

/// A turn waits for its queries, and a controller none of whose turns ends for three
/// minutes leads no more.
const LONGEST: Span = Span::from_secs(60);

fn demand(rules: &mut Rules<'_>, signals: &Signals) {
    match &signals.demand {
        None => {}
        Some(Demand::ByStage(queries)) => {
            for (stage, query) in queries {
                of_stage(rules, "demand", stage);
                promql(rules, &format!("signals.demand.{stage}"), query);
            }
        }
        Some(Demand::OfOnly(query)) => {
            promql(rules, "signals.demand", query);
            let known = ["service", "onprem", "aws"];
            if !known.iter().all(|table| rules.could_read(table) && rules.is_absent(table)) {
                return;
            }
            let stages = rules.environment.controlled_stages();
            let names: Vec<String> = stages.iter().map(|stage| format!("`{stage}`")).collect();
            let help = "say of which stage it is: demand = { STAGE = '…' }";
            match names.as_slice() {
                [_] => {}
                [] => rules.warning(
                    "signals.demand",
                    "the demand is of no stage: no pool's size is the controller's",
                    "it is not read; give a pool bounds (`{ min = …, max = … }`) and no `hpa`",
                ),
                [rest @ .., last] => {
                    let names = format!("{} and {last}", rest.join(", "));
                    let message =
                        format!("the demand may be of {names}: the controller sizes pools of each");
                    rules.error("signals.demand", message, help);
                }
            }
        }
    }
}

fn select(rules: &mut Rules<'_>, signals: &Signals, stage: &Name, matchers: &str) {
    let path = format!("signals.select.{stage}");
    let example = "write label matchers, like 'job=\"vllm\", cluster=\"dc1\"'";
    let braces = matchers.trim_start().starts_with('{');
    if matchers.trim().is_empty() || braces || promql::reads(&format!("x{{{matchers}}}")).is_err() {
        rules.error(&path, format!("`{matchers}` selects nothing"), example);
    }
    text::check(rules, &path, matchers);
    if !signals.engine.contains_key(stage) && rules.is_absent("signals.engine") {
        let message = format!("nothing is read of what `{stage}`'s series are selected for");
        rules.warning(&path, message, "say what serves the stage: engine = { STAGE = \"vllm\" }");
    }
}

fn kafka(rules: &mut Rules<'_>, stage: &Name, topic: &Kafka) {
    let path = format!("signals.kafka.{stage}");
    let named = topic.group.as_ref().or(topic.topic.as_ref());
    match (&topic.query, named) {
        (Some(query), None) => promql(rules, &format!("{path}.query"), query),
        (Some(_), Some(_)) => {
            let message = format!("the lag of `{stage}` is given twice");
            let help = "keep the query, or the group and the topic";
            rules.error(&format!("{path}.query"), message, help);
        }
        (None, _) if topic.group.is_none() => {
            let message = format!("whose lag `{stage}` has is not said");
            rules.error(&path, message, "add group = \"…\", or a query");
        }
        (None, _) => {
            for (key, name) in [("group", &topic.group), ("topic", &topic.topic)] {
                if let Some(name) = name {
                    text::check(rules, &format!("{path}.{key}"), name);
                }
            }
        }
    }
}

/// Reports a table that is of no stage.
fn of_stage(rules: &mut Rules<'_>, table: &str, stage: &Name) {
    if rules.stage(stage).is_none() {
        let stages = &rules.environment.service.stages;
        rules.unknown(
            &format!("signals.{table}.{stage}"),
            &["service.stages"],
            format!("`{stage}` is no stage"),
            (stage.as_str(), stages.keys().map(Name::as_str)),
        );
    }
}

/// A query that is longer is not repeated beside its line.
const LONG: usize = 1000;

/// How a query is written. The one that is named counts what arrives: a demand read from
/// requests that have ended would stay at what is carried.
const QUERY: &str = "write it like 'sum(rate(gateway_requests_total[1m]))'";

/// A query: the server has the last word, but what can be seen here is said here.
fn promql(rules: &mut Rules<'_>, path: &str, query: &str) {
    text::check(rules, path, query);
    if query.trim().is_empty() {
        return;
    }
    let read = promql::reads(query);
    match read.and_then(|reads| promql::parses(query).map(|_| reads)) {
        Err(why) if query.len() > LONG => rules.error(path, format!("the query {why}"), QUERY),
        Err(why) => rules.error(path, format!("`{query}` {why}"), QUERY),
        Ok(reads) if reads.selectors.is_empty() => {
            rules.warning(path, format!("`{query}` reads no series"), QUERY);
        }
        Ok(_) => {}
    }
}

/// As [`promql`], for a query that is to answer a number, or one for each series.
pub(super) fn number(rules: &mut Rules<'_>, path: &str, query: &str) {
    promql(rules, path, query);
    if let Ok(kind) = promql::parses(query)
        && !kind.is_number()
    {
        rules.error(path, format!("`{query}` answers {kind}, not a number"), QUERY);
    }
}

/// A URL of a server.
fn url(rules: &mut Rules<'_>, path: &str, url: &str) {
    // An error of its own, which quotes nothing of it.
    if looks_secret(url) {
        return;
    }
    let example = "write it like \"http://prometheus.monitoring:9090\"";
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let Some(rest) = rest.filter(|_| !url.contains(|c: char| c.is_whitespace() || c.is_control()))
    else {
        return rules.error(path, format!("`{url}` is not an http or https URL"), example);
    };
    let (authority, tail) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let port_is_right = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    // `[::1]:9090` has colons of its own.
    let (host, port) = match authority.rfind(']') {
        Some(end) => (&authority[..=end], authority[end + 1..].strip_prefix(':')),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() || port.is_some_and(|port| !port_is_right(port)) {
        return rules.error(path, format!("`{url}` names no host, or no port"), example);
    }
    if tail.contains(['?', '#']) {
        let help = "give the server's address; Floodway adds the path of its query API";
        rules.error(path, "the URL holds more than an address and a path", help);
    }
}
