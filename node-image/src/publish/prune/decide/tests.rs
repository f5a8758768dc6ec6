use super::*;
use crate::publish::facts::Pointed;
use proptest::prelude::*;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(day * 86_400).unwrap()
}

fn digest(of: u8) -> String {
    format!("{of:02x}").repeat(32)
}

/// An AMI of build `of`, made on day `of`, on a snapshot of its own.
fn image(id: &str, of: u8) -> ImageFacts {
    ImageFacts {
        id: id.to_owned(),
        manifest: Some(digest(of)),
        mode: None,
        created: Some(day(i64::from(of))),
        state: ImageState::Available,
        disabled_at: None,
        shared: Vec::new(),
        snapshots: vec![format!("snap-{id}")],
    }
}

fn snapshot(id: &str, of: u8) -> SnapshotFacts {
    let (id, manifest, created) = (id.to_owned(), Some(digest(of)), Some(day(i64::from(of))));
    SnapshotFacts { id, manifest, created, shared: Vec::new() }
}

fn disabled(id: &str, of: u8, since: i64) -> ImageFacts {
    let (state, disabled_at) = (ImageState::Disabled, Some(day(since)));
    ImageFacts { state, disabled_at, ..image(id, of) }
}

/// What is there on day 100.
fn facts(images: Vec<ImageFacts>) -> Facts {
    let snapshots = images.iter().flat_map(|image| {
        let of = image.created.map_or(0, |at| u8::try_from(at.as_second() / 86_400).unwrap());
        image.snapshots.iter().map(move |id| snapshot(id, of))
    });
    let region = RegionFacts {
        region: "us-east-1".to_owned(),
        snapshots: snapshots.collect(),
        images,
        in_use: BTreeMap::new(),
    };
    Facts { image: "gpu".to_owned(), at: day(100), regions: vec![region], channels: Vec::new() }
}

fn used(mut facts: Facts, id: &str, by: &str) -> Facts {
    facts.regions[0].in_use.entry(id.to_owned()).or_default().insert(by.to_owned());
    facts
}

fn pointed(
    mut facts: Facts,
    region: &str,
    manifest: Option<u8>,
    ids: &[&str],
    before: bool,
) -> Facts {
    facts.channels.push(Pointed {
        region: region.to_owned(),
        channel: "stable".to_owned(),
        manifest: manifest.map(digest),
        images: ids.iter().map(|id| (*id).to_owned()).collect(),
        before,
    });
    facts
}

fn options(keep: usize) -> Options {
    Options { keep, after: WEEK, shared: false }
}

fn steps(facts: &Facts, options: &Options) -> Vec<String> {
    decide(facts, options).steps.iter().map(|step| step.action.text()).collect()
}

fn why(facts: &Facts, id: &str) -> String {
    let plan = decide(facts, &options(1));
    plan.kept.iter().find(|kept| kept.id == id).map(|kept| kept.why.clone()).unwrap_or_default()
}

#[test]
fn what_is_old_is_disabled_first_and_goes_when_its_time_is_over() {
    let there = facts(vec![image("a", 1), image("b", 2), image("c", 3)]);
    assert_eq!(steps(&there, &options(1)), ["disable a", "disable b"]);
    let later = facts(vec![disabled("a", 1, 90), disabled("b", 2, 97), image("c", 3)]);
    let forget = format!("forget build {}", &digest(1)[..12]);
    let expected = [forget.as_str(), "deregister a", "delete snap-a"];
    assert_eq!(steps(&later, &options(1)), expected);
    assert_eq!(why(&later, "b"), "disabled for 3 days: it goes in 4 days");
    assert_eq!(why(&later, "c"), "the newest build");
}

#[test]
fn the_newest_builds_are_counted_over_all_regions_and_by_when_they_were_first_seen() {
    let mut there = facts(vec![image("a", 1), image("b", 2), image("c", 3)]);
    // A late copy makes no new build of an old one.
    let copy = ImageFacts { created: Some(day(99)), ..image("a-west", 1) };
    let west = facts(vec![copy]).regions.remove(0);
    there.regions.push(RegionFacts { region: "us-west-2".to_owned(), ..west });
    assert_eq!(steps(&there, &options(2)), ["disable a", "disable a-west"]);
}

#[test]
fn an_ami_that_somebody_else_disabled_gets_its_time_from_now_on() {
    let other = ImageFacts { disabled_at: None, ..disabled("a", 1, 0) };
    assert_eq!(
        steps(&facts(vec![other, image("b", 2)]), &options(1)),
        ["note on a that it is disabled"]
    );
}

#[test]
fn an_ami_that_was_enabled_again_is_rid_of_its_old_note() {
    let enabled = |id: &str, of: u8| ImageFacts { disabled_at: Some(day(10)), ..image(id, of) };
    // One goes, and gets a new one; the other stays.
    let there = facts(vec![enabled("a", 1), enabled("b", 2)]);
    let expected = ["disable a", "take from b the note that it was disabled"];
    assert_eq!(steps(&there, &options(1)), expected);
    assert_eq!(why(&there, "b"), "the newest build");
}

