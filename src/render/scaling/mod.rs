//! Why a decision was made, for readers: a block for each stage, with the load and
//! what carries it, and each of its pools with its number, reasons and holds.

mod said;
mod writes;

use super::Style;
use super::style::Ink;
use super::text::{Line, Screen, count, money, rate, signed, span};
use crate::decide::scaling::{
    Cost, DecisionRecord, Delay, Delays, Direction, ForecasterRecord, Hold, PoolScaling, Scaling,
    SourceScaling, StageScaling,
};
use crate::decide::{DesiredOwner, Reason};
use crate::id::Name;

pub use writes::words;
pub(in crate::render) use writes::{source, what};

/// A decision, as text.
pub fn text(record: &DecisionRecord, style: &Style) -> String {
    let scaling = &record.scaling;
    let mut screen = Screen::new(style);
    let head = Line::of(Ink::Strong, format!("Decision of {}", scaling.at));
    let about = format!("  {}, {}", record.environment, cost(scaling.cost_now, scaling.cost_after));
    screen.hanging(0, 2, &head.ink(Ink::Dim, about));
    if let Some(silent) = scaling.mode.silent() {
        let text = format!("{silent} does not answer: numbers only rise");
        screen.hanging(0, 2, &Line::of(Ink::Warn, text));
    }
    if let Some(line) = writes::line(record) {
        screen.hanging(0, 2, &line);
    }
    stands(&mut screen, 0, record, None);
    for (name, stage) in &scaling.stages {
        screen.blank();
        self::stage(&mut screen, name.as_str(), stage);
        if let Some(all) = record.forecasters.get(name) {
            forecasters(&mut screen, all);
        }
        for (name, pool) in scaling.pools.iter().filter(|(_, pool)| pool.stage == *name) {
            self::pool(&mut screen, name.as_str(), pool);
            stands(&mut screen, 4, record, Some(name));
        }
    }
    events(&mut screen, scaling);
    screen.finish()
}

/// What operators said of a pool, or of the environment, that kept nothing; what did is
/// told where it did.
fn stands(screen: &mut Screen<'_>, indent: usize, record: &DecisionRecord, pool: Option<&Name>) {
    for one in record.said.iter().filter(|one| one.pool.as_ref() == pool && !one.binds) {
        screen.hanging(indent, 2, &said::line(one));
    }
}

/// `burst costs $11.34/h now, $27.51/h after`
fn cost(now: Cost, after: Cost) -> String {
    let usd = |cost: Cost| match cost.unpriced {
        0 => format!("${}/h", money(cost.usd_per_hour.as_f64())),
        many => format!(
            "${}/h and {} without a price",
            money(cost.usd_per_hour.as_f64()),
            count(many as usize, "unit")
        ),
    };
    match now == after {
        true => format!("burst costs {}", usd(now)),
        false => format!("burst costs {} now, {} after", usd(now), usd(after)),
    }
}

fn stage(screen: &mut Screen<'_>, name: &str, stage: &StageScaling) {
    let seen = match stage.demand {
        Some(demand) => format!("{} req/s now", rate(demand.as_f64())),
        None => "the load is not known".to_owned(),
    };
    let line = Line::from("stage ").ink(Ink::Strong, name).text(format!(": {seen}"));
    screen.hanging(0, 2, &line);
    if let (Some(expected), Some(need)) = (stage.expected, stage.need) {
        let by = match stage.expected_by.as_str() {
            "" => String::new(),
            by => format!(" by {by}"),
        };
        let text = format!(
            "to be ready for in {}: {} req/s{by}; {} req/s with headroom",
            span(stage.lead),
            rate(expected.as_f64()),
            rate(need.as_f64())
        );
        screen.hanging(2, 2, &Line::from(text.as_str()));
    }
    let text = format!(
        "capacity: {} req/s serve, {} with what is on its way, {} wanted",
        rate(stage.serving.as_f64()),
        rate(stage.coming.as_f64()),
        rate(stage.after.as_f64())
    );
    screen.hanging(2, 2, &Line::from(text.as_str()));
    if let Some(doubt) = &stage.doubt {
        screen.hanging(2, 2, &Line::of(Ink::Warn, "in doubt: ").prose(doubt));
    }
    if stage.unmet.millis() > 0 {
        let text = format!("{} req/s fit nowhere", rate(stage.unmet.as_f64()));
        screen.hanging(2, 2, &Line::of(Ink::Fail, text));
    }
    if stage.shed.millionths() > 0 {
        let text = format!("{} of the requests cannot be served in time", stage.shed);
        screen.hanging(2, 2, &Line::of(Ink::Fail, text));
    }
    if stage.panic {
        screen.hanging(2, 2, &Line::of(Ink::Warn, "the load has risen suddenly"));
    }
    holds(screen, 2, &stage.holds);
}

