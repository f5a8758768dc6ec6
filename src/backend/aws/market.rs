//! What spot costs now, and what the account may run. What does not answer is
//! not known, which plans say: nothing is decided by it.

use super::account::{Account, Region};
use super::error::code;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::observe::{Market, Offer, QuotaOf, SpotPrice};
use crate::port::Scope;
use crate::spec::model::QuotaFamily;
use aws_sdk_ec2::types::InstanceType;
use futures::future::{join, join_all};
use std::collections::{BTreeMap, BTreeSet};

/// What Service Quotas calls EC2.
const EC2: &str = "ec2";
/// Linux in a VPC, as DescribeSpotPriceHistory names it.
const LINUX: &str = "Linux/UNIX";

impl Account {
    /// Of the scope's offers, region by region.
    pub(super) async fn market(&self, scope: &Scope) -> Market {
        let one = async |region: &Region| {
            let here = scope.offers.iter().filter(|offer| offer.region == region.name);
            let types: BTreeSet<&str> = here.map(|offer| offer.instance_type.as_str()).collect();
            if types.is_empty() {
                return Market::default();
            }
            let (spot, quotas) = join(region.spot(&types), region.quotas(&types)).await;
            Market { spot, quotas }
        };
        let mut market = Market::default();
        for of_region in join_all(self.regions.values().map(one)).await {
            market.spot.extend(of_region.spot);
            market.quotas.extend(of_region.quotas);
        }
        market
    }
}

impl Region {
    /// The price of now in the dearest zone. From now on, AWS answers those that
    /// are in force: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html>
    async fn spot(&self, types: &BTreeSet<&str>) -> BTreeMap<Offer, SpotPrice> {
        let now = SystemClock.now();
        let asked = all_pages!(
            self.ec2
                .describe_spot_price_history()
                .set_instance_types(Some(
                    types.iter().map(|name| InstanceType::from(*name)).collect()
                ))
                .product_descriptions(LINUX)
                .start_time(aws_sdk_ec2::primitives::DateTime::from_secs(now.as_second()))
        )
        .await;
        let mut newest: BTreeMap<(String, String), SpotPrice> = BTreeMap::new();
        for price in asked.unwrap_or_default() {
            let (Some(instance_type), Some(zone), Some(usd)) =
                (price.instance_type(), price.availability_zone(), price.spot_price())
            else {
                continue;
            };
            let at = price.timestamp().and_then(|at| Timestamp::from_second(at.secs()).ok());
            let (Some(at), Ok(usd_per_hour)) = (at, format!("${usd}/h").parse()) else { continue };
            let seen = SpotPrice { usd_per_hour, zone: zone.to_owned(), at };
            let key = (instance_type.as_str().to_owned(), zone.to_owned());
            let known = newest.entry(key).or_insert_with(|| seen.clone());
            if seen.at > known.at {
                *known = seen;
            }
        }
        let mut dearest: BTreeMap<Offer, SpotPrice> = BTreeMap::new();
        for ((instance_type, _), price) in newest {
            let offer = Offer { region: self.name.clone(), instance_type };
            let known = dearest.entry(offer).or_insert_with(|| price.clone());
            if price.usd_per_hour > known.usd_per_hour {
                *known = price;
            }
        }
        dearest
    }

    async fn quotas(&self, types: &BTreeSet<&str>) -> BTreeMap<QuotaOf, u32> {
        let both = |name: &&str| [false, true].map(|spot| QuotaFamily::of(name, spot));
        let families: BTreeSet<QuotaFamily> = types.iter().flat_map(both).flatten().collect();
        let one = async |family: QuotaFamily| {
            let asked = self.quotas.get_service_quota().service_code(EC2);
            let value = match asked.quota_code(family.code()).send().await {
                Ok(answer) => answer.quota()?.value()?,
                // Where nobody has changed it, only the default is told.
                Err(error) if code(&error) == "NoSuchResourceException" => {
                    let asked = self.quotas.get_aws_default_service_quota().service_code(EC2);
                    let answer = asked.quota_code(family.code()).send().await.ok()?;
                    answer.quota()?.value()?
                }
                Err(_) => return None,
            };
            // vCPUs are whole.
            let vcpus = format!("{value:.0}").parse().ok()?;
            Some((QuotaOf { region: self.name.clone(), family }, vcpus))
        };
        join_all(families.into_iter().map(one)).await.into_iter().flatten().collect()
    }
}
