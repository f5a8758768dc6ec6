//! The lock of a world: one apply at a time, whichever sides it is connected to.

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::plan::{FailureKind, PortError};
use crate::port::{HeldLock, Lease, Lock, Renewal, Scope};
use async_trait::async_trait;
use fs4::FileExt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where it is held.
pub(super) enum Locking {
    /// By values of this process.
    Memory(Arc<Mutex<Memory>>),
    /// By processes.
    File(PathBuf),
}

/// A lock that lasts as long as its values.
#[derive(Default)]
pub(super) struct Memory {
    held: Option<HeldLock>,
    /// How often it was taken.
    taken: u64,
}

#[async_trait]
impl Lock for Locking {
    async fn acquire(&self, _: &Scope, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
        match self {
            Self::Memory(mutex) => {
                let mut memory = unpoisoned(mutex);
                if let Some(other) = &memory.held {
                    return Err(locked(&other.holder));
                }
                memory.taken += 1;
                let identity = memory.taken.to_string();
                memory.held = Some(HeldLock {
                    holder: holder.to_owned(),
                    since: Some(SystemClock.now()),
                    renewed: None,
                    expired: false,
                    place: "the simulated world's lock".to_owned(),
                    identity: identity.clone(),
                });
                Ok(Arc::new(InMemory { memory: Arc::clone(mutex), identity }))
            }
            Self::File(path) => lock_file(path, holder),
        }
    }

    async fn succeed(
        &self,
        scope: &Scope,
        holder: &str,
        shown: &HeldLock,
    ) -> Result<Arc<dyn Lease>, PortError> {
        // A file is free as soon as its holder has ended.
        if let Self::Memory(mutex) = self {
            unpoisoned(mutex).held.take_if(|held| held.identity == shown.identity);
        }
        self.acquire(scope, holder).await
    }

    async fn show(&self, _: &Scope) -> Result<Option<HeldLock>, PortError> {
        match self {
            Self::Memory(mutex) => Ok(unpoisoned(mutex).held.clone()),
            Self::File(path) => {
                let _alone = alone(path)?;
                who_holds(path)
            }
        }
    }

    async fn break_held(&self, _: &Scope, shown: &HeldLock) -> Result<bool, PortError> {
        let same = |held: &HeldLock| match held.identity == shown.identity {
            true => Ok(()),
            false => Err(taken_anew(held)),
        };
        match self {
            Self::Memory(mutex) => {
                let mut memory = unpoisoned(mutex);
                memory.held.as_ref().map_or(Ok(()), same)?;
                Ok(memory.held.take().is_some())
            }
            Self::File(path) => {
                let _alone = alone(path)?;
                let Some(held) = who_holds(path)? else { return Ok(false) };
                same(&held)?;
                // Its holder keeps a file that is no more; the next one makes another.
                fs::remove_file(path).map_err(|error| failed(path, "broken", &error))?;
                Ok(true)
            }
        }
    }
}

/// The operating system frees the lock when its holder ends, however it ends.
fn lock_file(path: &Path, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
    let _alone = alone(path)?;
    let failed = |error: io::Error| failed(path, "taken", &error);
    let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    let mut file = open.map_err(failed)?;
    if FileExt::try_lock(&file).is_err() {
        let mut other = String::new();
        let _ = file.read_to_string(&mut other);
        return Err(locked(other.lines().next().unwrap_or_default()));
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{holder}\n{}\n", SystemClock.now())
    };
    write(&mut file).map_err(failed)?;
    Ok(Arc::new(InFile { path: path.to_owned(), file }))
}

/// Until it is dropped nobody else looks at the lock, takes it or breaks it.
fn alone(path: &Path) -> Result<File, PortError> {
    let guard = path.with_extension("lease.guard");
    let open = || {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&guard)?;
        FileExt::lock(&file)?;
        Ok(file)
    };
    open().map_err(|error: io::Error| failed(&guard, "looked at", &error))
}

