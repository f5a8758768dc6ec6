//! The end of an upload: AWS is told how many blocks it must have, and their digest.

use super::super::blocks::Blocks;
use super::super::clients::Clients;
use super::super::error::{Call, Error, Kind};
use super::super::hash::{self, Digest};
use super::super::retry::{Patience, persist};
use super::put::must_put;
use aws_sdk_ebs::types::{ChecksumAggregationMethod, ChecksumAlgorithm};
use std::sync::atomic::{AtomicBool, Ordering};

/// What has been put into a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum {
    /// Blocks.
    pub(super) changed: u32,
    /// The digest of their digests.
    pub(super) digest: Digest,
}

/// The sum of a disk on a parent.
pub(super) fn sum(disk: &Blocks, parent: Option<&Blocks>) -> Sum {
    let zeros = hash::sha256(&vec![0; usize::try_from(disk.size).unwrap_or(0)]);
    let end = disk.end().max(parent.map_or(0, Blocks::end));
    let changed = |index: &u32| must_put(disk.get(*index), parent, *index);
    let all: Vec<u32> = (0..end).filter(changed).collect();
    let digests = all.iter().map(|index| disk.get(*index).unwrap_or(&zeros));
    Sum { changed: u32::try_from(all.len()).unwrap_or(u32::MAX), digest: hash::linear(digests) }
}

/// Completes the snapshot: nothing more is put into it.
///
/// # Errors
/// AWS does not take it: it has been completed, or something else is in it.
pub(super) async fn seal(clients: &Clients, snapshot: &str, sum: &Sum) -> Result<(), Error> {
    let call = Call { action: "ebs:CompleteSnapshot", region: &clients.region, thing: snapshot };
    let count = i32::try_from(sum.changed).unwrap_or(i32::MAX);
    // Where nothing was put, there is nothing to check.
    let checksum = (count > 0).then(|| hash::base64(&sum.digest));
    let lost = AtomicBool::new(false);
    let end = persist(Patience::EBS, || async {
        let complete = clients.ebs.complete_snapshot().snapshot_id(snapshot);
        let mut complete = complete.changed_blocks_count(count);
        if let Some(checksum) = &checksum {
            complete = complete
                .checksum(checksum)
                .checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256)
                .checksum_aggregation_method(ChecksumAggregationMethod::ChecksumAggregationLinear);
        }
        complete.send().await.map_err(|error| {
            let error = call.failed(&error);
            lost.fetch_or(matches!(error.kind, Kind::Silent | Kind::Failed), Ordering::Relaxed);
            error
        })
    });
    match end.await {
        Ok(_) => Ok(()),
        // A try whose answer was lost has sealed it; what is in it is compared later.
        Err(error) if error.kind == Kind::Refused && lost.load(Ordering::Relaxed) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(filled: &[(u32, &[u8])]) -> Blocks {
        let mut blocks = Blocks::new(4096);
        for (index, content) in filled {
            blocks.set(*index, Some(hash::sha256(content)));
        }
        blocks
    }

    #[test]
    fn the_sum_is_over_the_blocks_that_were_put_in_their_order() {
        let disk = blocks(&[(0, b"zero"), (5, b"five")]);
        let expected = hash::linear([hash::sha256(b"zero"), hash::sha256(b"five")].iter());
        assert_eq!(sum(&disk, None), Sum { changed: 2, digest: expected });
    }

    #[test]
    fn with_a_parent_it_is_over_what_changed_and_what_became_zeros() {
        let parent = blocks(&[(0, b"zero"), (1, b"one"), (9, b"nine")]);
        let disk = blocks(&[(0, b"zero"), (5, b"five")]);
        let zeros = hash::sha256(&[0; 4096]);
        let expected = hash::linear([zeros, hash::sha256(b"five"), zeros].iter());
        assert_eq!(sum(&disk, Some(&parent)), Sum { changed: 3, digest: expected });
        assert_eq!(sum(&disk, Some(&disk)).changed, 0);
    }
}
