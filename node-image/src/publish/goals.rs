//! The regions that a build is for, which nobody has to name again.

use super::clients::Clients;
use super::error::{Error, Kind};
use super::ssm;
use crate::channel::{Summary, parameter, short};
use aws_types::SdkConfig;

/// The regions that the build is for which a channel of an image means: the first of
/// `starts` that has this channel, and those that the build's recipe names, or where that
/// names none, those to which the build has been published.
///
/// # Errors
/// The channel cannot be read, none of `starts` has it, or what is known of its build
/// tells no regions.
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
        let goals = known.and_then(|text| Summary::goals(&text, &manifest).ok());
        let goals = goals.filter(|goals| !goals.is_empty()).ok_or_else(|| {
            unknown(format!("which regions build {} is for is not known", short(&manifest)))
        })?;
        return Ok(beginning_with(start, goals));
    }
    let message = format!("{name} is not there: nothing is in that channel");
    let looked = starts.join(", ");
    Err(Error::new(Kind::Absent, format!("{looked}: {message}")).help(help))
}

/// `start`, and then the others.
fn beginning_with(start: &str, goals: Vec<String>) -> Vec<String> {
    let others = goals.into_iter().filter(|goal| goal != start);
    [start.to_owned()].into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_was_found_is_one_of_them_and_the_first() {
        let regions = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let from =
            |start: &str, goals: &[&str]| -> Vec<String> { beginning_with(start, regions(goals)) };
        assert_eq!(from("b", &["a", "b", "c"]), ["b", "a", "c"]);
        assert_eq!(from("d", &["a"]), ["d", "a"]);
    }
}
