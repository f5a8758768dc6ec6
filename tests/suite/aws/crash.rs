//! An apply that is killed at any of its calls, on both sides at once: run
//! again, it ends where one that nobody killed ends.

use super::account::differences;
use crate::support::aws::{AwsBed, channel};
use crate::support::bed::{Bed, unique};
use crate::support::gate::{Cut, Fate, Gate, Request};
use crate::support::repository::{Repository, Said};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

/// Places under test at once: most of their time is waiting.
const AT_ONCE: usize = 4;
/// The exit code of who finds the lock held.
const LOCKED: i32 = 11;
/// What Floodway may own, as kubectl names it.
const KINDS: &str = "configmaps,services,serviceaccounts,deployments,networkpolicies,\
                     poddisruptionbudgets,horizontalpodautoscalers,endpointslices";

/// What the command is doing when it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Create,
    Change,
    Destroy,
}

/// The shared cluster by plain HTTP (`127.0.0.1:PORT`), so that a gate can stand
/// before it.
static PROXY: LazyLock<String> = LazyLock::new(|| {
    Bed::shared().add_nodes("crash", 1, 0, &json!({"test": "crash"}));
    Bed::shared().plain_http()
});

/// An environment with a pool on each side, in a place of its own.
struct Place {
    aws: AwsBed,
    repository: Repository,
    name: String,
}

impl Place {
    fn new() -> Self {
        let aws = AwsBed::start_with(&["--launch-seconds", "0", "--heartbeat-scale", "0.001"]);
        aws.seed(&json!({
            "images": [{"name": "gpu-1", "id": "ami-0a"}, {"name": "gpu-2", "id": "ami-0b"}],
            "parameters": {
                "/floodway/images/gpu/channels/stable": channel('a', "ami-0a"),
                "/floodway/images/gpu/channels/beta": channel('b', "ami-0b"),
            },
            "subnets": [{"zone": "us-east-1a", "id": "subnet-0a"}],
        }));
        let repository = Repository::new(None);
        Self { aws, repository, name: unique("crash") }
    }

    fn declare(&self, replicas: u32, size: u32, channel: &str) {
        let (name, digest) = (&self.name, "0".repeat(64));
        let text = format!(
            r#"
[environment]
name = "{name}"
max_destroy = 9

[slo]
availability = "99.9%"

[service]
name = "llm"
namespace = "{name}"
model = "m"

[service.stages.inference]
image = "registry.example/inference@sha256:{digest}"
resources = {{ cpu = "1", memory = "1Gi" }}
startup = "1m"
drain = "1s"

[onprem]
context = "gate"

[onprem.pools.cpu]
stage = "inference"
replicas = {replicas}
capacity = "10 req/s"
node_selector = {{ test = "crash" }}

[aws]
account = "123456789012"
region = "us-east-1"
launch = {{ launch_hook = false }}

[aws.pools.edge]
stage = "inference"
size = {size}
join = "standalone"
instance_types = ["g6e.12xlarge"]
replicas_per_node = 1
capacity = {{ "g6e.12xlarge" = "9 req/s" }}
subnets = {{ ids = ["subnet-0a"] }}
image = {{ name = "gpu", channel = "{channel}" }}
"#
        );
        self.repository.write(name, &text);
    }

    /// The command behind gates that share `fate`.
    fn run(&self, arguments: &[&str], fate: &Arc<Fate>) -> Said {
        let cluster = Gate::open(&PROXY, fate, writes_to_kubernetes);
        let account = self.aws.endpoint().strip_prefix("http://").unwrap();
        let account = Gate::open(account, fate, writes_to_aws);
        let kubeconfig = self.repository.path().join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "gate",
            "clusters": [{"name": "gate", "cluster": {"server": cluster.url()}}],
            "users": [{"name": "gate", "user": {}}],
            "contexts": [{"name": "gate", "context": {"cluster": "gate", "user": "gate"}}],
        });
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        let mut command: Command = self.repository.command(arguments);
        self.aws.command_env(&mut command);
        command.env("KUBECONFIG", &kubeconfig).env("AWS_ENDPOINT_URL", account.url());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        fate.awaits(child.id());
        child.wait_with_output().unwrap().into()
    }

    /// The command, undisturbed.
    fn do_it(&self, work: Work, fate: &Arc<Fate>) -> Said {
        match work {
            Work::Create => self.declare(1, 2, "stable"),
            // A template's version, drained instances, a Deployment and the parent.
            Work::Change => self.declare(2, 1, "beta"),
            Work::Destroy => {
                return self.run(&["destroy", &self.name, "--confirm", &self.name], fate);
            }
        }
        self.run(&["apply", &self.name, "--yes"], fate)
    }

    /// Brings it to where `work` begins.
    fn prepare(&self, work: Work) {
        if work != Work::Create {
            self.do_it(Work::Create, &Fate::spared()).exits(0);
        } else {
            self.declare(1, 2, "stable");
        }
    }

    /// A lock whose holder is dead runs out by itself; nobody waits for that here.
    fn forget_lock(&self) {
        let lease = format!("floodway-{0}.{0}", self.name);
        Bed::shared()
            .kubectl(&["delete", "lease", "-n", "default", &lease, "--ignore-not-found"], "");
    }

    /// Everything that is there, without what differs from run to run.
    fn state(&self) -> Value {
        let list = [
            "get",
            KINDS,
            "-n",
            &self.name,
            "-l",
            "app.kubernetes.io/managed-by=floodway",
            "-o",
            "json",
        ];
        let list = Bed::shared().kubectl(&list, "").stdout;
        let mut objects: Vec<Value> =
            serde_json::from_slice::<Value>(&list).unwrap()["items"].as_array().unwrap().clone();
        // Kubernetes gives its own slices a Service's labels.
        objects.retain(|object| {
            let by = &object["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"];
            by != "endpointslice-controller.k8s.io"
        });
        for object in &mut objects {
            object.as_object_mut().unwrap().remove("status");
            let metadata = object["metadata"].as_object_mut().unwrap();
            metadata.retain(|key, _| matches!(key.as_str(), "name" | "labels" | "annotations"));
            if let Some(notes) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                notes.retain(|key, _| !key.starts_with("deployment.kubernetes.io/"));
            }
            if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
                spec.retain(|key, _| !matches!(key.as_str(), "clusterIP" | "clusterIPs"));
            }
        }
        objects.sort_by_key(|object| format!("{}/{}", object["kind"], object["metadata"]["name"]));
        let account = self.aws.end_state()["accounts"]["123456789012"]["us-east-1"].clone();
        let all = json!({"cluster": objects, "account": account}).to_string();
        // The user data is coded, and holds the name; what it says, the version tells.
        let mut all: Value = serde_json::from_str(&all.replace(&self.name, "NAME")).unwrap();
        forget(&mut all);
        all
    }
}

