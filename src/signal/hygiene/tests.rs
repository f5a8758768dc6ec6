use super::*;
use crate::signal::{Answer, MeasureError, MeasureFailure, Policy, RawSeries, history};
use proptest::prelude::*;

const SKEW: Span = Span::from_secs(5);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn samples(of: &[(i64, f64)]) -> Vec<Sample> {
    of.iter().map(|(second, value)| Sample { at: at(*second), value: *value }).collect()
}

fn range(start: i64, end: i64) -> Range {
    Range { start: at(start), end: at(end), step: Span::from_secs(10) }
}

fn cleaned(of: &[(i64, f64)]) -> (Vec<Option<f64>>, Blemishes) {
    let (series, found) = series(&samples(of), &range(0, 40), SKEW, at(40));
    (series.values().to_vec(), found)
}

#[test]
fn a_gap_stays_a_gap() {
    let (values, found) = cleaned(&[(0, 1.0), (10, 2.0), (40, 5.0)]);
    assert_eq!(values, [Some(1.0), Some(2.0), None, None, Some(5.0)]);
    assert_eq!(found, Blemishes { gaps: 2, ..Blemishes::default() });
    assert_eq!(found.to_string(), "2 missing");
}

#[test]
fn what_is_no_number_or_below_nothing_is_a_gap() {
    let wrong = [(0, f64::NAN), (10, f64::INFINITY), (20, -1.0), (30, 4.0), (40, 5.0)];
    let (values, found) = cleaned(&wrong);
    assert_eq!(values, [None, None, None, Some(4.0), Some(5.0)]);
    assert_eq!((found.not_numbers, found.negative, found.gaps), (2, 1, 3));
}

#[test]
fn a_sample_from_the_future_is_left_out() {
    let found = series(&samples(&[(40, 1.0), (46, 9.0)]), &range(40, 50), SKEW, at(40));
    assert_eq!(found.0.values(), [Some(1.0), None]);
    assert_eq!(found.1.future, 1);
}

#[test]
fn samples_out_of_order_are_put_right() {
    let (values, found) = cleaned(&[(20, 3.0), (0, 1.0), (10, 2.0), (40, 5.0), (30, 4.0)]);
    assert_eq!(values, [Some(1.0), Some(2.0), Some(3.0), Some(4.0), Some(5.0)]);
    assert_eq!(found.out_of_order, 2);
}

#[test]
fn a_sample_that_comes_twice_counts_once_and_of_two_the_greater_load_is_believed() {
    let twice = [(0, 1.0), (0, 1.0), (10, 2.0), (10, 7.0), (10, 3.0)];
    let (values, found) = cleaned(&twice);
    assert_eq!(values[..2], [Some(1.0), Some(7.0)]);
    assert_eq!((found.twice, found.contradicting), (1, 2));
}

#[test]
fn a_sample_between_two_points_counts_to_the_later_one() {
    let (values, _) = cleaned(&[(1, 1.0), (9, 2.0), (10, 3.0), (11, 4.0), (41, 9.0)]);
    assert_eq!(values, [None, Some(3.0), Some(4.0), None, None]);
}

fn answered(of: &[(i64, f64)]) -> Result<Answer, MeasureError> {
    let series = vec![RawSeries { samples: samples(of), ..RawSeries::default() }];
    Ok(Answer { series, warnings: Vec::new() })
}

fn past(said: &[(&str, Result<Answer, MeasureError>)]) -> crate::signal::History {
    let said: Vec<_> = said.iter().map(|(name, said)| ((*name).to_owned(), said.clone())).collect();
    history(&said, "req/s", &range(0, 20), Policy::new(Span::from_secs(60)), at(20))
}

