use super::*;
use jiff::Timestamp;

fn at(seconds: u64) -> Moment {
    Moment { since_boot: Duration::from_secs(seconds), wall: Timestamp::UNIX_EPOCH }
}

fn identity() -> Identity {
    Identity {
        instance: "i-1".into(),
        instance_type: "g6e.12xlarge".into(),
        zone: "us-east-1a".into(),
        lifecycle: None,
        image: None,
        floodway: None,
    }
}

fn standing(ready: bool, load: bool) -> Standing {
    let settle = Duration::from_secs(5);
    Standing::new(Phases::start(), Engine::declared(ready, load), settle)
}

fn heard(standing: &mut Standing, ready: bool, load: Load, seconds: u64) {
    standing.heard(Some(ready), load, at(seconds).since_boot, at(seconds));
}

#[test]
fn it_is_ready_when_it_knows_itself_and_its_engine_is() {
    let mut standing = standing(true, false);
    assert_eq!(standing.unready(), Some(Unready::Unknown));
    standing.identity = Some(identity());
    assert_eq!(standing.unready(), Some(Unready::Engine));
    assert!(!standing.reach_ready(at(3)));
    heard(&mut standing, true, Load::Unknown, 4);
    assert_eq!(standing.unready(), None);
    assert!(standing.reach_ready(at(4)));
    heard(&mut standing, false, Load::Unknown, 5);
    assert_eq!(standing.unready(), Some(Unready::Engine));
    heard(&mut standing, true, Load::Unknown, 6);
    assert!(!standing.reach_ready(at(6)), "a phase is over once");
    assert_eq!(standing.phases.ready, Some(at(4).since_boot));
}

#[test]
fn without_an_engine_it_is_drained_at_once() {
    let mut standing = standing(false, false);
    standing.identity = Some(identity());
    standing.begin(at(1));
    assert_eq!((standing.drain.state(), standing.in_flight()), (State::Drained, 0));
    assert_eq!(standing.unready(), Some(Unready::Draining));
    standing.drain.undo();
    assert_eq!(standing.unready(), None);
}

#[test]
fn an_engine_whose_load_is_not_declared_settles_first() {
    let mut standing = standing(true, false);
    standing.begin(at(1));
    for (second, state) in [(1, State::Draining), (5, State::Draining), (6, State::Drained)] {
        heard(&mut standing, true, Load::Unknown, second);
        assert_eq!(standing.drain.state(), state, "{second}");
    }
}

#[test]
fn an_engine_that_falls_silent_may_have_requests() {
    let mut standing = standing(false, true);
    assert_eq!(standing.in_flight(), 1);
    heard(&mut standing, true, Load::Known(7), 1);
    heard(&mut standing, true, Load::Unknown, 2);
    assert_eq!(standing.in_flight(), 7);
    heard(&mut standing, true, Load::Known(0), 3);
    assert_eq!(standing.in_flight(), 0);
    heard(&mut standing, true, Load::Unknown, 4);
    assert_eq!(standing.in_flight(), 1);
    standing.stop(at(5));
    heard(&mut standing, true, Load::Unknown, 60);
    assert_eq!((standing.drain.state(), standing.in_flight()), (State::Draining, 1));
    assert_eq!(standing.unready(), Some(Unready::Stopping));
}
