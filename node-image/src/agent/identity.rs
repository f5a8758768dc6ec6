//! Who the instance is: what its metadata and its user data say.

use super::imds::{Imds, ImdsError};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The first pause after a try that failed; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause: the network may come at any moment.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The longest value: identifiers and names are far shorter.
const LONGEST: usize = 256;

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Identity {
    /// `i-0123456789abcdef0`
    pub(super) instance: String,
    /// `g6e.12xlarge`
    #[serde(rename = "type")]
    pub(super) instance_type: String,
    /// `us-east-1a`
    pub(super) zone: String,
    /// `spot`, `on-demand`, `scheduled` or `capacity-block`; none where the service
    /// does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lifecycle: Option<String>,
    /// `ami-0123456789abcdef0`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image: Option<String>,
    /// What Floodway wrote for it; none where it started the instance not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) floodway: Option<Floodway>,
}

/// The `floodway:` section of the user data, as `templates/aws/user-data.yaml`
/// writes it. Keys that are not known here are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Floodway {
    environment: String,
    stage: String,
    pool: String,
    workload: String,
    join: String,
    namespace: String,
    model: String,
    image: String,
    port: u16,
    gpus_per_replica: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replicas_per_node: Option<u32>,
    startup_seconds: u64,
    drain_seconds: u64,
}

impl Identity {
    /// Asks once. The second value says why user data that is there was not taken:
    /// an instance without it is an instance all the same.
    ///
    /// # Errors
    /// The service does not answer, or not with what every instance has.
    pub(super) async fn read(imds: &Imds) -> Result<(Self, Option<String>), ImdsError> {
        let must = async |path: &str| {
            let value = value(imds, path).await?;
            value.ok_or_else(|| ImdsError::Odd(format!("no {path}")))
        };
        // All at once: each is a way to the host and back.
        let (user_data, instance, instance_type, zone, lifecycle, image) = tokio::try_join!(
            imds.get("/latest/user-data"),
            must("instance-id"),
            must("instance-type"),
            must("placement/availability-zone"),
            value(imds, "instance-life-cycle"),
            value(imds, "ami-id"),
        )?;
        let (floodway, odd) = match user_data {
            None => (None, None),
            Some(text) => match floodway(&text) {
                Ok(section) => (section, None),
                Err(why) => (None, Some(why)),
            },
        };
        let identity = Self { instance, instance_type, zone, lifecycle, image, floodway };
        Ok((identity, odd))
    }
}

/// A short value of the metadata.
async fn value(imds: &Imds, path: &str) -> Result<Option<String>, ImdsError> {
    let text = imds.get(&format!("/latest/meta-data/{path}")).await?;
    let text = text.map(|text| text.trim().to_owned());
    let fits = |text: &str| {
        (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
    };
    match text {
        Some(text) if !fits(&text) => Err(ImdsError::Odd(path.to_owned())),
        text => Ok(text),
    }
}

/// The section in user data; none: there is none.
///
/// # Errors
/// It cannot be read; the text says why, and nothing of what it holds.
fn floodway(user_data: &str) -> Result<Option<Floodway>, String> {
    #[derive(Deserialize)]
    struct UserData {
        #[serde(default)]
        floodway: Option<Floodway>,
    }
    // Scripts and archives are user data too, of somebody else.
    if !user_data.starts_with("#cloud-config") {
        return Ok(None);
    }
    let read: UserData = serde_saphyr::from_str(user_data).map_err(|error| {
        let at = error.location().map_or(String::new(), |at| format!(" at line {}", at.line()));
        format!("the user data cannot be read{at}; look at templates/aws/user-data.yaml")
    })?;
    let Some(section) = read.floodway else { return Ok(None) };
    let words = [
        ("environment", &section.environment),
        ("stage", &section.stage),
        ("pool", &section.pool),
        ("workload", &section.workload),
        ("join", &section.join),
        ("namespace", &section.namespace),
        ("model", &section.model),
    ];
    let odd =
        |value: &str, longest: usize| value.len() > longest || value.chars().any(char::is_control);
    let key = words.iter().find(|(_, value)| odd(value, LONGEST)).map(|(key, _)| *key);
    // A reference with a digest is longer than a name.
    let key = key.or(odd(&section.image, 2 * LONGEST).then_some("image"));
    match key {
        Some(key) => Err(format!("floodway.{key} in the user data is no name")),
        None => Ok(Some(section)),
    }
}

/// The pause before the try after the `failed`th.
pub(super) fn pause(failed: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1))).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WRITTEN: &str = "#cloud-config\n# What an instance is.\nfloodway:\n  environment: prod\n  \
        stage: inference\n  pool: g6e\n  workload: prod-g6e\n  join: standalone\n  namespace: \
        inference\n  cluster_uid: \"8d1f\"\n  model: deepseek-ai/R1\n  image: registry/x@sha256:0\n  \
        port: 8000\n  gpus_per_replica: 2\n  startup_seconds: 300\n  drain_seconds: 600\n  \
        labels:\n    floodway.dev/pool: g6e\n  taints:\n    - key: floodway.dev/workload\n      \
        value: prod-g6e\n      effect: NoSchedule\n";

    #[test]
    fn the_section_is_read_as_it_is_written() {
        let section = floodway(WRITTEN).unwrap().unwrap();
        assert_eq!((section.pool.as_str(), section.port), ("g6e", 8000));
        assert_eq!(section.replicas_per_node, None);
    }

    #[test]
    fn user_data_of_somebody_else_is_none_of_ours() {
        for text in ["", "#!/bin/sh\nfloodway: x\n", "#cloud-config\npackages: [vim]\n"] {
            assert_eq!(floodway(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn a_section_that_cannot_be_read_is_told_without_what_it_holds() {
        let wrong = WRITTEN.replace("port: 8000", "port: hunter2");
        let why = floodway(&wrong).unwrap_err();
        assert!(why.contains("line") && !why.contains("hunter2"), "{why}");
        let long =
            WRITTEN.replace("environment: prod", &format!("environment: {}", "x".repeat(300)));
        assert!(floodway(&long).unwrap_err().contains("floodway.environment"));
        let control = WRITTEN.replace("pool: g6e\n  work", "pool: \"a\\nb\"\n  work");
        assert!(floodway(&control).unwrap_err().contains("floodway.pool"));
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let pauses: Vec<_> = (1..=7).map(|failed| pause(failed).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }

    proptest! {
        #[test]
        fn no_user_data_ends_the_agent(text in "(#cloud-config\n)?(floodway: ?)?[ -~\n&*!{}\\[\\]]{0,200}") {
            let _ = floodway(&text);
        }
    }
}
