//! What a promotion and a rollback share: the file that they write.

use crate::backend::files::Files;
use crate::cli::exit::{Exit, Failure};
use crate::cli::repository::{Located, counted};
use crate::cli::terminal::Terminal;
use crate::cli::weights;
use crate::id::Name;
use crate::render::error::ErrorView;
use crate::render::rollout::passed::{self as render, Passed};
use crate::rollout::{Against, Cannot, Finding, Kind, Passing};
use crate::spec::model::Passage;
use crate::spec::{Environment, LoadError, Loaded, Loader, Resolved, edit};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

/// There is no such step.
pub(super) fn cannot(cannot: &Cannot) -> Failure {
    let failure = Failure::usage(cannot.to_string());
    match cannot {
        Cannot::NotLater { .. } => failure.help("go back with `floodway rollout rollback`"),
        Cannot::NoPhases => failure.help("declare one: [rollout.phases.short] with order = 1"),
        _ => failure,
    }
}

/// Something stands against it, and nobody says that it shall be all the same.
pub(super) fn refused(
    environment: &Environment,
    passing: &Passing,
    findings: &[Finding],
) -> Failure {
    let is_abort = |against: &Against| matches!(against, Against::Abort(_));
    let is_unmet =
        |against: &Against| matches!(against, Against::Exit(..) | Against::NothingTells(_));
    let exit = if passing.against.iter().any(is_abort) {
        Exit::Abort
    } else if passing.against.iter().any(is_unmet) {
        Exit::NotYet
    } else {
        Exit::Refused
    };
    let name = &environment.environment.name;
    let to = passing.to.as_ref().map_or("the end", |to| to.as_str());
    let view = ErrorView {
        message: format!("{name} is not ready for the phase {to}: nothing was written"),
        causes: passing.against.iter().map(|against| cause(against, findings)).collect(),
        help: vec![
            format!("see `floodway rollout status {name}`"),
            "`--override --reason TEXT` passes all the same, and the reason stays in the file's \
             history"
                .to_owned(),
        ],
    };
    Failure { exit, view: Some(view) }
}

fn cause(against: &Against, findings: &[Finding]) -> String {
    let of = |name: &Name, kind: Kind| {
        findings.iter().find(|found| found.name == *name && found.kind == kind)
    };
    let found = match against {
        Against::Abort(name) => of(name, Kind::Abort),
        Against::Exit(name, _) => of(name, Kind::Exit),
        _ => None,
    };
    let value = found.and_then(|found| Some((found.value?, found)));
    let value = value.map(|(value, found)| {
        format!(" ({}, and it must {} {})", found.unit.show(value), must(found.kind), found.target)
    });
    against.sentence() + &value.unwrap_or_default()
}

const fn must(kind: Kind) -> &'static str {
    match kind {
        Kind::Exit => "be",
        Kind::Abort => "not be",
    }
}

/// Writes `passage` into the environment's file, or shows how that would change it. The
/// file is whole at any moment, and the environment is right that it then is.
pub(super) fn write(
    located: &Located,
    resolved: &Resolved,
    passage: &Passage,
    dry_run: bool,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let root = located.files.root();
    let unreadable =
        |error: &LoadError| Failure::file(&root.join(&located.path), "cannot be read", error);
    let Loaded { bytes, real } =
        located.files.load(&located.path).map_err(|error| unreadable(&error))?;
    let path = root.join(&real);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let edited = edit::pass(&text, passage)
        .map_err(|error| Failure::file(&path, "cannot be edited", &error))?;
    check(located, &edited, passage, terminal)?;
    if dry_run {
        terminal.print(&render::diff(&located.path, &text, &edited));
        return Ok(Exit::Done);
    }
    replace(&path, &bytes, edited.as_bytes())
        .map_err(|error| Failure::file(&path, "cannot be written, and is as it was", &error))?;
    let phases = &resolved.environment.rollout.phases;
    let of = |name: &Option<Name>| name.as_ref().and_then(|name| phases.get(name));
    let order = |name: &Option<Name>| of(name).map(|phase| phase.order);
    let onward = of(&passage.to).filter(|_| order(&passage.to) > order(&passage.from));
    let passed = Passed {
        environment: resolved.environment.environment.name.as_str(),
        file: &located.path,
        passage,
        onward,
    };
    terminal.print(&render::text(&passed, &terminal.out));
    Ok(Exit::Done)
}

/// Whether the edited file is an environment, and the phase in it the one that is meant.
fn check(
    located: &Located,
    edited: &str,
    passage: &Passage,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let overlaid = Overlaid { files: &located.files, path: &located.path, text: edited };
    let (resolved, diagnostics) = weights::resolve(&located.path, &overlaid);
    let Some(resolved) = resolved else {
        terminal.diagnose(&diagnostics);
        let counts = counted(&diagnostics);
        let message = format!("{} would have {counts} then, and was not written", located.path);
        return Err(Failure::new(Exit::Invalid, message));
    };
    let live = resolved.environment.environment.phase.as_ref();
    if live == passage.to.as_ref() {
        return Ok(());
    }
    let place = resolved.origins.exact("environment.phase");
    let place = place.map_or_else(|| "another file".to_owned(), ToString::to_string);
    let message = format!("`environment.phase` is set at {place}: nothing was written");
    Err(Failure::new(Exit::Failed, message)
        .help("an environment that extends another is before its first phase only where that is"))
}

/// The files of a repository, one of them with another text.
struct Overlaid<'f> {
    files: &'f Files,
    path: &'f str,
    text: &'f str,
}

impl Loader for Overlaid<'_> {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        let loaded = self.files.load(path)?;
        if path != self.path {
            return Ok(loaded);
        }
        Ok(Loaded { bytes: self.text.as_bytes().to_vec(), ..loaded })
    }

    fn siblings(&self, path: &str) -> Vec<String> {
        self.files.siblings(path)
    }
}

/// Puts `new` in the place of the file at `path`, which is `old`: whole, or not at all.
fn replace(path: &Path, old: &[u8], new: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let before = fs::metadata(path)?;
    let mut beside = tempfile::Builder::new().prefix(".floodway-").tempfile_in(folder)?;
    beside.write_all(new)?;
    beside.as_file().set_permissions(before.permissions())?;
    // Whoever runs it as root does not take the file away from its owner.
    let _ = fchown(beside.as_file(), Some(before.uid()), Some(before.gid()));
    beside.as_file().sync_all()?;
    if fs::read(path)? != old {
        return Err(io::Error::other("somebody has changed it meanwhile: run it again"));
    }
    beside.persist(path).map_err(|error| error.error)?;
    // That it is there under its name is not safe before this; where it cannot be made so,
    // it is there all the same.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}
