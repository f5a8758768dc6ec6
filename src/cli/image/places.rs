//! Where in AWS, as whom, and what goes wrong there.

use super::super::exit::{Exit, Failure};
use super::starts::starts;
use crate::backend::aws::{SdkConfig, caller, configured};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::spec::is_region;
use node_image::channel;
use node_image::publish::goals::goals;
use node_image::publish::usage::Watched;
use node_image::publish::{Clients, Error, Kind};

/// Where in AWS.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Its regions.
    pub(super) regions: Vec<String>,
    /// The profile of the AWS configuration; none: what the environment offers.
    pub(super) profile: Option<String>,
}

/// Where in AWS a build goes, which may say it itself.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Where")]
pub(super) struct Goals {
    /// An AWS region; several are given one by one; without it, those that the build's
    /// recipe names
    #[arg(long = "region", value_name = "REGION", value_parser = region)]
    regions: Vec<String>,
    /// The profile of the AWS configuration; without it, what the environment offers
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// The way there.
pub(super) struct Connected {
    pub(super) config: SdkConfig,
    /// Each region once, in the order in which they were given.
    pub(super) regions: Vec<String>,
    /// Why there may be more regions than these, where nobody has named them.
    pub(super) unread: Vec<String>,
}

impl Places {
    pub(super) async fn connect(&self) -> Result<Connected, Failure> {
        let mut regions: Vec<String> = Vec::new();
        for region in &self.regions {
            if !regions.contains(region) {
                regions.push(region.clone());
            }
        }
        let Some(home) = regions.first() else { return Err(Failure::usage("name a --region")) };
        let config = configured(self.profile.as_deref(), home).await?;
        Ok(Connected { config, regions, unread: Vec::new() })
    }

    /// As they were given, for the command to run next.
    pub(super) fn arguments(&self) -> String {
        self.arguments_in(&self.regions)
    }

    /// The same in other regions.
    pub(super) fn arguments_in(&self, regions: &[String]) -> String {
        arguments(regions, self.profile.as_deref())
    }
}

impl Goals {
    /// Whether regions were given.
    pub(super) fn are_given(&self) -> bool {
        !self.regions.is_empty()
    }

    /// The regions that were given, or else those that the build names.
    pub(super) fn or(&self, declared: &[String]) -> Result<Places, Failure> {
        let regions = if self.regions.is_empty() { declared } else { self.regions.as_slice() };
        if regions.is_empty() {
            return Err(Failure::usage("no region is given, and the build's recipe names none")
                .help(
                    "name each with --region, or all in the recipe (`regions = [\"us-east-1\"]`, \
                     before its first table) and build again",
                ));
        }
        if let Some(other) = regions.iter().find(|text| !is_region(text)) {
            let message = format!("the build's manifest names `{other}`, which is no region");
            return Err(Failure::new(Exit::Invalid, message).help("name regions with --region"));
        }
        Ok(Places { regions: regions.to_vec(), profile: self.profile.clone() })
    }

    /// The regions that were given, or else those that the recipe of the build names which
    /// a channel of an image means.
    pub(super) async fn or_of(&self, image: &str, channel: &str) -> Result<Places, Failure> {
        let places = |regions| Places { regions, profile: self.profile.clone() };
        if !self.regions.is_empty() {
            return Ok(places(self.regions.clone()));
        }
        let starts = starts(image);
        let Some(first) = starts.first() else {
            let message =
                format!("no region is given, and no good recipe here names one for {image}");
            let help = "name each with --region, run it where the recipe is, or set AWS_REGION to \
                        one of them";
            return Err(Failure::usage(message).help(help));
        };
        let config = configured(self.profile.as_deref(), first).await?;
        // Without credentials it would be the channel that cannot be read.
        caller(&config).await?;
        let found = goals(&config, &starts, (image, channel)).await;
        Ok(places(found.map_err(|error| failed(&error))?))
    }

    /// As they were given, for the command to run next.
    pub(super) fn arguments(&self) -> String {
        arguments(&self.regions, self.profile.as_deref())
    }
}

fn arguments(regions: &[String], profile: Option<&str>) -> String {
    let regions = regions.iter().map(|region| format!(" --region {region}"));
    let profile = profile.iter().map(|name| format!(" --profile {}", quoted(name)));
    regions.chain(profile).collect()
}

impl Connected {
    /// Each region's APIs.
    pub(super) fn clients(&self) -> Vec<Clients> {
        self.regions.iter().map(|region| Clients::new(&self.config, region)).collect()
    }

    /// As [`Self::clients`], with what tells who uses images.
    pub(super) fn watched(&self) -> Vec<Watched> {
        self.regions.iter().map(|region| Watched::new(&self.config, region)).collect()
    }

    /// Who calls, as the history of channels keeps it.
    pub(super) async fn who(&self) -> Result<String, Failure> {
        Ok(caller(&self.config).await?)
    }
}

/// Now, to the second.
pub(super) fn now() -> Timestamp {
    let now = SystemClock.now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// What went wrong, with what to do.
pub(super) fn failed(error: &Error) -> Failure {
    let exit = match error.kind {
        Kind::Refused | Kind::Gone | Kind::Conflict => Exit::Refused,
        _ => Exit::Failed,
    };
    let failure = Failure::new(exit, error.to_string());
    match &error.help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// ` --reason 'as it was given'`, for the command to run next.
pub(super) fn reason(reason: Option<&str>) -> String {
    reason.map(|text| format!(" --reason {}", quoted(text))).unwrap_or_default()
}

/// As a shell takes it for one word.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The name of a region.
pub(super) fn region(text: &str) -> Result<String, String> {
    if is_region(text) { Ok(text.to_owned()) } else { Err("write it like us-east-1".to_owned()) }
}

/// The name of an image, or of a channel.
pub(super) fn name(text: &str) -> Result<String, String> {
    channel::check_name(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_command_can_be_copied() {
        let places = Places {
            regions: vec!["us-east-1".to_owned(), "eu-west-1".to_owned()],
            profile: Some("my profile".to_owned()),
        };
        let expected = " --region us-east-1 --region eu-west-1 --profile 'my profile'";
        assert_eq!(places.arguments(), expected);
        assert_eq!(reason(Some("it's good")), " --reason 'it'\\''s good'");
        assert_eq!(reason(None), "");
    }

    #[test]
    fn a_build_goes_where_it_is_told_to_or_else_where_it_says_itself() {
        let regions = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let goals = |names: &[&str]| Goals { regions: regions(names), profile: None };
        let declared: Vec<String> = regions(&["us-east-1", "us-west-2"]);
        assert_eq!(goals(&[]).or(&declared).unwrap().regions, declared);
        let given = goals(&["eu-west-1"]).or(&declared).unwrap();
        assert_eq!(
            (given.regions, goals(&[]).arguments()),
            (regions(&["eu-west-1"]), String::new())
        );
        let said = |failure: Failure| format!("{:?}", failure.view);
        let none = said(goals(&[]).or(&[]).unwrap_err());
        assert!(none.contains("--region") && none.contains("regions = ["), "{none}");
        let wrong = said(goals(&[]).or(&regions(&["x.example/#"])).unwrap_err());
        assert!(wrong.contains("is no region"), "{wrong}");
    }
}
