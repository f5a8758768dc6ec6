//! Other tools at the same work, where they are installed.

use super::measure::{Pairs, run};
use super::support::aws::AwsBed;
use super::support::repository::Repository;
use super::{TYPES, burst, command, seed, seeded};
use serde_json::json;
use std::fs;
use std::process::Command;

/// Pools of one type in two markets: 50 groups.
const POOLS: usize = 25;
/// Ansible takes about a second for each group.
const ROUNDS: usize = 3;

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success())
}

/// `amazon.aws.autoscaling_group` in a loop, with its templates made before.
pub fn ansible() {
    if !is_installed("ansible-playbook") {
        return println!("ansible-playbook is not installed: nothing to compare with");
    }
    let aws = seeded();
    let repository = Repository::new(None);
    let head = "extends = \"base.toml\"\n[environment]\nname = \"fifty\"\n";
    repository.write("fifty", &format!("{head}{}", burst(POOLS, &TYPES[..1])));
    let playbook = repository.path().join("groups.yaml");
    fs::write(&playbook, PLAYBOOK).unwrap();
    let mut pairs = Pairs::default();
    for _ in 0..ROUNDS {
        aws.reset();
        seed(&aws);
        let (ours, _) = run(command(&repository, &aws, &["apply", "fifty", "--yes"]));
        aws.reset();
        seed(&aws);
        templates(&aws);
        let mut ansible = Command::new("ansible-playbook");
        aws.command_env(&mut ansible);
        ansible.arg(&playbook).env("ANSIBLE_LOCALHOST_WARNING", "false");
        let (theirs, _) = run(ansible);
        pairs.add(ours, theirs);
    }
    println!("apply of {} groups, new, beside Ansible: {}", 2 * POOLS, pairs.report());
}

fn templates(aws: &AwsBed) {
    for pool in 0..POOLS {
        let template = json!({"LaunchTemplateName": format!("bare-{pool}"),
            "LaunchTemplateData": {"ImageId": "ami-0a", "InstanceType": TYPES[0]}});
        aws.someone_else("ec2", "CreateLaunchTemplate", &template).unwrap();
    }
}

const PLAYBOOK: &str = r#"
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - amazon.aws.autoscaling_group:
        name: "bare-{{ item }}"
        region: us-east-1
        launch_template: {launch_template_name: "bare-{{ item // 2 }}", version: "$Default"}
        min_size: 0
        max_size: 4
        desired_capacity: 0
        vpc_zone_identifier: [subnet-0a]
        wait_for_instances: false
      loop: "{{ range(50) | list }}"
"#;

/// Its core alone: things without any API, made and planned again.
pub fn terraform() {
    if !is_installed("terraform") {
        return println!("terraform is not installed: nothing to compare with");
    }
    for count in [1_000, 4_000] {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("resource \"terraform_data\" \"all\" {{\n  count = {count}\n}}\n");
        fs::write(folder.path().join("main.tf"), text).unwrap();
        let terraform = |arguments: &[&str]| {
            let mut command = Command::new("terraform");
            command.current_dir(folder.path()).args(arguments);
            run(command)
        };
        terraform(&["init"]);
        let (made, _) = terraform(&["apply", "-auto-approve"]);
        let (planned, peak) = terraform(&["plan"]);
        println!(
            "Terraform's core on {count} terraform_data: apply {made:.1?}, no-op plan {planned:.1?}, \
             {} MiB",
            peak / 1024
        );
    }
}
