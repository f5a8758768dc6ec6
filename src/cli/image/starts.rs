//! Where an image may be, when nobody says it: as far as it takes to ask AWS.

use crate::spec::is_region;

/// The regions in which the channels of an image are looked for, one after the other:
/// those that its recipe names, if that is here, and that of the environment, as AWS's
/// own tools take it.
pub(super) fn starts(image: &str) -> Vec<String> {
    either(of_recipe(image), own())
}

/// The region of the environment, as AWS's own tools take it.
pub(super) fn own() -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|region| !region.is_empty());
    let own = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(set);
    own.filter(|region| is_region(region))
}

/// The recipe's, and behind them the environment's, each once.
fn either(of_recipe: Vec<String>, own: Option<String>) -> Vec<String> {
    let mut starts: Vec<String> = Vec::new();
    for region in of_recipe.into_iter().chain(own) {
        if !starts.contains(&region) {
            starts.push(region);
        }
    }
    starts
}

/// The regions that the recipe of an image names, if that is here.
fn of_recipe(image: &str) -> Vec<String> {
    let of_image = recipes().into_iter().flatten().filter(|(name, _)| name == image);
    of_image.flat_map(|(_, regions)| regions).collect()
}

/// Of each recipe that is here its image and the regions that it names; or why it cannot be
/// read.
#[cfg(feature = "image")]
pub(super) fn recipes() -> Vec<Result<(String, Vec<String>), String>> {
    super::recipe::all()
}

/// Recipes are read where images are built.
#[cfg(not(feature = "image"))]
pub(super) fn recipes() -> Vec<Result<(String, Vec<String>), String>> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_recipe_names_comes_before_what_the_environment_does() {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let found = |of_recipe: &[&str], own: &str| {
            either(owned(of_recipe), Some(own.to_owned()).filter(|own| !own.is_empty()))
        };
        assert_eq!(
            found(&["us-east-1", "us-west-2"], "eu-west-1").join(" "),
            "us-east-1 us-west-2 eu-west-1"
        );
        assert_eq!(
            found(&["us-east-1", "us-west-2"], "us-west-2").join(" "),
            "us-east-1 us-west-2"
        );
        assert_eq!(found(&[], "us-west-2").join(" "), "us-west-2");
        assert!(found(&[], "").is_empty());
    }
}
