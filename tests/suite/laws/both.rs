//! The laws over histories of both sides together: a simulated cluster, and an
//! account on the stand-in, to which others do what they do to accounts.

use super::declared::{NAME, NAMESPACE, resolved};
use super::history::delete as delete_object;
use super::place::{apply, mark, scope, session_of, shown};
use crate::support::aws::{AwsBed, channel};
use async_trait::async_trait;
use floodway::backend::sim::{NodeSet, Scenario, Simulator};
use floodway::clock::{Clock, SystemClock, Timestamp};
use floodway::execute::Outcome;
use floodway::observe::{ResourceId, Side};
use floodway::pipeline::{Error, Session, make_plan};
use floodway::plan::{Plan, PlanOptions, Step};
use floodway::port::Backend;
use prop::sample::Index;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

const POOLS: [&str; 2] = ["p", "q"];
const TAG: &str = "floodway.dev/environment";

/// What git declares: sizes of the on-prem pool and of burst pools.
#[derive(Debug, Clone)]
struct File {
    onprem: u32,
    burst: [Option<Burst>; 2],
    image: u8,
}

#[derive(Debug, Clone)]
struct Burst {
    least: u32,
    /// None: git owns the number.
    most: Option<u32>,
    spot: bool,
    warm: bool,
}

fn burst() -> impl Strategy<Value = Burst> {
    (0..3u32, prop::option::of(1..4u32), any::<bool>(), any::<bool>())
        .prop_map(|(least, most, spot, warm)| Burst { least, most, spot, warm })
}

fn file() -> impl Strategy<Value = File> {
    let pool = || prop::option::weighted(0.8, burst());
    (1..4u32, pool(), pool(), 0..2u8).prop_map(|(onprem, p, q, image)| File {
        onprem,
        burst: [p, q],
        image,
    })
}

impl File {
    fn toml(&self) -> String {
        let (onprem, image) = (self.onprem, self.image);
        let mut text = format!(
            "[environment]\nname = '{NAME}'\nmax_destroy = 99\n\
             [slo]\navailability = '99.9%'\nttft_p99 = '500ms'\n\
             [service]\nname = 'llm'\nnamespace = '{NAMESPACE}'\nmodel = 'm'\n\
             [service.stages.inference]\nimage = 'registry.example/inference:{image}'\n\
             resources = {{ cpu = '2', memory = '4Gi' }}\ndrain = '30s'\ngpus = 1\n\
             [onprem]\nprovider = 'sim'\n[onprem.pools.a]\nstage = 'inference'\n\
             replicas = {onprem}\ncapacity = '10 req/s'\n\
             [aws]\naccount = '123456789012'\nregion = 'us-east-1'\n\
             launch = {{ launch_hook = false }}\n"
        );
        for (name, pool) in POOLS.iter().zip(&self.burst) {
            let Some(pool) = pool else { continue };
            let size = match pool.most {
                Some(more) => format!("{{ min = {}, max = {} }}", pool.least, pool.least + more),
                None => pool.least.to_string(),
            };
            text += &format!(
                "[aws.pools.{name}]\nstage = 'inference'\nsize = {size}\njoin = 'standalone'\n\
                 instance_types = ['g6e.12xlarge']\nimage = {{ name = 'gpu' }}\n\
                 capacity = {{ 'g6e.12xlarge' = '5 req/s' }}\nsubnets = {{ ids = ['subnet-0a'] }}\n"
            );
            if pool.spot {
                text += "spot = { share = '50%' }\n";
            }
            if pool.warm && (pool.least > 0 || pool.most.is_some()) {
                text += "warm_pool = 1\n";
            }
        }
        text
    }
}

/// What others do.
#[derive(Debug, Clone)]
enum Act {
    Scale(Index, u32),
    Kill(Index),
    Untag(Index),
    Change(Index, u32),
    /// Another version of a template, which they make the default, or not.
    Version(Index, bool),
    /// A group goes with all that runs in it, and takes its time.
    Delete(Index),
    /// A group of ours by name, which is not there yet and carries no tags.
    Squat(Index),
    /// Something of their own.
    Beside,
    DeleteObject(Index),
}

fn act() -> impl Strategy<Value = Act> {
    let any = any::<Index>;
    prop_oneof![
        3 => (any(), 0..5u32).prop_map(|(at, number)| Act::Scale(at, number)),
        1 => any().prop_map(Act::Kill),
        1 => any().prop_map(Act::Untag),
        2 => (any(), 1..9u32).prop_map(|(at, max)| Act::Change(at, max)),
        1 => (any(), prop::bool::ANY).prop_map(|(at, default)| Act::Version(at, default)),
        2 => any().prop_map(Act::Delete),
        1 => any().prop_map(Act::Squat),
        1 => Just(Act::Beside),
        1 => any().prop_map(Act::DeleteObject),
    ]
}

