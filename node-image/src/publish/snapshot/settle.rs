//! Snapshots until they are finished, or gone.

use super::super::clients::Clients;
use super::super::error::{Call, Error, Kind};
use super::super::progress::{Progress, Watch};
use super::super::retry::{Patience, persist};
use super::super::wait::Wait;
use super::find::{self, Found, State};
use aws_sdk_ec2::error::ProvideErrorMetadata;

/// The snapshot, when it is finished.
///
/// # Errors
/// It failed, or nothing has moved for an hour.
pub(in super::super) async fn settled(
    clients: &Clients,
    id: &str,
    watch: &Watch<'_>,
) -> Result<Found, Error> {
    let mut wait = Wait::new();
    loop {
        let found = persist(Patience::EC2, || find::by_id(clients, id)).await?;
        match found.state {
            State::Completed => return Ok(found),
            State::Failed => {
                let text = format!("{id} failed in AWS: {}", found.words);
                return Err(Error::new(Kind::Refused, text)
                    .in_region(&clients.region)
                    .help("publish again: it is deleted and made anew"));
            }
            State::Pending => {
                let (region, thing) = (clients.region.clone(), id.to_owned());
                watch(Progress::Waiting { region, thing, progress: found.words.clone() });
                wait.turn(id, &found.words)
                    .await
                    .map_err(|late| late.in_region(&clients.region))?;
            }
        }
    }
}

/// Deletes a snapshot of ours, unless something uses it; whether it is gone.
///
/// # Errors
/// AWS does not let it be deleted.
pub(in super::super) async fn delete(clients: &Clients, id: &str) -> Result<bool, Error> {
    let call = Call { action: "ec2:DeleteSnapshot", region: &clients.region, thing: id };
    match clients.ec2.delete_snapshot().snapshot_id(id).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some("InvalidSnapshot.InUse") => Ok(false),
        Err(error) => match call.failed(&error) {
            error if error.kind == Kind::Absent => Ok(true),
            error => Err(error),
        },
    }
}
