//! One account, with a client of each API in each region.

use super::counted::Counted;
use super::named::Looks;
use crate::observe::{Ownership, ResourceId};
use crate::plan::{FailureKind, PortError, Precondition};
use aws_config::SdkConfig;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Where everything is.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) sts: aws_sdk_sts::Client,
    /// By name.
    pub(super) regions: BTreeMap<String, Region>,
    /// With what other regions are searched, where no cluster notes in which
    /// something was left.
    pub(super) searches: Option<(SdkConfig, Counted)>,
}

/// One region's APIs.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) autoscaling: aws_sdk_autoscaling::Client,
    pub(super) ssm: aws_sdk_ssm::Client,
    pub(super) quotas: aws_sdk_servicequotas::Client,
    /// Of images that were asked about.
    pub(super) root_devices: Arc<Mutex<HashMap<String, String>>>,
    pub(super) looks: Arc<Looks>,
    /// Of instances that were asked about.
    pub(super) addresses: Arc<Mutex<HashMap<String, IpAddr>>>,
}

impl Region {
    /// The APIs of the region `name`.
    pub(super) fn new(config: &SdkConfig, name: &str, calls: &Counted) -> Self {
        let at = config.to_builder().region(aws_config::Region::new(name.to_owned())).build();
        macro_rules! client {
            ($sdk:ident) => {{
                let config = $sdk::config::Builder::from(&at).interceptor(calls.clone());
                $sdk::Client::from_conf(config.build())
            }};
        }
        Self {
            name: name.to_owned(),
            ec2: client!(aws_sdk_ec2),
            autoscaling: client!(aws_sdk_autoscaling),
            ssm: client!(aws_sdk_ssm),
            quotas: client!(aws_sdk_servicequotas),
            root_devices: Arc::default(),
            looks: Arc::default(),
            addresses: Arc::default(),
        }
    }
}

impl Account {
    /// The region that `id` is in.
    pub(super) fn region_of(&self, id: &ResourceId) -> Result<&Region, PortError> {
        let name = id.scope.as_deref().unwrap_or_default();
        self.regions.get(name).ok_or_else(|| PortError {
            kind: FailureKind::Rejected,
            message: format!("{id} is in a region that the environment does not look in"),
            help: Some(format!("add \"{name}\" to aws.regions")),
        })
    }
}

/// What is there, if a write may be made to it.
///
/// # Errors
/// It is not there, is another one than was planned for, or somebody else's.
pub(super) fn required<T>(
    id: &ResourceId,
    precondition: &Precondition,
    live: Option<T>,
    facts: impl Fn(&T) -> (String, Ownership),
) -> Result<T, PortError> {
    match (precondition, live) {
        // Its name is taken, and what has it is not to be seen yet.
        (Precondition::Absent, None) => Err(unsettled(id)),
        (Precondition::Is(_), None) => Err(stale(id)),
        (precondition, Some(live)) => match (precondition, facts(&live)) {
            (Precondition::Absent, (_, owner)) if owner != Ownership::Ours => Err(taken(id)),
            (Precondition::Is(planned), (uid, _)) if uid != *planned => Err(stale(id)),
            _ => Ok(live),
        },
    }
}

/// It is another thing than the plan was made for.
pub(super) fn stale(id: &ResourceId) -> PortError {
    PortError {
        kind: FailureKind::Stale,
        message: format!("{id} is not the one that was planned for"),
        help: Some("plan again".to_owned()),
    }
}

/// What was written is not to be seen yet: AWS's reads follow its writes.
fn unsettled(id: &ResourceId) -> PortError {
    PortError {
        kind: FailureKind::Transient,
        message: format!("{id} has been made, and AWS does not show it yet"),
        help: Some("try again in a moment".to_owned()),
    }
}

/// It is there and somebody else's.
fn taken(id: &ResourceId) -> PortError {
    PortError {
        kind: FailureKind::Stale,
        message: format!("{id} is there by now, and is not this environment's"),
        help: Some("plan again".to_owned()),
    }
}
