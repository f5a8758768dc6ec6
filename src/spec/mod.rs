//! What is wanted: the environment's TOML, layered, resolved and validated.
//!
//! An environment is read in six steps, none of which stops at its first
//! error: files to trees with the place of every value (`syntax`, `node`),
//! trees laid upon what they extend (`layers`), the steps of the rollout's phases
//! laid upon the whole (`overlay`), the tree to the [`model`]
//! (`shape`), the rules between fields (`validate`), and the result with the
//! line of each value ([`Resolved`]).

mod boot;
mod catalog;
pub(crate) mod cron;
pub mod edit;
mod efa;
mod holidays;
mod layers;
pub mod model;
mod overdue;
mod overlay;
mod price;
mod price_table;
mod print;
pub mod promql;
mod resolve;
mod schema;
mod side_file;
mod survey;
mod unset;
mod validate;
mod weights;

pub use boot::BootMode;
pub use catalog::{Catalog, InstanceType};
pub use common::document::{LoadError, Loaded, Loader, MAX_FILE, OneFile, Origins};
pub use common::shape::is_region;
pub use efa::EfaCards;
pub use holidays::Holiday;
pub use model::{BurstPool, Count, Environment, OnPremPool, Requirements, Spot};
pub use overdue::{Overdue, overdue};
pub use price::Price;
pub use price_table::{PRICE_TABLE, PriceRow, read as read_prices, write as write_prices};
pub use resolve::{Phased, Resolved, resolve, resolve_at, resolve_phases};
pub use schema::{schema, schema_of_whole};
pub use survey::{Survey, survey};
pub use weights::WeightsFile;
