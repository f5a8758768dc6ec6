//! Which of an image's snapshots is the one. Pure.

use super::super::error::{Error, Kind};
use super::Encryption;
use super::find::{Found, State};

/// What to do about an image's snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Choice<'f> {
    /// It is finished.
    Use(&'f Found),
    /// It has been begun.
    Continue(&'f Found),
    /// There is none.
    Start,
}

/// The one of those that are there: a finished one before one that was begun, the
/// oldest of either, so that everybody who looks chooses the same.
fn choose(there: &[Found]) -> Choice<'_> {
    pick(there, |_| true)
}

/// As [`choose`], where a copy is wanted: of blocks that somebody has begun to send, nobody
/// knows whether the others ever come.
pub(in super::super) fn choose_copy(there: &[Found]) -> Choice<'_> {
    pick(there, Found::is_copy)
}

/// As [`choose`], where blocks are to be sent.
pub(super) fn choose_upload(there: &[Found]) -> Choice<'_> {
    pick(there, |found| !found.is_copy())
}

fn pick(there: &[Found], may_go_on: impl Fn(&Found) -> bool) -> Choice<'_> {
    let oldest = |state: State| {
        let such = there.iter().filter(|found| found.state == state);
        let such = such.filter(|found| state != State::Pending || may_go_on(found));
        such.min_by_key(|found| (found.started, &found.id))
    };
    match (oldest(State::Completed), oldest(State::Pending)) {
        (Some(found), _) => Choice::Use(found),
        (None, Some(found)) => Choice::Continue(found),
        (None, None) => Choice::Start,
    }
}

/// Whether it is encrypted as it is asked for.
fn suits(found: &Found, encryption: Encryption<'_>) -> bool {
    match encryption {
        Encryption::Account => true,
        Encryption::DefaultKey => found.encrypted,
        // Of an alias it is not known here whose it is.
        Encryption::Key(key) if key.contains(":alias/") => found.encrypted,
        Encryption::Key(key) => found.key.as_deref() == Some(key),
    }
}

/// As [`choose`], where the one is encrypted as it is asked for.
///
/// # Errors
/// It is encrypted otherwise.
pub(super) fn choose_as<'f>(
    there: &'f [Found],
    encryption: Encryption<'_>,
) -> Result<Choice<'f>, Error> {
    let choice = choose(there);
    match choice {
        Choice::Use(found) | Choice::Continue(found) if !suits(found, encryption) => {
            let help = format!("delete {}, or publish as it was begun", found.id);
            Err(otherwise(found).help(help))
        }
        choice => Ok(choice),
    }
}

/// Takes the snapshot of AMIs that are there, `amis`, where it is encrypted as it is asked
/// for.
///
/// # Errors
/// It is encrypted otherwise, and an AMI's snapshot stays what it is.
pub(in super::super) fn under_amis(
    found: Found,
    encryption: Encryption<'_>,
    amis: &[&str],
) -> Result<Found, Error> {
    if suits(&found, encryption) {
        return Ok(found);
    }
    let help = format!(
        "publish it as it is there; or, once nothing uses them, deregister {}, delete {} and \
         publish again",
        amis.join(" and "),
        found.id
    );
    Err(otherwise(&found).help(help))
}

fn otherwise(found: &Found) -> Error {
    let how = match &found.key {
        Some(key) => format!("under {key}"),
        None if found.encrypted => "under another key".to_owned(),
        None => "not at all".to_owned(),
    };
    let text = format!("{} of the same image is encrypted otherwise: {how}", found.id);
    Error::new(Kind::Conflict, text)
}

/// What is of no use beside the snapshot `kept`: failed ones, and finished ones that
/// a lost answer made twice. One that is being written may be somebody's.
pub(super) fn litter<'f>(there: &'f [Found], kept: &str) -> impl Iterator<Item = &'f Found> {
    let others = there.iter().filter(move |found| found.id != kept);
    others.filter(|found| found.state != State::Pending)
}

#[cfg(test)]
mod tests {
    use super::super::super::names::COPIED_FROM;
    use super::super::find::tests::found;
    use super::*;

    #[test]
    fn a_finished_snapshot_is_used_and_a_begun_one_gone_on_with() {
        use State::*;
        assert_eq!(choose(&[]), Choice::Start);
        assert_eq!(choose(&[found("a", Failed, 1)]), Choice::Start);
        let all = [found("a", Failed, 1), found("b", Pending, 2), found("c", Completed, 3)];
        assert_eq!(choose(&all), Choice::Use(&all[2]));
        assert_eq!(choose(&all[..2]), Choice::Continue(&all[1]));
    }

