//! What may still be bought: budgets and quotas, over all stages together.

use super::fleet::{Pool, Source};
use super::hold::{Hold, HoldCause};
use super::input::{Mode, ScalingInput};
use super::outcome::Cost;
use crate::clock::Timestamp;
use crate::spec::model::QuotaFamily;
use crate::units::{Span, UsdPerHour};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// What may still be bought.
#[derive(Clone)]
pub(super) struct Purse<'a> {
    input: ScalingInput<'a>,
    /// Of all that runs or is wanted.
    rate: UsdPerHour,
    /// vCPUs that run or are wanted, and those that may.
    quotas: BTreeMap<(String, QuotaFamily), (u64, Option<u32>)>,
    /// For how long what is begun now is paid for at least, in this day and in
    /// this month.
    in_day: Span,
    in_month: Span,
}

impl<'a> Purse<'a> {
    pub(super) fn new(input: &ScalingInput<'a>, pools: &[Pool<'_>]) -> Self {
        let scale_in = &input.planning.environment.burst.scale_in;
        let least = scale_in.stabilization.millis().saturating_add(scale_in.drain.millis());
        let (day, month) = left(input.now);
        let mut purse = Self {
            input: *input,
            rate: UsdPerHour::default(),
            quotas: BTreeMap::new(),
            in_day: Span::from_millis(least).min(day),
            in_month: Span::from_millis(least).min(month),
        };
        for pool in pools.iter().filter(|pool| !pool.is_onprem()) {
            purse.rate = purse.rate + pool.legacy.cost;
            for source in &pool.sources {
                let units = paid_now(source);
                purse.rate = purse.rate + source.price.unwrap_or_default().times(units);
                if source.family.is_some() {
                    purse.take_quota(source, units);
                }
            }
        }
        purse
    }

    /// Whether another may buy at the same time.
    pub(super) fn mode(&self) -> Mode {
        self.input.mode
    }

    /// Why no unit more of `source` may be bought; what may be is taken.
    pub(super) fn take(&mut self, pool: &Pool<'_>, at: usize) -> Result<(), Hold> {
        let source = &pool.sources[at];
        if pool.is_onprem() {
            return Ok(());
        }
        // What runs and is not wanted yet is paid for and counted already.
        if is_paid(source, source.wanted.saturating_add(1)) {
            return Ok(());
        }
        self.budget(source)?;
        self.quota(source)?;
        self.rate = self.rate + source.price.unwrap_or_default();
        self.take_quota(source, 1);
        Ok(())
    }

    /// Whether the budgets allow `units` of `source`, one more than were taken before;
    /// what they cost is taken.
    pub(super) fn affords(&mut self, source: &Source, units: u32) -> bool {
        if is_paid(source, units) {
            return true;
        }
        let affords = self.budget(source).is_ok();
        if affords {
            self.rate = self.rate + source.price.unwrap_or_default();
        }
        affords
    }

    fn budget(&self, source: &Source) -> Result<(), Hold> {
        let planning = &self.input.planning;
        let Some(budget) = &planning.environment.burst.budget else { return Ok(()) };
        let hold = |key: &str, cause, text: String| {
            Err(Hold::out(cause, planning.because(format!("burst.budget.{key}"), text)))
        };
        let Some(price) = source.price else {
            let text = format!("the price of {} is not known: no budget can be held", source.label);
            return hold("usd_per_hour", HoldCause::PriceUnknown, text);
        };
        let after = self.rate + price;
        if let Some(most) = budget.usd_per_hour.filter(|most| after > *most) {
            let text = format!("{after} with one more {}, above {most}", source.label);
            return hold("usd_per_hour", HoldCause::BudgetHour, text);
        }
        // What is begun is paid for until it may go.
        let with = |spent: u64, span: Span| {
            let more = u128::from(after.micros()) * u128::from(span.millis()) / 3_600_000;
            spent.saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
        };
        let spent = self.input.spent;
        let day = with(spent.day_micros, self.in_day);
        if let Some(most) = budget.usd_per_day.filter(|most| day > most.micros()) {
            let text = format!("${:.2} spent today, of {most}", spent.day_micros as f64 / 1e6);
            return hold("usd_per_day", HoldCause::BudgetDay, text);
        }
        let month = with(spent.month_micros, self.in_month);
        if let Some(most) = budget.usd_per_month.filter(|most| month > most.micros()) {
            let spent = spent.month_micros as f64 / 1e6;
            let text = format!("${spent:.2} spent this month, of {most}");
            return hold("usd_per_month", HoldCause::BudgetMonth, text);
        }
        Ok(())
    }

    fn quota(&self, source: &Source) -> Result<(), Hold> {
        let Some(of) = &source.family else { return Ok(()) };
        let Some((used, Some(limit))) = self.quotas.get(of) else { return Ok(()) };
        if used + u64::from(source.vcpus) <= u64::from(*limit) {
            return Ok(());
        }
        let (region, family) = of;
        let text = format!(
            "this environment uses {used} of {limit} vCPUs of `{}` in {region}",
            family.title()
        );
        let key = format!("aws.quotas.{}", family.key());
        Err(Hold::out(HoldCause::Quota, self.input.planning.because(key, text)))
    }

    fn take_quota(&mut self, source: &Source, units: u32) {
        let Some(of) = &source.family else { return };
        let more = u64::from(source.vcpus) * u64::from(units);
        if let Some((used, _)) = self.quotas.get_mut(of) {
            *used += more;
            return;
        }
        let (region, family) = of;
        let aws = self.input.planning.environment.aws.as_ref();
        let declared = aws.and_then(|aws| aws.quotas.get(*family)?.get(region).copied());
        let asked = self.input.market.quota(*family, region);
        let limit = match (declared, asked) {
            (Some(declared), Some(asked)) => Some(declared.min(asked)),
            (one, other) => one.or(other),
        };
        self.quotas.insert(of.clone(), (more, limit));
    }
}

