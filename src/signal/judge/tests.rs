use super::*;
use crate::signal::{RawSeries, agree};

const NOW: i64 = 10_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn query() -> Query {
    Query {
        signal: "demand/inference".into(),
        unit: "req/s",
        promql: "sum(rate(a[1m]))".into(),
        quiet: false,
    }
}

fn measured_at(second: i64) -> Result<Option<Facts>, MeasureError> {
    Ok(Some(Facts { newest: Some(at(second)), ..Facts::default() }))
}

fn facts(said: &mut Observation) -> &mut Facts {
    said.facts.as_mut().unwrap().as_mut().unwrap()
}

fn error(kind: MeasureFailure, message: &str) -> MeasureError {
    MeasureError { kind, message: message.to_owned(), help: None }
}

fn said(answer: Result<Answer, MeasureError>) -> Observation {
    Observation {
        server: "http://a".into(),
        answer,
        facts: measured_at(NOW - 10),
        last: None,
        started: Some(at(1)),
        window: Some(Span::from_secs(60)),
    }
}

fn value(value: f64) -> Observation {
    said(Ok(Answer::of(at(NOW), value)))
}

fn judged(said: &Observation) -> Measured {
    judge(&query(), said, Policy::new(Span::from_secs(120)), at(NOW))
}

fn verdict(said: &Observation) -> Verdict {
    judged(said).reading.verdict
}

#[test]
fn what_was_measured_just_now_is_good_and_bears_the_time_of_its_samples() {
    let reading = judged(&value(12.5)).reading;
    assert_eq!(reading.verdict, Verdict::Good);
    assert_eq!((reading.value, reading.at), (Some(12.5), Some(at(NOW - 10))));
    assert_eq!(reading.source, "sum(rate(a[1m])) at http://a");
}

#[test]
fn an_answer_of_now_from_old_samples_is_stale_and_keeps_its_value() {
    let mut old = value(12.5);
    old.facts = measured_at(NOW - 121);
    let reading = judged(&old).reading;
    let (age, limit) = (Span::from_secs(121), Span::from_secs(120));
    assert_eq!(reading.verdict, Verdict::Stale { age, limit });
    assert_eq!(reading.value, Some(12.5));
    assert!(!reading.verdict.may_scale_in());
    old.facts = measured_at(NOW - 120);
    assert_eq!(verdict(&old), Verdict::Good);
}

#[test]
fn what_rounding_leaves_below_nothing_is_nothing() {
    let reading = judged(&value(-1.3e-14)).reading;
    assert_eq!((reading.value, reading.verdict), (Some(0.0), Verdict::Good));
    assert!(matches!(verdict(&value(-0.1)), Verdict::Wrong(_)));
}

#[test]
fn of_what_a_server_warns_that_a_part_may_be_missing_nothing_is_scaled_in() {
    let mut part = value(12.5);
    let warn = |warning: &str, said: &mut Observation| {
        said.answer.as_mut().unwrap().warnings = vec![warning.to_owned()];
    };
    warn("partial response: 5 of 10 stores missing", &mut part);
    let reading = judged(&part).reading;
    assert!(!reading.verdict.may_scale_in() && reading.value == Some(12.5), "{reading:?}");
    warn("PromQL info: metric might not be a counter", &mut part);
    assert_eq!(verdict(&part), Verdict::Good);
}

#[test]
fn by_what_some_targets_do_not_tell_nothing_is_scaled_in() {
    let mut half = value(12.5);
    facts(&mut half).unscraped = 1;
    let reading = judged(&half).reading;
    let why = "http://a cannot scrape 1 target that it was measured from (up == 0)".to_owned();
    assert_eq!((reading.value, reading.verdict), (Some(12.5), Verdict::Contradicted(why)));
}

#[test]
fn of_what_too_many_targets_do_not_tell_both_numbers_are_said() {
    let mut part = value(12.0);
    (facts(&mut part).unscraped, facts(&mut part).targets) = (2, 19);
    let reading = judged(&part).reading;
    let Verdict::Contradicted(why) = &reading.verdict else { panic!("{reading:?}") };
    assert!(why.contains("cannot scrape 2 targets of the 19 that"), "{why}");
    assert_eq!(reading.value, Some(12.0));
}

