use super::*;
use crate::desired::fixture::{environment, mark, unit};
use serde_json::{Value, json};

fn files() -> BTreeMap<String, Vec<u8>> {
    let text = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    BTreeMap::from([
        ("environments/weights/prod.safetensors".to_owned(), vec![0xff, 0x00, 0xfe, 0x7b]),
        text("environments/empty.csv", ""),
        text("environments/prod.toml", "x = \"{{ y }}\"\n#: &a *b\n"),
        text("environments/sub/Prod.toml", "z = 1\n"),
        text("calendar/us east.csv", "2026-12-25,Christmas\n"),
    ])
}

fn rendered(environment: &Environment, aws_role: Option<&str>) -> Vec<Value> {
    let (files, mark) = (files(), mark());
    let namespace: Namespace = unit("floodway");
    let install = Install {
        environment,
        mark: &mark,
        namespace: &namespace,
        image: "registry.example/floodway@sha256:00",
        files: &files,
        aws_role,
    };
    let manifests = super::install(&install, &Templates::embedded().unwrap()).unwrap();
    let texts = manifests.iter().flat_map(|(_, text)| text.split("\n---\n"));
    texts.map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

fn of<'v>(all: &'v [Value], kind: &str, name: &str) -> &'v Value {
    let is = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    all.iter().find(is).unwrap()
}

#[test]
fn every_file_is_mounted_where_it_lies_in_the_repository() {
    let all = rendered(&environment(), None);
    let map = of(&all, "ConfigMap", "floodway-prod-run-files");
    let spec = &of(&all, "Deployment", "floodway-prod-run")["spec"]["template"]["spec"];
    let mounts = spec["containers"][0]["volumeMounts"].as_array().unwrap();
    let mut found = BTreeMap::new();
    for volume in spec["volumes"].as_array().unwrap() {
        let mount = mounts.iter().find(|mount| mount["name"] == volume["name"]).unwrap();
        for item in volume["configMap"]["items"].as_array().into_iter().flatten() {
            let [at, path] = [&mount["mountPath"], &item["path"]].map(|v| v.as_str().unwrap());
            let key = item["key"].as_str().unwrap();
            let bytes = match map["data"][key].as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => {
                    assert_eq!(map["binaryData"][key], "/wD+ew==");
                    vec![0xff, 0x00, 0xfe, 0x7b]
                }
            };
            let path = format!("{at}/{path}");
            found.insert(path.strip_prefix("/work/").unwrap().to_owned(), bytes);
        }
    }
    assert_eq!(found, files());
    let keys = map["data"].as_object().unwrap().keys();
    let is_key = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    assert!(keys.into_iter().all(|key| key.chars().all(is_key)));
}

#[test]
fn nothing_of_it_bears_the_marks_of_what_an_environment_owns() {
    for object in rendered(&environment(), None) {
        let labels = object["metadata"]["labels"].as_object().cloned().unwrap_or_default();
        let marked = |key: &&String| key.starts_with("floodway.dev/") || key.contains("managed-by");
        assert_eq!(labels.keys().find(marked), None, "{}", object["kind"]);
    }
}

#[test]
fn without_instances_that_join_no_node_may_be_touched() {
    let mut environment = environment();
    let verbs = |all: &[Value]| {
        let rules = of(all, "ClusterRole", "floodway-prod-run")["rules"].to_string();
        rules.contains("eviction") || rules.contains("patch")
    };
    assert!(verbs(&rendered(&environment, None)));
    for pool in environment.aws.iter_mut().flat_map(|aws| aws.pools.values_mut()) {
        pool.join = Join::Standalone;
    }
    assert!(!verbs(&rendered(&environment, None)));
}

#[test]
fn without_instances_that_stand_alone_no_endpoint_may_be_written() {
    let mut environment = environment();
    let writes = |environment: &Environment| {
        let rules = of(&rendered(environment, None), "Role", "floodway-prod-run")["rules"].clone();
        let of_slices = |rule: &&Value| rule["resources"] == json!(["endpointslices"]);
        let verbs = rules.as_array().unwrap().iter().filter(of_slices).map(|rule| &rule["verbs"]);
        verbs.cloned().collect::<Vec<_>>()
    };
    assert_eq!(writes(&environment), [json!(["list"]), json!(["get", "patch"])]);
    for pool in environment.aws.iter_mut().flat_map(|aws| aws.pools.values_mut()) {
        pool.join = Join::Kubernetes;
    }
    assert_eq!(writes(&environment), [json!(["list"])]);
}

#[test]
fn of_what_runs_in_the_cluster_only_the_number_may_be_written() {
    let all = rendered(&environment(), None);
    let rules = of(&all, "Role", "floodway-prod-run")["rules"].as_array().unwrap();
    let of_apps = rules.iter().filter(|rule| rule["apiGroups"] == json!(["apps"]));
    let rights: Vec<_> = of_apps.map(|rule| (&rule["resources"], &rule["verbs"])).collect();
    let read = (&json!(["deployments"]), &json!(["get", "list"]));
    assert_eq!(rights, [read, (&json!(["deployments/scale"]), &json!(["get", "patch"]))]);
}

#[test]
fn a_role_on_aws_comes_with_the_token_that_it_is_had_by() {
    let role = "arn:aws:iam::123456789012:role/floodway";
    let text = |aws_role| {
        let all = rendered(&environment(), aws_role);
        of(&all, "Deployment", "floodway-prod-run").to_string()
    };
    assert!(text(Some(role)).contains(role) && text(Some(role)).contains("sts.amazonaws.com"));
    assert!(!text(None).contains("sts.amazonaws.com"));
}

#[test]
fn what_is_reached_is_open_and_the_nodes_credentials_are_not() {
    let mut environment = environment();
    let egress = |environment: &Environment| {
        let all = rendered(environment, None);
        of(&all, "NetworkPolicy", "floodway-prod-run")["spec"]["egress"].to_string()
    };
    let before = egress(&environment);
    assert!(before.contains("169.254.0.0/16") && before.contains("9470"), "{before}");
    let signals = environment.signals.as_mut().unwrap();
    signals.prometheus = vec!["https://prometheus.example.com:8443/p".to_owned()];
    assert!(!before.contains("8443") && egress(&environment).contains("8443"));
}