#[test]
fn what_is_used_stays_and_it_is_said_by_whom() {
    let there = facts(vec![image("a", 1), disabled("b", 2, 0), image("c", 3)]);
    let there = used(there, "a", "instance i-1 (stopped)");
    let there = used(there, "b", "launch template edge, version 3");
    assert_eq!(steps(&there, &options(1)), [""; 0]);
    assert_eq!(why(&there, "a"), "used by instance i-1 (stopped)");
    assert_eq!(why(&there, "b"), "used by launch template edge, version 3");
}

#[test]
fn what_a_channel_means_or_meant_stays_in_every_region() {
    let there = facts(vec![image("a", 1), image("b", 2), image("x", 3), image("c", 4)]);
    let there = pointed(there, "eu-west-1", Some(1), &["other"], false);
    let there = pointed(there, "us-east-1", Some(2), &[], true);
    let there = pointed(there, "us-east-1", None, &["x"], false);
    assert_eq!(steps(&there, &options(1)), [""; 0]);
    assert_eq!(why(&there, "a"), "channel stable means it in eu-west-1");
    assert_eq!(why(&there, "b"), "channel stable meant it before in us-east-1: the way back");
    assert_eq!(why(&there, "x"), "channel stable names it in us-east-1");
}

#[test]
fn what_is_shared_goes_only_where_that_is_asked_for() {
    let shared = ImageFacts { shared: vec!["111122223333".to_owned()], ..image("a", 1) };
    let there = facts(vec![shared, image("b", 2)]);
    assert!(why(&there, "a").contains("shared with 111122223333"), "{}", why(&there, "a"));
    let all = Options { shared: true, ..options(1) };
    assert_eq!(steps(&there, &all), ["disable a"]);
}

#[test]
fn a_snapshot_goes_after_the_last_ami_on_it_and_not_before() {
    let both = |one: ImageFacts, other: ImageFacts| {
        let on = |image| ImageFacts { snapshots: vec!["snap-ab".to_owned()], ..image };
        let mut there = facts(vec![on(one), on(other), image("c", 3)]);
        there.regions[0].snapshots.remove(1);
        there
    };
    let one = both(disabled("a", 1, 0), disabled("b", 1, 99));
    assert_eq!(steps(&one, &options(1)), ["deregister a"]);
    let plan = decide(&both(disabled("a", 1, 0), disabled("b", 1, 0)), &options(1));
    let last = plan.steps.iter().find(|s| s.action == Action::DeleteSnapshot("snap-ab".to_owned()));
    assert_eq!(last.unwrap().after, ["a", "b"]);
}

#[test]
fn a_snapshot_that_no_ami_is_on_may_be_of_a_publish_that_goes_on() {
    let mut there = facts(vec![image("c", 90)]);
    for (id, of) in [("snap-old", 50), ("snap-new", 99), ("snap-meant", 40)] {
        there.regions[0].snapshots.push(snapshot(id, of));
    }
    let there = pointed(there, "us-east-1", Some(40), &[], false);
    assert_eq!(steps(&there, &options(1)), ["delete snap-old"]);
    assert_eq!(why(&there, "snap-new"), "no AMI is on it yet");
}

#[test]
fn an_ami_that_failed_goes_and_one_that_is_pending_or_nobodys_stays() {
    let of = |id: &str, state| ImageFacts { state, ..image(id, 1) };
    let nobodys = ImageFacts { manifest: None, ..image("n", 1) };
    let (failed, pending) = (of("f", ImageState::Failed), of("p", ImageState::Pending));
    let there = facts(vec![failed, pending, nobodys, image("c", 3)]);
    assert_eq!(steps(&there, &options(1))[0], "deregister f");
    assert_eq!(why(&there, "p"), "it is on its way");
    assert_eq!(why(&there, "n"), "it names no manifest");
}

