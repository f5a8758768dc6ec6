//! What images of a region are used by, whoever's it is: launch templates, Auto
//! Scaling groups, launch configurations, instances. What nothing of this names may
//! go: instances that were ended, and versions of templates that nothing starts, do
//! not need it.

use super::clients::Clients;
use super::error::{Call, Error};
use crate::channel::ChannelValue;
use aws_sdk_autoscaling::types::{AutoScalingGroup, LaunchTemplateSpecification};
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::types::{Filter, LaunchTemplateVersion};
use aws_types::SdkConfig;
use aws_types::region::Region;
use futures::future::try_join3;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};

/// Calls under way at once.
const CALLS: usize = 4;
/// Template versions in one page, and by one call:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html>
const VERSIONS: usize = 200;
/// What templates say in place of an image's ID, before a parameter's name:
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html>
const ALIAS: &str = "resolve:ssm:";
/// An instance that has ended needs no image; all others may start again.
const ALIVE: [&str; 5] = ["pending", "running", "shutting-down", "stopping", "stopped"];

/// One region, with the API that tells of groups.
#[derive(Debug, Clone)]
pub struct Watched {
    pub(super) clients: Clients,
    groups: aws_sdk_autoscaling::Client,
}

/// Users of images, in words, by the images' IDs.
pub(super) type Usage = BTreeMap<String, BTreeSet<String>>;

impl Watched {
    /// The region `region`, by the credentials, the connections and the endpoint of
    /// `config`.
    pub fn new(config: &SdkConfig, region: &str) -> Self {
        let here = config.to_builder().region(Region::new(region.to_owned())).build();
        let groups = aws_sdk_autoscaling::Client::new(&here);
        Self { clients: Clients::new(config, region), groups }
    }

    /// The region's name.
    pub fn region(&self) -> &str {
        self.clients.region()
    }

    /// Who uses which image here.
    ///
    /// # Errors
    /// Something cannot be read: then nothing is known to be unused.
    pub(super) async fn usage(&self) -> Result<Usage, Error> {
        let (groups, configurations, instances) =
            try_join3(self.groups(), self.configurations(), self.instances()).await?;
        let mut usage = instances;
        let mut versions = self.current_versions().await?;
        let pinned = Pinned::of(&groups, &mut usage);
        versions.extend(self.pinned_versions(pinned).await?);
        merge(&mut usage, configurations);
        merge(&mut usage, self.named_by(&versions).await?);
        Ok(usage)
    }

    fn call<'c>(&'c self, action: &'static str, thing: &'c str) -> Call<'c> {
        Call { action, region: &self.clients.region, thing }
    }

    async fn groups(&self) -> Result<Vec<AutoScalingGroup>, Error> {
        let call = self.call("autoscaling:DescribeAutoScalingGroups", "all groups");
        let pages = self.groups.describe_auto_scaling_groups().max_records(100);
        let pages = pages.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(&error))
    }

    async fn configurations(&self) -> Result<Usage, Error> {
        let call = self.call("autoscaling:DescribeLaunchConfigurations", "all of them");
        let pages = self.groups.describe_launch_configurations().into_paginator().items().send();
        let all =
            pages.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(&error))?;
        let mut usage = Usage::new();
        for one in all {
            let name = one.launch_configuration_name().unwrap_or_default();
            note(&mut usage, one.image_id(), || format!("launch configuration {name}"));
        }
        Ok(usage)
    }

    async fn instances(&self) -> Result<Usage, Error> {
        let call = self.call("ec2:DescribeInstances", "all instances");
        let states = ALIVE.map(str::to_owned).to_vec();
        let alive = Filter::builder().name("instance-state-name").set_values(Some(states)).build();
        let pages = self.clients.ec2.describe_instances().filters(alive).max_results(1000);
        let mut pages = pages.into_paginator().items().send();
        let mut usage = Usage::new();
        while let Some(reservation) = pages.next().await {
            let reservation = reservation.map_err(|error| call.failed(&error))?;
            for one in reservation.instances() {
                let id = one.instance_id().unwrap_or_default();
                let state = one.state().and_then(|state| state.name());
                let state = state.map_or("in no state", |state| state.as_str());
                note(&mut usage, one.image_id(), || format!("instance {id} ({state})"));
            }
        }
        Ok(usage)
    }

    /// The newest version of each template, and the default one.
    async fn current_versions(&self) -> Result<Vec<LaunchTemplateVersion>, Error> {
        let call = self.call("ec2:DescribeLaunchTemplateVersions", "all templates");
        let asked = self.clients.ec2.describe_launch_template_versions();
        let asked = asked.versions("$Latest").versions("$Default").max_results(200);
        let pages = asked.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(&error))
    }

    /// Versions that groups, or instances of theirs, hold to.
    async fn pinned_versions(&self, pinned: Pinned) -> Result<Vec<LaunchTemplateVersion>, Error> {
        let chunks = pinned.0.into_iter().flat_map(|(template, versions)| {
            let versions: Vec<String> = versions.into_iter().collect();
            let chunks = versions.chunks(VERSIONS).map(<[String]>::to_vec).collect::<Vec<_>>();
            chunks.into_iter().map(move |chunk| (template.clone(), chunk))
        });
        let one = async |(template, versions): (Template, Vec<String>)| {
            let (Template::Id(said) | Template::Name(said)) = &template;
            let call = self.call("ec2:DescribeLaunchTemplateVersions", said);
            let asked = self.clients.ec2.describe_launch_template_versions();
            let asked = match &template {
                Template::Id(id) => asked.launch_template_id(id),
                Template::Name(name) => asked.launch_template_name(name),
            };
            let asked = asked.set_versions(Some(versions));
            match asked.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await {
                Ok(found) => Ok(found),
                // A group whose template is gone starts nothing.
                Err(error) if error.code().is_some_and(is_absent) => Ok(Vec::new()),
                Err(error) => Err(call.failed(&error)),
            }
        };
        let found = stream::iter(chunks).map(one).buffer_unordered(CALLS);
        Ok(found.try_collect::<Vec<_>>().await?.concat())
    }

    /// The images of these versions; what they name by a parameter, by what that holds
    /// now.
    async fn named_by(&self, versions: &[LaunchTemplateVersion]) -> Result<Usage, Error> {
        let mut usage = Usage::new();
        let mut aliases: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for version in versions {
            let image = version.launch_template_data().and_then(|data| data.image_id());
            let name = version.launch_template_name().unwrap_or_default();
            let number = version.version_number().unwrap_or_default();
            let by = format!("launch template {name}, version {number}");
            match image.and_then(|image| image.strip_prefix(ALIAS)) {
                Some(parameter) => _ = aliases.entry(parameter).or_default().insert(by),
                None => note(&mut usage, image, || by),
            }
        }
        let one = async |(parameter, by): (&str, BTreeSet<String>)| {
            Ok::<_, Error>((self.behind(parameter).await?, parameter.to_owned(), by))
        };
        let mut found = stream::iter(aliases).map(one).buffer_unordered(CALLS);
        while let Some((images, parameter, by)) = found.try_next().await? {
            for (image, by) in images.iter().flat_map(|image| by.iter().map(move |by| (image, by)))
            {
                note(&mut usage, Some(image), || format!("{by}, by parameter {parameter}"));
            }
        }
        Ok(usage)
    }

    /// The images that a parameter names, which may be one version of it.
    async fn behind(&self, parameter: &str) -> Result<BTreeSet<String>, Error> {
        let call = self.call("ssm:GetParameter", parameter);
        match self.clients.ssm.get_parameter().name(parameter).send().await {
            Ok(answer) => {
                let text = answer.parameter().and_then(|found| found.value()).unwrap_or_default();
                let value = ChannelValue::read(text).ok();
                Ok(value.into_iter().flat_map(|value| value.images.into_values()).collect())
            }
            Err(error) if error.code().is_some_and(|code| code.starts_with("Parameter")) => {
                // What is not there starts nothing.
                Ok(BTreeSet::new())
            }
            Err(error) => Err(call.failed(&error)),
        }
    }
}

