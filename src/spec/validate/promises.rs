//! Shares and times that no service can mean.

use super::Rules;
use crate::diag::Diagnostic;
use crate::units::{Share, Span};

pub(super) fn check(rules: &mut Rules<'_>) {
    slo(rules);
    burst(rules);
}

fn slo(rules: &mut Rules<'_>) {
    let slo = &rules.environment.slo;
    at_most_all(rules, "slo.availability", slo.availability);
    at_most_all(rules, "slo.error_rate", slo.error_rate);
    if slo.availability == Share::ALL {
        rules.warning(
            "slo.availability",
            "an availability of 100% leaves no minute for anything to go wrong",
            "no service keeps it: promise what users need, like \"99.95%\"",
        );
    }
    if slo.availability == Share::default() {
        rules.error("slo.availability", "an availability of 0% promises nothing", "");
    }
    for (key, time) in
        [("ttft_p99", slo.ttft_p99), ("tpot_p99", slo.tpot_p99), ("e2e_p99", slo.e2e_p99)]
    {
        not_zero(rules, &format!("slo.{key}"), time.unwrap_or(Span::from_secs(1)));
    }
    if let (Some(first), Some(last)) = (slo.ttft_p99, slo.e2e_p99)
        && first > last
    {
        rules.report(
            Diagnostic::error("the first token may take longer than the whole answer")
                .help("lower `ttft_p99` or raise `e2e_p99`"),
            &[
                ("slo.ttft_p99", &format!("{first} to the first token")),
                ("slo.e2e_p99", &format!("{last} to the last")),
            ],
        );
    }
}

fn burst(rules: &mut Rules<'_>) {
    let burst = &rules.environment.burst;
    not_zero(rules, "burst.forecast.horizon", burst.forecast.horizon);
    not_zero(rules, "burst.scale_in.pause", burst.scale_in.pause);
    if burst.scale_in.step == 0 {
        let help = "use 1 or more; `[[freeze]]` and `floodway hold` keep what runs";
        rules.error("burst.scale_in.step", "nothing ever goes in steps of 0", help);
    }
    let path = "burst.target_utilization";
    at_most_all(rules, path, burst.target_utilization);
    if burst.target_utilization == Share::default() {
        let help = "the share of the capacity that is meant to be in use, like \"80%\"";
        rules.error(path, "a target utilization of 0% needs endless capacity", help);
    }
    if burst.target_utilization == Share::ALL {
        let help = "bursting begins above it; \"80%\" leaves a fifth for what comes meanwhile";
        rules.warning(
            path,
            "a target utilization of 100% leaves no room until a node serves",
            help,
        );
    }
}

/// Reports a time in which nothing can be done.
pub(super) fn not_zero(rules: &mut Rules<'_>, path: &str, time: Span) {
    if time.millis() == 0 {
        let key = path.rsplit('.').next().unwrap_or(path);
        rules.error(path, format!("`{key}` leaves no time at all"), "use more than \"0s\"");
    }
}

/// Reports a share of more than everything.
pub(super) fn at_most_all(rules: &mut Rules<'_>, path: &str, share: Share) {
    if share > Share::ALL {
        let key = path.rsplit('.').next().unwrap_or(path);
        rules.error(path, format!("`{key}` is {share}, more than all"), "use at most \"100%\"");
    }
}