#[test]
fn where_few_targets_do_not_tell_each_counts_as_the_mean_of_the_others() {
    let mut few = value(18.0);
    (facts(&mut few).unscraped, facts(&mut few).targets) = (2, 20);
    let measured = judged(&few);
    assert_eq!((measured.reading.verdict, measured.reading.value), (Verdict::Good, Some(20.0)));
    let [note] = measured.notes.as_slice() else { panic!("{:?}", measured.notes) };
    assert!(note.contains("2 targets of the 20") && note.ends_with("mean of the others"), "{note}");
    // A share is not more by what is missing.
    let share = Query { unit: "share", ..query() };
    let measured = judge(&share, &few, Policy::new(Span::from_secs(120)), at(NOW));
    assert_eq!((measured.reading.verdict, measured.reading.value), (Verdict::Good, Some(18.0)));
    assert!(measured.notes[0].ends_with("the others stand for them"), "{:?}", measured.notes);
}

#[test]
fn by_what_has_no_known_age_nothing_is_scaled_in_and_its_value_counts() {
    let mut unknown = value(12.5);
    unknown.facts = Err(error(MeasureFailure::Refused, "http://a refuses the query"));
    let reading = judged(&unknown).reading;
    let why = "its age is not known: http://a refuses the query".to_owned();
    assert_eq!((reading.value, reading.verdict), (Some(12.5), Verdict::Contradicted(why)));
    unknown.facts = Ok(None);
    assert_eq!(verdict(&unknown), Verdict::Good, "of this nothing can be asked");
    unknown.facts = Ok(Some(Facts::default()));
    assert_eq!(verdict(&unknown), Verdict::Good, "nothing is known of it");
}

#[test]
fn what_is_old_or_wrong_beside_is_called_so_though_its_age_is_not_known() {
    let mut old = said(Ok(Answer::of(at(NOW - 500), 1.0)));
    old.facts = Err(error(MeasureFailure::Unreachable, "no answer"));
    assert!(matches!(verdict(&old), Verdict::Stale { .. }));
    let mut wrong = value(f64::NAN);
    wrong.facts = Err(error(MeasureFailure::Unreachable, "no answer"));
    assert!(matches!(verdict(&wrong), Verdict::Wrong(_)));
}

#[test]
fn a_server_whose_clock_is_behind_answers_what_is_old() {
    let mut behind = said(Ok(Answer::of(at(NOW - 500), 1.0)));
    behind.facts = Ok(None);
    assert!(matches!(verdict(&behind), Verdict::Stale { .. }));
}

#[test]
fn what_cannot_be_is_wrong_and_has_no_value() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5] {
        let reading = judged(&value(wrong)).reading;
        assert!(matches!(reading.verdict, Verdict::Wrong(_)), "{wrong}");
        assert_eq!(reading.value, None);
    }
    let mut ahead = value(1.0);
    ahead.facts = measured_at(NOW + 6);
    let Verdict::Wrong(why) = verdict(&ahead) else { panic!("{ahead:?}") };
    assert_eq!(why, "measured 6s from now: its clock and ours differ");
    ahead.facts = measured_at(NOW + 5);
    assert_eq!(verdict(&ahead), Verdict::Good);
}

#[test]
fn several_series_are_no_number() {
    let one = Answer::of(at(NOW), 1.0).series.remove(0);
    let two = Answer { series: vec![one.clone(), one], warnings: Vec::new() };
    let Verdict::Wrong(why) = verdict(&said(Ok(two))) else { panic!() };
    assert_eq!(why, "2 series where one number is asked for: wrap it in sum()");
}

#[test]
fn nothing_is_missing_and_what_was_last_known_is_shown_with_its_age() {
    let mut nothing = said(Ok(Answer::default()));
    assert_eq!(verdict(&nothing), Verdict::Missing);
    nothing.answer = Ok(Answer { series: vec![RawSeries::default()], warnings: Vec::new() });
    assert_eq!(verdict(&nothing), Verdict::Missing, "a series without samples");
    nothing.last = Some(Sample { at: at(NOW - 400), value: 3.0 });
    let reading = judged(&nothing).reading;
    assert!(matches!(reading.verdict, Verdict::Stale { age, .. } if age == Span::from_secs(400)));
    assert_eq!((reading.value, reading.at), (Some(3.0), Some(at(NOW - 400))));
    nothing.last = Some(Sample { at: at(NOW - 30), value: 3.0 });
    assert_eq!(verdict(&nothing), Verdict::Missing, "it has ended, however lately");
}

#[test]
fn a_server_that_has_just_begun_has_not_seen_a_whole_window() {
    let mut young = value(12.5);
    young.started = Some(at(NOW - 59));
    let reading = judged(&young).reading;
    let Verdict::Settling(why) = &reading.verdict else { panic!("{reading:?}") };
    assert_eq!(why, "http://a has run for 59s, and 1m is its window");
    assert!(!reading.verdict.may_scale_in());
    assert_eq!(reading.value, Some(12.5));
    young.started = Some(at(NOW - 60));
    assert_eq!(verdict(&young), Verdict::Good);
    young.started = None;
    facts(&mut young).young = Some(Span::from_secs(60));
    assert!(matches!(verdict(&young), Verdict::Settling(_)), "its series began with it");
    young.window = None;
    assert_eq!(verdict(&young), Verdict::Good, "what needs no window is whole at once");
}

