//! Whether images can be started from, and waiting until they can.

use super::clients::Clients;
use super::error::{Call, Error, Kind};
use super::progress::{Progress, Watch};
use aws_sdk_ec2::types::{Image, ImageState};
use std::collections::BTreeMap;
use std::time::Duration;

/// The first pause between two looks; it doubles.
const FIRST: Duration = Duration::from_millis(250);
/// The longest: a copy to another region takes minutes.
const LONGEST: Duration = Duration::from_secs(15);

/// What EC2 says of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Instances start from it.
    Available,
    /// It is on its way.
    Pending,
    /// It never will be; in EC2's words.
    Never(String),
    /// There is none of this ID, or it is not this account's to see.
    Absent,
}

/// The states of these images of one region.
///
/// # Errors
/// The call fails.
pub(super) async fn states<'i>(
    clients: &Clients,
    ids: impl IntoIterator<Item = &'i String>,
) -> Result<BTreeMap<&'i String, State>, Error> {
    let ids: Vec<&String> = ids.into_iter().collect();
    let list = ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(",");
    let call = Call { action: "ec2:DescribeImages", region: &clients.region, thing: &list };
    // By a filter: of an ID that is not there, EC2 makes an error of all of them.
    let by_id = aws_sdk_ec2::types::Filter::builder().name("image-id");
    let by_id = by_id.set_values(Some(ids.iter().map(|id| (*id).clone()).collect())).build();
    let asked = clients.ec2.describe_images().filters(by_id);
    let asked = asked.include_deprecated(true).include_disabled(true);
    let answer = asked.send().await.map_err(|error| call.failed(&error))?;
    let found = |id: &str| answer.images().iter().find(|image| image.image_id() == Some(id));
    Ok(ids.iter().map(|id| (*id, found(id).map_or(State::Absent, state))).collect())
}

fn state(image: &Image) -> State {
    match image.state() {
        Some(ImageState::Available) => State::Available,
        Some(ImageState::Pending | ImageState::Transient) => State::Pending,
        other => {
            let state = other.map_or("in no state", ImageState::as_str);
            let why = image.state_reason().and_then(|reason| reason.message());
            State::Never(why.map_or_else(|| state.to_owned(), |why| format!("{state}: {why}")))
        }
    }
}

/// Waits until instances can start from all of these images of one region.
///
/// # Errors
/// A call fails, an image is not there or never will be available, or `patience`
/// is out.
pub(super) async fn wait(
    clients: &Clients,
    ids: &[String],
    patience: Duration,
    watch: &Watch<'_>,
) -> Result<(), Error> {
    let region = &clients.region;
    let (mut waited, mut pause) = (Duration::ZERO, FIRST);
    loop {
        let states = states(clients, ids).await?;
        let never = states.iter().find_map(|(id, state)| match state {
            State::Absent => Some(gone(id, "not there")),
            State::Never(why) => Some(gone(id, why)),
            State::Available | State::Pending => None,
        });
        if let Some(error) = never {
            return Err(error.in_region(region));
        }
        let pending = states.iter().filter(|(_, state)| **state == State::Pending);
        let pending: Vec<&str> = pending.map(|(id, _)| id.as_str()).collect();
        if pending.is_empty() {
            return Ok(());
        }
        let (pending, minutes) = (pending.join(", "), waited.as_secs() / 60);
        if waited >= patience {
            let message = format!("{pending}: not available after {minutes} minutes");
            let help = "a copy goes on in AWS: the same command later finds it done";
            return Err(Error::new(Kind::Late, message).help(help).in_region(region));
        }
        let (region, progress) = (region.clone(), format!("pending for {minutes} min"));
        watch(Progress::Waiting { region, thing: pending, progress });
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(LONGEST);
    }
}

/// An image from which nothing can start.
pub(super) fn gone(id: &str, why: &str) -> Error {
    let (message, help) = match why {
        "disabled" => (
            format!("{id} is disabled: it is on its way out"),
            format!("bring it back (aws ec2 enable-image --image-id {id}), or take another build"),
        ),
        why => (format!("{id} is {why}"), "publish the build again, or take another".to_owned()),
    };
    Error::new(Kind::Refused, message).help(help)
}
