//! Which AMIs and snapshots go, and why the others stay. Pure.

use crate::channel::short;
use crate::publish::facts::{Facts, ImageFacts, ImageState, RegionFacts, SnapshotFacts};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The newest builds, whether or not anything means them.
    pub keep: usize,
    /// How long an AMI stands disabled before it goes.
    pub after: Duration,
    /// Also what is shared with others, who may use it unseen.
    pub shared: bool,
}

/// What is done to one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing starts from this AMI from now on; `aws ec2 enable-image` undoes it.
    Disable(String),
    /// Somebody else has disabled this AMI: from now on its time is counted.
    NoteDisabled(String),
    /// Somebody has enabled this AMI again: what is noted of its time counts no more.
    NoteEnabled(String),
    /// This AMI goes.
    Deregister(String),
    /// This snapshot goes.
    DeleteSnapshot(String),
    /// What was known of the build with this manifest goes, before the last AMIs of it do.
    Forget(String),
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Where.
    pub region: String,
    /// What.
    pub action: Action,
    /// The build, by its manifest's digest.
    pub manifest: Option<String>,
    /// Why.
    pub why: String,
    /// AMIs that must be gone first.
    pub after: Vec<String>,
}

/// One thing that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Where.
    pub region: String,
    /// The AMI's or the snapshot's ID.
    pub id: String,
    /// The build, by its manifest's digest.
    pub manifest: Option<String>,
    /// Why.
    pub why: String,
}

/// What goes, and what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// In the order of doing.
    pub steps: Vec<Step>,
    /// The others.
    pub kept: Vec<Kept>,
}

/// Decides. The same facts, the same plan.
pub fn decide(facts: &Facts, options: &Options) -> Plan {
    let newest: BTreeSet<&str> =
        facts.builds().into_iter().take(options.keep).map(|(manifest, _)| manifest).collect();
    let mut plan = Plan::default();
    for region in &facts.regions {
        let one = Region { facts, options, newest: &newest, region };
        one.decide(&mut plan);
    }
    plan
}

/// What becomes of an AMI.
enum Fate {
    Stays(String),
    Goes(Action, String),
}

struct Region<'a> {
    facts: &'a Facts,
    options: &'a Options,
    newest: &'a BTreeSet<&'a str>,
    region: &'a RegionFacts,
}

