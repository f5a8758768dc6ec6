use super::*;
use crate::card::BootMode;

fn entry(version: i64, of: Option<char>) -> Entry {
    let value = of.map(|of| ChannelValue {
        manifest: Some(of.to_string().repeat(64)),
        images: [(BootMode::Uefi, format!("ami-0{version}"))].into(),
        by: "somebody".to_owned(),
        reason: None,
        from: None,
        at: String::new(),
    });
    Entry { version, value }
}

fn history(of: &[Option<char>]) -> Vec<Entry> {
    (1..).zip(of).map(|(version, of)| entry(version, *of)).collect()
}

fn wanted(to: Option<i64>, each: bool) -> Rollback<'static> {
    let author = Author { by: "me", reason: None, at: jiff::Timestamp::UNIX_EPOCH };
    Rollback { image: "gpu", channel: "stable", to, each, author }
}

fn back_by(wanted: &Rollback<'_>, histories: &[Vec<Entry>]) -> Result<char, String> {
    let regions = ["us-east-1", "us-west-2"].into_iter();
    let known: Vec<_> = regions.zip(histories.iter().map(Vec::as_slice)).collect();
    let found = build(&known, wanted);
    let found =
        found.map_err(|error| format!("{error} / {}", error.help.as_deref().unwrap_or("")))?;
    Ok(found.1.chars().next().unwrap_or_default())
}

fn back(histories: &[Vec<Entry>], to: Option<i64>) -> Result<char, String> {
    back_by(&wanted(to, false), histories)
}

#[test]
fn the_build_before_is_the_last_other_one() {
    assert_eq!(back(&[history(&[Some('a'), Some('b')])], None), Ok('a'));
    assert_eq!(back(&[history(&[Some('a'), Some('b'), Some('b')])], None), Ok('a'));
    // Back once, and back again.
    assert_eq!(back(&[history(&[Some('a'), Some('b'), Some('a')])], None), Ok('b'));
    // What nobody can read is passed over.
    assert_eq!(back(&[history(&[Some('a'), None, Some('b')])], None), Ok('a'));
}

#[test]
fn where_there_is_nothing_before_it_is_said() {
    let none = back(&[history(&[])], None).unwrap_err();
    assert!(none.contains("nothing is in that channel"), "{none}");
    let one = back(&[history(&[Some('a'), Some('a')])], None).unwrap_err();
    assert!(one.contains("no other build before"), "{one}");
}

#[test]
fn a_version_is_of_the_first_region_and_means_its_build() {
    let two = [history(&[Some('a'), Some('b'), Some('c')]), history(&[Some('b'), Some('c')])];
    assert_eq!(back(&two, Some(1)), Ok('a'));
    let wrong = back(&two, Some(9)).unwrap_err();
    assert!(wrong.contains("3 (cccccccccccc), 2 (bbbbbbbbbbbb)"), "{wrong}");
}

#[test]
fn regions_that_differ_today_are_not_guessed_about() {
    let two = [history(&[Some('a'), Some('b')]), history(&[Some('a')])];
    let differ = back(&two, None).unwrap_err();
    assert!(differ.contains("us-west-2") && differ.contains("--to VERSION"), "{differ}");
    assert_eq!(back(&two, Some(1)), Ok('a'));
}

#[test]
fn a_region_that_stands_for_itself_may_have_nothing_and_not_something_else() {
    let empty = [history(&[Some('a'), Some('b')]), history(&[])];
    assert_eq!(back_by(&wanted(None, true), &empty), Ok('a'));
    assert!(back(&empty, None).unwrap_err().contains("another build in us-west-2"));
    let other = [history(&[Some('a'), Some('b')]), history(&[Some('a')])];
    let differ = back_by(&wanted(None, true), &other).unwrap_err();
    assert!(differ.contains("another build in us-west-2"), "{differ}");
    assert!(differ.contains("--to VERSION and each region with --region"), "{differ}");
}

#[test]
fn a_region_that_cannot_be_read_is_not_guessed_about_and_it_is_said_how_to_do_without() {
    let denied = || Error::new(Kind::Denied, "no").help("let it");
    let told = |each, error| wanted(None, each).unread(error).help.unwrap_or_default();
    assert_eq!(told(true, denied()), "let it; or name the regions that can be read with --region");
    assert_eq!(told(false, denied()), "let it", "they are named");
    let silent = Error::new(Kind::Silent, "no answer");
    assert_eq!(told(true, silent), "name the regions that can be read with --region");
}

#[test]
fn the_build_before_is_told_also_where_some_regions_have_left_it() {
    let left = |histories: &[Vec<Entry>], to: char| {
        let regions = ["us-east-1", "us-west-2"].into_iter();
        let known: Vec<_> = regions.zip(histories.iter().map(Vec::as_slice)).collect();
        before(&known, &to.to_string().repeat(64)).and_then(|of| of.chars().next())
    };
    let (old, new) = (|| history(&[Some('b'), Some('a')]), || history(&[Some('a'), Some('b')]));
    assert_eq!(left(&[new(), new()], 'a'), Some('b'));
    assert_eq!(left(&[old(), new()], 'a'), Some('b'), "the first has been led back");
    assert_eq!(left(&[old(), history(&[])], 'a'), None);
}

#[test]
fn one_that_is_good_is_enough_only_where_each_stands_for_itself() {
    let found = || vec![Ok(1), Err(Error::new(Kind::Absent, "no"))];
    assert!(wanted(None, false).judged(found()).is_err());
    assert_eq!(wanted(None, true).judged(found()).unwrap().len(), 2);
    assert!(wanted(None, true).judged(found().split_off(1)).is_err());
}

#[test]
fn what_is_gone_is_told_before_what_can_be_mended_and_how_the_build_comes_back() {
    let ids = ["ami-1".to_owned(), "ami-2".to_owned()];
    let states =
        |other| BTreeMap::from([(&ids[0], State::Never("disabled".to_owned())), (&ids[1], other)]);
    let of = |other| unfit("us-west-2", &states(other), &wanted(None, true)).unwrap();
    let gone = of(State::Absent);
    assert_eq!((gone.kind, gone.message.contains("ami-2")), (Kind::Gone, true), "{gone}");
    let help = gone.help.unwrap_or_default();
    assert!(help.contains("promote gpu --from CHANNEL --to stable --region us-west-2"), "{help}");
    let disabled = of(State::Available);
    assert_eq!((disabled.kind, disabled.message.contains("ami-1")), (Kind::Refused, true));
}

#[test]
fn a_region_takes_its_own_images_of_the_build() {
    let wanted = wanted(None, false);
    let past = history(&[Some('a'), Some('b'), Some('a'), Some('c')]);
    let of = |of: char| target("us-west-2", &past, &of.to_string().repeat(64), &wanted);
    let ids: Vec<String> = of('a').unwrap().images.values().cloned().collect();
    assert_eq!(ids, ["ami-03"], "the newest");
    let never = of('d').unwrap_err();
    assert!(never.to_string().starts_with("us-west-2: build dddddddddddd"), "{never}");
    assert_eq!(never.kind, Kind::Absent);
    let help = never.help.unwrap_or_default();
    assert!(help.contains("promote gpu --from CHANNEL --to stable --region us-west-2"), "{help}");
}