/// Instances that are paid for now or soon: what is there, and what is on its way.
fn paid_now(source: &Source) -> u32 {
    let asked = source.coming.saturating_add(source.units.draining);
    source.units.existing.max(asked).saturating_add(paid_beside(source))
}

/// Whether so many are paid for now, those on their way out too.
fn is_paid(source: &Source, wanted: u32) -> bool {
    source.standing(wanted).saturating_add(paid_beside(source)) <= paid_now(source)
}

/// Instances that are paid for and not of its number: out of service, or held by a hook
/// at their end.
fn paid_beside(source: &Source) -> u32 {
    source.kept.saturating_add(source.units.ending)
}

/// What burst costs now, and what it will cost as it is wanted.
pub(super) fn costs(pools: &[Pool<'_>]) -> (Cost, Cost) {
    let (mut now, mut after) = (Cost::default(), Cost::default());
    let add = |cost: &mut Cost, price: Option<UsdPerHour>, units: u32| match price {
        Some(price) => cost.usd_per_hour = cost.usd_per_hour + price.times(units),
        None => cost.unpriced = cost.unpriced.saturating_add(units),
    };
    for pool in pools.iter().filter(|pool| !pool.is_onprem()) {
        for cost in [&mut now, &mut after] {
            cost.usd_per_hour = cost.usd_per_hour + pool.legacy.cost;
            cost.unpriced = cost.unpriced.saturating_add(pool.legacy.unpriced);
        }
        for source in &pool.sources {
            let paid = source.units.existing.saturating_add(paid_beside(source));
            add(&mut now, source.price, paid);
            add(&mut after, source.price, source.wanted.saturating_add(source.kept));
        }
    }
    (now, after)
}

/// From `now` to the end of the day and of the month, in UTC.
fn left(now: Timestamp) -> (Span, Span) {
    let date = TimeZone::UTC.to_datetime(now).date();
    let until = |date: Result<jiff::civil::Date, jiff::Error>| {
        let end = date.and_then(|date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)));
        end.map_or(Span::from_millis(u64::MAX), |end| super::time::between(now, end))
    };
    let next_month = date.last_of_month().checked_add(1.day());
    (until(date.tomorrow()), until(next_month))
}
