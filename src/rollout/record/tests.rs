use super::*;
use proptest::prelude::*;

fn record(phase: &str, moment: Moment, at: &str, value: Option<f64>) -> Record {
    Record {
        environment: "prod".into(),
        phase: phase.parse().unwrap(),
        moment,
        at: at.parse().unwrap(),
        by: "ada@here".into(),
        numbers: vec![Recorded {
            name: "availability".into(),
            measured: "availability".into(),
            window: "1d".into(),
            unit: LimitUnit::Share,
            value,
            target: None,
            verdict: None,
            why: value.is_none().then(|| "silence \"of\" the\nserver".to_owned()),
        }],
        pools: vec![PoolRecord {
            name: "h100".into(),
            unit: "replicas".into(),
            desired: 4,
            ready: 3,
            requests_per_second: 54.0,
            gpus: Some(8),
            usd_per_hour: None,
        }],
        notes: vec!["aws could not be seen".into()],
    }
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let all = [
        record("short", Moment::Before, "2026-12-01T08:00:00Z", Some(0.9993)),
        record("short", Moment::After, "2026-12-12T08:00:00Z", None),
    ];
    assert_eq!(all[0].file_name(), "2026-12-01-short-before.toml");
    for record in all {
        assert_eq!(Record::from_text(&record.to_text()), Ok(record));
    }
}

#[test]
fn what_is_no_record_is_said() {
    let text = record("short", Moment::Before, "2026-12-01T08:00:00Z", Some(0.5)).to_text();
    let wrong = |text: &str| Record::from_text(text).unwrap_err();
    assert_eq!(wrong(&text.replace("format = 1", "format = 2")), RecordError::Format(2));
    assert_eq!(
        wrong(&text.replace("\"before\"", "\"during\"")),
        RecordError::Word("during".into())
    );
    assert_eq!(wrong(&text.replace("\"share\"", "\"cats\"")), RecordError::Word("cats".into()));
    assert!(matches!(wrong("x = "), RecordError::Syntax(_)));
    assert!(matches!(wrong(""), RecordError::Syntax(_)));
}

#[test]
fn before_and_after_stand_side_by_side_and_the_last_of_several_counts() {
    let all = [
        record("short", Moment::Before, "2026-12-01T08:00:00Z", Some(0.9)),
        record("medium", Moment::Before, "2026-12-20T08:00:00Z", Some(0.97)),
        record("short", Moment::After, "2026-12-19T08:00:00Z", None),
        record("short", Moment::Before, "2026-12-02T08:00:00Z", Some(0.91)),
    ];
    let compared = comparisons(&all);
    let phases: Vec<_> = compared.iter().map(|one| one.phase.as_str()).collect();
    assert_eq!(phases, ["short", "medium"]);
    let row = |phase: usize, name: &str| {
        let row = compared[phase].rows.iter().find(|row| row.name == name).unwrap();
        (row.before, row.after)
    };
    assert_eq!(row(0, "availability"), (Some(0.91), None));
    assert_eq!(row(0, "pools.capacity"), (Some(54.0), Some(54.0)));
    assert_eq!(row(0, "pools.usd_per_hour"), (None, None), "a price is unknown");
    assert_eq!(row(1, "pool.h100.replicas"), (Some(3.0), None));
    assert_eq!(compared[1].after, None);
}

proptest! {
    #[test]
    fn any_text_and_any_number_come_back(why in "\\PC{0,30}|[\\x00-\\x7f]{0,30}", value in -1e12..1e12_f64) {
        let mut record = record("short", Moment::After, "2026-12-01T08:00:00Z", Some(value));
        record.notes = vec![why.clone()];
        record.numbers[0].measured = why;
        prop_assert_eq!(Record::from_text(&record.to_text()), Ok(record));
    }

    #[test]
    fn no_text_ends_the_reading(text in "\\PC{0,60}") {
        let _ = Record::from_text(&text);
    }
}
