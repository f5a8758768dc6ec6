//! Engines that answer at all, and a promise that they can be held to.

use super::Rules;
use crate::spec::model::Profile;

pub(super) fn check(rules: &mut Rules<'_>) {
    let environment = rules.environment;
    for (name, pool) in environment.onprem.iter().flat_map(|onprem| &onprem.pools) {
        if let Some(profile) = &pool.profile {
            one(rules, &format!("onprem.pools.{name}.profile"), profile);
        }
    }
    for (name, pool) in environment.aws.iter().flat_map(|aws| &aws.pools) {
        for (key, profile) in &pool.profile {
            let path = format!("aws.pools.{name}.profile.{key}");
            one(rules, &path, profile);
            if !pool.capacity.contains_key(key) && rules.could_read("aws.pools") {
                let known = pool.capacity.keys().map(String::as_str);
                let message = format!("`{key}` has a profile, and no capacity");
                let among = format!("aws.pools.{name}.capacity");
                rules.unknown(&path, &[&among], message, (key.as_str(), known));
            }
        }
    }
}

fn one(rules: &mut Rules<'_>, path: &str, profile: &Profile) {
    if profile.alpha_ms.millionths() == 0 {
        let help = "write how many milliseconds pass from one token to the next";
        rules.error(&format!("{path}.alpha_ms"), "an engine that takes no time", help);
    }
    if profile.max_batch == 0 {
        rules.error(&format!("{path}.max_batch"), "an engine that answers nobody", "use 1 or more");
    }
    let slo = &rules.environment.slo;
    if slo.tpot_p99.is_none()
        && slo.ttft_p99.is_none()
        && rules.is_absent("slo.tpot_p99")
        && rules.is_absent("slo.ttft_p99")
    {
        let help = "add `ttft_p99` or `tpot_p99` to [slo]; until then `capacity` counts";
        rules.warning(path, "no promise says how full the engine may be", help);
    }
}
