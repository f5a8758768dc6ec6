//! From an environment to a session with its places connected.

use super::exit::{Exit, Failure};
use super::repository::Located;
use super::terminal::Terminal;
use super::{Global, home};
use crate::backend::sim::{Scenario, Simulator};
use crate::desired::Templates;
use crate::observe::Side;
use crate::pipeline::{self, Session};
use crate::port::{Backend, Backends, PortError, Scope};
use crate::render::event::{self, EventView};
use crate::spec::model::{Aws, AwsProvider, OnPrem, OnPremProvider};
use crate::spec::{Environment, MAX_FILE, Resolved};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use tokio::task::{JoinError, JoinHandle};

/// A session; with the world that it lives in, where that is simulated.
pub(super) type Connected = Result<(Session, Option<Arc<Simulator>>), Failure>;

/// Reads and connects an environment.
pub(super) async fn session(
    located: &Located,
    global: &Global,
    terminal: &Terminal,
) -> Result<Session, Failure> {
    let resolved = located.resolve(terminal)?;
    Ok(connected(located, resolved, global, terminal).await?.0)
}

/// Connects an environment; with the world that it lives in, where that is
/// simulated.
pub(super) async fn connected(
    located: &Located,
    resolved: Resolved,
    global: &Global,
    terminal: &Terminal,
) -> Connected {
    let mark = located.mark(&resolved);
    let scope = Scope::of(mark.clone(), resolved.environment.service.namespace.as_str());
    let mut limits = Vec::new();
    let (backends, simulator) =
        backends(located, &resolved, scope, global, terminal, &mut limits).await?;
    let session = Session {
        text: resolved.to_toml(),
        catalog: resolved.catalog.clone(),
        resolved,
        mark,
        backends,
        templates: Templates::embedded().map_err(pipeline::Error::from)?,
        limits,
    };
    Ok((session, simulator))
}

/// As [`connected`], on a thread of its own: a login helper is waited for without letting
/// anything else run, and may hang.
pub(super) async fn connected_aside(
    located: &Located,
    resolved: Resolved,
    global: &Global,
    terminal: &Terminal,
) -> Connected {
    joined(connecting(located, resolved, global, terminal).await)
}

/// Begins what [`connected_aside`] waits for. Nothing can cut it off.
pub(super) fn connecting(
    located: &Located,
    resolved: Resolved,
    global: &Global,
    terminal: &Terminal,
) -> JoinHandle<Connected> {
    let (located, global, terminal) = (located.clone(), global.clone(), *terminal);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        runtime.block_on(connected(&located, resolved, &global, &terminal))
    })
}

/// What a thread that connects came to.
pub(super) fn joined(ended: Result<Connected, JoinError>) -> Connected {
    ended.unwrap_or_else(|error| {
        Err(Failure::new(Exit::Failed, format!("nothing was connected: {error}")))
    })
}

async fn backends(
    located: &Located,
    resolved: &Resolved,
    scope: Scope,
    global: &Global,
    terminal: &Terminal,
    limits: &mut Vec<String>,
) -> Result<(Backends, Option<Arc<Simulator>>), Failure> {
    let environment = &resolved.environment;
    let onprem = environment.onprem.as_ref();
    let aws = environment.aws.as_ref();
    let simulator = if environment.is_simulated() {
        let scenario = scenario(global, environment, terminal)?;
        Some(simulator(located, environment, scope, scenario, terminal)?)
    } else {
        None
    };
    let sim = |side| simulator.as_ref().map(|simulator: &Arc<Simulator>| simulator.backend(side));
    let kubernetes = match onprem {
        None => None,
        Some(onprem) if onprem.provider == OnPremProvider::Sim => sim(Side::Kubernetes),
        Some(onprem) => Some(kubernetes(onprem, global).await?),
    };
    let aws = match aws {
        None => None,
        Some(aws) if aws.provider == AwsProvider::Sim => sim(Side::Aws),
        Some(aws) => amazon(environment, aws, limits).await?.map(with_agents),
    };
    Ok((Backends { kubernetes, aws }, simulator))
}

