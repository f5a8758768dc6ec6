//! The launch templates of burst pools: what an instance is when it starts. A pool has
//! one, or one for each way in which its instances boot.

use super::lookups::Found;
use super::scene::Scene;
use super::{Desired, DesiredError, Missing, burst, names};
use crate::decide::{BurstGroup, PoolDecision};
use crate::id::Name;
use crate::observe::{ResourceId, marks};
use crate::spec::BootMode;
use crate::spec::model::{Aws, BurstPool};
use serde::Serialize;
use serde_json::{Value, json};

/// EC2's limit for user data before it is encoded:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html>
const USER_DATA_MAX: usize = 16 * 1024;
/// What a root volume holds where the file does not say.
const VOLUME_GIB: u64 = 200;
const USER_DATA: &str = "templates/aws/user-data.yaml";

/// What the user data's template sees.
#[derive(Debug, Serialize)]
struct Node<'a> {
    environment: &'a str,
    stage: &'a str,
    pool: &'a str,
    workload: &'a str,
    join: &'a str,
    namespace: &'a str,
    cluster_uid: Option<&'a str>,
    model: &'a str,
    image: &'a str,
    port: u16,
    gpus_per_replica: u32,
    replicas_per_node: Option<u32>,
    startup_seconds: u64,
    drain_seconds: u64,
}

/// A pool's template, for all of its groups whose instances boot so.
pub(super) fn template(
    scene: &Scene<'_>,
    aws: &Aws,
    (name, pool): (&Name, &BurstPool),
    decided: &PoolDecision,
    boots: BootMode,
    missing: &mut Vec<Missing>,
) -> Result<Desired, DesiredError> {
    let found = Found { scene, aws, name, pool };
    let launch = aws.launch_of(pool);
    let id = template_id(scene, name, pool, boots);
    let workload = scene.workloads.get(name).map(String::as_str).unwrap_or_default();
    let mut tags = burst::tags(scene, name, &decided.stage, workload);
    let mut instance_tags = tags.clone();
    instance_tags["Name"] = json!(id.name);
    // By which it is told from the pool's other one.
    if boots == BootMode::LegacyBios {
        tags[marks::BOOT_MODE] = json!(boots.as_str());
    }
    let gibibytes = launch.volume.size.map_or(VOLUME_GIB, |size| size.bytes().div_ceil(1 << 30));
    let mut volume = json!({ "size_gib": gibibytes, "type": "gp3", "encrypted": true });
    let declared = [
        ("iops", launch.volume.iops.map(Value::from)),
        ("throughput", launch.volume.throughput.map(Value::from)),
        ("kms_key", launch.volume.kms_key.map(Value::from)),
    ];
    for (key, value) in declared {
        if let Some(value) = value {
            volume[key] = value;
        }
    }
    let mut body = json!({
        "image": found.image(boots, missing),
        "security_groups": found.security_groups(missing),
        "volume": volume,
        // Only with a token, and not from inside a container.
        "metadata": { "tokens": "required", "hop_limit": 1 },
        "user_data": user_data(scene, &id, name, pool, workload)?,
        "instance_tags": instance_tags,
        "tags": tags,
    });
    if let Some(profile) = launch.instance_profile {
        body["instance_profile"] = json!(profile);
    }
    let efa = scene.input.catalog.shared_efa(&pool.instance_types);
    if let Some(cards) = efa.filter(|_| launch.efa != Some(false)) {
        body["efa_cards"] = json!(cards);
    }
    if let Some(reservation) = &pool.reservation {
        let (key, value) = match &reservation.id {
            Some(id) => ("id", Some(id)),
            None => ("group", reservation.group.as_ref()),
        };
        body["reservation"] = json!({ key: value });
    }
    if pool.block().is_some() {
        // Without a policy of the group, the template names type and market.
        body["reservation"]["block"] = json!(true);
        body["instance_type"] = json!(pool.instance_types.first());
    }
    let in_cluster = scene.environment().onprem.is_some();
    let text = match boots {
        BootMode::Uefi => format!("how instances of pool {name} start"),
        BootMode::LegacyBios => format!("how instances of pool {name} start that boot by a BIOS"),
    };
    Ok(Desired {
        reason: scene.because(format!("aws.pools.{name}"), text),
        body: body.into(),
        seed: None,
        pool: Some(name.clone()),
        after: in_cluster.then(|| scene.parent_id()).into_iter().collect(),
        immutable: Vec::new(),
        member: true,
        id,
    })
}

/// Its name is the pool's, kept where one of the pool is there.
pub(super) fn template_id(
    scene: &Scene<'_>,
    name: &Name,
    pool: &BurstPool,
    boots: BootMode,
) -> ResourceId {
    let input = scene.input;
    let region = input
        .environment
        .aws
        .as_ref()
        .map_or_else(String::new, |aws| aws.region_of(pool).to_owned());
    let there = (input.inventory, &scene.there);
    let kept = names::template(input.environment, input.decision, there, name, (&region, boots));
    ResourceId::launch_template(&region, &kept)
}

/// Nothing secret may stand here: whoever may describe the instance reads it.
fn user_data(
    scene: &Scene<'_>,
    id: &ResourceId,
    name: &Name,
    pool: &BurstPool,
    workload: &str,
) -> Result<String, DesiredError> {
    let environment = scene.environment();
    let Some(stage) = environment.service.stages.get(&pool.stage) else {
        return Ok(String::new());
    };
    let node = Node {
        environment: environment.environment.name.as_str(),
        stage: pool.stage.as_str(),
        pool: name.as_str(),
        workload,
        join: names::join_of(environment, name),
        namespace: scene.namespace(),
        cluster_uid: environment.onprem.as_ref().and_then(|onprem| onprem.cluster_uid.as_deref()),
        model: &environment.service.model,
        image: &stage.image,
        port: stage.port,
        gpus_per_replica: stage.gpus,
        replicas_per_node: pool.replicas_per_node,
        startup_seconds: stage.startup.secs_ceil(),
        drain_seconds: burst::drain(environment, stage).secs_ceil(),
    };
    let text = scene.text(USER_DATA, &node)?;
    if text.len() > USER_DATA_MAX {
        return Err(DesiredError::TooLong {
            template: USER_DATA.to_owned(),
            id: Box::new(id.clone()),
            bytes: text.len(),
            most: USER_DATA_MAX,
        });
    }
    Ok(text)
}

/// How many seconds an instance may take from its start until its engine serves.
pub(super) fn start_seconds(scene: &Scene<'_>, pool: &BurstPool) -> u64 {
    let stage = scene.environment().service.stages.get(&pool.stage);
    burst::INSTANCE_START + stage.map_or(0, |stage| stage.startup.secs_ceil())
}

/// The groups' capacity on the thing itself, so that it is known without the file.
pub(super) fn capacity_tags(pool: &BurstPool, group: &BurstGroup) -> [(&'static str, String); 3] {
    let capacity = pool.capacity_on(group.label());
    [
        (marks::GPUS, group.gpus_per_node.to_string()),
        (marks::REPLICAS_PER_NODE, group.replicas_per_node.to_string()),
        (marks::CAPACITY, capacity.to_string()),
    ]
}
