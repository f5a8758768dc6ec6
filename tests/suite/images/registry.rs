//! An account with builds in it, and the command that is led there.

use crate::support::aws::{ACCESS_KEY, AwsBed, digest, image_tags};
use crate::support::repository::{Repository, Said};
use node_image::channel::{Summary, parameter, summary_parameter};
use serde_json::{Value, json};
use std::process::Command;

pub const ACCOUNT: &str = "123456789012";
pub const IMAGE: &str = "gpu-inference";
pub const EAST: &str = "us-east-1";
pub const WEST: &str = "us-west-2";
/// Both regions, as the command is given them.
pub const BOTH: [&str; 4] = ["--region", EAST, "--region", WEST];

/// What is published in an account.
///
/// Its commands may do what `floodway iam edge --for publish` prints and nothing else, so
/// that every test is one of that policy too.
pub struct Registry {
    pub bed: AwsBed,
    repository: Repository,
    policy: u64,
}

impl Registry {
    pub fn new() -> Self {
        let bed = AwsBed::start_with(&["--launch-seconds", "0"]);
        let repository = Repository::new(None);
        repository.write(
            "edge",
            &format!(
                "extends = \"base.toml\"\n[environment]\nname = \"edge\"\nphase = \"short\"\n\
                 [aws]\naccount = \"{ACCOUNT}\"\nregion = \"{EAST}\"\nregions = [\"{WEST}\"]\n\
                 [aws.pools.g6e]\nstage = \"inference\"\nsize = 1\njoin = \"standalone\"\n\
                 instance_types = [\"g6e.12xlarge\"]\nsubnets = {{ ids = [\"subnet-0a\"] }}\n\
                 capacity = {{ \"g6e.12xlarge\" = \"9 req/s\" }}\nimage = {{ name = \"{IMAGE}\" }}\n"
            ),
        );
        let printed = repository.run(&["iam", "edge", "--for", "publish"]).exits(0).out;
        let document: Value = serde_json::from_str(&printed).unwrap();
        let rule = json!({"kind": "policy", "access_key": ACCESS_KEY, "document": document});
        let policy = bed.rule(&rule)[0];
        Self { bed, repository, policy }
    }

    /// Its commands may do everything.
    pub fn unlimit(&self) {
        self.bed.drop_rule(self.policy);
    }

    /// A build of the image that was made on that day of 2026's first month: an AMI for
    /// each way to boot, on one snapshot, and what is known of it.
    pub fn build(&self, region: &str, build: char, day: u32) {
        self.seed(region, build, day, &[], &json!({}));
    }

    /// As [`Self::build`], shared with that account.
    pub fn shared(&self, region: &str, build: char, day: u32, account: &str) {
        self.seed(region, build, day, &[account], &json!({}));
    }

    /// As [`Self::build`], whose AMIs are on their way, and available once so many answers
    /// have told that they are not.
    pub fn coming(&self, region: &str, build: char, day: u32, answers: u32) {
        self.seed(region, build, day, &[], &json!({"pending_answers": answers}));
    }

