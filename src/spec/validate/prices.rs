//! What is said region by region: prices and quotas name regions that are some.

use super::Rules;
use crate::diag::nearest;
use crate::spec::model::{Aws, QuotaFamily};
use common::shape::is_region;
use std::collections::BTreeSet;

pub(super) fn check(rules: &mut Rules<'_>) {
    let Some(aws) = &rules.environment.aws else { return };
    for (instance_type, prices) in &aws.prices {
        regions(rules, aws, &format!("aws.prices.{instance_type}"), prices.regions());
    }
    for family in QuotaFamily::ALL {
        if let Some(quota) = aws.quotas.get(family) {
            regions(rules, aws, &format!("aws.quotas.{}", family.key()), quota.regions());
        }
    }
}

/// A key that is no region would silently say nothing.
fn regions<'r>(rules: &mut Rules<'_>, aws: &Aws, path: &str, named: impl Iterator<Item = &'r str>) {
    let used: BTreeSet<&str> = aws
        .pools
        .values()
        .map(|pool| pool.region.as_ref().unwrap_or(&aws.region).as_str())
        .chain([aws.region.as_str()])
        .collect();
    for region in named.filter(|region| !is_region(region)) {
        let help = match nearest(region, used.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the regions of this environment: {}", words(&used)),
        };
        let message = format!("`{region}` is not an AWS region");
        rules.error_in_key(&format!("{path}.{region}"), message, &help);
    }
}

fn words(regions: &BTreeSet<&str>) -> String {
    regions.iter().copied().collect::<Vec<_>>().join(", ")
}
