//! What is wanted: the environment's TOML, layered, resolved and validated.
//!
//! An environment is read in five steps, none of which stops at its first
//! error: files to trees with the place of every value (`syntax`, `node`),
//! trees laid upon what they extend (`layers`), the tree to the [`model`]
//! (`shape`), the rules between fields (`validate`), and the result with the
//! line of each value ([`Resolved`]).

mod catalog;
pub(crate) mod cron;
pub mod edit;
mod efa;
mod holidays;
mod layers;
mod loader;
pub mod model;
mod nesting;
mod node;
mod origins;
mod path;
mod price;
mod price_table;
mod print;
pub mod promql;
mod resolve;
mod schema;
mod shape;
mod side_file;
mod spots;
mod survey;
mod syntax;
mod twice;
mod unset;
mod validate;
mod weights;

pub use catalog::{Catalog, InstanceType};
pub use efa::EfaCards;
pub use holidays::Holiday;
pub use loader::{LoadError, Loaded, Loader, MAX_FILE};
pub use model::{BurstPool, Count, Environment, OnPremPool, Requirements, Spot};
pub use origins::Origins;
pub use price::Price;
pub use price_table::{PRICE_TABLE, PriceRow, read as read_prices, write as write_prices};
pub use resolve::{Resolved, resolve};
pub use schema::{schema, schema_of_whole};
pub use shape::is_region;
pub use survey::{Survey, survey};
pub use weights::WeightsFile;
