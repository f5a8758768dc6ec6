//! Horizontal Pod Autoscalers: only their bounds. There is no load that they
//! could follow.

use super::keyed;
use super::world::World;
use crate::observe::ResourceId;
use serde_json::{Value, json};

/// Who scales in the autoscalers' name.
const MANAGER: &str = "kube-controller-manager";

impl World {
    /// Brings every scaled Deployment between its autoscaler's min and max, as
    /// the controller does at once; one that was scaled to nothing is left alone.
    pub(super) fn settle_autoscalers(&mut self) -> bool {
        let autoscalers =
            self.objects.iter().filter(|(id, _)| id.kind == "HorizontalPodAutoscaler");
        let bounds: Vec<(ResourceId, u64, u64)> = autoscalers
            .filter_map(|(id, object)| {
                let target = object.text("/spec/scaleTargetRef/name")?;
                let number = |path: &str| object.get(path).and_then(Value::as_u64);
                let (min, max) = (number("/spec/minReplicas"), number("/spec/maxReplicas")?);
                let namespace = id.scope.as_deref();
                let target = ResourceId::kubernetes("apps/v1", "Deployment", namespace, target);
                Some((target, min.unwrap_or(1), max))
            })
            .collect();
        let path = keyed::pointer("/spec/replicas");
        let mut moved = false;
        for (target, min, max) in bounds {
            let Some(object) = self.objects.get_mut(&target) else { continue };
            let Some(replicas) = keyed::get(&object.content, &path).and_then(Value::as_u64) else {
                continue;
            };
            let bounded = replicas.max(min).min(max);
            if replicas != 0 && bounded != replicas {
                object.update(MANAGER, &path, json!(bounded));
                moved = true;
            }
        }
        moved
    }
}
