//! Paths of the API server.

use crate::observe::ResourceId;

/// API, kind and plural of what an environment can own; whether it lives in a
/// namespace.
pub(super) const MEMBERS: [(&str, &str, &str, bool); 10] = [
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Service", "services", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", true),
    ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", false),
    ("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules", true),
];

/// The API of what only exists where a CRD was installed.
pub(super) const OPERATOR: &str = "monitoring.coreos.com/v1";

/// A resource of the API: enough to build paths and to name a missing rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resource<'a> {
    pub(super) api: &'a str,
    pub(super) plural: &'a str,
    pub(super) namespace: Option<&'a str>,
    /// A part of it with rights of its own: `scale`.
    part: Option<&'static str>,
}

impl<'a> Resource<'a> {
    pub(super) const fn new(api: &'a str, plural: &'a str, namespace: Option<&'a str>) -> Self {
        Self { api, plural, namespace, part: None }
    }

    /// Its number, and nothing else of it: an object of another kind, with its name, UID
    /// and version.
    pub(super) const fn scale(self) -> Self {
        Self { part: Some("scale"), ..self }
    }

    pub(super) const fn is_scale(&self) -> bool {
        self.part.is_some()
    }

    /// Of `id`; none: a kind that no environment owns.
    pub(super) fn of(id: &'a ResourceId) -> Option<Self> {
        if id.kind == "Namespace" {
            return Some(Self::new("v1", "namespaces", None));
        }
        let (api, _, plural, _) =
            MEMBERS.iter().find(|(api, kind, ..)| *kind == id.kind && *api == id.api)?;
        Some(Self::new(api, plural, id.scope.as_deref()))
    }

    /// `/apis/apps/v1/namespaces/ns/deployments`
    pub(super) fn path(&self) -> String {
        let root = if self.api.contains('/') { "/apis" } else { "/api" };
        match self.namespace {
            Some(namespace) => {
                format!("{root}/{}/namespaces/{namespace}/{}", self.api, self.plural)
            }
            None => format!("{root}/{}/{}", self.api, self.plural),
        }
    }

    /// `/apis/apps/v1/namespaces/ns/deployments/NAME/scale`
    pub(super) fn path_of(&self, name: &str) -> String {
        let part = self.part.map(|part| format!("/{part}"));
        format!("{}/{name}{}", self.path(), part.unwrap_or_default())
    }

    /// As rules name it: `deployments/scale`.
    fn named(&self) -> String {
        let part = self.part.map(|part| format!("/{part}"));
        format!("{}{}", self.plural, part.unwrap_or_default())
    }

    /// `deployments.apps`
    pub(super) fn full(&self) -> String {
        let group = self.api.split_once('/').map(|(group, _)| format!(".{group}"));
        format!("{}{}", self.named(), group.unwrap_or_default())
    }

    /// `deployments.apps in namespace ns`
    pub(super) fn describe(&self) -> String {
        let place = self.namespace.map(|namespace| format!(" in namespace {namespace}"));
        format!("{}{}", self.full(), place.unwrap_or_default())
    }

    /// The RBAC rule that allows `verb`.
    pub(super) fn rule(&self, verb: &str) -> String {
        let group = self.api.split_once('/').map_or("", |(group, _)| group);
        format!(
            "{{apiGroups: [\"{group}\"], resources: [\"{}\"], verbs: [\"{verb}\"]}}",
            self.named()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_thing_is_asked_for_and_allowed_apart_from_the_rest_of_it() {
        let whole = Resource::new("apps/v1", "deployments", Some("ns"));
        let scale = whole.scale();
        assert_eq!(whole.path_of("a"), "/apis/apps/v1/namespaces/ns/deployments/a");
        assert_eq!(scale.path_of("a"), "/apis/apps/v1/namespaces/ns/deployments/a/scale");
        assert_eq!(scale.describe(), "deployments/scale.apps in namespace ns");
        let rule = "{apiGroups: [\"apps\"], resources: [\"deployments/scale\"], verbs: [\"get\"]}";
        assert_eq!(scale.rule("get"), rule);
    }
}
