//! The records of an environment: files beside its own, in `environments/ENV/record/`.

use crate::cli::exit::{Exit, Failure};
use crate::cli::repository::Located;
use crate::rollout::Record;
use crate::spec::Loader as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// The folder, as a path in the repository.
fn folder(located: &Located) -> String {
    let stem = located.path.strip_suffix(".toml").unwrap_or(&located.path);
    format!("{stem}/record")
}

/// All records of an environment, in the order of their files' names.
pub(super) fn read(located: &Located) -> Result<Vec<Record>, Failure> {
    let folder = folder(located);
    let mut names = located.files.siblings(&format!("{folder}/record.toml"));
    names.retain(|name| name.ends_with(".toml") && !name.starts_with('.'));
    names.sort();
    let one = |name: &String| {
        let path = format!("{folder}/{name}");
        let invalid = |why: String| Failure::new(Exit::Invalid, format!("{path}: {why}"));
        let loaded = located.files.load(&path).map_err(|error| invalid(error.to_string()))?;
        let text = String::from_utf8(loaded.bytes).map_err(|_| invalid("it is no UTF-8".into()))?;
        Record::from_text(&text).map_err(|error| invalid(error.to_string()))
    };
    names.iter().map(one).collect()
}

/// Keeps `record` as a new file; its path in the repository. One that is there is never
/// written over.
pub(super) fn keep(located: &Located, record: &Record) -> Result<String, Failure> {
    let (folder, name) = (folder(located), record.file_name());
    let (root, path) = (located.files.root(), format!("{folder}/{name}"));
    let within = root.join(&folder);
    let cannot = |error: io::Error| Failure::file(&root.join(&path), "cannot be written", &error);
    fs::create_dir_all(&within).map_err(cannot)?;
    // A link of the repository may lead anywhere.
    if !fs::canonicalize(&within).map_err(cannot)?.starts_with(root) {
        let message = format!("{folder} leads out of the repository");
        return Err(Failure::new(Exit::Refused, message));
    }
    match put(&within.join(&name), record.to_text().as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let message = format!("{path} is there already, and a record is never written over");
            Err(Failure::new(Exit::Refused, message)
                .help("take it again on another day; or delete the file, if it is not committed"))
        }
        put => put.map_err(cannot).map(|()| path),
    }
}

/// A new file with this text, whole or not there.
fn put(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut beside = tempfile::Builder::new().prefix(".floodway-").tempfile_in(folder)?;
    beside.write_all(text)?;
    readable(beside.as_file())?;
    beside.as_file().sync_all()?;
    beside.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// As any file of a repository is: a temporary one is its owner's alone.
fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}