impl Region<'_> {
    fn decide(&self, plan: &mut Plan) {
        let (mut steps, mut going) = (Vec::new(), BTreeSet::new());
        for image in &self.region.images {
            match self.fate(image) {
                Fate::Stays(why) => {
                    steps.extend(self.enabled(image));
                    self.keep(plan, &image.id, image.manifest.as_ref(), why);
                }
                Fate::Goes(action, why) => {
                    if matches!(action, Action::Deregister(_)) {
                        going.insert(image.id.as_str());
                    }
                    steps.push(self.step(action, image.manifest.as_ref(), why, Vec::new()));
                }
            }
        }
        steps.extend(self.forgotten(&going));
        steps.sort_by_key(|step| match step.action {
            // Once the last AMI is gone, nobody sees that there is something to forget.
            Action::Forget(_) => 1,
            Action::Deregister(_) => 2,
            _ => 0,
        });
        for snapshot in &self.region.snapshots {
            let on_it = self.region.images.iter().filter(|i| i.snapshots.contains(&snapshot.id));
            let on_it: Vec<&str> = on_it.map(|image| image.id.as_str()).collect();
            match self.snapshot(snapshot, &on_it, &going) {
                Ok(why) => {
                    let action = Action::DeleteSnapshot(snapshot.id.clone());
                    let first = on_it.into_iter().map(str::to_owned).collect();
                    steps.push(self.step(action, snapshot.manifest.as_ref(), why, first));
                }
                Err(Some(why)) => self.keep(plan, &snapshot.id, snapshot.manifest.as_ref(), why),
                Err(None) => {}
            }
        }
        plan.steps.append(&mut steps);
    }

    /// The builds of which all AMIs go.
    fn forgotten(&self, going: &BTreeSet<&str>) -> Vec<Step> {
        let mut builds: BTreeMap<&String, bool> = BTreeMap::new();
        for image in &self.region.images {
            if let Some(manifest) = &image.manifest {
                *builds.entry(manifest).or_insert(true) &= going.contains(image.id.as_str());
            }
        }
        let gone = builds.into_iter().filter(|(_, all_go)| *all_go);
        gone.map(|(manifest, _)| {
            let why = "nothing is to be left of the build here".to_owned();
            self.step(Action::Forget(manifest.clone()), Some(manifest), why, Vec::new())
        })
        .collect()
    }

    fn fate(&self, image: &ImageFacts) -> Fate {
        if let Some(why) = self.stays(image) {
            return Fate::Stays(why);
        }
        let id = image.id.clone();
        let goes = |since: Timestamp, what: &str| {
            let age = self.age(since);
            if age >= self.options.after {
                return Fate::Goes(Action::Deregister(id.clone()), format!("{what} {}", days(age)));
            }
            let left = left(self.options.after.saturating_sub(age));
            Fate::Stays(format!("{what} {}: it goes in {left}", days(age)))
        };
        match (image.state, image.disabled_at) {
            (ImageState::Pending, _) => Fate::Stays("it is on its way".to_owned()),
            (ImageState::Available, _) => Fate::Goes(
                Action::Disable(image.id.clone()),
                format!("{}, and nothing uses it", self.rank()),
            ),
            (ImageState::Disabled, None) => Fate::Goes(
                Action::NoteDisabled(image.id.clone()),
                "somebody else has disabled it: its time is counted from now on".to_owned(),
            ),
            (ImageState::Disabled, Some(since)) => goes(since, "disabled for"),
            (ImageState::Failed, _) => match image.created {
                Some(created) => goes(created, "nothing ever started from it, for"),
                None => Fate::Stays("it does not say when it was made".to_owned()),
            },
        }
    }

    /// What an AMI that stays has to be rid of: should it be disabled once more, by
    /// whomever, its time begins then.
    fn enabled(&self, image: &ImageFacts) -> Option<Step> {
        let stale = image.state == ImageState::Available && image.disabled_at.is_some();
        stale.then(|| {
            let action = Action::NoteEnabled(image.id.clone());
            let why = "it has been enabled again, and its time begins anew".to_owned();
            self.step(action, image.manifest.as_ref(), why, Vec::new())
        })
    }

    /// `not one of the 3 newest builds`.
    fn rank(&self) -> String {
        match self.options.keep {
            1 => "not the newest build".to_owned(),
            keep => format!("not one of the {keep} newest builds"),
        }
    }

    /// Why an AMI may not go; none: it may.
    fn stays(&self, image: &ImageFacts) -> Option<String> {
        if let Some(users) = self.region.in_use.get(&image.id).filter(|users| !users.is_empty()) {
            return Some(format!("used by {}", some_of(users)));
        }
        let Some(manifest) = image.manifest.as_deref() else {
            return Some("it names no manifest".to_owned());
        };
        let by_id = |id: &str| self.meant(|pointed| pointed.contains(id));
        if let Some(why) = self.means(manifest).or_else(|| by_id(&image.id)) {
            return Some(why);
        }
        self.others(&image.shared)
    }

    /// Why a build may not go: a channel means it, anywhere, or it is new.
    fn means(&self, manifest: &str) -> Option<String> {
        let pointed = self.facts.channels.iter();
        let mut pointed = pointed.filter(|pointed| pointed.manifest.as_deref() == Some(manifest));
        let first = pointed.clone().find(|pointed| !pointed.before).or_else(|| pointed.next());
        let of_channel = first.map(|pointed| {
            let (channel, region) = (&pointed.channel, &pointed.region);
            match pointed.before {
                false => format!("channel {channel} means it in {region}"),
                true => format!("channel {channel} meant it before in {region}: the way back"),
            }
        });
        let is_new = || {
            let newest = self.newest.contains(manifest);
            newest.then(|| match self.options.keep {
                1 => "the newest build".to_owned(),
                keep => format!("one of the {keep} newest builds"),
            })
        };
        of_channel.or_else(is_new)
    }

    /// A channel that names an AMI itself.
    fn meant(&self, is: impl Fn(&BTreeSet<String>) -> bool) -> Option<String> {
        let pointed = self.facts.channels.iter().find(|pointed| is(&pointed.images))?;
        Some(format!("channel {} names it in {}", pointed.channel, pointed.region))
    }

    fn others(&self, shared: &[String]) -> Option<String> {
        let with = (!shared.is_empty() && !self.options.shared).then(|| shared.join(", "))?;
        Some(format!("shared with {with}, who may use it unseen: --shared takes it along"))
    }

    /// Why a snapshot goes; or else why it stays, where it is worth a word.
    fn snapshot(
        &self,
        snapshot: &SnapshotFacts,
        on_it: &[&str],
        going: &BTreeSet<&str>,
    ) -> Result<String, Option<String>> {
        if !on_it.iter().all(|id| going.contains(id)) {
            return Err(None);
        }
        if let Some(why) = self.others(&snapshot.shared) {
            return Err(Some(why));
        }
        if !on_it.is_empty() {
            return Ok(format!("of {}", on_it.join(", ")));
        }
        // Of a publish that goes on, or was cut off: the next one finds it.
        if let Some(why) = snapshot.manifest.as_deref().and_then(|build| self.means(build)) {
            return Err(Some(format!("no AMI is on it, and {why}")));
        }
        let age = snapshot.created.map(|created| self.age(created));
        match age {
            Some(age) if age >= self.options.after => {
                Ok(format!("no AMI has been on it for {}", days(age)))
            }
            _ => Err(Some("no AMI is on it yet".to_owned())),
        }
    }

    /// For how long something has been; what is yet to be has not been at all.
    fn age(&self, since: Timestamp) -> Duration {
        Duration::try_from(self.facts.at.duration_since(since)).unwrap_or_default()
    }

    fn keep(&self, plan: &mut Plan, id: &str, manifest: Option<&String>, why: String) {
        let (region, id) = (self.region.region.clone(), id.to_owned());
        plan.kept.push(Kept { region, id, manifest: manifest.cloned(), why });
    }

    fn step(
        &self,
        action: Action,
        manifest: Option<&String>,
        why: String,
        after: Vec<String>,
    ) -> Step {
        let region = self.region.region.clone();
        Step { region, action, manifest: manifest.cloned(), why, after }
    }
}

