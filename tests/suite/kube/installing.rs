//! The controller in a cluster: what `install` prints is taken by a real API
//! server, lets a controller do its work, and has no rule without a use.

use super::Ground;
use crate::support::bed::eventually;
use crate::support::repository::Said;
use floodway::backend::kube::{Way, connect};
use floodway::observe::ResourceId;
use floodway::plan::{PortError, Step};
use floodway::port::{Backend, Drain, Leaving};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// What no turn here has a use for: rules of an operator that this cluster has not,
/// events, which are told seldom.
const NOT_HERE: [&str; 2] = ["prometheusrules", "events"];

/// Nobody measures the load: what is done here is done for bounds.
const SIGNALS: &str = "[signals]\nprometheus = \"http://127.0.0.1:9\"\ndemand = \"sum(x)\"\n\
                       timeout = \"100ms\"\n";

/// Burst pools whose instances join, and stand alone, for the rules that these take.
const BURST: &str = "[aws]\nprovider = \"sim\"\nregion = \"us-east-1\"\n\
                     [aws.pools.burst]\nstage = \"inference\"\nsize = { min = 0, max = 2 }\n\
                     join = \"kubernetes\"\ninstance_types = [\"g6e.12xlarge\"]\n\
                     capacity = { \"g6e.12xlarge\" = \"9 req/s\" }\nimage = { name = \"i\" }\n\
                     [aws.pools.alone]\nstage = \"inference\"\nsize = { min = 0, max = 2 }\n\
                     join = \"standalone\"\ninstance_types = [\"g6.12xlarge\"]\n\
                     capacity = { \"g6.12xlarge\" = \"9 req/s\" }\nimage = { name = \"i\" }\n";

struct Installed {
    ground: Ground,
    /// The objects that were printed.
    objects: Vec<Value>,
    /// A kubeconfig with a token of the controller's service account.
    kubeconfig: PathBuf,
}

impl Installed {
    /// An environment of one replica that is applied, and its controller's rights.
    fn new(prefix: &str) -> Self {
        let ground = Ground::new(prefix);
        declare(&ground, 1, "");
        ground.apply();
        declare(&ground, 1, BURST);
        let namespace = format!("{}-run", ground.name);
        let image = "registry.example/floodway@sha256:00";
        let printed = ground.run("install", &["--image", image, "--namespace", &namespace]);
        let printed = printed.exits(0).out;
        let objects: Vec<Value> =
            printed.split("\n---\n").map(|text| serde_saphyr::from_str(text).unwrap()).collect();
        let is_right = |object: &&Value| {
            let kind = object["kind"].as_str().unwrap();
            kind.contains("Role") || kind == "Namespace" || kind == "ServiceAccount"
        };
        let rights: Vec<Value> = objects.iter().filter(is_right).cloned().collect();
        ground.bed.apply(&rights);
        let token = ground.bed.token_for(&namespace, &format!("floodway-{}-run", ground.name));
        let kubeconfig = ground.bed.kubeconfig_for(ground.bed.server(), &token);
        declare(&ground, 1, "");
        Self { ground, objects, kubeconfig }
    }

    fn of(&self, kind: &str) -> &Value {
        self.objects.iter().find(|object| object["kind"] == kind).unwrap()
    }

    /// One turn of a controller with the printed rights.
    fn turn(&self) -> Said {
        self.runs(&["--once"])
    }

    fn runs(&self, how: &[&str]) -> Said {
        let run = [&["run", self.ground.name.as_str()], how].concat();
        let mut command = self.ground.repository.command(&run);
        command.env("KUBECONFIG", &self.kubeconfig);
        command.output().unwrap().into()
    }

    fn replicas(&self) -> Option<u64> {
        self.ground.replicas("llm-inference-gpu")
    }

    /// Lets a controller with the printed rights drain.
    fn with_drain<T>(&self, test: impl AsyncFnOnce(Arc<dyn Drain>) -> T) -> T {
        self.with_backend(async |backend| test(backend.drain.unwrap()).await)
    }

    fn with_backend<T>(&self, test: impl AsyncFnOnce(Backend) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kubeconfig = Some(self.kubeconfig.as_path());
            let way = Way { context: Some("bed"), cluster_uid: None, kubeconfig };
            test(connect(way).await.unwrap()).await
        })
    }
}

fn declare(ground: &Ground, min: u32, more: &str) {
    declare_as(ground, &format!("{{ min = {min}, max = 4 }}"), more);
}

