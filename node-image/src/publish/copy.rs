//! The snapshot in another region.
//!
//! One snapshot is copied, and the AMIs are registered from the copy, as in the
//! first region: to copy the AMIs would copy the snapshot once for each. Of an
//! encrypted snapshot EC2 asks for a URL that is signed by hand, which the SDK does
//! not make: such a disk is sent to each region instead.
//!
//! Copies are tagged as such. A snapshot into which somebody has begun to send blocks there
//! is not waited for: who did may never come back.

use super::clients::Clients;
use super::error::{Call, Error, Kind};
use super::names::{COPIED_FROM, Identity};
use super::progress::{Progress, Watch};
use super::retry::{Patience, persist};
use super::snapshot::{self, Choice, Found, State};
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use std::time::Duration;

/// Until a copy that was asked for is seen by those who look for it.
const SEEN: Duration = Duration::from_secs(5);
/// Tries of a copy whose answers were lost.
const TRIES: u32 = 5;

/// The finished copy of `source`, which is in `from`: one that was begun is waited
/// for. None: the image was sent there, and has not been compared with the disk.
///
/// # Errors
/// AWS does not make it.
pub(super) async fn copy(
    clients: &Clients,
    identity: &Identity,
    source: &Found,
    from: &str,
    watch: &Watch<'_>,
) -> Result<Option<Found>, Error> {
    let mut asked = 0;
    loop {
        let there = snapshot::of_image(clients, identity).await?;
        let id = match snapshot::choose_copy(&there) {
            Choice::Use(found) => return Ok(Some(found.clone()).filter(Found::is_copy)),
            Choice::Continue(found) => found.id.clone(),
            Choice::Start => {
                for failed in there.iter().filter(|found| found.state == State::Failed) {
                    snapshot::delete(clients, &failed.id).await?;
                }
                let region = clients.region.clone();
                watch(Progress::Copying { region, snapshot: source.id.clone() });
                match begin(clients, identity, source, from).await {
                    Ok(id) => id,
                    // AWS knows no token here: it may be on its way, so it is looked
                    // for before it is asked for again.
                    Err(error) if error.is_retryable() && asked < TRIES => {
                        asked += 1;
                        tokio::time::sleep(SEEN).await;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        return snapshot::settled(clients, &id, watch).await.map(Some);
    }
}

async fn begin(
    clients: &Clients,
    identity: &Identity,
    source: &Found,
    from: &str,
) -> Result<String, Error> {
    let call = Call { action: "ec2:CopySnapshot", region: &clients.region, thing: &source.id };
    let mut tags = identity.tags(None);
    tags.push((COPIED_FROM, from.to_owned()));
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(value).build());
    let own = TagSpecification::builder()
        .resource_type(ResourceType::Snapshot)
        .set_tags(Some(tags.collect()))
        .build();
    // Only what AWS has surely not begun is tried again here.
    let patience = Patience {
        throttled: Patience::EBS.throttled,
        lost: Duration::ZERO,
        absent: Patience::EBS.absent,
    };
    let answer = persist(patience, || async {
        let copy = clients.ec2_once.copy_snapshot().source_region(from);
        let copy = copy.source_snapshot_id(&source.id).description(identity.description());
        let copy = copy.tag_specifications(own.clone());
        copy.send().await.map_err(|error| call.failed(&error))
    })
    .await?;
    answer.snapshot_id().map(str::to_owned).ok_or_else(|| {
        let text = format!("{} of {} is answered without an id", call.action, call.thing);
        Error::new(Kind::Silent, text).in_region(&clients.region)
    })
}
