//! Instances that run another version of their template than new ones would.

use super::steps::{self, Limits};
use super::{
    Action, Change, Checked, Fingerprint, PlanInput, Refusal, Rolling, Step, kinds, refreshing,
};
use crate::decide::Reason;
use crate::desired::Desired;
use crate::observe::{Live, Refresh, ResourceId, Unit};
use crate::spec::BurstPool;
use crate::spec::model::RefreshRule;
use std::collections::BTreeMap;

/// Instances that a note names; of more, it says how many.
const NAMED: usize = 10;

/// A change for each group whose instances are to be replaced after `changes`;
/// where they are not, the template's own change says which stay as they are.
pub(super) fn changes(
    input: &PlanInput<'_>,
    changes: &mut [Change],
) -> (Vec<Change>, Vec<Refusal>) {
    let (mut refreshes, mut refusals) = (Vec::new(), Vec::new());
    let mut staying: BTreeMap<usize, Vec<&Unit>> = BTreeMap::new();
    let at: BTreeMap<&ResourceId, usize> =
        changes.iter().enumerate().map(|(index, change)| (&change.id, index)).collect();
    for want in input.desired.resources.iter().filter(|want| want.id.kind == kinds::GROUP) {
        let Some(group) = Group::of(input, changes, &at, want) else { continue };
        let outdated = group.outdated();
        match group.pool.refresh.rule {
            RefreshRule::Rolling if !outdated.is_empty() || group.stands_behind() => {
                let other = group.under_way().filter(|runs| !group.leads_there(runs));
                let what = "instances";
                refusals.extend(other.map(|runs| refreshing::in_the_way(group.live, runs, what)));
                refreshes.push(group.refresh(input, &outdated));
            }
            RefreshRule::Manual if group.new_version && !outdated.is_empty() => {
                staying.entry(group.template_change).or_default().extend(outdated);
            }
            RefreshRule::Rolling | RefreshRule::Manual => {}
        }
    }
    for (index, units) in staying {
        changes[index].notes.push(stays(&units));
    }
    (refreshes, refusals)
}

/// A group that stays, with what its instances start from.
struct Group<'a> {
    want: &'a Desired,
    live: &'a Live,
    pool: &'a BurstPool,
    template_change: usize,
    /// The template's default before the plan.
    default: Option<&'a str>,
    /// The plan gives the template another one.
    new_version: bool,
    /// Instances that the plan ends before.
    ending: Vec<&'a String>,
}

impl<'a> Group<'a> {
    fn of(
        input: &PlanInput<'a>,
        changes: &[Change],
        at: &BTreeMap<&ResourceId, usize>,
        want: &'a Desired,
    ) -> Option<Self> {
        let live = input.inventory.resources.get(&want.id).filter(|live| !live.deleting)?;
        let pool = input.environment.aws.as_ref()?.pools.get(want.pool.as_ref()?)?;
        let template = want.after.iter().find(|id| id.kind == kinds::TEMPLATE)?;
        let own = &changes[*at.get(&want.id)?];
        let template_change = *at.get(template)?;
        let of_template = &changes[template_change];
        let refused = |change: &Change| matches!(change.checked, Checked::Not(_));
        let stays = matches!(own.action, Action::NoOp | Action::Update);
        if !stays || refused(own) || refused(of_template) {
            return None;
        }
        let new_version = match of_template.action {
            Action::Create | Action::Replace => true,
            Action::Update => of_template.fields.iter().any(|f| !f.path.starts_with("tags")),
            Action::NoOp | Action::Delete => false,
        };
        let named = own.steps.iter().filter_map(|step| match step {
            Step::DrainUnits { units, .. } => Some(units),
            _ => None,
        });
        let ending: Vec<&String> = named.flatten().collect();
        let ending = live.units().iter().map(|u| &u.name).filter(|n| ending.contains(n)).collect();
        let there = input.inventory.resources.get(template);
        let default = there.and_then(|live| live.version.as_deref());
        Some(Self { want, live, pool, template_change, default, new_version, ending })
    }

