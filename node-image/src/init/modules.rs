//! Loads the kernel modules that the initrd brings.
//!
//! The kernel checks the signature of each, which takes most of the time, so
//! several are loaded at once: each one as soon as those are there that it says it
//! needs. One that fails then is tried once more alone, in the order of the initrd,
//! which also has what no module says.

use super::error::{InitError, Trying};
use super::{MODULES, MODULES_ORDER};
use rustix::io::Errno;
use rustix::system::finit_module;
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What begins the list of the modules that a module needs, among its facts.
const NEEDS: &[u8] = b"\0depends=";

/// # Errors
/// A module is missing, or the kernel does not take it.
pub(super) fn load() -> Result<(), InitError> {
    let folder = Path::new(MODULES);
    let order = folder.join(MODULES_ORDER);
    let text = fs::read_to_string(&order).trying(|| format!("read {}", order.display()))?;
    let modules = names(&text).map(|file| {
        let path = folder.join(file);
        let bytes = fs::read(&path).trying(|| format!("read {}", path.display()))?;
        Ok(Module { file: file.to_owned(), needs: needs(&bytes) })
    });
    let modules: Vec<Module> = modules.collect::<Result<_, InitError>>()?;
    let insert = |module: &Module| insert(&folder.join(&module.file));
    let failed = all_at_once(&modules, |module| insert(module).is_ok());
    failed.into_iter().try_for_each(insert)
}

fn insert(path: &Path) -> Result<(), InitError> {
    let file = File::open(path).trying(|| format!("open {}", path.display()))?;
    match finit_module(&file, c"", 0) {
        // It is there already, or the machine has nothing that it drives.
        Ok(()) | Err(Errno::EXIST | Errno::NODEV) => Ok(()),
        Err(why) => Err(why).trying(|| format!("load {}", path.display())),
    }
}

/// A module of the initrd.
#[derive(Debug)]
struct Module {
    file: String,
    /// The names of those that must be there before it.
    needs: Vec<String>,
}

impl Module {
    fn name(&self) -> String {
        name(self.file.trim_end_matches(".ko"))
    }
}

/// A module's file may have a dash where its name has none.
fn name(text: &str) -> String {
    text.replace('-', "_")
}

fn names(order: &str) -> impl Iterator<Item = &str> {
    order.lines().map(str::trim).filter(|name| !name.is_empty())
}

/// The modules that a module says it needs.
fn needs(module: &[u8]) -> Vec<String> {
    let at = module.windows(NEEDS.len()).position(|bytes| bytes == NEEDS);
    let list = at.map_or(&[][..], |at| &module[at + NEEDS.len()..]);
    let list = list.split(|byte| *byte == 0).next().unwrap_or_default();
    let list = String::from_utf8_lossy(list);
    list.split(',').filter(|text| !text.is_empty()).map(name).collect()
}

/// How far a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waits,
    Loads,
    Loaded,
    Failed,
}

/// Calls `insert` for each module, from as many threads as there are processors,
/// and gives those for which it said no, in their order.
fn all_at_once(modules: &[Module], insert: impl Fn(&Module) -> bool + Sync) -> Vec<&Module> {
    let states = Mutex::new(vec![State::Waits; modules.len()]);
    let changed = Condvar::new();
    let work = || {
        let mut held = lock(&states);
        loop {
            if let Some(at) = next(modules, &held) {
                held[at] = State::Loads;
                drop(held);
                let done = insert(&modules[at]);
                held = lock(&states);
                held[at] = if done { State::Loaded } else { State::Failed };
                changed.notify_all();
            } else if held.contains(&State::Loads) {
                held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
            } else {
                return;
            }
        }
    };
    let processors = thread::available_parallelism().map_or(1, |number| number.get());
    thread::scope(|scope| {
        for _ in 1..processors.min(modules.len()) {
            scope.spawn(work);
        }
        work();
    });
    let held = lock(&states);
    modules
        .iter()
        .zip(&*held)
        .filter(|(_, state)| **state != State::Loaded)
        .map(|it| it.0)
        .collect()
}

/// The first module that waits and has all that it needs. What the initrd does not
/// bring is not waited for: it is in the kernel, or the kernel says that it is not.
fn next(modules: &[Module], states: &[State]) -> Option<usize> {
    let is_there = |needed: &String| {
        let found = modules.iter().position(|module| module.name() == *needed);
        found.is_none_or(|at| states[at] == State::Loaded)
    };
    let mut all = modules.iter().zip(states);
    all.position(|(module, state)| *state == State::Waits && module.needs.iter().all(is_there))
}

fn lock(states: &Mutex<Vec<State>>) -> MutexGuard<'_, Vec<State>> {
    states.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(file: &str, needs: &[&str]) -> Module {
        let needs = needs.iter().map(|text| (*text).to_owned()).collect();
        Module { file: file.to_owned(), needs }
    }

    fn virtio() -> Vec<Module> {
        vec![
            module("virtio.ko", &[]),
            module("virtio_ring.ko", &["virtio"]),
            module("dm-mod.ko", &["not_in_the_initrd"]),
            module("virtio_blk.ko", &["virtio_ring", "virtio"]),
            module("dm-verity.ko", &["dm_mod"]),
        ]
    }

    #[test]
    fn the_order_is_a_name_a_line() {
        let order = "virtio.ko\n\n virtio_blk.ko \nerofs.ko";
        assert!(names(order).eq(["virtio.ko", "virtio_blk.ko", "erofs.ko"]));
    }

    #[test]
    fn a_module_says_what_it_needs() {
        let facts = b"ELF\0license=GPL\0depends=dm-mod,dm_bufio\0name=dm_verity\0depends=x\0";
        assert_eq!(needs(facts), ["dm_mod", "dm_bufio"]);
        for none in [&b"ELF\0depends=\0"[..], b"", b"a word depends=x\0"] {
            assert!(needs(none).is_empty());
        }
    }

    #[test]
    fn each_is_loaded_once_and_after_what_it_needs() {
        let modules = virtio();
        let loaded = Mutex::new(Vec::new());
        let failed = all_at_once(&modules, |module| {
            let before = loaded.lock().unwrap().clone();
            assert!(module.needs.iter().all(|it| before.contains(it) || it.starts_with("not_")));
            thread::sleep(std::time::Duration::from_millis(5));
            loaded.lock().unwrap().push(module.name());
            true
        });
        assert!(failed.is_empty());
        let mut loaded = loaded.into_inner().unwrap();
        loaded.sort();
        assert_eq!(loaded, ["dm_mod", "dm_verity", "virtio", "virtio_blk", "virtio_ring"]);
    }

    #[test]
    fn one_that_fails_and_what_needs_it_are_left_in_their_order() {
        let modules = virtio();
        let failed = all_at_once(&modules, |module| module.file != "virtio_ring.ko");
        let files: Vec<&str> = failed.iter().map(|module| &*module.file).collect();
        assert_eq!(files, ["virtio_ring.ko", "virtio_blk.ko"]);
    }

    #[test]
    fn a_circle_of_needs_ends() {
        let modules = [module("a.ko", &["b"]), module("b.ko", &["a"])];
        assert_eq!(all_at_once(&modules, |_| true).len(), 2);
        assert!(all_at_once(&[], |_| true).is_empty());
    }
}
