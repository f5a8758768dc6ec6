use super::super::fixture::criterion;
use super::*;
use crate::desired::fixture;
use crate::signal::{MeasureFailure, RawSeries, Sample};
use crate::spec::model::{Limit, LimitUnit};
use crate::units::Span;
use proptest::collection::vec;
use proptest::prelude::*;

/// 08:30:20 on some day; the last whole minute is what counts.
const NOW: i64 = 1_800_000_020;

fn name() -> Name {
    "x".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The values of the minutes up to now, the last one of now; none: a gap.
fn answer(values: &[Option<f64>]) -> Answer {
    let last = NOW - NOW % 60;
    let samples = values.iter().rev().enumerate().filter_map(|(ago, value)| {
        Some(Sample { at: at(last - 60 * ago as i64), value: (*value)? })
    });
    let series = RawSeries { samples: samples.collect(), ..RawSeries::default() };
    Answer { series: vec![series], warnings: Vec::new() }
}

fn judged(criterion: Criterion<'_>, said: &[Result<Answer, MeasureError>]) -> Finding {
    let question = Question::new(&fixture::environment(), criterion, at(NOW));
    let server = |number: usize| format!("http://{}:9090", (b'a' + number as u8) as char);
    let said: Vec<Said> =
        said.iter().cloned().enumerate().map(|(number, said)| (server(number), said)).collect();
    judge(&"short".parse().unwrap(), &question, &said)
}

/// Minutes ago, none: no data.
fn since(finding: &Finding) -> Option<i64> {
    finding.since.map(|since| (NOW - NOW % 60 - since.as_second()) / 60)
}

fn all(value: f64, count: usize) -> Vec<Option<f64>> {
    vec![Some(value); count]
}

#[test]
fn a_criterion_is_met_since_the_minute_in_which_its_window_was_good_enough() {
    let name = name();
    // Twelve bad minutes, then good ones: the mean of ten minutes reaches 0.9 with the
    // ninth good one.
    for good in 0..=15 {
        let values = [all(0.0, 20 - good.min(20)), all(1.0, good)].concat();
        let found = judged(criterion(&name), &[Ok(answer(&values))]);
        let expected = match good {
            0..9 => (Verdict::NotYet, Some(10)),
            _ => (Verdict::Met, Some(good as i64 - 9)),
        };
        assert_eq!((found.verdict.clone(), since(&found)), expected, "{good} good minutes");
        assert_eq!(found.value, Some(good.min(10) as f64 / 10.0));
    }
}

#[test]
fn since_is_bounded_by_what_was_read() {
    let name = name();
    let found = judged(criterion(&name), &[Ok(answer(&all(1.0, 500)))]);
    assert_eq!((found.verdict.clone(), since(&found)), (Verdict::Met, Some(10)));
    assert_eq!(found.target, "at least 90%");
    // Of the window before it, nothing is known: it begins when there was enough.
    let found = judged(criterion(&name), &[Ok(answer(&all(1.0, 12)))]);
    assert_eq!(since(&found), Some(2));
}

#[test]
fn too_little_is_no_data_and_says_how_little() {
    let name = name();
    let half = Criterion { minimum: Share::percent(50), ..criterion(&name) };
    let no_data = |criterion, values: &[Option<f64>]| match judged(criterion, &[Ok(answer(values))])
    {
        Finding { verdict: Verdict::NoData(why), value: None, since: None, .. } => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(no_data(half, &all(1.0, 4)), "40% of its window is known, and 50% is needed");
    assert_eq!(no_data(half, &[]), "nothing is known of its window");
    // A gap in the middle counts like one at the end.
    let mut values = all(1.0, 20);
    values[14] = None;
    assert_eq!(
        no_data(criterion(&name), &values),
        "90% of its window is known, and 100% is needed"
    );
    assert_eq!(judged(half, &[Ok(answer(&all(1.0, 5)))]).verdict, Verdict::Met);
    let measure = Some(BuiltIn::ErrorRate);
    let known = Criterion { measure, query: None, ..half };
    let why = no_data(known, &[]);
    assert!(why.contains("it needs inference_requests_total of inference, "), "{why}");
    let backtest = Criterion { measure: Some(BuiltIn::Backtest), ..half };
    assert_eq!(no_data(backtest, &all(1.0, 20)), "there is no backtest yet");
}

#[test]
fn what_is_not_a_number_is_no_value() {
    let name = name();
    for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut values = all(1.0, 20);
        values[19] = Some(strange);
        let found = judged(criterion(&name), &[Ok(answer(&values))]);
        assert!(matches!(found.verdict, Verdict::NoData(_)), "{strange}");
        let most = Criterion { minimum: Share::percent(90), ..criterion(&name) };
        assert_eq!(judged(most, &[Ok(answer(&values))]).verdict, Verdict::Met, "{strange}");
    }
}

#[test]
fn several_series_are_no_answer() {
    let name = name();
    let mut two = answer(&all(1.0, 20));
    two.series.push(two.series[0].clone());
    let found = judged(criterion(&name), &[Ok(two)]);
    let why = "the query answers 2 series where one is asked for: wrap it in sum()";
    assert_eq!(found.verdict, Verdict::NoData(why.into()));
    // One after the other, as of a pod that was replaced, they are one value each minute.
    let (mut first, second) = (answer(&all(1.0, 20)), answer(&all(1.0, 5)));
    first.series[0].samples.retain(|sample| sample.at.as_second() < NOW - NOW % 60 - 4 * 60);
    first.series.extend(second.series);
    assert_eq!(judged(criterion(&name), &[Ok(first)]).verdict, Verdict::Met);
}

#[test]
fn a_window_becomes_one_value_as_it_is_asked() {
    let name = name();
    let values = [all(0.0, 10), vec![Some(3.0)], all(1.0, 8), vec![Some(2.0)]].concat();
    for (over, value) in [(Over::Mean, 1.3), (Over::Min, 1.0), (Over::Max, 3.0), (Over::Last, 2.0)]
    {
        let found = judged(Criterion { over, ..criterion(&name) }, &[Ok(answer(&values))]);
        assert_eq!(found.value, Some(value), "{over:?}");
    }
}

#[test]
fn the_mean_of_one_value_is_that_value() {
    let name = name();
    let window = Span::from_secs(24 * 3600);
    let day = Criterion { window, ..criterion(&name) };
    for value in [31.47, 0.1, 0.9993] {
        let found = judged(day, &[Ok(answer(&all(value, 2880)))]);
        let apart = (found.value.unwrap() - value).abs();
        assert!(apart <= value * f64::EPSILON, "{value}: {apart}");
    }
}

#[test]
fn a_minute_of_which_nothing_is_known_is_no_good_one_and_no_reason_to_abort() {
    let name = name();
    let limit = Some(Limit { value: 0.95, unit: LimitUnit::Share });
    let measure = Some(BuiltIn::Availability);
    let minimum = Share::percent(50);
    let exit = Criterion { measure, query: None, low: limit, minimum, ..criterion(&name) };
    let mut values = all(1.0, 20);
    values[17] = None;
    let found = judged(exit, &[Ok(answer(&values))]);
    assert_eq!((found.verdict, found.value), (Verdict::NotYet, Some(0.9)));
    let abort = Criterion { kind: Kind::Abort, low: None, high: limit, ..exit };
    let found = judged(abort, &[Ok(answer(&values))]);
    assert_eq!((found.verdict, found.value), (Verdict::Clear, Some(1.0)));
}

#[test]
fn an_abort_criterion_is_met_or_clear() {
    let name = name();
    let limit = Some(Limit { value: 0.05, unit: LimitUnit::Share });
    let abort = Criterion { kind: Kind::Abort, low: limit, ..criterion(&name) };
    let verdict = |value| judged(abort, &[Ok(answer(&all(value, 20)))]).verdict;
    assert_eq!([verdict(0.05), verdict(0.06)], [Verdict::Clear, Verdict::Abort]);
    let none = Criterion { low: None, ..abort };
    let found = judged(none, &[Ok(answer(&all(1.0, 20)))]);
    assert_eq!(found.verdict, Verdict::NoData("it is held against nothing".into()));
    assert_eq!((found.value, found.since), (Some(1.0), None));
}

#[test]
fn the_first_server_that_knows_enough_is_believed_unless_another_has_it_otherwise() {
    let name = name();
    let silent = || {
        let message = "http://a:9090 does not answer".to_owned();
        Err(MeasureError { kind: MeasureFailure::Unreachable, message, help: None })
    };
    let known = |value: f64, minutes| Ok(answer(&all(value, minutes)));
    let verdict = |said: &[_]| judged(criterion(&name), said).verdict;
    assert_eq!(verdict(&[silent(), known(1.0, 20)]), Verdict::Met);
    assert_eq!(verdict(&[known(0.0, 3), known(1.0, 20)]), Verdict::Met);
    assert_eq!(verdict(&[known(1.0, 20), known(0.95, 20)]), Verdict::Met);
    let why = "the servers contradict: http://a:9090 says 100%, http://b:9090 10%";
    assert_eq!(verdict(&[known(1.0, 20), known(0.1, 20)]), Verdict::NoData(why.into()));
    let why = "http://a:9090 does not answer";
    assert_eq!(verdict(&[silent(), silent()]), Verdict::NoData(why.into()));
    let Verdict::NoData(why) = verdict(&[]) else { panic!("without a server") };
    assert!(why.contains("no Prometheus is declared"));
}

#[test]
fn an_answer_of_which_a_part_may_be_missing_is_none() {
    let name = name();
    let warned = |warning: &str| {
        let mut answer = answer(&all(1.0, 20));
        answer.warnings.push(warning.to_owned());
        judged(criterion(&name), &[Ok(answer)]).verdict
    };
    let why = "http://a:9090 warns: a store is down";
    assert_eq!(warned("a store is down"), Verdict::NoData(why.into()));
    assert_eq!(warned("PromQL info: metric might not be a counter"), Verdict::Met);
}

fn any_minutes() -> impl Strategy<Value = Vec<Option<f64>>> {
    let value = prop_oneof![
        4 => (0..=4_u8).prop_map(|fourths| Some(f64::from(fourths) / 4.0)),
        1 => Just(None),
        1 => prop::sample::select(vec![Some(f64::NAN), Some(f64::INFINITY)]),
    ];
    vec(value, 0..40)
}

fn any_over() -> impl Strategy<Value = Over> {
    prop::sample::select(vec![Over::Mean, Over::Min, Over::Max, Over::Last])
}

fn with_gaps(minutes: &[Option<f64>], gone: &[bool]) -> Vec<Option<f64>> {
    let gone = gone.iter().chain(std::iter::repeat(&false));
    minutes.iter().zip(gone).map(|(value, gone)| value.filter(|_| !gone)).collect()
}

proptest! {
    #[test]
    fn what_is_met_or_aborts_is_known_well_enough(
        minutes in any_minutes(), over in any_over(), percent in 1..=100_u64, abort: bool,
    ) {
        let name = name();
        let kind = if abort { Kind::Abort } else { Kind::Exit };
        let minimum = Share::percent(percent);
        let criterion = Criterion { kind, over, minimum, ..criterion(&name) };
        let found = judged(criterion, &[Ok(answer(&minutes))]);
        let window = &minutes[minutes.len().saturating_sub(10)..];
        let known = window.iter().flatten().filter(|value| value.is_finite()).count();
        let enough = known as u64 * 10 >= percent && known > 0;
        prop_assert_eq!(found.verdict.why().is_none(), enough);
        prop_assert_eq!((found.value.is_some(), found.since.is_some()), (enough, enough));
    }

    #[test]
    fn what_goes_missing_tells_nothing_new(
        minutes in any_minutes(), gone in vec(any::<bool>(), 40), over in any_over(),
        percent in 1..=100_u64, abort: bool,
    ) {
        let name = name();
        let kind = if abort { Kind::Abort } else { Kind::Exit };
        let criterion = Criterion { kind, over, minimum: Share::percent(percent), ..criterion(&name) };
        let verdict = |minutes: &[_]| judged(criterion, &[Ok(answer(minutes))]).verdict;
        let (before, after) = (verdict(&minutes), verdict(&with_gaps(&minutes, &gone)));
        // Where too little was known, no less is enough.
        prop_assert!(before.why().is_none() || after.why().is_some());
        // Where all must be known, what goes missing turns nothing round.
        if percent == 100 {
            prop_assert!(after == before || after.why().is_some());
        }
    }

    #[test]
    fn availability_is_never_met_by_what_goes_missing(
        minutes in vec(prop::sample::select(vec![Some(1.0), Some(0.0), None]), 0..40),
        gone in vec(any::<bool>(), 40), percent in 1..=100_u64,
    ) {
        let name = name();
        let (measure, minimum) = (Some(BuiltIn::Availability), Share::percent(percent));
        let criterion = Criterion { measure, query: None, minimum, ..criterion(&name) };
        let verdict = |minutes: &[_]| judged(criterion, &[Ok(answer(minutes))]).verdict;
        let less = verdict(&with_gaps(&minutes, &gone));
        prop_assert!(less != Verdict::Met || verdict(&minutes) == Verdict::Met);
    }

    #[test]
    fn since_is_the_first_minute_of_the_verdict_that_still_stands(
        minutes in vec(prop::sample::select(vec![Some(1.0), Some(0.5), None]), 20..40),
        over in any_over(),
    ) {
        let name = name();
        let criterion = Criterion { over, minimum: Share::percent(70), ..criterion(&name) };
        let ago = |ago: usize| {
            let then = at(NOW - 60 * ago as i64);
            let then = Question::new(&fixture::environment(), criterion, then);
            let said = [("s".to_owned(), Ok(answer(&minutes)))];
            judge(&"short".parse().unwrap(), &then, &said).verdict
        };
        let found = judged(criterion, &[Ok(answer(&minutes))]);
        let same = (0..=10).take_while(|minute| ago(*minute) == found.verdict).count();
        match since(&found) {
            Some(minutes) => prop_assert_eq!(minutes as usize, same - 1),
            None => prop_assert!(found.verdict.why().is_some()),
        }
    }
}
