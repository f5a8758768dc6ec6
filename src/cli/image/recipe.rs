//! Which recipe is meant, its lock, and where images and stages are kept.

use super::super::exit::{Exit, Failure};
use super::super::home;
use super::super::repository::counted;
use super::super::terminal::Terminal;
use crate::backend::files::Files;
use crate::diag::{is_plain, nearest};
use crate::spec::Loader as _;
use node_image::boot::is_of_rsa;
use node_image::build::{Error, Host, Lock, Options, Read, Signing, Wanted};
use std::fs;
use std::path::{Path, PathBuf};

/// Where recipes are, from a repository's root.
const FOLDERS: [&str; 2] = ["images", "node-image/images"];

/// Which recipe, and how it is built.
#[derive(Debug, clap::Args)]
pub(super) struct Building {
    /// A name under images/ or node-image/images/, or a path
    recipe: String,
    /// Where results of stages are kept; without it, floodway/images in $XDG_CACHE_HOME or ~/.cache
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Where the image goes; without it, .floodway/images/NAME
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A folder with static floodway-init, floodway-node and floodway-probe, instead of building them
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Floodway's own repository, to build them from; without it, the one that the recipe lies in
    #[arg(long, value_name = "DIR", conflicts_with = "programs")]
    source: Option<PathBuf>,
    /// A private key (RSA, PEM) that signs the kernel image and GPU modules for secure boot
    #[arg(long, value_name = "FILE", requires = "sign_cert")]
    sign_key: Option<PathBuf>,
    /// The certificate (PEM) of that key
    #[arg(long, value_name = "FILE", requires = "sign_key")]
    sign_cert: Option<PathBuf>,
}

/// A recipe's file.
pub(super) struct Found {
    pub(super) file: PathBuf,
    pub(super) read: Read,
    root: PathBuf,
}

/// Finds and reads a recipe.
pub(super) fn find(recipe: &str, terminal: &Terminal) -> Result<Found, Failure> {
    if !is_plain(recipe) {
        return Err(Failure::usage(format!("{recipe:?} is no name or path of a recipe")));
    }
    let is_path = recipe.contains(['/', '\\']) || recipe.ends_with(".toml");
    let file = if is_path { PathBuf::from(recipe) } else { named(recipe)? };
    if !file.exists() {
        return Err(Failure::usage(format!("there is no recipe {}", file.display())));
    }
    let around = Files::around(&file);
    let (files, path) = around.map_err(|e| Failure::file(&file, "cannot be found", &e))?;
    let loaded = files.load(&path).map_err(|e| Failure::file(&file, "cannot be read", &e))?;
    let (read, diagnostics) = node_image::build::read(&path, &loaded.bytes);
    if !diagnostics.is_empty() {
        terminal.diagnose(&diagnostics);
    }
    let Some(read) = read else {
        let counts = counted(&diagnostics);
        return Err(Failure::new(Exit::Invalid, format!("{path} has {counts}")));
    };
    Ok(Found { file, read, root: files.root().to_owned() })
}

/// Of each recipe of the repository around this folder its image, whatever the file is
/// called, and the regions that it names; or why it cannot be read.
#[cfg(feature = "aws")]
pub(super) fn all() -> Vec<Result<(String, Vec<String>), String>> {
    folders().map(|folders| all_in(&folders)).unwrap_or_default()
}

#[cfg(feature = "aws")]
fn all_in(folders: &[PathBuf]) -> Vec<Result<(String, Vec<String>), String>> {
    let in_one = |folder: &PathBuf| {
        let names = names(std::slice::from_ref(folder)).into_iter();
        names.map(|name| folder.join(format!("{name}.toml"))).collect::<Vec<_>>()
    };
    let unread = |file: &Path| {
        format!("{} cannot be read: which image it is of, and where, is not known", file.display())
    };
    let files = folders.iter().flat_map(in_one);
    files.map(|file| image_and_regions(&file).ok_or_else(|| unread(&file))).collect()
}

