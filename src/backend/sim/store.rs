//! Where a world is kept between calls: in memory, or in a file that several
//! commands may use one after another and at once.

use super::world::World;
use crate::plan::{FailureKind, PortError};
use fs4::FileExt;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The format of the file; an older or newer one is refused.
const VERSION: u32 = 2;

/// Where a world is kept.
pub(super) enum Store {
    Memory(Box<Mutex<World>>),
    File(Box<Kept>),
}

/// A world in a file, and what was last read from it or written to it.
pub(super) struct Kept {
    path: PathBuf,
    lock: PathBuf,
    seen: Mutex<Option<Seen>>,
}

/// A world as a file held it. The file stays open, so that no other can get its
/// inode: the same inode, unmodified, holds the same world.
struct Seen {
    world: World,
    file: File,
    modified: SystemTime,
}

/// How far a change has gone when a call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Safety {
    /// It survives the loss of power.
    Disk,
    /// It survives the end of the process.
    Kernel,
}

/// What tells the version of any file.
#[derive(Deserialize)]
struct Head {
    floodway_simulated_world: u32,
}

#[derive(Serialize, Deserialize)]
struct Format<W> {
    floodway_simulated_world: u32,
    world: W,
}

impl Store {
    /// The file of `name` in `folder`, made from `fresh` if there is none.
    pub(super) fn file(
        folder: &Path,
        name: &str,
        fresh: impl FnOnce() -> World,
    ) -> Result<Self, PortError> {
        fs::create_dir_all(folder).map_err(|error| failed(folder, "cannot be made", &error))?;
        let kept = Kept {
            path: folder.join(format!("{name}.json")),
            lock: folder.join(format!("{name}.lock")),
            seen: Mutex::new(None),
        };
        kept.make(fresh)?;
        Ok(Self::File(Box::new(kept)))
    }

    /// Its file, if it is in one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Memory(_) => None,
            Self::File(kept) => Some(&kept.path),
        }
    }

    /// Reads the world.
    pub(super) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> Result<T, PortError> {
        match self {
            Self::Memory(world) => Ok(look(&one_at_a_time(world))),
            Self::File(kept) => kept.read(look),
        }
    }

    /// Changes the world; it is safe when this returns.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut World) -> T) -> Result<T, PortError> {
        match self {
            Self::Memory(world) => Ok(change(&mut one_at_a_time(world))),
            Self::File(kept) => kept.change(Safety::Disk, change),
        }
    }

    /// Lets time pass. That is cheap to lose, and happens too often to wait for
    /// the disk each time.
    pub(super) fn pass(&self, change: impl FnOnce(&mut World)) -> Result<(), PortError> {
        match self {
            Self::Memory(_) => self.write(change),
            Self::File(kept) => kept.change(Safety::Kernel, change),
        }
    }
}

impl Kept {
    fn make(&self, fresh: impl FnOnce() -> World) -> Result<(), PortError> {
        let _held = hold(&self.lock)?;
        let mut seen = one_at_a_time(&self.seen);
        if self.refresh(&mut seen)?.is_none() {
            self.replace(&mut seen, fresh(), Safety::Disk)?;
        }
        Ok(())
    }

    fn read<T>(&self, look: impl FnOnce(&World) -> T) -> Result<T, PortError> {
        let _held = hold(&self.lock)?;
        let mut seen = one_at_a_time(&self.seen);
        self.refresh(&mut seen)?.map(|seen| look(&seen.world)).ok_or_else(|| missing(&self.path))
    }

    fn change<T>(
        &self,
        safety: Safety,
        change: impl FnOnce(&mut World) -> T,
    ) -> Result<T, PortError> {
        let _held = hold(&self.lock)?;
        let mut seen = one_at_a_time(&self.seen);
        self.refresh(&mut seen)?;
        // Forgotten until it is written: what a full disk refuses did not happen.
        let mut world = seen.take().ok_or_else(|| missing(&self.path))?.world;
        let result = change(&mut world);
        self.replace(&mut seen, world, safety)?;
        Ok(result)
    }

    /// What the file holds, read again only if it is another or was modified.
    fn refresh<'s>(&self, seen: &'s mut Option<Seen>) -> Result<Option<&'s Seen>, PortError> {
        let same = |seen: &Seen| {
            let (now, then) = (fs::metadata(&self.path)?, seen.file.metadata()?);
            let inode = |file: &fs::Metadata| (file.dev(), file.ino());
            Ok::<_, io::Error>(inode(&now) == inode(&then) && now.modified()? == seen.modified)
        };
        if !seen.as_ref().is_some_and(|seen| same(seen).unwrap_or(false)) {
            *seen = load(&self.path)?;
        }
        Ok(seen.as_ref())
    }

    fn replace(
        &self,
        seen: &mut Option<Seen>,
        world: World,
        safety: Safety,
    ) -> Result<(), PortError> {
        let saved = save(&self.path, world, safety);
        *seen = Some(saved.map_err(|error| failed(&self.path, "cannot be written", &error))?);
        Ok(())
    }
}

fn one_at_a_time<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

fn load(path: &Path) -> Result<Option<Seen>, PortError> {
    let read = || {
        let mut file = File::open(path)?;
        let modified = file.metadata()?.modified()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok::<_, io::Error>((file, modified, bytes))
    };
    let (file, modified, bytes) = match read() {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "cannot be read", &error)),
    };
    let is_damaged = |error: serde_json::Error| damaged(path, &format!("is damaged ({error})"));
    let head: Head = serde_json::from_slice(&bytes).map_err(is_damaged)?;
    if head.floodway_simulated_world != VERSION {
        return Err(of_version(path, head.floodway_simulated_world));
    }
    let format: Format<World> = serde_json::from_slice(&bytes).map_err(is_damaged)?;
    Ok(Some(Seen { world: format.world, file, modified }))
}

/// All or nothing: a killed process leaves the old file or the new one. Only who
/// holds the lock writes, so what it left beside the file is written over.
fn save(path: &Path, world: World, safety: Safety) -> io::Result<Seen> {
    let beside = path.with_extension("json.new");
    let mut file =
        File::options().read(true).write(true).create(true).truncate(true).open(&beside)?;
    let format = Format { floodway_simulated_world: VERSION, world };
    file.write_all(&serde_json::to_vec(&format)?)?;
    if safety == Safety::Disk {
        file.sync_data()?;
    }
    fs::rename(&beside, path)?;
    let modified = file.metadata()?.modified()?;
    Ok(Seen { world: format.world, file, modified })
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

fn of_version(path: &Path, version: u32) -> PortError {
    let mut error =
        damaged(path, &format!("is of version {version}, and this is version {VERSION}"));
    if version > VERSION {
        let other = "use the Floodway that wrote it, or delete the file to begin with a new world";
        error.help = Some(other.to_owned());
    }
    error
}

fn missing(path: &Path) -> PortError {
    damaged(path, "is gone")
}
