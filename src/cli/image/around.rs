//! Where in AWS images are looked for.

use super::super::exit::Failure;
use super::super::repository;
use super::super::terminal::Terminal;
use super::places::{Connected, Places, region};
use super::starts::{own, recipes};
use crate::spec::model::{Aws, AwsProvider};
use crate::spec::{self, BurstPool, is_region};
use node_image::publish::wherever::wherever;
use std::collections::BTreeSet;

/// Where in AWS images are looked for; whatever names them here may say it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Where")]
pub(super) struct Around {
    /// An AWS region; several are given one by one; without it, all that a recipe or an
    /// environment here names, and those that what is known there of builds names
    #[arg(long = "region", value_name = "REGION", value_parser = region)]
    regions: Vec<String>,
    /// The profile of the AWS configuration; without it, what the environment offers
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// What is named here.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    images: BTreeSet<String>,
    regions: Vec<String>,
    /// What may name more, and cannot be read.
    unread: Vec<String>,
}

impl Around {
    /// The way to the regions that were given; or else to all in which `image` may be, or
    /// without one any image. Which these are is told.
    pub(super) async fn connect(
        &self,
        image: Option<&str>,
        terminal: &Terminal,
    ) -> Result<Connected, Failure> {
        let places = |regions| Places { regions, profile: self.profile.clone() };
        if !self.regions.is_empty() {
            return places(self.regions.clone()).connect().await;
        }
        let named = here(image);
        if named.regions.is_empty() {
            let of = image.map(|image| format!(" for {image}")).unwrap_or_default();
            let mut message =
                format!("no region is given, and no recipe or environment here names one{of}");
            for why in &named.unread {
                message = format!("{message}; {why}");
            }
            let help = "name each with --region, run it where the recipe is, or set AWS_REGION to \
                        one of them";
            return Err(Failure::usage(message).help(help));
        }
        let mut connected = places(named.regions).connect().await?;
        // Without credentials nothing would be known there.
        connected.who().await?;
        let (regions, unread) =
            wherever(&connected.config, &connected.regions, &named.images).await;
        connected.regions = regions;
        connected.unread = named.unread;
        connected.unread.extend(unread.iter().map(ToString::to_string));
        let regions = connected.regions.join(", ");
        terminal.note(&format!("no region is given: looking at {regions}\n"));
        Ok(connected)
    }
}

/// What recipes and environments here name of `image`, or without one of any.
fn here(image: Option<&str>) -> Named {
    let (mut of_recipes, mut unread) = (Vec::new(), Vec::new());
    for recipe in recipes() {
        match recipe {
            Ok(recipe) => of_recipes.push(recipe),
            Err(why) => unread.push(why),
        }
    }
    of_recipes.retain(|(name, _)| image.is_none_or(|image| image == name));
    let (of_environments, unread_too) = of_environments(image);
    unread.extend(unread_too);
    let named = together(of_recipes, of_environments, own());
    let images = named.images.into_iter().chain(image.map(str::to_owned)).collect();
    Named { images, unread, ..named }
}

/// The regions of recipes before those of environments; where none of them names one, that
/// of the command's own environment.
fn together(
    of_recipes: Vec<(String, Vec<String>)>,
    of_environments: Vec<(String, String)>,
    own: Option<String>,
) -> Named {
    let mut named = Named { images: BTreeSet::new(), regions: Vec::new(), unread: Vec::new() };
    for (image, regions) in of_recipes {
        named.images.insert(image);
        named.regions.extend(regions);
    }
    for (image, region) in of_environments {
        named.images.insert(image);
        named.regions.push(region);
    }
    named.regions.retain(|region| is_region(region));
    if named.regions.is_empty() {
        named.regions.extend(own);
    }
    named
}

/// The images from which pools of the environments here start, as far as it is `image`, each
/// with the pool's region; and what cannot be read.
fn of_environments(image: Option<&str>) -> (Vec<(String, String)>, Vec<String>) {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    if repository::environments_folder().is_err() {
        // There are none.
        return (found, unread);
    }
    let names = repository::all().unwrap_or_else(|failure| {
        unread.push(not_known(failure));
        Vec::new()
    });
    for name in names {
        let located = match repository::locate(&name) {
            Ok(located) => located,
            Err(failure) => {
                unread.push(not_known(failure));
                continue;
            }
        };
        let (resolved, _) = spec::resolve(&located.path, &located.files);
        let Some(resolved) = resolved else {
            let why = "cannot be read: which images its pools start from is not known";
            unread.push(format!("{} {why}", located.path));
            continue;
        };
        let declared = resolved.environment.aws.iter();
        let declared = declared.filter(|aws| aws.provider == AwsProvider::Aws);
        found.extend(declared.flat_map(|aws| of_pools(aws, image)));
    }
    (found, unread)
}

fn not_known(failure: Failure) -> String {
    let why = failure.view.map(|view| view.message).unwrap_or_default();
    format!("{why}: which images pools start from is not known")
}

fn of_pools(aws: &Aws, image: Option<&str>) -> Vec<(String, String)> {
    let one = |pool: &BurstPool| {
        let name = pool.image.name.as_deref()?;
        let is_it = image.is_none_or(|image| image == name);
        is_it.then(|| (name.to_owned(), aws.region_of(pool).to_owned()))
    };
    aws.pools.values().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn recipes_and_environments_say_where_images_are_and_else_the_commands_own_region() {
        let recipe = |regions: &[&str]| vec![("gpu".to_owned(), owned(regions))];
        let pools = |regions: &[&str]| -> Vec<(String, String)> {
            regions.iter().map(|region| ("edge".to_owned(), (*region).to_owned())).collect()
        };
        let own = || Some("eu-west-1".to_owned());
        let both = together(recipe(&["us-west-2"]), pools(&["us-east-1"]), own());
        assert_eq!(both.regions, ["us-west-2", "us-east-1"]);
        assert_eq!(both.images.into_iter().collect::<Vec<_>>(), ["edge", "gpu"]);
        assert_eq!(together(recipe(&[]), pools(&["us-east-1"]), own()).regions, ["us-east-1"]);
        assert_eq!(together(recipe(&["x.example/#"]), pools(&[]), own()).regions, ["eu-west-1"]);
        assert!(together(recipe(&[]), pools(&[]), None).regions.is_empty());
    }
}
