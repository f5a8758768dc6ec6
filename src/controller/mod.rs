//! The pipeline, repeated: what is measured decides what each pool should have,
//! and that is made so, for days and through faults.

pub mod lead;
