use super::*;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
}

/// With so many instances that have joined the cluster.
fn notes(joined: u32) -> Notes {
    let joined = (0..joined).map(|at| format!("i-{at:017x}")).collect();
    let memory = Memory { at: Some(at(0)), ..Memory::default() };
    Notes { at: Some(at(0)), joined, memory, ..Notes::default() }
}

fn read(fitted: &Fitted) -> Notes {
    serde_json::from_str(&fitted.text).unwrap()
}

#[test]
fn what_has_no_room_is_left_out_the_largest_part_first_and_is_told() {
    let large = notes(6000);
    let fitted = large.fitted(MOST_NOTES).unwrap();
    assert!(fitted.text.len() <= MOST_NOTES);
    let kept = read(&fitted);
    assert!(kept.joined.is_empty() && kept.memory == large.memory && kept.at == large.at);
    let told = fitted.left_out.as_ref().unwrap();
    assert!(told.contains("which instances have joined the cluster (129 KiB)"), "{told}");
    assert!(!told.contains("decisions") && !told.contains("forecasters"), "{told}");

    let small = notes(5000);
    let fitted = small.fitted(MOST_NOTES).unwrap();
    assert_eq!((fitted.left_out.is_none(), read(&fitted).joined.len()), (true, 5000));
    assert_eq!(fitted.text, serde_json::to_string(&small).unwrap(), "what is counted is written");
    // Then the next largest, until the rest has room; what was spent always has.
    let rest = Notes { joined: BTreeSet::new(), ..small.clone() };
    let rest = serde_json::to_string(&rest).unwrap().len();
    let told = small.fitted(rest - 1).unwrap().left_out.unwrap();
    let order = ["joined", "decisions"].map(|word| told.find(word).unwrap());
    assert!(order[0] < order[1], "{told}");
    assert!(small.fitted(10).is_none());
}

#[test]
fn what_the_forecasters_have_learned_has_room_though_the_rest_has_none() {
    let races = BTreeMap::from([("inference".parse().unwrap(), RaceState::default())]);
    let (with, why) = notes(6000).with_races(&races);
    assert_eq!((with.races.len(), why), (1, None));
    assert_eq!(read(&with.fitted(MOST_NOTES).unwrap()).races.len(), 1);
}

#[test]
fn what_is_left_out_is_told_until_it_has_room_again() {
    let mut noting = Noting::default();
    noting.done(notes(6000).fitted(MOST_NOTES), at(0));
    assert!(noting.missing().unwrap().contains("joined the cluster"));
    noting.done(notes(10).fitted(MOST_NOTES), at(2));
    assert_eq!(noting.missing(), None);
}

#[test]
fn notes_that_lack_a_part_are_news_all_the_same() {
    let mut noting = Noting::default();
    assert!(noting.stands(true, at(0)));
    noting.read();
    assert!(!noting.stands(true, at(1)));
    let noted = |minute| Notes { at: Some(at(minute)), ..Notes::default() };
    assert_eq!((noting.are_news(&noted(0)), noting.are_news(&noted(2))), (false, true));
    // Of before it was noted when.
    let memory = Memory { at: Some(at(2)), ..Memory::default() };
    assert!(noting.are_news(&Notes { memory, ..Notes::default() }));
}

#[test]
fn notes_in_which_signals_are_names_alone_are_read_and_those_signals_are_not_known() {
    let noted: Notes = serde_json::from_str(r#"{"known": ["engine/inference/waiting"]}"#).unwrap();
    assert!(noted.known.is_empty());
}
