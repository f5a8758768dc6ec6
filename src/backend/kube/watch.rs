//! Nodes and pods as the server tells of them while they change: for who looks
//! again and again.

mod room;

use super::error::failed;
use super::kinds::Resource as Path;
use super::nodes::{NodeSeen, PodSeen, RUNNING};
use crate::observe::Node;
use crate::plan::{FailureKind, PortError};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::watcher::{self, Config, Event};
use kube::{Api, Client, Resource};
use room::Room;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A watch is begun anew after so long; kube's runtime gives up one whose end does
/// not come 5 s later, so a connection that died unheard is believed for 30 s.
const LONGEST_SECONDS: u32 = 25;
/// Items of one page of what there is at the beginning.
const PAGE: u32 = 250;
/// Until everything was listed once, at most; and before a watch that failed is
/// begun again.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSES: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(15),
];

/// What is watched, until it is dropped.
pub(super) struct Watch {
    room: Arc<Mutex<Room>>,
    nodes: watch::Receiver<Standing>,
    pods: watch::Receiver<Standing>,
    /// Ends with what it belongs to.
    _tasks: JoinSet<()>,
}

/// How a watch stands.
#[derive(Debug, Clone)]
enum Standing {
    /// It has not listed everything yet.
    Begins,
    /// What is known is what is there.
    Knows,
    Failed(PortError),
}

impl Watch {
    /// Begins to watch. Of nodes' labels only those of `labels` are kept, and
    /// Floodway's own.
    pub(super) fn begin(client: &Client, labels: BTreeSet<String>) -> Self {
        let room = Arc::new(Mutex::new(Room::new(labels)));
        let mut tasks = JoinSet::new();
        let (told, nodes) = watch::channel(Standing::Begins);
        let kept = Arc::clone(&room);
        let note = move |event| lock(&kept).note_node(event);
        tasks.spawn(follow::<NodeSeen>(client.clone(), Config::default(), note, told));
        let (told, pods) = watch::channel(Standing::Begins);
        let kept = Arc::clone(&room);
        let note = move |event| lock(&kept).note_pod(event);
        tasks.spawn(follow::<PodSeen>(
            client.clone(),
            Config::default().fields(RUNNING),
            note,
            told,
        ));
        Self { room, nodes, pods, _tasks: tasks }
    }

    /// All nodes, as they are known now.
    ///
    /// # Errors
    /// They are not known: why.
    pub(super) async fn nodes(&self) -> Result<Vec<Arc<Node>>, PortError> {
        for standing in [&self.nodes, &self.pods] {
            known(standing.clone()).await?;
        }
        Ok(lock(&self.room).nodes())
    }
}

fn lock(room: &Mutex<Room>) -> std::sync::MutexGuard<'_, Room> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for what a watch has just begun to list.
async fn known(mut standing: watch::Receiver<Standing>) -> Result<(), PortError> {
    let begun = |standing: &Standing| !matches!(standing, Standing::Begins);
    let unknown = |what: &str| PortError {
        kind: FailureKind::Unknown,
        message: format!("nodes and pods are not known: {what}"),
        help: None,
    };
    if standing.has_changed().is_err() {
        return Err(unknown("their watch has ended"));
    }
    match tokio::time::timeout(PATIENCE, standing.wait_for(begun)).await {
        Ok(Ok(standing)) => match &*standing {
            Standing::Failed(error) => Err(error.clone()),
            Standing::Begins | Standing::Knows => Ok(()),
        },
        Ok(Err(_)) => Err(unknown("their watch has ended")),
        Err(_) => Err(unknown("the API server has not listed them yet")),
    }
}

/// Watches all of one kind for ever. A watch that fails begins anew, with all that
/// is there: only so it is known again that nothing was missed.
async fn follow<K: Watched>(
    client: Client,
    config: Config,
    note: impl Fn(Event<K>),
    told: watch::Sender<Standing>,
) {
    let config = config.timeout(LONGEST_SECONDS).page_size(PAGE);
    let mut failures = 0;
    loop {
        let mut events = watcher::watcher(Api::<K>::all(client.clone()), config.clone()).boxed();
        let error = loop {
            match events.try_next().await {
                Ok(Some(event)) => {
                    let listed = matches!(event, Event::InitDone);
                    note(event);
                    if listed {
                        failures = 0;
                        told.send_replace(Standing::Knows);
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        // The server has forgotten since when: a list is all that it takes.
        if let Some(error) = error.filter(|error| !is_gone(error)) {
            told.send_replace(Standing::Failed(why(error, &K::path())));
        }
        tokio::time::sleep(PAUSES[failures.min(PAUSES.len() - 1)]).await;
        failures += 1;
    }
}

fn is_gone(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchError(status) if status.code == 410)
}

fn why(error: watcher::Error, path: &Path<'_>) -> PortError {
    match error {
        watcher::Error::InitialListFailed(error) => failed(error, "list", path, ""),
        watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
            failed(error, "watch", path, "")
        }
        watcher::Error::WatchError(status) => failed(kube::Error::Api(status), "watch", path, ""),
        error @ watcher::Error::NoResourceVersion => PortError {
            kind: FailureKind::Rejected,
            message: format!("{} cannot be watched: {error}", path.describe()),
            help: None,
        },
    }
}

/// What can be watched: of the core API, in no namespace or in all of them.
trait Watched: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {
    fn path() -> Path<'static>;
}

macro_rules! watched {
    ($kept:ident, $kind:literal, $plural:literal, $scope:ident) => {
        impl Resource for $kept {
            type DynamicType = ();
            type Scope = kube::core::$scope;

            fn kind(_: &()) -> Cow<'_, str> {
                $kind.into()
            }

            fn group(_: &()) -> Cow<'_, str> {
                "".into()
            }

            fn version(_: &()) -> Cow<'_, str> {
                "v1".into()
            }

            fn plural(_: &()) -> Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }

        impl Watched for $kept {
            fn path() -> Path<'static> {
                Path::new("v1", $plural, None)
            }
        }
    };
}

watched!(NodeSeen, "Node", "nodes", ClusterResourceScope);
watched!(PodSeen, "Pod", "pods", NamespaceResourceScope);
