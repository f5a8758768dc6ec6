//! What is known from before: the load before an event, and what was once told.

use super::*;

#[tokio::test]
async fn an_event_that_begins_asks_for_its_factor_of_the_load_before_it_for_an_hour() {
    let mut watch = Watch::begin();
    let start = watch.time.now() + jiff::SignedDuration::from_hours(1);
    let end = start + jiff::SignedDuration::from_hours(2);
    watch.gauge.calendar.events = vec![forecast::EventWindow { start, end, factor: 3.0 }];
    let environment = environment(&[]);
    let mut asked = Vec::new();
    for _ in 0..24 {
        let now = watch.time.now();
        let load = watch.pass(&environment, 1).await;
        let demand = &load.demand["inference"];
        asked.push((now, demand.now.unwrap(), demand.factor));
    }
    let base = asked.iter().rfind(|(at, ..)| *at < start).unwrap().1;
    for (at, load, factor) in asked {
        if at >= start && at < start + jiff::SignedDuration::from_hours(1) {
            assert!((load * factor - 3.0 * base).abs() < 1e-6, "{at}: {load} × {factor}");
        } else if at >= start {
            assert_eq!(factor, 1.0, "{at}: by then it is seen, and forecast");
        }
    }
}

#[tokio::test]
async fn an_event_that_has_begun_keeps_its_factor_when_another_controller_leads() {
    let mut watch = Watch::begin();
    let start = watch.time.now() + jiff::SignedDuration::from_hours(1);
    let end = start + jiff::SignedDuration::from_hours(2);
    let later = end + jiff::SignedDuration::from_hours(9);
    let event = |start, end| forecast::EventWindow { start, end, factor: 3.0 };
    let events = vec![event(start, end), event(later, later + jiff::SignedDuration::from_hours(1))];
    watch.gauge.calendar.events.clone_from(&events);
    let environment = environment(&[]);
    watch.pass(&environment, 8).await;
    let now = watch.time.now();
    assert!(now > start);
    let (known, bases) = watch.gauge.noted(now);
    let noted = serde_json::to_string(&bases).unwrap();
    assert!(!noted.contains(&later.to_string()), "who leads then knows it: {noted}");

    let mut next = Watch::begin();
    *next.time.0.lock().unwrap() = now;
    next.gauge.calendar.events = events;
    next.gauge.go_on_from(known, serde_json::from_str(&noted).unwrap());
    let load = next.pass(&environment, 1).await;
    let demand = &load.demand["inference"];
    let base = Knows::value("sum(load)", start - jiff::SignedDuration::from_mins(10));
    let asked = demand.now.unwrap() * demand.factor;
    assert!((asked - 3.0 * base).abs() < 1e-6, "{asked} of {base}");
}

/// Why nothing may be released by the load; none: it is good.
fn doubt(load: &Load) -> Option<String> {
    let verdict = &load.demand["inference"].verdict;
    (!verdict.may_scale_in()).then(|| verdict.to_string())
}

#[tokio::test]
async fn a_queue_or_a_topic_that_is_declared_and_not_known_is_a_doubt_from_the_first_turn_on() {
    let stage = || "inference".parse().unwrap();
    for signal in ["queue/inference", "kafka/inference"] {
        let mut watch = Watch::begin();
        let mut environment = environment(&[]);
        let signals = environment.signals.as_mut().unwrap();
        if signal.starts_with("queue") {
            signals.queue.insert(stage(), "sum(queue)".to_owned());
        } else {
            let query = Some("sum(queue)".to_owned());
            signals.kafka.insert(stage(), Kafka { group: None, topic: None, query });
        }
        watch.server.silent.lock().unwrap().push("sum(queue)");
        let never = doubt(&watch.pass(&environment, 1).await);
        assert!(never.is_some_and(|why| why.contains(signal)), "whoever knew it before");
        watch.server.silent.lock().unwrap().clear();
        let known = watch.pass(&environment, 3).await;
        assert!(known.demand["inference"].waiting.is_some());
        assert_eq!(doubt(&known), None);
        watch.server.silent.lock().unwrap().push("sum(queue)");
        assert!(doubt(&watch.pass(&environment, 1).await).is_some());
    }
}

#[tokio::test]
async fn what_engines_told_one_controller_the_next_one_misses() {
    let mut environment = environment(&[]);
    let signals = environment.signals.as_mut().unwrap();
    signals.engine.insert("inference".parse().unwrap(), Engine::Vllm);
    signals.select.insert("inference".parse().unwrap(), "job=\"v\"".to_owned());
    let mut watch = Watch::begin();
    assert_eq!(doubt(&watch.pass(&environment, 2).await), None);
    let (known, bases) = watch.gauge.noted(watch.time.now());
    let noted = serde_json::to_string(&known).unwrap();

    let mut next = Watch::begin();
    let waiting = "sum(vllm:num_requests_waiting{job=\"v\"})";
    next.server.silent.lock().unwrap().push(waiting);
    assert_eq!(doubt(&next.pass(&environment, 1).await), None, "it may tell none");
    next.gauge.go_on_from(serde_json::from_str(&noted).unwrap(), bases);
    let why = doubt(&next.pass(&environment, 1).await).unwrap();
    assert!(why.contains("engine/inference/waiting was measured before"), "{why}");
}
