//! The regions that images may be in, where nobody names any.

use super::clients::Clients;
use super::error::Error;
use super::ssm;
use crate::channel::Summary;
use aws_types::SdkConfig;
use futures::future::join_all;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The regions `named`, each once, and behind them those that are known of the `images`
/// there: where their builds were published, and which their recipes name; and what is known
/// in those in turn. A region that cannot be read says nothing of others: why, stands behind
/// them, and there may be more regions than these.
pub async fn wherever(
    config: &SdkConfig,
    named: &[String],
    images: &BTreeSet<String>,
) -> (Vec<String>, Vec<Error>) {
    let (mut all, mut unread, mut asked) = (Vec::new(), Vec::new(), 0);
    add(&mut all, named.iter().cloned());
    while asked < all.len() {
        let next = all[asked..].iter().map(|region| Clients::new(config, region));
        let next: Vec<Clients> = next.collect();
        asked = all.len();
        let each = next.iter().flat_map(|clients| images.iter().map(move |image| (clients, image)));
        let told = join_all(each.map(|(clients, image)| of_builds(clients, image))).await;
        for told in told {
            match told {
                Ok(regions) => add(&mut all, regions.into_iter()),
                Err(error) => unread.push(error),
            }
        }
    }
    (all, unread)
}

fn add(all: &mut Vec<String>, more: impl Iterator<Item = String>) {
    for region in more {
        if !all.contains(&region) {
            all.push(region);
        }
    }
}

/// What one region knows of others.
async fn of_builds(clients: &Clients, image: &str) -> Result<BTreeSet<String>, Error> {
    let known = ssm::summaries(clients, image).await?;
    Ok(known.iter().flat_map(|text| named_in(text)).collect())
}

/// The digest of a build, in the first of its parameters.
#[derive(Deserialize)]
struct Build {
    manifest: String,
}

/// The regions in the first parameter of a build; none in others.
fn named_in(text: &str) -> BTreeSet<String> {
    let Ok(Build { manifest }) = serde_json::from_str(text) else { return BTreeSet::new() };
    let mut named = Summary::regions(text, &manifest).unwrap_or_default();
    named.extend(Summary::declared(text, &manifest).unwrap_or_default());
    named
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::manifest;
    use super::*;

    #[test]
    fn a_build_names_where_it_is_and_what_it_is_for() {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut summary = Summary::of(&manifest(), &"a".repeat(64));
        summary.regions = BTreeSet::from(["us-west-2".to_owned()]);
        summary.declared = owned(&["us-east-1", "us-west-2"]);
        let first = summary.write().unwrap().remove(0);
        assert_eq!(named_in(&first).into_iter().collect::<Vec<_>>(), ["us-east-1", "us-west-2"]);
        // The rest of its packages, and what is no summary.
        for other in ["eJwDAAAAAAE=", "{}", "{\"manifest\": \"aa\"}"] {
            assert!(named_in(other).is_empty(), "{other}");
        }
        let mut all = Vec::new();
        add(&mut all, ["b", "a", "b"].map(str::to_owned).into_iter());
        assert_eq!(all, ["b", "a"], "each once, in the order in which they were named");
    }
}
