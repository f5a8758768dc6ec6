//! Three rollouts on a real API server and the stand-in: phase by phase, undone, or at
//! once, the world is the one that the phase declares.

use crate::support::aws::{AwsBed, channel, image_tags};
use crate::support::bed::{Bed, eventually, unique};
use crate::support::repository::{Repository, Said};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const ACCOUNT: &str = "123456789012";
/// Kinds that an environment may have in a cluster.
const KINDS: &str = "deployment,service,endpointslice,horizontalpodautoscaler,\
                     poddisruptionbudget,networkpolicy,serviceaccount,configmap,priorityclass";

/// One place for one rollout: the same names each time it begins anew.
struct Ground {
    bed: &'static Bed,
    aws: AwsBed,
    repository: Repository,
    name: String,
    phases: &'static str,
}

impl Ground {
    fn new(prefix: &str, phases: &'static str) -> Self {
        let bed = Bed::shared();
        let name = unique(prefix);
        bed.add_nodes(&name, 1, 8, &json!({"test": name}));
        let aws = AwsBed::start_with(&["--launch-seconds", "0", "--heartbeat-scale", "0.001"]);
        aws.seed(&json!({
            "images": [{"name": "gpu-1", "id": "ami-0a", "created": "2026-01-01T00:00:00.000Z",
                "tags": image_tags("gpu-inference", 'a')}],
            "parameters": {
                "/floodway/images/gpu-inference/channels/stable": channel('a', "ami-0a"),
                "/floodway/images/gpu-inference/channels/candidate": channel('a', "ami-0a"),
            },
            "subnets": [{"zone": "us-east-1a", "id": "subnet-0a", "tags": {"tier": "gpu"}}],
        }));
        Self { bed, aws, repository: Repository::new(Some(bed.kubeconfig())), name, phases }
    }

    /// The environment in `phase`: today's service, and the rollout.
    fn declare(&self, phase: &str) {
        let (name, digest, phases) = (&self.name, "0".repeat(64), self.phases);
        self.repository.write(
            name,
            &format!(
                r#"
[environment]
name = "{name}"
phase = "{phase}"
max_destroy = 9

[slo]
availability = "99.9%"

[service]
name = "llm"
namespace = "{name}"
model = "m"

[service.stages.inference]
image = "registry.example/inference@sha256:{digest}"
gpus = 1
resources = {{ cpu = "1", memory = "1Gi" }}
startup = "1m"
drain = "1s"

[onprem]
context = "bed"

[onprem.pools.own]
stage = "inference"
replicas = 3
capacity = "10 req/s"
node_selector = {{ test = "{name}" }}

[aws]
account = "{ACCOUNT}"
region = "us-east-1"
launch = {{ launch_hook = false }}
{phases}"#
            ),
        );
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = self.repository.command(arguments);
        self.aws.command_env(&mut command);
        command.output().unwrap().into()
    }

    /// Applies `phase`, and shows that nothing is left to do then.
    #[track_caller]
    fn go(&self, phase: &str) {
        self.declare(phase);
        self.run(&["apply", &self.name, "--yes"]).exits(0);
        self.run(&["plan", &self.name, "--detailed-exitcode"]).exits(0).says("No changes");
    }

    /// Takes all away: the next phase begins in an empty world.
    fn clear(&self) {
        self.run(&["destroy", &self.name, "--confirm", &self.name, "--namespace"]).exits(0);
        eventually("the namespace is gone", || {
            self.bed.get("", "namespace", &self.name).is_none().then_some(())
        });
    }

    /// All that is there and has a meaning: without versions, times, ids, status, and
    /// the numbers that a runtime owner sets.
    fn world(&self) -> BTreeMap<String, Value> {
        let mut world = self.cluster();
        for (kind, things) in self.aws.end_state()["accounts"][ACCOUNT]["us-east-1"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(kind, _)| ["groups", "templates"].contains(&kind.as_str()))
        {
            for thing in things.as_array().unwrap() {
                let name = thing["name"].as_str().unwrap();
                world.insert(format!("{kind} {name}"), of_account(thing));
            }
        }
        world
    }

