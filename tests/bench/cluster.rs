//! A no-op plan over 5,000 objects of a real API server, beside a bare paged
//! list of the same objects and beside kubectl: `cargo bench --bench cluster`.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

#[path = "../suite/support/mod.rs"]
mod support;

use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::bed::Bed;
use support::programs::program;
use support::repository::Repository;

/// Each pool is a Deployment and a PodDisruptionBudget, without replicas.
const POOLS: usize = 2490;
const KINDS: [(&str, &str, &str, &str); 9] = [
    ("apps", "v1", "Deployment", "deployments"),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Service", "services"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    ("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
];

fn main() {
    let bed = Bed::shared();
    let repository = Repository::new(Some(bed.kubeconfig()));
    repository.write("big", &environment());

    let began = Instant::now();
    repository.run(&["apply", "big", "--yes"]).exits(0);
    println!("apply of {} objects, new: {:.1?}", 2 * POOLS, began.elapsed());

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut plans = Vec::new();
    let mut lists = Vec::new();
    let mut ratios = Vec::new();
    let mut peak = 0;
    let mut objects = 0;
    for round in 0..8 {
        let began = Instant::now();
        peak = peak.max(plan(&repository));
        let plan = began.elapsed();
        let began = Instant::now();
        objects = runtime.block_on(bare_list(bed));
        let list = began.elapsed();
        if round > 0 {
            plans.push(plan);
            lists.push(list);
            ratios.push(plan.as_secs_f64() / list.as_secs_f64());
        }
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "no-op plan (whole process) over {objects} objects: {:.2?}; bare paged list by kube-rs: {:.2?}; \
         ratio, median of pairs: {:.2} (limit 1.5), {:.2} to {:.2}; peak memory {} MiB (limit 150)",
        median(&mut plans),
        median(&mut lists),
        ratios[ratios.len() / 2],
        ratios[0],
        ratios[ratios.len() - 1],
        peak / 1024
    );
    peers(bed);
}

fn environment() -> String {
    let mut text =
        "extends = \"base.toml\"\n[environment]\nname = \"big\"\n[service]\nnamespace = \"big\"\n\
                    [onprem]\ncontext = \"bed\"\n"
            .to_owned();
    for pool in 0..POOLS {
        writeln!(
            text,
            "[onprem.pools.p{pool}]\nstage = \"inference\"\nreplicas = 0\ncapacity = \"18 req/s\""
        )
        .unwrap();
    }
    text
}

/// One no-op plan; its peak memory in KiB.
fn plan(repository: &Repository) -> u64 {
    let mut child = repository
        .command(&["plan", "big", "--detailed-exitcode"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now.unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "the plan has changes, or failed");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The same objects, listed in pages of the same size and dropped.
async fn bare_list(bed: &Bed) -> usize {
    let kubeconfig = kube::config::Kubeconfig::read_from(bed.kubeconfig()).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let lists = KINDS.map(|(group, version, kind, plural)| {
        let kind = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        let api: Api<DynamicObject> = match plural {
            "priorityclasses" => Api::all_with(client.clone(), &resource),
            _ => Api::namespaced_with(client.clone(), "big", &resource),
        };
        async move {
            let mut count = 0;
            let mut parameters =
                ListParams::default().limit(500).labels("app.kubernetes.io/managed-by=floodway");
            loop {
                let page = api.list(&parameters).await.unwrap();
                count += page.items.len();
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => parameters = parameters.continue_token(&token),
                    None => return count,
                }
            }
        }
    });
    futures::future::join_all(lists).await.into_iter().sum()
}

/// The same objects in a namespace of kubectl's own.
fn peers(bed: &Bed) {
    bed.kubectl(&["create", "namespace", "peer"], "");
    let out = bed.kubectl(
        &[
            "get",
            "deployments,pdb,svc,sa,netpol",
            "-n",
            "big",
            "-o",
            "json",
            "-l",
            "app.kubernetes.io/managed-by=floodway",
        ],
        "",
    );
    let mut list: Value = serde_json::from_slice(&out.stdout).unwrap();
    for item in list["items"].as_array_mut().unwrap() {
        let name = item["metadata"]["name"].clone();
        let mut labels = item["metadata"]["labels"].clone();
        labels.as_object_mut().unwrap().remove("applyset.kubernetes.io/part-of");
        item["metadata"] = json!({"name": name, "namespace": "peer", "labels": labels});
        item.as_object_mut().unwrap().remove("status");
        if item["kind"] == "Service" {
            item["spec"].as_object_mut().unwrap().remove("clusterIPs");
        }
    }
    let count = list["items"].as_array().unwrap().len();
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(list.to_string().as_bytes()).unwrap();
    let path = file.path().to_string_lossy().into_owned();
    let kubectl = |arguments: &[&str]| {
        let began = Instant::now();
        let out = Command::new(program("controlplane"))
            .arg("kubectl")
            .args(arguments)
            .env("KUBECONFIG", bed.kubeconfig())
            .env("KUBECTL_APPLYSET", "true")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        (began.elapsed(), out.status.code(), said.lines().last().unwrap_or_default().to_owned())
    };
    let applyset =
        ["apply", "--server-side", "-n", "peer", "--prune", "--applyset=peer", "-f", &path];
    let (created, ..) = kubectl(&applyset);
    let (again, code, said) = kubectl(&applyset);
    println!(
        "kubectl apply --prune --applyset of {count} objects: {created:.1?} new, {again:.1?} again (exit {code:?} {said})"
    );
    let (diff, code, said) = kubectl(&["diff", "--server-side", "-f", &path]);
    println!("kubectl diff --server-side of {count} objects: {diff:.1?} (exit {code:?} {said})");
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
