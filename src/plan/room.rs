//! Whether the nodes that pools may use have GPUs to spare for new replicas.

use super::{Action, Change, PlanInput, PoolDelta};
use crate::observe::{Health, Node, Taint, marks};
use crate::spec::model::{OnPremPool, Toleration};

/// A pool that needs GPUs before it gives any back.
struct Need<'a> {
    pool: &'a str,
    gpus: u32,
    /// Places of the nodes that it may use.
    nodes: Vec<usize>,
}

/// Pools whose new replicas will wait for room, each in a sentence.
pub(super) fn too_few_gpus(
    input: &PlanInput<'_>,
    changes: &[Change],
    pools: &[PoolDelta],
) -> Vec<String> {
    let own = input
        .inventory
        .nodes()
        .filter(|node| node.health == Health::Ready && !node.labels.contains_key(marks::WORKLOAD));
    let own: Vec<&Node> = own.collect();
    // Where none can be seen, nothing is known.
    if input.inventory.nodes.is_empty() {
        return Vec::new();
    }
    let mut needs = needs(input, changes, pools, &own);
    // Who can go nowhere else comes first, and takes what nobody else may use.
    needs.sort_by_key(|need| need.nodes.len());
    let wanted_by = |at: usize| needs.iter().filter(|need| need.nodes.contains(&at)).count();
    let rivals: Vec<usize> = match needs.len() {
        0 | 1 => vec![0; own.len()],
        _ => (0..own.len()).map(wanted_by).collect(),
    };
    let mut free: Vec<u32> =
        own.iter().map(|node| node.gpus_allocatable.saturating_sub(node.gpus_used)).collect();
    let mut warnings = Vec::new();
    for need in &mut needs {
        need.nodes.sort_by_key(|&at| rivals[at]);
        let has: u32 = need.nodes.iter().map(|&at| free[at]).sum();
        let mut left = need.gpus;
        for &at in &need.nodes {
            let taken = left.min(free[at]);
            (left, free[at]) = (left - taken, free[at] - taken);
        }
        if left > 0 {
            warnings.push(sentence(need, has));
        }
    }
    warnings.sort();
    warnings
}

fn sentence(need: &Need<'_>, has: u32) -> String {
    let (pool, gpus) = (need.pool, need.gpus);
    let there = match need.nodes.len() {
        0 => "no node that is ready has its labels and takes its pods".to_owned(),
        _ => format!("the nodes that it may use have {has} free"),
    };
    format!("new replicas of pool {pool} ask for {gpus} GPUs and {there}: some will wait for room")
}

fn needs<'a>(
    input: &PlanInput<'a>,
    changes: &[Change],
    pools: &'a [PoolDelta],
    own: &[&Node],
) -> Vec<Need<'a>> {
    let declared = |name: &str| input.environment.onprem.as_ref()?.pools.get(name);
    let replaced = |name: &str| {
        changes.iter().any(|c| c.action == Action::Replace && c.pool.as_deref() == Some(name))
    };
    let need = |delta: &'a PoolDelta| {
        let pool = declared(&delta.pool)?;
        let given_back = if replaced(&delta.pool) { 0 } else { delta.gpus.before };
        let gpus = delta.gpus.after.saturating_sub(given_back);
        let nodes = || (0..own.len()).filter(|&at| may_use(pool, own[at])).collect();
        (gpus > 0).then(|| Need { pool: &delta.pool, gpus, nodes: nodes() })
    };
    pools.iter().filter_map(need).collect()
}

fn may_use(pool: &OnPremPool, node: &Node) -> bool {
    let selected =
        pool.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value));
    selected && node.taints.iter().all(|taint| is_tolerated(taint, &pool.tolerations))
}

fn is_tolerated(taint: &Taint, tolerations: &[Toleration]) -> bool {
    // Many clusters let pods that ask for GPUs tolerate this one by themselves
    // (the admission plugin ExtendedResourceToleration).
    taint.key == "nvidia.com/gpu"
        || tolerations.iter().any(|toleration| {
            toleration.key == taint.key
                && toleration.value.as_ref().is_none_or(|value| *value == taint.value)
                && toleration.effect.as_ref().is_none_or(|effect| *effect == taint.effect)
        })
}
