//! Whether a namespace's ResourceQuotas leave room for all that a plan asks for.

mod objects;
mod pods;
#[cfg(test)]
mod tests;
mod together;

pub(super) use together::is_of_quota;

use super::cluster::Cluster;
use super::kinds::Resource;
use super::live::text;
use crate::observe::ResourceId;
use crate::plan::{FailureKind, PortError, quantity};
use serde_json::Value;

/// A change, as quotas see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asks<'a> {
    pub(super) id: &'a ResourceId,
    /// As it would be, with what the server adds.
    pub(super) object: &'a Value,
    pub(super) live: Option<&'a Value>,
    /// Replicas of a Deployment at least and at most.
    pub(super) units: Option<(u32, u32)>,
}

/// A quota that does not suffice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Short {
    /// The change that asks for most, by its place among those that were given.
    pub(super) at: usize,
    /// It suffices for the least, not for the most.
    pub(super) only_at_most: bool,
    pub(super) message: String,
}

impl Cluster {
    /// The quotas of a namespace; none where they may not be seen.
    pub(super) async fn quotas(&self, namespace: &str) -> Result<Vec<Value>, PortError> {
        let quotas = Resource::new("v1", "resourcequotas", Some(namespace));
        match self.list(&quotas, "", Some).await {
            Err(error) if error.kind == FailureKind::Denied => Ok(Vec::new()),
            answer => answer,
        }
    }
}

/// In billionths.
fn amount(value: &Value) -> Option<i128> {
    quantity::nanos(value)
}

/// What does not suffice for all of `asks` together, key by key. What a change
/// gives back another may take; what goes with a deletion counts until then.
pub(super) fn shortages(quota: &Value, asks: &[Asks<'_>]) -> Vec<Short> {
    let hard = quota.pointer("/status/hard").or_else(|| quota.pointer("/spec/hard"));
    let hard = hard.and_then(Value::as_object).into_iter().flatten();
    hard.filter_map(|(key, limit)| shortage(quota, key, limit, asks)).collect()
}

fn shortage(quota: &Value, key: &str, limit: &Value, asks: &[Asks<'_>]) -> Option<Short> {
    let used = quota.pointer("/status/used").and_then(|used| used.get(key));
    let left = amount(limit)? - used.and_then(amount).unwrap_or(0);
    let at = |replicas: fn((u32, u32)) -> u32| -> Vec<(usize, i128)> {
        let more = |asks: &Asks<'_>| more(quota, key, asks, asks.units.map(replicas));
        let each = asks.iter().map(more).enumerate();
        each.filter(|(_, more)| *more != 0).collect()
    };
    let lacks = |each: &[(usize, i128)]| {
        let sum: i128 = each.iter().map(|(_, more)| more).sum();
        sum > left.max(0)
    };
    let (least, most) = (at(|(least, _)| least), at(|(_, most)| most));
    let only_at_most = !lacks(&least);
    let each = if only_at_most { most } else { least };
    if !lacks(&each) {
        return None;
    }
    let (first, _) = each.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    let name = text(quota, "/metadata/name").unwrap_or_default();
    let used = used.map_or_else(|| "0".to_owned(), plain);
    let most = if only_at_most { "at its most replicas " } else { "" };
    let wanted = wanted(key, asks, &each);
    let limit = plain(limit);
    Some(Short {
        at: first,
        only_at_most,
        message: format!(
            "ResourceQuota {name}: {used} of {limit} {key} are used, and {most}this plan asks for \
             {wanted}"
        ),
    })
}

/// How much more of `key` is used when `asks` is done.
fn more(quota: &Value, key: &str, asks: &Asks<'_>, replicas: Option<u32>) -> i128 {
    let mut more = 0;
    if quota.pointer("/spec/scopes").is_none() && quota.pointer("/spec/scopeSelector").is_none() {
        more += objects::more(key, asks.id, asks.object, asks.live);
    }
    let of = |object: &Value, count: u64| {
        let counts = asks.id.kind == "Deployment" && pods::is_about(quota, object);
        if counts { i128::from(count) * pods::per_pod(object, key) } else { 0 }
    };
    if let Some(replicas) = replicas {
        let has = |live: &Value| live.pointer("/status/replicas")?.as_u64();
        let wanted = of(asks.object, replicas.into());
        let had = asks.live.map_or(0, |live| of(live, has(live).unwrap_or(0)));
        // What the runtime may move between bounds it need not give back.
        let fixed = asks.units.is_some_and(|(least, most)| least == most);
        more += if fixed { wanted - had } else { (wanted - had).max(0) };
    }
    more
}

/// Changes that a message names.
const NAMED: usize = 4;

fn wanted(key: &str, asks: &[Asks<'_>], each: &[(usize, i128)]) -> String {
    let sum: i128 = each.iter().map(|(_, more)| more).sum();
    let named: Vec<String> = each
        .iter()
        .take(NAMED)
        .map(|(at, more)| format!("{}: {}", asks[*at].id, shown(key, *more)))
        .collect();
    let others = match each.len().saturating_sub(NAMED) {
        0 => String::new(),
        count => format!(", and {count} others"),
    };
    format!("{} more ({}{others})", shown(key, sum), named.join(", "))
}

/// An amount as people write it.
fn shown(key: &str, nanos: i128) -> String {
    let bytes = ["memory", "storage", "hugepages"].iter().any(|word| key.contains(word));
    let whole = nanos / pods::ONE;
    if nanos % pods::ONE != 0 {
        return format!("{}m", nanos / 1_000_000);
    }
    let unit = ["Ti", "Gi", "Mi", "Ki"].iter().zip([40, 30, 20, 10]);
    let mut fitting = unit.filter(|(_, bits)| bytes && whole != 0 && whole % (1 << bits) == 0);
    match fitting.next() {
        Some((unit, bits)) => format!("{}{unit}", whole >> bits),
        None => whole.to_string(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
