//! An account, and what can be done to it through the ports and behind them.

#[cfg(feature = "aws")]
use crate::support::aws::AwsBed;
use crate::support::environment::{environment, world};
use floodway::backend::sim::{
    Actor, CapacityLimit, Create, Delay, Fault, FaultKind, Scenario, Set, Simulator, Unset,
};
use floodway::observe::{Inventory, Live, Mark, ResourceId, Side, Workload};
use floodway::plan::{PortError, Precondition, Step, Takes};
use floodway::port::{Backend, Scope};
use floodway::spec::Environment;
use floodway::units::Span;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub const REGION: &str = "us-east-1";
/// Seconds from an instance's launch to its serving, and those of its hook.
const LAUNCH: u64 = 60;
const HOOK: u64 = 60;

/// Who plays the account.
#[derive(Debug, Clone, Copy)]
pub enum Player {
    Simulator,
    #[cfg(feature = "aws")]
    StandIn,
}

/// What is special about an account.
#[derive(Debug, Clone, Copy, Default)]
pub struct Special {
    /// There are so many instances to be had, and no more.
    pub has: Option<u32>,
    /// The groups may not be read.
    pub denies: bool,
}

/// A connected account, empty, on a clock that moves only when told to.
pub struct Account {
    pub backend: Backend,
    environment: Environment,
    played: Played,
}

enum Played {
    Simulator(Arc<Simulator>),
    #[cfg(feature = "aws")]
    StandIn(AwsBed),
}

/// Whose things the ports write here.
pub fn scope() -> Scope {
    let file = "environments/prod.toml".to_owned();
    let mark = Mark { environment: "conform".into(), repository: "local".into(), file };
    Scope::of(mark, "inference")
}

impl Player {
    pub async fn account(self) -> Account {
        self.special(Special::default()).await
    }

    pub async fn special(self, special: Special) -> Account {
        let mut environment = environment("conform", "inference");
        environment.onprem = None;
        let aws = environment.aws.as_mut().unwrap();
        aws.pools.retain(|name, _| name.as_str() == "edge");
        match self {
            Self::Simulator => simulated(environment, special),
            #[cfg(feature = "aws")]
            Self::StandIn => stood_in(environment, special),
        }
    }
}

fn simulated(environment: Environment, special: Special) -> Account {
    let launch = Span::from_secs(LAUNCH);
    let limit = |instances| CapacityLimit {
        instance_type: "g6e.12xlarge".into(),
        capacity_type: None,
        instances,
    };
    let denied = Fault {
        kind: FaultKind::Denied,
        name: String::new(),
        list: Some("AutoScalingGroup".into()),
        calls: 99,
    };
    let scenario = Scenario {
        launch: Delay { median: launch, p95: launch },
        drain: Span::from_secs(HOOK),
        capacity: special.has.map(limit).into_iter().collect(),
        faults: special.denies.then_some(denied).into_iter().collect(),
        ..Scenario::default()
    };
    let simulator = Simulator::in_memory(&environment, scope(), scenario);
    let backend = simulator.backend(Side::Aws);
    Account { backend, environment, played: Played::Simulator(simulator) }
}

#[cfg(feature = "aws")]
fn stood_in(environment: Environment, special: Special) -> Account {
    let bed = AwsBed::start_with(&["--launch-seconds", &LAUNCH.to_string()]);
    bed.hold_clock(true);
    bed.seed(&json!({
        "images": [{"name": "gpu", "id": "ami-0a"}],
        "subnets": [{"zone": "us-east-1a", "id": "subnet-0a"}],
    }));
    if let Some(instances) = special.has {
        bed.rule(&json!({"kind": "capacity", "instance_type": "g6e.12xlarge",
            "instances": instances}));
    }
    if special.denies {
        bed.rule(&json!({"kind": "error", "action": "DescribeAutoScalingGroups", "status": 403,
            "code": "AccessDenied", "message": "no"}));
    }
    let backend = bed.backend(REGION);
    Account { backend, environment, played: Played::StandIn(bed) }
}

