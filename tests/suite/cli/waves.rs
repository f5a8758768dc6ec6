//! Waves, pauses and aborts on the command line, in a simulated world.

use super::{applied, declare, image, pool, settled};
use crate::support::repository::Repository;
use serde_json::Value;
use std::fs;

/// Three pools, from `a` with the least to `c` with the most.
fn pools() -> String {
    pool("c", "3") + &pool("a", "1") + &pool("b", "2")
}

const WAVES: &str = "[rollout.waves]\nwait = \"10m\"\n";
const PHASE: &str = "[rollout.phases.short]\norder = 1\n[rollout.phases.short.abort]\n\
                     errors = { measure = \"error_rate\", above = \"5%\" }\n";

/// Applied with image `0`; then image `1` is declared.
fn two_images(rest: &str) -> Repository {
    let repository = applied(&(pools() + rest));
    let path = repository.path().join("environments/small.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&image('0'), &image('1'))).unwrap();
    repository
}

fn json(repository: &Repository, command: &[&str], code: i32) -> Value {
    serde_json::from_str(&repository.run(command).exits(code).out).unwrap()
}

#[test]
fn a_plan_shows_its_waves_and_an_apply_goes_through_them() {
    let repository = two_images(WAVES);
    let plan = repository.run(&["plan", "small"]).exits(0);
    plan.says("Wave 1 of 3: pool a, then 10m of watching").says("Wave 3 of 3: pool c");
    let plan = json(&repository, &["plan", "small", "--json"], 0);
    assert_eq!(plan["waves"]["wait_s"], 600.0);
    assert_eq!(plan["waves"]["waves"][1]["pools"], serde_json::json!(["b"]));
    let wave_of = |pool: &str| {
        let changes = plan["changes"].as_array().unwrap();
        let found = changes.iter().find(|change| change["pool"] == pool).unwrap();
        found["wave"].as_u64().unwrap()
    };
    assert_eq!(["a", "b", "c"].map(wave_of), [1, 2, 3]);
    let schema = json(&repository, &["schema", "plan"], 0);
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&plan));

    repository.run(&["plan", "small", "--out", "saved"]).exits(0);
    repository.run(&["show", "saved"]).exits(0).says("Wave 2 of 3: pool b");
    let events = repository.path().join("events.ndjson");
    let apply = ["apply", "saved", "--json-into", events.to_str().unwrap()];
    let said = repository.run(&apply).exits(0);
    said.says("Wave 1 of 3: 1 change (pool a)")
        .says("Wave 1 of 3 is done: waiting 10m")
        .says("Wave 3 of 3: nothing speaks against it");
    let schema = json(&repository, &["schema", "events"], 0);
    let schema = jsonschema::validator_for(&schema).unwrap();
    let lines = fs::read_to_string(&events).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| schema.is_valid(line)));
    let waves = lines.iter().filter(|line| line["type"] == "wave_passed");
    assert_eq!(waves.map(|line| line["wave"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    settled(&repository);
    let journal = json(&repository, &["journal", "small", "--json"], 0);
    assert_eq!(
        (&journal["wave"]["wave"], &journal["wave"]["state"]),
        (&3.into(), &"passed".into())
    );
}

#[test]
fn one_pool_and_no_waves_are_as_they_were() {
    let repository = applied(&(pool("a", "1") + WAVES));
    let plan = json(&repository, &["plan", "small", "--json"], 0);
    assert_eq!(plan["waves"]["waves"].as_array().unwrap().len(), 1);
    let repository = two_images("");
    let said = repository.run(&["plan", "small", "--json"]).exits(0);
    assert!(!said.out.contains("\"wave"), "{}", said.out);
    let said = repository.run(&["apply", "small", "--yes"]).exits(0);
    assert!(!said.err.contains("Wave"), "{}", said.err);
}

#[test]
fn what_is_paused_is_refused_until_it_is_resumed() {
    let repository = two_images(WAVES);
    let pause = ["rollout", "pause", "small", "--reason", "a look"];
    let said = repository.run(&pause).exits(0);
    said.says("paused: the rollout: a look").says("until `floodway rollout resume small`");
    repository.run(&["status", "small"]).exits(0).says("paused: the rollout: a look");
    let status = json(&repository, &["status", "small", "--json"], 0);
    assert_eq!(status["hands"]["pause"]["reason"], "a look");
    repository.run(&["plan", "small"]).exits(12).says("refused (paused)");
    repository.run(&["apply", "small", "--yes"]).exits(12).says("floodway rollout resume small");
    // What holds the controller is another matter.
    repository.run(&["resume", "small"]).exits(0).says("Nothing was held or set in small.");
    repository.run(&["plan", "small"]).exits(12);
    repository.run(&["rollout", "resume", "small"]).exits(0).says("small may go on");
    let again = repository.run(&["rollout", "resume", "small"]).exits(0);
    again.says("Nothing kept the rollout of small from going on.");
    repository.run(&["apply", "small", "--yes"]).exits(0);
    settled(&repository);
    // Where nothing is left to do, a pause stands in no one's way.
    repository.run(&pause).exits(0);
    settled(&repository);
    repository.run(&["destroy", "small", "--confirm", "small"]).exits(0);
}

#[test]
fn a_saved_plan_is_refused_when_it_is_paused_since() {
    let repository = two_images(WAVES);
    repository.run(&["plan", "small", "--out", "saved"]).exits(0);
    repository.run(&["rollout", "pause", "small", "--reason", "a look"]).exits(0);
    repository.run(&["apply", "saved"]).exits(12).says("is paused: a look");
    repository.run(&["rollout", "resume", "small"]).exits(0);
    repository.run(&["apply", "saved"]).exits(0);
}

#[test]
fn what_has_no_rollout_cannot_be_paused() {
    let repository = applied(&pools());
    let pause = ["rollout", "pause", "small", "--reason", "a look"];
    repository.run(&pause).exits(64).says("has no rollout").says("[rollout.waves]");
    repository.run(&["rollout", "pause", "small"]).exits(64).says("--reason");
    declare(&repository, &(pools() + PHASE));
    repository.run(&pause).exits(0);
    let hands = json(&repository, &["rollout", "resume", "small", "--json"], 0);
    let schema = json(&repository, &["schema", "hands"], 0);
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&hands), "{hands}");
}