impl Action {
    /// `disable ami-0a1b`.
    pub fn text(&self) -> String {
        match self {
            Self::Disable(id) => format!("disable {id}"),
            Self::NoteDisabled(id) => format!("note on {id} that it is disabled"),
            Self::NoteEnabled(id) => format!("take from {id} the note that it was disabled"),
            Self::Deregister(id) => format!("deregister {id}"),
            Self::DeleteSnapshot(id) => format!("delete {id}"),
            Self::Forget(manifest) => format!("forget build {}", short(manifest)),
        }
    }

    /// The AMI that it brings nearer to its end.
    pub fn image(&self) -> Option<&str> {
        match self {
            Self::Disable(id) | Self::NoteDisabled(id) | Self::Deregister(id) => Some(id),
            Self::NoteEnabled(_) | Self::DeleteSnapshot(_) | Self::Forget(_) => None,
        }
    }
}

/// `launch template a, version 3, instance i-1 and 4 more`.
fn some_of(users: &BTreeSet<String>) -> String {
    const FEW: usize = 3;
    let first: Vec<&str> = users.iter().take(FEW).map(String::as_str).collect();
    match users.len().saturating_sub(FEW) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// As [`days`], rounded up: for what is yet to pass.
fn left(time: Duration) -> String {
    let hours = time.as_secs().div_ceil(3600);
    let hours = if hours < 48 { hours } else { hours.div_ceil(24) * 24 };
    days(Duration::from_secs(hours * 3600))
}

/// `6 days`, `5 h`.
fn days(time: Duration) -> String {
    match time.as_secs() / 3600 {
        hours @ ..48 => format!("{hours} h"),
        hours => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests;