#[test]
fn what_one_server_has_missed_another_fills_in() {
    let past = past(&[
        ("a", answered(&[(0, 1.0), (20, 3.0)])),
        ("b", answered(&[(0, 1.1), (10, 2.0), (20, 3.0)])),
    ]);
    assert_eq!(past.series.values(), [Some(1.0), Some(2.0), Some(3.0)]);
    assert_eq!((past.blemishes.gaps, past.notes.len()), (0, 0));
}

#[test]
fn a_server_that_knows_nothing_is_passed_over_and_its_failure_told() {
    let lost =
        MeasureError { kind: MeasureFailure::Unreachable, message: "no route".into(), help: None };
    let known = answered(&[(0, 1.0), (10, 2.0), (20, 3.0)]);
    let past = past(&[("a", Ok(Answer::default())), ("b", Err(lost.clone())), ("c", known)]);
    assert_eq!(past.series.values(), [Some(1.0), Some(2.0), Some(3.0)]);
    assert_eq!(past.notes, ["b: no route"]);
    assert_eq!(past.unread, None);
}

#[test]
fn a_past_that_nobody_could_tell_is_unread_and_one_that_is_empty_is_not() {
    let kind = MeasureFailure::Unreachable;
    let lost = MeasureError { kind, message: "no route".into(), help: None };
    let unread = |said: &[(&str, Result<Answer, MeasureError>)]| past(said).unread;
    assert_eq!(unread(&[("a", Err(lost.clone()))]).as_deref(), Some("no route"));
    let partly = [("a", Ok(Answer::default())), ("b", Err(lost))];
    assert_eq!(unread(&partly).as_deref(), Some("no route"), "it may be the one that knows");
    assert_eq!(unread(&[("a", Ok(Answer::default()))]), None);
    assert_eq!(unread(&[]), None);
}

#[test]
fn what_nobody_knows_is_a_gap() {
    let past = past(&[("a", Ok(Answer::default()))]);
    assert_eq!(past.series.values(), [None, None, None]);
    assert_eq!(past.blemishes.gaps, 3);
}

#[test]
fn servers_that_contradict_each_other_are_told() {
    let past = past(&[
        ("a", answered(&[(0, 10.0), (10, 10.0)])),
        ("b", answered(&[(0, 10.0), (10, 99.0)])),
    ]);
    assert_eq!(past.notes, ["b contradicts a at 1 points"]);
    assert_eq!(past.series.values(), [Some(10.0), Some(10.0), None]);
}

fn anything() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let value = prop_oneof![0.0..1000.0, Just(f64::NAN), Just(-1.0), Just(f64::INFINITY)];
    prop::collection::vec((-50i64..150, value), 0..60)
}

proptest! {
    #[test]
    fn the_order_in_which_samples_come_changes_nothing(
        given in anything(),
        seed in prop::collection::vec(any::<prop::sample::Index>(), 60),
    ) {
        let mut shuffled = given.clone();
        for (at, index) in seed.iter().enumerate().take(given.len()) {
            shuffled.swap(at, index.index(given.len()));
        }
        let of = |given: &[(i64, f64)]| series(&samples(given), &range(0, 100), SKEW, at(90)).0;
        prop_assert_eq!(of(&given), of(&shuffled));
    }

    #[test]
    fn every_value_was_measured_and_none_is_made_up(given in anything()) {
        let (series, found) = series(&samples(&given), &range(0, 100), SKEW, at(90));
        prop_assert_eq!(series.len(), 11);
        for (index, value) in series.values().iter().enumerate() {
            let time = series.time(index).as_second();
            let measured = |v: f64| given.iter().any(|(second, given)| {
                *given == v && *second <= time && *second > time - 10 && *second <= 95
            });
            prop_assert!(value.is_none_or(|v| v >= 0.0 && measured(v)));
        }
        prop_assert_eq!(found.gaps, series.values().iter().filter(|v| v.is_none()).count());
        let unusable = given.iter().filter(|(_, value)| !value.is_finite()).count();
        prop_assert_eq!(found.not_numbers, unusable);
    }
}
