//! The command line on the simulator: screens, exit codes, files.

mod drift;
mod ends;
mod errors;
mod events;
mod exits;
mod forecast;
mod hands;
mod iam;
mod import;
mod journal;
mod lock;
mod output;
mod prices;
#[cfg(feature = "prometheus")]
mod rollout;
mod rollout_render;
mod running;
mod saved;
mod screens;
mod terminal;
mod waves;
mod worlds;

use crate::support::repository::Repository;
use std::fs;
use std::path::PathBuf;

/// A repository whose environment `small` is one inference stage with these
/// lines under it.
fn small(rest: &str) -> Repository {
    let repository = Repository::new(None);
    declare(&repository, rest);
    repository
}

fn declare(repository: &Repository, rest: &str) {
    repository.write("small", &environment(rest));
}

fn environment(rest: &str) -> String {
    format!(
        "[environment]\nname = \"small\"\nmax_destroy = 1\n[slo]\navailability = \"99.9%\"\n\
         [service]\nname = \"llm\"\nnamespace = \"ns\"\nmodel = \"m\"\n\
         [service.stages.inference]\nimage = \"{}\"\ngpus = 1\n\
         resources = {{ cpu = \"1\", memory = \"1Gi\" }}\n[onprem]\nprovider = \"sim\"\n{rest}",
        image('0')
    )
}

/// A simulated burst pool.
const BURST: &str = "[aws]\nprovider = \"sim\"\nregion = \"us-east-1\"\n[aws.pools.g6e]\n\
                 size = { min = 0, max = 3 }\nstage = \"inference\"\njoin = \"standalone\"\n\
                 image = { name = \"i\" }\nsubnets = { ids = [\"subnet-1\"] }\n\
                 instance_types = [\"g6e.12xlarge\"]\ncapacity = { \"g6e.12xlarge\" = \"9 req/s\" }\n";

fn image(digit: char) -> String {
    format!("registry.example/i@sha256:{}", digit.to_string().repeat(64))
}

fn pool(name: &str, replicas: &str) -> String {
    format!(
        "[onprem.pools.{name}]\nstage = \"inference\"\nreplicas = {replicas}\ncapacity = \"10 req/s\"\n"
    )
}

fn applied(rest: &str) -> Repository {
    let repository = small(rest);
    repository.run(&["apply", "small", "--yes"]).exits(0);
    repository
}

fn settled(repository: &Repository) {
    repository.run(&["plan", "small", "--detailed-exitcode"]).exits(0).says("No changes");
}

/// A scenario file in the repository.
fn scenario(repository: &Repository, text: &str) -> String {
    let path: PathBuf = repository.path().join("scenario.toml");
    fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}
