//! Where AWS is asked, when the environment names another place than its own.

use crate::plan::{FailureKind, PortError};
use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use std::ffi::OsString;

const VARIABLE: &str = "AWS_ENDPOINT_URL";
const KEY: &str = "endpoint_url";

/// The services that are asked, as the SDK names them: a profile may give each a place
/// of its own.
const SERVICES: [&str; 7] = ["Auto Scaling", "EBS", "EC2", "S3", "SSM", "STS", "Service Quotas"];

/// Whether the SDK can read what `variables` name. At a place that is named by nothing it
/// ends the process, here or on its own way to credentials.
pub(super) fn check(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), PortError> {
    // One may stand for all services, and one for each.
    let is_of_place = |name: &OsString| name.to_string_lossy().starts_with(VARIABLE);
    let mut named = variables.into_iter().filter(|(name, _)| is_of_place(name));
    let Some((name, _)) = named.find(|(_, place)| place.is_empty()) else { return Ok(()) };
    let name = name.to_string_lossy();
    Err(named_by_nothing(&name, &format!("unset {name}")))
}

/// As [`check`], of what the profile that counts says: for all services, or in a section
/// of one.
pub(super) fn check_profile(config: &SdkConfig) -> Result<(), PortError> {
    let of_service = |service: &str| {
        let key = ServiceConfigKey::builder().service_id(service).profile(KEY).env(VARIABLE);
        config.service_config()?.load_config(key.build().ok()?)
    };
    let named = SERVICES.iter().filter_map(|service| of_service(service));
    let mut named = config.endpoint_url().map(str::to_owned).into_iter().chain(named);
    if named.all(|place| !place.is_empty()) {
        return Ok(());
    }
    Err(named_by_nothing("endpoint_url of the AWS profile", "take it out"))
}

fn named_by_nothing(what: &str, help: &str) -> PortError {
    PortError {
        kind: FailureKind::Unreachable,
        message: format!("{what} is set to nothing, and is to say where AWS is asked"),
        help: Some(format!("{help}, or write it like https://host:port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_types::service_config::LoadServiceConfig;

    #[test]
    fn a_place_that_is_named_by_nothing_is_an_error_and_none_is_not() {
        let said = |name: &str, place: &str| check([(name.into(), place.into())]);
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
            let error = said(name, "").unwrap_err();
            assert!(error.message.starts_with(&format!("{name} is set to nothing")), "{error:?}");
            said(name, "http://127.0.0.1:9").unwrap();
        }
        said("AWS_PROFILE", "").unwrap();
        check([]).unwrap();
    }

    /// What a profile says, as the SDK offers it.
    #[derive(Debug)]
    struct Profile {
        service: &'static str,
        place: &'static str,
    }

    impl LoadServiceConfig for Profile {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            let asked = key.service_id() == self.service && key.profile() == KEY;
            asked.then(|| self.place.to_owned())
        }
    }

    #[test]
    fn a_profile_may_not_name_a_place_by_nothing_for_all_services_or_for_one() {
        let place = "http://127.0.0.1:9";
        let all = |place: &str| SdkConfig::builder().endpoint_url(place).build();
        let one = |service, place| {
            SdkConfig::builder().service_config(Profile { service, place }).build()
        };
        for named in [all(""), one("EC2", ""), one("Auto Scaling", "")] {
            let error = check_profile(&named).unwrap_err();
            assert!(error.message.starts_with("endpoint_url of the AWS profile"), "{error:?}");
        }
        for named in [all(place), one("EC2", place), one("Polly", "")] {
            check_profile(&named).unwrap();
        }
        check_profile(&SdkConfig::builder().build()).unwrap();
    }
}
