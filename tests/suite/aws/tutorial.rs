//! `environments/prod.toml` from nothing to nothing over a real API server and
//! the AWS stand-in. What it prints is `docs/prod.md`, word for word.

use crate::support::aws::{AwsBed, channel, digest, image_tags};
use crate::support::bed::{Bed, unique};
use crate::support::repository::{Repository, Said};
use node_image::channel::{Summary, parameter, summary_parameter};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The whole session is written there by `FLOODWAY_WRITE_DOCS=1`.
const PAGE: &str = "docs/prod.md";
const GROUP: &str = "prod-g6e-spot-g6e.12xlarge";

/// The parameters of a build in the channel `stable`.
fn published(recipe: &str, build: char, image: &str) -> Value {
    let newer = build != 'a';
    let package = |name: &str, old: &str, new: &str| {
        let version = if newer { new } else { old };
        (name.to_owned(), version.to_owned())
    };
    let mut packages = vec![
        package("linux-image-cloud-amd64", "6.1.148-1", "6.1.153-1"),
        package("openssl", "3.0.17-1~deb12u2", "3.0.17-1~deb12u3"),
        package("systemd", "252.38-1~deb12u1", "252.38-1~deb12u1"),
    ];
    if newer {
        packages.insert(1, package("nvidia-fabricmanager", "", "580.95.05-1"));
    }
    let summary = Summary {
        manifest: digest(build),
        kernel: if newer { "6.1.0-40-cloud-amd64" } else { "6.1.0-39-cloud-amd64" }.to_owned(),
        driver: Some(if newer { "open 580.95.05" } else { "open 570.195.03" }.to_owned()),
        packages,
        regions: [].into(),
        declared: [].into(),
    };
    let text = summary.write().unwrap().remove(0);
    let (stable, known) =
        (parameter(recipe, "stable"), summary_parameter(recipe, &digest(build), 0));
    json!({(stable): channel(build, image), (known): text})
}

struct Session {
    aws: AwsBed,
    repository: Repository,
    namespace: String,
    uid: String,
    page: String,
}

