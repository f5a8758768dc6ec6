//! Autoscalers: each number has one owner.

use super::Rules;
use super::promises::at_most_all;
use crate::diag::Diagnostic;
use crate::spec::model::{Count, Hpa, OnPremPool};
use crate::units::{Rate, Share};

pub(super) fn check(rules: &mut Rules<'_>) {
    let Some(onprem) = &rules.environment.onprem else { return };
    for (name, pool) in &onprem.pools {
        if let Some(hpa) = &pool.hpa {
            let path = format!("onprem.pools.{name}");
            owner(rules, &path, pool);
            targets(rules, &path, pool, hpa);
        }
    }
}

fn owner(rules: &mut Rules<'_>, path: &str, pool: &OnPremPool) {
    let (hpa, replicas) = (format!("{path}.hpa"), format!("{path}.replicas"));
    match pool.replicas {
        Count::Fixed(number) => rules.report(
            Diagnostic::error("an HPA on a pool whose number git owns")
                .help("remove `hpa`, or write `replicas = { min = …, max = … }` and let it own the number"),
            &[(&hpa, "would change the number"), (&replicas, &format!("git says {number}"))],
        ),
        Count::Between { min: 0, .. } => rules.report(
            Diagnostic::error("an HPA cannot scale from zero")
                .help("Kubernetes takes a min of 0 only behind a feature gate: use at least 1"),
            &[(&format!("{replicas}.min"), "")],
        ),
        Count::Between { .. } => {}
    }
    if let Some(demand) = rules.stage(&pool.stage).and_then(|stage| stage.demand) {
        let demanded = format!("service.stages.{}.demand", pool.stage);
        rules.report(
            Diagnostic::error("an HPA on a pool of a stage whose demand git owns")
                .help("remove `hpa`, or remove `demand` and let the HPA own the number"),
            &[(&hpa, "would change the number"), (&demanded, &format!("git wants {demand}"))],
        );
    }
}

fn targets(rules: &mut Rules<'_>, path: &str, pool: &OnPremPool, hpa: &Hpa) {
    let at = format!("{path}.hpa");
    if hpa.cpu.is_none() && hpa.requests_per_second.is_none() && rules.is_absent(&at) {
        let help = "give it `cpu`, `requests_per_second`, or both";
        rules.error(&at, "an HPA without a target", help);
    }
    if let Some(cpu) = hpa.cpu {
        let at = format!("{at}.cpu");
        at_most_all(rules, &at, cpu);
        if cpu < Share::percent(1) {
            rules.error(&at, format!("an HPA cannot hold cpu to {cpu}"), "use at least \"1%\"");
        } else if cpu != Share::percent(cpu.whole_percent()) {
            let help = format!("write \"{}%\"", cpu.whole_percent());
            rules.error(&at, "an HPA counts in whole percent", &help);
        }
    }
    let Some(target) = hpa.requests_per_second else { return };
    let at = format!("{at}.requests_per_second");
    if target == 0 {
        rules.error(&at, "an HPA cannot hold replicas to no requests", "use at least 1");
    }
    if Rate::from_millis(1000).times(target) > pool.capacity {
        rules.report(
            Diagnostic::warning("the HPA holds replicas above what one carries inside the SLO")
                .help("lower the target below `capacity`, or the SLO breaks before it scales"),
            &[
                (&at, &format!("holds each to {target} req/s")),
                (&format!("{path}.capacity"), &format!("each carries {}", pool.capacity)),
            ],
        );
    }
}
