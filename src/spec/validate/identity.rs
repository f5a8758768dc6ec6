//! The environment itself: its phase, its guards, its place, its renames.

use super::{Rules, text};
use crate::diag::Diagnostic;
use crate::spec::model::{AwsProvider, OnPremProvider};
use std::collections::BTreeMap;

pub(super) fn check(rules: &mut Rules<'_>) {
    phase(rules);
    place(rules);
    moved(rules);
}

fn phase(rules: &mut Rules<'_>) {
    let environment = rules.environment;
    let phases = &environment.rollout.phases;
    let Some(phase) = &environment.environment.phase else { return };
    if !phases.contains_key(phase) {
        let message = format!("the phase `{phase}` is not declared in `[rollout.phases]`");
        let known = phases.keys().map(|name| name.as_str());
        rules.unknown("environment.phase", &["rollout.phases"], message, (phase.as_str(), known));
    }
}

/// Where the environment is, told so well that another place is refused.
fn place(rules: &mut Rules<'_>) {
    let environment = rules.environment;
    let nowhere = environment.onprem.is_none() && environment.aws.is_none();
    if nowhere && rules.is_absent("onprem") && rules.is_absent("aws") {
        rules.error(
            "environment.name",
            "the environment is nowhere: it has neither `[onprem]` nor `[aws]`",
            "add one of them; to take away what it had there, put the table back without its pools \
             and apply, or `floodway destroy` it first",
        );
    }
    if let Some(onprem) = &environment.onprem {
        for (key, written) in [("context", &onprem.context), ("cluster_uid", &onprem.cluster_uid)] {
            if let Some(written) = written {
                text::check(rules, &format!("onprem.{key}"), written);
            }
        }
        let protected = environment.environment.protected;
        let uid = "onprem.cluster_uid";
        let real = onprem.provider == OnPremProvider::Kubernetes;
        let real = real && rules.could_read("onprem.provider");
        if real && protected && onprem.cluster_uid.is_none() && rules.is_absent(uid) {
            rules.warning(
                uid,
                "a protected environment does not say which cluster it is for",
                "add `cluster_uid`, so that another cluster under the same context is refused",
            );
        }
    }
    let Some(aws) = &environment.aws else { return };
    let account = "aws.account";
    let real = aws.provider == AwsProvider::Aws && rules.could_read("aws.provider");
    if real && aws.account.is_none() && rules.is_absent(account) {
        rules.warning(
            account,
            "`[aws]` does not say which account it is for",
            "add `account`, so that credentials for another account are refused",
        );
    }
    if let (Some(declared), Some(role)) = (&aws.account, &aws.role)
        && role.split(':').nth(4) != Some(declared)
    {
        let message = format!("whoever assumes the role is in another account than {declared}");
        let help = "name a role of that account, or correct `account`";
        rules.report(
            Diagnostic::error(message).help(help),
            &[("aws.role", ""), (account, "declared here")],
        );
    }
}

fn moved(rules: &mut Rules<'_>) {
    let environment = rules.environment;
    let onprem = environment.onprem.iter().flat_map(|onprem| onprem.pools.keys());
    let burst = environment.aws.iter().flat_map(|aws| aws.pools.keys());
    let pools: std::collections::BTreeSet<&str> =
        onprem.chain(burst).map(|name| name.as_str()).collect();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, moved) in environment.moved.iter().enumerate() {
        let (from, to) = (format!("moved.{at}.from"), format!("moved.{at}.to"));
        if pools.contains(moved.from.as_str()) {
            let message = format!("the pool `{}` was moved, and is still declared", moved.from);
            rules.error(&from, message, "remove the pool under its old name, or this `[[moved]]`");
        }
        if !pools.contains(moved.to.as_str()) {
            let message = format!("no pool is called `{}`", moved.to);
            let among = ["onprem.pools", "aws.pools"];
            rules.unknown(&to, &among, message, (&moved.to, pools.iter().copied()));
        }
        for (key, path, end) in [(&moved.from, &from, "from"), (&moved.to, &to, "to")] {
            // One map for both ends: a name that is both was moved on, which
            // one entry says as well as two.
            if let Some(other) = taken.insert(key, at) {
                let other = format!("moved.{other}");
                rules.report(
                    Diagnostic::error(format!("`{key}` is moved twice"))
                        .help("a pool moves from one name to one other, in one step"),
                    &[(path, end), (&other, "")],
                );
            }
        }
    }
}