#[cfg(feature = "aws")]
fn image_and_regions(file: &Path) -> Option<(String, Vec<String>)> {
    let (files, path) = Files::around(file).ok()?;
    let loaded = files.load(&path).ok()?;
    let (read, _) = node_image::build::read(&path, &loaded.bytes);
    let recipe = read?.recipe;
    Some((recipe.image.name.to_string(), recipe.regions))
}

/// Where recipes are, in this folder and those around it.
fn folders() -> Result<Vec<PathBuf>, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::file(Path::new("."), "cannot be read", &error))?;
    let each = here.ancestors().flat_map(|folder| FOLDERS.map(|of| folder.join(of)));
    Ok(each.filter(|folder| folder.is_dir()).collect())
}

/// The names of the recipes there.
fn names(folders: &[PathBuf]) -> Vec<String> {
    let mut known = Vec::new();
    for entry in folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten() {
        let entry = entry.file_name();
        known.extend(entry.to_str().and_then(|name| name.strip_suffix(".toml")).map(str::to_owned));
    }
    known.sort();
    known
}

/// A recipe of the repository around this folder.
fn named(name: &str) -> Result<PathBuf, Failure> {
    let folders = folders()?;
    let file = folders.iter().map(|folder| folder.join(format!("{name}.toml")));
    if let Some(file) = file.into_iter().find(|file| file.exists()) {
        return Ok(file);
    }
    let known = names(&folders);
    let failure = Failure::usage(format!("there is no recipe `{name}`"));
    Err(match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.help("recipes are TOML files in images/"),
        None => failure.help(format!("there are: {}", known.join(", "))),
    })
}

impl Found {
    /// Where its lock is.
    pub(super) fn lock_file(&self) -> PathBuf {
        self.file.with_extension("lock")
    }

    /// Its lock, if there is one.
    pub(super) fn old_lock(&self) -> Result<Option<Lock>, Failure> {
        let file = self.lock_file();
        match fs::read_to_string(&file) {
            Ok(text) => Lock::read(&file, &text).map(Some).map_err(failed),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::file(&file, "cannot be read", &error)),
        }
    }

    /// Its lock.
    pub(super) fn lock(&self) -> Result<Lock, Failure> {
        self.old_lock()?.ok_or_else(|| {
            let file = self.lock_file();
            Failure::usage(format!("there is no {}", file.display())).help(format!(
                "make it with `floodway image lock {}`, and commit it",
                self.file.display()
            ))
        })
    }

    /// The folder that it lies in.
    pub(super) fn beside(&self) -> PathBuf {
        self.file.parent().map(Path::to_owned).filter(|p| p.as_os_str() != "").unwrap_or(".".into())
    }

    fn out(&self) -> Result<PathBuf, Failure> {
        let root = &self.root;
        let home = home::folder(root)
            .map_err(|error| Failure::file(&root.join(".floodway"), "cannot be made", &error))?;
        Ok(home.join("images").join(self.read.recipe.image.name.as_str()))
    }

    /// The workspace that the image's programs are built from, if it is here.
    fn source(&self) -> Option<PathBuf> {
        let file = fs::canonicalize(&self.file).ok()?;
        let holds = |folder: &&Path| folder.join("node-image/src/bin/floodway-init.rs").is_file();
        file.ancestors().skip(1).find(holds).map(Path::to_owned)
    }
}

