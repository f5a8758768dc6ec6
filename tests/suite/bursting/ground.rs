//! An environment with on-prem capacity and a burst pool, and all that stands
//! around it: a cluster, an account, a Prometheus and the load.

use super::controller::Controller;
use super::fleet::{Fleet, Pace};
use super::joining::Joining;
use super::turns::Turn;
use super::web::ask;
use crate::support::aws::{AwsBed, channel};
use crate::support::bed::Bed;
use crate::support::prometheus::Prometheus;
use crate::support::repository::{Repository, Said};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// By what `floodway run` divides every time here.
pub const TIME_SCALE: u64 = 20;
/// The burst pool's groups, in order of preference, without the environment's name.
pub const GROUPS: [&str; 2] = ["g6e-od-g6e.12xlarge", "g6e-od-g5.12xlarge"];

pub struct Ground {
    pub bed: &'static Bed,
    /// Where the cluster answers without login: `127.0.0.1:PORT`.
    pub cluster: String,
    pub aws: Arc<AwsBed>,
    pub fleet: Fleet,
    pub joining: Joining,
    pub prometheus: Prometheus,
    pub repository: Repository,
    /// Name of the environment and of its namespace.
    pub name: String,
    _turn: Turn,
}

/// How fast the places around an environment go.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// From the launch of an instance until it is in service.
    pub launch: Duration,
    /// Between two scrapes.
    pub scrape: Duration,
    pub fleet: Pace,
    /// By what the autoscaler's times are divided. None: as short as they can be.
    pub autoscaler: Option<u32>,
}

impl Default for Places {
    fn default() -> Self {
        let [launch, scrape] = [500, 1000].map(Duration::from_millis);
        Self { launch, scrape, fleet: Pace::default(), autoscaler: None }
    }
}

/// All tests of the process use one way in.
fn way_in(bed: &Bed) -> String {
    static WAY: OnceLock<String> = OnceLock::new();
    WAY.get_or_init(|| bed.plain_http()).clone()
}

impl Ground {
    /// Applied, with its on-prem replicas ready; nothing comes yet.
    pub fn new(prefix: &str) -> Self {
        Self::with(prefix, "")
    }

    /// With more in its environment.
    pub fn with(prefix: &str, more: &str) -> Self {
        Self::edited(prefix, |_, text| text + more)
    }

    /// With another environment.
    pub fn edited(prefix: &str, edit: impl FnOnce(&Self, String) -> String) -> Self {
        Self::at(prefix, Places::default(), edit)
    }

    /// With another environment, in places of their own.
    pub fn at(prefix: &str, places: Places, edit: impl FnOnce(&Self, String) -> String) -> Self {
        let ground = Self::bare(prefix, places);
        ground.repository.write(&ground.name, &edit(&ground, ground.environment()));
        ground.run("apply", &["--yes"]).exits(0);
        within("on-prem is ready", 30, || (ground.fleet.state().capacity >= 10.0).then_some(()));
        ground.aws.forget_calls();
        ground
    }

    fn bare(prefix: &str, places: Places) -> Self {
        let turn = Turn::wait();
        let bed = Bed::shared_with(places.autoscaler);
        let name = bed.namespace(prefix);
        bed.add_nodes(&name, 1, 8, &json!({"test": name}));
        let launch = places.launch.as_secs_f64().to_string();
        let options = ["--launch-seconds", &launch, "--heartbeat-scale", "0.001"];
        let aws = Arc::new(AwsBed::start_with(&options));
        aws.seed(&json!({
            "region": "us-east-1",
            "images": [{"name": "gpu-1", "id": "ami-0a", "created": "2026-01-01T00:00:00.000Z"}],
            "parameters": {
                "/floodway/images/gpu-inference/channels/stable": channel('a', "ami-0a"),
            },
            "subnets": [
                {"zone": "us-east-1a", "id": "subnet-0a", "tags": {"tier": "gpu"}},
                {"zone": "us-east-1b", "id": "subnet-0b", "tags": {"tier": "gpu"}},
            ],
            "security_groups": [{"name": "nodes", "id": "sg-0a", "tags": {"tier": "gpu"}}],
        }));
        let cluster = way_in(bed);
        let fleet = Fleet::start(&cluster, &name, places.fleet);
        let prometheus = Prometheus::start_at(fleet.port, places.scrape);
        let joining = Joining::start(&aws, &cluster);
        let repository = Repository::new(Some(bed.kubeconfig()));
        Self { bed, cluster, aws, fleet, joining, prometheus, repository, name, _turn: turn }
    }