#[test]
fn criteria_that_nobody_measures_are_told_and_stop_nothing() {
    let repository = two_images(&(WAVES.to_owned() + PHASE));
    let path = repository.path().join("environments/small.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("name = \"small\"", "name = \"small\"\nphase = \"short\""))
        .unwrap();
    let said = repository.run(&["apply", "small", "--yes"]).exits(0);
    said.says("abort criterion errors cannot be told ([signals] names no server)")
        .says("wave 1 passes without it");
    settled(&repository);
}

/// A server that answers every query with the same number, whenever it is asked for.
#[cfg(feature = "prometheus")]
struct Constant {
    address: std::net::SocketAddr,
    value: std::sync::Arc<std::sync::Mutex<f64>>,
}

#[cfg(feature = "prometheus")]
impl Constant {
    fn of(value: f64) -> Self {
        let value = std::sync::Arc::new(std::sync::Mutex::new(value));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let said = std::sync::Arc::clone(&value);
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, value) = (stream.unwrap(), *said.lock().unwrap());
                std::thread::spawn(move || answer(stream, value));
            }
        });
        Self { address, value }
    }

    fn says(&self, value: f64) {
        *self.value.lock().unwrap() = value;
    }
}

/// Answers what is asked on one connection: `value` at each point of each range.
#[cfg(feature = "prometheus")]
fn answer(stream: std::net::TcpStream, value: f64) -> Option<()> {
    use std::io::{BufReader, Write};
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let (_, body) = crate::support::web::request(&mut reader)?;
        let body = String::from_utf8(body).ok()?;
        let number = |key: &str| -> Option<f64> {
            let mut parts = body.split('&').filter_map(|part| part.split_once('='));
            parts.find(|(name, _)| *name == key)?.1.trim_end_matches("ms").parse().ok()
        };
        let (start, end, step) = (number("start")?, number("end")?, number("step")? / 1000.0);
        let points = (0..).map(|nth| start + f64::from(nth) * step).take_while(|at| *at <= end);
        let values: Vec<Value> =
            points.map(|at| serde_json::json!([at, value.to_string()])).collect();
        let body = serde_json::json!({"status": "success", "data": {
            "resultType": "matrix", "result": [{"metric": {}, "values": values}]}})
        .to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
        write!(stream, "{head} {}\r\n\r\n{body}", body.len()).ok()?;
    }
}

#[cfg(feature = "prometheus")]
fn in_phase(repository: &Repository, from: &str, to: &str) {
    let path = repository.path().join("environments/small.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(from, to)).unwrap();
}

#[cfg(feature = "prometheus")]
#[test]
fn an_abort_criterion_stops_the_waves_until_somebody_says_why_it_goes_on() {
    let server = Constant::of(0.07);
    let rest = format!(
        "[signals]\nprometheus = \"http://{}\"\n{WAVES}[rollout.phases.short]\norder = 1\n\
         [rollout.phases.medium]\norder = 2\n[rollout.phases.medium.abort]\n\
         errors = {{ query = \"errors\", above = \"5%\" }}\n",
        server.address
    );
    let repository = two_images(&rest);
    in_phase(&repository, "name = \"small\"\n", "name = \"small\"\nphase = \"medium\"\n");
    let said = repository.run(&["apply", "small", "--yes"]).exits(13);
    said.says("Stopped early: after wave 1 of 3, errors is 7%, which is above 5%")
        .says("Next: floodway rollout status small")
        .says("or: floodway rollout rollback small --reason")
        .says("or: floodway rollout resume small --reason");
    let status = repository.run(&["status", "small"]).exits(0);
    status.says("aborted: phase medium: errors was 7%, which is above 5%");
    repository.run(&["plan", "small"]).exits(12).says("refused (aborted)");
    repository
        .run(&["apply", "small", "--yes"])
        .exits(12)
        .says("phase medium of small was given up");

    // The phase before may be applied; the one that was given up not, until somebody says why.
    in_phase(&repository, "phase = \"medium\"", "phase = \"short\"");
    repository.run(&["plan", "small"]).exits(0);
    in_phase(&repository, "phase = \"short\"", "phase = \"medium\"");
    repository.run(&["rollout", "resume", "small"]).exits(64).says("--reason");
    let resume = ["rollout", "resume", "small", "--reason", "the spike was ours"];
    repository.run(&resume).exits(0).says("Phase medium of small may go on");
    repository.run(&["status", "small"]).exits(0).says("lifted: the spike was ours");
    // It goes on, and stops again where it is met again.
    repository.run(&["apply", "small", "--yes"]).exits(13).says("after wave 2 of 3, errors is 7%");
    server.says(0.01);
    repository.run(&resume).exits(0);
    repository.run(&["apply", "small", "--yes"]).exits(0).says("Apply complete");
    settled(&repository);
}
