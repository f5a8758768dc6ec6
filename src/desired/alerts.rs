//! The alert rules of the operations team.

use super::scene::{About, Scene};
use super::view::{Alerts, BurnAlert, ControllerAlerts, LatencyAlert, StageAlerts};
use super::workloads::SCHEDULING_SECONDS;
use super::{Desired, DesiredError, names};
use crate::decide::DesiredOwner;
use crate::id::Name;
use crate::observe::ResourceId;
use crate::spec::model::Slo;
use crate::units::Share;

/// CPU or memory over this share of their limits is too much.
const RESOURCE_THRESHOLD: Share = Share::percent(85);

/// So many turns without a decision are too many, where that is longer than
/// [`SHORTEST_DECISION_AGE`]: a place that hardly answers makes a turn long.
const MISSED_TURNS: u64 = 10;
/// In seconds.
const SHORTEST_DECISION_AGE: u64 = 300;

/// Burn rates over two windows, as in Google's SRE workbook, chapter 5: at 14.4
/// times the allowed rate a budget of 30 days is gone in 2 days, at 6 in 5.
const BURNS: [(&str, u64, &str, &str, &str, &str); 2] = [
    ("FloodwayErrorBudgetFastBurn", 144, "1h", "5m", "2 days", "critical"),
    ("FloodwayErrorBudgetSlowBurn", 60, "6h", "30m", "5 days", "warning"),
];

/// The rules as a PrometheusRule where that CRD is installed, else as a ConfigMap.
pub(super) fn member(scene: &Scene<'_>) -> Result<Desired, DesiredError> {
    let (template, kind) = if scene.input.inventory.capabilities.prometheus_rules {
        ("templates/kubernetes/alerts-prometheusrule.yaml", "PrometheusRule")
    } else {
        ("templates/kubernetes/alerts-configmap.yaml", "ConfigMap")
    };
    let about = About {
        reason: scene.because("slo", "alerts on what the SLO promises"),
        after: vec![scene.parent_id()],
    };
    scene.render(template, id(scene, kind), &view(scene), about)
}

fn id(scene: &Scene<'_>, kind: &str) -> ResourceId {
    let api = if kind == "ConfigMap" { "v1" } else { "monitoring.coreos.com/v1" };
    scene.id(api, kind, &format!("{}-alerts", scene.input.mark.parent_name()))
}

/// What the rules' template sees.
pub(super) fn view(scene: &Scene<'_>) -> Alerts {
    let kind = if scene.input.inventory.capabilities.prometheus_rules {
        "PrometheusRule"
    } else {
        "ConfigMap"
    };
    let slo = &scene.environment().slo;
    Alerts {
        meta: scene.member(&id(scene, kind), &[]),
        environment: scene.environment_name(),
        stages: scene.environment().service.stages.keys().map(|name| stage(scene, name)).collect(),
        resource_threshold: RESOURCE_THRESHOLD.as_f64(),
        completion_threshold: slo.error_rate.rest().as_f64(),
        error_rate: slo.error_rate.to_string(),
        latencies: latencies(slo),
        burns: burns(slo.error_rate),
        controller: controller(scene),
    }
}

/// Where pools are the controller's to size, and a load is measured, one should run.
fn controller(scene: &Scene<'_>) -> Option<ControllerAlerts> {
    let environment = scene.environment();
    let signals = environment.signals.as_ref()?;
    if environment.controlled_stages().is_empty() {
        return None;
    }
    let turns = signals.interval.secs_ceil().saturating_mul(MISSED_TURNS);
    Some(ControllerAlerts {
        decision_age_seconds: turns.max(SHORTEST_DECISION_AGE),
        has_budget: environment.burst.budget.is_some(),
    })
}

fn stage(scene: &Scene<'_>, name: &Name) -> StageAlerts {
    let environment = scene.environment();
    let in_cluster = |pool: &Name| !names::is_standalone(environment, pool);
    let scaled_by_hpa = |pool: &Name| {
        let decided = scene.input.decision.pools.get(pool);
        decided.is_some_and(|decided| decided.owner == DesiredOwner::Hpa)
    };
    let workloads = |chosen: &dyn Fn(&Name) -> bool| -> Vec<String> {
        let pools = scene.input.decision.pools.iter();
        pools
            .filter(|(pool, decided)| &decided.stage == name && chosen(pool))
            .filter_map(|(pool, _)| scene.workloads.get(pool).cloned())
            .collect()
    };
    let any_of = |names: &[String]| (!names.is_empty()).then(|| names.join("|"));
    let each_deployment = workloads(&in_cluster);
    let deployments = any_of(&each_deployment);
    let startup = environment.service.stages.get(name).map_or(0, |stage| stage.startup.secs_ceil());
    StageAlerts {
        name: name.to_string(),
        // A Deployment's pods: its name, the template's hash, five characters.
        pods: deployments.as_ref().map(|names| format!("({names})-[a-z0-9]+-[a-z0-9]+")),
        deployments,
        each_deployment,
        autoscalers: any_of(&workloads(&scaled_by_hpa)),
        missing_for: format!("{}s", startup + SCHEDULING_SECONDS),
    }
}

fn latencies(slo: &Slo) -> Vec<LatencyAlert> {
    let known = [
        (
            slo.ttft_p99,
            "FloodwayFirstTokenSlow",
            "inference_time_to_first_token_seconds",
            "time to first token",
            "ttft_p99",
        ),
        (
            slo.tpot_p99,
            "FloodwayTokensSlow",
            "inference_time_per_output_token_seconds",
            "time per output token",
            "tpot_p99",
        ),
        (
            slo.e2e_p99,
            "FloodwayRequestsSlow",
            "inference_request_duration_seconds",
            "request duration",
            "e2e_p99",
        ),
    ];
    let declared =
        |(objective, alert, metric, what, key): (Option<crate::units::Span>, _, _, _, _)| {
            objective.map(|objective| LatencyAlert {
                alert,
                metric,
                what,
                key,
                seconds: objective.as_secs_f64(),
                objective: objective.to_string(),
            })
        };
    known.into_iter().filter_map(declared).collect()
}

fn burns(error_rate: Share) -> Vec<BurnAlert> {
    let burn = |(alert, tenths, long, short, gone_in, severity): (_, u64, _, _, _, _)| {
        let rate = error_rate.millionths().saturating_mul(tenths) / 10;
        // Where the objective is so loose that this is more than everything,
        // everything failing is enough.
        let rate = Share::from_millionths(rate.min(Share::percent(99).millionths()));
        BurnAlert {
            alert,
            factor: (tenths as f64 / 10.0).to_string(),
            error_rate: rate.as_f64(),
            long,
            short,
            gone_in,
            severity,
        }
    };
    BURNS.into_iter().map(burn).collect()
}