    /// On-prem carries 10 to 20 req/s; an instance 20 more; each is meant to be used
    /// to 80 %. A replay's minute is three seconds.
    pub fn environment(&self) -> String {
        let file = "tests/suite/bursting/environment.toml";
        let text = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(text).unwrap();
        text.replace("NAME", &self.name).replace("PROMETHEUS", &self.prometheus.url())
    }

    /// A command, led to the places.
    pub fn command_in(&self, repository: &Repository, arguments: &[&str]) -> Command {
        let mut command = repository.command(arguments);
        self.aws.command_env(&mut command);
        command
    }

    /// Runs a command on the environment to its end.
    pub fn run(&self, command: &str, options: &[&str]) -> Said {
        let mut arguments = vec![command, &self.name];
        arguments.extend(options);
        self.command_in(&self.repository, &arguments).output().unwrap().into()
    }

    /// `floodway run`.
    pub fn controller(&self, options: &[&str]) -> Controller {
        self.controller_in(&self.repository, options)
    }

    /// `floodway run`, from another copy of the repository.
    pub fn controller_in(&self, repository: &Repository, options: &[&str]) -> Controller {
        let scale = TIME_SCALE.to_string();
        let mut arguments = vec!["run", &self.name, "--time-scale", &scale];
        arguments.extend(options);
        let log = decisions(repository.path(), &self.name);
        Controller::start(self.command_in(repository, &arguments), log)
    }

    /// Another copy of the repository, with the same environment.
    pub fn copy(&self) -> Repository {
        self.copy_with("")
    }

    /// See [`Self::with`].
    pub fn copy_with(&self, more: &str) -> Repository {
        let copy = Repository::new(Some(self.bed.kubeconfig()));
        copy.write(&self.name, &(self.environment() + more));
        copy
    }

    /// A second `floodway run`, whose calls of AWS are told apart.
    pub fn other_controller(&self, repository: &Repository) -> Controller {
        self.other_controller_with(repository, &[])
    }

    /// As [`Self::other_controller`], with more options.
    pub fn other_controller_with(&self, repository: &Repository, options: &[&str]) -> Controller {
        let scale = TIME_SCALE.to_string();
        let mut arguments = vec!["run", &self.name, "--time-scale", &scale];
        arguments.extend(options);
        let mut command = self.command_in(repository, &arguments);
        command.env("AWS_ACCESS_KEY_ID", Self::OTHER_KEY);
        Controller::start(command, decisions(repository.path(), &self.name))
    }

    /// The name of one of [`GROUPS`].
    pub fn group_name(&self, index: usize) -> String {
        format!("{}-{}", self.name, GROUPS[index])
    }

    /// One of [`GROUPS`] as the stand-in has it.
    pub fn group(&self, index: usize) -> Value {
        let name = self.group_name(index);
        let all = groups(&self.aws.world());
        let found = all.iter().find(|group| group["name"] == name.as_str());
        found.unwrap_or_else(|| panic!("no {name}")).clone()
    }

    /// How many instances are asked for, of each group.
    pub fn asked(&self) -> [u64; 2] {
        [0, 1].map(|index| self.group(index)["desired"].as_u64().unwrap())
    }

    /// A pool's Deployment.
    pub fn deployment(&self, pool: &str) -> Value {
        let path = format!("/apis/apps/v1/namespaces/{}/deployments", self.name);
        let (_, all) = ask(&self.cluster, "GET", &path, None).unwrap();
        let label = |one: &&Value| one["metadata"]["labels"]["floodway.dev/pool"] == pool;
        all["items"].as_array().unwrap().iter().find(label).unwrap().clone()
    }

    /// What a Deployment's scale says, and how many of it are ready.
    pub fn replicas(&self, pool: &str) -> (u64, u64) {
        let one = self.deployment(pool);
        let number = |at: &str| one.pointer(at).and_then(Value::as_u64).unwrap_or(0);
        (number("/spec/replicas"), number("/status/readyReplicas"))
    }

    /// The access key of a second controller, so that its calls are told apart.
    pub const OTHER_KEY: &str = "AKIAFLOODWAYTESTBED1";

