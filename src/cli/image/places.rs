//! Where in AWS, as whom, and what goes wrong there.

use super::super::exit::{Exit, Failure};
use crate::backend::aws::{SdkConfig, caller, configured};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::spec::is_region;
use node_image::channel;
use node_image::publish::usage::Watched;
use node_image::publish::{Clients, Error, Kind};

/// Where in AWS.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Where")]
pub(super) struct Places {
    /// An AWS region; several are given one by one
    #[arg(long = "region", value_name = "REGION", required = true, value_parser = region)]
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
        Ok(Connected { config, regions })
    }

    /// As they were given, for the command to run next.
    pub(super) fn arguments(&self) -> String {
        let regions = self.regions.iter().map(|region| format!(" --region {region}"));
        let profile = self.profile.iter().map(|name| format!(" --profile {}", quoted(name)));
        regions.chain(profile).collect()
    }
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
        Kind::Refused | Kind::Conflict => Exit::Refused,
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
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn region(text: &str) -> Result<String, String> {
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
}