/// What goes wrong during the first apply of a round.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    None,
    /// Answers of writes are lost.
    Lost,
    /// Calls of all kinds fail.
    Failing,
    /// Groups may not be listed.
    Denied,
    /// There are no instances to be had.
    Scarce,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    use Trouble::*;
    prop::sample::select(vec![None, Lost, Failing, Denied, Scarce])
}

/// The account's clock: who waits by it moves it.
struct Virtual {
    bed: Arc<AwsBed>,
    began: Timestamp,
    passed: Mutex<Duration>,
}

#[async_trait]
impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        self.began + *self.passed.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.bed.advance(duration.as_secs_f64());
        *self.passed.lock().unwrap() += duration;
        tokio::task::yield_now().await;
    }
}

struct Place {
    bed: Arc<AwsBed>,
    clock: Arc<dyn Clock>,
    simulator: Arc<Simulator>,
    session: Session,
    runtime: Runtime,
}

impl Place {
    fn new(file: &File) -> Self {
        let times = ["--launch-seconds", "30", "--terminate-seconds", "30"];
        let bed = Arc::new(AwsBed::start_with(&times));
        bed.hold_clock(true);
        let clock =
            Virtual { bed: Arc::clone(&bed), began: SystemClock.now(), passed: Mutex::default() };
        let clock: Arc<dyn Clock> = Arc::new(clock);
        bed.seed(&json!({
            "images": [{"name": "gpu", "id": "ami-0a"}],
            "parameters": {"/floodway/images/gpu/channels/stable": channel('a', "ami-0a")},
            "subnets": [{"zone": "us-east-1a", "id": "subnet-0a"}],
        }));
        let nodes = NodeSet { name: "node".into(), count: 9, gpus: 8, ..NodeSet::default() };
        let scenario = Scenario { nodes: vec![nodes], ..Scenario::default() };
        let resolved = resolved(&file.toml());
        let simulator = Simulator::in_memory(&resolved.environment, scope(mark()), scenario);
        let aws = Backend { clock: Arc::clone(&clock), ..bed.backend("us-east-1") };
        let session = session_of(resolved, simulator.backend(Side::Kubernetes), aws);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { bed, clock, simulator, session, runtime }
    }

    fn edit(&mut self, file: &File) {
        let clock = Arc::clone(&self.clock);
        let aws = Backend { clock, ..self.bed.backend("us-east-1") };
        let kubernetes = self.simulator.backend(Side::Kubernetes);
        self.session = session_of(resolved(&file.toml()), kubernetes, aws);
    }

    fn plan(&self, options: &PlanOptions) -> Result<Plan, Error> {
        self.runtime.block_on(make_plan(&self.session, options))
    }

    /// All of one kind in the account, by name.
    fn all(&self, what: &str) -> BTreeMap<String, Value> {
        let world = self.bed.world();
        let all = world["accounts"]["123456789012"]["us-east-1"][what].as_array().cloned();
        let named = |one: Value| Some((one["name"].as_str()?.to_owned(), one));
        all.unwrap_or_default().into_iter().filter_map(named).collect()
    }

    /// Groups that carry no marks of ours, with what runs in them; not how far it
    /// has come.
    fn foreign(&self) -> BTreeMap<String, Value> {
        let mut all = self.all("groups");
        all.retain(|_, group| group["tags"].get(TAG).is_none());
        for group in all.values_mut() {
            let ids: Value = group["instances"]
                .as_array()
                .unwrap()
                .iter()
                .map(|instance| instance["id"].clone())
                .collect();
            let group = group.as_object_mut().unwrap();
            group.retain(|key, _| {
                ["arn", "min", "max", "desired", "config", "tags", "hooks"].contains(&key.as_str())
            });
            group.insert("instances".to_owned(), ids);
        }
        all
    }

    /// What others do: what goes in the end is still going when we come.
    fn acts(&self, acts: &[Act]) {
        let (last, first): (Vec<_>, Vec<_>) =
            acts.iter().partition(|act| matches!(act, Act::Delete(_)));
        first.into_iter().for_each(|act| self.act(act));
        for _ in 0..4 {
            self.bed.advance(300.0);
            self.bed.world();
        }
        last.into_iter().for_each(|act| self.act(act));
    }

