//! The root filesystem, read-only and compressed.

use super::Workshop;
use crate::build::error::Error;
use crate::build::files;
use crate::build::hash::Key;
use crate::build::store::Made;

/// `root.erofs`.
pub(in crate::build) fn erofs(tree: &Made, workshop: &Workshop<'_>) -> Result<Made, Error> {
    let key = Key::of("erofs", 1).with("tree", &tree.key).with("script", SCRIPT);
    let key = workshop.host.versions(key, &["mkfs.erofs", "tar"])?.finish();
    // It needs an identity, which the content gives.
    let identity = uuid::Builder::from_random_bytes(first_16(&key)).into_uuid();
    workshop.store.stage("erofs", key, |folder| {
        let scratch = workshop.store.scratch()?;
        let image = folder.join("root.erofs");
        let run = workshop.host.as_root("sh").args(["-euc", SCRIPT, "sh"]);
        run.arg(tree.file("tree.tar"))
            .arg(scratch.path().join("root"))
            .arg(workshop.epoch.to_string())
            .arg(identity.to_string())
            .arg(&image)
            .called("mkfs.erofs")
            .run()?;
        pad(&image)
    })
}

/// lz4hc: of what the kernel knows, the fastest to read; a slow boot costs more than
/// bytes do.
const SCRIPT: &str = r#"
tree=$1 root=$2 epoch=$3 identity=$4 out=$5
trap 'rm -rf "$root"' EXIT
mkdir "$root"
tar --extract --file "$tree" --directory "$root" --numeric-owner --same-permissions
mkfs.erofs -zlz4hc -T"$epoch" -U "$identity" "$out" "$root"
chmod 0644 "$out"
"#;

/// To whole blocks of dm-verity.
fn pad(image: &std::path::Path) -> Result<(), Error> {
    let length = files::length(image)?.next_multiple_of(super::verity::BLOCK);
    let file = std::fs::File::options().write(true).open(image);
    let set = file.and_then(|file| file.set_len(length));
    set.map_err(|error| Error::file("extend", image, error))
}

/// The first 16 bytes of a digest in hex.
pub(super) fn first_16(digest: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (byte, digits) in bytes.iter_mut().zip(digest.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
    }
    bytes
}
