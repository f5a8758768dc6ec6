//! The endpoints of instances that stand alone, in the EndpointSlice of their pool:
//! whom traffic reaches.

use super::alone::Alone;
use super::drains::Drains;
use super::writes::Write;
use crate::decide::todays_pool;
use crate::id::Name;
use crate::observe::{Inventory, Live, Ownership, Unit};
use crate::plan::Step;
use crate::spec::Environment;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What a slice may hold:
/// <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/>
const MOST: usize = 1000;

/// One address behind a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The instance: it is the endpoint's hostname.
    pub(super) instance: String,
    /// Where it is reached.
    pub(super) address: IpAddr,
    /// New work may come.
    pub(super) ready: bool,
    /// It is on its way out.
    pub(super) terminating: bool,
}

/// Our EndpointSlices.
pub(super) fn slices(inventory: &Inventory) -> impl Iterator<Item = &Live> {
    let all = inventory.resources.values();
    all.filter(|live| {
        live.id.kind == "EndpointSlice" && live.ownership == Ownership::Ours && !live.deleting
    })
}

/// The endpoints of a slice that are instances.
pub(super) fn of(slice: &Live) -> Vec<Endpoint> {
    let list = slice.runtime.as_ref().and_then(|field| field.value.as_array());
    list.into_iter().flatten().filter_map(Endpoint::read).collect()
}

/// What is to be written of the endpoints of every pool. None are where their
/// instances cannot be seen, so `inventory` must be what both sides are now.
pub(super) fn writes(
    environment: &Environment,
    inventory: &Inventory,
    (alone, drains): (&Alone, &Drains),
) -> Vec<Write> {
    let mut units: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
    for live in inventory.resources.values().filter(|live| live.stands_alone()) {
        let workload = live.marks.get("workload").map(String::as_str).unwrap_or_default();
        units.entry(workload).or_default().extend(live.units());
    }
    let write = |slice: &Live| {
        let pool: Name = todays_pool(environment, slice.pool()?).parse().ok()?;
        let own = units.get(slice.id.name.as_str()).map_or(&[] as &[&Unit], Vec::as_slice);
        let before = of(slice);
        let mut wanted: Vec<Endpoint> =
            own.iter().filter_map(|unit| wanted(unit, &before, (alone, drains))).collect();
        let absent = |one: &&Endpoint| alone.just_absent(&one.instance, inventory.taken_at);
        wanted.extend(before.iter().filter(|one| one.ready).filter(absent).cloned());
        // Where there is no room for all, those that serve have it.
        wanted.sort_by(|a, b| (!a.ready, &a.instance).cmp(&(!b.ready, &b.instance)));
        wanted.truncate(MOST);
        wanted.sort_by(|a, b| a.instance.cmp(&b.instance));
        let field = slice.runtime.as_ref();
        let from = field.map_or_else(|| json!([]), |field| field.value.clone());
        let to: Value = wanted.iter().map(Endpoint::write).collect();
        let adds = wanted.iter().filter(|one| one.ready).count()
            > before.iter().filter(|one| one.ready).count();
        let (id, uid) = (slice.id.clone(), slice.uid.clone());
        let differs = from != to;
        let step = Step::SetEndpoints { id, uid, from, to };
        differs.then_some(Write { pool, step, adds, why: None })
    };
    slices(inventory).filter_map(write).collect()
}

/// The endpoint that a unit should have; none: no traffic should reach it.
fn wanted(
    unit: &Unit,
    before: &[Endpoint],
    (alone, drains): (&Alone, &Drains),
) -> Option<Endpoint> {
    let known = || before.iter().find(|one| one.instance == unit.name).map(|one| one.address);
    let address = unit.address.or_else(known)?;
    let terminating = match drains.get(&unit.name) {
        Some(going) if going.is_empty() => return None,
        Some(_) => true,
        None if unit.ending || !unit.ready => return None,
        None => false,
    };
    let ready = !terminating && !alone.refuses(&unit.name);
    Some(Endpoint { instance: unit.name.clone(), address, ready, terminating })
}

impl Endpoint {
    fn read(endpoint: &Value) -> Option<Self> {
        let is = |condition: &str| endpoint["conditions"][condition] == true;
        Some(Self {
            instance: endpoint["hostname"].as_str()?.to_owned(),
            address: endpoint["addresses"][0].as_str()?.parse().ok()?,
            ready: is("ready"),
            terminating: is("terminating"),
        })
    }

    /// What drains still answers, and who finds nobody else may still ask it.
    fn write(&self) -> Value {
        let (ready, terminating) = (self.ready, self.terminating);
        json!({
            "addresses": [self.address.to_string()],
            "conditions": {
                "ready": ready, "serving": ready || terminating, "terminating": terminating,
            },
            "hostname": self.instance,
        })
    }
}
