//! Run in a pod: no kubeconfig, and a service account where pods have theirs.

use super::Ground;
use crate::support::repository::{Repository, Said};
use std::path::Path;
use std::process::Command;

/// Puts the first argument's folder where a pod has its service account, and
/// runs the rest.
const POD: &str = "mount -t tmpfs pod /run && mkdir -p /run/secrets/kubernetes.io && \
                   cp -r \"$1\" /run/secrets/kubernetes.io/serviceaccount && shift && exec \"$@\"";

struct Pod {
    ground: Ground,
    account: tempfile::TempDir,
}

impl Pod {
    /// None where users may not have mounts of their own.
    fn new(prefix: &str) -> Option<Self> {
        let mut mounts = Command::new("unshare");
        mounts.args(["-r", "-m", "mount", "-t", "tmpfs", "pod", "/run"]);
        if !mounts.status().is_ok_and(|status| status.success()) {
            eprintln!("not tried: this machine lets no user have mounts of their own");
            return None;
        }
        let repository = Repository::new(None);
        let ground = Ground { repository, ..Ground::new(prefix) };
        ground.kubectl(&["create", "serviceaccount", "floodway"]);
        let account = format!("--serviceaccount={}:floodway", ground.name);
        let binding = ["create", "clusterrolebinding", &ground.name, "--clusterrole=cluster-admin"];
        ground.bed.kubectl(&[&binding[..], &[account.as_str()]].concat(), "");
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("token", &ground.bed.token_for(&ground.name, "floodway"));
        write("namespace", &ground.name);
        write("ca.crt", &std::fs::read_to_string(ground.bed.ca()).unwrap());
        Some(Self { ground, account: folder })
    }

    fn declare(&self, onprem: &str) {
        let text = self.ground.environment(&self.ground.pool("gpu", "1"));
        let text = text.replace("[onprem]\ncontext = \"bed\"\n", &format!("[onprem]\n{onprem}"));
        self.ground.repository.write(&self.ground.name, &text);
    }

    fn run(&self, command: &str, options: &[&str], kubeconfig: Option<&Path>) -> Said {
        let arguments = [&[command, self.ground.name.as_str()], options].concat();
        let inner = self.ground.repository.command(&arguments);
        let (_, address) = self.ground.bed.server().split_once("://").unwrap();
        let (host, port) = address.split_once(':').unwrap();
        let mut pod = Command::new("unshare");
        pod.args(["-r", "-m", "sh", "-c", POD, "sh"])
            .arg(self.account.path())
            .arg(inner.get_program())
            .args(inner.get_args())
            .current_dir(self.ground.repository.path())
            .env_clear()
            .envs(inner.get_envs().filter_map(|(key, value)| Some((key, value?))))
            .env("KUBERNETES_SERVICE_HOST", host)
            .env("KUBERNETES_SERVICE_PORT", port);
        if let Some(kubeconfig) = kubeconfig {
            pod.env("KUBECONFIG", kubeconfig);
        }
        pod.output().unwrap().into()
    }
}

#[test]
fn in_a_pod_the_cluster_around_it_is_taken_by_its_uid_whatever_the_context_is_called() {
    let Some(pod) = Pod::new("in-pod") else { return };
    let uid =
        pod.ground.bed.get("", "namespace", "kube-system").unwrap()["metadata"]["uid"].clone();
    let uid = uid.as_str().unwrap();
    pod.declare(&format!("context = \"dc1\"\ncluster_uid = \"{uid}\"\n"));
    pod.run("apply", &["--yes"], None).exits(0);
    pod.run("plan", &["--detailed-exitcode"], None).exits(0).says("No changes");
    assert!(pod.ground.get("deployment", "llm-inference-gpu").is_some());

    let other = uid.replace(|c: char| c.is_ascii_digit(), "e");
    pod.declare(&format!("context = \"dc1\"\ncluster_uid = \"{other}\"\n"));
    pod.run("plan", &[], None).exits(12).says(uid).says("not");
}

#[test]
fn in_a_pod_a_context_without_a_cluster_uid_is_refused() {
    let Some(pod) = Pod::new("no-uid") else { return };
    pod.declare("context = \"dc1\"\n");
    pod.run("plan", &[], None)
        .exits(1)
        .says("whether this is `dc1` cannot be known")
        .says("onprem.cluster_uid");
    pod.declare("");
    pod.run("plan", &[], None).exits(0).says("cluster_uid");
}

#[test]
fn in_a_pod_a_kubeconfig_that_is_named_and_missing_is_an_error() {
    let Some(pod) = Pod::new("named") else { return };
    pod.declare("");
    pod.run("plan", &[], Some("/nowhere/kubeconfig".as_ref())).exits(1).says("/nowhere/kubeconfig");
    pod.run("plan", &["--kubeconfig", "/nowhere/too"], None).exits(1).says("/nowhere/too");
}
