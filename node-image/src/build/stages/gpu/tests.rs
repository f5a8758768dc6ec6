use super::*;
use crate::build::command::Run;
use crate::build::namespace;
use crate::build::recipe::read;
use crate::build::stages::apt::Apt;
use crate::build::store::Store;
use std::fs;
use std::path::PathBuf;

const FIRMWARE: &str = "nvidia/535.1.02/gsp_ga10x.bin";

/// The headers name the very compiler of their kernel, which not every machine has.
const MAKEFILE: &str = "\
ifneq ($(KERNELRELEASE),)
obj-m := nvidia.o nvidia-uvm.o
else
modules:
\t$(MAKE) -C /lib/modules/$(KERNEL_UNAME)/build M=$(CURDIR) CC=gcc modules
endif
";

/// As little of a driver as finds no GPU.
const NVIDIA: &str = r#"
#include <linux/errno.h>
#include <linux/module.h>

static int __init vendor_begin(void)
{
	pr_info("NVRM: No NVIDIA GPU found.\n");
	return -ENODEV;
}

static void __exit vendor_end(void)
{
}

module_init(vendor_begin);
module_exit(vendor_end);
MODULE_LICENSE("GPL");
MODULE_VERSION("535.1.02");
MODULE_FIRMWARE("nvidia/535.1.02/gsp_ga10x.bin");
"#;
const UVM: &str = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n";

/// Makes of the folder `$1` a tree with all of this machine's programs, which nothing in it
/// can write to, where nobody else sees it; and runs the hooks that follow, as mmdebstrap
/// does.
const IN_TREE: &str = r#"
root=$1
shift
mkdir -p "$root/host" "$root/tmp" "$root/usr/lib"
mount --rbind / "$root/host"
for part in "" /usr; do
  if mountpoint -q "$root/host$part"; then mount -o remount,bind,ro "$root/host$part"; fi
done
if [ -d "$root/lib" ]; then
  mv "$root/lib/modules" "$root/usr/lib/"
  rmdir "$root/lib"
fi
for name in bin lib lib64 sbin; do ln -s "usr/$name" "$root/$name"; done
for name in dev etc proc; do ln -s "host/$name" "$root/$name"; done
for path in /usr/* /usr/lib/*; do
  [ -e "$root$path" ] || ln -s "/host$path" "$root$path"
done
export TMPDIR=/tmp
for hook; do sh -c "$hook" exec "$root"; done
"#;

/// A tree that is thrown away, with the package of a driver in it.
struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("package");
        let control = "Package: vendor-driver\nVersion: 535.1.02-1\nArchitecture: amd64\n\
                       Maintainer: Vendor <vendor@example.org>\nDescription: of a test\n";
        files::write(&package.join("DEBIAN/control"), control).unwrap();
        for (name, text) in files {
            let path = package.join("usr/src/vendor-535.1.02").join(name);
            files::write(&path, text).unwrap();
        }
        Run::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(&package).run().unwrap();
        let tree = Self { folder };
        let build = Run::new("dpkg-deb").args(["--root-owner-group", "-b"]).arg(&package);
        build.arg(tree.path("source.deb")).run().unwrap();
        tree
    }

    /// Of the folder that becomes `/`.
    fn path(&self, name: &str) -> PathBuf {
        let root = self.folder.path().join("root");
        fs::create_dir_all(&root).unwrap();
        root.join(name)
    }

    fn run(&self, hooks: &[&str]) -> Result<String, Error> {
        let run = if rustix::process::geteuid().is_root() {
            Run::new("unshare").args(["--mount", "--", "sh"])
        } else {
            namespace::enter("sh")
        };
        run.args(["-euc", IN_TREE, "sh"]).arg(self.path("")).args(hooks).run()
    }
}

/// Where what is fetched is kept, as the commands keep it: a second run finds it there.
fn cache() -> PathBuf {
    let of = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
    cache.unwrap().join("floodway/images")
}

/// The kernel's headers, and the programs that build by them, as they are locked; as they
/// are now, where the archive has forgotten those.
fn headers(store: &Store) -> Vec<PathBuf> {
    let is_it = |package: &&Locked| {
        ["linux-headers-", "linux-kbuild-"].iter().any(|start| package.name.starts_with(start))
    };
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
    let text = |name: &str| fs::read_to_string(images.join(name)).unwrap();
    let lock = Lock::read("gpu-inference.lock".as_ref(), &text("gpu-inference.lock")).unwrap();
    match fetch::fetch(lock.of(Group::Toolchain).filter(is_it), store) {
        Err(Error::Refused { .. }) => {
            let (recipe, _) = read("gpu-inference.toml", text("gpu-inference.toml").as_bytes());
            let recipe = recipe.unwrap();
            let scratch = store.scratch().unwrap();
            let apt = Apt::set_up(&recipe, &images, scratch.path()).unwrap();
            apt.update(&recipe).unwrap();
            let found = apt.with_dependencies(["linux-headers-cloud-amd64"]).unwrap();
            fetch::fetch(found.iter().filter(is_it), store).unwrap()
        }
        fetched => fetched.unwrap(),
    }
}

#[test]
fn modules_are_built_against_the_kernels_headers_and_signed() {
    let tree = Tree::new(&[("Makefile", MAKEFILE), ("nvidia.c", NVIDIA), ("nvidia-uvm.c", UVM)]);
    // Builds that go on beside wait for the store no longer than for these.
    let packages = headers(&Store::open(&cache()).unwrap());
    for package in packages {
        Run::new("dpkg-deb").arg("-x").arg(package).arg(tree.path("")).run().unwrap();
    }
    let mut releases = fs::read_dir(tree.path("lib/modules")).unwrap();
    let release = releases.next().unwrap().unwrap().file_name().into_string().unwrap();
    let key = tree.folder.path().join("key.pem");
    Run::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=test"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(tree.path("sign.pem"))
        .run()
        .unwrap();
    let wanted = ["nvidia", "nvidia-uvm"].map(str::to_owned);
    let script = build_script(&release, 1_700_000_000, &wanted);
    files::write(&tree.path("build.sh"), script).unwrap();
    let sign = format!("{SIGN} <'{}'", key.display());
    tree.run(&[BUILD, &sign]).unwrap();

    let built = tree.path("built");
    modules::check(&built, &wanted, "vendor-driver 535.1.02-1", &release).unwrap();
    let module = |name: &str| files::read(&built.join(format!("{name}.ko"))).unwrap();
    for name in &wanted {
        let module = module(name);
        assert!(module.ends_with(b"~Module signature appended~\n"), "{name}");
        let for_debuggers = b".debug_info";
        assert!(!module.windows(for_debuggers.len()).any(|part| part == for_debuggers), "{name}");
    }
    let loaded: Vec<_> = modules::told(&module("nvidia"), "firmware").collect();
    assert_eq!(loaded, [FIRMWARE]);
    assert_eq!(modules::told(&module("nvidia-uvm"), "firmware").count(), 0);
}

#[test]
fn a_driver_that_does_not_build_tells_why_in_the_compilers_words() {
    let tree = Tree::new(&[("Makefile", "modules:\n\t@echo 'nvidia.c:1: no such type'; false\n")]);
    let script = build_script("6.1.0", 1_700_000_000, &["nvidia".to_owned()]);
    files::write(&tree.path("build.sh"), script).unwrap();
    let said = tree.run(&[BUILD]).unwrap_err().to_string();
    assert!(said.contains("nvidia.c:1: no such type"), "{said}");
}
