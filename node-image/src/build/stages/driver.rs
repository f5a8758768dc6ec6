//! Which version of the GPU's driver: one of the branch that the recipe names, for the
//! modules, for what they load into the GPU, and for the libraries that talk to them. None
//! of these takes another's.

use super::apt::{Apt, Offer};
use crate::build::error::Error;
use crate::build::lock::{Group, Locked};
use crate::build::recipe::{ExtraFile, Flavour, Gpu, Read};
use common::diag::Diagnostic;

/// What the modules load into the GPU, as Debian and NVIDIA call the package. Without it
/// the open ones find no GPU; the closed ones drive those of data centres by it.
const FIRMWARE: &str = "firmware-nvidia-gsp";

/// What is in the names of packages with firmware, whoever makes them.
const NAMED: [&str; 2] = ["firmware", "-gsp"];

/// What is in the path of a file that NVIDIA's modules load.
const PLACE: &str = "/firmware/nvidia/";

/// Of these, apt's patterns match the packages whose version may be the driver's.
const NAMES: &str = "*nvidia* libcuda* libnv* cuda-drivers*";

/// NVIDIA's tools that Debian builds from sources of their own: a driver takes them of
/// other versions, too.
const TOOLS: [&str; 4] =
    ["nvidia-modprobe", "nvidia-persistenced", "nvidia-settings", "nvidia-xconfig"];

/// The driver that a lock is made with.
pub(super) struct Driver {
    /// The package with the modules' source.
    pub(super) source: Vec<Locked>,
    /// The package that the image is to have for it; none: no archive has it.
    pub(super) firmware: Option<&'static str>,
}

/// The newest driver of the branch, and apt told to take all else of it in that version.
///
/// # Errors
/// What of it no archive has, where the recipe asks for it.
pub(super) fn choose(read: &Read, gpu: &Gpu, apt: &Apt) -> Result<Driver, Error> {
    let debian = match gpu.flavour {
        Flavour::Open => "nvidia-open-kernel-dkms",
        Flavour::Closed => "nvidia-kernel-dkms",
    };
    let source = gpu.source.as_deref().unwrap_or(debian);
    let parts: Vec<_> =
        [FIRMWARE].into_iter().chain(gpu.userspace.iter().map(String::as_str)).collect();
    let offered = apt.offered(&[&[source][..], &parts[..]].concat())?;
    let Some(version) = pick(source, &gpu.branch, &parts, &offered) else {
        return Err(none_fits(read, gpu, source, &offered));
    };
    let number = number(version);
    apt.prefer(NAMES, number)?;
    let is_firmware = |offer: &Offer| offer.package == FIRMWARE && is_number(offer, number);
    let firmware = offered.iter().any(is_firmware).then_some(FIRMWARE);
    Ok(Driver { source: apt.alone(&[format!("{source}={version}").as_str()])?, firmware })
}

/// Looks among the `packages` of a lock for what the modules load into the GPU, which the
/// closed ones name as the open ones do. Whether it is that, is seen when the image is built.
///
/// # Errors
/// No package of the image can be it, nor a file of the recipe's.
pub(super) fn check_firmware(read: &Read, packages: &[Locked]) -> Result<(), Error> {
    let Some(version) = version(packages) else { return Ok(()) };
    if may_hold_firmware(packages, &read.recipe.file) {
        return Ok(());
    }
    let what = format!("the archives have no {FIRMWARE} of version {version}");
    let help = "Debian's is in `non-free-firmware`: name that in base.components; or name a \
                package with `firmware` in its name that holds it in gpu.userspace, or as \
                gpu.source one whose archive has both";
    let text = "its modules load it into the GPU".to_owned();
    let what = Diagnostic::error(what).help(help);
    Err(read.not_so([("gpu.flavour".to_owned(), what, text)]))
}

fn may_hold_firmware(packages: &[Locked], files: &[ExtraFile]) -> bool {
    let mut of_root = packages.iter().filter(|package| package.group == Group::Root);
    of_root.any(|package| NAMED.iter().any(|part| package.name.contains(part)))
        || files.iter().any(|file| file.path.contains(PLACE))
}

