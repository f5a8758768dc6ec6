//! What it prints is `docs/rollout-tutorial.md`, word for word.

use super::made;
use crate::support::prometheus::Prometheus;
use crate::support::repository::{Repository, Said};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The whole session is written there by `FLOODWAY_WRITE_DOCS=1`.
const PAGE: &str = "docs/rollout-tutorial.md";

const CHAT: &str = r#"[environment]
name  = "chat"
phase = "short"                 # the phase that is live
max_destroy = 2                 # in one apply

[slo]
availability = "99.9%"
ttft_p99     = "500ms"
error_rate   = "0.5%"

[service]
name      = "chat"
namespace = "inference"
model     = "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"

[service.stages.inference]
image     = "registry.example/inference@sha256:0000000000000000000000000000000000000000000000000000000000000000"
gpus      = 1
resources = { cpu = "8", memory = "64Gi" }

[onprem]
provider = "sim"

[onprem.pools.own]
stage    = "inference"
replicas = 2
capacity = "10 req/s"

[aws]
provider = "sim"
region   = "us-east-1"

[signals]
prometheus = "http://127.0.0.1:9090"

[rollout.waves]
canary = "25%"
wait   = "1m"

# --- Within two weeks: answer again ------------------------------------------

[rollout.phases.short]
order   = 1
window  = "1-2 weeks"
start   = "2026-03-02"
owner   = "platform"
summary = "answer again"
goals   = { availability = "99.9%", ttft_p99 = "500ms" }
undo    = "the replicas go back to two; nothing else was touched"

[rollout.phases.short.steps.autoscaler]
summary = "the autoscaler owns the number of replicas"
set.onprem.pools.own = { replicas = { min = 2, max = 6 }, hpa = { cpu = "70%" } }

[rollout.phases.short.steps.dashboards]
summary = "dashboards of latency, errors and cost"
owner   = "observability"

[rollout.phases.short.exit.promise]
measure  = "availability"
at_least = "99.9%"
window   = "6h"

[rollout.phases.short.exit.errors]
measure = "error_rate"
at_most = "0.5%"
window  = "6h"

[rollout.phases.short.abort.failing]
measure = "error_rate"
above   = "5%"
window  = "5m"

# --- Within three months: burst before the queue does ------------------------

[rollout.phases.medium]
order   = 2
window  = "1-3 months"
owner   = "platform"
summary = "burst before the queue does"
goals   = { availability = "99.95%", usd_per_hour = 50 }
risks   = [{ risk = "a burst that nobody stops", guard = "two instances at most" }]
undo    = "burst instances drain and go; the on-prem pool stays"

[rollout.phases.medium.steps.hybrid]
summary = "a burst pool, used before the queue grows"
after   = ["short.autoscaler"]
set.aws.pools.g6e = { stage = "inference", size = { min = 0, max = 2 }, join = "kubernetes", instance_types = ["g6e.12xlarge"], capacity = { "g6e.12xlarge" = "9 req/s" }, image = { name = "gpu-inference" } }

[rollout.phases.medium.steps.weights]
summary = "traffic by measured capacity"
after   = ["hybrid"]
owner   = "gateway"

[rollout.phases.medium.exit.promise]
measure  = "availability"
at_least = "99.95%"
window   = "1d"

[rollout.phases.medium.abort.failing]
measure = "error_rate"
above   = "5%"
window  = "5m"
"#;

struct Session {
    repository: Repository,
    prometheus: Prometheus,
    page: String,
}

impl Session {
    fn new() -> Self {
        let prometheus = Prometheus::holding(&made::week());
        let repository = Repository::new(None);
        let here = format!("127.0.0.1:{}", prometheus.port);
        repository.write("chat", &CHAT.replace("127.0.0.1:9090", &here));
        Self { repository, prometheus, page: String::new() }
    }

    fn say(&mut self, text: &str) {
        writeln!(self.page, "{text}\n").unwrap();
    }

    fn show(&mut self, language: &str, text: &str) {
        let text = self.the_same_each_time(text.trim_end());
        writeln!(self.page, "```{language}\n{text}\n```\n").unwrap();
    }

    /// Runs `floodway …`, and puts what it prints on the page.
    #[track_caller]
    fn run(&mut self, line: &str, code: i32) -> Said {
        let said = self.quietly(line);
        let shown = line.strip_suffix(" | tail -1");
        // Of a long progress only how it ended.
        let text = match shown {
            Some(_) => last_line(&said.out),
            None => format!("{}{}", said.out, said.err),
        };
        let told = if code == 0 { String::new() } else { format!("\n$ echo $?\n{code}") };
        let text = format!("$ floodway {line}\n{}{told}", text.trim_end());
        self.show("console", &text);
        said.exits(code)
    }

