use super::*;
use crate::desired::fixture;

/// An account whose pools are in the first region, with further ones to look in.
fn looking_in(region: &str, further: &[&str]) -> Environment {
    let mut environment = fixture::environment();
    let aws = environment.aws.as_mut().unwrap();
    aws.region = region.to_owned();
    aws.regions = further.iter().map(ToString::to_string).collect();
    environment
}

/// Why the one cannot go on as the other; nothing: it can.
fn told(known: &Environment, now: &Environment) -> String {
    let Err(failure) = stays(known, now) else { return String::new() };
    assert!(!may_pass(failure.exit), "who only waits gains nothing");
    let view = failure.view.unwrap();
    assert!(view.help.is_empty() || view.help[0].contains("run them anew"), "{view:?}");
    view.message
}

#[test]
fn a_region_that_is_looked_in_is_not_left_while_it_runs() {
    let (east, west) = (looking_in("us-east-1", &[]), looking_in("us-west-2", &[]));
    assert_eq!(told(&east, &east), "");
    assert!(told(&east, &west).contains("has left us-east-1"), "{}", told(&east, &west));
    let both = looking_in("us-east-1", &["us-west-2"]);
    assert!(told(&both, &east).contains("has left us-west-2"), "{}", told(&both, &east));
    assert_eq!(told(&east, &both), "", "one more loses nothing");
    let mut apart = east.clone();
    apart.aws.as_mut().unwrap().pools.values_mut().next().unwrap().region =
        Some("eu-west-1".to_owned());
    assert!(told(&apart, &east).contains("has left eu-west-1"), "{}", told(&apart, &east));
}

#[test]
fn what_stands_elsewhere_is_another_environment() {
    type Edit = fn(&mut Environment);
    let known = looking_in("us-east-1", &["us-west-2"]);
    let moves: [Edit; 4] = [
        |now| now.service.namespace = "elsewhere".parse().unwrap(),
        |now| now.onprem.as_mut().unwrap().cluster_uid = Some("another".to_owned()),
        |now| now.aws.as_mut().unwrap().account = Some("210987654321".to_owned()),
        // Both are looked in all the same.
        |now| {
            let aws = now.aws.as_mut().unwrap();
            (aws.region, aws.regions) = ("us-west-2".to_owned(), vec!["us-east-1".to_owned()]);
        },
    ];
    for (at, edit) in moves.into_iter().enumerate() {
        let mut now = known.clone();
        edit(&mut now);
        assert!(told(&known, &now).contains("stands elsewhere"), "{at}: {}", told(&known, &now));
    }
}

#[test]
fn what_the_file_itself_forbids_is_not_tried_again_and_all_else_is() {
    for exit in [Exit::Invalid, Exit::Usage] {
        assert!(!may_pass(exit), "{exit:?}");
    }
    for exit in [Exit::Failed, Exit::Refused, Exit::Locked, Exit::Stale] {
        assert!(may_pass(exit), "{exit:?}");
    }
}

#[test]
fn a_try_that_takes_long_keeps_a_tenth_of_the_turns_at_most() {
    let second = Duration::from_secs;
    assert_eq!(pause(Duration::from_millis(5), 1), second(30));
    assert_eq!(pause(second(20), 1), second(200));
    assert_eq!(pause(Duration::from_millis(5), 60), Duration::from_millis(500));
}
