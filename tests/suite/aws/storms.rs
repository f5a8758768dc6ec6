//! Storms in the middle of an apply that makes, changes and takes away: it
//! converges, or ends with a report; then an undisturbed one ends where there was
//! no storm, and nothing has gone that would not have gone without it.

use super::account::{Account, differences, pool_of};
use crate::support::repository::Said;
use crate::support::running::Running;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What writes, as the stand-in's rules match names.
const WRITES: [&str; 11] = [
    "Create*",
    "Update*",
    "Put*",
    "Delete*",
    "Modify*",
    "Set*",
    "Terminate*",
    "Enable*",
    "Disable*",
    "Start*",
    "Complete*",
];
/// A slow machine makes no slow account.
const LONGEST_CALM: Duration = Duration::from_secs(2);

/// How long it goes on.
const STORM: Duration = Duration::from_secs(30);

/// How an apply goes where nothing disturbs it.
struct Calm {
    end: Value,
    gone: Vec<String>,
    writes: usize,
    /// Calls in a second, of each service, that read or write.
    rates: BTreeMap<(String, bool), f64>,
}

fn writes(call: &Value) -> bool {
    let action = call["action"].as_str().unwrap();
    let dry = call["parameters"]["DryRun"] == true;
    !dry && WRITES.iter().any(|name| action.starts_with(name.trim_end_matches('*')))
}

impl Calm {
    /// Where it begins so.
    fn of(account: &Account) -> Self {
        let began = Instant::now();
        let said = account.run(&["apply", "edge", "--yes"]).exits(0);
        let seconds = began.elapsed().min(LONGEST_CALM).as_secs_f64();
        let calls = account.bed.calls();
        let mut rates = BTreeMap::new();
        for call in calls.iter().filter(|call| call["service"] != "sts") {
            let service = call["service"].as_str().unwrap().to_owned();
            *rates.entry((service, writes(call))).or_default() += 1.0 / seconds;
        }
        let writes = calls.iter().filter(|call| writes(call)).count();
        let gone = account.gone(&said.out);
        assert!(!gone.is_empty());
        Self { end: account.end(), gone, writes, rates }
    }
}

/// An account in which a pool is to shrink and to get an image, one to go and one
/// to come.
fn changed() -> Account {
    let account = Account::new();
    account.bed.settings(&json!({"heartbeat_scale": 0.001}));
    let other =
        |name: &str, size: &str| pool_of(size, "").replace("pools.g6e]", &format!("pools.{name}]"));
    account.write(&format!("{}\n{}", pool_of("4", ""), other("old", "1")));
    account.applied();
    account.publish();
    account.write(&format!("{}\n{}", pool_of("1", ""), other("new", "2")));
    account.bed.forget_calls();
    account
}

impl Account {
    /// What was taken away, by the calls that had an effect, each of which was
    /// announced in `said`.
    fn gone(&self, said: &str) -> Vec<String> {
        let takes = ["Terminate", "Delete", "Detach"];
        let mut gone = Vec::new();
        for call in self.bed.calls() {
            let action = call["action"].as_str().unwrap();
            if call["status"] != 200 || !takes.iter().any(|take| action.starts_with(take)) {
                continue;
            }
            let parameters = &call["parameters"];
            let instance = parameters["InstanceId"].as_str();
            assert!(instance.is_none_or(|id| said.contains(id)), "not announced: {call}");
            let of = parameters["AutoScalingGroupName"].as_str().unwrap_or("one");
            gone.push(format!("{action} {of}"));
        }
        gone.sort();
        gone
    }

    /// What is there. Which of equal instances are left, their IDs decide.
    fn end(&self) -> Value {
        let mut end = self.region("us-east-1");
        for group in end["groups"].as_array_mut().unwrap() {
            for instance in group["instances"].as_array_mut().unwrap() {
                (instance["zone"], instance["subnet"]) = (Value::Null, Value::Null);
            }
        }
        end
    }

