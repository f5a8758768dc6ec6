//! The pipeline on a real API server, through the real command line.

mod conflicts;
mod draining;
mod drifting;
mod examples;
mod handover;
mod hands;
mod importing;
mod inside;
mod installing;
mod interrupted;
mod lifecycle;
mod limits;
mod locks;
mod places;
mod quotas;
mod racing;
mod roles;
mod telling;
mod waves;

use crate::support::bed::{Bed, unique};
use crate::support::repository::Repository;
use serde_json::{Value, json};

/// An environment of its own on the shared control plane.
struct Ground {
    bed: &'static Bed,
    repository: Repository,
    /// Name of the environment and of its namespace.
    name: String,
}

impl Ground {
    /// The namespace is there, and one node of 8 GPUs that only this test uses.
    fn new(prefix: &str) -> Self {
        let bed = Bed::shared();
        let ground = Self {
            bed,
            repository: Repository::new(Some(bed.kubeconfig())),
            name: bed.namespace(prefix),
        };
        bed.add_nodes(&ground.name, 1, 8, &json!({"test": ground.name}));
        ground
    }

    /// A name that no cluster has seen; nothing is made.
    fn bare(prefix: &str) -> Self {
        let bed = Bed::shared();
        let repository = Repository::new(Some(bed.kubeconfig()));
        Self { bed, repository, name: unique(prefix) }
    }

    /// Writes the environment: one inference stage, and these pools.
    fn declare(&self, rest: &str) {
        self.repository.write(&self.name, &self.environment(rest));
    }

    fn environment(&self, rest: &str) -> String {
        let name = &self.name;
        format!(
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
gpus = 1
resources = {{ cpu = "1", memory = "1Gi" }}
startup = "1m"
drain = "1s"

[onprem]
context = "bed"

{rest}
"#,
            digest = "0".repeat(64)
        )
    }

    fn pool(&self, name: &str, replicas: &str) -> String {
        format!(
            "[onprem.pools.{name}]\nstage = \"inference\"\nreplicas = {replicas}\ncapacity = \"10 req/s\"\n\
             node_selector = {{ test = \"{}\" }}\n",
            self.name
        )
    }

    fn run(&self, command: &str, options: &[&str]) -> crate::support::repository::Said {
        let mut arguments = vec![command, &self.name];
        arguments.extend(options);
        self.repository.run(&arguments)
    }

    fn apply(&self) {
        self.run("apply", &["--yes"]).exits(0);
    }

    /// Nothing is left to change.
    #[track_caller]
    fn is_settled(&self) {
        self.run("plan", &["--detailed-exitcode"]).exits(0).says("No changes");
    }

    fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.bed.get(&self.name, kind, name)
    }

    fn kubectl(&self, arguments: &[&str]) {
        self.kubectl_with(arguments, "");
    }

    fn kubectl_with(&self, arguments: &[&str], input: &str) {
        let mut all = vec!["-n", &self.name];
        all.extend(arguments);
        self.bed.kubectl(&all, input);
    }

    fn replicas(&self, deployment: &str) -> Option<u64> {
        self.get("deployment", deployment)?["spec"]["replicas"].as_u64()
    }
}