#[test]
fn who_does_not_answer_is_told_from_who_answers_nonsense() {
    let failed = |kind| said(Err(error(kind, "m")));
    for kind in [MeasureFailure::Unreachable, MeasureFailure::Denied] {
        assert_eq!(verdict(&failed(kind)), Verdict::Unreachable("m".into()));
    }
    for kind in [MeasureFailure::Refused, MeasureFailure::Garbage] {
        assert_eq!(verdict(&failed(kind)), Verdict::Wrong("m".into()));
    }
}

#[test]
fn warnings_of_the_server_are_noted() {
    let mut warned = value(1.0);
    warned.answer.as_mut().unwrap().warnings.push("a store is down".into());
    assert_eq!(judged(&warned).notes, ["http://a warns: a store is down"]);
}

/// The same from another server.
fn other(mut said: Observation) -> Measured {
    said.server = "http://b".into();
    judged(&said)
}

#[test]
fn the_first_server_that_answers_well_is_believed() {
    let down = said(Err(error(MeasureFailure::Unreachable, "no route")));
    let agreed = agree(vec![judged(&down), other(value(7.0))]).unwrap();
    assert_eq!((agreed.reading.verdict, agreed.reading.value), (Verdict::Good, Some(7.0)));
    let agreed = agree(vec![judged(&value(7.0)), other(down)]).unwrap();
    assert_eq!((agreed.reading.verdict, agreed.reading.value), (Verdict::Good, Some(7.0)));
    assert_eq!(agreed.notes, ["http://b: unreachable: no route"]);
    assert_eq!(agree(Vec::new()), None);
}

#[test]
fn two_servers_that_contradict_each_other_release_no_capacity() {
    let agreed = agree(vec![judged(&value(100.0)), other(value(30.0))]).unwrap();
    assert_eq!(agreed.reading.verdict, Verdict::Contradicted("http://b says 30".into()));
    assert_eq!(agreed.reading.value, Some(100.0));
    assert!(!agreed.reading.verdict.may_scale_in());
    assert!(!agreed.is_unreadable());
    // The one that sees less may see only a part.
    let agreed = agree(vec![judged(&value(30.0)), other(value(100.0))]).unwrap();
    assert_eq!(agreed.reading.verdict, Verdict::Contradicted("http://a says 30".into()));
    assert_eq!(agreed.reading.value, Some(100.0));
}

#[test]
fn servers_that_scrape_at_different_moments_do_not_contradict_each_other() {
    for (one, two) in [(100.0, 80.0), (0.0, 0.9), (5.0, 5.0)] {
        let agreed = agree(vec![judged(&value(one)), other(value(two))]).unwrap();
        assert_eq!(agreed.reading.verdict, Verdict::Good, "{one} {two}");
    }
}

#[test]
fn only_what_is_declared_and_not_there_counts_as_unreadable() {
    let mut nothing = judged(&said(Ok(Answer::default())));
    assert!(nothing.is_unreadable() && !nothing.is_idle());
    nothing.quiet = true;
    assert!(!nothing.is_unreadable() && nothing.is_idle());
    assert!(!judged(&value(1.0)).is_unreadable());
    let silent = judged(&said(Err(error(MeasureFailure::Unreachable, "no route"))));
    let silent = Measured { quiet: true, ..silent };
    assert!(silent.is_unreadable() && !silent.is_idle());
}

proptest::proptest! {
    #[test]
    fn no_answer_is_good_unless_it_is_a_young_number(
        number in proptest::num::f64::ANY,
        answered in 9_000i64..11_000,
        measured in proptest::option::of(9_000i64..11_000),
    ) {
        let mut said = said(Ok(Answer::of(at(answered), number)));
        said.facts = Ok(Some(Facts { newest: measured.map(at), ..Facts::default() }));
        let reading = judged(&said).reading;
        let oldest = measured.unwrap_or(answered).min(answered);
        let newest = measured.unwrap_or(answered).max(answered);
        let counts = number.is_finite() && number > -ROUNDING;
        let sound = counts && oldest >= NOW - 120 && newest <= NOW + 5;
        proptest::prop_assert_eq!(reading.verdict.may_scale_in(), sound);
        proptest::prop_assert!(reading.value.is_none_or(|value| value.is_finite() && value >= 0.0));
    }
}
