use super::{applied, declare, environment, pool, settled, small};
use crate::support::repository::Repository;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_saved_plan_is_private_whole_and_exact() {
    let repository = small(&pool("a", "1"));
    repository.run(&["plan", "small", "--out", "p"]).exits(0).says("floodway apply p");
    let file = repository.path().join("p");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    repository.run(&["show", "p"]).exits(0).says("Plan: ");
    let shown = repository.run(&["show", "p", "--json"]).exits(0).out;
    assert_eq!(shown, repository.run(&["plan", "small", "--json"]).exits(0).out);

    let whole = fs::read(&file).unwrap();
    for (text, said) in [
        (&whole[..whole.len() / 2], "cut off"),
        (
            b"floodway-plan 99.0\nfloodway 9.9\n".as_slice(),
            "has format 99, written by Floodway 9.9",
        ),
        (
            b"floodway-plan 1.0\nfloodway 0.1.0\n".as_slice(),
            "cut off after 33 bytes, in its header",
        ),
        (b"".as_slice(), "cut off"),
    ] {
        fs::write(repository.path().join("q"), text).unwrap();
        repository.run(&["show", "q"]).exits(1).says(said);
    }
    let mut damaged = whole.clone();
    let last = damaged.len() - 9;
    damaged[last] ^= 1;
    fs::write(repository.path().join("q"), damaged).unwrap();
    repository.run(&["apply", "q"]).exits(1).says("damaged");

    repository.run(&["apply", "p"]).exits(0);
    settled(&repository);
    repository.run(&["apply", "p"]).exits(10).says("stale");
}

#[test]
fn a_plan_is_stale_when_the_file_has_changed_and_names_the_key() {
    let repository = small(&pool("a", "1"));
    repository.run(&["plan", "small", "--out", "p"]).exits(0);
    declare(&repository, &pool("a", "2"));
    repository.run(&["apply", "p"]).exits(10).says("onprem.pools.a.replicas was 1, is 2");
    assert!(repository.run(&["status", "small", "--json"]).exits(0).out.contains("\"ready\": 0"));
}

#[test]
fn a_saved_plan_without_changes_must_still_be_true() {
    let repository = applied(&pool("a", "1"));
    repository.run(&["plan", "small", "--out", "p"]).exits(0).says("No changes");
    repository.run(&["apply", "p"]).exits(0).says("no changes");
    declare(&repository, &pool("a", "2"));
    repository.run(&["apply", "p"]).exits(10).says("onprem.pools.a.replicas was 1, is 2");
}

#[test]
fn a_refused_plan_is_saved_for_who_confirms_it() {
    let guarded = |rest: &str| environment(rest).replace("[slo]", "protected = true\n[slo]");
    let repository = Repository::new(None);
    repository.write("small", &guarded(&(pool("a", "1") + &pool("b", "1"))));
    repository.run(&["apply", "small", "--yes"]).exits(0);
    repository.write("small", &guarded(&pool("a", "1")));
    let said = repository.run(&["plan", "small", "--out", "p"]).exits(12);
    assert!(!said.out.contains("Apply exactly this"), "{}", said.out);
    said.says("If that is meant: floodway apply p --confirm small");
    repository.run(&["apply", "p"]).exits(12);
    repository.run(&["apply", "p", "--confirm", "large"]).exits(12);
    repository.run(&["apply", "p", "--confirm", "small"]).exits(0);

    let repository = applied(&(pool("a", "1") + &pool("b", "1") + &pool("c", "1")));
    declare(&repository, &pool("a", "1"));
    let said = repository.run(&["plan", "small", "--out", "p"]).exits(12);
    said.says("It cannot be applied.");
}

#[test]
fn what_a_saved_plan_cannot_be_told_is_wrong_usage() {
    let repository = small(&pool("a", "1"));
    repository.run(&["plan", "small", "--out", "p"]).exits(0);
    for flags in [&["--force-conflicts"][..], &["--target", "a"], &["--adopt", "Service/x"]] {
        let arguments = [&["apply", "p"], flags].concat();
        repository.run(&arguments).exits(64).says(flags[0]);
    }
}

#[test]
fn a_plan_that_cannot_be_saved_names_its_own_file() {
    let repository = small(&pool("a", "1"));
    let said = repository.run(&["plan", "small", "--out", "nowhere/p"]).exits(1);
    let said = said.says("nowhere/p cannot be written: No such file or directory");
    assert!(!said.err.contains(".new") && !said.err.contains(".tmp"), "{}", said.err);
}
