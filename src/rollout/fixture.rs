//! A criterion and an environment for tests.

use super::{Criterion, Kind};
use crate::id::Name;
use crate::spec::model::{Limit, LimitUnit, Over};
use crate::spec::{self, Environment, OneFile};
use crate::units::{Share, Span};

/// At least 0.9 on the mean of ten minutes, all of them.
pub(super) fn criterion(name: &Name) -> Criterion<'_> {
    Criterion {
        name,
        kind: Kind::Exit,
        summary: None,
        measure: None,
        query: Some("sum(x)"),
        low: Some(Limit { value: 0.9, unit: LimitUnit::Share }),
        high: None,
        window: Span::from_secs(600),
        minimum: Share::ALL,
        over: Over::Mean,
    }
}

/// An environment with the phases `short` and `medium`; `lines` are more of `short`.
pub(super) fn environment(live: &str, lines: &str) -> Environment {
    resolved(&format!(
        "[environment]\nname = \"small\"\nphase = \"{live}\"\n[slo]\navailability = \"99.9%\"\n\
         [service]\nname = \"llm\"\nnamespace = \"ns\"\nmodel = \"m\"\n\
         [service.stages.inference]\nimage = \"i@sha256:{}\"\n\
         resources = {{ cpu = \"1\", memory = \"1Gi\" }}\n\
         [onprem]\nprovider = \"sim\"\n\
         [onprem.pools.a]\nstage = \"inference\"\nreplicas = 1\ncapacity = \"10 req/s\"\n\
         [rollout.phases.medium]\norder = 2\n[rollout.phases.long]\norder = 3\n\
         [rollout.phases.short]\norder = 1\n{lines}\n",
        "0".repeat(64)
    ))
}

fn resolved(text: &str) -> Environment {
    let (resolved, diagnostics) = spec::resolve("small.toml", &OneFile("small.toml", text));
    resolved.unwrap_or_else(|| panic!("{:?}", diagnostics.to_json())).environment
}
