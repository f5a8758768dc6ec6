//! What promotions and rollbacks write, and what they leave.

use super::*;
use std::path::Path;
use std::process::Command;

#[test]
fn a_promotion_writes_the_phase_and_the_history_and_keeps_every_comment() {
    let ground = Ground::new(good);
    let before = ground.file();
    let said = ground.at(&["promote", "small"]).exits(0);
    said.says("small goes from phase short to phase medium: written to environments/small.toml")
        .says("floodway rollout record small --phase medium --moment before")
        .says("floodway plan small");
    let after = ground.file();
    let (head, history) = after.split_once("\n[[rollout.history]]\n").unwrap();
    assert_eq!(head, before.replace("\"short\"   # is live", "\"medium\"   # is live"));
    let lines: Vec<&str> = history.lines().collect();
    let at = format!("at = \"{NOW}\"");
    assert_eq!(lines[..3], [at.as_str(), "from = \"short\"", "to = \"medium\""]);
    assert!(lines[3].starts_with("by = \"") && lines.len() == 4, "{history}");
    // It means what it says, and is applied like any other.
    ground.repository.run(&["plan", "small"]).exits(0);
    ground.at(&["promote", "small"]).exits(0).says("to phase long");
    let twice = ground.file();
    assert!(twice.starts_with(&after.replace("\"medium\"   # is live", "\"long\"   # is live")));
    ground.at(&["promote", "small"]).exits(64).says("long is the last phase");
}

#[test]
fn what_is_not_met_is_refused_unless_a_reason_overrides_it() {
    let ground = Ground::new(|_, _| Some(0.07));
    let before = ground.file();
    ground
        .at(&["promote", "small"])
        .exits(4)
        .says("the abort criterion errors is met (7%, and it must not be above 5%)")
        .says("the exit criterion slo is not met (7%, and it must be at least 99%)");
    ground.at(&["promote", "small", "--override"]).exits(64).says("--reason");
    ground.at(&["promote", "small", "--override", "--reason", " "]).exits(64).says("one line");
    assert_eq!(ground.file(), before);
    let reason = ["--override", "--reason", "the metric is wrong"];
    let said = ground.at(&[&["promote", "small"], &reason[..]].concat()).exits(0);
    said.says("overridden: abort errors: met").says("overridden: exit slo: not met");
    let file = ground.file();
    assert!(file.contains("reason = \"the metric is wrong\"\n"), "{file}");
    assert!(file.contains("overridden = [\"abort errors: met\", \"exit slo: not met\"]"), "{file}");
    ground.repository.run(&["validate", "small"]).exits(0);
}

#[test]
fn a_phase_is_left_out_only_by_override() {
    let ground = Ground::new(good);
    let before = ground.file();
    let skip = ["promote", "small", "--to", "long"];
    ground.at(&skip).exits(12).says("the phase medium would be left out");
    assert_eq!(ground.file(), before);
    ground.at(&[&skip[..], &["--override", "--reason", "no need"]].concat()).exits(0);
    assert!(ground.file().contains("overridden = [\"phase medium: left out\"]"));
    ground.at(&["promote", "small", "--to", "short"]).exits(64).says("does not come after long");
    ground.at(&["promote", "small", "--to", "lomg"]).exits(64).says("did you mean `long`?");
}