    fn others(&self, action: &str, parameters: &Value) {
        let service = if action.contains("Template") { "ec2" } else { "autoscaling" };
        // What AWS refuses to them, they have not done.
        let _ = self.bed.someone_else(service, action, parameters);
    }

    fn act(&self, act: &Act) {
        let groups: Vec<String> = self.all("groups").into_keys().collect();
        let at = |index: &Index| (!groups.is_empty()).then(|| index.get(&groups).clone());
        let group = |index: &Index| at(index).unwrap_or_else(|| "none".to_owned());
        match act {
            Act::Scale(index, number) => self.others(
                "SetDesiredCapacity",
                &json!({"AutoScalingGroupName": group(index), "DesiredCapacity": number}),
            ),
            Act::Kill(index) => {
                let Some(name) = at(index) else { return };
                self.bed.instances(&json!({"action": "kill", "group": name}));
            }
            Act::Untag(index) => {
                let tag = json!({"ResourceId": group(index), "Key": TAG,
                    "ResourceType": "auto-scaling-group"});
                self.others("DeleteTags", &json!({"Tags": [tag]}));
            }
            Act::Change(index, max) => self.others(
                "UpdateAutoScalingGroup",
                &json!({"AutoScalingGroupName": group(index), "MaxSize": max,
                    "CapacityRebalance": max % 2 == 0}),
            ),
            Act::Version(index, default) => {
                let templates: Vec<String> = self.all("templates").into_keys().collect();
                if templates.is_empty() {
                    return;
                }
                let name = index.get(&templates);
                self.others(
                    "CreateLaunchTemplateVersion",
                    &json!({"LaunchTemplateName": name,
                        "LaunchTemplateData": {"ImageId": "ami-0a", "InstanceType": "m5.large"}}),
                );
                if *default {
                    let latest = self.all("templates")[name]["latest"].to_string();
                    self.others(
                        "ModifyLaunchTemplate",
                        &json!({"LaunchTemplateName": name, "DefaultVersion": latest}),
                    );
                }
            }
            Act::Delete(index) => {
                let mut ours = self.all("groups");
                ours.retain(|_, group| group["tags"].get(TAG).is_some());
                let ours: Vec<String> = ours.into_keys().collect();
                if !ours.is_empty() {
                    let name: &String = index.get(&ours);
                    self.take_away(name);
                }
            }
            Act::Squat(index) => {
                self.make(&format!("{NAME}-{}-od-g6e.12xlarge", index.get(&POOLS)));
            }
            Act::Beside => self.make("theirs"),
            Act::DeleteObject(index) => {
                let world = self.simulator.world().unwrap();
                let kinds = ["Service", "Deployment"];
                let ids = world.ids().filter(|id| kinds.contains(&id.kind.as_str()));
                let ids: Vec<ResourceId> = ids.cloned().collect();
                if !ids.is_empty() {
                    self.simulator.disturb(delete_object(index.get(&ids))).unwrap();
                }
            }
        }
    }

    fn take_away(&self, group: &str) {
        self.others(
            "DeleteAutoScalingGroup",
            &json!({"AutoScalingGroupName": group, "ForceDelete": true}),
        );
    }

    /// Somebody's group, with an instance in it.
    fn make(&self, name: &str) {
        let data = json!({"ImageId": "ami-0a", "InstanceType": "m5.large"});
        self.others(
            "CreateLaunchTemplate",
            &json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": data}),
        );
        self.others(
            "CreateAutoScalingGroup",
            &json!({"AutoScalingGroupName": name, "MinSize": 0, "MaxSize": 2,
                "DesiredCapacity": 1, "VPCZoneIdentifier": "subnet-0a",
                "LaunchTemplate": {"LaunchTemplateName": "theirs"}}),
        );
    }

    fn begin(&self, trouble: Trouble) {
        let writes = ["Create*", "Update*", "Put*", "Delete*", "Modify*", "Set*", "Terminate*"];
        let rule = match trouble {
            Trouble::None => return,
            Trouble::Lost => json!({"kind": "lose", "action": writes, "every": 2, "times": 3}),
            Trouble::Failing => json!({"kind": "error", "code": "InternalFailure", "status": 500,
                "probability": 0.2, "seed": 3, "times": 4}),
            Trouble::Denied => json!({"kind": "error", "action": "DescribeAutoScalingGroups",
                "code": "AccessDenied", "status": 403}),
            Trouble::Scarce => json!({"kind": "capacity", "instance_type": "g6e.12xlarge",
                "instances": 0}),
        };
        self.bed.rule(&rule);
    }

