//! Who owns which field, what comes after what, and numbers that must fit.

use super::super::fixture::{self, environment, unit};
use crate::decide::{DesiredOwner, PlanningInput, Supply, decide};
use crate::desired::{Desired, DesiredInput, DesiredWorld, Templates, lookups, render};
use crate::diag::Place;
use crate::observe::{Side, Sought};
use crate::spec::model::{Count, Hpa};
use crate::spec::{BootMode, Catalog, Environment, Origins};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn world(environment: &Environment) -> DesiredWorld {
    fixture::world(environment, &fixture::empty())
}

fn find<'a>(world: &'a DesiredWorld, kind: &str, name: &str) -> &'a Desired {
    world
        .resources
        .iter()
        .find(|desired| desired.id.kind == kind && desired.id.name == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

fn pod(world: &DesiredWorld, deployment: &str) -> Value {
    find(world, "Deployment", deployment).body.at("/spec/template/spec").unwrap()
}

#[test]
fn a_fixed_pool_has_replicas_in_its_body_and_no_other_owner() {
    let world = world(&environment());
    let fixed = find(&world, "Deployment", "deepseek-postprocess-back");
    assert_eq!(fixed.body.value()["spec"]["replicas"], json!(2));
    assert_eq!(fixed.seed, None);
}

#[test]
fn replicas_that_the_runtime_moves_are_only_a_seed() {
    let world = world(&environment());
    for (name, owner, start) in [
        ("deepseek-preprocess-front", DesiredOwner::Hpa, 3),
        ("deepseek-inference-h100", DesiredOwner::Controller, 3),
        ("deepseek-inference-g6e", DesiredOwner::Controller, 0),
    ] {
        let desired = find(&world, "Deployment", name);
        assert_eq!(desired.body.value()["spec"].get("replicas"), None, "{name}");
        let seed = desired.seed.as_ref().unwrap();
        assert_eq!((seed.path.as_str(), seed.owner), ("/spec/replicas", owner));
        assert_eq!(seed.value, json!(start), "{name}");
    }
}

#[test]
fn a_burst_deployment_has_as_many_replicas_as_its_nodes_hold() {
    let mut environment = environment();
    environment.aws.as_mut().unwrap().pools.get_mut("g6e").unwrap().size = Count::Fixed(3);
    let world = world(&environment);
    // Four GPUs a node, one a replica.
    let desired = find(&world, "Deployment", "deepseek-inference-g6e");
    assert_eq!(desired.body.value()["spec"]["replicas"], json!(12));
    let on_demand = find(&world, "AutoScalingGroup", "prod-g6e-od-g6e.12xlarge");
    let spot = find(&world, "AutoScalingGroup", "prod-g6e-spot-g6e.12xlarge");
    assert_eq!(
        (&on_demand.body.value()["desired"], &spot.body.value()["desired"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(on_demand.seed, None);
}

#[test]
fn groups_of_a_runtime_owned_pool_only_start_at_their_number() {
    let world = world(&environment());
    let group = find(&world, "AutoScalingGroup", "prod-g6e-od-g6e.12xlarge");
    assert_eq!(group.body.value().get("desired"), None);
    let seed = group.seed.as_ref().unwrap();
    assert_eq!((seed.path.as_str(), &seed.value), ("/desired", &json!(0)));
    assert_eq!((&group.body.value()["min"], &group.body.value()["max"]), (&json!(0), &json!(10)));
}

#[test]
fn a_warm_pool_stands_only_beside_the_first_on_demand_group() {
    let world = world(&environment());
    let warm: Vec<_> = world
        .resources
        .iter()
        .filter(|d| d.pool.as_ref().is_some_and(|pool| pool.as_str() == "g6e"))
        .filter(|d| d.body.value().get("warm_pool").is_some_and(|warm| warm != &json!(0)))
        .map(|d| d.id.name.as_str())
        .collect();
    assert_eq!(warm, ["prod-g6e-od-g6e.12xlarge"]);
}

#[test]
fn endpoints_are_the_controllers_even_in_a_pool_of_fixed_size() {
    let world = world(&environment());
    let slice = find(&world, "EndpointSlice", "deepseek-inference-edge");
    assert_eq!(slice.body.value().get("endpoints"), None);
    let seed = slice.seed.as_ref().unwrap();
    assert_eq!((seed.path.as_str(), seed.owner), ("/endpoints", DesiredOwner::Controller));
}

#[test]
fn the_namespace_is_made_only_where_it_is_absent_and_is_never_a_member() {
    let absent = world(&environment());
    let namespace = find(&absent, "Namespace", "inference");
    assert!(!namespace.member);
    assert_eq!(
        namespace.body.value()["metadata"]["labels"].get("applyset.kubernetes.io/part-of"),
        None
    );
    let present = fixture::world(&environment(), &fixture::inventory([]));
    assert!(present.resources.iter().all(|desired| desired.id.kind != "Namespace"));
}

#[test]
fn the_parent_names_the_kinds_and_the_number_of_its_members() {
    let world = world(&environment());
    let parent = find(&world, "ConfigMap", "floodway-prod");
    let members: Vec<_> =
        world.resources.iter().filter(|d| d.member && d.id.side == Side::Kubernetes).collect();
    let id = &parent.body.value()["metadata"]["labels"]["applyset.kubernetes.io/id"];
    for member in &members {
        let labels = &member.body.value()["metadata"]["labels"];
        assert_eq!(&labels["applyset.kubernetes.io/part-of"], id, "{}", member.id);
        assert_eq!(labels["floodway.dev/environment"], json!("prod"));
    }
    let annotations = &parent.body.value()["metadata"]["annotations"];
    assert_eq!(annotations["floodway.dev/members"], json!(members.len().to_string()));
    let kinds = annotations["applyset.kubernetes.io/contains-group-kinds"].as_str().unwrap();
    assert!(kinds.contains("Deployment.apps") && kinds.contains("PriorityClass.scheduling.k8s.io"));
    assert!(members.iter().all(|member| kinds.split(',').any(|k| k == member.id.group_kind())));
}

/// Law: nothing waits for what waits for it, and the mark of ownership is left
/// before anything else is.
#[test]
fn everything_waits_in_the_end_for_the_parent_and_never_for_itself() {
    let world = world(&environment());
    let after: BTreeMap<_, _> = world.resources.iter().map(|d| (&d.id, &d.after)).collect();
    for desired in &world.resources {
        let mut reached = Vec::new();
        let mut open: Vec<_> = desired.after.iter().collect();
        while let Some(id) = open.pop() {
            assert_ne!(id, &desired.id, "a cycle");
            if !reached.contains(&id) {
                reached.push(id);
                open.extend(after[id]);
            }
        }
        let first = matches!(desired.id.kind.as_str(), "Namespace");
        let is_parent = desired.id.name == "floodway-prod" && desired.id.kind == "ConfigMap";
        let marked = reached.iter().any(|id| id.name == "floodway-prod" && id.kind == "ConfigMap");
        assert!(first || is_parent || marked, "{} does not wait for the parent", desired.id);
    }
}

#[test]
fn a_deployment_waits_for_what_its_pods_name_and_for_its_nodes() {
    let world = world(&environment());
    let after = &find(&world, "Deployment", "deepseek-inference-g6e").after;
    let kinds: Vec<_> = after.iter().map(|id| id.kind.as_str()).collect();
    for kind in ["ServiceAccount", "PriorityClass", "Service", "NetworkPolicy", "AutoScalingGroup"]
    {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    let hpa = find(&world, "HorizontalPodAutoscaler", "deepseek-preprocess-front");
    assert!(hpa.after.iter().any(|id| id.kind == "Deployment"));
}

#[test]
fn probes_and_grace_fit_what_the_stage_declares() {
    let world = world(&environment());
    for (name, startup, drain) in
        [("deepseek-inference-h100", 900, 120), ("deepseek-preprocess-front", 30, 30)]
    {
        let pod = pod(&world, name);
        let server = &pod["containers"][0];
        let number = |value: &Value| value.as_u64().unwrap();
        let probe = &server["startupProbe"];
        assert!(number(&probe["periodSeconds"]) * number(&probe["failureThreshold"]) >= startup);
        let pre_stop = number(&server["lifecycle"]["preStop"]["sleep"]["seconds"]);
        let grace = number(&pod["terminationGracePeriodSeconds"]);
        assert!(grace >= pre_stop + drain, "{name}: {grace} < {pre_stop} + {drain}");
        let deployment = find(&world, "Deployment", name);
        let deadline = number(&deployment.body.value()["spec"]["progressDeadlineSeconds"]);
        assert!(deadline > startup + grace, "{name}");
    }
}

/// Replicas that may be there at once and must serve, of so many, in a rollout.
fn room(strategy: &Value, replicas: u64) -> (u64, u64) {
    let of = |value: &Value, round_up: bool| match value.as_str() {
        Some(text) => {
            let parts = replicas * text.trim_end_matches('%').parse::<u64>().unwrap();
            if round_up { parts.div_ceil(100) } else { parts / 100 }
        }
        None => value.as_u64().unwrap(),
    };
    let surge = of(&strategy["maxSurge"], true);
    let unavailable = of(&strategy["maxUnavailable"], false);
    // The API's own fallback: both zero would never move.
    (surge, if surge == 0 { unavailable.max(1) } else { unavailable })
}

#[test]
fn a_rollout_of_a_full_gpu_pool_goes_on_and_never_takes_the_last_replica_first() {
    let mut environment = environment();
    let mut strategy = |replicas: Count| {
        let pools = &mut environment.onprem.as_mut().unwrap().pools;
        pools.get_mut("h100").unwrap().replicas = replicas;
        let world = world(&environment);
        let deployment = find(&world, "Deployment", "deepseek-inference-h100");
        deployment.body.value()["spec"]["strategy"]["rollingUpdate"].clone()
    };
    for (min, max) in [(0, 2), (1, 2), (1, 3), (1, 4), (1, 20), (2, 4), (3, 20), (12, 12)] {
        let strategy = strategy(Count::Between { min, max });
        // At its max a pool has all its GPUs in use: a surge pod finds none.
        let (_, unavailable) = room(&strategy, max.into());
        assert!(unavailable >= 1, "{min} to {max}: {strategy}");
        assert!(unavailable <= u64::from(max).div_ceil(2), "{min} to {max}: {strategy}");
        let one = (min <= 1).then(|| room(&strategy, 1));
        assert!(one.is_none_or(|(surge, gone)| surge == 1 && gone == 0), "{min} to {max}");
    }
    assert_eq!(strategy(Count::Fixed(3)), json!({ "maxSurge": 0, "maxUnavailable": "10%" }));
    let (surge, unavailable) = room(&strategy(Count::Fixed(1)), 1);
    assert_eq!((surge, unavailable), (1, 0));
}

/// What git has counted is no range: a demand that needs three replicas is three.
#[test]
fn a_pool_that_git_sizes_rolls_like_one_of_its_size() {
    let mut environment = environment();
    let stage = environment.service.stages.get_mut("inference").unwrap();
    stage.demand = Some(unit("200 req/s"));
    let pools = &mut environment.onprem.as_mut().unwrap().pools;
    pools.get_mut("h100").unwrap().replicas = Count::Between { min: 1, max: 20 };
    let world = world(&environment);
    let spec = &find(&world, "Deployment", "deepseek-inference-h100").body.value()["spec"];
    assert!(spec["replicas"].as_u64().is_some_and(|replicas| replicas > 1), "{spec:#}");
    assert_eq!(spec["strategy"]["rollingUpdate"]["maxSurge"], json!(0));
}

/// A new pod on full nodes waits: it may take down neither the replica that it
/// shall replace nor what another team runs.
#[test]
fn serving_pods_stand_first_in_the_queue_and_evict_nobody() {
    let world = world(&environment());
    let class = &find(&world, "PriorityClass", "floodway-prod").body.value();
    assert_eq!(class["preemptionPolicy"], json!("Never"));
    assert!(class["value"].as_i64().unwrap() > 0);
}

#[test]
fn burst_pods_run_only_on_their_own_nodes() {
    let world = world(&environment());
    let pod = pod(&world, "deepseek-inference-g6e");
    // Another environment may have pools of the same names in the cluster.
    let own = json!({
        "floodway.dev/environment": "prod", "floodway.dev/workload": "deepseek-inference-g6e",
    });
    assert_eq!(pod["nodeSelector"], own);
    let taint = json!([{
        "key": "floodway.dev/workload", "operator": "Equal",
        "value": "deepseek-inference-g6e", "effect": "NoSchedule",
    }]);
    assert_eq!(pod["tolerations"], taint);
    let group = find(&world, "AutoScalingGroup", "prod-g6e-od-g6e.12xlarge");
    let served = group.body.text_at("/tags/floodway.dev~1workload");
    assert_eq!(served.as_deref(), Some("deepseek-inference-g6e"));
}

#[test]
fn the_pods_of_a_renamed_pool_are_the_same_to_the_letter() {
    let before = world(&environment());
    let mut environment = environment();
    let pools = &mut environment.onprem.as_mut().unwrap().pools;
    let pool = pools.remove("h100").unwrap();
    pools.insert(unit("h200"), pool);
    environment.moved = vec![crate::spec::model::Moved { from: "h100".into(), to: "h200".into() }];
    let live = fixture::live("deepseek-inference-h100", "inference", "h100");
    let after = fixture::world(&environment, &fixture::inventory([live]));
    let deployment =
        |world: &DesiredWorld| find(world, "Deployment", "deepseek-inference-h100").body.value();
    let (before, after) = (deployment(&before), deployment(&after));
    assert_eq!(before["spec"], after["spec"]);
    assert_eq!(after["metadata"]["labels"]["floodway.dev/pool"], json!("h200"));
}

#[test]
fn quantities_are_written_as_the_api_server_writes_them() {
    for (rate, written) in [(14, "14"), (1000, "1k"), (1500, "1500"), (2_000_000, "2M")] {
        let mut environment = environment();
        let pools = &mut environment.onprem.as_mut().unwrap().pools;
        let hpa = Hpa { cpu: None, requests_per_second: Some(rate) };
        pools.get_mut("front").unwrap().hpa = Some(hpa);
        let world = world(&environment);
        let hpa = find(&world, "HorizontalPodAutoscaler", "deepseek-preprocess-front");
        let target = hpa.body.at("/spec/metrics/0/external/target/averageValue").unwrap();
        assert_eq!(target, json!(written));
    }
    let world = world(&environment());
    let gpus = &pod(&world, "deepseek-inference-h100")["containers"][0]["resources"]["limits"];
    assert_eq!(gpus["nvidia.com/gpu"], json!("1"));
}

#[test]
fn an_environment_without_a_cluster_has_groups_only() {
    let mut environment = environment();
    environment.onprem = None;
    let world = world(&environment);
    assert!(!world.resources.is_empty());
    for desired in &world.resources {
        assert_eq!(desired.id.side, Side::Aws);
        assert!(desired.after.iter().all(|first| first.kind == "LaunchTemplate"));
    }
}

#[test]
fn alerts_are_a_prometheus_rule_where_that_kind_exists_with_the_same_rules() {
    let configmap = world(&environment());
    let text =
        find(&configmap, "ConfigMap", "floodway-prod-alerts").body.value()["data"]["rules.yaml"]
            .clone();
    let mut inventory = fixture::empty();
    inventory.capabilities.prometheus_rules = true;
    let with_crd = fixture::world(&environment(), &inventory);
    let rule = find(&with_crd, "PrometheusRule", "floodway-prod-alerts");
    let rules: Value = serde_saphyr::from_str(text.as_str().unwrap()).unwrap();
    assert_eq!(rule.body.value()["spec"], rules);
    assert!(
        with_crd.resources.iter().all(|d| d.id.kind != "ConfigMap" || d.id.name == "floodway-prod")
    );
}

#[test]
fn reasons_name_the_line_of_the_toml() {
    let environment = environment();
    let inventory = fixture::empty();
    let mut origins = Origins::default();
    let place = Place { file: "environments/prod.toml".into(), line: 41, column: 1 };
    origins.insert("onprem.pools.h100".into(), place);
    let input = DesiredInput {
        environment: &environment,
        origins: &origins,
        catalog: &fixture::catalog(),
        decision: &fixture::decision(&environment, &inventory),
        inventory: &inventory,
        mark: &fixture::mark(),
    };
    let world = render(&input, &Templates::embedded().unwrap()).unwrap();
    let reason = &find(&world, "Deployment", "deepseek-inference-h100").reason;
    assert_eq!(reason.to_string(), "pool h100 serves stage inference (environments/prod.toml:41)");
}

#[test]
fn instances_that_boot_by_a_bios_start_from_an_image_and_a_template_of_their_own() {
    let mut environment = environment();
    let pool = environment.aws.as_mut().unwrap().pools.get_mut("g6e").unwrap();
    pool.instance_types = vec!["p5.48xlarge".into(), "p4d.24xlarge".into()];
    pool.capacity = pool.instance_types.iter().map(|n| (n.clone(), unit("9 req/s"))).collect();
    pool.spot = None;
    let catalog = Catalog::shipped();
    let mut inventory = fixture::empty();
    for lookup in lookups(&environment, &catalog) {
        let id = match &lookup.sought {
            Sought::Image { boot_mode: BootMode::LegacyBios, .. } => "ami-bios",
            Sought::Image { .. } => "ami-uefi",
            _ => "other",
        };
        inventory.found.insert(lookup.clone(), vec![id.into()]);
    }
    let origins = &Origins::default();
    let render_in = |inventory: &crate::observe::Inventory| {
        let supply = &Supply::from_inventory(&environment, inventory);
        let (environment, catalog) = (&environment, &catalog);
        let decision = &decide(&PlanningInput { environment, origins, catalog, supply });
        let mark = &fixture::mark();
        let input = DesiredInput { environment, origins, catalog, decision, inventory, mark };
        render(&input, &Templates::embedded().unwrap()).unwrap()
    };
    let world = render_in(&inventory);
    assert_eq!(world.missing, []);
    for (group, template, image, marked) in [
        ("prod-g6e-od-p5.48xlarge", "prod-g6e", "ami-uefi", Value::Null),
        ("prod-g6e-od-p4d.24xlarge", "prod-g6e.bios", "ami-bios", json!("legacy-bios")),
    ] {
        let body = find(&world, "LaunchTemplate", template).body.value();
        assert_eq!(
            (&body["image"], &body["tags"]["floodway.dev/boot-mode"]),
            (&json!(image), &marked)
        );
        let group = find(&world, "AutoScalingGroup", group);
        assert_eq!(group.body.value()["launch_template"], json!(template));
        assert!(group.after.iter().any(|first| first.name == template));
    }

    // Each is kept as what it is, whatever its name.
    let mut there = fixture::inventory(["older", "old"].map(|name| {
        let id = crate::observe::ResourceId::launch_template("us-east-1", name);
        fixture::live_thing(id, "inference", "g6e", json!({}))
    }));
    there.found = inventory.found;
    let older = crate::observe::ResourceId::launch_template("us-east-1", "older");
    let marks = &mut there.resources.get_mut(&older).unwrap().marks;
    marks.insert("boot-mode".into(), "legacy-bios".into());
    let world = render_in(&there);
    let image = |name| find(&world, "LaunchTemplate", name).body.value()["image"].clone();
    assert_eq!((image("old"), image("older")), (json!("ami-uefi"), json!("ami-bios")));
}