/// Instances that stand alone are drained by their own agents.
fn with_agents(aws: Backend) -> Backend {
    #[cfg(feature = "node")]
    let aws = Backend { drain: Some(Arc::new(crate::backend::node::Agents::default())), ..aws };
    aws
}

/// The environment's world, made with `scenario` if there is none yet.
fn simulator(
    located: &Located,
    environment: &Environment,
    scope: Scope,
    scenario: Option<Scenario>,
    terminal: &Terminal,
) -> Result<Arc<Simulator>, Failure> {
    let root = located.files.root();
    let folder = home::folder(root)
        .map_err(|error| Failure::file(&root.join(".floodway"), "cannot be made", &error))?
        .join("sim");
    let asked = scenario.clone().unwrap_or_default();
    let simulator = Simulator::on_disk(&folder, environment, scope, asked)?;
    if let Some(scenario) = &scenario
        && let Some(file) = simulator.kept_from_another(scenario)?
    {
        let message = format!(
            "the world exists already; delete {} to begin anew with this scenario",
            file.strip_prefix(root).unwrap_or(file).display()
        );
        terminal.note(&event::text(&EventView::Warning { message }, &terminal.err));
    }
    Ok(simulator)
}

fn scenario(
    global: &Global,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<Option<Scenario>, Failure> {
    let Some(file) = &global.scenario else { return Ok(None) };
    let read = || {
        let mut bytes = Vec::new();
        File::open(file)?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes =
        read().map_err(|error: std::io::Error| Failure::file(file, "cannot be read", &error))?;
    let invalid = |what: &str| Failure::new(Exit::Invalid, format!("{} {what}", file.display()));
    if bytes.len() > MAX_FILE {
        return Err(invalid("is too large to be a scenario"));
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid("is not UTF-8"))?;
    let read = Scenario::read(&file.to_string_lossy(), &text, environment);
    read.map(Some).map_err(|wrong| {
        terminal.diagnose(&wrong);
        invalid("is no scenario that can be simulated")
    })
}

#[cfg(feature = "kube")]
async fn kubernetes(onprem: &OnPrem, global: &Global) -> Result<Backend, Failure> {
    use crate::backend::kube::{Way, connect};
    let connected: Result<Backend, PortError> = connect(Way {
        context: onprem.context.as_deref(),
        cluster_uid: onprem.cluster_uid.as_deref(),
        kubeconfig: global.kubeconfig.as_deref(),
    })
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

#[cfg(feature = "aws")]
async fn amazon(
    environment: &Environment,
    aws: &Aws,
    limits: &mut Vec<String>,
) -> Result<Option<Backend>, Failure> {
    use crate::backend::aws::{Way, connect};
    let alone = environment.account_alone().is_some();
    let lock = environment.lock_bucket();
    if alone && lock.is_none() {
        limits.push(
            "nothing keeps two applies apart: there is no cluster for a lock, and no bucket \
             (aws.lock = { bucket = \"…\" })"
                .to_owned(),
        );
    }
    let lease = environment.lease_bucket();
    let way = Way {
        profile: aws.profile.as_deref(),
        role: aws.role.as_deref(),
        region: &aws.region,
        regions: aws.all_regions(),
        alone,
        bucket: lease
            .map(|lock| (lock.bucket.as_str(), lock.region.as_deref().unwrap_or(&aws.region))),
    };
    Ok(Some(connect(way).await?))
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "the same with and without the backend")]
async fn amazon(
    _: &Environment,
    _: &Aws,
    limits: &mut Vec<String>,
) -> Result<Option<Backend>, Failure> {
    limits.push(
        "this Floodway was built without its AWS backend (cargo build --features aws): the burst \
         pools' groups are decided and priced, and neither seen nor changed"
            .to_owned(),
    );
    Ok(None)
}
