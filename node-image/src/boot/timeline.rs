//! When the phases of the boot were over, all on one line: the testing machine's
//! clock says when it was switched on, the guest's own how long its kernel has run.

use super::report::Phase;
use crate::facts::Facts;
use std::time::Duration;

/// Phases that the agent tells: the field of its status, and the phase's name.
const OF_AGENT: [(&str, &str); 4] = [
    ("agent_seconds", "systemd"),
    ("network_seconds", "network"),
    ("identity_seconds", "identity"),
    ("ready_seconds", "ready"),
];

/// The phases, and when the agent was ready. The probe told its facts `told` after
/// power-on.
pub(super) fn phases(facts: &Facts, told: Duration) -> (Vec<Phase>, Option<f64>) {
    // What came before the kernel's own clock: the firmware, the boot loader and the
    // unpacking of the kernel.
    let firmware = (told.as_secs_f64() - facts.up_seconds).max(0.0);
    let mut over = vec![("firmware".to_owned(), 0.0)];
    let told = facts.agent.status.as_ref().ok().map(|status| &status["phases"]);
    let init = told.and_then(|phases| phases["init"].as_array());
    for phase in init.into_iter().flatten() {
        if let (Some(name), Some(seconds)) = (phase["name"].as_str(), phase["seconds"].as_f64()) {
            // The kernel's part is no work of the initrd.
            let name = if name == "kernel" { name.to_owned() } else { format!("init: {name}") };
            over.push((name, seconds));
        }
    }
    for (field, name) in OF_AGENT {
        let seconds = told.and_then(|phases| phases[field].as_f64());
        over.extend(seconds.map(|seconds| (name.to_owned(), seconds)));
    }
    let mut before = 0.0;
    let phase = |(name, since_kernel): (String, f64)| {
        let over = firmware + since_kernel;
        let took = f64::max(over - before, 0.0);
        before = over;
        Phase { name, over_seconds: millis(over), took_seconds: millis(took) }
    };
    let phases: Vec<_> = over.into_iter().map(phase).collect();
    let ready = phases.iter().find(|phase| phase.name == "ready").map(|phase| phase.over_seconds);
    (phases, ready)
}

/// To the millisecond: more is noise to who reads it.
fn millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::verdict::samples;
    use super::*;

    #[test]
    fn phases_follow_each_other_from_power_on() {
        let mut facts = samples::facts();
        facts.up_seconds = 7.0;
        let (phases, ready) = phases(&facts, Duration::from_secs(10));
        let told: Vec<_> =
            phases.iter().map(|p| (p.name.as_str(), p.over_seconds, p.took_seconds)).collect();
        assert_eq!(
            told,
            [
                ("firmware", 3.0, 3.0),
                ("kernel", 4.0, 1.0),
                ("init: verity", 4.5, 0.5),
                ("systemd", 6.0, 1.5),
                ("network", 6.25, 0.25),
                ("identity", 6.3, 0.05),
                ("ready", 6.3, 0.0),
            ]
        );
        assert_eq!(ready, Some(6.3));
    }

    #[test]
    fn an_agent_that_told_nothing_leaves_the_firmware() {
        let mut facts = samples::facts();
        facts.agent.status = Err("no answer".to_owned());
        let (phases, ready) = phases(&facts, Duration::from_secs(10));
        assert_eq!((phases.len(), ready), (1, None));
    }
}
