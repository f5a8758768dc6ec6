//! All stages, one after the other.

use super::error::Error;
use super::hash::of_bytes;
use super::host::Host;
use super::lock::Lock;
use super::recipe::{Read, Recipe};
use super::stages::disk::{Parts, disk};
use super::stages::{
    Workshop, driver, erofs, firmware, gpu, initrd, kernel, manifest, programs, resolve, rootfs,
    sbom, tree, uki, verity,
};
use super::store::{Made, Store};
use super::{command::Run, files};
use crate::card::{Blob, BootMode, Driver, File, Manifest, SCHEMA};
use common::units::Memory;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What signs a kernel image for secure boot.
#[derive(Debug, Clone)]
pub struct Signing {
    /// A private key, PEM; of RSA, whose signatures have nothing random in them.
    pub key: PathBuf,
    /// Its certificate, PEM.
    pub certificate: PathBuf,
}

/// How an image is built.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the recipe: the files that it names lie there.
    pub beside: PathBuf,
    /// Where results of stages are kept.
    pub cache: PathBuf,
    /// Where the image goes.
    pub out: PathBuf,
    /// The workspace that holds this crate, to build the image's programs from.
    pub source: Option<PathBuf>,
    /// A folder with the image's programs, instead of building them.
    pub programs: Option<PathBuf>,
    /// What signs the kernel image.
    pub signing: Option<Signing>,
    /// Whether what has no order is taken from its end.
    pub reversed: bool,
}

/// What is told while a stage runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A stage begins.
    Began(&'static str),
    /// A stage is over.
    Ended {
        /// Which.
        stage: &'static str,
        /// How long it took.
        took: Duration,
        /// Whether it was there already.
        unchanged: bool,
    },
}

/// A finished image.
#[derive(Debug, Clone)]
pub struct Built {
    /// What it is made of.
    pub manifest: Manifest,
    /// SHA-256 of `manifest.json`, in hex: the image's own name.
    pub digest: String,
    /// The raw disk.
    pub disk: PathBuf,
    /// The partition that firmware reads, as it is on the disk.
    pub(super) esp: PathBuf,
    /// The archive of all that is in the root.
    pub(super) tree: PathBuf,
    /// The root filesystem, as it is on the disk.
    pub(super) root: PathBuf,
}

/// Which packages: the archives' answer now.
///
/// # Errors
/// What of the archives cannot be read or is not what was pinned.
pub fn lock(
    read: &Read,
    beside: &Path,
    cache: &Path,
    tell: &dyn Fn(Progress),
) -> Result<Lock, Error> {
    let stage = "resolve";
    let store = Store::open(cache)?;
    tell(Progress::Began(stage));
    let began = Instant::now();
    let lock = resolve::resolve(read, beside, &store)?;
    tell(Progress::Ended { stage, took: began.elapsed(), unchanged: false });
    Ok(lock)
}

