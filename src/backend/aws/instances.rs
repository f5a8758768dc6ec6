//! What EC2 itself says of the groups' instances.

use super::account::Region;
use super::error::failed;
use crate::clock::Timestamp;
use crate::observe::{Gap, Live, Side, Unit};
use crate::plan::PortError;
use aws_sdk_ec2::types::{Filter, Instance, SpotInstanceRequest};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// Values that one filter may have:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html>
const VALUES: usize = 200;
/// Instances in one page.
const PAGE: i32 = 1000;
/// The status of a spot request whose instance has been given notice, and how long
/// it has from then on:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-status.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html>
const MARKED: &str = "marked-for-termination";
/// See [`MARKED`].
const NOTICE: Duration = Duration::from_secs(120);
/// Calls that may be under way.
const CALLS: usize = 8;

impl Region {
    /// Adds to the instances that stand alone where they are reached. An instance
    /// keeps its first private address for its whole life, so that each is asked
    /// about until that is known, and never again:
    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html>
    ///
    /// The gap: why it is not known of some.
    pub(super) async fn addresses(&self, groups: impl Iterator<Item = &mut Live>) -> Option<Gap> {
        let mut alone: Vec<&mut Unit> =
            groups.filter(|live| live.stands_alone()).flat_map(units).collect();
        let mut known = self.addresses.lock().await;
        let there: BTreeSet<&str> = alone.iter().map(|unit| unit.name.as_str()).collect();
        known.retain(|name, _| there.contains(name.as_str()));
        let unknown: Vec<&str> =
            there.into_iter().filter(|name| !known.contains_key(*name)).collect();
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let unknown: Vec<Vec<String>> = unknown.chunks(VALUES).map(own).collect();
        let asked = stream::iter(unknown).map(|names| self.addresses_of(names));
        let found = asked.buffer_unordered(CALLS).try_concat().await;
        let (found, failed) = match found {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        known.extend(found);
        for unit in &mut alone {
            unit.address = known.get(&unit.name).copied();
        }
        failed.map(|error| gap(Gap::ADDRESSES, &error))
    }

    /// Adds to spot instances when they are taken back, where EC2 has given notice of
    /// that. The gap: why that is not known.
    pub(super) async fn notices(&self, groups: impl Iterator<Item = &mut Live>) -> Option<Gap> {
        let spot = |live: &&mut Live| live.market().is_some_and(|market| market == "spot");
        let mut there: Vec<&mut Unit> = groups.filter(spot).flat_map(units).collect();
        if there.is_empty() {
            return None;
        }
        let marked = Filter::builder().name("status-code").values(MARKED).build();
        let asked = self.ec2.describe_spot_instance_requests().filters(marked).max_results(PAGE);
        let requests = match all_pages!(asked).await {
            Ok(requests) => requests,
            Err(error) => {
                let about = self.about("spot instance requests");
                let error = failed(error, "ec2:DescribeSpotInstanceRequests", &about);
                return Some(gap(Gap::NOTICES, &error));
            }
        };
        let taken: BTreeMap<String, Timestamp> = requests.iter().filter_map(taken_back).collect();
        for unit in &mut there {
            unit.taken_back = taken.get(&unit.name).copied();
        }
        None
    }

    /// By a filter, of which a name that EC2 does not know yet is no error.
    async fn addresses_of(&self, names: Vec<String>) -> Result<Vec<(String, IpAddr)>, PortError> {
        let named = Filter::builder().name("instance-id").set_values(Some(names)).build();
        let reservations =
            all_pages!(self.ec2.describe_instances().filters(named).max_results(PAGE))
                .await
                .map_err(|error| {
                    failed(error, "ec2:DescribeInstances", &self.about("instances"))
                })?;
        let instances = reservations.iter().flat_map(|one| one.instances());
        let address = |instance: &Instance| {
            let address = instance.private_ip_address()?.parse().ok()?;
            Some((instance.instance_id()?.to_owned(), address))
        };
        Ok(instances.filter_map(address).collect())
    }
}

/// When EC2 takes an instance back that it has given notice of.
fn taken_back(request: &SpotInstanceRequest) -> Option<(String, Timestamp)> {
    let since = Timestamp::from_second(request.status()?.update_time()?.secs()).ok()?;
    Some((request.instance_id()?.to_owned(), since + NOTICE))
}

/// What is not known for once, and hides no instance.
pub(super) fn gap(what: &str, error: &PortError) -> Gap {
    let (what, why) = (what.to_owned(), error.to_string());
    Gap { side: Side::Aws, what, why, hides_members: false }
}

fn units(live: &mut Live) -> impl Iterator<Item = &mut Unit> {
    live.workload.iter_mut().flat_map(|workload| &mut workload.units)
}
