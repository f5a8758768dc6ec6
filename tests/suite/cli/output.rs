use super::{pool, settled, small};
use crate::support::repository::Said;
use std::fs;
use std::process::Stdio;

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let repository = small(&pool("a", "1"));
    // Nobody can read this any more: every write to it fails.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let said = repository.command(&["schema"]).stdout(writer).stderr(Stdio::piped()).output();
    let said = Said::from(said.unwrap()).exits(0);
    assert_eq!(said.err, "");
}

#[test]
fn output_that_cannot_be_written_fails_the_command_and_stops_no_work() {
    let repository = small(&pool("a", "1"));
    let into_full = |arguments: &[&str]| {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        Said::from(repository.command(arguments).stdout(full).output().unwrap())
    };
    into_full(&["plan", "small", "--detailed-exitcode"]).exits(1).says("standard output");
    into_full(&["apply", "small", "--yes"]).exits(1).says("standard output");
    settled(&repository);
    repository.write("broken", "x");
    into_full(&["validate", "broken", "--json"]).exits(65);
}

#[test]
fn colours_are_forced_and_forbidden_by_the_usual_variables() {
    let repository = small(&pool("a", "1"));
    let coloured = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = repository.command(&[&["plan", "small"], flags].concat());
        let said = command.envs(variables.iter().copied()).output().unwrap();
        Said::from(said).exits(0).out.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(coloured(&[("NO_COLOR", "1")], &["--color", "always"]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
}
