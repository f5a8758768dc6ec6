use super::{applied, pool, small};
use crate::support::repository::Repository;
use std::fs;

#[test]
fn a_damaged_world_and_files_in_the_way_are_clear_errors() {
    let repository = applied(&pool("a", "1"));
    fs::write(repository.path().join(".floodway/sim/small.json"), "{").unwrap();
    repository.run(&["plan", "small"]).exits(1).says("is damaged").says("delete the file");

    let repository = small(&pool("a", "1"));
    fs::write(repository.path().join(".floodway"), "in the way").unwrap();
    repository.run(&["plan", "small"]).exits(1).says("cannot be made");
    repository
        .run(&["plan", "small", "--json-into", "/nowhere/events"])
        .exits(1)
        .says("/nowhere/events");
}

#[test]
fn init_writes_a_valid_environment_and_never_over_another() {
    let repository = Repository::new(None);
    repository.run(&["init", "mine"]).exits(0).says("floodway plan mine");
    repository.run(&["validate", "mine"]).exits(0);
    repository.run(&["apply", "mine", "--yes"]).exits(0);
    repository.run(&["init", "mine"]).exits(64).says("is left as it is");
    repository.run(&["validate"]).exits(0).says("environments/prod.toml is valid");
}

#[test]
fn what_is_kept_between_commands_stays_out_of_git() {
    let repository = applied(&pool("a", "1"));
    let ignored = fs::read_to_string(repository.path().join(".floodway/.gitignore")).unwrap();
    assert_eq!(ignored, "*\n");
}

/// Every file that grows over its limit meets an error, as on a full disk.
#[test]
fn a_disk_without_room_ends_an_apply_and_room_again_lets_it_finish() {
    let repository = small(&(pool("a", "2") + &pool("b", "2")));
    repository.run(&["plan", "small"]).exits(0);
    let floodway = repository.command(&["apply", "small", "--yes"]);
    let program = floodway.get_program().to_str().unwrap();
    // Room for some objects and not for all: the world grows with each.
    let limited = format!("trap '' XFSZ; ulimit -f 48; exec {program} apply small --yes");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &limited]).current_dir(repository.path());
    let said = crate::support::repository::Said::from(shell.output().unwrap());
    said.exits(13).says("cannot be written");
    repository.run(&["apply", "small", "--yes"]).exits(0);
}
