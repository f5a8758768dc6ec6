//! The GPU's kernel modules, built against the image's kernel in a tree that is
//! thrown away: no compiler is in the image.

use super::rootfs::Archive;
use super::{Workshop, driver, fetch, modules};
use crate::build::error::Error;
use crate::build::files;
use crate::build::hash::{self, Key};
use crate::build::lock::{Group, Lock, Locked};
use crate::build::make::Signing;
use crate::build::recipe::{Gpu, Recipe};
use crate::build::store::Made;
use std::path::Path;

/// The certificate of what signs the modules, if something does: under secure boot the
/// kernel loads none that a key of the firmware's has not signed.
const CERTIFICATE: &str = "/sign.pem";
/// Builds them in the tree, whose folder is `$1`, as mmdebstrap calls a hook.
const BUILD: &str = "chroot \"$1\" sh -eu /build.sh";
/// Signs them with the key on standard input, of which the tree, where others might read
/// it, gets no copy.
const SIGN: &str = "chroot \"$1\" sh -euc 'for module in /built/*.ko; do \
                    /usr/lib/linux-kbuild-*/scripts/sign-file sha256 /proc/self/fd/0 \
                    /sign.pem \"$module\"; done'";

/// The modules that were built, each as `NAME.ko`.
pub(in crate::build) fn gpu(
    recipe: &Recipe,
    gpu: &Gpu,
    lock: &Lock,
    kernel: &Made,
    signing: Option<&Signing>,
    workshop: &Workshop<'_>,
) -> Result<Made, Error> {
    if let Some(what) = driver::odd(&lock.packages) {
        return Err(Error::refused(what, "make the lock anew with `floodway image lock`"));
    }
    let release = kernel.text("release")?;
    let mut key = Key::of("gpu", 3)
        .with("toolchain", lock.digests(Group::Toolchain))
        .with("driver", lock.digests(Group::Driver))
        .with("kernel", &kernel.key)
        .with("modules", gpu.modules.join(" "))
        .with("epoch", workshop.epoch.to_string());
    if let Some(signing) = signing {
        key = key.with("key", hash::of_file(&signing.key)?);
        key = key.with("certificate", hash::of_file(&signing.certificate)?);
    }
    let key = workshop.host.versions(key, &["mmdebstrap"])?;
    workshop.store.stage("gpu", key.finish(), |folder| {
        let driver: Vec<&Locked> = lock.of(Group::Driver).collect();
        let [package] = driver[..] else {
            return Err(Error::Wrong("the lock holds no driver: make it anew".into()));
        };
        let source = fetch::fetch([package], workshop.store)?.remove(0);
        let scratch = workshop.store.scratch()?;
        let script = scratch.path().join("build.sh");
        files::write(&script, build_script(&release, workshop.epoch, &gpu.modules))?;
        let mut put = vec![(source, "/source.deb"), (script, "/build.sh")];
        put.extend(signing.map(|signing| (signing.certificate.clone(), CERTIFICATE)));
        let archive = Archive::of(lock, Group::Toolchain, &recipe.base.suite, workshop)?;
        let quoted =
            |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
        let mut run = archive.mmdebstrap(workshop).arg("--format=null");
        for (file, to) in &put {
            run = run.arg(format!("--customize-hook=upload {} {to}", quoted(file)));
        }
        run = run.arg(format!("--customize-hook={BUILD}"));
        if let Some(Signing { key, .. }) = signing {
            run = run.arg(format!("--customize-hook={SIGN} <{}", quoted(key)));
        }
        let run = run.arg(format!("--customize-hook=sync-out /built {}", quoted(folder)));
        archive.finish(run, "-".as_ref())?;
        let what = format!("{} {}", package.name, package.version);
        modules::check(folder, &gpu.modules, &what, &release)
    })
}

/// What runs in the tree. What a compiler would write of who, when and where it
/// was is fixed.
fn build_script(release: &str, epoch: i64, modules: &[String]) -> String {
    let modules = modules.join(" ");
    format!(
        "export SOURCE_DATE_EPOCH={epoch} KBUILD_BUILD_TIMESTAMP=@{epoch}\n\
         export KBUILD_BUILD_USER=floodway KBUILD_BUILD_HOST=floodway KBUILD_BUILD_VERSION=1\n\
         mkdir /driver /built\n\
         dpkg-deb -x /source.deb /driver\n\
         cd /driver/usr/src/*/\n\
         make -j\"$(nproc)\" modules KERNEL_UNAME={release} IGNORE_CC_MISMATCH=1 >/build.log 2>&1 \
         || {{ tail -n 30 /build.log; exit 1; }}\n\
         for module in {modules}; do\n\
         \x20 found=$(find . -name \"$module.ko\" | head -n 1)\n\
         \x20 [ -n \"$found\" ] || continue\n\
         \x20 strip --strip-debug -o \"/built/$module.ko\" \"$found\"\n\
         done\n"
    )
}

#[cfg(test)]
mod tests;
