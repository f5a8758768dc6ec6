//! A user of this machine who is not root, as long as it takes: the lists that name him
//! are laid over the machine's own where nobody else sees them.

use crate::support::repository::Said;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ID: u32 = 47_110;

/// His own world: his home, which nobody else may look into, and the PATH of a user.
const SCRIPT: &str = r#"
folder=$1 program=$2 id=$3
shift 3
for list in passwd subuid subgid; do mount --bind "$folder/$list" "/etc/$list"; done
mount --bind "$program" "$folder/floodway"
cd "$folder/home"
exec setpriv --reuid="$id" --regid="$id" --clear-groups env -i \
  PATH=/usr/local/bin:/usr/bin:/bin HOME="$folder/home" COLUMNS=200 "$folder/floodway" "$@"
"#;

pub struct Somebody {
    folder: tempfile::TempDir,
}

impl Somebody {
    pub const NAME: &str = "somebody";

    /// With ids for a namespace, or without any. None where these tests themselves are
    /// run by somebody who is not root: then every build is one of a user's.
    pub fn new(with_ids: bool) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("floodway-user-").tempdir().unwrap();
        if fs::metadata(folder.path()).unwrap().uid() != 0 {
            return None;
        }
        let somebody = Self { folder };
        let write = |name: &str, text: &str| fs::write(somebody.path(name), text).unwrap();
        let others = fs::read_to_string("/etc/passwd").unwrap();
        let home = somebody.path("home");
        let name = Self::NAME;
        write("passwd", &format!("{others}{name}:x:{ID}:{ID}::{}:/bin/sh\n", home.display()));
        let ids = if with_ids { format!("{name}:4711000:65536\n") } else { String::new() };
        write("subuid", &ids);
        write("subgid", &ids);
        write("floodway", "");
        fs::create_dir_all(somebody.path("home/.cache/floodway/images/packages")).unwrap();
        command("chmod", &["0711"], &[somebody.folder.path()]);
        command("chmod", &["0700"], &[&home]);
        command("chown", &["-R", &format!("{ID}:{ID}")], &[&home]);
        Some(somebody)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a copy of a file or a folder into his home.
    pub fn give(&self, from: &Path) {
        let to = self.path("home").join(from.file_name().unwrap());
        command("cp", &["-r"], &[from, &to]);
        command("chown", &["-R", &format!("{ID}:{ID}")], &[&to]);
    }

    /// Puts those of the files that are there where he keeps what he has fetched.
    pub fn give_packages(&self, files: impl Iterator<Item = PathBuf>) {
        let packages = self.path("home/.cache/floodway/images/packages");
        for file in files.filter(|file| file.is_file()) {
            let to = packages.join(file.file_name().unwrap());
            // They stay root's: he only reads them.
            fs::hard_link(&file, &to).or_else(|_| fs::copy(&file, &to).map(drop)).unwrap();
        }
    }

    /// Runs Floodway in his home.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-euc", SCRIPT, "sh"]).arg(self.folder.path());
        command.arg(env!("CARGO_BIN_EXE_floodway")).arg(ID.to_string()).args(arguments);
        command.stdin(Stdio::null()).output().unwrap().into()
    }

    /// Whether all that is left of it is his, packages aside.
    pub fn has_nothing_of_others(&self) -> bool {
        let mut find = Command::new("find");
        find.arg(self.path("home")).args(["-not", "-uid", &ID.to_string()]);
        let found = find.args(["-not", "-path", "*/packages/*"]).output().unwrap();
        found.status.success() && found.stdout.is_empty()
    }
}

fn command(program: &str, arguments: &[&str], paths: &[&Path]) {
    let done = Command::new(program).args(arguments).args(paths).status();
    assert!(done.unwrap().success(), "{program} {arguments:?} {paths:?}");
}
