//! AWS, on the stand-in: a no-op plan over 1,000 groups and 5,000 objects of a
//! real API server beside the same reads and nothing else, and an apply of 200
//! groups beside the bare calls and beside boto3: `cargo bench --bench aws`.
//! Where they are installed, also 50 groups beside Ansible's own module, and
//! Terraform's core on as many things that call nobody.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

#[path = "aws/floor.rs"]
mod floor;
mod limit;
mod listing;
mod measure;
mod peers;
#[path = "../suite/support/mod.rs"]
mod support;

use aws_sdk_autoscaling::types as asg;
use aws_sdk_ec2::types as ec2;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use floor::Writes;
use listing::bare_list;
use measure::{Pairs, run};
use serde_json::json;
use std::fmt::Write as _;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use support::aws::{AwsBed, channel};
use support::bed::Bed;
use support::programs::program;
use support::repository::Repository;

/// Each on-prem pool is a Deployment and a PodDisruptionBudget, without replicas.
const ON_PREM: usize = 2365;
/// Each burst pool is a template, an EndpointSlice and four groups.
const BURST: usize = 250;
/// Pools of the apply that is timed.
const SOME: usize = 50;
/// As `apply` has it.
const CONCURRENCY: usize = 8;
const ROUNDS: usize = 7;
const TYPES: [&str; 2] = ["g6e.12xlarge", "g5.12xlarge"];
/// Of them, in requests per second: types that carry as much would share a group.
const CAPACITY: [u32; 2] = [9, 6];
/// Of an apply, and of a no-op plan, to the same calls.
const RATIO: f64 = 1.5;
const MIB: u64 = 150;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async { apply_200_groups().await });
    peers::ansible();
    runtime.block_on(async { no_op_plan().await });
    peers::terraform();
    limit::outcome()
}

fn seeded() -> AwsBed {
    let aws = AwsBed::start_with(&["--launch-seconds", "0"]);
    seed(&aws);
    aws
}

fn seed(aws: &AwsBed) {
    aws.seed(&json!({
        "images": [{"name": "gpu", "id": "ami-0a"}],
        "parameters": {"/floodway/images/gpu/channels/stable": channel('a', "ami-0a")},
        "subnets": [{"zone": "us-east-1a", "id": "subnet-0a", "tags": {"tier": "gpu"}}],
    }));
}

fn burst(pools: usize, types: &[&str]) -> String {
    let mut text = "[aws]\naccount = \"123456789012\"\nregion = \"us-east-1\"\n".to_owned();
    for pool in 0..pools {
        writeln!(
            text,
            "[aws.pools.b{pool}]\nstage = \"inference\"\nsize = {{ min = 0, max = 4 }}\n\
             join = \"standalone\"\ninstance_types = {types:?}\nspot = {{ share = \"70%\" }}\n\
             subnets = {{ tags = {{ tier = \"gpu\" }} }}\nimage = {{ name = \"gpu\" }}\n\
             [aws.pools.b{pool}.capacity]"
        )
        .unwrap();
        for (instance_type, carries) in types.iter().zip(CAPACITY) {
            writeln!(text, "\"{instance_type}\" = \"{carries} req/s\"").unwrap();
        }
    }
    text
}

fn command(repository: &Repository, aws: &AwsBed, arguments: &[&str]) -> Command {
    let mut command = repository.command(arguments);
    aws.command_env(&mut command);
    command
}

async fn apply_200_groups() {
    let aws = seeded();
    let repository = Repository::new(None);
    let head = "extends = \"base.toml\"\n[environment]\nname = \"many\"\n";
    repository.write("many", &format!("{head}{}", burst(SOME, &TYPES)));
    let (mut pairs, mut saved, mut boto) = (Pairs::default(), Pairs::default(), Vec::new());
    for round in 0..=ROUNDS {
        aws.reset();
        seed(&aws);
        let (ours, _) = run(command(&repository, &aws, &["apply", "many", "--yes"]));
        let writes = Writes::of(&aws.calls());
        assert_eq!(writes.count(), (SOME, 4 * SOME));
        aws.reset();
        seed(&aws);
        let clients = clients(&aws).await;
        let began = Instant::now();
        writes.make(&clients, CONCURRENCY).await;
        let floor = began.elapsed();
        aws.reset();
        seed(&aws);
        let boto3 = boto3(&aws);
        aws.reset();
        seed(&aws);
        run(command(&repository, &aws, &["plan", "many", "--out", "many.plan"]));
        let (from_plan, _) = run(command(&repository, &aws, &["apply", "many.plan"]));
        if round > 0 {
            pairs.add(ours, floor);
            saved.add(from_plan, floor);
            boto.push(boto3);
        }
    }
    limit::hold("apply of a saved plan, ratio to the same calls", saved.ratio(), RATIO);
    println!(
        "apply of {} groups and {SOME} templates, new, beside the same calls: of a saved plan {} \
         (limit {RATIO}); with its plan {}; boto3 with {CONCURRENCY} threads and next to nothing in \
         the calls: {:.2?}",
        4 * SOME,
        saved.report(),
        pairs.report(),
        measure::median(&mut boto)
    );
}

struct Clients {
    ec2: aws_sdk_ec2::Client,
    autoscaling: aws_sdk_autoscaling::Client,
    sts: aws_sdk_sts::Client,
    quotas: aws_sdk_servicequotas::Client,
    ssm: aws_sdk_ssm::Client,
}