impl Building {
    /// The recipe, the machine, and how it is built.
    ///
    /// `boot`: whether the image is booted afterwards.
    pub(super) fn prepare(
        &self,
        boot: bool,
        terminal: &Terminal,
    ) -> Result<(Found, Host, Options), Failure> {
        let found = find(&self.recipe, terminal)?;
        let key = self.sign_key.clone().zip(self.sign_cert.clone());
        let signing = key.map(|(key, certificate)| Signing { key, certificate });
        if let Some(signing) = &signing {
            signs_alike(&signing.certificate)?;
        }
        let (signed, programs) = (signing.is_some(), self.programs.is_none());
        let host = Host::check(Wanted { signing: signed, boot, programs }).map_err(failed)?;
        let options = Options {
            beside: found.beside(),
            cache: cache(self.cache.as_deref())?,
            out: match &self.out {
                Some(folder) => folder.clone(),
                None => found.out()?,
            },
            source: self.source.clone().or_else(|| found.source()),
            programs: self.programs.clone(),
            signing,
            reversed: false,
        };
        Ok((found, host, options))
    }
}

/// Whether what this certificate's key signs is the same each time, as all else of an image
/// is.
fn signs_alike(certificate: &Path) -> Result<(), Failure> {
    let bytes = fs::read(certificate)
        .map_err(|error| Failure::file(certificate, "cannot be read", &error))?;
    let at = certificate.display();
    match is_of_rsa(&bytes) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let message = format!(
                "{at} is not of an RSA key: signatures of other keys have something random in \
                 them, and two builds would not be the same"
            );
            Err(Failure::usage(message).help(
                "make a key and its certificate: openssl req -x509 -newkey rsa:2048 -nodes \
                 -subj /CN=NAME -keyout key.pem -out certificate.pem",
            ))
        }
        Err(why) => Err(Failure::usage(format!("{at}: {why}"))),
    }
}

/// Where results of stages are kept.
pub(super) fn cache(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(folder) = asked {
        return Ok(folder.to_owned());
    }
    let of = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
    let home = home.ok_or_else(|| {
        Failure::usage("there is no home folder to keep results in").help("name one with --cache")
    })?;
    Ok(home.join("floodway/images"))
}

/// As [`failed`]; what a recipe says wrong is shown where it stands.
pub(super) fn diagnosed(error: Error, terminal: &Terminal) -> Failure {
    match error {
        Error::Recipe(wrong) => {
            terminal.diagnose(&wrong);
            Failure::told(Exit::Refused)
        }
        error => failed(error),
    }
}

/// Why an image is not built, as a command tells it.
pub(super) fn failed(error: Error) -> Failure {
    let exit = match &error {
        Error::Refused { .. } | Error::Recipe(_) => Exit::Refused,
        Error::Tools { .. } => Exit::Usage,
        _ => Exit::Failed,
    };
    let failure = Failure::new(exit, error.to_string());
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Of an image's folder, or of its manifest itself.
pub(super) fn manifest(path: &Path) -> Result<node_image::card::Manifest, Failure> {
    let file = if path.is_dir() { path.join("manifest.json") } else { path.to_owned() };
    let bytes = fs::read(&file).map_err(|error| Failure::file(&file, "cannot be read", &error))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::new(Exit::Invalid, format!("{} is no manifest: {error}", file.display()))
            .help("name the folder that `floodway image build` wrote, or its manifest.json")
    })
}

#[cfg(feature = "aws")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_found_by_its_image_whatever_its_file_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("images");
        fs::create_dir(&images).unwrap();
        let recipe = "regions = [\"us-east-1\"]\n[image]\nname = \"edge\"\n\
                      time = \"2026-11-01T00:00:00Z\"\n[base]\nsuite = \"bookworm\"\n[kernel]\n\
                      [limits]\ndisk = \"210Mi\"\n";
        for (name, text) in [("other.toml", recipe), ("wrong.toml", "[image"), ("a.lock", "")] {
            fs::write(images.join(name), text).unwrap();
        }
        let found = all_in(&[folder.path().join("none"), images]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], Ok(("edge".to_owned(), vec!["us-east-1".to_owned()])));
        let wrong = found[1].as_ref().unwrap_err();
        assert!(wrong.contains("images/wrong.toml cannot be read"), "{wrong}");
    }
}
