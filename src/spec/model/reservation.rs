//! Capacity that was reserved beforehand.

use super::BurstPool;
use crate::units::UsdPerHour;
use common::shape::table;

table! {
    /// Where a pool's instances start, and nowhere else: a capacity reservation,
    /// a group of them, or a Capacity Block for ML.
    pub struct Reservation {
        /// Its ID, of a capacity block too.
        pub id: Option<String>,
        /// The ARN of a resource group of on-demand capacity reservations, which
        /// may be of several instance types and zones.
        pub group: Option<String>,
        /// Whether it is a Capacity Block for ML: paid in advance, in one zone,
        /// from one date to another.
        pub block: bool = false,
        /// What an hour of an instance in a capacity block comes to; no list
        /// has it. Without it, its price is unknown.
        pub usd_per_hour: Option<UsdPerHour>,
    }
}

impl BurstPool {
    /// The capacity block that it stands in.
    pub fn block(&self) -> Option<&Reservation> {
        self.reservation.as_ref().filter(|reservation| reservation.block)
    }

    /// The ID of the one reservation that it stands in, a capacity block too.
    pub fn reservation_id(&self) -> Option<&str> {
        self.reservation.as_ref()?.id.as_deref()
    }
}
