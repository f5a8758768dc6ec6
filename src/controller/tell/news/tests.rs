use super::*;
use crate::plan::{FailureKind, PortError};

fn silence() -> PortError {
    PortError { kind: FailureKind::Unreachable, message: "no answer".to_owned(), help: None }
}

fn follows(leader: &str) -> Standing {
    Standing::Follows { leader: leader.to_owned() }
}

/// What is told of one standing after the other.
fn elections(standings: &[Standing]) -> Vec<(EventKind, String)> {
    let mut news = News::default();
    standings.iter().filter_map(|standing| news.of_standing(standing)).collect()
}

#[test]
fn who_begins_to_lead_says_so_once_and_who_led_before_if_that_was_seen() {
    use EventKind::LeaderElected;
    let alone = elections(&[Standing::Leads, Standing::Leads]);
    assert_eq!(alone, [(LeaderElected, "this controller leads from now on".to_owned())]);
    let waits = Standing::Waits { why: silence() };
    let takes_over = elections(&[waits.clone(), follows("ada"), waits, Standing::Leads]);
    let text = "this controller leads from now on; before it led ada".to_owned();
    assert_eq!(takes_over, [(LeaderElected, text)]);
    assert_eq!(elections(&[follows("ada"), follows("bob")]), []);
}

#[test]
fn who_leads_no_more_says_why_and_when_it_leads_again() {
    use EventKind::{LeaderElected, LeaderLost};
    let cut_off = Standing::CutOff { why: silence() };
    let told = elections(&[
        Standing::Leads,
        cut_off.clone(),
        cut_off,
        Standing::Leads,
        follows("bob"),
        Standing::Leads,
        Standing::Waits { why: silence() },
    ]);
    let kinds: Vec<EventKind> = told.iter().map(|(kind, _)| *kind).collect();
    let each = [LeaderElected, LeaderLost];
    assert_eq!(kinds, [each, each, each].concat());
    let texts: Vec<&str> = told[1..].iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "this controller cannot extend its lease, and only adds capacity until it can: no answer",
            "this controller leads again",
            "this controller leads no more: bob does",
            "this controller leads from now on; before it led bob",
            "this controller leads no more, and does not know who does: no answer",
        ]
    );
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn hold(pool: Option<&str>, until: Option<i64>, since: i64) -> HandHold {
    HandHold {
        pool: pool.map(|name| name.parse().unwrap()),
        scale_in: true,
        scale_out: true,
        until: until.map(at),
        reason: "INC-7".to_owned(),
        by: "ada".to_owned(),
        since: at(since),
    }
}

fn set(units: u32, until: Option<i64>, since: i64) -> Override {
    Override {
        pool: "g6e".parse().unwrap(),
        units,
        until: until.map(at),
        reason: "launch".to_owned(),
        by: "ada".to_owned(),
        since: at(since),
    }
}

/// What is told of what operators say at a second.
fn told(news: &mut News, hands: &Hands, second: i64) -> Vec<(EventKind, String)> {
    let said = hands.clone().in_force(at(second));
    let told = news.of_operators(said, (None, at(second)));
    told.into_iter().map(|(kind, _, text)| (kind, text)).collect()
}

fn one(kind: EventKind, text: &str) -> [(EventKind, String); 1] {
    [(kind, text.to_owned())]
}

#[test]
fn a_hold_is_told_when_it_is_said_and_when_it_is_taken_back_or_has_run_out() {
    use EventKind::{OperatorHold, OperatorResumed};
    let (mut news, mut hands) = (News::default(), Hands::default());
    assert_eq!(told(&mut news, &hands, 0), []);
    hands.hold(hold(None, Some(60), 10));
    let text = "everything is not to be moved until 1970-01-01T00:01:00Z: INC-7 (ada)";
    assert_eq!(told(&mut news, &hands, 10), one(OperatorHold, text));
    assert_eq!(told(&mut news, &hands, 59), []);
    let over = "the hold of everything has run out: INC-7 (ada)";
    assert_eq!(told(&mut news, &hands, 60), one(OperatorResumed, over));
    assert_eq!(told(&mut news, &hands, 61), []);
    hands.hold(hold(Some("g6e"), None, 70));
    let text = "g6e is not to be moved: INC-7 (ada)";
    assert_eq!(told(&mut news, &hands, 70), one(OperatorHold, text));
    hands.resume(Some(&"g6e".parse().unwrap()));
    let over = "the hold of g6e was taken back: INC-7 (ada)";
    assert_eq!(told(&mut news, &hands, 80), one(OperatorResumed, over));
}

#[test]
fn a_word_that_replaces_another_is_told_and_not_that_the_other_is_over() {
    use EventKind::{OperatorHold, OperatorNumber, OperatorResumed};
    let (mut news, mut hands) = (News::default(), Hands::default());
    hands.hold(hold(Some("g6e"), None, 1));
    hands.set(set(4, None, 1));
    told(&mut news, &hands, 1);
    // One direction of it: the other is held by the same word as before.
    hands.hold(HandHold { scale_in: false, ..hold(Some("g6e"), Some(60), 2) });
    hands.set(set(2, Some(60), 2));
    let expected = [
        (OperatorHold, "g6e is not to be scaled out until 1970-01-01T00:01:00Z: INC-7 (ada)"),
        (OperatorNumber, "g6e is to have 2 until 1970-01-01T00:01:00Z: launch (ada)"),
    ];
    let expected = expected.map(|(kind, text)| (kind, text.to_owned()));
    assert_eq!(told(&mut news, &hands, 2), expected);
    hands.resume(Some(&"g6e".parse().unwrap()));
    let over = [
        (OperatorResumed, "the hold of g6e was taken back: INC-7 (ada)"),
        (OperatorResumed, "the number of g6e, 2, was taken back: launch (ada)"),
    ];
    assert_eq!(told(&mut news, &hands, 3), over.map(|(kind, text)| (kind, text.to_owned())));
}

#[test]
fn who_hears_operators_for_the_first_time_tells_what_was_said_since_the_last_decision() {
    let (mut hands, now) = (Hands::default(), at(100));
    hands.hold(hold(None, None, 10));
    hands.set(set(2, None, 90));
    let first = |decided: Option<i64>| {
        let told = News::default().of_operators(hands.clone(), (decided.map(at), now));
        told.into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>()
    };
    assert_eq!(first(Some(50)), [EventKind::OperatorNumber]);
    assert_eq!(first(Some(90)), []);
    assert_eq!(first(None), [], "the one before may have told it");
}

#[test]
fn of_many_instances_with_notice_some_are_named() {
    let pool: Name = "g6e".parse().unwrap();
    let of = |count: usize| {
        let units = (0..count).map(|number| format!("i-{number}")).collect();
        of_notice((&pool, &Noticed { units, first: at(120) }))
    };
    let one = of(1);
    assert_eq!(one.text, "AWS takes a spot instance back at 1970-01-01T00:02:00Z: i-0");
    assert!(one.about == pool && one.kind.is_warning());
    let text = of(200).text;
    let begins = "AWS takes 200 spot instances back, the first at 1970-01-01T00:02:00Z: i-0, i-1,";
    assert!(text.starts_with(begins) && text.ends_with("i-7, and 192 more"), "{text}");
}