    fn seed(&self, region: &str, build: char, day: u32, shared: &[&str], state: &Value) {
        let made = format!("2026-01-{day:02}T00:00:00.000Z");
        let snapshot = format!("snap-{build}0");
        let ami = |number: u32, mode: &str| {
            let mut ami = json!({
                "name": format!("{IMAGE}-{build}-{mode}"), "id": ami(build, number),
                "created": made, "boot_mode": mode, "shared_with": shared,
                "tags": image_tags(IMAGE, build),
                "mappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot,
                    "VolumeSize": 1, "VolumeType": "gp3", "Encrypted": false}}],
            });
            ami.as_object_mut().unwrap().extend(state.as_object().unwrap().clone());
            ami
        };
        self.bed.seed(&json!({
            "region": region,
            "snapshots": [{"id": snapshot, "size": 1, "started": made,
                "tags": image_tags(IMAGE, build), "shared_with": shared}],
            "images": [ami(1, "uefi"), ami(2, "legacy-bios")],
            "parameters": known(build),
        }));
    }

    /// A channel means a build from now on.
    pub fn channel(&self, region: &str, channel: &str, build: char) {
        let name = parameter(IMAGE, channel);
        self.bed.seed(&json!({"region": region, "parameters": {(name): value(build)}}));
    }

    /// It is known of a build in each of these regions that it has been published to all
    /// of them.
    pub fn published_to(&self, build: char, regions: &[&str]) {
        let regions_of = regions.iter().map(|region| (*region).to_owned()).collect();
        self.noted(build, regions, &Summary { regions: regions_of, ..summary(build) });
    }

    /// As [`Self::published_to`], by a recipe that names the regions `declared`.
    pub fn declared(&self, build: char, regions: &[&str], declared: &[&str]) {
        let owned = |region: &&str| (*region).to_owned();
        let summary = Summary {
            regions: regions.iter().map(owned).collect(),
            declared: declared.iter().map(owned).collect(),
            ..summary(build)
        };
        self.noted(build, regions, &summary);
    }

    /// The repository has a recipe of the image, which names these regions.
    pub fn recipe(&self, regions: &[&str]) {
        let folder = self.repository.path().join("images");
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "regions = {}\n[image]\nname = \"{IMAGE}\"\ntime = \"2026-11-01T00:00:00Z\"\n\
             [base]\nsuite = \"bookworm\"\n[kernel]\n[limits]\ndisk = \"210Mi\"\n",
            json!(regions)
        );
        std::fs::write(folder.join(format!("{IMAGE}.toml")), text).unwrap();
    }

    /// The repository has an environment that nobody can read.
    pub fn broken(&self) {
        self.repository.write("broken", "[environment\n");
    }

    fn noted(&self, build: char, regions: &[&str], summary: &Summary) {
        let name = summary_parameter(IMAGE, &digest(build), 0);
        let text = summary.write().unwrap().remove(0);
        for region in regions {
            self.bed.seed(&json!({"region": region, "parameters": {(name.as_str()): text}}));
        }
    }

    /// `floodway image COMMAND gpu-inference …` in both regions.
    pub fn run(&self, command: &str, more: &[&str]) -> Said {
        self.run_in(&BOTH, command, more)
    }

    /// As [`Self::run`], in these regions.
    pub fn run_in(&self, regions: &[&str], command: &str, more: &[&str]) -> Said {
        self.command(regions, command, more).output().unwrap().into()
    }

    /// As [`Self::run`], in regions that nobody names, where the environment's is this one.
    pub fn run_from(&self, region: &str, command: &str, more: &[&str]) -> Said {
        let mut command = self.command(&[], command, more);
        command.env("AWS_REGION", region).output().unwrap().into()
    }

    fn command(&self, regions: &[&str], command: &str, more: &[&str]) -> Command {
        let arguments = [&["image", command, IMAGE], more, regions].concat();
        let mut command = self.repository.command(&arguments);
        self.bed.command_env(&mut command);
        command
    }

    /// What there is in a region: `images`, `snapshots`, `parameters`.
    pub fn region(&self, region: &str) -> Value {
        self.bed.world()["accounts"][ACCOUNT][region].clone()
    }

    /// The state of an AMI; none: it is gone.
    pub fn state(&self, region: &str, id: &str) -> Option<String> {
        let images = self.region(region)["images"].clone();
        let found = images.as_array()?.iter().find(|image| image["ImageId"] == id)?.clone();
        found["State"].as_str().map(str::to_owned)
    }

    /// What a channel's parameter holds, and its version.
    pub fn held(&self, region: &str, channel: &str) -> (Value, u64) {
        let held = self.region(region)["parameters"][parameter(IMAGE, channel)].clone();
        let text = held["Value"].as_str().unwrap_or("null");
        (serde_json::from_str(text).unwrap(), held["Version"].as_u64().unwrap_or(0))
    }
}

impl Drop for Registry {
    /// Whatever a test is about, every request is one that AWS's own models have.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.bed.violations(), Vec::<Value>::new());
        }
    }
}

/// An AMI's ID: 1 boots by UEFI, 2 by a BIOS.
pub fn ami(build: char, number: u32) -> String {
    format!("ami-{build}{number}")
}

/// What a channel holds that means a build.
pub fn value(build: char) -> String {
    json!({"manifest": digest(build), "by": "arn:aws:iam::123456789012:user/ci",
        "images": {"uefi": ami(build, 1), "legacy-bios": ami(build, 2)},
        "at": "2026-01-01T00:00:00Z"})
    .to_string()
}

/// The parameter of what is known of a build.
pub fn known(build: char) -> Value {
    let name = summary_parameter(IMAGE, &digest(build), 0);
    json!({(name): summary(build).write().unwrap().remove(0)})
}

/// Each next build has a newer kernel, fifteen packages of which all but the first differ,
/// and one of its own.
fn summary(build: char) -> Summary {
    let number = u32::from(build) - u32::from('a');
    let package = |at: u32| {
        let version = if at == 0 { "1.0".to_owned() } else { format!("1.{number}") };
        (format!("lib{at:02}"), version)
    };
    let mut packages: Vec<(String, String)> = (0..15).map(package).collect();
    packages.push((format!("only-{build}"), "1".to_owned()));
    Summary {
        manifest: digest(build),
        kernel: format!("6.1.0-{}-cloud-amd64", 39 + number),
        driver: Some("open 580.95.05".to_owned()),
        packages,
        regions: [].into(),
        declared: [].into(),
    }
}