    /// Applies; `storm` begins when half of the writes are done, and hands back
    /// the rules that end with it.
    fn apply_into(&self, calm: &Calm, storm: impl FnOnce() -> Vec<u64>) -> Said {
        let held = self.bed.rule(&json!({"kind": "withhold", "action": WRITES,
            "nth": calm.writes / 2}));
        let running = Running::start(self.command(&["apply", "edge", "--yes"]));
        let began = Instant::now();
        while self.bed.withheld().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(60), "it writes too little");
            std::thread::sleep(Duration::from_millis(10));
        }
        let rules = storm();
        self.bed.drop_rule(held[0]);
        self.bed.release();
        let said = running.end();
        let struck = self.bed.rules();
        for rule in rules {
            let struck = struck.iter().any(|one| one["id"] == rule && one["done"] != 0);
            assert!(struck, "it was no storm: {said:?}");
            self.bed.drop_rule(rule);
        }
        said
    }

    /// After the storm: the apply said what it left, and the next one ends where
    /// there was no storm.
    #[track_caller]
    fn recovers(&self, calm: &Calm, said: &Said) {
        match said.code {
            Some(0) => {}
            Some(1) => assert!(said.err.contains("error"), "{said:?}"),
            Some(13) => assert!(said.err.contains("floodway apply"), "{said:?}"),
            _ => panic!("{said:?}"),
        }
        let again = self.run(&["apply", "edge", "--yes"]).exits(0);
        self.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
        assert_eq!(differences(&self.end(), &calm.end), [""; 0], "{said:?}");
        let gone = self.gone(&format!("{}{}", said.out, again.out));
        assert_eq!(gone, calm.gone, "{said:?}");
    }
}

/// For half a minute, a tenth of the calls of a calm apply get through. The SDK's own
/// limiter goes down to less than that, so that all of it would take minutes.
fn throttled(calm: &Calm) {
    let account = changed();
    let mut rules = Vec::new();
    for ((service, writes), rate) in &calm.rates {
        let actions: Vec<&str> = if *writes { WRITES.to_vec() } else { vec!["Describe*", "Get*"] };
        rules.extend(account.bed.rule(&json!({"kind": "throttle", "service": service,
            "action": actions, "rate": rate / 10.0, "burst": 1})));
    }
    let running = Running::start(account.command(&["apply", "edge", "--yes"]));
    std::thread::sleep(STORM);
    let struck = account.bed.rules();
    let struck = struck.iter().filter(|rule| rule["kind"] == "throttle");
    assert!(struck.filter_map(|rule| rule["done"].as_u64()).sum::<u64>() > 3, "it was no storm");
    rules.into_iter().for_each(|rule| account.bed.drop_rule(rule));
    account.recovers(calm, &running.end().exits(0));
}

fn out(calm: &Calm, how: &str) {
    let account = changed();
    let outage = json!({"kind": "outage", "seconds": STORM.as_secs(), "how": how});
    let began = Instant::now();
    let said = account.apply_into(calm, || account.bed.rule(&outage));
    std::thread::sleep(STORM.saturating_sub(began.elapsed()));
    account.recovers(calm, &said);
}

/// This machine's clock jumps away from that of AWS, which then refuses what was
/// signed by it.
fn skewed(calm: &Calm, seconds: i64, code: &str) {
    let account = changed();
    let skew = json!({"kind": "skew", "seconds": seconds, "code": code});
    let said = account.apply_into(calm, || account.bed.rule(&skew));
    account.recovers(calm, &said.exits(0));
}

/// AWS's own clock jumps back and forth, by which instances start, hooks run out
/// and schedules act.
fn jumped(calm: &Calm) {
    let account = changed();
    account.bed.settings(&json!({"launch_seconds": 0.5}));
    let bed = &account.bed;
    std::thread::scope(|scope| {
        let said = account.apply_into(calm, || {
            bed.advance(-7200.0);
            scope.spawn(|| {
                std::thread::sleep(Duration::from_secs(2));
                bed.advance(14400.0);
            });
            Vec::new()
        });
        account.recovers(calm, &said.exits(0));
    });
}

/// All at once: most of their time is waiting.
#[test]
fn throttling_outages_and_clocks_that_jump_are_survived() {
    let calm = Calm::of(&changed());
    std::thread::scope(|scope| {
        scope.spawn(|| throttled(&calm));
        scope.spawn(|| out(&calm, "503"));
        scope.spawn(|| out(&calm, "reset"));
        scope.spawn(|| skewed(&calm, 3600, "SignatureDoesNotMatch"));
        scope.spawn(|| skewed(&calm, -3600, "RequestExpired"));
        scope.spawn(|| jumped(&calm));
    });
}

/// A clock that is wrong from the beginning is no reason for a plan to fail, or to
/// send a person to log in.
#[test]
fn a_clock_that_is_wrong_is_put_right_or_told_as_that() {
    let account = Account::new();
    let wrong = account.bed.rule(&json!({"kind": "skew", "seconds": 3600}));
    account.applied();
    account.bed.drop_rule(wrong[0]);
    account.bed.rule(&json!({"kind": "skew", "seconds": 3600, "code": "RequestExpired"}));
    account.run(&["plan", "edge"]).exits(1).says("set this machine's clock");
}
