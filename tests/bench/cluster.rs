//! A no-op plan over 5,000 objects of a real API server, beside a bare paged
//! list of the same objects and beside kubectl: `cargo bench --bench cluster`.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

mod limit;
mod listing;
mod measure;
#[path = "../suite/support/mod.rs"]
mod support;

use listing::bare_list;
use measure::{Pairs, run};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, ExitCode};
use std::time::Instant;
use support::bed::Bed;
use support::programs::program;
use support::repository::Repository;

/// Each pool is a Deployment and a PodDisruptionBudget, without replicas.
const POOLS: usize = 2490;
/// Of a no-op plan, to the bare list.
const RATIO: f64 = 1.5;
const MIB: u64 = 150;

fn main() -> ExitCode {
    let bed = Bed::shared();
    let repository = Repository::new(Some(bed.kubeconfig()));
    repository.write("big", &environment());

    let began = Instant::now();
    repository.run(&["apply", "big", "--yes"]).exits(0);
    println!("apply of {} objects, new: {:.1?}", 2 * POOLS, began.elapsed());

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (mut pairs, mut most, mut objects) = (Pairs::default(), 0, 0);
    for round in 0..8 {
        let (plan, peak) = run(repository.command(&["plan", "big", "--detailed-exitcode"]));
        most = most.max(peak);
        let began = Instant::now();
        objects = runtime.block_on(bare_list(bed));
        if round > 0 {
            pairs.add(plan, began.elapsed());
        }
    }
    limit::hold("no-op plan, ratio to a bare list", pairs.ratio(), RATIO);
    limit::hold("no-op plan, peak memory in MiB", most / 1024, MIB);
    println!(
        "no-op plan (whole process) over {objects} objects, beside a bare paged list by kube-rs: {} \
         (limit {RATIO}); peak memory {} MiB (limit {MIB})",
        pairs.report(),
        most / 1024
    );
    peers(bed);
    limit::outcome()
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
