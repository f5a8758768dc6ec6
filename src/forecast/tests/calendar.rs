//! What the operations team plans, as inputs.

use super::hourly;
use crate::clock::Timestamp;
use crate::forecast::{
    Almanac, CalendarInputs, EventWindow, Forecaster, Persistence, Planned, Seasonal, context,
};
use crate::signal::Series;
use crate::units::Span;

#[test]
fn an_event_moves_the_path_by_its_factor_and_is_taken_out_of_the_history() {
    let mut values = vec![Some(100.0); 24 * 8];
    values[24 * 7..24 * 7 + 12].fill(Some(300.0));
    let history = hourly(values);
    let event = |from: i64, to: i64| EventWindow {
        start: Timestamp::from_second(from * 3600).unwrap(),
        end: Timestamp::from_second(to * 3600).unwrap(),
        factor: 3.0,
    };
    let end = 24 * 8;
    let events = vec![event(24 * 7, 24 * 7 + 12), event(end + 1, end + 2)];
    let calendar = CalendarInputs { events, ..CalendarInputs::default() };
    let context = context(&history, 3, &calendar, &[]);
    let day = Planned::new(Box::new(Seasonal::day()));
    assert_eq!(day.path(&history, &context, 3).unwrap(), [100.0, 300.0, 100.0]);
    // The race's unplanned one is the safeguard against a wrong factor.
    assert_eq!(Persistence.path(&history, &context, 3).unwrap(), [100.0; 3]);
}

#[test]
fn an_almanac_that_is_kept_tells_what_a_new_one_would() {
    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
    let start = Timestamp::from_second(9 * 3600).unwrap();
    let event = EventWindow { start, end: start.saturating_add(HOUR * 30).unwrap(), factor: 2.0 };
    let calendar = CalendarInputs { events: vec![event], ..CalendarInputs::default() };
    let mut kept = Almanac::new(&calendar);
    let of = |hours: std::ops::Range<usize>| {
        let values = hours.clone().map(|hour| Some(hour as f64)).collect();
        let start = start.saturating_add(HOUR * hours.start as u32).unwrap();
        Series::new(start, Span::from_secs(3600), values)
    };
    // It grows, loses its beginning, and ends earlier than it did.
    for hours in [0..170, 0..171, 0..200, 24..201, 24..60] {
        let history = of(hours);
        let upstream = [("api".to_owned(), history.clone())];
        let anew = context(&history, 3, &calendar, &upstream);
        assert_eq!(kept.context(&history, 3, &upstream), anew);
        assert_eq!(anew.steps(), history.len() + 3);
    }
}

#[test]
fn the_calendar_knows_local_days_holidays_and_what_is_not_known_ahead() {
    let zone = jiff::tz::TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
    // Friday, 25 December 2026, 22:00 in Berlin.
    let start: Timestamp = "2026-12-25T21:00:00Z".parse().unwrap();
    let history = Series::new(start, Span::from_secs(3600), vec![Some(1.0), Some(2.0), Some(3.0)]);
    let calendar = CalendarInputs {
        zone,
        holidays: ["2026-12-25".parse().unwrap()].into(),
        events: Vec::new(),
    };
    let upstream = Series::new(start, Span::from_secs(7200), vec![Some(7.0), Some(8.0), Some(9.0)]);
    let context = context(&history, 2, &calendar, &[("api".to_owned(), upstream)]);
    let column = |name: &str| -> Vec<Option<f64>> {
        let column = context.column(name).unwrap();
        (0..5).map(|index| context.at(index, column)).collect()
    };
    // Midnight in Berlin is between the second and the third step.
    assert_eq!(column("holiday"), [1.0, 1.0, 0.0, 0.0, 0.0].map(Some));
    assert_eq!(column("weekend"), [0.0, 0.0, 1.0, 1.0, 1.0].map(Some));
    assert_eq!(column("event"), [1.0; 5].map(Some));
    assert_eq!(column("upstream/api"), [Some(7.0), Some(7.0), Some(8.0), None, None]);
    assert!(column("day/sin")[2].unwrap().abs() < 1e-9);
    assert!((column("day/cos")[2].unwrap() - 1.0).abs() < 1e-9);
}
