//! Other accounts that may use an image.

use super::clients::Clients;
use super::error::{Call, Error, Kind};
use super::progress::{Progress, Watch};
use super::snapshot::{Encryption, encrypts_by_default};
use aws_sdk_ec2::types::{
    CreateVolumePermission, CreateVolumePermissionModifications, ImageAttributeName,
    LaunchPermission, LaunchPermissionModifications, SnapshotAttributeName,
};
use std::collections::BTreeSet;

/// AWS's own key for EBS: every account has one, and nobody else may use it.
const AWS_KEY: &str = "alias/aws/ebs";

/// Whether an image that is encrypted so may be shared at all.
///
/// # Errors
/// It would stand under the account's default key, or an account has no such number;
/// nothing has been written.
pub(super) async fn may_share(
    clients: &Clients,
    encryption: Encryption<'_>,
    accounts: &[String],
) -> Result<(), Error> {
    for account in accounts {
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            let text = format!("{account:?} is no account: it has 12 digits");
            return Err(Error::new(Kind::Invalid, text));
        }
    }
    if accounts.is_empty() {
        return Ok(());
    }
    let unasked = encryption == Encryption::Account && encrypts_by_default(clients).await?;
    let by_default = match encryption {
        Encryption::Key(key) => key.ends_with(AWS_KEY),
        Encryption::DefaultKey => default_key(clients).await?.ends_with(AWS_KEY),
        Encryption::Account => unasked && default_key(clients).await?.ends_with(AWS_KEY),
    };
    if !by_default {
        return Ok(());
    }
    let why =
        if unasked { "this account encrypts by default, and under" } else { "it stands under" };
    let text = format!(
        "the image cannot be shared with {}: {why} AWS's own key ({AWS_KEY}), which no other \
         account may use",
        accounts.join(", ")
    );
    Err(Error::new(Kind::Invalid, text).in_region(&clients.region).help(
        "give a customer managed key (--kms-key) whose policy lets these accounts use it, or \
         make such a key the account's default",
    ))
}

async fn default_key(clients: &Clients) -> Result<String, Error> {
    let call =
        Call { action: "ec2:GetEbsDefaultKmsKeyId", region: &clients.region, thing: "the account" };
    let answer = clients.ec2.get_ebs_default_kms_key_id().send().await;
    let answer = answer.map_err(|error| call.failed(&error))?;
    Ok(answer.kms_key_id().unwrap_or(AWS_KEY).to_owned())
}

/// Lets the accounts start instances from the AMI, which they may already.
///
/// # Errors
/// AWS does not let it be shared.
pub(super) async fn image(
    clients: &Clients,
    id: &str,
    accounts: &[String],
    watch: &Watch<'_>,
) -> Result<(), Error> {
    let call = |action| Call { action, region: &clients.region, thing: id };
    let ask = clients.ec2.describe_image_attribute().image_id(id);
    let answer = ask.attribute(ImageAttributeName::LaunchPermission).send().await;
    let answer = answer.map_err(|error| call("ec2:DescribeImageAttribute").failed(&error))?;
    let may = answer.launch_permissions().iter().filter_map(LaunchPermission::user_id);
    let new = missing(accounts, may);
    if new.is_empty() {
        return Ok(());
    }
    let one = |account: &&String| LaunchPermission::builder().user_id(account.as_str()).build();
    let add = LaunchPermissionModifications::builder()
        .set_add(Some(new.iter().map(one).collect()))
        .build();
    let ask = clients.ec2.modify_image_attribute().image_id(id).launch_permission(add);
    ask.send().await.map_err(|error| call("ec2:ModifyImageAttribute").failed(&error))?;
    tell(clients, id, &new, watch);
    Ok(())
}

/// Lets the accounts make volumes of the snapshot, and copy it.
///
/// # Errors
/// AWS does not let it be shared.
pub(super) async fn snapshot(
    clients: &Clients,
    id: &str,
    accounts: &[String],
    watch: &Watch<'_>,
) -> Result<(), Error> {
    let call = |action| Call { action, region: &clients.region, thing: id };
    let attribute = SnapshotAttributeName::CreateVolumePermission;
    let ask = clients.ec2.describe_snapshot_attribute().snapshot_id(id);
    let answer = ask.attribute(attribute.clone()).send().await;
    let answer = answer.map_err(|error| call("ec2:DescribeSnapshotAttribute").failed(&error))?;
    let may = answer.create_volume_permissions().iter();
    let new = missing(accounts, may.filter_map(CreateVolumePermission::user_id));
    if new.is_empty() {
        return Ok(());
    }
    let one =
        |account: &&String| CreateVolumePermission::builder().user_id(account.as_str()).build();
    let add = CreateVolumePermissionModifications::builder()
        .set_add(Some(new.iter().map(one).collect()))
        .build();
    let ask = clients.ec2.modify_snapshot_attribute().snapshot_id(id).attribute(attribute);
    let ask = ask.create_volume_permission(add).send().await;
    ask.map_err(|error| call("ec2:ModifySnapshotAttribute").failed(&error))?;
    tell(clients, id, &new, watch);
    Ok(())
}

/// Those that may not yet.
fn missing<'a, 'm>(
    accounts: &'a [String],
    may: impl Iterator<Item = &'m str>,
) -> BTreeSet<&'a String> {
    let may: BTreeSet<&str> = may.collect();
    accounts.iter().filter(|account| !may.contains(account.as_str())).collect()
}

fn tell(clients: &Clients, thing: &str, accounts: &BTreeSet<&String>, watch: &Watch<'_>) {
    for account in accounts {
        let (region, thing) = (clients.region.clone(), thing.to_owned());
        watch(Progress::Shared { region, thing, account: (*account).clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_accounts_that_may_not_yet_are_added() {
        let accounts = ["111122223333", "444455556666", "111122223333"].map(str::to_owned);
        let new = missing(&accounts, ["444455556666", "777788889999"].into_iter());
        assert_eq!(new.into_iter().collect::<Vec<_>>(), ["111122223333"]);
        assert!(missing(&accounts[1..2], ["444455556666"].into_iter()).is_empty());
    }
}
