//! Regions to which a build was published, and that somebody did not name.

use super::clients::Clients;
use super::error::Error;
use super::ssm;
use crate::channel::Summary;
use aws_types::SdkConfig;
use futures::future::{join_all, try_join_all};
use std::collections::BTreeSet;

/// The regions beside `named` that have the build with this manifest too, by what those
/// know of it, and where the channel `from` means it and the channel `to` does not; or where
/// it cannot be seen.
///
/// # Errors
/// What is known of the build cannot be read.
pub async fn elsewhere(
    config: &SdkConfig,
    named: &[Clients],
    (image, from, to): (&str, &str, &str),
    manifest: &str,
) -> Result<Vec<String>, Error> {
    let others = beside(named, image, manifest).await?;
    let left = join_all(others.into_iter().map(async |region: String| {
        let there = Clients::new(config, &region);
        let of = async |channel: &str| means(&there, (image, channel), manifest).await;
        let is_left = of(from).await != Some(false) && of(to).await != Some(true);
        is_left.then_some(region)
    }));
    Ok(left.await.into_iter().flatten().collect())
}

/// The regions beside `named` that have the build with this manifest too, by what those
/// know of it, and where the channel means it still; or where that cannot be seen.
///
/// # Errors
/// What is known of the build cannot be read.
pub async fn still(
    config: &SdkConfig,
    named: &[Clients],
    (image, channel): (&str, &str),
    manifest: &str,
) -> Result<Vec<String>, Error> {
    let others = beside(named, image, manifest).await?;
    let left = join_all(others.into_iter().map(async |region: String| {
        let there = Clients::new(config, &region);
        let is_left = means(&there, (image, channel), manifest).await != Some(false);
        is_left.then_some(region)
    }));
    Ok(left.await.into_iter().flatten().collect())
}

/// The regions beside `named` to which the build was published, by what those know of it.
async fn beside(named: &[Clients], image: &str, manifest: &str) -> Result<BTreeSet<String>, Error> {
    let known = named.iter().map(|clients| ssm::summary(clients, image, manifest));
    let known = try_join_all(known).await?;
    let here: Vec<&str> = named.iter().map(Clients::region).collect();
    Ok(others(&known, manifest, &here))
}

/// Whether a channel means the build there; none: it cannot be seen.
async fn means(there: &Clients, (image, channel): (&str, &str), manifest: &str) -> Option<bool> {
    let held = ssm::channel(there, image, channel).await.ok()?;
    Some(held.is_some_and(|held| held.value.manifest.as_deref() == Some(manifest)))
}

/// What these texts say of regions other than `here`; one that nobody can read says nothing.
fn others(known: &[Option<String>], manifest: &str, here: &[&str]) -> BTreeSet<String> {
    let texts = known.iter().flatten();
    let all = texts.filter_map(|text| Summary::regions(text, manifest).ok()).flatten();
    all.filter(|region| !here.contains(&region.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::manifest;
    use super::*;

    #[test]
    fn regions_are_told_that_were_not_named() {
        let (build, other) = ("a".repeat(64), "b".repeat(64));
        let known = |of: &str, regions: &[&str]| {
            let mut summary = Summary::of(&manifest(), of);
            summary.regions = regions.iter().map(|region| (*region).to_owned()).collect();
            Some(summary.write().unwrap().remove(0))
        };
        let told = |known: &[Option<String>]| {
            let told = others(known, &build, &["us-east-1", "eu-west-1"]);
            told.into_iter().collect::<Vec<_>>()
        };
        let east = known(&build, &["us-east-1", "us-west-2"]);
        let west = known(&build, &["eu-west-1", "us-west-2", "eu-north-1"]);
        assert_eq!(told(&[east.clone(), None]), ["us-west-2"]);
        assert_eq!(told(&[east, west]), ["eu-north-1", "us-west-2"]);
        // Of another build, or of nobody knows what.
        assert!(told(&[known(&other, &["us-west-2"]), Some("{}".to_owned())]).is_empty());
    }
}