/// How a group names a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Template {
    Id(String),
    Name(String),
}

/// Versions by their numbers: those without one are the newest or the default.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pinned(BTreeMap<Template, BTreeSet<String>>);

impl Pinned {
    /// What these groups hold to; the images that they name themselves go into
    /// `usage`.
    fn of(groups: &[AutoScalingGroup], usage: &mut Usage) -> Self {
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
}

fn is_absent(code: &str) -> bool {
    code.starts_with("InvalidLaunchTemplate") && code.contains("NotFound")
}

fn note(usage: &mut Usage, image: Option<&str>, by: impl FnOnce() -> String) {
    if let Some(image) = image {
        usage.entry(image.to_owned()).or_default().insert(by());
    }
}

fn merge(usage: &mut Usage, other: Usage) {
    for (image, by) in other {
        usage.entry(image).or_default().extend(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_autoscaling::types::{
        Instance, LaunchTemplate, LaunchTemplateOverrides, MixedInstancesPolicy,
    };

    fn named(id: &str, version: &str) -> LaunchTemplateSpecification {
        let named = LaunchTemplateSpecification::builder().launch_template_id(id);
        named.version(version).build()
    }

    #[test]
    fn groups_hold_to_versions_by_themselves_by_overrides_and_by_their_instances() {
        let other = LaunchTemplateOverrides::builder()
            .launch_template_specification(named("lt-b", "7"))
            .image_id("ami-0c")
            .build();
        let template = LaunchTemplate::builder()
            .launch_template_specification(named("lt-a", "3"))
            .overrides(other)
            .build();
        let mixed = AutoScalingGroup::builder()
            .auto_scaling_group_name("mixed")
            .mixed_instances_policy(
                MixedInstancesPolicy::builder().launch_template(template).build(),
            )
            .instances(Instance::builder().launch_template(named("lt-a", "2")).build())
            .build();
        let by_name = LaunchTemplateSpecification::builder().launch_template_name("own");
        let plain = AutoScalingGroup::builder()
            .launch_template(by_name.clone().version("9").build())
            .build();
        let newest =
            AutoScalingGroup::builder().launch_template(by_name.version("$Latest").build()).build();
        let mut usage = Usage::new();
        let pinned = Pinned::of(&[mixed, plain, newest], &mut usage);
        let versions = |versions: &[&str]| versions.iter().map(|v| (*v).to_owned()).collect();
        assert_eq!(
            pinned.0,
            BTreeMap::from([
                (Template::Id("lt-a".to_owned()), versions(&["2", "3"])),
                (Template::Id("lt-b".to_owned()), versions(&["7"])),
                (Template::Name("own".to_owned()), versions(&["9"])),
            ])
        );
        assert_eq!(usage["ami-0c"], BTreeSet::from(["Auto Scaling group mixed".to_owned()]));
    }
}
