//! An account, and disks to bring there.

use crate::support::aws::{ACCESS_KEY, AwsBed};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use node_image::card::{Blob, BootMode, Manifest, SCHEMA};
use node_image::publish::snapshot::{self, Encryption, Found, Wanted};
use node_image::publish::{
    BLOCK, Clients, Disk, Error, Identity, Notes, Options, Progress, Published, publish,
};
use serde_json::Value;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

pub const ACCOUNT: &str = "123456789012";
pub const HOME: &str = "eu-west-1";
pub const AWAY: &str = "us-east-1";
const SIZE: usize = BLOCK as usize;
/// Longer than any test waits for something that will come.
const LONG: Duration = Duration::from_secs(60);

/// An account of its own, and a folder.
pub struct Place {
    pub bed: AwsBed,
    pub folder: TempDir,
    pub heard: Arc<Mutex<Vec<Progress>>>,
}

/// Something that runs on a thread of its own, as a command does.
pub struct Begun<T> {
    kill: oneshot::Sender<()>,
    thread: JoinHandle<Option<T>>,
}

impl<T: Send + 'static> Begun<T> {
    fn new<F: Future<Output = T>>(work: impl FnOnce() -> F + Send + 'static) -> Self {
        let (kill, killed) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    end = work() => Some(end),
                    Ok(()) = killed => None,
                }
            })
        });
        Self { kill, thread }
    }

    /// None: it was killed.
    fn join(self) -> Option<T> {
        let begun = Instant::now();
        while !self.thread.is_finished() {
            assert!(begun.elapsed() < 2 * LONG, "it takes too long");
            thread::sleep(Duration::from_millis(5));
        }
        self.thread.join().unwrap()
    }
}

/// A disk, and its manifest.
#[derive(Clone)]
pub struct Built {
    pub disk: PathBuf,
    pub manifest: Vec<u8>,
    pub identity: Identity,
}

/// What one upload is asked.
#[derive(Clone)]
pub struct Asked {
    pub parent: Option<String>,
    pub window: usize,
}

impl Default for Asked {
    fn default() -> Self {
        Self { parent: None, window: 4 }
    }
}

impl Place {
    pub fn new() -> Self {
        Self::with(&["--snapshot-seconds", "0.1", "--image-seconds", "0.1"])
    }

    pub fn with(options: &[&str]) -> Self {
        Self {
            bed: AwsBed::start_with(options),
            folder: tempfile::tempdir().unwrap(),
            heard: Arc::default(),
        }
    }

