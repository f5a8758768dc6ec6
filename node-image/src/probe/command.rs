//! Programs of the image that are run.

use crate::facts::Seen;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a machine starts for, and how long it may take after the agent: an emulated
/// machine is slow.
const STARTED: (&str, Duration) = ("multi-user.target", Duration::from_secs(60));
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

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

/// Waits until all that starts with the machine was started.
///
/// # Errors
/// What is still waited for.
pub(super) fn started() -> Seen<()> {
    let (target, patience) = STARTED;
    let start = Instant::now();
    while run("systemctl", &["is-active", "--quiet", target]).is_err() {
        if start.elapsed() > patience {
            let jobs = run("systemctl", &["list-jobs", "--plain", "--no-legend", "--no-pager"])?;
            let jobs: Vec<_> =
                jobs.lines().filter_map(|job| job.split_whitespace().nth(1)).collect();
            return Err(format!("{target} is not reached; still to start: {}", jobs.join(", ")));
        }
        sleep(PAUSE);
    }
    Ok(())
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