#[test]
fn a_rollback_leads_back_phase_by_phase_until_none_is_live() {
    let ground = Ground::new(good);
    let original = ground.file();
    ground.at(&["promote", "small"]).exits(0);
    ground.at(&["rollback", "small"]).exits(64).says("--reason");
    let reason = ["--reason", "P99 doubled"];
    let back = ground.at(&[&["rollback", "small"], &reason[..]].concat()).exits(0);
    back.says("small goes from phase medium to phase short");
    let file = ground.file();
    assert!(file.starts_with(original.trim_end()), "{file}");
    assert!(file.contains("to = \"short\"") && file.contains("reason = \"P99 doubled\""), "{file}");
    ground.at(&[&["rollback", "small"], &reason[..]].concat()).exits(0).says("before the first");
    let file = ground.file();
    assert!(!file.contains("\nphase "), "{file}");
    assert!(file.contains("# of the gateway"), "{file}");
    ground.at(&[&["rollback", "small"], &reason[..]].concat()).exits(64).says("no phase is live");
    ground.repository.run(&["validate", "small"]).exits(0);
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let ground = Ground::new(good);
    let before = ground.file();
    let said = ground.at(&["promote", "small", "--dry-run"]).exits(0);
    for line in [
        "--- a/environments/small.toml",
        "+++ b/environments/small.toml",
        "-phase = \"short\"   # is live",
        "+phase = \"medium\"   # is live",
        "+[[rollout.history]]",
    ] {
        assert!(said.out.lines().any(|said| said == line), "{line}\n{}", said.out);
    }
    ground.at(&["rollback", "small", "--reason", "x", "--dry-run"]).exits(0);
    assert_eq!(ground.file(), before);
}

#[test]
fn a_phase_that_another_file_sets_is_not_taken_away_by_halves() {
    let ground = Ground::new(good);
    let text = ground.file().replace("phase = \"short\"   # is live\n", "");
    ground.repository.write("small", &format!("extends = \"around.toml\"\n{text}"));
    ground.repository.write("around", "[environment]\nphase = \"short\"\n");
    let before = ground.file();
    ground
        .at(&["rollback", "small", "--reason", "x"])
        .exits(1)
        .says("`environment.phase` is set at environments/around.toml:2:1: nothing was written");
    assert_eq!(ground.file(), before);
    ground.at(&["promote", "small"]).exits(0);
    assert!(ground.file().contains("phase = \"medium\""));
}

/// Runs a promotion where the environment's folder is on a file system of its own, made
/// by `mount`; none where users may not have mounts of their own.
fn mounted(ground: &Ground, mount: &str) -> Option<Said> {
    let allowed = Command::new("unshare").args(["-r", "-m", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("not tried: this machine lets no user have mounts of their own");
        return None;
    }
    let inner = ground.repository.command(&["rollout", "promote", "small", "--at", NOW]);
    // What is on the mount is brought back for the test to see.
    let script = format!(
        "cp -r environments kept && {mount} && \"$@\"; ended=$?; rm -rf kept; \
                          cp -r environments kept; exit $ended"
    );
    let mut command = Command::new("unshare");
    command
        .args(["-r", "-m", "sh", "-c", &script, "sh"])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(ground.repository.path())
        .env_clear()
        .envs(inner.get_envs().filter_map(|(key, value)| Some((key, value?))));
    Some(command.output().unwrap().into())
}

fn assert_whole(ground: &Ground, before: &str) {
    let kept = ground.repository.path().join("kept");
    assert_eq!(fs::read_to_string(kept.join("small.toml")).unwrap(), before);
    let strays = |folder: &Path| {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with('.')).count()
    };
    assert_eq!(strays(&kept), 0, "nothing is left beside it");
    assert_eq!(ground.file(), before);
}

#[test]
fn a_full_disk_leaves_the_file_whole() {
    let ground = Ground::new(good);
    let before = ground.file();
    let mount = "mount -t tmpfs -o size=1m full environments && cp kept/*.toml environments/ && \
                 { cat /dev/zero > environments/ballast.txt; true; } 2>/dev/null";
    let Some(said) = mounted(&ground, mount) else { return };
    said.exits(1).says("cannot be written, and is as it was").says("No space left");
    assert_whole(&ground, &before);
}

#[test]
fn a_folder_that_may_not_be_written_leaves_the_file_whole() {
    let ground = Ground::new(good);
    let before = ground.file();
    let mount = "mount --bind environments environments && mount -o remount,ro,bind environments";
    let Some(said) = mounted(&ground, mount) else { return };
    said.exits(1).says("cannot be written, and is as it was").says("Read-only");
    assert_whole(&ground, &before);
}

#[test]
fn whose_file_it_is_and_who_may_read_it_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let ground = Ground::new(good);
    let path = ground.repository.path().join("environments/small.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    ground.at(&["promote", "small"]).exits(0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}