impl Account {
    /// The pool's thing of this kind, as it should be.
    fn wanted(&self, is_meant: impl Fn(&ResourceId) -> bool) -> (ResourceId, Value) {
        let all = world(&self.environment).resources;
        let found = all.into_iter().find(|want| is_meant(&want.id)).unwrap();
        (found.id, found.body.value())
    }

    /// The launch template.
    pub fn template(&self) -> (ResourceId, Value) {
        let (id, mut body) = self.wanted(|id| id.kind == "LaunchTemplate");
        body["image"] = json!("ami-0a");
        (id, body)
    }

    /// The on-demand group, with these bounds and no owner of its number.
    pub fn group(&self, min: u32, max: u32) -> (ResourceId, Value) {
        self.group_of("-od-", min, max)
    }

    /// The group of a market, `-od-` or `-spot-`.
    pub fn group_of(&self, market: &str, min: u32, max: u32) -> (ResourceId, Value) {
        let meant = |id: &ResourceId| id.kind == "AutoScalingGroup" && id.name.contains(market);
        let (id, mut body) = self.wanted(meant);
        body["subnets"] = json!(["subnet-0a"]);
        (body["min"], body["max"]) = (json!(min), json!(max));
        body["hooks"] = json!({ "terminate": HOOK });
        (id, body)
    }

    /// The group with a number of instances that git owns.
    pub fn sized(&self, desired: u32) -> (ResourceId, Value) {
        let (id, mut body) = self.group(0, 3);
        body["desired"] = json!(desired);
        (id, body)
    }

    pub async fn act(&self, step: &Step) -> Result<(), PortError> {
        self.backend.act.act(step).await
    }

    /// Makes what is not there.
    pub async fn make(&self, (id, body): &(ResourceId, Value)) -> Result<(), PortError> {
        self.act(&apply(id, body, Precondition::Absent)).await
    }

    /// Makes what is there be that.
    pub async fn change(&self, (id, body): &(ResourceId, Value)) -> Result<(), PortError> {
        let uid = self.live(id).await.unwrap().uid;
        self.act(&apply(id, body, Precondition::Is(uid))).await
    }

    /// The template, and a group with so many instances that all serve.
    pub async fn serving(&self, desired: u32) -> ResourceId {
        self.make(&self.template()).await.unwrap();
        self.make(&self.sized(desired)).await.unwrap();
        self.pass(10 * LAUNCH).await;
        let id = self.sized(desired).0;
        assert!(self.workload(&id).await.unwrap().is_settled());
        id
    }

    pub async fn observe(&self, scope: &Scope) -> Result<Inventory, PortError> {
        self.backend.observe.observe(scope).await
    }

    /// A thing as it is seen when asked for by name.
    pub async fn live(&self, id: &ResourceId) -> Option<Live> {
        let scope = Scope { named: vec![id.clone()], ..scope() };
        self.observe(&scope).await.unwrap().resources.remove(id)
    }

    /// Everything of ours.
    pub async fn ours(&self) -> Vec<Live> {
        self.observe(&scope()).await.unwrap().resources.into_values().collect()
    }

    pub async fn workload(&self, id: &ResourceId) -> Option<Workload> {
        self.backend.progress.progress(id).await.unwrap()
    }

    /// Lets so many seconds pass.
    pub async fn pass(&self, seconds: u64) {
        match &self.played {
            Played::Simulator(_) => self.backend.clock.sleep(Duration::from_secs(seconds)).await,
            #[cfg(feature = "aws")]
            Played::StandIn(bed) => bed.advance(seconds as f64),
        }
    }

    /// Somebody asks for so many instances.
    pub fn someone_scales(&self, id: &ResourceId, desired: u32) {
        match &self.played {
            Played::Simulator(simulator) => set(simulator, id, "/desired", json!(desired)),
            #[cfg(feature = "aws")]
            Played::StandIn(bed) => {
                let scale = json!({"AutoScalingGroupName": id.name, "DesiredCapacity": desired});
                bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
            }
        }
    }

