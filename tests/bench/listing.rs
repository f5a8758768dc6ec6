//! The floor of a plan over a cluster: its objects, listed and dropped.

use super::support::bed::Bed;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};

const KINDS: [(&str, &str, &str, &str); 9] = [
    ("apps", "v1", "Deployment", "deployments"),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Service", "services"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    ("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
];

/// The objects in the cluster, listed in pages of the same size and dropped.
pub async fn bare_list(bed: &Bed) -> usize {
    let kubeconfig = kube::config::Kubeconfig::read_from(bed.kubeconfig()).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let lists = KINDS.map(|(group, version, kind, plural)| {
        let kind = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        let api: Api<DynamicObject> = match plural {
            "priorityclasses" => Api::all_with(client.clone(), &resource),
            _ => Api::namespaced_with(client.clone(), "big", &resource),
        };
        async move {
            let mut count = 0;
            let mut parameters =
                ListParams::default().limit(500).labels("app.kubernetes.io/managed-by=floodway");
            loop {
                let page = api.list(&parameters).await.unwrap();
                count += page.items.len();
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => parameters = parameters.continue_token(&token),
                    None => return count,
                }
            }
        }
    });
    futures::future::join_all(lists).await.into_iter().sum()
}
