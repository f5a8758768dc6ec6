//! A file of the repository that a key of an environment names.

use crate::diag::{Diagnostic, Diagnostics};
use common::document::{At, Loader, Spots, beside};

/// A file that a key names, as it was read.
pub(super) struct SideFile {
    /// Its path in the repository.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    /// Where it is named.
    pub(super) at: At,
}

/// Reads the file that `key` names as `written`: beside the file that says so, or in
/// a folder below it. `example` is such a path. `None`: what is wrong is in `found`.
pub(super) fn read(
    (key, written, example): (&str, &str, &str),
    spots: &Spots,
    loader: &dyn Loader,
    found: &mut Diagnostics,
) -> Option<SideFile> {
    let help = format!("name a file beside the environment or in a folder below, like {example:?}");
    let mut refuse = |why: String| {
        found.push(spots.label(Diagnostic::error(why).help(&help), key, ""));
        None
    };
    // From the file that says so, which another may extend.
    let at = spots.value(key)?.clone();
    let path = match beside(&at.file, written) {
        Ok(_) if written.split('/').any(|part| part == "..") => {
            return refuse("the path leads out of the environment's folder".to_owned());
        }
        Ok(path) => path,
        Err(why) => return refuse(why.to_owned()),
    };
    match loader.load(&path) {
        Ok(loaded) => Some(SideFile { path, bytes: loaded.bytes, at }),
        Err(error) => refuse(format!("cannot read `{path}`: {error}")),
    }
}