    #[test]
    fn of_two_everybody_chooses_the_same() {
        let mut two = [found("b", State::Completed, 5), found("a", State::Completed, 5)];
        assert_eq!(choose(&two), Choice::Use(&two[1]));
        two.reverse();
        assert_eq!(choose(&two), Choice::Use(&two[0]));
        let later = [found("a", State::Pending, 6), found("b", State::Pending, 5)];
        assert_eq!(choose(&later), Choice::Continue(&later[1]));
    }

    #[test]
    fn one_that_is_encrypted_otherwise_is_not_gone_on_with() {
        let key = "arn:aws:kms:eu-west-1:1:key/1";
        let plain = [found("a", State::Pending, 1)];
        let locked = [Found { encrypted: true, key: Some(key.to_owned()), ..plain[0].clone() }];
        let alias = "arn:aws:kms:eu-west-1:1:alias/one";
        for (there, encryption, good) in [
            (&plain, Encryption::Account, true),
            (&plain, Encryption::DefaultKey, false),
            (&plain, Encryption::Key(key), false),
            (&locked, Encryption::Account, true),
            (&locked, Encryption::DefaultKey, true),
            (&locked, Encryption::Key(key), true),
            (&locked, Encryption::Key(alias), true),
            (&locked, Encryption::Key("arn:aws:kms:eu-west-1:1:key/2"), false),
        ] {
            assert_eq!(choose_as(there, encryption).is_ok(), good, "{there:?} {encryption:?}");
        }
    }

    #[test]
    fn amis_stand_on_a_snapshot_that_is_encrypted_as_asked_or_it_is_said_how_it_is() {
        let plain = found("snap-1", State::Completed, 1);
        let key = "arn:aws:kms:eu-west-1:1:key/1";
        let locked = Found { encrypted: true, key: Some(key.to_owned()), ..plain.clone() };
        let taken = |found: &Found, encryption| under_amis(found.clone(), encryption, &["ami-1"]);
        // Also where the account encrypts by default: nothing else is asked for.
        assert_eq!(taken(&locked, Encryption::Account), Ok(locked.clone()));
        assert_eq!(taken(&plain, Encryption::Account), Ok(plain.clone()));
        assert_eq!(taken(&locked, Encryption::Key(key)), Ok(locked.clone()));
        let no = taken(&plain, Encryption::Key(key)).unwrap_err();
        assert_eq!(
            (no.kind, no.message.ends_with("otherwise: not at all")),
            (Kind::Conflict, true)
        );
        assert!(no.help.is_some_and(|help| help.contains("deregister ami-1, delete snap-1")));
        let no = taken(&locked, Encryption::Key("arn:aws:kms:eu-west-1:1:key/2")).unwrap_err();
        assert!(no.message.contains(key), "{no}");
    }

    #[test]
    fn copies_and_uploads_are_not_taken_for_one_another() {
        let copied = |found: Found| {
            let tags = [(COPIED_FROM.to_owned(), "us-east-1".to_owned())].into();
            Found { tags, ..found }
        };
        let both = [found("upload", State::Pending, 1), copied(found("copy", State::Pending, 2))];
        assert_eq!(choose_copy(&both), Choice::Continue(&both[1]));
        assert_eq!(choose_copy(&both[..1]), Choice::Start);
        assert_eq!(choose_upload(&both), Choice::Continue(&both[0]));
        assert_eq!(choose_upload(&both[1..]), Choice::Start);
        // What is finished is as good, however it was made.
        let done = [found("upload", State::Completed, 1), copied(found("copy", State::Pending, 0))];
        assert_eq!(choose_copy(&done), Choice::Use(&done[0]));
        let done = [copied(found("copy", State::Completed, 1))];
        assert_eq!(choose_upload(&done), Choice::Use(&done[0]));
    }

    #[test]
    fn only_what_nobody_writes_is_litter() {
        use State::*;
        let all = [
            found("a", Failed, 1),
            found("b", Pending, 2),
            found("c", Completed, 3),
            found("d", Completed, 4),
        ];
        let litter: Vec<&str> = litter(&all, "c").map(|found| found.id.as_str()).collect();
        assert_eq!(litter, ["a", "d"]);
    }
}
