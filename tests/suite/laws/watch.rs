//! A place in which every single write is held to the laws.

use super::place::scope;
use async_trait::async_trait;
use floodway::observe::{Live, ResourceId};
use floodway::plan::{PortError, Step};
use floodway::port::{Act, Backend, Observe, Progress};
use std::sync::Arc;

/// The backend, with writes that are watched.
pub fn watched(backend: Backend) -> Backend {
    let (act, observe) = (Arc::clone(&backend.act), Arc::clone(&backend.observe));
    let act = Arc::new(Watched { act, observe, progress: Arc::clone(&backend.progress) });
    Backend { act, ..backend }
}

struct Watched {
    act: Arc<dyn Act>,
    observe: Arc<dyn Observe>,
    progress: Arc<dyn Progress>,
}

#[async_trait]
impl Act for Watched {
    async fn act(&self, step: &Step) -> Result<(), PortError> {
        match step {
            Step::Apply { id, body, .. } if id.kind == "Deployment" => {
                let before = self.live(id).await;
                let done = self.act.act(step).await;
                let by_git = body.at("/spec/replicas").is_some();
                let after = self.live(id).await;
                if let Some(after) = after.filter(|_| done.is_ok() && !by_git) {
                    assert_handed_over(before.as_ref(), &after);
                }
                done
            }
            Step::Delete { id, .. } => {
                let runs = self.progress.progress(id).await?.map_or(0, |units| units.existing);
                assert_eq!(runs, 0, "{id} is deleted before it is drained");
                self.act.act(step).await
            }
            _ => self.act.act(step).await,
        }
    }
}

impl Watched {
    async fn live(&self, id: &ResourceId) -> Option<Live> {
        let mut scope = scope(super::place::mark());
        scope.named.push(id.clone());
        self.observe.observe(&scope).await.ok()?.resources.remove(id)
    }
}

/// Git never gives a number up before somebody else has it.
fn assert_handed_over(before: Option<&Live>, after: &Live) {
    let now = after.runtime.as_ref().unwrap();
    assert!(!now.managers.is_empty(), "nobody owns the replicas of {}", after.id);
    if let Some(was) = before.and_then(|live| live.runtime.as_ref()) {
        assert_eq!(was.value, now.value, "the replicas of {} were reset", after.id);
    }
}