fn declare_as(ground: &Ground, replicas: &str, more: &str) {
    let uid = ground.bed.get("", "namespace", "kube-system").unwrap()["metadata"]["uid"].clone();
    let pool = ground.pool("gpu", replicas);
    let text = ground.environment(&format!("{pool}{SIGNALS}{more}"));
    let onprem = format!("[onprem]\ncluster_uid = {uid}\n");
    ground.repository.write(&ground.name, &text.replace("[onprem]\n", &onprem));
}

#[test]
fn an_installed_controller_scales_and_is_held_as_operators_say() {
    let installed = Installed::new("installed");
    let ground = &installed.ground;
    assert_eq!(installed.replicas(), Some(1));
    declare(ground, 2, "");
    installed.turn().exits(0).says("gpu: 1 → 2");
    assert_eq!(installed.replicas(), Some(2));
    let hold = ["--scale-out", "--reason", "a rehearsal"];
    ground.run("hold", &hold).exits(0);
    declare(ground, 3, "");
    installed.turn().exits(0).says("a rehearsal");
    assert_eq!(installed.replicas(), Some(2), "the operator is above the controller");
    ground.run("resume", &[]).exits(0);
    installed.turn().exits(0).says("gpu: 2 → 3");
}

/// Who owns the number of replicas, and by which part of the Deployment.
fn owners(ground: &Ground) -> Vec<(String, String)> {
    let live = ground.get("deployment", "llm-inference-gpu").unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = live["metadata"]["managedFields"].as_array().unwrap();
    let of = entries.iter().filter(|entry| entry["fieldsV1"]["f:spec"]["f:replicas"].is_object());
    of.map(|entry| (text(&entry["manager"]), text(&entry["subresource"]))).collect()
}

#[test]
fn a_number_that_a_controller_has_written_goes_to_git_and_back_as_it_is() {
    let installed = Installed::new("scaled-over");
    let ground = &installed.ground;
    let one = |manager: &str, part: &str| [(manager.to_owned(), part.to_owned())];
    assert_eq!(owners(ground), one("floodway-handover", ""));
    declare(ground, 2, "");
    installed.turn().exits(0).says("gpu: 1 → 2");
    assert_eq!(owners(ground), one("floodway-handover", "scale"));
    declare_as(ground, "2", "");
    ground.run("plan", &[]).exits(0).says("takes spec.replicas over from floodway-handover");
    ground.apply();
    assert_eq!((installed.replicas(), owners(ground)), (Some(2), one("floodway", "").to_vec()));
    declare(ground, 1, "");
    ground.apply();
    assert_eq!(installed.replicas(), Some(2), "what gives the field up has set no other number");
    assert_eq!(owners(ground), one("floodway-handover", ""));
    declare(ground, 3, "");
    installed.turn().exits(0).says("gpu: 2 → 3");
    assert_eq!((installed.replicas(), owners(ground).len()), (Some(3), 1));
}

#[test]
fn what_is_printed_is_taken_as_it_is_and_its_pods_are_allowed() {
    let installed = Installed::new("printed");
    let dry = ["apply", "--dry-run=server", "-f", "-"];
    let list = json!({"apiVersion": "v1", "kind": "List", "items": installed.objects});
    installed.ground.bed.kubectl(&dry, &list.to_string());
    // The namespace enforces the restricted level.
    let template = &installed.of("Deployment")["spec"]["template"];
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"]});
    pod["metadata"]["name"] = json!("one");
    pod["metadata"]["namespace"] = installed.of("Deployment")["metadata"]["namespace"].clone();
    pod["spec"] = template["spec"].clone();
    let create = ["create", "--dry-run=server", "-f", "-"];
    installed.ground.bed.kubectl(&create, &pod.to_string());
    pod["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
    let refused = installed.ground.bed.try_kubectl(&create, &pod.to_string());
    assert!(!refused.status.success(), "the level is enforced");
    // An apply of the environment neither knows it nor takes it away.
    installed.ground.run("plan", &[]).exits(0);
}

/// One verb on one resource, and the role without it.
struct Right {
    verb: String,
    resource: String,
    /// The name that the rule is for.
    name: Option<String>,
    role: Value,
    without: Value,
}

/// Every right that was printed, one by one.
fn rights(objects: &[Value]) -> Vec<Right> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all = Vec::new();
    for role in objects {
        if !["Role", "ClusterRole"].contains(&role["kind"].as_str().unwrap()) {
            continue;
        }
        for (at, rule) in role["rules"].as_array().unwrap().iter().enumerate() {
            for resource in rule["resources"].as_array().unwrap() {
                for verb in rule["verbs"].as_array().unwrap() {
                    // The rest of the rule: the other verbs, and the other resources.
                    let (mut verbs, mut resources) = (rule.clone(), rule.clone());
                    verbs["resources"] = json!([resource]);
                    verbs["verbs"].as_array_mut().unwrap().retain(|other| other != verb);
                    resources["resources"].as_array_mut().unwrap().retain(|o| o != resource);
                    let rest = [(verbs, "verbs"), (resources, "resources")];
                    let rest = rest.into_iter().filter(|(r, of)| r[*of] != json!([]));
                    let mut without = role.clone();
                    let rules = without["rules"].as_array_mut().unwrap();
                    rules.splice(at..=at, rest.map(|(rule, _)| rule));
                    let name = rule.get("resourceNames").map(|names| text(&names[0]));
                    let (verb, resource, role) = (text(verb), text(resource), role.clone());
                    all.push(Right { verb, resource, name, role, without });
                }
            }
        }
    }
    all
}

