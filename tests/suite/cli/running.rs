//! `floodway run` beside other commands: whom it follows, what it records, how it ends,
//! and which files it watches.

use super::{BURST, applied, declare, pool, scenario, small};
use crate::support::repository::Repository;
use crate::support::running::Running;
use std::fs;
use std::time::{Duration, Instant};

/// What `look` finds within a while.
fn within<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what}: not within 20 s");
}

/// A controller of `small` that has decided once and waits, and its name.
pub(super) fn leading(repository: &Repository) -> (Running, String) {
    let run = Running::start(repository.command(&["run", "small", "--interval", "1h"]));
    let show = ["lock", "show", "small", "--lead", "--json"];
    let leader = within("somebody leads", || {
        let said = repository.run(&show).exits(0).out;
        let shown: serde_json::Value = serde_json::from_str(&said).unwrap();
        Some(shown["held"][0]["holder"].as_str()?.to_owned())
    });
    within("it has decided", || {
        let log = repository.path().join(".floodway/decisions/small.ndjson");
        fs::read_to_string(log).ok().filter(|text| text.ends_with('\n'))
    });
    (run, leader)
}

#[test]
fn why_says_that_a_follower_wrote_nothing_and_who_led() {
    let repository = applied(&pool("a", "1"));
    let (controller, leader) = leading(&repository);
    repository.run(&["why", "small"]).exits(0).says("nothing had to be written");
    let once = repository.run(&["run", "small", "--once"]).exits(11);
    once.says(&format!("nothing is written: {leader} leads"));
    let told = format!("nothing was written: {leader} leads");
    repository.run(&["why", "small"]).exits(0).says(&told);
    let said = repository.run(&["why", "small", "--json"]).exits(0);
    let record: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&record["standing"], &record["leader"]), (&"follows".into(), &leader.into()));
    controller.signal("INT");
    controller.end().exits(0);
}

#[test]
fn a_decision_log_that_cannot_be_made_is_told_of_once_and_stops_nothing() {
    let repository = Repository::new(None);
    fs::create_dir(repository.path().join(".floodway")).unwrap();
    fs::write(repository.path().join(".floodway/decisions"), "in the way").unwrap();
    let run = ["run", "demo", "--interval", "100ms", "--for", "500ms"];
    let said = repository.run(&run).exits(0);
    assert_eq!(said.err.matches("the decision was not recorded").count(), 1, "{}", said.err);
}

#[test]
fn a_table_of_prices_that_changes_is_taken_over_while_it_runs() {
    let repository = Repository::new(None);
    let run = ["run", "demo", "--interval", "100ms", "--for", "20s"];
    let mut run = Running::start(repository.command(&run));
    let log = repository.path().join(".floodway/decisions/demo.ndjson");
    within("it decides", || log.exists().then_some(()));
    let table = "instance_type,region,usd_per_hour,date\n\
                 g6e.12xlarge,us-east-1,9.99,2026-10-01\n";
    fs::write(repository.path().join("environments/prices.csv"), table).unwrap();
    let told = "the table of prices beside environments/demo.toml has changed, and counts now";
    assert!(run.says(told), "{}", run.said());
    run.signal("TERM");
    run.end().exits(0);
}

#[test]
fn a_change_that_cannot_be_taken_over_yet_is_told_once_and_tried_again() {
    let repository = small(&pool("a", "1"));
    let file = scenario(&repository, "seed = 7\n");
    repository.run(&["apply", "small", "--yes", "--scenario", &file]).exits(0);
    let fast = ["--interval", "6s", "--time-scale", "60", "--for", "1h"];
    let run = [&["run", "small", "--scenario", file.as_str()][..], &fast].concat();
    let mut run = Running::start(repository.command(&run));
    let log = repository.path().join(".floodway/decisions/small.ndjson");
    within("it decides", || log.exists().then_some(()));
    fs::remove_file(&file).unwrap();
    declare(&repository, &pool("a", "2"));
    assert!(run.says("small.toml is tried again until it can be"), "{}", run.said());
    // Several tries, by half a second.
    std::thread::sleep(Duration::from_secs(2));
    fs::write(&file, "seed = 7\n").unwrap();
    assert!(run.says("small.toml has changed, and counts now"), "{}", run.said());
    run.signal("TERM");
    let said = run.end().exits(0);
    assert_eq!(said.err.matches("scenario.toml").count(), 1, "{}", said.err);
}

#[test]
fn a_file_that_leaves_its_region_is_not_taken_over_while_it_runs() {
    let text = format!("{}{BURST}", pool("a", "1"));
    let repository = applied(&text);
    let run = ["run", "small", "--interval", "100ms", "--for", "20s"];
    let mut run = Running::start(repository.command(&run));
    let log = repository.path().join(".floodway/decisions/small.ndjson");
    within("it decides", || log.exists().then_some(()));
    declare(&repository, &text.replace("us-east-1", "us-west-2"));
    assert!(run.says("what it said before still counts"), "{}", run.said());
    run.signal("TERM");
    run.end().exits(0).says("the environment has left us-east-1").says("run them anew");
}

#[cfg(feature = "kube")]
#[test]
fn a_signal_ends_it_at_once_while_a_login_helper_hangs() {
    let mut repository = Repository::new(None);
    let config = "\
apiVersion: v1
kind: Config
current-context: dc
contexts: [{name: dc, context: {cluster: dc, user: me}}]
clusters: [{name: dc, cluster: {server: \"https://127.0.0.1:1\"}}]
users:
- name: me
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: sh
      args: [\"-c\", \"touch begun; exec sleep 30\"]
      interactiveMode: Never
";
    let kubeconfig = repository.path().join("kubeconfig");
    fs::write(&kubeconfig, config).unwrap();
    repository.use_kubeconfig(&kubeconfig);
    let real = super::environment(&pool("a", "1"));
    repository.write("small", &real.replace("provider = \"sim\"", "context = \"dc\""));
    let begun = repository.path().join("begun");
    for (more, code) in [(None, 0), (Some("--once"), 1)] {
        let arguments: Vec<&str> = ["run", "small"].into_iter().chain(more).collect();
        let run = Running::start(repository.command(&arguments));
        within("the helper runs", || begun.exists().then_some(()));
        let asked = Instant::now();
        run.signal("TERM");
        run.end().exits(code);
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        fs::remove_file(&begun).unwrap();
    }
}