    fn cluster(&self) -> BTreeMap<String, Value> {
        let selector = format!("floodway.dev/environment={}", self.name);
        let arguments = [
            "get",
            KINDS,
            "-n",
            &self.name,
            "-l",
            &selector,
            "-o",
            "json",
            "--show-managed-fields",
        ];
        let out = self.bed.try_kubectl(&arguments, "").stdout;
        let list: Value = serde_json::from_slice(&out).unwrap();
        let mut world = BTreeMap::new();
        for object in items(&list) {
            let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
            // Endpoints are the runtime's.
            if kind == "EndpointSlice" {
                continue;
            }
            world.insert(format!("{kind} {name}"), of_cluster(object));
        }
        world
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().unwrap().iter()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What Floodway wrote: without a number that it does not own.
fn of_cluster(object: &Value) -> Value {
    let writers = object["metadata"]["managedFields"].as_array().unwrap().iter();
    let mut ours = writers.filter(|writer| writer["manager"] == "floodway");
    let by_git = ours.any(|writer| !writer["fieldsV1"]["f:spec"]["f:replicas"].is_null());
    let mut spec = object["spec"].clone();
    if let Some(spec) = spec.as_object_mut() {
        // The server chose these.
        ["clusterIP", "clusterIPs"].iter().for_each(|key| drop(spec.remove(*key)));
        if !by_git && let Some(replicas) = spec.remove("replicas") {
            assert!(replicas.as_u64() <= Some(12), "{replicas}");
        }
    }
    let ours = |key: &str| {
        let kept = |(key, _): &(&String, &Value)| {
            key.starts_with("floodway.dev/") && !key.ends_with("/notes") && !key.ends_with("/file")
        };
        let map = object["metadata"][key].as_object().into_iter().flatten().filter(kept);
        map.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>()
    };
    json!({
        "labels": ours("labels"), "annotations": ours("annotations"),
        "spec": spec, "data": object["data"],
    })
}

/// What the account's user wrote: of a template the version that counts.
fn of_account(thing: &Value) -> Value {
    let mut thing = thing.clone();
    let default = thing["default"].to_string();
    let data = thing["versions"][default.as_str()]["data"].clone();
    let fields = thing.as_object_mut().unwrap();
    for key in ["default", "latest", "versions", "instances", "activities"] {
        fields.remove(key);
    }
    if let Some(desired) = fields.remove("desired") {
        let bound = |key: &str| fields[key].as_u64().unwrap();
        let desired = desired.as_u64().unwrap();
        assert!((bound("min")..=bound("max")).contains(&desired), "{fields:?}");
    }
    fields.insert("data".to_owned(), data);
    thing
}

/// Phase by phase to the last, back to the first, and each of both alone.
fn way(prefix: &str, phases: &'static str) {
    let ground = Ground::new(prefix, phases);
    for phase in ["short", "medium", "long"] {
        ground.go(phase);
    }
    let grown = ground.world();
    ground.go("medium");
    ground.go("short");
    let undone = ground.world();
    ground.clear();
    ground.go("long");
    assert_same(&grown, &ground.world());
    ground.clear();
    ground.go("short");
    assert_same(&undone, &ground.world());
    ground.clear();
    assert_eq!(ground.aws.violations(), [] as [Value; 0]);
}

#[track_caller]
fn assert_same(one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>) {
    let names = |world: &BTreeMap<String, Value>| world.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(one), names(other));
    for (name, thing) in one {
        assert_eq!(thing, &other[name], "{name}");
    }
}

#[test]
fn a_service_that_grows_into_the_cloud() {
    way(
        "grow",
        r#"
[rollout.phases.short]
order = 1
[rollout.phases.short.steps.hpa]
summary = "the autoscaler owns the number"
set.onprem.pools.own = { replicas = { min = 3, max = 6 }, hpa = { cpu = "70%" } }
[rollout.phases.medium]
order = 2
[rollout.phases.medium.steps.hybrid]
summary = "a first burst pool"
set.aws.pools.cloud = { stage = "inference", size = { min = 0, max = 2 }, join = "kubernetes", instance_types = ["g6e.12xlarge"], capacity = { "g6e.12xlarge" = "9 req/s" }, subnets = { tags = { tier = "gpu" } }, image = { name = "gpu-inference", channel = "stable" } }
[rollout.phases.long]
order = 3
[rollout.phases.long.steps.spot]
summary = "more of it, and cheaper"
set.aws.pools.cloud = { size = { min = 0, max = 4 }, spot = { share = "70%", base_on_demand = 1 }, image = { channel = "candidate" } }
"#,
    );
}

#[test]
fn a_pool_that_is_replaced_and_another_that_is_retired() {
    way(
        "swap",
        r#"
[onprem.pools.old]
stage = "inference"
replicas = 2
capacity = "5 req/s"
[rollout.phases.short]
order = 1
[rollout.phases.short.steps.model]
summary = "a smaller model"
set.service.stages.inference.image = "registry.example/inference@sha256:1111111111111111111111111111111111111111111111111111111111111111"
[rollout.phases.medium]
order = 2
[rollout.phases.medium.steps.retire]
summary = "the old machines go"
unset = ["onprem.pools.old"]
set.onprem.pools.own.replicas = 5
[rollout.phases.long]
order = 3
[rollout.phases.long.steps.standby]
summary = "instances that stand alone"
set.aws.pools.alone = { stage = "inference", size = { min = 0, max = 1 }, join = "standalone", instance_types = ["g6e.12xlarge"], capacity = { "g6e.12xlarge" = "9 req/s" }, subnets = { tags = { tier = "gpu" } }, image = { name = "gpu-inference", channel = "stable" } }
"#,
    );
}

#[test]
fn a_number_that_changes_hands_and_a_stage_that_comes() {
    way(
        "hand",
        r#"
[rollout.phases.short]
order = 1
[rollout.phases.short.steps.controller]
summary = "the controller owns the number"
set.onprem.pools.own.replicas = { min = 2, max = 6 }
[rollout.phases.medium]
order = 2
[rollout.phases.medium.steps.autoscaler]
summary = "the autoscaler takes it"
set.onprem.pools.own.hpa = { cpu = "60%" }
[rollout.phases.medium.steps.tail]
summary = "a second stage"
set.service.stages.inference.next = "postprocess"
set.service.stages.postprocess = { image = "registry.example/postprocess@sha256:2222222222222222222222222222222222222222222222222222222222222222", resources = { cpu = "1", memory = "1Gi" }, drain = "1s" }
set.onprem.pools.post = { stage = "postprocess", replicas = 1, capacity = "100 req/s" }
[rollout.phases.long]
order = 3
[rollout.phases.long.steps.fixed]
summary = "git owns it again"
unset = ["onprem.pools.own.hpa"]
set.onprem.pools.own.replicas = 4
"#,
    );
}