/// Builds the image of a recipe out of the packages of its lock.
///
/// # Errors
/// The stage's that failed; what was finished before is kept.
pub fn build(
    read: &Read,
    lock: &Lock,
    host: &Host,
    options: &Options,
    tell: &dyn Fn(Progress),
) -> Result<Built, Error> {
    let recipe = &read.recipe;
    if lock.asked != resolve::asked(recipe) {
        return Err(Error::refused(
            "the lock is of another recipe, or of an older Floodway: what is installed has \
             changed since",
            "make it anew with `floodway image lock`",
        ));
    }
    let store = Store::open(&options.cache)?;
    let epoch = epoch(recipe)?;
    let workshop = Workshop { host, store: &store, epoch, reversed: options.reversed };
    let stages = Stages { tell };
    let kernel = stages.run("kernel", || kernel::kernel(lock, &workshop))?;
    let programs = match (&options.programs, &options.source) {
        (Some(folder), _) => programs::given(folder)?,
        (None, Some(source)) => stages.both("programs", || programs::built(source, &workshop))?.0,
        (None, None) => {
            return Err(Error::refused(
                "there is nothing to build the image's programs from",
                "run it in Floodway's own repository, or name a folder with --programs",
            ));
        }
    };
    let signing = options.signing.as_ref();
    let gpu_modules = match &recipe.gpu {
        Some(gpu) => {
            Some(stages.run("gpu", || gpu::gpu(recipe, gpu, lock, &kernel, signing, &workshop))?)
        }
        None => None,
    };
    let suite = &recipe.base.suite;
    let rootfs = stages.run("rootfs", || rootfs::rootfs(lock, suite, &workshop))?;
    let whole = |modules| {
        let (beside, programs) = (&options.beside, &programs);
        tree::tree(read, beside, programs, &rootfs, &kernel, modules, &workshop)
    };
    let ((listed, status), tree) = stages.both("tree", || {
        let tree = whole(gpu_modules.as_ref())?;
        // Whatever may not be in it, or is missing, is told before all else is made of it.
        let modules = gpu_modules.as_ref().map(|made| made.folder.as_path());
        Ok((listing(&tree.file("tree.tar"), modules)?, tree))
    })?;
    let erofs = stages.run("erofs", || erofs::erofs(&tree, &workshop))?;
    let (opening, verity) = stages.both("verity", || verity::verity(&erofs, &workshop))?;
    let initrd = stages.run("initrd", || initrd::initrd(&tree, &kernel, &programs, &workshop))?;
    let parts = (&kernel, &initrd);
    let uki = stages.run("uki", || uki::uki(recipe, lock, parts, &opening, signing, &workshop))?;
    let parts = Parts {
        kernel: &kernel,
        initrd: &initrd,
        uki: &uki,
        erofs: &erofs,
        verity: &verity,
        opening: &opening,
    };
    let made = stages.run("disk", || disk(&parts, &workshop))?;
    let raw = made.file("disk.raw");
    let bytes = files::length(&raw)?;
    fits(bytes, recipe.limits.disk)?;
    let began = Instant::now();
    let version = driver::version(&lock.packages);
    let driver = recipe.gpu.as_ref().zip(version).map(|(gpu, version)| Driver {
        flavour: gpu.flavour.as_str().to_owned(),
        version: version.to_owned(),
    });
    let manifest = Manifest {
        schema: SCHEMA,
        name: recipe.image.name.to_string(),
        recipe: read.digest.clone(),
        lock: lock.digest()?,
        disk: Blob { sha256: manifest::disk_digest(&made, &workshop)?, bytes },
        root_hash: opening.root_hash.clone(),
        kernel: kernel.text("release")?,
        driver,
        boot_modes: vec![BootMode::Uefi, BootMode::LegacyBios],
        regions: recipe.regions.clone(),
        signed: signing.is_some(),
        programs: programs.digests()?,
        packages: manifest::packages(&status, lock)?,
        files: listed,
        source_date_epoch: u64::try_from(epoch).unwrap_or_default(),
        root_bytes: files::length(&erofs.file("root.erofs"))?,
    };
    let bill = pretty(&sbom::sbom(&manifest, recipe, lock, programs.linked.as_ref()));
    let built = finish(&manifest, &bill, (&tree, &erofs, &made), options)?;
    tell(Progress::Ended { stage: "manifest", took: began.elapsed(), unchanged: false });
    Ok(built)
}

/// The files of the archive `tree`, and what dpkg knows of its packages. The GPU's `modules`,
/// if there are any, lie in a folder.
///
/// # Errors
/// A file that no image may hold, or firmware that the modules load and it has not.
fn listing(tree: &Path, modules: Option<&Path>) -> Result<(Vec<File>, String), Error> {
    let (listed, status) = manifest::files(tree)?;
    if let Some(folder) = modules {
        firmware::check(folder, &listed)?;
    }
    Ok((listed, status))
}

/// Whether a disk of so many bytes is as small as the recipe wants it.
fn fits(bytes: u64, most: Memory) -> Result<(), Error> {
    if bytes <= most.bytes() {
        return Ok(());
    }
    Err(Error::refused(
        format!("the disk has {bytes} bytes, and limits.disk allows {most}"),
        "leave packages out, or raise the limit: every node reads it at every start",
    ))
}