async fn clients(aws: &AwsBed) -> Clients {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let keys = aws_sdk_sts::config::Credentials::new(
        "AKIAFLOODWAYTESTBED0",
        "not-a-secret",
        None,
        None,
        "bench",
    );
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(http)
        .credentials_provider(keys)
        .region(aws_config::Region::new("us-east-1"))
        .endpoint_url(aws.endpoint())
        .load()
        .await;
    Clients {
        ec2: aws_sdk_ec2::Client::new(&config),
        autoscaling: aws_sdk_autoscaling::Client::new(&config),
        sts: aws_sdk_sts::Client::new(&config),
        quotas: aws_sdk_servicequotas::Client::new(&config),
        ssm: aws_sdk_ssm::Client::new(&config),
    }
}

/// As many writes as a script makes them, with next to nothing in them; without its
/// start.
fn boto3(aws: &AwsBed) -> Duration {
    let script = format!(
        r#"
import boto3, time
from concurrent.futures import ThreadPoolExecutor
from botocore.config import Config
config = Config(region_name="us-east-1", max_pool_connections={CONCURRENCY})
ec2, autoscaling = boto3.client("ec2", config=config), boto3.client("autoscaling", config=config)
def template(pool):
    ec2.create_launch_template(LaunchTemplateName=f"bare-{{pool}}", LaunchTemplateData={{"ImageId": "ami-0a"}})
def group(number):
    pool, offering = divmod(number, 4)
    name = f"bare-{{pool}}-{{offering}}"
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name, MinSize=0, MaxSize=4, VPCZoneIdentifier="subnet-0a",
        MixedInstancesPolicy={{"LaunchTemplate": {{
            "LaunchTemplateSpecification": {{"LaunchTemplateName": f"bare-{{pool}}", "Version": "$Default"}},
            "Overrides": [{{"InstanceType": {TYPES:?}[offering // 2]}}]}},
            "InstancesDistribution": {{"OnDemandPercentageAboveBaseCapacity": 0 if offering % 2 else 100}}}})
    autoscaling.enable_metrics_collection(AutoScalingGroupName=name, Granularity="1Minute")
began = time.monotonic()
with ThreadPoolExecutor({CONCURRENCY}) as pool:
    list(pool.map(template, range({SOME})))
    list(pool.map(group, range({})))
print(time.monotonic() - began)
"#,
        4 * SOME
    );
    let mut command = Command::new(program("testbed-python"));
    aws.command_env(&mut command);
    let out = command.args(["-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    let seconds = said.trim().parse();
    Duration::from_secs_f64(
        seconds.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&out.stderr))),
    )
}

async fn no_op_plan() {
    let (bed, aws) = (Bed::shared(), seeded());
    let repository = Repository::new(Some(bed.kubeconfig()));
    let mut text = "extends = \"base.toml\"\n[environment]\nname = \"big\"\n\
                    [service]\nnamespace = \"big\"\n[onprem]\ncontext = \"bed\"\n"
        .to_owned();
    for pool in 0..ON_PREM {
        writeln!(
            text,
            "[onprem.pools.p{pool}]\nstage = \"inference\"\nreplicas = 0\ncapacity = \"18 req/s\""
        )
        .unwrap();
    }
    repository.write("big", &format!("{text}{}", burst(BURST, &TYPES)));
    let (new, _) = run(command(&repository, &aws, &["apply", "big", "--yes"]));
    println!("apply of {} groups and about 5,000 objects, new: {new:.1?}", 4 * BURST);

    let (mut pairs, mut most, mut seen) = (Pairs::default(), 0, (0, 0));
    for round in 0..=ROUNDS {
        let plan = ["plan", "big", "--detailed-exitcode"];
        let (ours, peak) = run(command(&repository, &aws, &plan));
        most = most.max(peak);
        let began = Instant::now();
        let clients = clients(&aws).await;
        seen = futures::future::join(bare_list(bed), bare_describes(&clients)).await;
        if round > 0 {
            pairs.add(ours, began.elapsed());
        }
    }
    let (objects, groups) = seen;
    limit::hold("no-op plan, ratio to the same reads", pairs.ratio(), RATIO);
    limit::hold("no-op plan, peak memory in MiB", most / 1024, MIB);
    println!(
        "no-op plan (whole process) over {groups} groups and {objects} objects: {} (limit {RATIO}); \
         peak memory {} MiB (limit {MIB})",
        pairs.report(),
        most / 1024
    );
}

/// The reads of the plan in AWS, and nothing done with them.
async fn bare_describes(clients: &Clients) -> usize {
    clients.sts.get_caller_identity().send().await.unwrap();
    let groups = async {
        let mine = asg::Filter::builder().name("tag:floodway.dev/environment").values("big");
        let pages = clients.autoscaling.describe_auto_scaling_groups().filters(mine.build());
        let pages = pages.max_records(100).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.unwrap().len()
    };
    let templates = async {
        let mine = ec2::Filter::builder().name("tag:floodway.dev/environment").values("big");
        let pages = clients.ec2.describe_launch_templates().filters(mine.build());
        let pages = pages.max_results(200).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.unwrap();
        let pages = clients.ec2.describe_launch_template_versions().versions("$Default");
        let pages = pages.max_results(200).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.unwrap();
    };
    let others = async {
        let by = |key: &str, value: &str| ec2::Filter::builder().name(key).values(value).build();
        let channel = clients.ssm.get_parameter().name("/floodway/images/gpu/channels/stable");
        channel.send().await.unwrap();
        let subnets = clients.ec2.describe_subnets().filters(by("tag:tier", "gpu"));
        subnets.send().await.unwrap();
        let types = TYPES.map(ec2::InstanceType::from).to_vec();
        let prices = clients.ec2.describe_spot_price_history().set_instance_types(Some(types));
        prices.send().await.unwrap();
        for code in ["L-DB2E81BA", "L-3819A6DF"] {
            let quota = clients.quotas.get_service_quota().service_code("ec2").quota_code(code);
            // The account has none, which is an answer too.
            let _ = quota.send().await;
        }
    };
    futures::future::join3(groups, templates, others).await.0
}
