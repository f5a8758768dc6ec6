//! The way into a cluster.

use super::cluster::Cluster;
use super::drain::Drainer;
use super::error::helper;
use super::tell::Teller;
use crate::backend::lease::Kept;
use crate::clock::SystemClock;
use crate::diag::nearest;
use crate::observe::{Location, Side};
use crate::plan::{FailureKind, PortError};
use crate::port::{Backend, Calls, Locate, Lock, Purpose};
use async_trait::async_trait;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// Until a call is answered.
const ANSWER: Duration = Duration::from_secs(60);

/// Which cluster is meant, and where to look for the way to it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Way<'a> {
    /// The kubeconfig's context; none: its current one.
    pub context: Option<&'a str>,
    /// The UID that the caller will compare with the cluster's own.
    pub cluster_uid: Option<&'a str>,
    /// The kubeconfig; none: that of `KUBECONFIG`, or `~/.kube/config`.
    pub kubeconfig: Option<&'a Path>,
}

/// Connects to the cluster of a kubeconfig context, or, without any kubeconfig,
/// to the cluster that this process runs in.
///
/// # Errors
/// No kubeconfig, an unknown context, a login helper that is missing. Whether
/// the cluster answers is seen at the first call.
pub async fn connect(way: Way<'_>) -> Result<Backend, PortError> {
    let (mut config, title) = match read(way.kubeconfig)? {
        Some(file) => from_file(file, way.context).await?,
        None => in_cluster(way)?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(ANSWER);
    config.write_timeout = Some(ANSWER);
    // Repeats are made where they are bounded and told.
    config.default_retry = false;
    let client = Client::try_from(config).map_err(|error| no_client(&error))?;
    let calls = Arc::new(Calls::default());
    let cluster =
        Arc::new(Cluster { client, title, calls: Arc::clone(&calls), watch: Arc::default() });
    let kept = |purpose| {
        // What leads outlives a reload, and keeps no watch of what was before.
        let keeper = Cluster { watch: Arc::default(), ..Cluster::clone(&cluster) };
        Some(Arc::new(Kept { keeper, purpose }) as Arc<dyn Lock>)
    };
    Ok(Backend {
        locate: Arc::clone(&cluster) as _,
        observe: Arc::clone(&cluster) as _,
        check: Arc::clone(&cluster) as _,
        act: Arc::clone(&cluster) as _,
        progress: Arc::clone(&cluster) as _,
        lock: kept(Purpose::Apply),
        leadership: kept(Purpose::Lead),
        drain: Some(Arc::new(Drainer::new(Cluster::clone(&cluster)))),
        hands: Some(Arc::clone(&cluster) as _),
        notes: Some(Arc::clone(&cluster) as _),
        tell: Some(Arc::new(Teller::new(Cluster::clone(&cluster)))),
        calls: Some(calls),
        clock: Arc::new(SystemClock),
    })
}

#[async_trait]
impl Locate for Cluster {
    async fn locate(&self) -> Result<Location, PortError> {
        let namespaces = super::kinds::Resource::new("v1", "namespaces", None);
        let found = self.get(&namespaces, "kube-system").await.map_err(|error| PortError {
            message: format!("{}: {}", self.title, error.message),
            ..error
        })?;
        let uid = found.as_ref().and_then(|object| object.pointer("/metadata/uid")?.as_str());
        let Some(uid) = uid else {
            return Err(unreachable(format!("{} has no kube-system namespace", self.title), None));
        };
        Ok(Location { side: Side::Kubernetes, identity: uid.to_owned(), title: self.title.clone() })
    }
}

/// None: nobody named a kubeconfig, and there is none at home.
fn read(path: Option<&Path>) -> Result<Option<Kubeconfig>, PortError> {
    let unreadable = |what: &str, error: &KubeconfigError| {
        unreachable(format!("the kubeconfig {what}cannot be read: {error}"), None)
    };
    if let Some(path) = path {
        let read = Kubeconfig::read_from(path);
        return read.map(Some).map_err(|error| unreadable(&format!("{} ", path.display()), &error));
    }
    match Kubeconfig::from_env() {
        Ok(None) => {}
        named => return named.map_err(|error| unreadable("that KUBECONFIG names ", &error)),
    }
    match Kubeconfig::read() {
        Ok(file) => Ok(Some(file)),
        Err(KubeconfigError::FindPath) => Ok(None),
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(unreadable("", &error)),
    }
}

async fn from_file(file: Kubeconfig, context: Option<&str>) -> Result<(Config, String), PortError> {
    let known: Vec<String> = file.contexts.iter().map(|named| named.name.clone()).collect();
    let name = context.map(str::to_owned).or_else(|| file.current_context.clone());
    let name = name.filter(|name| !name.is_empty());
    let Some(name) = name else {
        let help = format!("set onprem.context; there are: {}", known.join(", "));
        return Err(unreachable("the kubeconfig has no current context".to_owned(), Some(help)));
    };
    if !known.contains(&name) {
        let help = match nearest(&name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known.join(", ")),
        };
        return Err(unreachable(format!("the kubeconfig has no context `{name}`"), Some(help)));
    }
    let options = KubeConfigOptions { context: Some(name.clone()), ..<_>::default() };
    let config = Config::from_custom_kubeconfig(file, &options).await.map_err(|error| {
        unreachable(format!("context `{name}` of the kubeconfig cannot be used: {error}"), None)
    })?;
    let title = format!("context {name}, {}", config.cluster_url.to_string().trim_end_matches('/'));
    Ok((config, title))
}

/// A pod's own cluster has no context that its name could be looked up in: only
/// its UID tells that it is the one that is meant (law 12).
fn in_cluster(way: Way<'_>) -> Result<(Config, String), PortError> {
    let config = Config::incluster().map_err(|why| {
        let missing = match way.context {
            Some(context) => format!("there is no kubeconfig to look context `{context}` up in"),
            None => "there is no kubeconfig".to_owned(),
        };
        let help = "set KUBECONFIG, pass --kubeconfig FILE, or run in a pod with a service account";
        unreachable(format!("{missing}, and no service account of a pod: {why}"), Some(help.into()))
    })?;
    match (way.context, way.cluster_uid) {
        (Some(context), None) => Err(unreachable(
            format!(
                "there is no kubeconfig, only the cluster that this runs in, and whether this is \
                 `{context}` cannot be known by that name"
            ),
            Some("set onprem.cluster_uid: by it a cluster is known from inside too".to_owned()),
        )),
        _ => Ok((config, "the cluster that this runs in".to_owned())),
    }
}

fn no_client(error: &kube::Error) -> PortError {
    if let kube::Error::Auth(error) = error
        && let Some(message) = helper(error)
    {
        let help = "run the kubeconfig's login helper by hand, then log in again".to_owned();
        return unreachable(message, Some(help));
    }
    unreachable(format!("no connection can be made: {error}"), None)
}

fn unreachable(message: String, help: Option<String>) -> PortError {
    PortError { kind: FailureKind::Unreachable, message, help }
}
