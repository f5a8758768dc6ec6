//! The note on an AMI since when it is disabled, which EC2 does not tell. It does not go
//! by itself when the AMI is enabled.

use super::clients::Clients;
use super::error::{Call, Error};
use super::facts::DISABLED_AT;
use aws_sdk_ec2::types::Tag;
use jiff::Timestamp;

/// Writes it, over an older one.
pub(super) async fn note(clients: &Clients, id: &str, at: Timestamp) -> Result<(), Error> {
    let call = Call { action: "ec2:CreateTags", region: &clients.region, thing: id };
    let tag = Tag::builder().key(DISABLED_AT).value(at.to_string()).build();
    let asked = clients.ec2.create_tags().resources(id).tags(tag).send().await;
    asked.map(drop).map_err(|error| call.failed(&error))
}

/// Takes it away, whatever it says.
pub(super) async fn forget(clients: &Clients, id: &str) -> Result<(), Error> {
    let call = Call { action: "ec2:DeleteTags", region: &clients.region, thing: id };
    let tag = Tag::builder().key(DISABLED_AT).build();
    let asked = clients.ec2.delete_tags().resources(id).tags(tag).send().await;
    asked.map(drop).map_err(|error| call.failed(&error))
}