impl Session {
    fn new() -> Self {
        let bed = Bed::shared();
        let namespace = unique("prod");
        let labels = json!({"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "test": namespace});
        bed.add_nodes(&namespace, 3, 8, &labels);
        let system = bed.get("", "namespace", "kube-system").unwrap();
        let uid = system["metadata"]["uid"].as_str().unwrap().to_owned();
        let aws = AwsBed::start_with(&["--launch-seconds", "0", "--heartbeat-scale", "0.001"]);
        for (region, image) in
            [("us-east-1", "gpu-inference"), ("us-west-2", "gpu-inference-standalone")]
        {
            aws.seed(&json!({
                "region": region,
                "images": [{"name": image, "id": "ami-0a11", "created": "2026-01-01T00:00:00.000Z",
                    "tags": image_tags(image, 'a')}],
                "parameters": published(image, 'a', "ami-0a11"),
                "subnets": [
                    {"zone": format!("{region}a"), "id": "subnet-0a", "tags": {"tier": "gpu"}},
                    {"zone": format!("{region}b"), "id": "subnet-0b", "tags": {"tier": "gpu"}},
                ],
            }));
        }
        let repository = Repository::new(Some(bed.kubeconfig()));
        let session = Self { aws, repository, namespace, uid, page: String::new() };
        session.edit(&[
            ("context     = \"dc1\"", "context     = \"bed\""),
            ("8a6f0f0e-6a55-4b6a-9f7e-0d7f8b1f6a11", &session.uid),
        ]);
        let base = session.repository.path().join("environments/base.toml");
        let text = fs::read_to_string(&base).unwrap();
        let here = format!("namespace = \"{}\"", session.namespace);
        fs::write(base, text.replace("namespace = \"inference\"", &here)).unwrap();
        session
    }

    /// Edits the environment's file.
    fn edit(&self, changes: &[(&str, &str)]) {
        let file = self.repository.path().join("environments/prod.toml");
        let mut text = fs::read_to_string(&file).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        fs::write(file, text).unwrap();
    }

    fn say(&mut self, text: &str) {
        writeln!(self.page, "{text}\n").unwrap();
    }

    /// Runs `floodway …`, and puts what it prints on the page.
    #[track_caller]
    fn run(&mut self, line: &str, code: i32) {
        let said = self.quietly(line);
        let text = said.exits(code).out;
        let (shown, text) = match line.strip_suffix(" | tail -1") {
            Some(_) => (line, text.trim_end().lines().last().unwrap_or_default().to_owned()),
            None => (line, text),
        };
        let text = self.the_same_each_time(text.trim_end());
        writeln!(self.page, "```console\n$ floodway {shown}\n{text}\n```\n").unwrap();
    }

    fn quietly(&self, line: &str) -> Said {
        let line = line.strip_suffix(" | tail -1").unwrap_or(line);
        let arguments: Vec<&str> = line.split(' ').collect();
        let mut command: Command = self.repository.command(&arguments);
        self.aws.command_env(&mut command);
        command.env("COLUMNS", "100").output().unwrap().into()
    }

    /// Without what differs from run to run.
    fn the_same_each_time(&self, text: &str) -> String {
        let mut kept = String::new();
        for line in text.lines() {
            let mut line =
                line.replace(&self.namespace, "inference").replace(&self.uid, "8a6f0f0e-…");
            if let Some((before, rest)) = line.split_once("https://127.0.0.1:") {
                let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                line = format!("{before}https://dc1.example{rest}");
            }
            line = line.replace("context bed", "context dc1");
            kept.push_str(&times(&line));
            kept.push('\n');
        }
        kept.trim_end().to_owned()
    }

    /// Somebody else acts in the account.
    fn someone(&self, service: &str, action: &str, what: &Value) {
        self.aws.someone_else(service, action, what).unwrap();
    }
}

/// `2026-11-26T04:17:00.123Z` as `…`.
fn times(line: &str) -> String {
    let is_time = |word: &str| word.len() > 19 && word.as_bytes()[4] == b'-' && word.contains('T');
    let shown = |word: &str| match word.find("20").filter(|at| is_time(&word[*at..])) {
        Some(at) => {
            let end = word[at..].find('Z').map_or(word.len(), |z| at + z + 1);
            format!("{}…{}", &word[..at], &word[end..])
        }
        None => word.to_owned(),
    };
    line.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn prod_from_nothing_to_nothing_reads_as_the_page_in_docs() {
    let mut session = Session::new();
    session.say(
        "# prod, from nothing to nothing\n\n\
         [`environments/prod.toml`](../environments/prod.toml) on a Kubernetes cluster and an AWS \
         account that hold nothing of it yet. The tests run this session on a real API server and \
         on the AWS stand-in, and hold every line of it.",
    );
    session.say("## What would be made\n\nA plan reads and changes nothing. It says what is made, why, and what it costs: now, after it, and with every pool at its max.");
    session.run("plan prod", 0);
    session.say("## Make it so\n\nIn a pipeline there is nobody to ask, so `--yes` agrees.");
    session.run("apply prod --yes | tail -1", 0);
    session.run("plan prod", 0);
    session.say("## What others do\n\nThe runtime owns how many instances a burst pool with `min` and `max` has. Somebody asks for three, and Floodway leaves them alone. Somebody also raises a max in the console, which git owns.");
    let scale = json!({"AutoScalingGroupName": GROUP, "DesiredCapacity": 3});
    session.someone("autoscaling", "SetDesiredCapacity", &scale);
    session.aws.instances(&json!({"action": "complete", "group": GROUP}));
    let raise = json!({"AutoScalingGroupName": "prod-g6e-od-g6e.12xlarge", "MaxSize": 40});
    session.someone("autoscaling", "UpdateAutoScalingGroup", &raise);
    session.run("drift prod", 0);
    session.say("## Change it\n\nA newer image has come into the channel, and the pool shall have two instances at most from now on. A max below what runs is a drain of instances that the plan names; AWS chooses none. Prod is protected, and instances end: so it asks for the name.");
    session.aws.seed(&json!({
        "images": [{"name": "gpu-2", "id": "ami-0b22", "created": "2026-06-01T00:00:00.000Z",
            "tags": image_tags("gpu-inference", 'b')}],
        "parameters": published("gpu-inference", 'b', "ami-0b22"),
    }));
    session.edit(&[(
        "size           = { min = 0, max = 10 }",
        "size           = { min = 0, max = 2 }",
    )]);
    let plan = session.quietly("plan prod --confirm prod").out;
    assert!(plan.contains("drains i-"), "{plan}");
    session.run("apply prod --yes --confirm prod | tail -1", 0);
    session.run("plan prod", 0);
    session.say("## Take over what is there\n\nSomebody has a Deployment of the postprocess stage that runs on its own. Declared as a pool, it becomes part of the environment where it stands.");
    session.edit(&[(
        "# A stage may also say what it must carry",
        "[onprem.pools.old]\nstage    = \"postprocess\"\nreplicas = 1\ncapacity = \"400 req/s\"\n\n\
         # A stage may also say what it must carry",
    )]);
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "deepseek-postprocess-old", "namespace": session.namespace},
        "spec": {"replicas": 1,
            "selector": {"matchLabels": {"floodway.dev/workload": "deepseek-postprocess-old"}},
            "template": {
                "metadata": {"labels": {"floodway.dev/workload": "deepseek-postprocess-old"}},
                "spec": {"containers": [{"name": "server", "image": "registry.example/old:1"}]}}},
    });
    Bed::shared().apply(&[theirs]);
    session.run("import prod Deployment/deepseek-postprocess-old --yes | tail -1", 0);
    session.run("apply prod --yes | tail -1", 0);
    session.say("## Take it away\n\nProd is protected: destroying it asks for its name. Instances finish their work before they go, and what is left in the account is nothing.");
    session.run("destroy prod --confirm prod | tail -1", 0);
    let world = session.aws.end_state();
    for region in ["us-east-1", "us-west-2"] {
        let there = &world["accounts"]["123456789012"][region];
        assert_eq!((&there["groups"], &there["templates"]), (&json!([]), &json!([])), "{region}");
    }
    assert_eq!(session.aws.violations(), [] as [Value; 0]);

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let text = format!("{}\n", session.page.trim_end());
    if std::env::var_os("FLOODWAY_WRITE_DOCS").is_some() {
        fs::create_dir_all(page.parent().unwrap()).unwrap();
        fs::write(&page, &text).unwrap();
    }
    let kept = fs::read_to_string(&page).unwrap_or_default();
    let differ = kept.lines().zip(text.lines()).find(|(kept, now)| kept != now);
    assert!(kept == text, "{PAGE} says otherwise (FLOODWAY_WRITE_DOCS=1 writes it): {differ:?}");
}
