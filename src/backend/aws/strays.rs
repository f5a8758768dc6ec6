//! Regions that the environment does not look in, and that hold groups of it: a
//! pool's region was changed, and what runs in the old one would be forgotten.

use super::account::{Account, Region};
use super::error::{code, failed};
use super::group::tags_of;
use super::tags::owner;
use crate::observe::{Gap, Inventory, Ownership, Side, marks};
use crate::plan::PortError;
use crate::port::Scope;
use aws_sdk_autoscaling::types::Filter;
use futures::stream::{self, StreamExt};

/// Regions that are asked at once.
const AT_ONCE: usize = 16;

impl Account {
    /// Notes the regions in which the scope's groups were left. Who may not look
    /// there sees that nobody has.
    pub(super) async fn search(&self, scope: &Scope, inventory: &mut Inventory) {
        let wanted = scope.strays && !scope.any_environment;
        let Some((config, calls)) = self.searches.as_ref().filter(|_| wanted) else { return };
        let gap = |what: &str, error: PortError| Gap {
            side: Side::Aws,
            what: what.to_owned(),
            why: format!("whether groups were left there is not known: {error}"),
            hides_members: false,
        };
        let others = match self.other_regions().await {
            Ok(others) => others,
            Err(error) => return inventory.gaps.push(gap("other regions", error)),
        };
        let one = async |name: String| {
            let found = Region::new(config, &name, calls).holds_any(scope).await;
            (name, found)
        };
        let mut asked = stream::iter(others).map(one).buffer_unordered(AT_ONCE);
        let mut denied = None;
        while let Some((name, found)) = asked.next().await {
            match found {
                Ok(true) => drop(inventory.strays.insert(name)),
                Ok(false) => {}
                Err(error) => denied = Some(error),
            }
        }
        inventory.gaps.extend(denied.map(|error| gap("other regions", error)));
    }

    /// The regions that the account has enabled and the environment does not look in.
    async fn other_regions(&self) -> Result<Vec<String>, PortError> {
        let Some(here) = self.regions.values().next() else { return Ok(Vec::new()) };
        let answer = here.ec2.describe_regions().send().await;
        let answer = answer.map_err(|error| failed(error, "ec2:DescribeRegions", "the account"))?;
        let names = answer.regions().iter().filter_map(|region| region.region_name());
        let others = names.filter(|name| !self.regions.contains_key(*name));
        Ok(others.map(str::to_owned).collect())
    }
}

impl Region {
    async fn holds_any(&self, scope: &Scope) -> Result<bool, PortError> {
        let tag = format!("tag:{}", marks::ENVIRONMENT);
        let environment = scope.mark.environment.as_str();
        let filter = Filter::builder().name(tag).values(environment).build();
        let asked = self.autoscaling.describe_auto_scaling_groups().filters(filter);
        let answer = match asked.send().await {
            Ok(answer) => answer,
            // Where the account may do nothing, nothing was left.
            Err(error) if is_closed(code(&error)) => return Ok(false),
            Err(error) => {
                let call = "autoscaling:DescribeAutoScalingGroups";
                return Err(failed(error, call, &self.about("groups")));
            }
        };
        let mut groups = answer.auto_scaling_groups().iter();
        Ok(groups.any(|group| owner(&scope.mark, &tags_of(group)) == Ownership::Ours))
    }
}

/// The region is not enabled.
fn is_closed(code: &str) -> bool {
    matches!(code, "OptInRequired" | "InvalidClientTokenId" | "UnrecognizedClientException")
}
