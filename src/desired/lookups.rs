//! What must be known of the account before anything can start there.

use super::Missing;
use super::scene::Scene;
use crate::id::Name;
use crate::observe::{Lookup, Offer, Reserved, Sought};
use crate::spec::model::{Aws, BurstPool, ImageRef, Selector};
use crate::spec::{BootMode, Catalog, Environment};
use std::collections::BTreeSet;

/// Everything that the burst pools of `environment` name by other words than IDs.
pub fn lookups(environment: &Environment, catalog: &Catalog) -> BTreeSet<Lookup> {
    let Some(aws) = &environment.aws else { return BTreeSet::new() };
    let of_pool = |pool: &BurstPool| {
        let region = aws.region_of(pool);
        let others = [
            by_tags(&pool.subnets, Sought::Subnets),
            by_tags(&aws.launch_of(pool).security_groups, Sought::SecurityGroups),
        ];
        let images = boot_modes(pool, catalog).into_iter().map(|mode| image(&pool.image, mode));
        let there = |sought| Lookup { region: region.to_owned(), sought };
        let named = images.chain(others).flatten().map(there);
        named.chain(Lookup::types_of(aws, pool)).chain(reserved(aws, pool)).collect::<Vec<_>>()
    };
    aws.pools.values().flat_map(of_pool).collect()
}

/// The one reservation that `pool` stands in. A group of them is taken as it is:
/// it is no thing of EC2's.
pub fn reservation(aws: &Aws, pool: &BurstPool) -> Option<Lookup> {
    let sought = Sought::Reservation(pool.reservation_id()?.to_owned());
    Some(Lookup { region: aws.region_of(pool).to_owned(), sought })
}

/// A reservation is of one zone, and so are then the subnets, however named.
fn reserved(aws: &Aws, pool: &BurstPool) -> Vec<Lookup> {
    let Some(reservation) = reservation(aws, pool) else { return Vec::new() };
    let ids = &pool.subnets.ids;
    let sought = Sought::SubnetIds(ids.clone());
    let zones = Lookup { sought, ..reservation.clone() };
    let zones = (!ids.is_empty()).then_some(zones);
    std::iter::once(reservation).chain(zones).collect()
}

/// Every instance type that a burst pool may start, where it does.
pub fn offers(environment: &Environment) -> BTreeSet<Offer> {
    let Some(aws) = &environment.aws else { return BTreeSet::new() };
    let of_pool = |pool: &BurstPool| {
        let region = aws.region_of(pool).to_owned();
        let types = pool.instance_types.clone().into_iter();
        types.map(move |instance_type| Offer { region: region.clone(), instance_type })
    };
    aws.pools.values().flat_map(of_pool).collect()
}

/// How instances of a pool may boot; where AWS finds the types, that is known with
/// them.
fn boot_modes(pool: &BurstPool, catalog: &Catalog) -> BTreeSet<BootMode> {
    if pool.requirements.is_some() {
        return [BootMode::Uefi, BootMode::LegacyBios].into();
    }
    pool.instance_types.iter().map(|name| catalog.boot_mode(name)).collect()
}

fn image(image: &ImageRef, boot_mode: BootMode) -> Option<Sought> {
    match image {
        ImageRef { id: Some(_), .. } => None,
        ImageRef { ssm: Some(name), .. } => Some(Sought::Parameter(name.clone())),
        ImageRef { name: Some(name), channel, .. } => {
            Some(Sought::Image { name: name.clone(), channel: channel.clone(), boot_mode })
        }
        _ => None,
    }
}

fn by_tags(
    selector: &Selector,
    sought: fn(std::collections::BTreeMap<String, String>) -> Sought,
) -> Option<Sought> {
    (!selector.tags.is_empty()).then(|| sought(selector.tags.clone()))
}

/// One pool's answers.
pub(super) struct Found<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) aws: &'a Aws,
    pub(super) name: &'a Name,
    pub(super) pool: &'a BurstPool,
}

impl<'a> Found<'a> {
    /// The ID of the machine image that boots so.
    pub(super) fn image(&self, boots: BootMode, missing: &mut Vec<Missing>) -> Option<String> {
        match &self.pool.image.id {
            Some(id) => Some(id.clone()),
            None => self.ids("image", image(&self.pool.image, boots)?, missing).into_iter().next(),
        }
    }

    /// Asks for the instance types that meet the pool's requirements: without
    /// one, nothing starts.
    pub(super) fn types(&self, missing: &mut Vec<Missing>) {
        if let Some(lookup) = Lookup::types_of(self.aws, self.pool) {
            self.ids("requirements", lookup.sought, missing);
        }
    }

    /// What is known of its reservation.
    pub(super) fn reserved(&self, missing: &mut Vec<Missing>) -> Option<&'a Reserved> {
        let lookup = reservation(self.aws, self.pool)?;
        self.ids("reservation", lookup.sought.clone(), missing);
        self.scene.input.inventory.reserved.get(&lookup)
    }

    /// The subnets' IDs, sorted; those in the reservation's zone, where it has
    /// one: nothing of it is in another.
    pub(super) fn subnets(
        &self,
        reserved: Option<&Reserved>,
        missing: &mut Vec<Missing>,
    ) -> Vec<String> {
        let all = self.selected("subnets", &self.pool.subnets, Sought::Subnets, missing);
        let zones = &self.scene.input.inventory.zones;
        let fits = |id: &&String| {
            let zones = zones.get(*id).zip(reserved);
            zones.is_none_or(|(zone, reserved)| *zone == reserved.zone)
        };
        let fitting: Vec<String> = all.iter().filter(fits).cloned().collect();
        if fitting.is_empty() { all } else { fitting }
    }

    /// The security groups' IDs, sorted.
    pub(super) fn security_groups(&self, missing: &mut Vec<Missing>) -> Vec<String> {
        let launch = self.aws.launch_of(self.pool);
        self.selected(
            "launch.security_groups",
            &launch.security_groups,
            Sought::SecurityGroups,
            missing,
        )
    }

    fn selected(
        &self,
        key: &str,
        selector: &Selector,
        sought: fn(std::collections::BTreeMap<String, String>) -> Sought,
        missing: &mut Vec<Missing>,
    ) -> Vec<String> {
        let mut ids = match by_tags(selector, sought) {
            Some(sought) => self.ids(key, sought, missing),
            None => selector.ids.clone(),
        };
        ids.sort();
        ids.dedup();
        ids
    }

    fn ids(&self, key: &str, sought: Sought, missing: &mut Vec<Missing>) -> Vec<String> {
        let lookup = Lookup { region: self.aws.region_of(self.pool).to_owned(), sought };
        let found = self.scene.input.inventory.found.get(&lookup);
        let ids = found.cloned().unwrap_or_default();
        if ids.is_empty() {
            let pool = format!("aws.pools.{}.{key}", self.name);
            let shared = format!("aws.{key}");
            let of_pool = self.scene.input.origins.origin(&pool).is_some();
            let key = if of_pool { pool } else { shared };
            let reason = self.scene.because(key, format!("for pool {}", self.name));
            // Nobody looked where no answer is.
            let pool = self.name.clone();
            missing.push(Missing { pool, asked: found.is_some(), lookup, reason });
        }
        ids
    }
}
