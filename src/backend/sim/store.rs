//! Where a world is kept between calls: in memory, or in a file that several
//! commands may use one after another and at once.

use super::world::World;
use crate::plan::{FailureKind, PortError};
use fs4::FileExt;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The format of the file; an older or newer one is refused.
const VERSION: u32 = 1;

/// Where a world is kept.
pub(super) enum Store {
    Memory(Box<Mutex<World>>),
    File { path: PathBuf, lock: PathBuf },
}

/// How far a change has gone when a call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Safety {
    /// It survives the loss of power.
    Disk,
    /// It survives the end of the process.
    Kernel,
}

#[derive(Serialize, Deserialize)]
struct Kept<W> {
    floodway_simulated_world: u32,
    world: W,
}

impl Store {
    /// The file of `name` under `root`, made from `fresh` if there is none.
    pub(super) fn file(
        root: &Path,
        name: &str,
        fresh: impl FnOnce() -> World,
    ) -> Result<Self, PortError> {
        let folder = root.join(".floodway").join("sim");
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, "cannot be made", &error))?;
        let store = Self::File {
            path: folder.join(format!("{name}.json")),
            lock: folder.join(format!("{name}.lock")),
        };
        store.change(Safety::Disk, |world| {
            if world.is_none() {
                *world = Some(fresh());
            }
        })?;
        Ok(store)
    }

    /// Reads the world.
    pub(super) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> Result<T, PortError> {
        match self {
            Self::Memory(world) => {
                Ok(look(&world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)))
            }
            Self::File { path, lock } => {
                let _held = hold(lock)?;
                load(path)?.as_ref().map(look).ok_or_else(|| missing(path))
            }
        }
    }

    /// Changes the world; it is safe when this returns.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut World) -> T) -> Result<T, PortError> {
        match self {
            Self::Memory(world) => {
                Ok(change(&mut world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)))
            }
            Self::File { path, .. } => self
                .change(Safety::Disk, |world| world.as_mut().map(change))?
                .ok_or_else(|| missing(path)),
        }
    }

    /// Lets time pass. That is cheap to lose, and happens too often to wait for
    /// the disk each time.
    pub(super) fn pass(&self, change: impl FnOnce(&mut World)) -> Result<(), PortError> {
        match self {
            Self::Memory(_) => self.write(change),
            Self::File { .. } => {
                self.change(Safety::Kernel, |world| world.as_mut().map(change)).map(|_| ())
            }
        }
    }

    fn change<T>(
        &self,
        safety: Safety,
        change: impl FnOnce(&mut Option<World>) -> T,
    ) -> Result<T, PortError> {
        let Self::File { path, lock } = self else {
            let message = "a world in memory has no file".to_owned();
            return Err(PortError { kind: FailureKind::Other, message, help: None });
        };
        let _held = hold(lock)?;
        let mut world = load(path)?;
        let result = change(&mut world);
        if let Some(world) = &world {
            save(path, world, safety).map_err(|error| failed(path, "cannot be written", &error))?;
        }
        Ok(result)
    }
}

/// Holds the file lock until the result is dropped.
fn hold(lock: &Path) -> Result<File, PortError> {
    let open = || {
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(lock)?;
        FileExt::lock(&file)?;
        Ok(file)
    };
    open().map_err(|error: io::Error| failed(lock, "cannot be locked", &error))
}

fn load(path: &Path) -> Result<Option<World>, PortError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "cannot be read", &error)),
    };
    let kept: Kept<World> = serde_json::from_slice(&bytes)
        .map_err(|error| damaged(path, &format!("is damaged ({error})")))?;
    if kept.floodway_simulated_world != VERSION {
        let version = kept.floodway_simulated_world;
        return Err(damaged(path, &format!("is of version {version}, this is version {VERSION}")));
    }
    Ok(Some(kept.world))
}

/// All or nothing: a killed process leaves the old file or the new one.
fn save(path: &Path, world: &World, safety: Safety) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, &Kept { floodway_simulated_world: VERSION, world })?;
    file.flush()?;
    if safety == Safety::Disk {
        file.as_file().sync_data()?;
    }
    file.persist(path)?;
    Ok(())
}

fn failed(path: &Path, what: &str, error: &io::Error) -> PortError {
    let message = format!("the simulated world {} {what}: {error}", path.display());
    PortError { kind: FailureKind::Other, message, help: None }
}

fn damaged(path: &Path, what: &str) -> PortError {
    let message = format!("the simulated world {} {what}", path.display());
    let help = Some("delete the file to begin with a new world".to_owned());
    PortError { kind: FailureKind::Other, message, help }
}

fn missing(path: &Path) -> PortError {
    damaged(path, "is gone")
}
