//! Versions of launch templates from which instances may start. Who holds to one is not
//! to be seen of all: fleets and spot requests do, and others' tools. So all versions
//! count, of whatever template. Floodway's own are an exception, of which each change of
//! an image leaves one: its groups alone start from them, and those are seen.

use super::{CALLS, Usage, Watched, note};
use crate::publish::error::Error;
use aws_sdk_autoscaling::types::{AutoScalingGroup, LaunchTemplateSpecification};
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::types::{LaunchTemplateVersion, ResourceType};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};

/// Template versions in one page:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html>
const PAGE: i32 = 200;
/// What an environment's instances, and so its templates, are tagged with.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "floodway");

impl Watched {
    /// The versions from which something may start.
    pub(super) async fn versions(
        &self,
        pinned: &Pinned,
    ) -> Result<Vec<LaunchTemplateVersion>, Error> {
        let current = Current::of(self.current_versions().await?);
        let all = stream::iter(current.with_others())
            .map(async |id: String| self.all_versions(&id).await);
        let mut all = all.buffer_unordered(CALLS).try_collect::<Vec<_>>().await?.concat();
        all.retain(|version| counts(version, &current, pinned));
        all.extend(current.0.into_values().flatten());
        Ok(all)
    }

    /// The newest version of each template, and the default one.
    async fn current_versions(&self) -> Result<Vec<LaunchTemplateVersion>, Error> {
        let call = self.call("ec2:DescribeLaunchTemplateVersions", "all templates");
        let asked = self.clients.ec2.describe_launch_template_versions();
        let asked = asked.versions("$Latest").versions("$Default").max_results(PAGE);
        let pages = asked.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(&error))
    }

    /// All versions of one template.
    async fn all_versions(&self, id: &str) -> Result<Vec<LaunchTemplateVersion>, Error> {
        let call = self.call("ec2:DescribeLaunchTemplateVersions", id);
        let asked = self.clients.ec2.describe_launch_template_versions();
        let asked = asked.launch_template_id(id).max_results(PAGE);
        match asked.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await {
            Ok(found) => Ok(found),
            // Nothing starts from a template that has gone meanwhile.
            Err(error) if error.code().is_some_and(is_absent) => Ok(Vec::new()),
            Err(error) => Err(call.failed(&error)),
        }
    }
}

/// The newest and the default version of templates, by the templates' IDs.
struct Current(BTreeMap<String, Vec<LaunchTemplateVersion>>);

impl Current {
    fn of(versions: Vec<LaunchTemplateVersion>) -> Self {
        let mut current: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for version in versions {
            let id = version.launch_template_id().unwrap_or_default().to_owned();
            current.entry(id).or_default().push(version);
        }
        Self(current)
    }

    fn numbers(&self, template: &str) -> BTreeSet<i64> {
        let versions = self.0.get(template).into_iter().flatten();
        versions.filter_map(LaunchTemplateVersion::version_number).collect()
    }

    /// The templates that may have versions beside these.
    fn with_others(&self) -> Vec<String> {
        let has_others = |id: &&String| {
            let numbers = self.numbers(id);
            // They begin at 1, and none is given twice.
            let known = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
            numbers.last().is_none_or(|newest| known < *newest)
        };
        self.0.keys().filter(has_others).cloned().collect()
    }
}

/// Whether something may start from a version that is not current.
fn counts(version: &LaunchTemplateVersion, current: &Current, pinned: &Pinned) -> bool {
    let number = version.version_number().unwrap_or_default();
    let numbers = current.numbers(version.launch_template_id().unwrap_or_default());
    // A newer one has been made since.
    let is_new = numbers.last().is_none_or(|newest| number > *newest);
    let is_known = numbers.contains(&number);
    !is_known && (is_new || !is_own(version) || pinned.has(version))
}

/// Whether Floodway wrote it.
fn is_own(version: &LaunchTemplateVersion) -> bool {
    let data = version.launch_template_data();
    let tagged = data.map(|data| data.tag_specifications()).unwrap_or_default().iter();
    let of_instances = tagged.filter(|one| one.resource_type() == Some(&ResourceType::Instance));
    let (key, value) = MANAGED_BY;
    of_instances
        .flat_map(|one| one.tags())
        .any(|tag| tag.key() == Some(key) && tag.value() == Some(value))
}

/// How a group names a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Template {
    Id(String),
    Name(String),
}

/// Versions by their numbers: those without one are the newest or the default.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pinned(BTreeMap<Template, BTreeSet<String>>);

impl Pinned {
    /// What these groups hold to; the images that they name themselves go into
    /// `usage`.
    pub(super) fn of(groups: &[AutoScalingGroup], usage: &mut Usage) -> Self {
        let mut pinned = Self::default();
        for group in groups {
            let name = group.auto_scaling_group_name().unwrap_or_default();
            let by = || format!("Auto Scaling group {name}");
            pinned.add(group.launch_template());
            let policy = group.mixed_instances_policy().and_then(|policy| policy.launch_template());
            pinned.add(policy.and_then(|policy| policy.launch_template_specification()));
            for other in policy.map(|policy| policy.overrides()).unwrap_or_default() {
                pinned.add(other.launch_template_specification());
                note(usage, other.image_id(), by);
            }
            for instance in group.instances() {
                pinned.add(instance.launch_template());
                note(usage, instance.image_id(), by);
            }
        }
        pinned
    }

    fn add(&mut self, named: Option<&LaunchTemplateSpecification>) {
        let Some(named) = named else { return };
        let template = match (named.launch_template_id(), named.launch_template_name()) {
            (Some(id), _) => Template::Id(id.to_owned()),
            (None, Some(name)) => Template::Name(name.to_owned()),
            (None, None) => return,
        };
        if let Some(version) = named.version().filter(|version| !version.starts_with('$')) {
            self.0.entry(template).or_default().insert(version.to_owned());
        }
    }

    fn has(&self, version: &LaunchTemplateVersion) -> bool {
        let number = version.version_number().unwrap_or_default().to_string();
        let id = version.launch_template_id().map(|id| Template::Id(id.to_owned()));
        let name = version.launch_template_name().map(|name| Template::Name(name.to_owned()));
        let held = id.into_iter().chain(name).filter_map(|template| self.0.get(&template));
        held.flatten().any(|held| *held == number)
    }
}

fn is_absent(code: &str) -> bool {
    code.starts_with("InvalidLaunchTemplate") && code.contains("NotFound")
}

#[cfg(test)]
mod tests;
