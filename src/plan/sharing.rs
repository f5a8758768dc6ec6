//! Which instance types share a group: those that carry the same. A capacity
//! that is edited joins groups or parts them; what goes then is drained as any
//! other group is.

use super::{PlanInput, kinds, refresh};
use crate::decide::{Reason, todays_pool};
use crate::desired::Desired;
use crate::observe::{Body, Live, ResourceId, Unit};
use std::collections::BTreeMap;

const EQUAL: &str = "what a node carries is equal";
const DIFFERS: &str = "what a node carries differs";

/// Why a group may start other types, or the same in another order.
pub(super) fn changed(input: &PlanInput<'_>, want: &Desired) -> Option<Reason> {
    let live = input.inventory.resources.get(&want.id)?;
    let (before, after) = (types(&live.fields), types(&want.body));
    let (mut texts, mut key) = (Vec::new(), "instance_types");
    for name in after.iter().filter(|name| !before.contains(name)) {
        if live_beside(input, want).any(|other| types(&other.fields).contains(name)) {
            key = "capacity";
            texts.push(format!("{name} shares the group now: {EQUAL}"));
        } else {
            texts.push(format!("{name} is new"));
        }
    }
    for name in before.iter().filter(|name| !after.contains(name)) {
        let other = wanted_beside(input, want.pool.as_ref()?.as_ref(), &want.id, &want.body)
            .find(|other| types(&other.body).contains(name));
        if let Some(other) = other {
            key = "capacity";
            texts.push(format!("{name} has {} of its own now: {DIFFERS}", other.id));
        } else {
            texts.push(format!("{name} is not declared any more"));
        }
    }
    if texts.is_empty() {
        texts.push("in another order".to_owned());
    }
    because(input, want.pool.as_ref()?.as_ref(), key, texts.join("; "))
}

/// Why `want` is made, where its type had a place in a group that stays.
pub(super) fn own_group(input: &PlanInput<'_>, want: &Desired) -> Option<Reason> {
    if want.id.kind != kinds::GROUP {
        return None;
    }
    let own = types(&want.body);
    let other = wanted_beside(input, want.pool.as_ref()?.as_ref(), &want.id, &want.body)
        .filter_map(|other| input.inventory.resources.get(&other.id))
        .find(|other| types(&other.fields).iter().any(|name| own.contains(name)))?;
    let text = format!("{} shares {} no longer: {DIFFERS}", own.join(" or "), other.id);
    because(input, want.pool.as_ref()?.as_ref(), "capacity", text)
}

/// Why `live` goes, where its type has a place in another group.
pub(super) fn joins_another(input: &PlanInput<'_>, live: &Live) -> Option<Reason> {
    if live.id.kind != kinds::GROUP {
        return None;
    }
    let pool = todays_pool(input.environment, live.pool()?);
    let own = types(&live.fields);
    let other = wanted_beside(input, pool, &live.id, &live.fields)
        .find(|other| types(&other.body).iter().any(|name| own.contains(name)))?;
    // Another group of the same first type takes its place for other reasons.
    let first = types(&other.body).into_iter().next();
    let joins = first.is_some_and(|first| !own.contains(&first));
    let text = format!("{} shares {} now: {EQUAL}", own.join(" or "), other.id);
    because(input, pool, "capacity", text).filter(|_| joins)
}

/// The instances of types that their group may not start any more: AWS lets
/// them run,
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchTemplate.html>
pub(super) fn staying(want: &Desired, live: &Live) -> Vec<String> {
    // Where no type is named, none is dropped.
    let known = types(&want.body);
    if want.id.kind != kinds::GROUP || known.is_empty() {
        return Vec::new();
    }
    let mut old: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
    for unit in live.units().iter().filter(|unit| !unit.ending) {
        if let Some(name) = unit.instance_type.as_ref().filter(|name| !known.contains(name)) {
            old.entry(name).or_default().push(unit);
        }
    }
    let text = |(name, units): (&str, Vec<&Unit>)| {
        let count = units.len();
        let stay = if count == 1 {
            "instance stays until it ends"
        } else {
            "instances stay until they end"
        };
        format!("{count} {name} {stay}: {}", refresh::names(&units))
    };
    old.into_iter().map(text).collect()
}

fn because(input: &PlanInput<'_>, pool: &str, key: &str, text: String) -> Option<Reason> {
    Some(Reason::at(input.origins, format!("aws.pools.{pool}.{key}"), text))
}

fn types(body: &Body) -> Vec<String> {
    let types = body.at("/instance_types").unwrap_or_default();
    let types = types.as_array().into_iter().flatten();
    types.filter_map(|name| name.as_str()).map(str::to_owned).collect()
}

/// The other groups of the same pool, region and market that shall be.
fn wanted_beside<'a>(
    input: &PlanInput<'a>,
    pool: &'a str,
    id: &'a ResourceId,
    body: &Body,
) -> impl Iterator<Item = &'a Desired> {
    let market = body.text_at("/capacity_type");
    input.desired.resources.iter().filter(move |other| {
        other.id.kind == kinds::GROUP
            && other.pool.as_ref().is_some_and(|name| name.as_str() == pool)
            && (other.id.scope == id.scope && other.id != *id)
            && other.body.text_at("/capacity_type") == market
    })
}

/// Likewise those that are there.
fn live_beside<'a>(input: &PlanInput<'a>, want: &'a Desired) -> impl Iterator<Item = &'a Live> {
    let pool = want.pool.as_ref().map_or("", |pool| pool.as_str());
    let market = want.body.text_at("/capacity_type");
    input.inventory.of_pool(kinds::GROUP, pool).filter(move |other| {
        (other.id.scope == want.id.scope && other.id != want.id)
            && other.fields.text_at("/capacity_type") == market
    })
}
