//! Those above the controller: operators, a dry run, and the file.

use super::ground::{Ground, within};
use super::told::told;
use std::time::Duration;

#[test]
fn an_operators_hold_and_number_count_before_the_next_write() {
    let ground = Ground::new("hands");
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    let pool = format!("{}/g6e", ground.name);
    let hand = |arguments: &[&str]| {
        let said = ground.command_in(&ground.repository, arguments).output().unwrap();
        crate::support::repository::Said::from(said).exits(0)
    };
    hand(&["hold", &pool, "--scale-out", "--for", "1h", "--reason", "the bill"]);
    ground.fleet.offer(40.0);
    let held = run.decides("it is held", 20, |one| {
        let holds = one["pools"]["g6e"]["holds"].as_array().unwrap();
        holds.iter().any(|hold| hold["cause"] == "operator")
    });
    assert!(held.to_string().contains("the bill"), "{held:#}");
    let deployment = ground.deployment("g6e");
    let note = told(&ground, ("OperatorHold", "Normal"), ("Deployment", &deployment));
    assert!(note.contains("g6e is not to be scaled out") && note.contains("the bill"), "{note}");
    within("only the pool is held", 20, || (ground.replicas("h100").0 == 2).then_some(()));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(ground.asked(), [0, 0], "{}", run.said());

    // Which of its groups has them is the pool's own matter.
    let asked = || ground.asked().iter().sum::<u64>();
    hand(&["resume", &pool]);
    within("it bursts", 20, || (asked() >= 2).then_some(()));
    within("its pods serve", 60, || (ground.replicas("g6e").1 >= 8).then_some(()));
    hand(&["scale", &ground.name, "g6e", "1", "--for", "2h", "--reason", "a test"]);
    within("it is one", 60, || (asked() == 1).then_some(()));
    within("its pods are of one", 30, || (ground.replicas("g6e").0 == 4).then_some(()));
    hand(&["resume", &pool]);
    within("it bursts again", 20, || (asked() >= 2).then_some(()));
}

#[test]
fn a_dry_run_writes_nothing() {
    let ground = Ground::new("dry");
    let before = ground.bed.get(&ground.name, "configmap", &format!("floodway-{}", ground.name));
    let run = ground.controller(&["--dry-run"]);
    ground.fleet.offer(40.0);
    within("it says what it would do", 40, || {
        let said = run.said();
        (said.contains("g6e.12xlarge on-demand 0 → ") && said.contains("(not written)"))
            .then_some(())
    });
    let (status, said) = run.end();
    assert!(status.success(), "{said}");
    assert!(said.contains("a dry run writes nothing"), "{said}");
    assert_eq!(ground.writes(), []);
    assert_eq!(ground.replicas("h100").0, 1);
    assert!(ground.lease().is_none(), "it stands for no election");
    let after = ground.bed.get(&ground.name, "configmap", &format!("floodway-{}", ground.name));
    assert_eq!(before, after);
    // What it decided is on record, and not as what was done.
    let logs = std::fs::read_dir(ground.repository.path().join(".floodway/decisions")).unwrap();
    let logs: Vec<String> =
        logs.map(|log| log.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(logs, [format!("{}.dry-run.ndjson", ground.name)]);
    assert!(said.contains("this would have had"), "{said}");
}

#[test]
fn a_file_that_is_wrong_is_not_used_and_one_that_is_right_again_is() {
    let ground = Ground::new("wrong");
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    let text = ground.environment();
    ground.repository.write(&ground.name, &text.replace("max = 4", "max = \"many\""));
    within("it is told", 20, || {
        run.said().contains("what it said before still counts").then_some(())
    });
    ground.fleet.offer(40.0);
    within("it bursts as before", 20, || (ground.asked()[0] >= 2).then_some(()));
    ground.repository.write(&ground.name, &text.replace("max = 4", "max = 3"));
    within("it is read again", 20, || {
        run.said().contains("has changed, and counts now").then_some(())
    });
    let last = run.decides("it counts", 10, |_| true);
    assert_eq!(last["pools"]["g6e"]["max"], 3, "{last:#}");
}

#[test]
fn who_decides_once_waits_for_its_forecast() {
    let ground = Ground::new("once");
    let run = ground.controller(&[]);
    ground.settles(&run, 6.0);
    let (status, said) = run.end();
    assert!(status.success(), "{said}");
    let once = ["--once", "--dry-run", "--json", "--time-scale", "20"];
    let said = ground.run("run", &once).exits(0);
    let decided = said.out.lines().find_map(|line| serde_json::from_str(line).ok());
    let decided: serde_json::Value = decided.unwrap();
    assert!(decided["stages"]["inference"]["band"].is_object(), "{decided:#}");
    assert!(decided["forecasters"]["inference"].is_array(), "{decided:#}");
}
