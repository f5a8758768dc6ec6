//! The plans of all phases, in a simulated world that lasts as long as the command.

use crate::backend::sim::{Scenario, Simulator};
use crate::cli::applying;
use crate::cli::exit::{Exit, Failure};
use crate::cli::repository::Located;
use crate::desired;
use crate::observe::Side;
use crate::pipeline::{self, Session};
use crate::port::{Backends, Scope};
use crate::rollout::{AtMax, PhasePlan, Stage, plan_phases, room_for};
use crate::spec::{self, Phased, Resolved};
use tokio::sync::watch;

/// Plans the file as it is before the first phase, and each phase after the one before.
pub(super) fn plans(located: &Located, phased: &Phased) -> Result<Vec<PhasePlan>, Failure> {
    let (start, diagnostics) = spec::resolve_at(&located.path, &located.files, None);
    let phases = phased
        .phases
        .iter()
        .map(|(name, resolved)| Stage { phase: Some(name.clone()), resolved: resolved.clone() });
    let before = start.map(|resolved| Stage { phase: None, resolved });
    let incomplete = before.is_none().then(|| {
        let first = diagnostics.iter().next().map(|wrong| wrong.message.clone());
        format!(
            "the file is no whole environment without a phase: {}",
            first.unwrap_or_else(|| "it cannot be read".to_owned())
        )
    });
    let stages: Vec<Stage> = before.into_iter().chain(phases).collect();
    let Some(room) = room_for(&stages) else {
        return Err(Failure::new(Exit::Failed, "there is nothing to plan"));
    };
    let mark = located.mark(&phased.live);
    let scope = Scope::of(mark.clone(), room.service.namespace.as_str());
    let world = Simulator::in_memory(&room, scope, Scenario::default());
    let templates = desired::Templates::embedded().map_err(pipeline::Error::from)?;
    let connect = |resolved: Resolved| {
        let environment = &resolved.environment;
        let side = |there: bool, side| there.then(|| world.backend(side));
        Ok(Session {
            text: resolved.to_toml(),
            mark: mark.clone(),
            backends: Backends {
                kubernetes: side(environment.onprem.is_some(), Side::Kubernetes),
                aws: side(environment.aws.is_some(), Side::Aws),
            },
            catalog: resolved.catalog.clone(),
            templates: templates.clone(),
            limits: Vec::new(),
            resolved,
        })
    };
    let mut plans = applying::block_on(async {
        let (_stop, stop) = watch::channel(None);
        Ok(plan_phases(stages, connect, stop).await)
    })?;
    if let Some(why) = incomplete {
        let (plan, stuck) = (Err(why.clone()), Some(why));
        let at_max = AtMax::default();
        plans.insert(0, PhasePlan { phase: None, from: None, plan, stuck, at_max });
    }
    Ok(plans)
}