    fn quietly(&self, line: &str) -> Said {
        let line = line.strip_suffix(" | tail -1").unwrap_or(line);
        // A reason is one argument.
        let mut arguments: Vec<&str> = Vec::new();
        for (at, part) in line.split('"').enumerate() {
            match at % 2 {
                0 => arguments.extend(part.split_whitespace()),
                _ => arguments.push(part),
            }
        }
        let mut command: Command = self.repository.command(&arguments);
        command.env("USER", "ada").output().unwrap().into()
    }

    fn file(&self) -> String {
        fs::read_to_string(self.repository.path().join("environments/chat.toml")).unwrap()
    }

    /// Without what differs from run to run.
    fn the_same_each_time(&self, text: &str) -> String {
        let here = format!("127.0.0.1:{}", self.prometheus.port);
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let moment = |line: &str| match line.split_once(" = \"20") {
            Some((at, _)) if at.trim() == "at" => format!("{at} = \"…\""),
            _ => line.to_owned(),
        };
        let text = text.lines().map(moment).collect::<Vec<_>>().join("\n");
        let text = text.replace(&here, "127.0.0.1:9090");
        text.replace(&format!("ada@{}", host.trim()), "ada@host")
    }
}

fn last_line(text: &str) -> String {
    format!("{}\n", text.trim_end().lines().last().unwrap_or_default())
}

#[test]
fn a_rollout_over_a_week_reads_as_the_page_in_docs() {
    let mut session = Session::new();
    session.say(
        "# A rollout, phase by phase\n\n\
         A service with two replicas of its own answers late and fails. This is its way out of \
         that: two phases in one file, what they turn on, and how each is known to be done. The \
         tests run this session on the simulator and a Prometheus that holds a week of made \
         metrics: overloaded until Thursday noon, well from then on, and half an hour on Saturday \
         in which a fifth of all requests fails. They hold every line of it. \
         [rollout.md](rollout.md) says what the keys mean.",
    );
    session.show("toml", CHAT);
    session.say("## How it stands\n\nEach criterion is measured over its window. `--at` looks at another time than now. On Thursday at 18:02 one minute of the six hours is still a bad one.");
    session.run("rollout status chat --at 2026-03-05T18:02:00Z", 0);
    session.say("In a pipeline the exit code says it: 3 is not yet.");
    session.run("rollout check chat --at 2026-03-05T18:02:00Z", 3);
    session.say("A minute later all of them were good.");
    session.run("rollout check chat --at 2026-03-05T18:03:00Z", 0);
    session.say("Before anything was measured nothing is met: no data is never good news.");
    session.run("rollout check chat --at 2026-03-01T12:00:00Z", 3);
    session.say("## The first phase\n\nThe phase that is live is laid upon the file, and applied like any other change.");
    session.run("apply chat --yes | tail -1", 0);
    session.say("What the service was like before, and after, is kept in files that go into the repository.");
    session.run("rollout record chat --moment before --at 2026-03-04T12:00:00Z", 0);
    session.run("rollout record chat --moment after --at 2026-03-06T12:30:00Z", 0);
    session.run("rollout record chat --show", 0);
    session.say("## The next phase\n\nA promotion is an edit of the file. It is refused while a criterion is not met.");
    session.run("rollout promote chat --at 2026-03-05T18:02:00Z", 3);
    session.run("rollout promote chat --at 2026-03-05T18:03:00Z", 0);
    assert!(session.file().contains("phase = \"medium\"                 # the phase that is live"));
    session.say("Commit it, open a pull request, and what is merged is applied: pools one after another, the canaries first.");
    session.run("plan chat", 0);
    session.run("apply chat --yes | tail -1", 0);
    session.say("## When it goes wrong\n\nOn Saturday requests fail. An abort criterion that is met is exit code 4.");
    session.run("rollout check chat --at 2026-03-07T09:10:00Z", 4);
    session.say("Going back is an edit too, and says why.");
    session.run("rollout rollback chat --reason \"INC-31: a fifth of all requests fails\"", 0);
    session.run("plan chat", 0);
    session.run("apply chat --yes | tail -1", 0);
    session.say("The file remembers.");
    let text = session.file();
    let history = text.find("[[rollout.history]]").unwrap();
    session.show("toml", &text[history..]);
    session.say("## The report\n\n`rollout render` makes the whole plan of it: as a page for people, as Markdown for a pull request, as JSON, or as a diagram.");
    session.run("rollout render chat --format mermaid --at 2026-03-07T12:00:00Z", 0);

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let text = format!("{}\n", session.page.trim_end());
    if std::env::var_os("FLOODWAY_WRITE_DOCS").is_some() {
        fs::write(&page, &text).unwrap();
    }
    let kept = fs::read_to_string(&page).unwrap_or_default();
    let differ = kept.lines().zip(text.lines()).find(|(kept, now)| kept != now);
    assert!(kept == text, "{PAGE} says otherwise (FLOODWAY_WRITE_DOCS=1 writes it): {differ:?}");
}