/// The newest version of `source` that is of `branch`, and in which all `parts` are that
/// there are of this branch; where there is none such, the newest.
fn pick<'o>(source: &str, branch: &str, parts: &[&str], offered: &'o [Offer]) -> Option<&'o str> {
    let of_branch = |package: &str| -> Vec<&'o Offer> {
        let is_it = |offer: &&Offer| offer.package == package && is_of(&offer.version, branch);
        offered.iter().filter(is_it).collect()
    };
    let sources = of_branch(source);
    let is_whole = |offer: &&&Offer| {
        let number = number(&offer.version);
        parts.iter().filter(|part| !TOOLS.contains(part)).all(|part| {
            let found = of_branch(part);
            found.is_empty() || found.iter().any(|offer| is_number(offer, number))
        })
    };
    let picked = sources.iter().find(is_whole).or(sources.first());
    picked.map(|offer| offer.version.as_str())
}

/// What the archives have instead.
fn none_fits(read: &Read, gpu: &Gpu, source: &str, offered: &[Offer]) -> Error {
    let versions = offered.iter().filter(|offer| offer.package == source);
    let versions: Vec<_> = versions.map(|offer| offer.version.as_str()).collect();
    let (at, what, help, text) = if versions.is_empty() {
        (
            if gpu.source.is_some() { "gpu.source" } else { "gpu.flavour" },
            format!("no archive has the package {source}"),
            "Debian's are in `contrib` and `non-free`: name these in base.components; or name \
             the package of another archive as gpu.source",
            String::new(),
        )
    } else {
        (
            "gpu.branch",
            format!("no archive has {source} of branch {}", gpu.branch),
            "name the branch of one of these, or an archive that has this one under repositories",
            format!("there are {}", versions.join(", ")),
        )
    };
    read.not_so([(at.to_owned(), Diagnostic::error(what).help(help), text)])
}

/// Which of the packages of a lock is of another version than its driver, and says what
/// the two are; none: all are of one, or it has no driver.
pub(super) fn odd(packages: &[Locked]) -> Option<String> {
    let driver = packages.iter().find(|package| package.group == Group::Driver)?;
    let wanted = number(&driver.version);
    let is_odd = |package: &&Locked| {
        package.group == Group::Root && is_part(package) && number(&package.version) != wanted
    };
    let Locked { name, version, .. } = packages.iter().find(is_odd)?;
    let (version, source) = (number(version), &driver.name);
    Some(format!(
        "{name} is of version {version}, and the modules of {source} are of {wanted}, which take \
         no other's"
    ))
}

/// Whether a package is a part of a driver, and not a tool beside it or another of NVIDIA's
/// programs: those count from 1, or by years.
fn is_part(package: &Locked) -> bool {
    let name = package.name.as_str();
    let starts = ["libcuda", "libnv", "cuda-drivers"];
    let named = name.contains("nvidia") || starts.iter().any(|start| name.starts_with(start));
    let branch = number(&package.version).split_once('.').map_or("", |(branch, _)| branch);
    let is_branch = branch.len() >= 3 && branch.bytes().all(|digit| digit.is_ascii_digit());
    named && is_branch && !TOOLS.contains(&name)
}

/// Whether a package's version is of a branch: `535.261.03-1` is of `535`.
fn is_of(version: &str, branch: &str) -> bool {
    let rest = number(version).strip_prefix(branch);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_number(offer: &Offer, wanted: &str) -> bool {
    number(&offer.version) == wanted
}

/// The version of a lock's driver, as its maker counts; none: it has none.
pub(in crate::build) fn version(packages: &[Locked]) -> Option<&str> {
    let driver = packages.iter().find(|package| package.group == Group::Driver)?;
    Some(number(&driver.version))
}

/// The maker's own version: `535.261.03` of `535.261.03-1~deb12u1`.
fn number(version: &str) -> &str {
    let version = version.rsplit_once(':').map_or(version, |(_, version)| version);
    version.split_once(['-', '+', '~']).map_or(version, |(number, _)| number)
}

#[cfg(test)]
mod tests;
