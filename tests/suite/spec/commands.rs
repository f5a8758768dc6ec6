//! `validate`, `config` and `init`, as users run them.

use crate::support::repository::{Repository, Said};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;

use super::fixture::WHOLE;

/// A repository with these environments alone.
fn only(files: &[(&str, &str)]) -> Repository {
    let repository = Repository::new(None);
    let folder = repository.path().join("environments");
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        repository.write(name, text);
    }
    repository
}

fn times(said: &Said, text: &str) -> usize {
    said.err.matches(text).count() + said.out.matches(text).count()
}

#[test]
fn nothing_to_check_is_no_success() {
    only(&[]).run(&["validate"]).exits(64).says("there is no environment to check");
    only(&[("base", "[slo]\n")]).run(&["validate"]).exits(64).says("floodway init NAME");
}

#[test]
fn every_name_is_looked_at_and_the_worst_is_the_exit_code() {
    let repository = Repository::new(None);
    repository.write("wrong", &WHOLE.replace("min = 3", "min = 30"));
    repository
        .run(&["validate", "demo", "nope", "wrong", "prod"])
        .exits(65)
        .says("environments/demo.toml is valid")
        .says("there is no environment `nope`")
        .says("environments/wrong.toml has 1 error")
        .says("environments/prod.toml is valid");
    repository.run(&["validate", "demo", "nope"]).exits(64);
    let said = repository.run(&["validate", "nope", "wrong", "--json"]).exits(65);
    let documents: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(documents[0]["file"], "nope");
    assert_eq!(documents[0]["diagnostics"][0]["severity"], "error");
    assert_eq!(documents[1]["valid"], false);
    assert_eq!(documents[1]["left_out"], 0);
}

#[test]
fn json_says_how_much_it_leaves_out_and_where_a_file_is_missing() {
    let unknown: String = (0..150).map(|n| format!("k{n} = 1\n")).collect();
    let repository = only(&[("many", &(unknown + WHOLE)), ("alone", "extends = \"gone.toml\"\n")]);
    let said = repository.run(&["validate", "many", "alone", "--json"]).exits(65);
    let documents: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(documents[0]["left_out"], 50);
    assert_eq!(documents[1]["diagnostics"][0]["labels"][0]["file"], "environments/alone.toml");
}

#[test]
fn what_is_only_extended_is_no_environment_and_its_mistakes_are_said_once() {
    let base = WHOLE.replace("name = \"prod\"\n", "");
    let top = |name: &str| format!("extends = \"common.toml\"\n[environment]\nname = \"{name}\"\n");
    let repository = only(&[("common", &base), ("a", &top("a")), ("b", &top("b"))]);
    let said = repository.run(&["validate"]).exits(0);
    assert_eq!(times(&said, "common"), 0, "{said:?}");
    repository.write("common", &base.replace("min = 3", "min = 30"));
    let said = repository.run(&["validate"]).exits(65).says("environments/b.toml has 1 error");
    assert_eq!(times(&said, "has min 30 above max 20"), 1, "{said:?}");
    // One that names itself is one, whoever extends it.
    let repository = only(&[("a", &WHOLE.replace("min = 3", "min = 30"))]);
    repository.write("b", "extends = \"a.toml\"\nenvironment.name = \"b\"\n");
    repository.run(&["validate"]).exits(65).says("environments/a.toml has 1 error");
}

#[test]
fn one_name_in_two_files_is_refused() {
    let repository = only(&[("prod", WHOLE), ("prod2", WHOLE)]);
    repository
        .run(&["validate"])
        .exits(65)
        .says("two environments are called `prod`")
        .says("environments/prod.toml:3:1 and environments/prod2.toml:3:1");
    repository.run(&["validate", "prod", "environments/prod.toml"]).exits(0);
}

#[test]
fn a_file_that_is_not_there_is_wrong_usage_with_the_one_that_was_meant() {
    let repository = Repository::new(None);
    symlink("gone.toml", repository.path().join("environments/dangling.toml")).unwrap();
    for (env, meant) in [
        ("prod.toml", "did you mean the environment `prod`?"),
        ("environments/prd.toml", "did you mean environments/prod.toml?"),
        ("nope/stagin.toml", "did you mean the environment `staging`?"),
        ("prd", "did you mean `prod`?"),
        ("dangling", "is a link to a file that is not there"),
        ("environments/dangling.toml", "is a link to a file that is not there"),
    ] {
        repository.run(&["validate", env]).exits(64).says(meant);
        repository.run(&["plan", env]).exits(64).says(meant);
    }
    for silly in [".", "", "x\n::error::y"] {
        let said = repository.run(&["validate", silly]);
        assert_eq!(times(&said, "did you mean"), 0, "{said:?}");
        assert_eq!(times(&said, "\n::error"), 0, "{said:?}");
        assert_ne!(said.code, Some(0));
    }
}

#[test]
fn a_link_out_of_the_repository_is_refused_whatever_leads_to_it() {
    let repository = only(&[]);
    let outside = only(&[("prod", "secret = \"s3cr3t\"\n")]);
    fs::create_dir(repository.path().join(".git")).unwrap();
    let folder = repository.path().join("environments");
    fs::remove_dir(&folder).unwrap();
    symlink(outside.path().join("environments"), &folder).unwrap();
    for env in ["prod", "environments/prod.toml"] {
        let said = repository.run(&["validate", env]).exits(65).says("lies outside the repository");
        assert_eq!(times(&said, "s3cr3t"), 0, "{said:?}");
    }
}

#[test]
fn a_resolved_file_has_one_line_for_each_value() {
    let model = "model = \"deepseek-ai/DeepSeek-R1-Distill-Llama-8B\"";
    let summary = "[rollout.phases.short]\nsummary = \"one\\ntwo \\u202e three\"\n";
    let text =
        WHOLE.replace("[rollout.phases.short]\n", summary).replace(model, "model = 'a \"b\"'");
    let repository = only(&[("prod", &text)]);
    let said = repository.run(&["config", "prod", "--origins"]).exits(0);
    let line = said.out.lines().find(|line| line.starts_with("summary")).unwrap();
    assert!(line.starts_with(r#"summary = "one\ntwo \u202e three""#), "{line}");
    assert!(line.contains("  # environments/prod.toml:"), "{line}");
    assert!(said.out.contains("model = 'a \"b\"'"), "{}", said.out);
}

#[test]
fn init_writes_where_environments_are_with_a_schema_beside_it() {
    let repository = only(&[]);
    let folder = repository.path().join("environments");
    let run = |arguments: &[&str]| -> Said {
        repository.command(arguments).current_dir(&folder).output().unwrap().into()
    };
    run(&["init", "mine"]).exits(0).says("Wrote mine.toml").says("floodway plan mine");
    assert!(folder.join("mine.toml").exists() && !folder.join("environments").exists());
    let text = fs::read_to_string(folder.join("mine.toml")).unwrap();
    assert!(text.starts_with("#:schema ./schema.json\n"));
    let schema = fs::read_to_string(folder.join("schema.json")).unwrap();
    assert_eq!(schema, run(&["schema"]).exits(0).out);
    run(&["init", "base"]).exits(64).says("not one of them");
    fs::write(folder.join("schema.json"), "{}").unwrap();
    run(&["init", "other"]).exits(0);
    assert_eq!(fs::read_to_string(folder.join("schema.json")).unwrap(), "{}");
    run(&["validate"]).exits(0);
}