impl Installed {
    /// Gives or takes a right, and waits until the API server knows.
    fn set(&self, right: &Right, given: bool) {
        let bed = self.ground.bed;
        bed.apply(&[if given { &right.role } else { &right.without }.clone()]);
        let account = &self.of("ServiceAccount")["metadata"];
        let [namespace, account] = ["namespace", "name"].map(|key| account[key].as_str().unwrap());
        let user = format!("--as=system:serviceaccount:{namespace}:{account}");
        let (resource, sub) = match right.resource.split_once('/') {
            Some((resource, sub)) => (resource.to_owned(), format!("--subresource={sub}")),
            None => (right.resource.clone(), "--subresource=".to_owned()),
        };
        let what = match &right.name {
            Some(name) => format!("{resource}/{name}"),
            None => resource,
        };
        let place = right.role["metadata"]["namespace"].as_str();
        let place = place.map_or_else(|| "-A".to_owned(), |place| format!("--namespace={place}"));
        let ask = ["auth", "can-i", &right.verb, &what, &sub, &place, &user];
        eventually(&format!("{} {what} is {given}", right.verb), || {
            let out = bed.try_kubectl(&ask, "");
            let yes = String::from_utf8_lossy(&out.stdout).trim() == "yes";
            (yes == given).then_some(())
        });
    }

    /// What a turn and a drain say.
    fn does(&self) -> String {
        self.does_when_run(&["--once"])
    }

    fn does_when_run(&self, how: &[&str]) -> String {
        // A number to write.
        self.ground.kubectl(&["scale", "deployment/llm-inference-gpu", "--replicas=1"]);
        let said = self.runs(how);
        let unit = Leaving::joined("i-0rights1");
        let drained: Result<(), PortError> = self.with_drain(async |drain| {
            drain.begin(&unit).await?;
            // The node is known by its name now.
            drain.begin(&unit).await?;
            drain.undo(&unit).await
        });
        let drained = drained.err().map(|error| error.message).unwrap_or_default();
        format!("{} {} {drained} {}", said.out, said.err, self.writes_endpoints())
    }

    /// Another template that no pod has yet, or the one before.
    fn holds_its_rollout(&self, holds: bool) {
        let test = if holds { json!("held") } else { Value::Null };
        let template = json!({"metadata": {"annotations": {"test": test}}});
        let patch = json!({"spec": {"paused": holds, "template": template}}).to_string();
        let of = ["patch", "deployment", "llm-inference-gpu", "--type=merge", "-p", &patch];
        self.ground.kubectl(&of);
        eventually("the rollout is held", || {
            let status = &self.ground.get("deployment", "llm-inference-gpu")?["status"];
            (status["updatedReplicas"].as_u64().is_none() == holds).then_some(())
        });
    }

