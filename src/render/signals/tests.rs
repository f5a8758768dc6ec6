use super::*;
use crate::desired::fixture;
use crate::render::schema;
use crate::render::tests::documents::assert_valid;
use crate::signal::Reading;

fn measured(signal: &str, value: Option<f64>, verdict: Verdict) -> Measured {
    let at = value.and(Timestamp::from_second(1_000).ok());
    let source = "sum(rate(requests_total[1m])) at http://prometheus.monitoring:9090".to_owned();
    let reading = Reading { signal: signal.into(), unit: "req/s", source, value, at, verdict };
    Measured::plain(reading)
}

fn example() -> SignalsView {
    let limit = Span::from_secs(120);
    let mut idle = measured("engine/inference/ttft_p99", None, Verdict::Missing);
    idle.quiet = true;
    let mut noted = measured("demand/inference", Some(123.4567), Verdict::Good);
    noted.notes.push("http://b:9090: unreachable: it does not answer".to_owned());
    let all = [
        noted,
        measured(
            "queue/inference",
            Some(0.00042),
            Verdict::Stale { age: Span::from_secs(300), limit },
        ),
        measured("kafka/front", None, Verdict::Missing),
        idle,
        measured("upstream/web", Some(7.0), Verdict::Contradicted("http://b says 70".to_owned())),
    ];
    let now = Timestamp::from_second(1_042).unwrap();
    SignalsView::new(&fixture::environment(), &all, Some((&[], now)), now)
}

#[test]
fn a_screen_of_signals() {
    insta::assert_snapshot!(text(&example(), &Style::plain(80), false));
}

#[test]
fn a_screen_of_signals_with_their_sources() {
    insta::assert_snapshot!(text(&example(), &Style::plain(60), true));
}

#[test]
fn signals_keep_to_their_schema_and_only_what_cannot_be_read_counts_as_that() {
    let document = assert_valid(&schema::signals(), &example());
    let unreadable: Vec<_> = document["signals"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|signal| signal["unreadable"] == true)
        .map(|signal| signal["signal"].as_str().unwrap())
        .collect();
    assert_eq!(unreadable, ["queue/inference", "kafka/front"]);
    assert_eq!(document["complete"], false);
}

#[test]
fn what_a_place_tells_is_as_old_as_its_own_clock_says() {
    let now = Timestamp::from_second(5_000_000).unwrap();
    let there = [measured("aws/g6e/pending", Some(0.0), Verdict::Good)];
    let places = Some((&there[..], Timestamp::from_second(1_003).unwrap()));
    let view = SignalsView::new(&fixture::environment(), &[], places, now);
    assert_eq!(view.signals[0].age_seconds, Some(3.0));
    let unseen = SignalsView::new(&fixture::environment(), &[], None, now);
    assert!(!unseen.complete);
}
