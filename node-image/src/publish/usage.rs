//! What images of a region are used by, whoever's it is: launch templates, Auto
//! Scaling groups, launch configurations, instances. What nothing of this names may
//! go: instances that were ended do not need it.

mod versions;

use super::clients::Clients;
use super::error::{Call, Error};
use crate::channel::ChannelValue;
use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::types::{Filter, LaunchTemplateVersion};
use aws_types::SdkConfig;
use aws_types::region::Region;
use futures::future::try_join3;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use versions::Pinned;

/// Calls under way at once.
const CALLS: usize = 4;
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
        let pinned = Pinned::of(&groups, &mut usage);
        let versions = self.versions(&pinned).await?;
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
