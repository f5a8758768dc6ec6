//! From an environment to a session with its places connected.

use super::Global;
use super::exit::{Exit, Failure};
use super::repository::Located;
use super::terminal::Terminal;
use crate::backend::sim::{Scenario, Simulator};
use crate::desired::Templates;
use crate::observe::Side;
use crate::pipeline::{self, Session};
use crate::port::{Backend, Backends, PortError, Scope};
use crate::spec::model::{AwsProvider, OnPrem, OnPremProvider};
use crate::spec::{Catalog, Resolved};
use std::sync::Arc;

/// Reads and connects an environment.
pub(super) async fn session(
    located: &Located,
    global: &Global,
    terminal: &Terminal,
) -> Result<Session, Failure> {
    let resolved = located.resolve(terminal)?;
    let mark = located.mark(&resolved);
    let scope = Scope {
        mark: mark.clone(),
        namespace: resolved.environment.service.namespace.to_string(),
        named: Vec::new(),
        any_environment: false,
        whole_namespace: false,
    };
    let mut limits = Vec::new();
    let backends = backends(located, &resolved, scope, global, &mut limits).await?;
    Ok(Session {
        text: resolved.to_toml(),
        resolved,
        mark,
        backends,
        catalog: Catalog::shipped(),
        templates: Templates::embedded().map_err(pipeline::Error::from)?,
        limits,
    })
}

async fn backends(
    located: &Located,
    resolved: &Resolved,
    scope: Scope,
    global: &Global,
    limits: &mut Vec<String>,
) -> Result<Backends, Failure> {
    let environment = &resolved.environment;
    let onprem = environment.onprem.as_ref();
    let aws = environment.aws.as_ref();
    let simulated = onprem.is_some_and(|onprem| onprem.provider == OnPremProvider::Sim)
        || aws.is_some_and(|aws| aws.provider == AwsProvider::Sim);
    let simulator = if simulated {
        let scenario = scenario(global)?;
        Some(Simulator::on_disk(located.files.root(), environment, scope, scenario)?)
    } else {
        None
    };
    let sim = |side| simulator.as_ref().map(|simulator: &Arc<Simulator>| simulator.backend(side));
    let kubernetes = match onprem {
        None => None,
        Some(onprem) if onprem.provider == OnPremProvider::Sim => sim(Side::Kubernetes),
        Some(onprem) => Some(kubernetes(onprem, global).await?),
    };
    let aws = match aws.map(|aws| aws.provider) {
        None => None,
        Some(AwsProvider::Sim) => sim(Side::Aws),
        Some(AwsProvider::Aws) => {
            limits.push(
                "this version does not reach AWS yet: the burst pools' groups are decided and \
                 priced, and neither seen nor changed"
                    .to_owned(),
            );
            None
        }
    };
    Ok(Backends { kubernetes, aws })
}

fn scenario(global: &Global) -> Result<Scenario, Failure> {
    let Some(file) = &global.scenario else { return Ok(Scenario::default()) };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::file(file, "cannot be read", &error))?;
    Scenario::parse(&text)
        .map_err(|error| Failure::new(Exit::Invalid, format!("{}: {error}", file.display())))
}

#[cfg(feature = "kube")]
async fn kubernetes(onprem: &OnPrem, global: &Global) -> Result<Backend, Failure> {
    let connected: Result<Backend, PortError> =
        crate::backend::kube::connect(onprem.context.as_deref(), global.kubeconfig.as_deref())
            .await;
    Ok(connected?)
}

#[cfg(not(feature = "kube"))]
#[expect(clippy::unused_async, reason = "the same with and without the backend")]
async fn kubernetes(_: &OnPrem, _: &Global) -> Result<Backend, Failure> {
    let _: Option<PortError> = None;
    Err(Failure::new(Exit::Failed, "this Floodway was built without its Kubernetes backend")
        .help("build it with: cargo build --features kube"))
}
