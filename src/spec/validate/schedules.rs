//! `[[schedule]]`: for pools whose number may be set, at times that there are.

use super::Rules;
use crate::clock::Timestamp;
use crate::diag::{Diagnostic, nearest};
use crate::id::Name;
use crate::spec::cron;
use crate::spec::model::{Count, Schedule};
use jiff::tz::TimeZoneDatabase;
use std::collections::BTreeMap;

/// Scheduled actions that one group can have:
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html>
const MOST: usize = 125;

pub(super) fn check(rules: &mut Rules<'_>) {
    let schedules = &rules.environment.schedule;
    let mut named: BTreeMap<&Name, usize> = BTreeMap::new();
    let mut of_pool: BTreeMap<&Name, usize> = BTreeMap::new();
    for (at, schedule) in schedules.iter().enumerate() {
        let path = format!("schedule.{at}");
        if let Some(other) = named.insert(&schedule.name, at) {
            let name = format!("{path}.name");
            rules.report(
                Diagnostic::error(format!("two schedules are called `{}`", schedule.name))
                    .help("call one of them otherwise"),
                &[(&name, ""), (&format!("schedule.{other}.name"), "")],
            );
        }
        let count = of_pool.entry(&schedule.pool).or_default();
        *count += 1;
        if *count == MOST + 1 {
            let message = format!("the pool `{}` has more than {MOST} schedules", schedule.pool);
            rules.error(&format!("{path}.pool"), message, "AWS takes no more");
        }
        pool(rules, &path, schedule);
        time(rules, &path, &schedule.cron, &schedule.time_zone);
        let what = format!("the schedule `{}`", schedule.name);
        window(rules, &path, &what, &schedule.start, &schedule.end);
    }
}

fn pool(rules: &mut Rules<'_>, path: &str, schedule: &Schedule) {
    let at = format!("{path}.pool");
    let environment = rules.environment;
    let name = &schedule.pool;
    let burst = environment.aws.as_ref().and_then(|aws| aws.pools.get(name));
    let Some(pool) = burst else {
        let on_prem = environment.onprem.as_ref().is_some_and(|o| o.pools.contains_key(name));
        if on_prem {
            let help = "a schedule is an action of Auto Scaling groups: name a pool of `[aws]`";
            rules.error(&at, format!("the pool `{name}` is on-prem"), help);
        } else {
            let known = environment.aws.iter().flat_map(|aws| aws.pools.keys()).map(Name::as_str);
            let message = format!("no burst pool is called `{name}`");
            rules.unknown(&at, &["aws.pools"], message, (name.as_str(), known));
        }
        return;
    };
    let size = format!("aws.pools.{name}.size");
    match pool.size {
        Count::Fixed(number) => rules.report(
            Diagnostic::error(format!("git owns the number of pool `{name}`"))
                .help("write the size as `{ min = …, max = … }`, or remove the schedule"),
            &[(&at, "would set it"), (&size, &format!("always {number}"))],
        ),
        Count::Between { min, max } if !(min..=max).contains(&schedule.desired) => rules.report(
            Diagnostic::error(format!(
                "{} is not between the min and the max of pool `{name}`",
                schedule.desired
            ))
            .help("a schedule sets the number alone: min and max are the pool's own"),
            &[(&format!("{path}.desired"), ""), (&size, &format!("between {min} and {max}"))],
        ),
        Count::Between { .. } => {}
    }
    let demand = format!("service.stages.{}.demand", pool.stage);
    if rules.stage(&pool.stage).is_some_and(|stage| stage.demand.is_some()) {
        rules.report(
            Diagnostic::error(format!("git owns the number of pool `{name}`"))
                .help("remove the stage's `demand`, or the schedule"),
            &[(&at, "would set it"), (&demand, "says it already")],
        );
    }
}

/// A crontab's five fields, in a time zone that there is.
pub(super) fn time(rules: &mut Rules<'_>, path: &str, cron: &str, zone: &str) {
    if let Some(why) = cron::wrong(cron) {
        let help = "write minute, hour, day of the month, month and day of the week, \
                    like \"0 8 * * MON-FRI\"";
        rules.error(&format!("{path}.cron"), why, help);
    }
    time_zone(rules, &format!("{path}.time_zone"), zone);
}

/// Holds what is at `path` to be the name of a time zone.
pub(super) fn time_zone(rules: &mut Rules<'_>, path: &str, zone: &str) {
    let zones = TimeZoneDatabase::bundled();
    // AWS takes a name only as it is written in the database.
    let same = zones.get(zone).is_ok_and(|found| found.iana_name() == Some(zone));
    if !same && zone != "UTC" {
        let known: Vec<String> = zones.available().map(|name| name.to_string()).collect();
        let help = match nearest(zone, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write it like \"Europe/Berlin\"".to_owned(),
        };
        rules.error(path, format!("there is no time zone `{zone}`"), &help);
    }
}

/// From one moment to a later one; `what` is said of them.
pub(super) fn window(
    rules: &mut Rules<'_>,
    path: &str,
    what: &str,
    start: &Option<String>,
    end: &Option<String>,
) {
    let mut moment = |key: &str, text: &Option<String>| {
        let text = text.as_ref()?;
        let read = text.parse::<Timestamp>().ok();
        // What AWS knows is seconds.
        let whole = read.filter(|moment| moment.subsec_nanosecond() == 0);
        if whole.is_none() {
            let help = "write it like \"2026-12-01T08:00:00Z\"";
            rules.error(&format!("{path}.{key}"), format!("`{text}` is no moment"), help);
        }
        whole
    };
    let (start, end) = (moment("start", start), moment("end", end));
    if let (Some(start), Some(end)) = (start, end)
        && start >= end
    {
        rules.report(
            Diagnostic::error(format!("{what} ends before it starts"))
                .help("put `end` after `start`"),
            &[(&format!("{path}.start"), ""), (&format!("{path}.end"), "")],
        );
    }
}
