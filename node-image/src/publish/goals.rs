//! The regions that a build is for, which nobody has to name again.

use super::clients::Clients;
use super::error::{Error, Kind};
use super::ssm;
use crate::channel::{Summary, parameter, short};
use aws_types::SdkConfig;

/// The regions that the recipe of a build names: of the one that a channel of an image
/// means in the first of `starts` that has this channel. Where it was found is the first
/// of them, if it is one.
///
/// # Errors
/// The channel cannot be read, none of `starts` has it, or what is known of its build
/// names no regions.
pub async fn goals(
    config: &SdkConfig,
    starts: &[String],
    (image, channel): (&str, &str),
) -> Result<Vec<String>, Error> {
    let help = "name each region with --region";
    let name = parameter(image, channel);
    for start in starts {
        let clients = Clients::new(config, start);
        let Some(held) = ssm::channel(&clients, image, channel).await? else { continue };
        let unknown = |why: String| Error::new(Kind::Refused, why).help(help).in_region(start);
        let Some(manifest) = held.value.manifest else {
            let why = "holds an image's ID and no build: which regions it is for is not known";
            return Err(unknown(format!("{name} {why}")));
        };
        let known = ssm::summary(&clients, image, &manifest).await?;
        let goals = known.and_then(|text| Summary::declared(&text, &manifest).ok());
        let goals = goals.filter(|goals| !goals.is_empty()).ok_or_else(|| {
            unknown(format!("which regions build {} is for is not known", short(&manifest)))
        })?;
        return Ok(beginning_with(start, goals));
    }
    let message = format!("{name} is not there: nothing is in that channel");
    let looked = starts.join(", ");
    Err(Error::new(Kind::Absent, format!("{looked}: {message}")).help(help))
}

/// `start` first, where it is one of them.
fn beginning_with(start: &str, mut goals: Vec<String>) -> Vec<String> {
    goals.sort_by_key(|goal| goal != start);
    goals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_was_found_is_the_first_and_none_that_nobody_named() {
        let regions = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let from =
            |start: &str, goals: &[&str]| -> Vec<String> { beginning_with(start, regions(goals)) };
        assert_eq!(from("b", &["a", "b", "c"]), ["b", "a", "c"]);
        assert_eq!(from("d", &["a"]), ["a"]);
    }
}
