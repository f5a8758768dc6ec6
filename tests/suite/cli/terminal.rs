//! What is asked and shown where somebody sits at a terminal.

use super::{applied, pool, settled, small};
use crate::support::pty::on_terminal;

#[test]
fn only_yes_is_taken_for_yes() {
    let repository = small(&pool("a", "1"));
    let apply = |answer: &str| on_terminal(repository.command(&["apply", "small"]), answer);
    apply("y\n").exits(1).says("Only `yes` is taken for yes").says("Nothing was applied.");
    // The end of the input is no answer.
    apply("\u{4}").exits(1).says("Nothing was applied.");
    apply("yes\n").exits(0).says("Apply complete");
    settled(&repository);
}

#[test]
fn destroying_asks_for_the_environments_name() {
    let repository = applied(&pool("a", "1"));
    let destroy = |answer: &str| on_terminal(repository.command(&["destroy", "small"]), answer);
    destroy("yes\n").exits(12).says("`yes` is not the environment's name");
    settled(&repository);
    destroy("small\n").exits(0);
    repository.run(&["orphans", "small"]).exits(0).says("No orphans");
}

#[test]
fn a_terminal_gets_colours_unless_it_has_none_or_its_owner_wants_none() {
    let repository = small(&pool("a", "1"));
    let coloured = |name: &str, value: &str| {
        let mut command = repository.command(&["plan", "small"]);
        command.env(name, value);
        on_terminal(command, "").exits(0).out.contains('\u{1b}')
    };
    assert!(coloured("TERM", "xterm"));
    assert!(!coloured("TERM", "dumb"));
    assert!(!coloured("NO_COLOR", "1"));
}