    /// Applies once, whatever goes wrong.
    fn apply_in(&self, trouble: Trouble) {
        self.begin(trouble);
        let before = self.all("groups");
        let planned = self.plan(&PlanOptions::default());
        if let (Trouble::Denied, Ok(plan)) = (trouble, &planned) {
            panic!("a plan of what cannot be read: {}", shown(plan));
        }
        if let Ok(plan) = planned
            && plan.refusals.is_empty()
            && !matches!(trouble, Trouble::Scarce)
        {
            let _ = self.runtime.block_on(apply(&self.session, &plan));
        }
        if matches!(trouble, Trouble::Denied) {
            assert_eq!(names(&self.all("groups")), names(&before), "missing data took away");
        }
        self.bed.clear_rules();
    }

    /// Plans and applies until nothing is left to do. What is foreign refuses, is
    /// named, and goes by its owner's hand alone.
    fn converge(&self) {
        for _ in 0..12 {
            let plan = self.plan(&PlanOptions::default()).unwrap_or_else(|e| panic!("{e}"));
            if let Some(refusal) = plan.refusals.first() {
                let said = format!("{refusal:?}\n{}", shown(&plan));
                let foreign = self.foreign();
                let named = foreign.keys().find(|name| refusal.message.contains(name.as_str()));
                let name = named.unwrap_or_else(|| panic!("nothing foreign: {said}"));
                assert_eq!(refusal.guard, "ownership", "{said}");
                self.take_away(name);
                self.bed.advance(900.0);
                continue;
            }
            if !plan.has_work() {
                return;
            }
            let foreign = self.foreign();
            let done = self.runtime.block_on(apply(&self.session, &plan));
            assert_eq!(self.foreign(), foreign, "others' things: {}", shown(&plan));
            self.assert_planned(&plan);
            match done {
                Ok(report) => {
                    let undone = |(_, outcome): &&(ResourceId, Outcome)| *outcome != Outcome::Done;
                    let undone: Vec<_> = report.changes.iter().filter(undone).collect();
                    assert!(undone.is_empty(), "{undone:?}\n{}", shown(&plan));
                }
                // Something was still under way when it was planned.
                Err(Error::Stale(_)) => self.bed.advance(900.0),
                Err(error) => panic!("{error}: {}", shown(&plan)),
            }
        }
        let plan = self.plan(&PlanOptions::default()).unwrap();
        panic!("it does not converge: {}", shown(&plan));
    }

    /// Nothing has been ended or deleted that the plan does not name.
    fn assert_planned(&self, plan: &Plan) {
        let steps = || plan.changes.iter().flat_map(|change| &change.steps);
        for call in self.bed.calls().iter().filter(|call| call["status"] == 200) {
            let parameters = &call["parameters"];
            let planned = match call["action"].as_str().unwrap() {
                "TerminateInstanceInAutoScalingGroup" => steps().any(|step| match step {
                    Step::DrainUnits { units, .. } => {
                        units.iter().any(|unit| *unit == parameters["InstanceId"])
                    }
                    _ => false,
                }),
                "DeleteAutoScalingGroup" => steps().any(|step| match step {
                    Step::Delete { id, .. } => {
                        parameters["AutoScalingGroupName"] == id.name.as_str()
                            && parameters.get("ForceDelete").is_none()
                    }
                    _ => false,
                }),
                _ => true,
            };
            assert!(planned, "{call}: {}", shown(plan));
        }
        self.bed.forget_calls();
    }
}

fn names(all: &BTreeMap<String, Value>) -> Vec<&String> {
    all.keys().collect()
}

/// `PROPTEST_CASES`, or as many as a run of all tests has time for.
fn cases() -> u32 {
    let given = std::env::var("PROPTEST_CASES").ok().and_then(|number| number.parse().ok());
    given.unwrap_or(6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn whatever_others_do_to_an_account_it_converges_and_what_is_theirs_stays(
        first in file(),
        rounds in prop::collection::vec(
            (file(), prop::collection::vec(act(), 0..4), trouble()), 1..3),
    ) {
        let mut place = Place::new(&first);
        place.converge();
        for (file, acts, trouble) in &rounds {
            place.acts(acts);
            place.edit(file);
            let foreign = place.foreign();
            place.apply_in(*trouble);
            prop_assert_eq!(&place.foreign(), &foreign, "in {:?}", trouble);
            place.bed.forget_calls();
            place.converge();
        }
        let violations = place.bed.violations();
        prop_assert!(violations.is_empty(), "{violations:?}");
    }
}
