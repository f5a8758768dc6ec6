//! A place whose caller is cut off at one of its calls.

use async_trait::async_trait;
use floodway::observe::{ResourceId, Workload};
use floodway::plan::{FailureKind, PortError, Step};
use floodway::port::{Act, Backend, Progress};
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// How an apply ends at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The process is killed before the place gets the call.
    Before,
    /// The process is killed when the place has done it.
    After,
    /// The place does it, this time and every further one, and never answers.
    Unanswered,
    /// The place refuses it, and every further one for the same thing.
    Refused,
}

pub fn how() -> impl Strategy<Value = How> {
    prop_oneof![Just(How::Before), Just(How::After), Just(How::Unanswered), Just(How::Refused)]
}

/// Counts calls, writes and looks alike, and cuts at one of them.
pub struct Cut {
    at: usize,
    how: How,
    calls: AtomicUsize,
    /// The thing that the call was about.
    about: Mutex<Option<ResourceId>>,
    killed: Notify,
}

impl Cut {
    pub fn new(at: usize, how: How) -> Arc<Self> {
        let (calls, about, killed) = (AtomicUsize::new(0), Mutex::new(None), Notify::new());
        Arc::new(Self { at, how, calls, about, killed })
    }

    /// The backend, with calls that go through this.
    pub fn around(self: &Arc<Self>, backend: Backend) -> Backend {
        let (act, progress) = (Arc::clone(&backend.act), Arc::clone(&backend.progress));
        let through = Arc::new(Through { act, progress, cut: Arc::clone(self) });
        Backend { act: Arc::clone(&through) as _, progress: through, ..backend }
    }

    /// Comes back when the process is killed.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Whether this call is the one, or for the same thing as that was.
    fn meets(&self, id: &ResourceId) -> bool {
        let mut about = self.about.lock().unwrap();
        if self.calls.fetch_add(1, Ordering::Relaxed) == self.at {
            *about = Some(id.clone());
        }
        about.as_ref() == Some(id)
    }

    async fn die<T>(&self) -> T {
        self.killed.notify_one();
        std::future::pending().await
    }
}

struct Through {
    act: Arc<dyn Act>,
    progress: Arc<dyn Progress>,
    cut: Arc<Cut>,
}

fn error<T>(kind: FailureKind) -> Result<T, PortError> {
    Err(PortError { kind, message: "cut".to_owned(), help: None })
}

#[async_trait]
impl Act for Through {
    async fn act(&self, step: &Step) -> Result<(), PortError> {
        if !self.cut.meets(step.id()) {
            return self.act.act(step).await;
        }
        match self.cut.how {
            How::Before => self.cut.die().await,
            How::Refused => error(FailureKind::Rejected),
            How::After => {
                self.act.act(step).await?;
                self.cut.die().await
            }
            How::Unanswered => {
                self.act.act(step).await?;
                error(FailureKind::Unknown)
            }
        }
    }
}

#[async_trait]
impl Progress for Through {
    async fn progress(&self, id: &ResourceId) -> Result<Option<Workload>, PortError> {
        let meets = self.cut.meets(id);
        match self.cut.how {
            How::Before | How::After if meets => self.cut.die().await,
            _ => self.progress.progress(id).await,
        }
    }
}
