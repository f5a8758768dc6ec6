//! A disk as large as the small image's, sent to the stand-in, beside a loop that
//! does nothing but PutSnapshotBlock of the same blocks at the same concurrency; and
//! how much memory an upload takes of a disk four times as large:
//! `cargo bench --bench upload`. The server is the slower half of both, so the ratio
//! is what the upload adds to the calls, and no time is AWS's.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

mod limit;
mod measure;
#[path = "../suite/support/mod.rs"]
mod support;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ebs::primitives::ByteStream;
use aws_sdk_ebs::types::{ChecksumAggregationMethod, ChecksumAlgorithm};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_types::base64;
use futures::stream::{self, StreamExt};
use measure::Pairs;
use node_image::publish::snapshot::{Encryption, WINDOW, Wanted, upload};
use node_image::publish::{BLOCK, Clients, Disk, Identity, Notes};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::aws::{ACCESS_KEY, AwsBed};

/// As many blocks as the small image's disk has, and of them as many zeros.
const BLOCKS: u32 = 400;
const ZEROS: u32 = 54;
const ROUNDS: u32 = 7;
const SIZE: usize = BLOCK as usize;
/// To the bare puts: 90 % of their pace.
const RATIO: f64 = 1.11;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bed = AwsBed::start_with(&["--snapshot-seconds", "0"]);
    let config = config(&bed);
    let small = disk(&folder.path().join("small.raw"), BLOCKS);
    let place = Place { config: &config, folder: folder.path() };

    let mut pairs = Pairs::default();
    for round in 0..=ROUNDS {
        let (ours, sent) = runtime.block_on(place.ours(&small, &format!("{round:064x}")));
        let (floor, put) = runtime.block_on(place.bare(&folder.path().join("small.raw")));
        assert_eq!((sent, put), (BLOCKS - ZEROS, BLOCKS - ZEROS));
        // In the first the server learns the blocks.
        if round > 0 {
            pairs.add(ours, floor);
        }
    }
    limit::hold("upload, ratio to bare puts", pairs.ratio(), RATIO);
    println!(
        "upload of {} blocks of 512 KiB, {WINDOW} at once: {} (limit {RATIO}, which is 90 %)",
        BLOCKS - ZEROS,
        pairs.report()
    );

    let before = peak();
    let large = disk(&folder.path().join("large.raw"), 4 * BLOCKS);
    runtime.block_on(place.ours(&large, &"f".repeat(64)));
    println!(
        "peak memory: {} MiB with {BLOCKS} blocks, {} MiB with {}; the window is {} MiB",
        before / 1024,
        peak() / 1024,
        4 * BLOCKS,
        (WINDOW * SIZE) >> 20
    );
    limit::outcome()
}

fn config(bed: &AwsBed) -> SdkConfig {
    let keys = Credentials::new(ACCESS_KEY, "not-a-secret", None, None, "bench");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .region(Region::new("us-east-1"))
        .endpoint_url(bed.endpoint())
        .build()
}

/// A disk whose blocks are all different, with zeros spread over it.
fn disk(path: &Path, blocks: u32) -> Disk {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let (mut block, mut state) = (vec![0_u8; SIZE], 0x9e37_79b9_7f4a_7c15_u64);
    let every = BLOCKS / ZEROS;
    for index in 0..blocks {
        let is_zeros = index % every == 0 && index / every < ZEROS;
        for part in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            part.copy_from_slice(&if is_zeros { 0 } else { state }.to_le_bytes());
        }
        file.write_all(&block).unwrap();
    }
    file.flush().unwrap();
    Disk::open(path).unwrap()
}

struct Place<'p> {
    config: &'p SdkConfig,
    folder: &'p Path,
}

impl Place<'_> {
    /// The upload of an image that is not there yet; how many blocks it sent.
    async fn ours(&self, disk: &Disk, manifest: &str) -> (Duration, u32) {
        let identity = Identity { name: "bench".to_owned(), manifest: manifest.to_owned() };
        let clients = Clients::new(self.config, "us-east-1");
        let wanted = Wanted {
            identity: &identity,
            disk,
            parent: None,
            encryption: Encryption::Account,
            window: WINDOW,
            notes: &Notes::in_folder(&self.folder.join("notes")),
            watch: &|_| {},
        };
        let began = Instant::now();
        let sent = upload(&clients, &wanted).await.unwrap().sent;
        (began.elapsed(), sent)
    }

    /// The calls, and what AWS asks for in them.
    async fn bare(&self, path: &Path) -> (Duration, u32) {
        let client = &aws_sdk_ebs::Client::new(self.config);
        let file = Arc::new(File::open(path).unwrap());
        let began = Instant::now();
        let started = client.start_snapshot().volume_size(1).send().await.unwrap();
        let id = started.snapshot_id().unwrap();
        let put = |index: u32| {
            let file = Arc::clone(&file);
            async move {
                let read = move || {
                    let mut block = vec![0; SIZE];
                    file.read_exact_at(&mut block, u64::from(index) * SIZE as u64).unwrap();
                    let digest: [u8; 32] = Sha256::digest(&block).into();
                    (block.iter().any(|byte| *byte != 0)).then_some((block, digest))
                };
                let (block, digest) = tokio::task::spawn_blocking(read).await.unwrap()?;
                let put = client.put_snapshot_block().snapshot_id(id).block_index(index as i32);
                let put = put.data_length(SIZE as i32).checksum(base64::encode(digest));
                let put = put.checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256);
                put.block_data(ByteStream::from(block)).send().await.unwrap();
                Some((index, digest))
            }
        };
        let put = stream::iter(0..BLOCKS).map(put).buffer_unordered(WINDOW);
        let put: BTreeMap<u32, [u8; 32]> = put.filter_map(|put| async move { put }).collect().await;
        let digests = put.values().copied().collect::<Vec<_>>().concat();
        let end = client.complete_snapshot().snapshot_id(id).changed_blocks_count(put.len() as i32);
        let end = end.checksum(base64::encode(Sha256::digest(digests)));
        let end = end.checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256);
        let method = ChecksumAggregationMethod::ChecksumAggregationLinear;
        end.checksum_aggregation_method(method).send().await.unwrap();
        (began.elapsed(), put.len() as u32)
    }
}

/// The most memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
