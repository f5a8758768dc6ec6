//! Whether images can be started from, and waiting until they can.

use super::clients::Clients;
use super::error::{Call, Error, Kind};
use super::progress::{Progress, Watch};
use aws_sdk_ec2::types::{Image, ImageState};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

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
    let look = async || states(clients, ids).await;
    let begun = Instant::now();
    let elapsed = || begun.elapsed();
    until_available(&clients.region, patience, watch, look, (tokio::time::sleep, elapsed)).await
}

/// As [`wait`], of the images at which `look` looks, with a `rest` between two looks; since
/// the first one it is `elapsed`.
async fn until_available<'i>(
    region: &str,
    patience: Duration,
    watch: &Watch<'_>,
    look: impl AsyncFn() -> Result<BTreeMap<&'i String, State>, Error>,
    (rest, elapsed): (impl AsyncFn(Duration), impl Fn() -> Duration),
) -> Result<(), Error> {
    let mut pause = FIRST;
    loop {
        let states = look().await?;
        // A look that AWS answers late takes its time too.
        let waited = elapsed();
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
        let progress = format!("pending for {minutes} min");
        watch(Progress::Waiting { region: region.to_owned(), thing: pending, progress });
        rest(pause).await;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    /// What comes of waiting for two images, of which the second is so at each look, the
    /// last for ever; and for how long it was rested.
    fn waited(patience: Duration, seen: &[State]) -> (Result<(), Error>, Duration) {
        waited_slowly(patience, seen, Duration::ZERO)
    }

    /// As [`waited`], where each look takes so long.
    fn waited_slowly(
        patience: Duration,
        seen: &[State],
        slow: Duration,
    ) -> (Result<(), Error>, Duration) {
        let clock = Cell::new(Duration::ZERO);
        let passes = |time: Duration| clock.set(clock.get() + time);
        let ids = ["ami-1".to_owned(), "ami-2".to_owned()];
        let (looks, slept) = (Cell::new(0), RefCell::new(Vec::new()));
        let look = async || {
            passes(slow);
            let at = looks.replace(looks.get() + 1).min(seen.len() - 1);
            Ok::<_, Error>(BTreeMap::from([
                (&ids[0], State::Available),
                (&ids[1], seen[at].clone()),
            ]))
        };
        let rest = async |pause: Duration| {
            passes(pause);
            slept.borrow_mut().push(pause);
        };
        let times = (rest, || clock.get());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ended = runtime.block_on(until_available("us-west-2", patience, &|_| (), look, times));
        let slept = slept.into_inner();
        assert_eq!(looks.get(), slept.len() + 1, "it looks, and rests between two looks");
        assert!(slept.iter().all(|pause| *pause <= LONGEST), "{slept:?}");
        (ended, slept.into_iter().sum())
    }

    const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

    #[test]
    fn an_image_that_becomes_available_is_waited_for_until_it_is() {
        let (ended, slept) = waited(HALF_AN_HOUR, &[State::Available]);
        assert_eq!((ended.is_ok(), slept), (true, Duration::ZERO));
        // A copy takes its time.
        let mut seen = vec![State::Pending; 60];
        seen.push(State::Available);
        let (ended, slept) = waited(HALF_AN_HOUR, &seen);
        assert!(ended.is_ok() && slept > Duration::from_secs(600) && slept < HALF_AN_HOUR);
    }

    #[test]
    fn one_that_does_not_is_waited_for_as_long_as_was_asked_and_hardly_longer() {
        let (ended, slept) = waited(HALF_AN_HOUR, &[State::Pending]);
        let error = ended.unwrap_err();
        assert_eq!((error.kind, error.region.as_deref()), (Kind::Late, Some("us-west-2")));
        assert_eq!(error.message, "ami-2: not available after 30 minutes");
        assert!(slept >= HALF_AN_HOUR && slept < HALF_AN_HOUR + LONGEST, "{slept:?}");
        let (ended, slept) = waited(Duration::ZERO, &[State::Pending]);
        assert_eq!((ended.unwrap_err().kind, slept), (Kind::Late, Duration::ZERO));
    }

    #[test]
    fn looks_that_take_long_count_too() {
        let minute = Duration::from_secs(60);
        let (ended, slept) = waited_slowly(HALF_AN_HOUR, &[State::Pending], minute);
        // The last look took it beyond.
        assert_eq!(ended.unwrap_err().message, "ami-2: not available after 31 minutes");
        assert!(slept < HALF_AN_HOUR / 3, "{slept:?}");
        let (ended, slept) = waited_slowly(minute, &[State::Pending], minute);
        assert_eq!((ended.unwrap_err().kind, slept), (Kind::Late, Duration::ZERO));
    }

    #[test]
    fn one_that_never_will_be_is_not_waited_for_to_the_end() {
        let failed = State::Never("failed: its snapshot is gone".to_owned());
        for (last, why) in [(failed, "ami-2 is failed: its"), (State::Absent, "not there")] {
            let (ended, slept) = waited(HALF_AN_HOUR, &[State::Pending, last]);
            let error = ended.unwrap_err();
            assert_eq!((error.kind, slept), (Kind::Refused, FIRST));
            assert!(error.message.contains(why), "{error}");
        }
    }
}