    /// What a write of other endpoints says.
    fn writes_endpoints(&self) -> String {
        let name = format!("{}-alone", self.ground.name);
        let slice = self.ground.get("endpointslice", &name).unwrap();
        let from = Some(&slice["endpoints"]).filter(|list| list.is_array());
        let from = from.cloned().unwrap_or_else(|| json!([]));
        let to = match from == json!([]) {
            true => json!([{"addresses": ["192.0.2.7"], "conditions": {"ready": true}}]),
            false => json!([]),
        };
        let (api, namespace) = ("discovery.k8s.io/v1", Some(self.ground.name.as_str()));
        let id = ResourceId::kubernetes(api, "EndpointSlice", namespace, &name);
        let uid = slice["metadata"]["uid"].as_str().unwrap().to_owned();
        let step = Step::SetEndpoints { id, uid, from, to };
        let written = self.with_backend(async |backend| backend.act.act(&step).await);
        written.err().map(|error| error.message).unwrap_or_default()
    }

    fn has_notes(&self) -> bool {
        let parent = self.ground.get("configmap", &format!("floodway-{}", self.ground.name));
        parent.unwrap()["metadata"]["annotations"].get("floodway.dev/notes").is_some()
    }

    /// As it was before.
    fn reset(&self) {
        let parent = format!("configmap/floodway-{}", self.ground.name);
        self.ground.kubectl(&["annotate", &parent, "floodway.dev/notes-"]);
        let node = format!("{}-joined", self.ground.name);
        let _ = self.ground.bed.try_kubectl(&["uncordon", &node], "");
        self.with_drain(async |drain| drain.undo(&Leaving::joined("i-0rights1")).await.unwrap());
        let guest = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "guest", "namespace": self.ground.name},
            "spec": {"nodeName": node, "containers": [{"name": "c", "image": "registry.example/c"}]},
        });
        let there = || self.ground.get("pod", "guest");
        let ending = |pod: &Value| pod["metadata"].get("deletionTimestamp").is_some();
        eventually("the guest is there", || {
            match there() {
                Some(pod) if ending(&pod) => return None,
                Some(_) => return Some(()),
                None => {}
            }
            self.ground.bed.try_kubectl(&["create", "-f", "-"], &guest.to_string());
            None
        });
    }
}

#[test]
fn without_any_one_of_its_rights_a_controller_says_which_one_it_lacks() {
    let installed = Installed::new("rights");
    let ground = &installed.ground;
    declare(ground, 2, "");
    ground.bed.apply(&[json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": format!("{}-alone", ground.name), "namespace": ground.name},
        "endpoints": [], "ports": [],
    })]);
    ground.bed.apply(&[json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": format!("{}-joined", ground.name)},
        "spec": {
            "providerID": "aws:///us-east-1a/i-0rights1",
            // For its guest alone.
            "taints": [{"key": "test", "value": ground.name, "effect": "NoSchedule"}],
        },
    })]);
    installed.reset();
    let all = installed.does();
    assert!(!all.contains("not allowed"), "with all of them: {all}");
    let lease = format!("floodway-{0}.{0}.run", ground.name);
    for right in rights(&installed.objects) {
        if NOT_HERE.contains(&right.resource.as_str()) {
            continue;
        }
        installed.reset();
        if (right.resource.as_str(), right.verb.as_str()) == ("leases", "create") {
            ground.bed.kubectl(&["delete", "lease", &lease, "-n", "default"], "");
        }
        // One that has not arrived is looked at by itself, for what its pods say.
        let rolls = (right.resource.as_str(), right.verb.as_str()) == ("deployments", "get");
        if rolls {
            installed.holds_its_rollout(true);
        }
        installed.set(&right, false);
        // A watch is refused after its list was answered: the turns after that tell.
        let said = match right.verb == "watch" {
            true => installed.does_when_run(&["--interval", "500ms", "--for", "4s"]),
            false => installed.does(),
        };
        if (right.resource.as_str(), right.verb.as_str()) == ("configmaps", "patch") {
            // Notes that cannot be written now are written later, and not told.
            assert!(!installed.has_notes(), "{said}");
            installed.set(&right, true);
            installed.does();
            assert!(installed.has_notes());
            continue;
        }
        let (verb, resource) = (&right.verb, &right.resource);
        // `not allowed to get kube-system (namespaces)`
        let denied = format!("not allowed to {verb} ");
        let names = |said: &str| {
            let mut denied = said.split(denied.as_str()).skip(1);
            denied.any(|rest| rest.lines().next().is_some_and(|r| r.contains(resource)))
        };
        assert!(names(&said), "nobody misses {verb} on {resource}\n{said}");
        installed.set(&right, true);
        if rolls {
            installed.holds_its_rollout(false);
        }
    }
}