    /// Somebody gives a group a tag of their own.
    pub fn someone_tags(&self, id: &ResourceId, key: &str, value: &str) {
        match &self.played {
            Played::Simulator(simulator) => {
                set(simulator, id, &format!("/tags/{}", key.replace('/', "~1")), json!(value));
            }
            #[cfg(feature = "aws")]
            Played::StandIn(bed) => {
                let mut tag = tag(id, key);
                (tag["Value"], tag["PropagateAtLaunch"]) = (json!(value), json!(false));
                let tags = json!({"Tags": [tag]});
                bed.someone_else("autoscaling", "CreateOrUpdateTags", &tags).unwrap();
            }
        }
    }

    /// Somebody takes a tag away.
    pub fn someone_untags(&self, id: &ResourceId, key: &str) {
        match &self.played {
            Played::Simulator(simulator) => {
                let path = format!("/tags/{}", key.replace('/', "~1"));
                let (kind, name) = (id.kind.clone(), id.name.clone());
                simulator.disturb(Actor::Unset(Unset { kind, name, path })).unwrap();
            }
            #[cfg(feature = "aws")]
            Played::StandIn(bed) => {
                let tags = json!({"Tags": [tag(id, key)]});
                bed.someone_else("autoscaling", "DeleteTags", &tags).unwrap();
            }
        }
    }

    /// The tags of a group, whoever's they are.
    pub fn tags(&self, id: &ResourceId) -> Value {
        match &self.played {
            Played::Simulator(simulator) => {
                let fields = simulator.world().unwrap().owned_fields(id);
                let tags = fields.into_iter().filter_map(|(path, value)| {
                    let key = path.strip_prefix("/tags/")?.replace("~1", "/");
                    Some((key, value))
                });
                Value::Object(tags.collect())
            }
            #[cfg(feature = "aws")]
            Played::StandIn(bed) => {
                let world = bed.world();
                let groups = world["accounts"]["123456789012"][REGION]["groups"].clone();
                let groups = groups.as_array().unwrap();
                let group = groups.iter().find(|group| group["name"] == id.name.as_str()).unwrap();
                let tags = group["tags"].as_object().unwrap().iter();
                tags.map(|(key, tag)| (key.clone(), tag["value"].clone())).collect()
            }
        }
    }

    /// Somebody makes a group of this name, without tags.
    pub fn someone_makes(&self, id: &ResourceId) {
        match &self.played {
            Played::Simulator(simulator) => {
                let create = Create {
                    kind: id.kind.clone(),
                    name: id.name.clone(),
                    namespace: REGION.into(),
                    content: json!({"min": 0, "max": 1, "desired": 0}),
                    by: "somebody".into(),
                };
                simulator.disturb(Actor::Create(create)).unwrap();
            }
            #[cfg(feature = "aws")]
            Played::StandIn(bed) => {
                let template = json!({"LaunchTemplateName": "theirs",
                    "LaunchTemplateData": {"ImageId": "ami-0a", "InstanceType": "m5.large"}});
                bed.someone_else("ec2", "CreateLaunchTemplate", &template).unwrap();
                let group = json!({"AutoScalingGroupName": id.name, "MinSize": 0, "MaxSize": 1,
                    "VPCZoneIdentifier": "subnet-0a",
                    "LaunchTemplate": {"LaunchTemplateName": "theirs"}});
                bed.someone_else("autoscaling", "CreateAutoScalingGroup", &group).unwrap();
            }
        }
    }
}

fn set(simulator: &Simulator, id: &ResourceId, path: &str, value: Value) {
    let (kind, name, by) = (id.kind.clone(), id.name.clone(), "somebody".to_owned());
    simulator.disturb(Actor::Set(Set { kind, name, path: path.into(), value, by })).unwrap();
}

#[cfg(feature = "aws")]
fn tag(id: &ResourceId, key: &str) -> Value {
    json!({"ResourceId": id.name, "ResourceType": "auto-scaling-group", "Key": key})
}

/// A step that makes a thing be `body`.
pub fn apply(id: &ResourceId, body: &Value, precondition: Precondition) -> Step {
    Step::Apply {
        id: id.clone(),
        body: body.into(),
        seed: None,
        precondition,
        takes: Takes::Nothing,
    }
}
