//! Documents and streams keep to the schemas that are published of them.

use super::fixtures;
use super::fixtures::events::{happenings, report};
use crate::render::event::{EventLine, EventView, Narrator, ReportView};
use crate::render::{plan, schema, status};
use serde::Serialize;
use serde_json::{Value, json};

pub(in crate::render) fn assert_valid(
    schema: &schemars::Schema,
    document: &impl Serialize,
) -> Value {
    let document = serde_json::to_value(document).unwrap();
    let validator = jsonschema::validator_for(schema.as_value()).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    document
}

#[test]
fn plans_keep_to_their_schema() {
    for plan in [fixtures::plan(), fixtures::first_plan(), fixtures::empty_plan()] {
        assert_valid(&schema::plan(), &plan::json(&plan));
    }
}

#[test]
fn a_document_of_another_major_or_without_a_sum_does_not() {
    let validator = jsonschema::validator_for(schema::plan().as_value()).unwrap();
    let document = serde_json::to_value(plan::json(&fixtures::plan())).unwrap();
    let mut major = document.clone();
    major["format_version"] = json!("2.0");
    assert!(!validator.is_valid(&major));
    let mut minor = document.clone();
    minor["format_version"] = json!("1.7");
    minor["something_new"] = json!(1);
    assert!(validator.is_valid(&minor));
    let mut poorer = document;
    poorer.as_object_mut().unwrap().remove("totals");
    assert!(!validator.is_valid(&poorer));
}

#[test]
fn a_status_keeps_to_its_schema() {
    let document = assert_valid(&schema::status(), &super::screens::status_view());
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn every_event_keeps_to_the_schema_and_has_one_line() {
    let plan = fixtures::plan();
    let mut narrator = Narrator::new(&plan);
    let mut lines: Vec<EventLine> =
        happenings().iter().map(|(at, event)| narrator.line(*at, event)).collect();
    let at = fixtures::seen_at();
    lines.extend(EventView::of_plan(&plan).into_iter().map(|event| EventLine::new(at, event)));
    let next = Some("floodway apply prod".to_owned());
    let report = Some(ReportView::new(&plan, &report(), next));
    lines.push(EventLine::new(at, EventView::Finished { report, exit_code: 13 }));
    for line in &lines {
        assert_valid(&schema::events(), line);
        assert!(!serde_json::to_string(line).unwrap().contains('\n'));
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&lines[4]).unwrap());
}

#[test]
fn a_policy_for_terraform_finds_what_it_looks_for() {
    let document = serde_json::to_value(plan::json(&fixtures::plan())).unwrap();
    let changes = document["resource_changes"].as_array().unwrap();
    let actions = |address: &str| {
        let found = changes.iter().find(|change| change["address"] == address).unwrap();
        found["change"]["actions"].clone()
    };
    assert_eq!(actions("kubernetes_service.inference/deepseek-inference"), json!(["no-op"]));
    let replaced = "kubernetes_deployment.inference/deepseek-inference-a100-2";
    assert_eq!(actions(replaced), json!(["create", "delete"]));
    let updated = changes
        .iter()
        .find(|change| {
            change["name"] == "deepseek-inference-h100" && change["type"] == "kubernetes_deployment"
        })
        .unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(updated).unwrap());
    assert!(!document.to_string().contains("hf_should_never_be_seen"));
    let created = changes.iter().find(|c| c["type"] == "aws_autoscaling_group").unwrap();
    assert_eq!(created["change"]["after_unknown"], json!({"desired": true}));
    assert_eq!(created["change"]["before"], Value::Null);
}

#[test]
fn no_screen_shows_a_secret() {
    use crate::render::plan::{Detail, PlanView};
    let style = crate::render::Style::plain(80);
    for plan in [fixtures::plan(), fixtures::first_plan()] {
        let text = plan::text(&PlanView::new(&plan), &style, Detail::Whole);
        assert!(text.contains("(hidden)"));
        assert!(!text.contains("hf_should_never_be_seen"));
    }
    let text = status::text(&super::screens::status_view(), &style);
    assert!(!text.contains("hf_should_never_be_seen"));
}
