//! What is known of machine images: the build that each is of, by its tags, and what
//! is in that, by the parameters that publishing has left.

use super::account::{Account, Region};
use super::error::failed;
use crate::observe::{Build, MachineImage, MadeOf, marks};
use crate::plan::PortError;
use aws_sdk_ec2::types::Image;
use futures::future::join_all;
use node_image::channel::{Summary, summary_parameter};
use std::collections::{BTreeMap, BTreeSet};

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tagged {
    recipe: String,
    manifest: String,
}

impl Account {
    /// The builds of these images; what nothing is known of, or cannot be read, is left
    /// out: no plan depends on it.
    pub(super) async fn known_builds(
        &self,
        wanted: &BTreeSet<MachineImage>,
    ) -> BTreeMap<MachineImage, Build> {
        let one = async |region: &Region| {
            let here = wanted.iter().filter(|image| image.region == region.name);
            let ids: Vec<&str> = here.map(|image| image.id.as_str()).collect();
            if ids.is_empty() { BTreeMap::new() } else { region.builds(&ids).await }
        };
        join_all(self.regions.values().map(one)).await.into_iter().flatten().collect()
    }
}

impl Region {
    async fn builds(&self, ids: &[&str]) -> BTreeMap<MachineImage, Build> {
        let images = self.tagged(ids).await.unwrap_or_default();
        let distinct: BTreeSet<&Tagged> = images.values().collect();
        let one = async |tagged: &Tagged| self.made_of(tagged).await.ok().flatten();
        let found = join_all(distinct.iter().copied().map(one)).await;
        let known: BTreeMap<&Tagged, Option<MadeOf>> = distinct.into_iter().zip(found).collect();
        let build = |(id, tagged): (&String, &Tagged)| {
            let image = MachineImage { region: self.name.clone(), id: id.clone() };
            let made_of = known.get(tagged).cloned().flatten();
            (image, Build { manifest: tagged.manifest.clone(), made_of })
        };
        images.iter().map(build).collect()
    }

    /// What those of these images say that are there.
    async fn tagged(&self, ids: &[&str]) -> Result<BTreeMap<String, Tagged>, PortError> {
        let by_id = ids
            .iter()
            .fold(aws_sdk_ec2::types::Filter::builder().name("image-id"), |filter, id| {
                filter.values(*id)
            });
        let asked = self.ec2.describe_images().filters(by_id.build());
        let asked = asked.include_deprecated(true).include_disabled(true);
        let answer = asked.send().await;
        let answer =
            answer.map_err(|error| failed(error, "ec2:DescribeImages", &self.about("images")))?;
        let tagged = |image: &Image| {
            let tag = |key: &str| {
                let tag = image.tags().iter().find(|tag| tag.key() == Some(key))?;
                tag.value().map(str::to_owned)
            };
            let (recipe, manifest) = (tag(marks::IMAGE)?, tag(marks::MANIFEST)?);
            Some((image.image_id()?.to_owned(), Tagged { recipe, manifest }))
        };
        Ok(answer.images().iter().filter_map(tagged).collect())
    }

    /// What is in a build; none: nobody has noted it.
    async fn made_of(&self, tagged: &Tagged) -> Result<Option<MadeOf>, PortError> {
        let Tagged { recipe, manifest } = tagged;
        let Some(first) = self.text(&summary_parameter(recipe, manifest, 0)).await? else {
            return Ok(None);
        };
        let Ok(parts) = Summary::parts(&first) else { return Ok(None) };
        let mut texts = vec![first];
        for part in 1..=parts {
            texts.extend(self.text(&summary_parameter(recipe, manifest, part)).await?);
        }
        let summary = Summary::read(texts.iter().map(String::as_str)).ok();
        // The name is cut: another build's may be the same.
        let summary = summary.filter(|summary| summary.manifest == *manifest);
        Ok(summary.map(|summary| {
            let mut packages: BTreeMap<String, String> = BTreeMap::new();
            for (name, version) in summary.packages {
                let known = packages.entry(name).or_default();
                // One of each architecture may be another.
                let comma = if known.is_empty() { "" } else { ", " };
                known.push_str(comma);
                known.push_str(&version);
            }
            MadeOf { kernel: summary.kernel, driver: summary.driver, packages }
        }))
    }
}