    /// The instances whose version is known.
    fn units(&self) -> impl Iterator<Item = &'a Unit> {
        let there = self.live.units().iter().filter(|unit| !unit.ending && unit.version.is_some());
        there.filter(|unit| !self.ending.contains(&&unit.name))
    }

    fn outdated(&self) -> Vec<&'a Unit> {
        let old = |unit: &&Unit| {
            let differs = self.default.is_some() && unit.version.as_deref() != self.default;
            self.new_version || differs
        };
        self.units().filter(old).collect()
    }

    /// A version stands in the group itself, and it is not the one that it shall
    /// be: only a refresh moves it on.
    fn stands_behind(&self) -> bool {
        let pinned = self.want.body.at("/pinned").is_some_and(|pinned| pinned == true);
        let own = self.live.version.as_deref();
        pinned && own.is_some() && (self.new_version || (own != self.default))
    }

    fn under_way(&self) -> Option<&'a Refresh> {
        refreshing::of(self.live)
    }

    /// Whether a refresh brings what the group shall have, or is of the group as
    /// it is: another may follow it then.
    fn leads_there(&self, refresh: &Refresh) -> bool {
        let same = match self.live.version {
            Some(_) => !self.new_version && refresh.to.as_deref() == self.default,
            None => refresh.to.is_none(),
        };
        same && !refresh.ends
    }

    /// Nothing is to begin: what is under way is waited for.
    fn is_done_by(&self, refresh: &Refresh) -> bool {
        self.leads_there(refresh) && !self.new_version
    }

    fn refresh(&self, input: &PlanInput<'_>, outdated: &[&Unit]) -> Change {
        let id = ResourceId::instance_refresh(
            self.live.id.scope.as_deref().unwrap_or_default(),
            &self.live.id.name,
        );
        let pool = self.want.pool.as_ref().map(ToString::to_string);
        let key = format!("aws.pools.{}.refresh.rule", pool.as_deref().unwrap_or_default());
        let mut notes = Vec::new();
        if !outdated.is_empty() {
            notes.push(format!("replaces {}", names(outdated)));
        }
        let alarms = &self.pool.refresh.alarms;
        if !alarms.is_empty() {
            notes.push(format!("goes back when an alarm is raised: {}", alarms.join(", ")));
        }
        let limits = Limits { environment: input.environment };
        let joined = self.under_way().is_some_and(|refresh| self.is_done_by(refresh));
        Change {
            replaces: None,
            action: if joined { Action::NoOp } else { Action::Update },
            reason: Reason::at(input.origins, key, self.why(outdated)),
            fields: Vec::new(),
            image: None,
            unchanged: 0,
            before: None,
            body: None,
            owned_by: None,
            pool,
            // That the group is the same, the group's own change says.
            fingerprint: Fingerprint::absent(),
            checked: Checked::NotNeeded,
            notes,
            steps: vec![steps::refresh(limits, id.clone(), self.live, self.rolling())],
            after: Vec::new(),
            wave: 0,
            id,
        }
    }

    fn why(&self, outdated: &[&Unit]) -> String {
        let default = match self.default {
            Some(default) if !self.new_version => format!("the template's default is {default}"),
            _ => "the template gets another one".to_owned(),
        };
        let all = self.units().count();
        let of_all = match outdated.len() {
            0 => {
                let own = self.live.version.as_deref().unwrap_or("none");
                return format!("the group stands at version {own}, {default}");
            }
            1 if all == 1 => "its instance runs".to_owned(),
            1 => format!("1 of {all} instances runs"),
            old => format!("{old} of {all} instances run"),
        };
        format!("{of_all} {}, {default}", versions(outdated))
    }

    fn rolling(&self) -> Rolling {
        let refresh = &self.pool.refresh;
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let warmup = self.want.body.at("/instance_warmup").and_then(|seconds| seconds.as_u64());
        Rolling {
            min_healthy: number(refresh.min_healthy.whole_percent()),
            warmup: number(warmup.unwrap_or(0)),
            checkpoints: refresh.checkpoints.iter().map(|c| number(c.whole_percent())).collect(),
            checkpoint_delay: number(refresh.checkpoint_delay.secs_ceil()),
            alarms: refresh.alarms.clone(),
        }
    }
}

fn stays(units: &[&Unit]) -> String {
    let (count, versions) = (units.len(), versions(units));
    let keep = if count == 1 { "instance keeps" } else { "instances keep" };
    format!("{count} {keep} {versions} until something ends them: {}", names(units))
}

/// `version 3`, `versions 2 and 3`.
fn versions(units: &[&Unit]) -> String {
    let mut versions: Vec<&str> = units.iter().filter_map(|unit| unit.version.as_deref()).collect();
    versions.sort_unstable();
    versions.dedup();
    match versions[..] {
        [one] => format!("version {one}"),
        _ => format!("versions {}", versions.join(", ")),
    }
}

/// `i-1, i-2 and 3 more`.
pub(super) fn names(units: &[&Unit]) -> String {
    let first: Vec<&str> = units.iter().take(NAMED).map(|unit| unit.name.as_str()).collect();
    let more = units.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", first.join(", "))
}
