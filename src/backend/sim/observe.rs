//! The world as an inventory: what a list call would say.

use super::keyed;
use super::object::Object;
use super::types;
use super::world::World;
use crate::observe::{
    Autoscaler, Capabilities, Inventory, LastApply, Live, Location, Lookup, Mark, Market, Offer,
    Ownership, Reserved, ResourceId, RuntimeField, Side, Sought, SpotPrice, Taken, Workload, marks,
};
use crate::port::Scope;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

impl World {
    /// Where we are.
    pub(super) fn location(&self, side: Side) -> Location {
        let (prefix, title) = match side {
            Side::Kubernetes => ("cluster", "the simulated cluster"),
            Side::Aws => {
                let number = self.scenario.account.as_deref().unwrap_or("account");
                (number, "the simulated AWS account")
            }
        };
        Location {
            side,
            identity: format!("{prefix}/{}", self.identity()),
            title: title.to_owned(),
        }
    }

    /// Everything on one side that is `scope`'s.
    pub(super) fn inventory(&self, scope: &Scope, side: Side) -> Inventory {
        let mut inventory = Inventory::empty(self.now());
        inventory.locations.push(self.location(side));
        // Its name is the environment's, whatever its namespace.
        let stands = scope.mark.parent_name();
        for (id, object) in self.objects.iter().filter(|(id, _)| id.side == side) {
            let ownership = self.ownership(scope, id);
            let marked = ownership != Ownership::Unmarked && scope.any_environment;
            let marked = marked || id.kind == "PriorityClass" && id.name == stands;
            if ownership == Ownership::Ours || marked || scope.named.contains(id) {
                inventory.resources.insert(id.clone(), self.live(id, object, ownership));
            }
        }
        if side == Side::Aws {
            let found = |lookup: &Lookup| (lookup.clone(), self.found(lookup));
            if scope.notices {
                self.add_notices(&mut inventory);
            }
            if scope.addresses {
                add_addresses(&mut inventory);
            }
            inventory.found = scope.lookups.iter().map(found).collect();
            inventory.reserved = scope.lookups.iter().filter_map(|l| self.reserved(l)).collect();
            inventory.market = self.market();
        }
        if side == Side::Kubernetes {
            inventory.nodes = self.observed_nodes().into_iter().map(Arc::new).collect();
            inventory.last_apply = self.last_apply(scope);
            inventory.capabilities = Capabilities {
                prometheus_rules: false,
                namespace_foreign: Some(self.foreign(scope)),
                namespace_exists: self
                    .objects
                    .keys()
                    .any(|id| id.kind == "Namespace" && id.name == scope.namespace),
            };
        }
        inventory
    }

    fn add_notices(&self, inventory: &mut Inventory) {
        let groups = inventory.resources.values_mut().filter_map(|live| live.workload.as_mut());
        for unit in groups.flat_map(|workload| &mut workload.units) {
            unit.taken_back = self.taken_back(&unit.name);
        }
    }

    /// What the scenario says of spot prices.
    fn market(&self) -> Market {
        let mut market = Market::default();
        for offer in &self.scenario.spot {
            let region = offer.zone.trim_end_matches(|c: char| c.is_ascii_lowercase()).to_owned();
            let key = Offer { region, instance_type: offer.instance_type.clone() };
            let price = SpotPrice {
                usd_per_hour: offer.usd_per_hour,
                zone: offer.zone.clone(),
                at: self.now(),
            };
            let known = market.spot.get(&key);
            if known.is_none_or(|known| known.usd_per_hour < price.usd_per_hour) {
                market.spot.insert(key, price);
            }
        }
        market
    }

    /// A simulated account has whatever is looked for, under IDs of its own.
    fn found(&self, lookup: &Lookup) -> Vec<String> {
        let id = |prefix: &str, number: u64| {
            let digits = self.id_of(&lookup.to_string(), number).replace('-', "");
            format!("{prefix}-{}", digits.get(..17).unwrap_or_default())
        };
        let mut ids = match &lookup.sought {
            Sought::SubnetIds(ids) => ids.clone(),
            Sought::Image { .. } | Sought::Parameter(_) => vec![id("ami", 0)],
            Sought::Subnets(_) => vec![id("subnet", 0), id("subnet", 1)],
            Sought::SecurityGroups(_) => vec![id("sg", 0)],
            Sought::InstanceTypes(required) => types::with(required),
            Sought::Reservation(id) => vec![id.clone()],
        };
        ids.sort();
        ids
    }

    /// What the scenario says of a reservation; without that, nobody knows more
    /// than that it is there.
    fn reserved(&self, lookup: &Lookup) -> Option<(Lookup, Reserved)> {
        let Sought::Reservation(id) = &lookup.sought else { return None };
        let told = self.scenario.reservations.iter().find(|told| told.id == *id)?;
        let ended = told.ends.is_some_and(|end| end <= self.now());
        let reserved = Reserved {
            instance_type: told.instance_type.clone(),
            zone: told.zone.clone(),
            instances: told.instances,
            state: if ended { "expired" } else { "active" }.to_owned(),
            block: told.block,
            begins: None,
            ends: told.ends,
        };
        Some((lookup.clone(), reserved))
    }

