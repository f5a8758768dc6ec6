use super::*;
use proptest::prelude::*;

const SETTLE: u64 = 5;

fn at(seconds: u64) -> Moment {
    let wall = Timestamp::from_second(1_800_000_000 + i64::try_from(seconds).unwrap()).unwrap();
    Moment { since_boot: Duration::from_secs(seconds), wall }
}

fn drain() -> Drain {
    Drain::none(Duration::from_secs(SETTLE))
}

fn seen(drain: &mut Drain, load: Load, seconds: u64) {
    drain.observe(load, at(seconds).since_boot, at(seconds));
}

#[test]
fn it_is_drained_after_nothing_was_in_flight_for_a_while() {
    let mut drain = drain();
    drain.begin(at(10));
    for (second, load) in [(10, 0), (14, 0), (15, 1), (16, 0), (20, 0)] {
        seen(&mut drain, Load::Known(load), second);
        assert_eq!(drain.state(), State::Draining, "{second}");
    }
    seen(&mut drain, Load::Known(0), 21);
    assert_eq!((drain.state(), drain.since()), (State::Drained, Some(at(21).wall)));
}

#[test]
fn a_load_that_nobody_says_is_not_nothing() {
    let mut drain = drain();
    drain.begin(at(0));
    for second in 0..100 {
        seen(&mut drain, Load::Unknown, second);
    }
    seen(&mut drain, Load::Known(0), 100);
    assert_eq!(drain.state(), State::Draining);
}

#[test]
fn a_load_from_before_the_drain_says_nothing_of_it() {
    let mut drain = Drain::none(Duration::ZERO);
    drain.begin(at(10));
    drain.observe(Load::Known(0), at(9).since_boot, at(11));
    assert_eq!(drain.state(), State::Draining);
    drain.observe(Load::Known(0), at(10).since_boot, at(11));
    assert_eq!(drain.state(), State::Drained);
}

#[test]
fn a_second_call_changes_nothing() {
    let mut drain = drain();
    drain.begin(at(1));
    seen(&mut drain, Load::Known(0), 2);
    drain.begin(at(6));
    assert_eq!(drain.since(), Some(at(1).wall));
    seen(&mut drain, Load::Known(0), 7);
    drain.begin(at(9));
    assert_eq!((drain.state(), drain.since()), (State::Drained, Some(at(7).wall)));
}

#[test]
fn only_an_agent_that_stays_takes_work_again() {
    let mut drain = drain();
    drain.begin(at(1));
    drain.undo();
    assert_eq!((drain.state(), drain.since()), (State::Serving, None));
    drain.stop(at(2));
    drain.undo();
    assert_eq!(drain.state(), State::Draining);
}

#[derive(Debug, Clone)]
enum Event {
    Begin,
    Stop,
    Undo,
    Seen(Load),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => Just(Event::Begin),
        1 => Just(Event::Undo),
        1 => Just(Event::Stop),
        1 => Just(Event::Seen(Load::Unknown)),
        1 => (1_u64..9).prop_map(|count| Event::Seen(Load::Known(count))),
        6 => Just(Event::Seen(Load::Known(0))),
    ]
}

proptest! {
    #[test]
    fn it_is_drained_only_when_every_load_of_the_last_while_was_nothing(
        events in prop::collection::vec((event(), 0_u64..4), 0..60)
    ) {
        let mut drain = drain();
        let (mut second, mut began, mut last_busy) = (0, None, 0);
        for (event, pause) in events {
            second += pause;
            let before = (drain.state(), drain.since());
            match event {
                Event::Begin => drain.begin(at(second)),
                Event::Stop => drain.stop(at(second)),
                Event::Undo => drain.undo(),
                Event::Seen(load) => {
                    if load != Load::Known(0) { last_busy = second; }
                    seen(&mut drain, load, second);
                }
            }
            let after = drain.state();
            if after == State::Serving { began = None; } else { began = began.or(Some(second)); }
            if before.0 != State::Drained && after == State::Drained {
                prop_assert_eq!(before.0, State::Draining);
                prop_assert!(second - began.unwrap() >= SETTLE);
                prop_assert!(second - last_busy >= SETTLE);
            }
            // What has ended stays ended until somebody takes it back.
            if before.0 == State::Drained && after != State::Serving {
                prop_assert_eq!(before, (drain.state(), drain.since()));
            }
            prop_assert_eq!(after == State::Serving, drain.since().is_none());
        }
    }
}
