//! TOML documents: their trees with the place of every value, what is wrong with
//! their syntax, and where they are read from.

mod loader;
mod nesting;
mod node;
mod origins;
mod path;
mod spots;
mod syntax;
mod twice;

pub use loader::{LoadError, Loaded, Loader, MAX_FILE, OneFile};
pub use node::{At, Entry, Node, Table, Value, lay};
pub use origins::Origins;
pub use path::beside;
pub use spots::Spots;
pub use syntax::{Damage, parse};
