//! From a plan, what readers are told about it.

mod change;
mod cost;
mod highlights;
mod image;
mod summary;

use super::view::{
    ChangeView, EnvironmentView, FlowView, MarketCostView, PlaceView, PlanView, PoolView,
    PriceView, ReasonView, RefusalView, StageCapacityView, TotalsView, UncheckedView, WaveView,
    WavesView,
};
use crate::plan::{Action, Checked, Costs, Flow, Plan, PoolDelta, Totals, WavePlan};
use crate::render::name::{address, side};
use crate::units::Rate;
use change::change_view;
use summary::summary;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.3";

impl PlanView {
    /// What readers are told about `plan`.
    pub fn new(plan: &Plan) -> Self {
        Self::of(plan, true)
    }

    /// As [`Self::new`], for those who are not told every field of what comes or goes
    /// whole.
    pub(in crate::render) fn brief(plan: &Plan) -> Self {
        Self::of(plan, false)
    }

    fn of(plan: &Plan, whole: bool) -> Self {
        let changes: Vec<ChangeView> = plan
            .changes
            .iter()
            .filter(|change| change.action != Action::NoOp)
            .map(|change| change_view(plan, change, whole))
            .collect();
        let mut pools: Vec<PoolView> = plan.pools.iter().map(pool_view).collect();
        // By stage, on-prem before burst.
        pools.sort_by(|a, b| {
            (&a.stage, a.unit == "instances").cmp(&(&b.stage, b.unit == "instances"))
        });
        let mut view = Self {
            format_version: FORMAT_VERSION.into(),
            floodway_version: env!("CARGO_PKG_VERSION").into(),
            environment: EnvironmentView {
                name: plan.mark.environment.clone(),
                file: plan.mark.file.clone(),
                repository: plan.mark.repository.clone(),
                digest: plan.environment_digest.clone(),
            },
            as_of: plan.as_of.to_string(),
            places: plan
                .locations
                .iter()
                .map(|place| PlaceView {
                    side: side(place.side).into(),
                    title: place.title.clone(),
                    identity: place.identity.clone(),
                })
                .collect(),
            believed: plan.believed.iter().cloned().collect(),
            targets: plan.targets.clone(),
            waves: plan.waves.as_ref().map(|waves| waves_view(waves, &changes)),
            applicable: plan.refusals.is_empty(),
            unchanged: plan.changes.len() - changes.len(),
            unchecked: unchecked(plan),
            totals: totals_view(&plan.totals, &pools),
            pools,
            changes,
            warnings: plan.warnings.clone(),
            refusals: plan
                .refusals
                .iter()
                .map(|refusal| RefusalView {
                    guard: refusal.guard.clone(),
                    message: refusal.message.clone(),
                    help: refusal.help.clone(),
                })
                .collect(),
            summary: String::new(),
        };
        view.summary = summary(&view);
        view
    }

    /// Whether applying would change nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

fn waves_view(waves: &WavePlan, changes: &[ChangeView]) -> WavesView {
    let one = |(pools, wave): (&Vec<String>, u32)| WaveView {
        wave,
        pools: pools.clone(),
        changes: changes.iter().filter(|change| change.wave == Some(wave)).count(),
    };
    WavesView {
        wait_s: waves.wait.as_secs_f64(),
        waves: waves.pools.iter().zip(1..).map(one).collect(),
    }
}

fn pool_view(pool: &PoolDelta) -> PoolView {
    PoolView {
        pool: pool.pool.clone(),
        stage: pool.stage.clone(),
        unit: pool.unit.clone(),
        units: same(pool.units),
        min: pool.min,
        max: pool.max,
        owner: pool.owner.into(),
        requests_per_second: rates(pool.capacity),
        uncounted: pool.uncounted,
        gpus: same(pool.gpus),
        usd_per_hour: prices(pool.cost),
        cost: pool.cost.into(),
        markets: pool.markets.iter().map(MarketCostView::from).collect(),
        prices: pool.prices.iter().map(PriceView::from).collect(),
        reasons: pool.reasons.iter().map(ReasonView::from).collect(),
    }
}

fn totals_view(totals: &Totals, pools: &[PoolView]) -> TotalsView {
    let burst = || pools.iter().filter(|pool| pool.unit == "instances");
    // Of two sums that each leave something else out, no difference tells anything.
    let priced: Vec<&FlowView<f64>> =
        burst().filter_map(|pool| pool.usd_per_hour.as_ref()).collect();
    TotalsView {
        add: totals.create,
        change: totals.update,
        replace: totals.replace,
        destroy: totals.delete,
        nodes: same(totals.nodes),
        gpus: same(totals.gpus),
        capacity: totals
            .capacity
            .iter()
            .map(|(stage, flow)| StageCapacityView {
                stage: stage.clone(),
                requests_per_second: rates(*flow),
            })
            .collect(),
        usd_per_hour: FlowView {
            before: priced.iter().map(|flow| flow.before).sum(),
            after: priced.iter().map(|flow| flow.after).sum(),
        },
        burst: totals.burst.into(),
        on_prem: totals.on_prem.into(),
        unpriced: burst()
            .filter(|pool| pool.usd_per_hour.is_none())
            .map(|pool| pool.pool.clone())
            .collect(),
    }
}

/// Reasons in the order in which they first appear.
fn unchecked(plan: &Plan) -> Vec<UncheckedView> {
    let mut groups: Vec<UncheckedView> = Vec::new();
    for change in plan.changes.iter().filter(|change| change.action != Action::NoOp) {
        let Checked::Not(why) = &change.checked else { continue };
        let address = address(&change.id);
        match groups.iter_mut().find(|group| &group.why == why) {
            Some(group) => group.addresses.push(address),
            None => groups.push(UncheckedView { why: why.clone(), addresses: vec![address] }),
        }
    }
    groups
}

fn same<T>(flow: Flow<T>) -> FlowView<T> {
    FlowView { before: flow.before, after: flow.after }
}

fn rates(flow: Flow<Rate>) -> FlowView<f64> {
    FlowView { before: flow.before.as_f64(), after: flow.after.as_f64() }
}

/// None where a price is unknown.
fn prices(costs: Costs) -> Option<FlowView<f64>> {
    let (before, after) = (costs.before.exact()?, costs.after.exact()?);
    Some(FlowView { before: before.as_f64(), after: after.as_f64() })
}
