//! How an engine answers, as a line of its batch.

use crate::units::Decimal;
use common::shape::table;

table! {
    /// How one replica's engine answers with so many requests at once: the time
    /// from one token to the next is `alpha + beta * batch`, and the time to the
    /// first is `gamma + delta * prompt tokens * batch`.
    pub struct Profile {
        /// Milliseconds from one token to the next, with nobody else there.
        pub alpha_ms: Decimal,
        /// Milliseconds more for each request beside.
        pub beta_ms_per_seq: Decimal,
        /// Milliseconds to the first token, whatever the prompt.
        pub gamma_ms: Decimal,
        /// Milliseconds more for each token of the prompt and request at once.
        pub delta_ms_per_token_seq: Decimal,
        /// Requests that it answers at once, at most.
        pub max_batch: u32 = 256,
    }
}