    /// One thing as it is seen.
    pub(super) fn live(&self, id: &ResourceId, object: &Object, ownership: Ownership) -> Live {
        let mut fields = match (&ownership, id.side) {
            (Ownership::Ours, Side::Kubernetes) => object.owned_by(marks::MANAGER),
            _ => object.manifest(),
        };
        if let Some(Value::Object(tags)) = fields.get_mut("tags") {
            // A record about the fields, and none of them.
            tags.shift_remove(marks::APPLIED);
            if ownership == Ownership::Ours {
                tags.retain(|key, _| marks::is_owned_tag(key));
            }
        }
        let is_autoscaler = id.kind == "HorizontalPodAutoscaler";
        Live {
            id: id.clone(),
            uid: object.uid.clone(),
            fields: fields.into(),
            taken: taken(object),
            runtime: runtime(id, object),
            marks: own_marks(id, object),
            workload: self.units(id),
            applyset: applyset(object),
            version: (id.kind == "LaunchTemplate").then(|| self.template_version(id)),
            autoscaler: is_autoscaler.then(|| Autoscaler::of(&object.manifest())),
            deleting: false,
            ownership,
        }
    }

    /// The units behind a thing: none of what has none.
    pub(super) fn units(&self, id: &ResourceId) -> Option<Workload> {
        match id.kind.as_str() {
            "Deployment" => self.workload(id),
            "AutoScalingGroup" => self.group_workload(id),
            _ => None,
        }
    }

    /// What is in the namespace and not the environment's.
    fn foreign(&self, scope: &Scope) -> Vec<String> {
        let there = self.objects.keys().filter(|id| id.scope.as_ref() == Some(&scope.namespace));
        there
            .filter(|id| self.ownership(scope, id) != Ownership::Ours)
            .map(ToString::to_string)
            .collect()
    }

    fn last_apply(&self, scope: &Scope) -> Option<LastApply> {
        let parent = ResourceId::kubernetes(
            "v1",
            "ConfigMap",
            Some(&scope.namespace),
            &scope.mark.parent_name(),
        );
        let object = self.objects.get(&parent)?;
        let notes = object.get("/metadata/annotations");
        let note = |key: &str| notes.and_then(|notes| notes.get(key)?.as_str()).unwrap_or_default();
        let mark = Mark {
            environment: scope.mark.environment.clone(),
            repository: note(marks::REPOSITORY).to_owned(),
            file: note(marks::FILE).to_owned(),
        };
        let members = note(marks::MEMBERS).parse().unwrap_or(0);
        Some(LastApply { mark, members, regions: LastApply::regions_of(note(marks::REGIONS)) })
    }
}

/// Fields that managers other than Floodway's own own.
fn taken(object: &Object) -> BTreeMap<String, Taken> {
    let runtime = ["/spec/replicas", "/endpoints"].map(keyed::pointer);
    let mut taken = BTreeMap::new();
    for (manager, owned) in &object.owners {
        if manager == marks::MANAGER || manager == marks::HANDOVER_MANAGER {
            continue;
        }
        for path in owned.iter().filter(|path| !runtime.contains(path)) {
            if let Some(value) = keyed::get(&object.content, path) {
                let value = keyed::unkey(value);
                let entry = Taken { manager: manager.clone(), value };
                taken.insert(keyed::shown(path).to_string(), entry);
            }
        }
    }
    taken
}

fn runtime(id: &ResourceId, object: &Object) -> Option<RuntimeField> {
    let path = match id.kind.as_str() {
        "Deployment" => "/spec/replicas",
        "EndpointSlice" => "/endpoints",
        "AutoScalingGroup" => "/desired",
        _ => return None,
    };
    let keys = keyed::pointer(path);
    let value = keyed::unkey(keyed::get(&object.content, &keys)?);
    Some(RuntimeField { path: path.to_owned(), value, managers: object.managers_of(&keys) })
}

/// Each instance that stands alone has an address of its own, told by its name.
fn add_addresses(inventory: &mut Inventory) {
    let alone = inventory.resources.values_mut().filter(|live| live.stands_alone());
    for unit in alone.filter_map(|live| live.workload.as_mut()).flat_map(|all| &mut all.units) {
        let digits: u32 = unit
            .name
            .bytes()
            .fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        let [_, b, c, d] = digits.to_be_bytes();
        unit.address = Some([10, b, c, d.max(1)].into());
    }
}

fn own_marks(id: &ResourceId, object: &Object) -> BTreeMap<String, String> {
    let paths: &[&str] = match id.side {
        Side::Aws => &["/tags"],
        Side::Kubernetes => &["/metadata/annotations", "/metadata/labels"],
    };
    let all = paths.iter().filter_map(|path| object.get(path)?.as_object()).flatten();
    let own = |(key, value): (&String, &Value)| {
        Some((key.strip_prefix(marks::PREFIX)?.to_owned(), value.as_str()?.to_owned()))
    };
    all.filter_map(own).collect()
}

fn applyset(object: &Object) -> Option<String> {
    let labels = object.get("/metadata/labels")?;
    let set = [marks::APPLYSET_PART_OF, marks::APPLYSET_ID];
    set.iter().find_map(|key| labels.get(*key)?.as_str()).map(str::to_owned)
}
