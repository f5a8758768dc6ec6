//! Where the load is measured.

use super::{Rules, text};
use crate::diag::looks_secret;

pub(super) fn check(rules: &mut Rules<'_>) {
    let Some(signals) = &rules.environment.signals else { return };
    url(rules, "signals.prometheus", &signals.prometheus);
    if let Some(query) = &signals.demand {
        text::check(rules, "signals.demand", query);
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
