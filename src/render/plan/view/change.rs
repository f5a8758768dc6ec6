//! What readers are told about one change.

use super::ImageView;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Who sets a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnerView {
    /// The TOML file.
    Git,
    /// The HorizontalPodAutoscaler.
    Hpa,
    /// `floodway run`.
    Controller,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReasonView {
    /// In words.
    pub text: String,
    /// Key in the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// File and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionView {
    /// Nothing: it is as it should be. Not in a plan's `changes`.
    NoOp,
    /// `+`
    Create,
    /// `~`
    Update,
    /// `-/+`: the new one first, then drain and delete the old one.
    Replace,
    /// `-`
    Delete,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChangeView {
    /// Its unique name: `kubernetes_deployment.inference/deepseek-h100`.
    pub address: String,
    /// `Deployment`, `AutoScalingGroup`.
    pub kind: String,
    /// Namespace or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Its name there; of a replacement, the new one.
    pub name: String,
    /// Of a replacement, the old name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// What happens.
    pub action: ActionView,
    /// Why.
    pub reason: ReasonView,
    /// Of a create, what matters most about it, in words.
    pub highlights: Vec<String>,
    /// What differs; of a create, all that comes; of a delete, all that goes.
    pub fields: Vec<FieldView>,
    /// Of a launch template that gets another machine image, what is known of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageView>,
    /// How many owned fields stay.
    pub unchanged_fields: usize,
    /// The field that git does not own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<OwnedView>,
    /// The pool it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Whether the server has accepted it in a dry run; absent where there is
    /// nothing to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_by_server: Option<bool>,
    /// What else to know.
    pub notes: Vec<String>,
    /// Exactly what apply does, in this order.
    pub steps: Vec<String>,
    /// Whether there is more to the steps than one write and a wait.
    #[serde(skip)]
    pub stepwise: bool,
    /// Addresses of changes that are done first.
    pub after: Vec<String>,
    /// The wave in which it goes out, counted from 1; absent: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
}

/// One field's difference.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FieldView {
    /// `spec.template.spec.containers[server].image`.
    pub path: String,
    /// Absent: the field is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Absent: the field goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The values are not shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}

/// A field that git leaves alone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OwnedView {
    /// The field.
    pub path: String,
    /// Its live value; of a create, the one it starts with; absent where there
    /// is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Who owns it.
    pub owner: OwnerView,
}