/// Who holds the lock: their name is in the file, and the file is locked.
fn who_holds(path: &Path) -> Result<Option<HeldLock>, PortError> {
    let read = || {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if FileExt::try_lock(&file).is_ok() {
            return Ok(None);
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(Some((text, file.metadata()?)))
    };
    let Some((text, metadata)) = read().map_err(|error| failed(path, "looked at", &error))? else {
        return Ok(None);
    };
    let mut lines = text.lines();
    let holder = lines.next().unwrap_or_default().to_owned();
    let since = lines.next().and_then(|line| line.parse::<Timestamp>().ok());
    let identity = format!("{}:{} {text}", metadata.dev(), metadata.ino());
    let place = path.display().to_string();
    Ok(Some(HeldLock { holder, since, renewed: None, expired: false, place, identity }))
}

fn failed(path: &Path, what: &str, error: &io::Error) -> PortError {
    let message = format!("the lock {} cannot be {what}: {error}", path.display());
    PortError { kind: FailureKind::Other, message, help: None }
}

fn locked(holder: &str) -> PortError {
    PortError {
        kind: FailureKind::Locked,
        message: format!("another apply is under way: {holder}"),
        help: Some("wait until it ends, or end it with `floodway lock break`".to_owned()),
    }
}

fn taken_anew(held: &HeldLock) -> PortError {
    PortError {
        kind: FailureKind::Stale,
        message: format!("the lock was taken anew meanwhile, by {}", held.holder),
        help: Some("look again with `floodway lock show`".to_owned()),
    }
}

fn broken() -> PortError {
    PortError { kind: FailureKind::Stale, message: "it was broken".to_owned(), help: None }
}

fn unpoisoned(mutex: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct InFile {
    path: PathBuf,
    file: File,
}

#[async_trait]
impl Lease for InFile {
    async fn renew(&self) -> Result<Renewal, PortError> {
        let inode = |file: &fs::Metadata| (file.dev(), file.ino());
        match (fs::metadata(&self.path), self.file.metadata()) {
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => Err(broken()),
            (Ok(there), Ok(own)) if inode(&there) != inode(&own) => Err(broken()),
            // What cannot be looked at for a moment is still held.
            _ => Ok(Renewal::Done),
        }
    }

    async fn release(&self) -> Result<(), PortError> {
        let _ = FileExt::unlock(&self.file);
        Ok(())
    }
}

struct InMemory {
    memory: Arc<Mutex<Memory>>,
    identity: String,
}

#[async_trait]
impl Lease for InMemory {
    async fn renew(&self) -> Result<Renewal, PortError> {
        let memory = unpoisoned(&self.memory);
        let own = memory.held.as_ref().is_some_and(|held| held.identity == self.identity);
        if own { Ok(Renewal::Done) } else { Err(broken()) }
    }

    async fn release(&self) -> Result<(), PortError> {
        self.free();
        Ok(())
    }
}

impl InMemory {
    fn free(&self) {
        let mut memory = unpoisoned(&self.memory);
        memory.held.take_if(|held| held.identity == self.identity);
    }
}

/// An apply that is dropped in its midst has ended, as a killed process has.
impl Drop for InMemory {
    fn drop(&mut self) {
        self.free();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Mark;

    fn scope() -> Scope {
        let mark = Mark { environment: "e".into(), repository: "r".into(), file: "f".into() };
        Scope::of(mark, "ns")
    }

    fn each(test: impl AsyncFn(&Locking)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let file = Locking::File(folder.path().join("e.lease"));
        for locking in [Locking::Memory(Arc::default()), file] {
            runtime.block_on(test(&locking));
        }
    }

    #[test]
    fn a_broken_lock_is_lost_at_the_next_heartbeat_and_free_at_once() {
        each(async |locking| {
            let scope = scope();
            assert_eq!(locking.show(&scope).await.unwrap(), None);
            let lease = locking.acquire(&scope, "ada").await.unwrap();
            lease.renew().await.unwrap();
            let shown = locking.show(&scope).await.unwrap().unwrap();
            assert_eq!((shown.holder.as_str(), shown.expired), ("ada", false));
            assert!(locking.break_held(&scope, &shown).await.unwrap());
            assert_eq!(lease.renew().await.unwrap_err().kind, FailureKind::Stale);
            let other = locking.acquire(&scope, "bob").await.unwrap();
            // What is left of the first holder takes nothing from the second.
            lease.release().await.unwrap();
            drop(lease);
            other.renew().await.unwrap();
            assert_eq!(locking.show(&scope).await.unwrap().unwrap().holder, "bob");
        });
    }

    #[test]
    fn a_lock_that_was_taken_anew_is_not_broken() {
        each(async |locking| {
            let scope = scope();
            let first = locking.acquire(&scope, "ada").await.unwrap();
            let shown = locking.show(&scope).await.unwrap().unwrap();
            first.release().await.unwrap();
            assert!(!locking.break_held(&scope, &shown).await.unwrap(), "nobody holds it");
            let second = locking.acquire(&scope, "ada").await.unwrap();
            let error = locking.break_held(&scope, &shown).await.unwrap_err();
            assert_eq!(error.kind, FailureKind::Stale);
            second.renew().await.unwrap();
        });
    }
}