/// Any world of a few builds in two regions.
fn world() -> impl Strategy<Value = (Facts, Options)> {
    let one = (0_u8..5, 0_u8..6, prop::option::of(80_i64..100), any::<bool>(), any::<bool>());
    let images = prop::collection::vec(one, 0..12);
    let channel = (0_u8..5, 0_usize..12, any::<bool>(), any::<bool>());
    let channels = prop::collection::vec(channel, 0..4);
    (images, channels, 1_usize..4, any::<bool>()).prop_map(|(images, channels, keep, shared)| {
        let mut regions = ["us-east-1", "us-west-2"]
            .map(|region| RegionFacts { region: region.to_owned(), ..RegionFacts::default() });
        for (at, (of, state, since, is_shared, is_used)) in images.into_iter().enumerate() {
            let region = &mut regions[at % 2];
            // Two on one snapshot.
            let (id, on) = (format!("ami-{at}"), format!("snap-{}", at / 4));
            let state = match state {
                0 => ImageState::Pending,
                1 => ImageState::Failed,
                2 | 3 => ImageState::Disabled,
                _ => ImageState::Available,
            };
            let noted = matches!(state, ImageState::Disabled | ImageState::Available);
            let disabled_at = since.filter(|_| noted).map(day);
            if is_used {
                region.in_use.insert(id.clone(), BTreeSet::from(["somebody".to_owned()]));
            }
            let with = if is_shared { vec!["all".to_owned()] } else { Vec::new() };
            let one = image(&id, of);
            let image = ImageFacts {
                state,
                disabled_at,
                shared: with.clone(),
                snapshots: vec![on.clone()],
                ..one
            };
            region.images.push(image);
            if region.snapshots.iter().all(|known| known.id != on) {
                region.snapshots.push(SnapshotFacts { shared: with, ..snapshot(&on, of) });
            }
        }
        let channels = channels.into_iter().map(|(of, at, before, by_id)| Pointed {
            region: "us-east-1".to_owned(),
            channel: "stable".to_owned(),
            manifest: (!by_id).then(|| digest(of)),
            images: by_id.then(|| format!("ami-{at}")).into_iter().collect(),
            before,
        });
        let channels = channels.collect();
        let facts =
            Facts { image: "gpu".to_owned(), at: day(100), regions: regions.into(), channels };
        (facts, Options { keep, after: WEEK, shared })
    })
}

proptest! {
    #[test]
    fn nothing_that_is_used_meant_new_or_shared_is_ever_touched((facts, options) in world()) {
        let plan = decide(&facts, &options);
        let newest: Vec<String> = facts.builds().iter().take(options.keep).map(|b| b.0.to_owned()).collect();
        for step in &plan.steps {
            let region = facts.regions.iter().find(|region| region.region == step.region).unwrap();
            let (named, ids): (Option<&String>, Vec<&str>) = match &step.action {
                Action::Forget(manifest) => {
                    let of_it = region.images.iter().filter(|i| i.manifest.as_ref() == Some(manifest));
                    let of_it: Vec<&str> = of_it.map(|image| image.id.as_str()).collect();
                    // A run that is cut off sees it again: its AMIs go behind it.
                    let at = plan.steps.iter().position(|other| other == step).unwrap();
                    for id in &of_it {
                        let goes = Action::Deregister((*id).to_owned());
                        prop_assert!(plan.steps[at..].iter().any(|other| other.action == goes));
                    }
                    prop_assert!(step.after.is_empty());
                    (Some(manifest), of_it)
                }
                Action::DeleteSnapshot(id) => {
                    let found = region.snapshots.iter().find(|s| s.id == *id).unwrap();
                    prop_assert!(options.shared || found.shared.is_empty());
                    for image in region.images.iter().filter(|image| image.snapshots.contains(id)) {
                        prop_assert!(step.after.contains(&image.id));
                        let goes = Action::Deregister(image.id.clone());
                        prop_assert!(plan.steps.iter().any(|other| other.action == goes));
                    }
                    (found.manifest.as_ref().filter(|_| step.after.is_empty()), step.after.iter().map(String::as_str).collect())
                }
                action => (None, action.image().into_iter().collect()),
            };
            let manifests = ids.iter().filter_map(|id| {
                region.images.iter().find(|image| image.id == *id)?.manifest.as_ref()
            });
            for manifest in manifests.chain(named) {
                prop_assert!(!newest.contains(manifest), "{step:?} is new");
                let meant = facts.channels.iter().any(|p| p.manifest.as_ref() == Some(manifest));
                prop_assert!(!meant, "{step:?} is meant");
            }
            for id in ids {
                let image = region.images.iter().find(|image| image.id == id).unwrap();
                prop_assert!(!region.in_use.contains_key(id), "{step:?} is used");
                prop_assert!(!facts.channels.iter().any(|p| p.images.contains(id)), "{step:?} is named");
                prop_assert!(options.shared || image.shared.is_empty(), "{step:?} is shared");
                prop_assert!(image.state != ImageState::Pending);
                if matches!(step.action, Action::Deregister(_)) && image.state == ImageState::Disabled {
                    let since = image.disabled_at.unwrap();
                    let age = Duration::try_from(facts.at.duration_since(since)).unwrap();
                    prop_assert!(age >= options.after, "{step:?} is early");
                }
                if matches!(step.action, Action::Deregister(_)) {
                    prop_assert!(image.state != ImageState::Available, "{step:?} was not disabled");
                }
            }
        }
    }

    #[test]
    fn everything_is_either_kept_with_a_reason_or_goes((facts, options) in world()) {
        let plan = decide(&facts, &options);
        for region in &facts.regions {
            for image in &region.images {
                let kept = plan.kept.iter().filter(|k| k.region == region.region && k.id == image.id).count();
                let goes = plan.steps.iter()
                    .filter(|s| s.region == region.region && s.action.image() == Some(&image.id)).count();
                prop_assert_eq!(kept + goes, 1, "{}", image.id);
            }
        }
    }
}
