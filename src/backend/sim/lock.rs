//! The lock of a world: one apply at a time, whichever sides it is connected to.

use crate::plan::{FailureKind, PortError};
use crate::port::{Lease, Lock, Scope};
use async_trait::async_trait;
use fs4::FileExt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

type Holder = Arc<Mutex<Option<String>>>;

/// Where it is held.
pub(super) enum Locking {
    /// By values of this process.
    Memory(Holder),
    /// By processes.
    File(PathBuf),
}

#[async_trait]
impl Lock for Locking {
    async fn acquire(&self, _: &Scope, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
        match self {
            Self::Memory(mutex) => {
                let mut held = mutex.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(other) = held.as_ref() {
                    return Err(locked(other));
                }
                *held = Some(holder.to_owned());
                Ok(Arc::new(Held { file: None, memory: Some(Arc::clone(mutex)) }))
            }
            Self::File(path) => lock_file(path, holder),
        }
    }
}

/// The operating system frees the lock when its holder ends, however it ends.
fn lock_file(path: &Path, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
    let failed = |error: std::io::Error| PortError {
        kind: FailureKind::Other,
        message: format!("the lock {} cannot be taken: {error}", path.display()),
        help: None,
    };
    let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    let mut file = open.map_err(failed)?;
    if FileExt::try_lock(&file).is_err() {
        let mut other = String::new();
        let _ = file.read_to_string(&mut other);
        return Err(locked(other.trim()));
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(holder.as_bytes())
    };
    write(&mut file).map_err(failed)?;
    Ok(Arc::new(Held { file: Some(file), memory: None }))
}

fn locked(holder: &str) -> PortError {
    PortError {
        kind: FailureKind::Locked,
        message: format!("another apply is under way: {holder}"),
        help: Some("wait until it ends, then try again".to_owned()),
    }
}

struct Held {
    file: Option<File>,
    memory: Option<Holder>,
}

#[async_trait]
impl Lease for Held {
    async fn renew(&self) -> Result<(), PortError> {
        Ok(())
    }

    async fn release(&self) -> Result<(), PortError> {
        self.free();
        Ok(())
    }
}

impl Held {
    fn free(&self) {
        if let Some(file) = &self.file {
            let _ = FileExt::unlock(file);
        }
        if let Some(memory) = &self.memory {
            *memory.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

/// An apply that is dropped in its midst has ended, as a killed process has.
impl Drop for Held {
    fn drop(&mut self) {
        self.free();
    }
}
