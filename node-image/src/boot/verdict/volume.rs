//! What must have become of the volume: all of it is in use, and what one start leaves
//! there the next one finds.

use super::{Evidence, Verdict};
use crate::facts::Volume;

const MIB: u64 = 1 << 20;
/// Behind `/var` is the back copy of the partition table, and partitions end at whole MiB.
const BEHIND: u64 = MIB;
/// What ext4 takes for itself is a thirtieth of a large partition and an eighth of one of
/// 100 MiB; in a filesystem that did not grow with its partition a third is missing.
const FILES_PERCENT: u64 = 85;

pub(super) fn volume(e: &Evidence<'_>) -> Option<Verdict> {
    let gib = e.volume_gib?;
    Some(e.facts.volume.clone().and_then(|volume| {
        let Volume { bytes, table_end, var_end, var_bytes, files_bytes } = volume;
        if bytes != u64::from(gib) << 30 {
            return Err(format!("the disk has {bytes} bytes, and the volume {gib} GiB"));
        }
        if table_end != bytes {
            return Err(format!("the partition table ends at {table_end} of {bytes} bytes"));
        }
        if var_end.saturating_add(BEHIND) < bytes {
            return Err(format!("the partition of /var ends at {var_end} of {bytes} bytes"));
        }
        let (files, partition) = (files_bytes / MIB, var_bytes / MIB);
        if files < partition * FILES_PERCENT / 100 {
            return Err(format!("/var has {files} of the {partition} MiB of its partition"));
        }
        Ok(format!("{gib} GiB, the partition table to its end; /var has {files} MiB"))
    }))
}

/// Whether `/var` is that of the starts before.
pub(super) fn kept(e: &Evidence<'_>) -> Option<Verdict> {
    // What is in memory is not kept.
    if e.volume_gib.is_none() || e.before.is_empty() {
        return None;
    }
    let before: Vec<&str> = e.before.iter().map(|facts| facts.boot_id.as_str()).collect();
    Some(e.facts.starts_before.clone().and_then(|found| match found.as_slice() {
        found if found == before => {
            let starts = if before.len() == 1 { "start" } else { "starts" };
            Ok(format!("/var has the note of {} {starts} before", before.len()))
        }
        [] => Err("/var has nothing of the start before".to_owned()),
        found => {
            Err(format!("/var was used by {}, and not {}", found.join(", "), before.join(", ")))
        }
    }))
}
