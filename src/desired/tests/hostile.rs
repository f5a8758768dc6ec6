//! Values that try to be more than values, and templates that are wrong.

use super::super::fixture::{self, environment, unit};
use crate::desired::Templates;
use crate::observe::Side;
use crate::spec::model::{Egress, Toleration};
use proptest::prelude::*;
use serde_json::{Value, json};

const HOSTILE: [&str; 12] = [
    "a\": b\nprivileged: true",
    "x\nspec:\n  hostNetwork: true",
    "{{ namespace }}{% raw %}",
    "&anchor *alias !!binary",
    "}} # {%",
    "- - -",
    "'\"`\\",
    "true",
    "1e9",
    "",
    "\u{85}\u{2028}\u{feff}\t\u{7f}",
    "---\napiVersion: v1\nkind: Secret",
];

#[test]
fn no_text_breaks_out_of_a_policy() {
    for text in HOSTILE {
        let mut environment = environment();
        let stage = environment.service.stages.get_mut("inference").unwrap();
        stage.egress = vec![Egress { cidr: text.into(), port: 443 }];
        let world = fixture::world(&environment, &fixture::empty());
        let mut policies = world.resources.iter().filter(|d| d.id.kind == "NetworkPolicy");
        let policy = policies.find(|d| d.id.name == "deepseek-inference").unwrap();
        let rules = policy.body.at("/spec/egress").unwrap();
        let rules = rules.as_array().unwrap();
        assert_eq!(rules.len(), 2);
        assert_eq!(rules[1]["to"], json!([{ "ipBlock": { "cidr": text } }]));
    }
}

/// The h100 Deployment, with `text` wherever the TOML gives text freely.
fn deployment_with(text: &str) -> Value {
    let mut environment = environment();
    environment.service.model = text.into();
    let stage = environment.service.stages.get_mut("inference").unwrap();
    stage.image = text.into();
    stage.args = vec![text.into()];
    stage.env = [(text.to_owned(), text.to_owned())].into();
    stage.env_from = vec![text.into()];
    environment.service.image_pull_secrets = vec![text.into()];
    let pool = environment.onprem.as_mut().unwrap().pools.get_mut("h100").unwrap();
    pool.node_selector = [(text.to_owned(), text.to_owned())].into();
    let taint = Some(text.to_owned());
    pool.tolerations = vec![Toleration { key: text.into(), value: taint.clone(), effect: taint }];
    let world = fixture::world(&environment, &fixture::empty());
    let found = world.resources.into_iter().find(|d| d.id.name == "deepseek-inference-h100");
    found.unwrap().body.value()
}

fn assert_only_values_changed(text: &str) {
    let body = deployment_with(text);
    let pod = &body["spec"]["template"]["spec"];
    let server = &pod["containers"][0];
    assert_eq!(server["image"], json!(text));
    assert_eq!(server["args"], json!([text]));
    let env = server["env"].as_array().unwrap();
    assert!(env.contains(&json!({ "name": text, "value": text })), "{env:?}");
    assert!(
        env.contains(&json!({ "name": "FLOODWAY_MODEL", "value": text }))
            || text == "FLOODWAY_MODEL"
    );
    assert_eq!(server["envFrom"], json!([{ "secretRef": { "name": text } }]));
    assert_eq!(pod["imagePullSecrets"], json!([{ "name": text }]));
    assert_eq!(pod["nodeSelector"], json!({ text: text }));
    let toleration = json!({ "key": text, "operator": "Equal", "value": text, "effect": text });
    assert_eq!(pod["tolerations"], json!([toleration]));
    // Nothing else came into being.
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let plain = deployment_with("plain");
    assert_eq!(keys(&body), keys(&plain));
    assert_eq!(keys(pod), keys(&plain["spec"]["template"]["spec"]));
    assert_eq!(keys(server), keys(&plain["spec"]["template"]["spec"]["containers"][0]));
}

#[test]
fn no_text_breaks_out_of_its_place() {
    for text in HOSTILE {
        assert_only_values_changed(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_random_text_does_either(text in "[ -~\\n\\t{}%#&*!|>'\"]{0,24}|\\PC{0,12}") {
        assert_only_values_changed(&text);
    }
}

#[test]
fn names_that_yaml_takes_for_numbers_or_words_stay_strings() {
    for name in ["true", "null", "123", "1e3", "0x1f", "no"] {
        let mut environment = environment();
        environment.service.namespace = unit(name);
        environment.environment.name = unit(name);
        let world = fixture::world(&environment, &fixture::empty());
        for desired in world.resources.iter().filter(|d| d.id.side == Side::Kubernetes) {
            let label = &desired.body.value()["metadata"]["labels"]["floodway.dev/environment"];
            assert_eq!(label, &json!(name), "{}", desired.id);
        }
    }
}

fn failure(template: &str, text: &str) -> String {
    let overridden = Templates::with_overrides([(template, text)]);
    let result = overridden.and_then(|templates| {
        fixture::with_templates(&environment(), &fixture::empty(), &templates)
    });
    result.unwrap_err().to_string()
}

#[test]
fn a_wrong_variable_is_named_with_its_file_and_line() {
    let message =
        failure("templates/kubernetes/service.yaml", "apiVersion: v1\nkind: {{ kindd }}\n");
    insta::assert_snapshot!(message);
}

#[test]
fn a_wrong_syntax_is_named_with_its_file_and_line() {
    let message = failure("templates/kubernetes/service.yaml", "apiVersion: v1\n{% for x %}\n");
    insta::assert_snapshot!(message);
}

#[test]
fn a_template_that_renders_no_yaml_or_another_object_is_an_error() {
    let message = failure("templates/kubernetes/service.yaml", "a: [\n");
    assert!(
        message.starts_with("templates/kubernetes/service.yaml does not render YAML for Service"),
        "{message}"
    );
    let text = "apiVersion: v1\nkind: Service\nmetadata: { name: other, namespace: inference }\n";
    let message = failure("templates/kubernetes/service.yaml", text);
    assert_eq!(
        message,
        "templates/kubernetes/service.yaml renders metadata.name `other` where \
         Service inference/deepseek-inference needs `deepseek-inference`"
    );
    let unmarked = text.replace("other", "deepseek-inference");
    assert_eq!(
        failure("templates/kubernetes/service.yaml", &unmarked),
        "templates/kubernetes/service.yaml renders metadata.labels[\"app.kubernetes.io/managed-by\"] `` \
         where Service inference/deepseek-inference needs `floodway`"
    );
    let two = "apiVersion: v1\nkind: Service\n---\nkind: Secret\n";
    assert!(failure("templates/kubernetes/service.yaml", two).contains("does not render YAML"));
}

#[test]
fn a_key_given_twice_is_an_error_and_not_a_surprise() {
    let text = "apiVersion: v1\nkind: Service\nkind: Secret\n";
    let message = failure("templates/kubernetes/service.yaml", text);
    assert!(message.contains("duplicate"), "{message}");
}

#[test]
fn a_template_cannot_reach_the_environment_or_files() {
    for text in ["{{ get_env(name=\"HOME\") }}", "{% include \"/etc/passwd\" %}", "{{ now() }}"] {
        assert!(
            Templates::with_overrides([("templates/kubernetes/service.yaml", text)]).is_err(),
            "{text}"
        );
    }
}
