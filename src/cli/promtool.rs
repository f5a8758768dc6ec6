//! What Prometheus' own `promtool` says of an environment's queries, where it is
//! installed: it knows every function, its arguments and their types.

use crate::diag::{Diagnostic, Diagnostics};
use crate::spec::model::Demand;
use crate::spec::{Environment, Resolved};
use serde_json::json;
use std::io::{self, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// So long it may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// So much of what it says is read.
const MOST_SAID: u64 = 256 * 1024;
/// What a query is called in the file that it checks.
const NAME: &str = "floodway:query_";

/// Adds what is wrong with the queries of `resolved` to `diagnostics`. Where there is no
/// promtool, or it does not answer, that is nothing.
pub(super) fn check(resolved: &Resolved, diagnostics: &mut Diagnostics) {
    let queries = queries(&resolved.environment);
    if queries.is_empty() {
        return;
    }
    let Ok(said) = ask(&queries) else { return };
    for (number, why) in complaints(&said) {
        let Some((key, _)) = queries.get(number) else { continue };
        let wrong = Diagnostic::error(format!("`{key}` is no PromQL: {why}"));
        let wrong = wrong.help("promtool says so; it knows the functions of its own version");
        let place = resolved.origins.origin(key);
        diagnostics.push(match place.and_then(|place| Some((place, resolved.line_from(place)?))) {
            Some((place, span)) => wrong.at(&place.file, span, ""),
            None => wrong,
        });
    }
}

/// Every query that the environment holds, with its dotted key.
fn queries(environment: &Environment) -> Vec<(String, &str)> {
    let mut all: Vec<(String, &str)> = Vec::new();
    if let Some(signals) = &environment.signals {
        match &signals.demand {
            None => {}
            Some(Demand::OfOnly(query)) => all.push(("signals.demand".to_owned(), query)),
            Some(Demand::ByStage(queries)) => {
                let each = queries.iter();
                all.extend(each.map(|(stage, q)| (format!("signals.demand.{stage}"), q.as_str())));
            }
        }
        let queues = signals.queue.iter();
        all.extend(queues.map(|(stage, q)| (format!("signals.queue.{stage}"), q.as_str())));
        let topics = signals.kafka.iter();
        all.extend(topics.filter_map(|(stage, topic)| {
            Some((format!("signals.kafka.{stage}.query"), topic.query.as_deref()?))
        }));
        let upstream = signals.upstream.iter();
        all.extend(upstream.map(|(name, q)| (format!("signals.upstream.{name}"), q.as_str())));
    }
    for (name, phase) in &environment.rollout.phases {
        let exit = phase.exit.iter().map(|(key, exit)| ("exit", key, exit.query.as_deref()));
        let abort = phase.abort.iter().map(|(key, abort)| ("abort", key, abort.query.as_deref()));
        all.extend(exit.chain(abort).filter_map(|(kind, key, query)| {
            Some((format!("rollout.phases.{name}.{kind}.{key}.query"), query?))
        }));
    }
    all
}

/// What it says of a file of rules with these queries.
fn ask(queries: &[(String, &str)]) -> io::Result<String> {
    let rule = |(number, (_, query)): (usize, &(String, &str))| json!({ "record": format!("{NAME}{number}"), "expr": query });
    let rules: Vec<_> = queries.iter().enumerate().map(rule).collect();
    // JSON is YAML.
    let file = json!({ "groups": [{ "name": "floodway", "rules": rules }] }).to_string();
    let mut beside = tempfile::Builder::new().prefix("floodway-").suffix(".yaml").tempfile()?;
    beside.write_all(file.as_bytes())?;
    let mut child = Command::new("promtool")
        .args(["check", "rules"])
        .arg(beside.path())
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take();
    let reader = thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            let _ = stderr.take(MOST_SAID).read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).into_owned()
    });
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(reader.join().unwrap_or_default())
}

/// The number of each query that it complains of, and why:
/// `…: group "floodway", rule 1, "floodway:query_1": could not parse expression: 1:5: parse error: …`
fn complaints(said: &str) -> Vec<(usize, String)> {
    let one = |line: &str| {
        let (_, after) = line.split_once(&format!("\"{NAME}"))?;
        let (number, why) = after.split_once("\": ")?;
        let why = why.trim_start_matches("could not parse expression: ");
        Some((number.parse().ok()?, why.trim().to_owned()))
    };
    said.lines().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_names_its_query() {
        let said = "  FAILED:\n/tmp/x.yaml: 1:52: group \"floodway\", rule 2, \
                    \"floodway:query_1\": could not parse expression: 1:5: parse error: unclosed \
                    left parenthesis\n/tmp/x.yaml: something else\n";
        let why = "1:5: parse error: unclosed left parenthesis".to_owned();
        assert_eq!(complaints(said), [(1, why)]);
    }
}