    /// The environment's lease.
    pub fn lease(&self) -> Option<Value> {
        let name = format!("floodway-{0}.{0}.run", self.name);
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/default/leases/{name}");
        let (status, lease) = ask(&self.cluster, "GET", &path, None)?;
        (status == 200).then_some(lease)
    }

    /// Waits until this controller leads.
    #[track_caller]
    pub fn led_by(&self, controller: &Controller, seconds: u64) {
        within("it leads", seconds, || {
            let lease = self.lease()?;
            let holder = lease["spec"]["holderIdentity"].as_str()?;
            holder.ends_with(&controller.process()).then_some(())
        });
    }

    /// Since when this controller leads, which it does.
    #[track_caller]
    pub fn leads_since(&self, controller: &Controller) -> jiff::Timestamp {
        let spec = self.lease().unwrap()["spec"].take();
        let holder = spec["holderIdentity"].as_str().unwrap();
        assert!(holder.ends_with(&controller.process()), "{holder} leads");
        spec["acquireTime"].as_str().unwrap().parse().unwrap()
    }

    /// Waits until the load is known, and so many requests per second of it.
    #[track_caller]
    pub fn settles(&self, controller: &Controller, rate: f64) {
        self.fleet.offer(rate);
        controller.decides("the load is known", 30, |one| {
            let stage = &one["stages"]["inference"];
            let near = demand(stage).is_some_and(|is| (is - rate).abs() < rate / 5.0);
            stage["doubt"].is_null() && near
        });
    }

    /// Bursts to what 40 req/s need, and waits until that serves.
    #[track_caller]
    pub fn bursts(&self, controller: &Controller) {
        self.fleet.offer(40.0);
        within("instances are asked for", 20, || (self.asked()[0] >= 2).then_some(()));
        within("its pods serve", 60, || {
            let (_, ready) = self.replicas("g6e");
            let asked: u64 = self.asked().iter().sum();
            (ready == 4 * asked).then_some(())
        });
        controller.decides("it is calm", 60, |one| {
            let pool = &one["pools"]["g6e"];
            pool["serving"] == pool["now"]
                && pool["wanted"] == pool["now"]
                && one["stages"]["inference"]["panic"] == false
        });
    }

    /// Calls of one access key that change something.
    pub fn writes_by(&self, key: &str) -> Vec<Value> {
        let calls = self.aws.calls().into_iter().filter(|call| call["access_key"] == key);
        calls.filter(|call| is_write(call["action"].as_str().unwrap())).collect()
    }

    /// Calls that change something, in their order: the action and its parameters.
    pub fn writes(&self) -> Vec<(String, Value)> {
        let calls = self.aws.calls().into_iter().map(|mut call| {
            (call["action"].as_str().unwrap().to_owned(), call["parameters"].take())
        });
        calls.filter(|(action, _)| is_write(action)).collect()
    }
}

/// The demand that a stage's decision tells, in requests per second.
pub fn demand(stage: &Value) -> Option<f64> {
    stage["demand"].as_str()?.split(' ').next()?.parse().ok()
}

fn is_write(action: &str) -> bool {
    !["Describe", "Get", "List"].iter().any(|read| action.starts_with(read))
}

impl Drop for Ground {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let arguments = ["get", "nodes,pods", "-o", "wide", "-n", &self.name];
            let there = self.bed.try_kubectl(&arguments, "").stdout;
            eprintln!("{}", String::from_utf8_lossy(&there));
        }
    }
}

/// Where a repository keeps an environment's decisions.
pub fn decisions(root: &Path, name: &str) -> std::path::PathBuf {
    root.join(format!(".floodway/decisions/{name}.ndjson"))
}

/// All groups of an account's only region.
pub fn groups(world: &Value) -> Vec<Value> {
    let region = &world["accounts"]["123456789012"]["us-east-1"];
    region["groups"].as_array().cloned().unwrap_or_default()
}

/// How many times as long as on a machine with nothing else to do things may take.
pub const PATIENCE: u64 = 4;

/// Tries until it holds, for at most so many seconds; on a busy machine for longer.
#[track_caller]
pub fn within<T>(what: &str, seconds: u64, mut attempt: impl FnMut() -> Option<T>) -> T {
    let seconds = seconds * PATIENCE;
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: did not happen within {seconds} s");
        std::thread::sleep(Duration::from_millis(100));
    }
}