/// `forecasters by what they lost: ets 2.1 req/s (used), persistence 2.4; lstm is out: …`
fn forecasters(screen: &mut Screen<'_>, all: &[ForecasterRecord]) {
    let (running, out): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.out.is_none());
    let loss = |one: &&ForecasterRecord| {
        let used = if one.used { " (used)" } else { "" };
        match one.loss {
            Some(loss) => format!("{} {}{used}", one.name, rate(loss.as_f64())),
            None => format!("{}, not measured yet{used}", one.name),
        }
    };
    let running: Vec<String> = running.iter().map(loss).collect();
    if !running.is_empty() {
        let text = format!("forecasters, by their rolling loss in req/s: {}", running.join(", "));
        screen.hanging(2, 2, &Line::from(text.as_str()));
    }
    for one in out {
        let why = one.out.as_deref().unwrap_or_default();
        let line = Line::of(Ink::Dim, format!("{} has no forecast: ", one.name)).prose(why);
        screen.hanging(2, 2, &line);
    }
}

fn pool(screen: &mut Screen<'_>, name: &str, pool: &PoolScaling) {
    let numbers = match signed(pool.now, pool.wanted) {
        None => format!("{} wanted, as now", pool.wanted),
        Some(change) => format!("{} wanted ({change})", pool.wanted),
    };
    let ink = match pool.wanted.cmp(&pool.now) {
        std::cmp::Ordering::Equal => Ink::Dim,
        _ => Ink::Change,
    };
    let head = Line::from("pool ").ink(Ink::Strong, name).text(": ").ink(ink, numbers);
    let rest = format!(", {} serve, {} to {}", pool.serving, pool.min, pool.max);
    screen.hanging(2, 2, &head.ink(Ink::Dim, rest));
    if !pool.visible {
        screen.hanging(4, 2, &Line::of(Ink::Warn, "it cannot be seen: nothing is written"));
    }
    for reason in &pool.reasons {
        screen.hanging(4, 2, &because(reason));
    }
    let moves = pool.owner != DesiredOwner::Git;
    if let Some(launch) = pool.launch.as_ref().filter(|_| moves) {
        screen.hanging(4, 2, &Line::of(Ink::Dim, ready(launch)));
    }
    let used = |source: &&SourceScaling| {
        source.market.is_some()
            && (source.wanted > 0 || source.desired > 0 || source.aside.is_some())
    };
    for source in pool.sources.iter().filter(used) {
        screen.hanging(4, 2, &Line::of(Ink::Dim, group(source)));
    }
    holds(screen, 4, &pool.holds);
}

/// `ready after 3m 12s median, 4m 50s p95, from 14 launches`
fn ready(launch: &Delays) -> String {
    let delay = |delay: Delay| format!("{} median, {} p95", span(delay.median), span(delay.p95));
    let from = |launches: u32| count(launches as usize, "launch");
    let cold = delay(launch.cold);
    let warm = match launch.is_warm_measured() {
        true => format!("; warm {}, from {}", delay(launch.warm), from(launch.warm_measured)),
        false => String::new(),
    };
    match (launch.is_measured(), launch.measured) {
        (true, measured) => format!("ready after {cold}, from {}{warm}", from(measured)),
        (false, 0) => format!("ready after {cold}, as declared: no launch was measured yet{warm}"),
        (false, few) => {
            let fewest = Delays::FEWEST;
            format!(
                "ready after {cold}, as declared: {few} of {fewest} launches were measured{warm}"
            )
        }
    }
}

fn group(source: &SourceScaling) -> String {
    let market = source.market.map_or("", |market| market.as_str());
    let aside = match source.aside {
        None => "",
        Some(crate::decide::scaling::AsideCause::NoCapacity) => "; no capacity, left alone",
        Some(crate::decide::scaling::AsideCause::NeverReady) => "; never ready, given up",
        Some(crate::decide::scaling::AsideCause::Refused) => "; refused, left alone",
    };
    let shrink = match source.shrink {
        0 => String::new(),
        some => format!(", {some} to drain"),
    };
    let price = source.usd_per_hour.map(|price| format!(", {price} each")).unwrap_or_default();
    let numbers = format!("{} → {}", source.desired, source.wanted);
    format!("{} {market}: {numbers}{shrink}{price}{aside}", source.label)
}

fn because(reason: &Reason) -> Line {
    let line = Line::new().prose(&reason.text);
    match &reason.at {
        Some(at) => line.ink(Ink::Dim, format!(" ({at})")),
        None => line,
    }
}

fn holds(screen: &mut Screen<'_>, indent: usize, holds: &[Hold]) {
    for hold in holds {
        let what = match hold.direction {
            Direction::ScaleIn => "not less, ",
            Direction::ScaleOut => "no more, ",
        };
        let head = Line::of(Ink::Warn, format!("{what}{}: ", hold.cause)).then(because(&hold.why));
        let until = hold.until.map(|until| format!("; until {until}")).unwrap_or_default();
        screen.hanging(indent, 2, &head.text(until));
    }
}

fn events(screen: &mut Screen<'_>, scaling: &Scaling) {
    if scaling.events.is_empty() {
        return;
    }
    screen.blank();
    for event in &scaling.events {
        let ink = if event.kind.is_warning() { Ink::Warn } else { Ink::Plain };
        let line = Line::of(ink, event.about.as_str()).text(": ").prose(&event.text);
        screen.hanging(0, 2, &line);
    }
}

#[cfg(test)]
mod tests;
