//! Templates as a pull request may bring them.

use super::{own, repository, said};
use crate::support::repository::Repository;
use std::fs;
use std::time::{Duration, Instant};

/// Ends the test unless this template is refused, in these words and in time.
#[track_caller]
fn refused(template: &str, words: &[&str]) {
    let repository = repository();
    own(&repository, "report.md", template);
    let began = Instant::now();
    let mut said = said(&repository, "md").exits(65);
    assert!(began.elapsed() < Duration::from_secs(180), "{:?}", began.elapsed());
    assert_eq!(said.out, "");
    for word in words {
        said = said.says(word);
    }
}

#[test]
fn a_variable_that_is_missing_is_named_with_its_file_and_line() {
    refused("one\n{{ sumary.live }}\n", &["sumary", "environments/small/rollout/report.md:2:4"]);
    refused(
        "{% for phase in phases %}\n{{ phase.nme }}\n{% endfor %}",
        &["nme", "environments/small/rollout/report.md:2:"],
    );
}

#[test]
fn wrong_syntax_is_named_with_its_file_and_line() {
    refused("one\n\n{% if %}", &["environments/small/rollout/report.md:3:"]);
    refused("{{ environment | shout }}", &["shout", "environments/small/rollout/report.md:1:"]);
}

#[test]
fn an_error_in_a_part_names_the_part() {
    let repository = repository();
    own(&repository, "phase.md", "\n{{ phase.nothing }}");
    said(&repository, "md").exits(65).says("environments/small/rollout/phase.md:2:");
}

#[test]
fn no_template_reads_a_file_or_the_environment() {
    refused("{% include \"/etc/passwd\" %}", &["/etc/passwd"]);
    refused("{% include \"../../../small.toml\" %}", &["small.toml"]);
    refused("{% extends \"/etc/passwd\" %}", &["/etc/passwd"]);
    refused("{{ get_env(name=\"HOME\") }}", &["get_env"]);
    refused("{% include \"report.md\" %}", &["report.md"]);
}

#[test]
fn a_template_that_never_ends_is_ended() {
    let deep = "{% for a in range(end=99999) %}{% for b in range(end=99999) %}\
                {% for c in range(end=99999) %}{% endfor %}{% endfor %}{% endfor %}";
    refused(deep, &["take more than 5 s of a processor", "environments/small/rollout"]);
}

#[test]
fn a_range_has_an_end() {
    refused("{% for a in range(end=1000000000000) %}x{% endfor %}", &["range", "report.md:1:"]);
}

#[test]
fn a_text_that_doubles_and_doubles_has_an_end() {
    let doubles = "{% set_global text = \"0123456789abcdef\" %}{% for a in range(end=64) %}\
                   {% set_global text = text ~ text %}{% endfor %}{{ text }}";
    refused(doubles, &["512 MiB of memory"]);
}

#[test]
fn a_document_has_a_size() {
    let long = "{% for a in range(end=99999) %}{% for b in range(end=99999) %}\
                0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                {% endfor %}{% endfor %}";
    refused(long, &["more than 16 MiB"]);
}

#[test]
fn parts_that_call_themselves_have_an_end() {
    let repository = repository();
    own(&repository, "report.md", "{% include \"_a.md\" %}");
    own(&repository, "_a.md", "{% include \"_b.md\" %}");
    own(&repository, "_b.md", "{% include \"_a.md\" %}");
    said(&repository, "md").exits(65).says("Circular");
    let component = "{% component again(n) %}{{ <again n={n} /> }}{% endcomponent again %}\
                     {{ <again n={1} /> }}";
    refused(component, &["environments/small/rollout/report.md: ", "recursion"]);
}

#[test]
fn a_file_that_stands_in_for_nothing_is_told() {
    let repository = repository();
    own(&repository, "reprot.md", "x");
    said(&repository, "md").exits(65).says("reprot.md").says("did you mean `report.md`?");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_repository_is_not_followed() {
    let repository = repository();
    own(&repository, "_x.md", "");
    let folder = repository.path().join("environments/small/rollout");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("report.md")).unwrap();
    said(&repository, "md").exits(65).says("it lies outside the repository");
}

#[test]
fn what_a_template_reads_is_the_view_and_nothing_of_the_machine() {
    let repository = repository();
    own(&repository, "report.md", "{{ __tera_context }}");
    let said = said(&repository, "md");
    let text = said.out + &said.err;
    assert!(!text.contains(&home(&repository)), "{text}");
}

fn home(repository: &Repository) -> String {
    fs::canonicalize(repository.path()).unwrap().to_string_lossy().into_owned()
}
