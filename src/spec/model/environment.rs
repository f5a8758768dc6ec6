//! The whole, and what it is called and promises.

use super::{
    Aws, AwsProvider, Burst, Calendar, Event, Freeze, LockBucket, Moved, OnPrem, OnPremProvider,
    Rollout, Schedule, Service, Signals,
};
use crate::id::Name;
use crate::units::{Share, Span};
use common::shape::table;

table! {
    /// One environment: everything that one platform team runs in one place.
    pub struct Environment {
        /// What the environment is called, and what guards it.
        pub environment: Identity,
        /// What the service promises.
        pub slo: Slo,
        /// The service: its name, its model, its stages.
        pub service: Service,
        /// Capacity on the team's own Kubernetes cluster.
        pub onprem: Option<OnPrem>,
        /// Burst capacity on AWS.
        pub aws: Option<Aws>,
        /// When and how far to burst.
        pub burst: Burst,
        /// Where the load is measured.
        pub signals: Option<Signals>,
        /// Days off, and where the day begins.
        pub calendar: Option<Calendar>,
        /// Planned events that change the load.
        pub event: Vec<Event>,
        /// The phases in which the service is rolled out.
        pub rollout: Rollout,
        /// Numbers that burst pools are given at certain times.
        pub schedule: Vec<Schedule>,
        /// Times in which numbers are left as they are.
        pub freeze: Vec<Freeze>,
        /// Pools that were renamed; their instances stay.
        pub moved: Vec<Moved>,
    }
}

impl Environment {
    /// Whether a part of it is simulated.
    pub fn is_simulated(&self) -> bool {
        self.onprem.as_ref().is_some_and(|onprem| onprem.provider == OnPremProvider::Sim)
            || self.aws.as_ref().is_some_and(|aws| aws.provider == AwsProvider::Sim)
    }

    /// The cluster, if it is a real one.
    fn cluster(&self) -> Option<&OnPrem> {
        self.onprem.as_ref().filter(|onprem| onprem.provider == OnPremProvider::Kubernetes)
    }

    /// The account that keeps what a cluster else keeps of the environment: its
    /// lock, and where it has left something.
    pub fn account_alone(&self) -> Option<&Aws> {
        let account = self.aws.as_ref().filter(|aws| aws.provider == AwsProvider::Aws);
        account.filter(|_| self.cluster().is_none())
    }

    /// The bucket that keeps its lock, for want of a cluster.
    pub fn lock_bucket(&self) -> Option<&LockBucket> {
        self.account_alone()?.lock.as_ref()
    }

    /// The bucket that tells which controller leads, for want of a cluster or because
    /// it shall.
    pub fn lease_bucket(&self) -> Option<&LockBucket> {
        let declared = self.aws.as_ref().filter(|aws| aws.provider == AwsProvider::Aws);
        let declared = declared.and_then(|aws| aws.lock.as_ref()).filter(|lock| lock.leads);
        self.lock_bucket().or(declared)
    }
}

table! {
    /// What the environment is called, and what guards it.
    pub struct Identity {
        /// The environment's name; names of what it creates begin with it.
        pub name: Name,
        /// The rollout phase that is live; one of `[rollout.phases]`.
        pub phase: Option<Name>,
        /// Whether destroying asks for the name, and in CI for an approval.
        pub protected: bool = false,
        /// How many things with running capacity one apply may destroy.
        pub max_destroy: u32 = 1,
    }
}

table! {
    /// What the service promises.
    pub struct Slo {
        /// Share of good minutes.
        pub availability: Share,
        /// Time to first token, 99th percentile.
        pub ttft_p99: Option<Span>,
        /// Time per output token after the first, 99th percentile.
        pub tpot_p99: Option<Span>,
        /// Time from request to last token, 99th percentile.
        pub e2e_p99: Option<Span>,
        /// Share of requests that may fail.
        pub error_rate: Share = Share::percent(1),
    }
}
