//! The busiest minutes of a real hour, played to `floodway run`.

use super::fleet::ONPREM;
use super::ground::{GROUPS, demand, within};
use super::hour::Hour;
use super::replay::{self, FACTOR, ONPREM_MAX};

#[test]
fn a_real_rise_bursts_out_and_back_in_and_every_write_is_explained() {
    // In these minutes more comes than on-prem carries with nothing to spare.
    let busy = Hour::read().minutes(23, 8);
    assert!(busy.mean() * FACTOR > ONPREM_MAX as f64 * ONPREM);
    let ground = replay::ground("real");
    let run = ground.controller(&[]);
    ground.settles(&run, 30.0);
    ground.aws.forget_calls();
    let mut samples = replay::play(&ground, busy, 0);
    let out = replay::outcome(&ground, &samples);
    assert_eq!(out.most["h100"], ONPREM_MAX, "{out:?}\n{}", run.said());
    let first = ground.group_name(0);
    assert!(out.most[&first] >= 1, "{out:?}\n{}", run.said());
    assert_eq!(out.flaps, 0, "{out:?}\n{}", run.said());

    // What comes afterwards is carried by a part of on-prem.
    ground.fleet.offer(10.0);
    run.decides("the load has fallen", 20, |one| {
        demand(&one["stages"]["inference"]).is_some_and(|demand| demand < 12.0)
    });
    within("burst is back in", 120, || {
        samples.push(replay::sample(&ground));
        let onprem = ground.replicas("h100").0;
        (ground.asked() == [0; GROUPS.len()] && onprem < ONPREM_MAX).then_some(())
    });
    // The last of its moves may be later than the last of these.
    samples.push(replay::sample(&ground));
    let (onprem, aws) = replay::explained(&ground, &run, &samples);
    assert!(onprem >= 1 && aws >= 2, "{onprem} {aws}");
    assert!(ground.aws.violations().is_empty(), "{:?}", ground.aws.violations());
}
