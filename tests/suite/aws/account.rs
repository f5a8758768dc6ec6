//! An account of its own on a stand-in, and an environment for it.

use crate::support::aws::{ACCESS_KEY, AwsBed, channel, image_tags};
use crate::support::repository::{Repository, Said};
use serde_json::{Value, json};
use std::cell::Cell;
use std::process::Command;

/// The account that the stand-in takes its default key for.
pub const ACCOUNT: &str = "123456789012";
/// The parameter of the channel that the environment's pool starts from.
pub const CHANNEL: &str = "/floodway/images/gpu-inference/channels/stable";
/// Groups of the environment's pool.
pub const GROUPS: [&str; 2] = ["edge-g6e-od-g6e.12xlarge", "edge-g6e-spot-g6e.12xlarge"];

/// One account with what an environment needs, and nothing of it yet.
///
/// Its commands may do what `floodway iam edge --for apply` prints and nothing
/// else, so that every test is one of that policy too.
pub struct Account {
    pub bed: AwsBed,
    pub repository: Repository,
    /// The rule that holds the policy.
    policy: Cell<Option<u64>>,
}

impl Account {
    /// Instances start and end at once.
    pub fn new() -> Self {
        let bed = AwsBed::start_with(&["--launch-seconds", "0"]);
        let account = Self { bed, repository: Repository::new(None), policy: Cell::new(None) };
        account.seed("us-east-1");
        account.write(&pool(""));
        account
    }

    /// Its commands may do everything.
    pub fn unlimited() -> Self {
        let account = Self::new();
        account.unlimit();
        account
    }

    /// Its commands may do everything, until the environment is written again.
    pub fn unlimit(&self) {
        if let Some(id) = self.policy.take() {
            self.bed.drop_rule(id);
        }
    }

    /// Its commands may do what is printed for this from now on.
    #[track_caller]
    pub fn limited_to(&self, what: &str) {
        self.limited_by(&self.printed(what));
    }

    /// Its commands may do what this document allows from now on.
    pub fn limited_by(&self, document: &Value) {
        self.unlimit();
        let rule = json!({"kind": "policy", "access_key": ACCESS_KEY, "document": document});
        self.policy.set(self.bed.rule(&rule).pop());
    }

    /// The policy that is printed for this.
    #[track_caller]
    pub fn printed(&self, what: &str) -> Value {
        let said = self.repository.run(&["iam", "edge", "--for", what]).exits(0);
        serde_json::from_str(&said.out).unwrap()
    }

    /// An image, subnets and a security group in `region`.
    pub fn seed(&self, region: &str) {
        self.bed.seed(&json!({
            "region": region,
            "images": [{"name": "gpu-1", "id": "ami-0a", "created": "2026-01-01T00:00:00.000Z",
                "tags": image_tags("gpu-inference", 'a')}],
            "parameters": {CHANNEL: channel('a', "ami-0a")},
            "subnets": [
                {"zone": format!("{region}a"), "id": "subnet-0a", "tags": {"tier": "gpu"}},
                {"zone": format!("{region}b"), "id": "subnet-0b", "tags": {"tier": "gpu"}},
            ],
            "security_groups": [{"name": "nodes", "id": "sg-0a", "tags": {"tier": "gpu"}}],
        }));
    }

    /// A newer image in the channel.
    pub fn publish(&self) {
        self.bed.seed(&json!({
            "images": [{"name": "gpu-2", "id": "ami-0b", "created": "2026-06-01T00:00:00.000Z",
                "tags": image_tags("gpu-inference", 'b')}],
            "parameters": {CHANNEL: channel('b', "ami-0b")},
        }));
    }

    /// The environment `edge` with these pools, and nothing on-prem.
    pub fn write(&self, pools: &str) {
        let text = format!(
            "extends = \"base.toml\"\n\n[environment]\nname = \"edge\"\nphase = \"short\"\n\
             max_destroy = 10\n\n[aws]\naccount = \"{ACCOUNT}\"\nregion = \"us-east-1\"\n\
             [aws.launch]\ninstance_profile = \"floodway-node\"\nlaunch_hook = false\n\
             security_groups = {{ tags = {{ tier = \"gpu\" }} }}\n\n{pools}"
        );
        self.rewrite(&text);
    }

    /// The environment `edge` with this text.
    pub fn rewrite(&self, text: &str) {
        self.repository.write("edge", text);
        self.limited_to("apply");
    }

    /// The environment's text.
    pub fn text(&self) -> String {
        let path = self.repository.path().join("environments/edge.toml");
        std::fs::read_to_string(path).unwrap()
    }

    /// The command, led to the stand-in.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.repository.command(arguments);
        self.bed.command_env(&mut command);
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// Applies, and shows that nothing is left to do.
    #[track_caller]
    pub fn applied(&self) {
        self.run(&["apply", "edge", "--yes"]).exits(0);
        self.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    }

    /// All that is in a region, without what differs from run to run.
    pub fn region(&self, region: &str) -> Value {
        self.bed.end_state()["accounts"][ACCOUNT][region].clone()
    }

    /// A group of us-east-1 as the stand-in has it.
    #[track_caller]
    pub fn group(&self, name: &str) -> Value {
        let world = self.bed.world();
        let groups = world["accounts"][ACCOUNT]["us-east-1"]["groups"].as_array().unwrap();
        let found = groups.iter().find(|group| group["name"] == name);
        found.unwrap_or_else(|| panic!("no group {name}")).clone()
    }

    /// Calls of `action` so far.
    pub fn calls_of(&self, action: &str) -> Vec<Value> {
        self.bed.calls().into_iter().filter(|call| call["action"] == action).collect()
    }
}

/// Where two worlds differ, by JSON pointer.
pub fn differences(a: &Value, b: &Value) -> Vec<String> {
    fn walk(at: &str, a: &Value, b: &Value, into: &mut Vec<String>) {
        match (a, b) {
            (Value::Object(left), Value::Object(right)) => {
                let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
                for key in keys {
                    let get = |map: &serde_json::Map<_, _>| map.get(key).cloned();
                    let (a, b) = (get(left).unwrap_or_default(), get(right).unwrap_or_default());
                    walk(&format!("{at}/{key}"), &a, &b, into);
                }
            }
            (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
                for (index, (a, b)) in left.iter().zip(right).enumerate() {
                    walk(&format!("{at}/{index}"), a, b, into);
                }
            }
            _ if a == b => {}
            _ => into.push(format!("{at}: {a} and {b}")),
        }
    }
    let mut into = Vec::new();
    walk("", a, b, &mut into);
    into
}

impl Drop for Account {
    /// Whatever a test is about, every request is one that AWS's own models have.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let violations = self.bed.violations();
            assert!(violations.is_empty(), "{violations:#?}");
        }
    }
}

/// The pool `g6e`, with `more` lines in it.
pub fn pool(more: &str) -> String {
    pool_of("{ min = 0, max = 4 }", more)
}

/// The pool `g6e` of this size.
pub fn pool_of(size: &str, more: &str) -> String {
    format!(
        "[aws.pools.g6e]\nstage = \"inference\"\nsize = {size}\njoin = \"standalone\"\n\
         instance_types = [\"g6e.12xlarge\"]\ncapacity = {{ \"g6e.12xlarge\" = \"9 req/s\" }}\n\
         spot = {{ share = \"70%\", base_on_demand = 1 }}\n\
         subnets = {{ tags = {{ tier = \"gpu\" }} }}\nimage = {{ name = \"gpu-inference\" }}\n{more}"
    )
}