    /// The SDK, led here. Its own retries are ours.
    pub fn config(&self) -> SdkConfig {
        let keys = Credentials::new(ACCESS_KEY, "not-a-secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .region(Region::new(HOME))
            .endpoint_url(self.bed.endpoint())
            .build()
    }

    /// A disk of which each block begins with its number here; 0: it is zeros. The
    /// last block is half a one.
    pub fn build(&self, blocks: &[u8]) -> Built {
        let mut bytes = vec![0; blocks.len() * SIZE - SIZE / 2];
        for (index, number) in blocks.iter().enumerate() {
            bytes[index * SIZE] = *number;
            bytes[index * SIZE + SIZE / 2 - 1] = *number;
        }
        let sha256 = digest(&bytes);
        let disk = self.folder.path().join(format!("{}.raw", &sha256[..12]));
        std::fs::write(&disk, &bytes).unwrap();
        let manifest = Manifest {
            schema: SCHEMA,
            name: "small".to_owned(),
            recipe: "00".repeat(32),
            lock: "00".repeat(32),
            disk: Blob { sha256, bytes: bytes.len() as u64 },
            root_hash: "00".repeat(32),
            kernel: "6.1.0-1-cloud-amd64".to_owned(),
            driver: None,
            boot_modes: vec![BootMode::Uefi, BootMode::LegacyBios],
            signed: true,
            programs: [].into(),
            packages: vec![],
            files: vec![],
            source_date_epoch: 0,
            root_bytes: 0,
            regions: vec![],
        };
        let manifest = serde_json::to_vec(&manifest).unwrap();
        let (identity, _) = Identity::read(&manifest).unwrap();
        Built { disk, manifest, identity }
    }

    pub fn options(&self, regions: &[&str]) -> Options {
        let regions = regions.iter().map(|region| (*region).to_owned()).collect();
        Options { window: 4, ..Options::new(regions, self.notes()) }
    }

    pub fn notes(&self) -> PathBuf {
        self.folder.path().join("notes")
    }

    /// Begins to publish.
    pub fn start(&self, built: &Built, options: &Options) -> Begun<Result<Published, Error>> {
        let (config, built, options) = (self.config(), built.clone(), options.clone());
        let heard = Arc::clone(&self.heard);
        Begun::new(move || async move {
            let watch = move |said: Progress| heard.lock().unwrap().push(said);
            publish(&config, &built.disk, &built.manifest, &options, &watch).await
        })
    }

    /// Publishes.
    pub fn publish(&self, built: &Built, options: &Options) -> Result<Published, Error> {
        self.end(self.start(built, options))
    }

    /// Begins an upload to the first region, up to its comparison.
    pub fn start_upload(&self, built: &Built, asked: &Asked) -> Begun<Result<Found, Error>> {
        let clients = Clients::new(&self.config(), HOME);
        let (built, asked, notes) = (built.clone(), asked.clone(), self.notes());
        let heard = Arc::clone(&self.heard);
        Begun::new(move || async move {
            let watch = move |said: Progress| heard.lock().unwrap().push(said);
            let (disk, notes) = (Disk::open(&built.disk).unwrap(), Notes::in_folder(&notes));
            let wanted = Wanted {
                identity: &built.identity,
                disk: &disk,
                parent: asked.parent.as_deref(),
                encryption: Encryption::Account,
                window: asked.window,
                notes: &notes,
                watch: &watch,
            };
            snapshot::bring(&clients, &wanted).await
        })
    }

    /// Uploads to the first region and compares.
    pub fn upload(&self, built: &Built, asked: &Asked) -> Result<Found, Error> {
        self.end(self.start_upload(built, asked))
    }

    /// The end of what was begun.
    pub fn end<T: Send + 'static>(&self, begun: Begun<T>) -> T {
        begun.join().unwrap()
    }

    /// Ends it as a kill does: it says nothing more to anybody.
    pub fn kill<T: Send + 'static>(&self, mut begun: Begun<T>) {
        let killed = std::mem::replace(&mut begun.kill, oneshot::channel().0).send(());
        let ended = begun.join().is_some();
        assert!(killed.is_ok() && !ended, "it was over before it was killed");
    }

    /// The calls of `action` so far.
    pub fn calls(&self, action: &str) -> Vec<Value> {
        let mut calls = self.bed.calls();
        calls.retain(|call| call["action"] == action);
        calls
    }

    /// The blocks that AWS has taken so far, in their order.
    pub fn put(&self) -> Vec<u64> {
        let calls = self.calls("PutSnapshotBlock");
        let taken = calls.iter().filter(|call| call["status"].as_u64().is_some_and(|s| s < 300));
        let mut put: Vec<u64> =
            taken.map(|call| call["parameters"]["BlockIndex"].as_u64().unwrap()).collect();
        put.sort_unstable();
        put
    }

    /// What there is in a region: `snapshots`, `images`, `parameters`.
    pub fn region(&self, name: &str) -> Value {
        self.bed.world()["accounts"][ACCOUNT][name].clone()
    }

    /// The snapshots of the first region.
    pub fn snapshots(&self) -> Vec<Value> {
        self.region(HOME)["snapshots"].as_array().unwrap().clone()
    }

    /// No request was malformed.
    #[track_caller]
    pub fn all_in_form(&self) {
        assert_eq!(self.bed.violations(), Vec::<Value>::new());
    }
}

/// Waits until it is so.
#[track_caller]
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}: it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest: [u8; 32] = sha2::Sha256::digest(bytes).into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