/// Writes what the user takes away.
fn finish(
    manifest: &Manifest,
    sbom: &str,
    (tree, erofs, disk): (&Made, &Made, &Made),
    options: &Options,
) -> Result<Built, Error> {
    let text = pretty(&serde_json::to_value(manifest).unwrap_or_default());
    let out = &options.out;
    files::write(&out.join("manifest.json"), &text)?;
    files::write(&out.join("sbom.spdx.json"), sbom)?;
    let raw = out.join("disk.raw");
    // Sparse: holes stay holes.
    let copy = Run::new("cp").args(["--sparse=always", "--reflink=auto", "--remove-destination"]);
    copy.arg(disk.file("disk.raw")).arg(&raw).run()?;
    Run::new("qemu-img")
        .args(["convert", "-f", "raw", "-O", "qcow2", "-c"])
        .arg(&raw)
        .arg(out.join("disk.qcow2"))
        .run()?;
    Ok(Built {
        manifest: manifest.clone(),
        digest: of_bytes(text.as_bytes()),
        disk: raw,
        esp: disk.file("esp.img"),
        tree: tree.file("tree.tar"),
        root: erofs.file("root.erofs"),
    })
}

fn pretty(value: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text + "\n"
}

/// The time that everything bears.
fn epoch(recipe: &Recipe) -> Result<i64, Error> {
    let time = recipe.image.time.parse::<jiff::Timestamp>();
    let time = time.map_err(|error| Error::Wrong(format!("image.time: {error}")))?;
    Ok(time.as_second())
}

/// Runs stages, and tells of them.
struct Stages<'t> {
    tell: &'t dyn Fn(Progress),
}

impl Stages<'_> {
    fn run(
        &self,
        stage: &'static str,
        work: impl FnOnce() -> Result<Made, Error>,
    ) -> Result<Made, Error> {
        self.both(stage, || work().map(|made| ((), made))).map(|((), made)| made)
    }

    fn both<T>(
        &self,
        stage: &'static str,
        work: impl FnOnce() -> Result<(T, Made), Error>,
    ) -> Result<(T, Made), Error> {
        (self.tell)(Progress::Began(stage));
        let began = Instant::now();
        let (more, made) = work()?;
        let unchanged = made.took.is_none();
        (self.tell)(Progress::Ended { stage, took: began.elapsed(), unchanged });
        Ok((more, made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_without_what_the_gpus_modules_load_is_no_image() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, modules) = (folder.path().join("tree.tar"), folder.path().join("modules"));
        std::fs::create_dir(&modules).unwrap();
        let module = "\x7fELF\0firmware=nvidia/535/gsp.bin\0";
        std::fs::write(modules.join("nvidia.ko"), module).unwrap();
        let with = |path: &str| {
            let mut archive = tar::Builder::new(std::fs::File::create(&tree).unwrap());
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(4);
            archive.append_data(&mut header, path, &b"text"[..]).unwrap();
            archive.finish().unwrap();
        };
        with("usr/lib/firmware/nvidia/535/gsp.bin");
        assert_eq!(listing(&tree, Some(&modules)).unwrap().0.len(), 1);
        with("usr/lib/firmware/nvidia/530/gsp.bin");
        let said = listing(&tree, Some(&modules)).unwrap_err().to_string();
        assert!(said.contains("nvidia.ko loads /usr/lib/firmware/nvidia/535/gsp.bin"), "{said}");
        assert!(listing(&tree, None).is_ok(), "without a GPU nothing loads it");
    }

    #[test]
    fn a_disk_beyond_its_limit_is_refused_with_both_sizes() {
        let most = Memory::from_bytes(210 << 20);
        assert!(fits(210 << 20, most).is_ok());
        let refused = fits((210 << 20) + 512, most).unwrap_err();
        assert!(matches!(refused, Error::Refused { .. }), "{refused:?}");
        let said = refused.to_string();
        assert_eq!(said, "the disk has 220201472 bytes, and limits.disk allows 210Mi");
        assert!(refused.help().unwrap().contains("raise the limit"));
    }
}
