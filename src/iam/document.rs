//! A policy document, and how its conditions are said.

use super::Known;
use super::place::{self, Place};
use crate::observe::{Mark, marks};
use crate::spec::Environment;
use crate::spec::model::Aws;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Characters without white space that a managed policy may have:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MANAGED_MAX: usize = 6_144;

/// A policy, as IAM takes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// Of the policy language.
    pub version: &'static str,
    /// What is allowed; nothing is denied.
    pub statement: Vec<Statement>,
    /// What a person must know of it; no part of the document.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// One thing that is allowed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Says what for; the same from version to version.
    pub sid: &'static str,
    effect: &'static str,
    /// `service:Action`
    pub action: Vec<&'static str>,
    /// ARNs.
    pub resource: Vec<String>,
    /// By operator, then by key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub condition: Map<String, Value>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { version: "2012-10-17", statement: Vec::new(), notes: Vec::new() }
    }
}

impl Policy {
    pub(super) fn allow(
        &mut self,
        sid: &'static str,
        actions: &[&'static str],
        resource: Vec<String>,
        condition: Condition,
    ) {
        self.statement.push(Statement {
            sid,
            effect: "Allow",
            action: actions.to_vec(),
            resource,
            condition: condition.0,
        });
    }

    /// Notes where IAM will not take all of it as one managed policy.
    pub(super) fn measure(&mut self) {
        let text = serde_json::to_string(self).unwrap_or_default();
        let characters = text.chars().filter(|c| !c.is_whitespace()).count();
        if characters > MANAGED_MAX {
            self.notes.push(format!(
                "it has {characters} characters, and a managed policy may have {MANAGED_MAX}: \
                 attach its statements as two, or write it into the role itself"
            ));
        }
    }
}

/// What a policy is made from.
pub(super) struct Scene<'a> {
    pub(super) environment: &'a Environment,
    pub(super) aws: &'a Aws,
    pub(super) mark: &'a Mark,
    pub(super) known: &'a Known,
    pub(super) place: Place<'a>,
}

/// All of these must hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition(Map<String, Value>);

impl Condition {
    /// One more test; several values: any of them.
    pub(super) fn and(mut self, operator: &str, key: &str, values: &[&str]) -> Self {
        let value = match values {
            [one] => json!(one),
            many => json!(many),
        };
        let tests = self.0.entry(operator.to_owned()).or_insert_with(|| json!({}));
        tests[key] = value;
        self
    }

    /// What is asked for bears the tags of the environment.
    pub(super) fn makes(self, scene: &Scene<'_>) -> Self {
        let mark = scene.mark;
        let tags = [
            (marks::ENVIRONMENT, &mark.environment),
            (marks::REPOSITORY, &mark.repository),
            (marks::FILE, &mark.file),
        ];
        tags.into_iter().fold(self, |condition, (key, value)| {
            let value = place::literal(value);
            condition.and("StringEquals", &format!("aws:RequestTag/{key}"), &[&value])
        })
    }

    /// What is there bears the tag of the environment.
    pub(super) fn has(self, scene: &Scene<'_>) -> Self {
        let key = format!("aws:ResourceTag/{}", marks::ENVIRONMENT);
        self.and("StringEquals", &key, &[&scene.mark.environment])
    }

    /// It is not given to another environment.
    pub(super) fn keeps(self, scene: &Scene<'_>) -> Self {
        let key = format!("aws:RequestTag/{}", marks::ENVIRONMENT);
        self.and("StringEqualsIfExists", &key, &[&scene.mark.environment])
    }

    /// Only tags of Floodway's own.
    pub(super) fn own_tags(self) -> Self {
        let floodway = format!("{}*", marks::PREFIX);
        self.and("ForAllValues:StringLike", "aws:TagKeys", &[marks::MANAGED_BY, &floodway])
    }
}
