//! What is asked and shown where somebody sits at a terminal.

use super::{applied, pool, settled, small};
use crate::support::pty::on_terminal;
use crate::support::repository::Repository;
use std::process::Command;

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

#[test]
fn a_live_view_is_drawn_obeys_its_keys_and_leaves_the_terminal_as_it_was() {
    let repository = Repository::new(None);
    repository.run(&["apply", "day", "--yes"]).exits(0);
    repository.run(&["run", "day", "--once"]).exits(0);
    let top = |keys: &str| {
        let own = repository.command(&["top", "day"]);
        // A terminal begins without a size.
        let mut command = Command::new("sh");
        command.args(["-c", "stty rows 24 cols 80; exec \"$0\" \"$@\""]);
        command.arg(own.get_program()).args(own.get_args()).current_dir(repository.path());
        command.env("TERM", "xterm").env("HOME", repository.path());
        on_terminal(command, keys)
    };
    // Frozen, the next stage, and out.
    let said = top(" \tq").exits(0);
    let (begins, ends) = ("\u{1b}[?1049h", "\u{1b}[?1049l");
    let shown = said.out.split_once(begins).unwrap().1;
    let (shown, _) = shown.split_once(ends).unwrap();
    assert!(shown.contains("day"), "{shown:?}");
    // Ctrl-C ends it too.
    top("\u{3}").exits(0);
}
