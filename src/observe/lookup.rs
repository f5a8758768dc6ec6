//! What an environment needs to know of an account and does not own there.

use super::Requirements;
use crate::spec::BootMode;
use crate::spec::model::{Aws, BurstPool};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Something to be found by other words than its ID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lookup {
    /// Where.
    pub region: String,
    /// What.
    pub sought: Sought,
}

/// See [`Lookup`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sought {
    /// The image of a recipe that a channel means, as its SSM parameter says.
    Image {
        /// The recipe's name.
        name: String,
        /// The channel.
        channel: String,
        /// How it must boot.
        #[serde(default)]
        boot_mode: BootMode,
    },
    /// The value of an SSM parameter.
    Parameter(String),
    /// Subnets with all these tags.
    Subnets(BTreeMap<String, String>),
    /// Subnets of these IDs, for their zones.
    SubnetIds(Vec<String>),
    /// Security groups with all these tags.
    SecurityGroups(BTreeMap<String, String>),
    /// Instance types that have this.
    InstanceTypes(Requirements),
    /// A capacity reservation, by its ID.
    Reservation(String),
}

impl Lookup {
    /// The instance types of a pool that says what they must have.
    pub fn types_of(aws: &Aws, pool: &BurstPool) -> Option<Self> {
        let required = pool.requirements.as_ref()?;
        let region = aws.region_of(pool).to_owned();
        Some(Self { region, sought: Sought::InstanceTypes(required.into()) })
    }

    /// The SSM parameter that says which image a channel means.
    pub fn channel_parameter(image: &str, channel: &str) -> String {
        format!("{}{image}/channels/{channel}", Self::IMAGES)
    }

    /// What the names of all parameters of images begin with.
    pub const IMAGES: &str = "/floodway/images/";
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags = |tags: &BTreeMap<String, String>| {
            let tags = tags.iter().map(|(key, value)| format!("{key} = {value}"));
            tags.collect::<Vec<_>>().join(", ")
        };
        match &self.sought {
            Sought::Image { name, channel, boot_mode } => {
                write!(f, "image {name} of channel {channel}")?;
                if *boot_mode == BootMode::LegacyBios {
                    f.write_str(" that boots by a BIOS")?;
                }
            }
            Sought::Parameter(name) => write!(f, "SSM parameter {name}")?,
            Sought::Subnets(by) => write!(f, "subnet with {}", tags(by))?,
            Sought::SubnetIds(ids) => write!(f, "subnet {}", ids.join(", "))?,
            Sought::SecurityGroups(by) => write!(f, "security group with {}", tags(by))?,
            Sought::InstanceTypes(required) => write!(f, "instance type with {required}")?,
            Sought::Reservation(id) => write!(f, "capacity reservation {id}")?,
        }
        write!(f, " in {}", self.region)
    }
}
