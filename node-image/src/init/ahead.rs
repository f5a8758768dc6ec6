//! Reads what systemd is about to run, while `/var` is made: another processor unpacks
//! and checks it meanwhile, and a volume that is far away is asked sooner.

use std::fs::File;
use std::io;
use std::path::Path;

/// The programs, and the folders of the libraries that they share.
const PROGRAMS: [&str; 2] = [super::SYSTEMD, "/usr/bin/floodway-node"];
const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu/systemd";

/// Begins. It ends when this program becomes another; what cannot be read is not
/// missed here.
pub(super) fn begin() {
    std::thread::spawn(|| {
        PROGRAMS.iter().for_each(|path| read(Path::new(path)));
        for entry in std::fs::read_dir(LIBRARIES).into_iter().flatten().flatten() {
            read(&entry.path());
        }
    });
}

fn read(path: &Path) {
    let _ = File::open(path).and_then(|mut file| io::copy(&mut file, &mut io::sink()));
}
