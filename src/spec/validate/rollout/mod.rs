//! `[rollout]`: phases that follow each other, steps that wait for each other and
//! agree, and criteria that can be measured.

mod criteria;
mod overrides;
mod phases;
mod steps;

use super::{Rules, promises, text};
use crate::clock::Timestamp;

pub(super) fn check(rules: &mut Rules<'_>) {
    let rollout = &rules.environment.rollout;
    if let Some(waves) = &rollout.waves {
        promises::at_most_all(rules, "rollout.waves.canary", waves.canary);
        promises::at_most_all(rules, "rollout.waves.share", waves.share);
    }
    phases::check(rules);
    for (name, phase) in &rollout.phases {
        let path = format!("rollout.phases.{name}");
        if let Some(owner) = &phase.owner {
            text::check(rules, &format!("{path}.owner"), owner);
        }
        for (key, share) in
            [("availability", phase.goals.availability), ("error_rate", phase.goals.error_rate)]
        {
            promises::at_most_all(rules, &format!("{path}.goals.{key}"), share.unwrap_or_default());
        }
        steps::check(rules, name, phase);
        overrides::check(rules, name, phase);
        criteria::check(rules, &path, phase);
    }
    for (at, passage) in rollout.history.iter().enumerate() {
        if passage.at.parse::<Timestamp>().is_err() {
            let message = format!("`{}` is no moment", passage.at);
            let help = "`floodway rollout` writes it like \"2026-12-01T08:00:00Z\"";
            rules.error(&format!("rollout.history.{at}.at"), message, help);
        }
    }
}
