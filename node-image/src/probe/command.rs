//! Programs of the image that are run.

use crate::facts::Seen;
use std::process::{Command, Stdio};

/// Runs it to its end and returns what it printed.
///
/// # Errors
/// What it said when it failed.
pub(super) fn run(program: &str, arguments: &[&str]) -> Seen<String> {
    let run = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let run = run.map_err(|error| format!("{program} does not start: {error}"))?;
    if run.status.success() {
        return Ok(String::from_utf8_lossy(&run.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&run.stderr);
    let said = said.trim();
    Err(if said.is_empty() { format!("{program}: {}", run.status) } else { said.to_owned() })
}

/// The units that failed.
pub(super) fn failed_units() -> Seen<Vec<String>> {
    let arguments = ["list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"];
    let listed = run("systemctl", &arguments)?;
    let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
    Ok(listed.lines().filter_map(first).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_says_why() {
        assert_eq!(run("sh", &["-c", "echo out"]), Ok("out\n".to_owned()));
        assert_eq!(run("sh", &["-c", "echo why >&2; exit 3"]), Err("why".to_owned()));
        assert!(run("sh", &["-c", "exit 3"]).unwrap_err().contains('3'));
        assert!(run("/nowhere/program", &[]).unwrap_err().contains("does not start"));
    }
}
