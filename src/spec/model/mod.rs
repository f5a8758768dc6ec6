//! The resolved environment: every value present, every default filled in.
//!
//! Each struct here is declared once, with its keys, types, defaults and
//! descriptions; reader, writer and JSON Schema come from that.

mod aws;
mod burst;
mod by_region;
mod calendar;
mod count;
mod egress;
mod environment;
mod freeze;
mod limit;
mod onprem;
mod overrides;
mod planned_window;
mod profile;
mod quotas;
mod requirements;
mod reservation;
mod rollout;
mod schedule;
mod service;
mod signals;

pub use aws::{
    Aws, AwsProvider, BurstPool, ImageRef, Join, Launch, LockBucket, Refresh, RefreshRule,
    Selector, Spot, Volume,
};
pub use burst::{Budget, Burst, ForecastPolicy, ScaleIn};
pub use by_region::ByRegion;
pub use calendar::{Calendar, Event};
pub use count::Count;
pub use egress::{AddressRange, Egress};
pub use environment::{Environment, Identity, Slo};
pub use freeze::Freeze;
pub use limit::{Limit, LimitUnit};
pub use onprem::{Hpa, OnPrem, OnPremPool, OnPremProvider, Toleration};
pub use overrides::Overrides;
pub use planned_window::PlannedWindow;
pub use profile::Profile;
pub use quotas::{QuotaFamily, Quotas};
pub use requirements::{MemoryWithin, Requirements, Vcpus};
pub use reservation::Reservation;
pub use rollout::{
    Abort, BuiltIn, Exit, Goals, Moved, Over, Passage, Phase, PhaseStep, Risk, Rollout, Waves,
};
pub use schedule::Schedule;
pub use service::{Resources, Service, Stage};
pub use signals::{Demand, Engine, Kafka, Signals};
