//! `floodway iam`: what a security engineer reads.

use crate::support::repository::Repository;

#[test]
fn the_policies_of_the_example() {
    let repository = Repository::new(None);
    for what in ["plan", "apply", "run"] {
        let said = repository.run(&["iam", "prod", "--for", what]).exits(0);
        insta::assert_snapshot!(format!("iam_{what}"), said.out);
    }
}

#[test]
fn what_the_file_does_not_tell_is_said_beside_the_document() {
    let repository = Repository::new(None);
    let prod = std::fs::read_to_string(repository.path().join("environments/prod.toml")).unwrap();
    let launch =
        "[aws.launch]\ninstance_profile = \"gpu-node\"\nvolume = { kms_key = \"alias/gpu\" }\n";
    repository.write("prod", &prod.replace("[aws.prices]", &format!("{launch}\n[aws.prices]")));
    let said = repository.run(&["iam", "prod", "--for", "apply"]).exits(0);
    let said = said.says("note: the role in instance profile gpu-node is taken to have its name");
    let said = said.says("AWSServiceRoleForAutoScaling the same, else no instance starts");
    assert!(!said.out.contains("note:"), "{}", said.out);
    assert!(said.out.contains("\"arn:aws:iam::123456789012:role/*/gpu-node\""), "{}", said.out);
    let said = repository.run(&["iam", "prod", "--for", "apply", "--node-role", "other"]).exits(0);
    assert!(said.out.contains(":role/other\"") && !said.out.contains("gpu-node"), "{}", said.out);
}

#[test]
fn the_policy_of_who_publishes_is_bound_to_the_images_that_the_environment_names() {
    let repository = Repository::new(None);
    let said = repository.run(&["iam", "prod", "--for", "publish"]).exits(0);
    let policy: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let find = |sid: &str| statements.iter().find(|one| one["Sid"] == sid).unwrap();
    let names =
        &find("ChangeImages")["Condition"]["StringEquals"]["aws:ResourceTag/floodway.dev/image"];
    assert_eq!(*names, serde_json::json!(["gpu-inference", "gpu-inference-standalone"]));
    let parameters = find("Channels")["Resource"].as_array().unwrap();
    assert_eq!(parameters.len(), 4, "two images in two regions");
    said.says("note: it is for account 123456789012").says("--kms-key");
}

#[test]
fn an_environment_without_an_account_has_no_policy() {
    let repository = Repository::new(None);
    repository.run(&["iam", "demo", "--for", "plan"]).exits(64).says("is simulated");
    let alone = "extends = \"base.toml\"\n[environment]\nname = \"alone\"\n[onprem]\n\
                 provider = \"sim\"\n";
    repository.write("alone", alone);
    repository.run(&["iam", "alone", "--for", "plan"]).exits(64).says("has no [aws]");
    repository.run(&["iam", "prod"]).exits(64).says("--for");
    repository
        .run(&["iam", "prod", "--for", "all"])
        .exits(64)
        .says("possible values: plan, apply, run, publish");
    repository.run(&["iam", "prdo", "--for", "plan"]).exits(64).says("did you mean `prod`?");
    let arn = "arn:aws:iam::123456789012:role/x";
    repository
        .run(&["iam", "prod", "--for", "apply", "--node-role", arn])
        .exits(64)
        .says("without its path or ARN");
    let broken = "extends = \"base.toml\"\n[environment]\nname = \"broken\"\nnane = 1\n";
    repository.write("broken", broken);
    repository
        .run(&["iam", "broken", "--for", "plan"])
        .exits(65)
        .says("environments/broken.toml:4");
}