/// What holds the environment's name in a coded form.
fn forget(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let coded = ["UserData", "description", "floodway.dev/applied"];
                let set = ["applyset.kubernetes.io/part-of", "applyset.kubernetes.io/id"];
                if coded.contains(&key.as_str()) || set.contains(&key.as_str()) {
                    *inner = Value::Null;
                } else {
                    forget(inner);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(forget),
        _ => {}
    }
}

/// Writes of the plan itself: not those of the lock, nor questions.
fn writes_to_kubernetes(request: &Request) -> bool {
    let asks = ["dryRun=All", "/leases", "/authorization.k8s.io/"];
    !request.line.starts_with("GET ") && !asks.iter().any(|part| request.line.contains(part))
}

fn writes_to_aws(request: &Request) -> bool {
    let action = request.body.split('&').find_map(|part| part.strip_prefix("Action="));
    let reads = |action: &str| action.starts_with("Describe") || action.starts_with("Get");
    action.is_some_and(|action| !reads(action)) && !request.body.contains("DryRun=true")
}

/// How it ends undisturbed, and with how many writes.
fn undisturbed(work: Work) -> (Value, usize) {
    let place = Place::new();
    place.prepare(work);
    let fate = Fate::spared();
    place.do_it(work, &fate).exits(0);
    (place.state(), fate.writes())
}

/// Kills the command there, runs it again, and says what is wrong with the end.
fn killed(work: Work, nth: usize, cut: Cut, expected: &Value) -> Result<(), String> {
    let place = Place::new();
    place.prepare(work);
    let fate = Fate::sealed(nth, cut);
    let first = place.do_it(work, &fate);
    if !fate.has_struck() {
        return Err(format!("it was not killed: {first:?}"));
    }
    place.forget_lock();
    let mut again = place.do_it(work, &Fate::spared());
    // What the dead one asked of its lock last may have been on its way for longer than it.
    if again.code == Some(LOCKED) {
        place.forget_lock();
        again = place.do_it(work, &Fate::spared());
    }
    if again.code != Some(0) {
        return Err(format!(
            "run again it exits with {:?}: {}{}",
            again.code, again.out, again.err
        ));
    }
    let differ = differences(&place.state(), expected);
    if !differ.is_empty() {
        return Err(format!("it ends elsewhere: {differ:#?}"));
    }
    let violations = place.aws.violations();
    if !violations.is_empty() {
        return Err(format!("requests that AWS does not know: {violations:?}"));
    }
    if work != Work::Destroy {
        let plan = place.run(&["plan", &place.name, "--detailed-exitcode"], &Fate::spared());
        if plan.code != Some(0) {
            return Err(format!("something is left to do: {}", plan.out));
        }
    }
    Ok(())
}

fn each_call(work: Work) {
    let (expected, writes) = undisturbed(work);
    assert!(writes > 5, "{work:?} writes {writes} times");
    // What is there after one write is there before the next.
    let last = (writes - 1, Cut::After);
    let cuts = [Cut::Before, Cut::During];
    let cases = (0..writes).flat_map(|nth| cuts.map(|cut| (nth, cut)));
    let cases: Vec<(usize, Cut)> = cases.chain([last]).collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((nth, cut)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(why) = killed(work, *nth, *cut, &expected) {
                        failed.lock().unwrap().push(format!("{cut:?} write {nth}: {why}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    eprintln!("{work:?}: killed at {} points ({writes} writes)", cases.len());
    assert!(failed.is_empty(), "{} of {}: {}", failed.len(), cases.len(), failed.join("\n\n"));
}

#[test]
fn a_creation_that_is_killed_at_any_call_ends_as_if_it_had_not_been() {
    each_call(Work::Create);
}

#[test]
fn a_change_that_is_killed_at_any_call_ends_as_if_it_had_not_been() {
    each_call(Work::Change);
}

#[test]
fn a_destruction_that_is_killed_at_any_call_ends_as_if_it_had_not_been() {
    each_call(Work::Destroy);
}
