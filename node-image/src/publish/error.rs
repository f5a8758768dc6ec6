//! What can go wrong on the way into AWS: for people, and for who decides what
//! follows.

use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use std::fmt;

/// What sort of failure it is: what may be tried again, and how a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The role may not do it.
    Denied,
    /// There are no credentials, or they do not hold.
    Credentials,
    /// Nobody answers at the other end.
    Unreachable,
    /// AWS takes no more calls now.
    Throttled,
    /// AWS itself failed.
    Failed,
    /// No answer came: it may have got there.
    Silent,
    /// What is named is not there, or not to be seen yet.
    Absent,
    /// AWS does not do it as it was asked.
    Refused,
    /// What is to come back is not there any more, and asking again does not bring it back.
    Gone,
    /// Something else has that name.
    Conflict,
    /// What was given cannot be published so.
    Invalid,
    /// What is in AWS is not what the disk is.
    Corrupt,
    /// It goes on in AWS for longer than anybody waits here.
    Late,
    /// A file here cannot be read or written.
    Local,
}

/// A failure: what was done, where, with what, why it failed, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Its sort.
    pub kind: Kind,
    /// The region in which it happened; none: not in AWS.
    pub region: Option<String>,
    /// One sentence, without the region.
    pub message: String,
    /// What to do next, where more can be said than that.
    pub help: Option<String>,
}

impl Error {
    /// A failure that happened nowhere yet.
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, region: None, message: message.into(), help: None }
    }

    /// It happened there.
    pub(super) fn in_region(mut self, region: &str) -> Self {
        self.region.get_or_insert_with(|| region.to_owned());
        self
    }

    /// What to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether the same command may do better in a while.
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            Kind::Throttled | Kind::Failed | Kind::Silent | Kind::Late | Kind::Unreachable
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            Some(region) => write!(f, "{region}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

/// A call, as errors name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'c> {
    /// As policies name it: `ebs:PutSnapshotBlock`.
    pub(super) action: &'static str,
    /// Where.
    pub(super) region: &'c str,
    /// Of what: a snapshot, an image, a name.
    pub(super) thing: &'c str,
}

impl Call<'_> {
    /// What the SDK says of this call, for people.
    pub(super) fn failed<E>(&self, error: &SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        let said = match error {
            SdkError::ServiceError(answer) => answer.err().code(),
            _ => None,
        };
        let found = match said {
            Some(code) => self.said(code, error.message().unwrap_or("no further words"), status),
            None if status >= 500 => self.broken(&chain(error)),
            None => self.unsaid(&chain(error), error),
        };
        found.in_region(self.region)
    }

    /// What AWS answered in its own words.
    fn said(&self, code: &str, message: &str, status: u16) -> Error {
        let Self { action, thing, .. } = self;
        let text = format!("{action} of {thing}: {code}: {message}");
        let has = |words: &str| message.contains(words);
        match code {
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
                let denied = format!("not allowed to {action} of {thing}: {message}");
                Error::new(Kind::Denied, denied)
                    .help(format!("add {action} of that resource to the role's policy"))
            }
            "ExpiredToken" | "ExpiredTokenException" => Error::new(Kind::Credentials, text)
                .help("log in again: aws sso login, or take new credentials"),
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "AuthFailure"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "RequestExpired"
            | "MissingAuthenticationToken" => Error::new(Kind::Credentials, text)
                .help("check the profile and its keys, and this machine's clock"),
            "OptInRequired" => Error::new(Kind::Refused, text)
                .help("enable the region in the account's settings, or leave it out"),
            "Throttling"
            | "ThrottlingException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "ConcurrentLimitExceededException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "TooManyUpdates" => Error::new(Kind::Throttled, text)
                .help("try again in a moment, or with fewer calls at once"),
            // A limit on copies that go on at once.
            "ResourceLimitExceeded" if has("in progress") => {
                Error::new(Kind::Throttled, text).help("try again when other copies are done")
            }
            "ServiceQuotaExceededException" | "ResourceLimitExceeded" => {
                Error::new(Kind::Refused, text)
                    .help("delete what is not needed, or ask AWS for a higher quota")
            }
            // The link is too slow for so many blocks at once.
            "ValidationException" if has("read block data") => Error::new(Kind::Silent, text),
            "ValidationException" if has("does not exist") || has("not found") => {
                Error::new(Kind::Absent, text)
            }
            "ResourceNotFoundException" | "ParameterNotFound" | "ParameterVersionNotFound" => {
                Error::new(Kind::Absent, text)
            }
            _ if code.ends_with(".NotFound") || code == "InvalidAMIID.Unavailable" => {
                Error::new(Kind::Absent, text)
            }
            "ConflictException" | "InvalidAMIName.Duplicate" | "ParameterAlreadyExists" => {
                Error::new(Kind::Conflict, text)
            }
            _ if status >= 500 => self.broken(&format!("{code}: {message}")),
            _ if has("default") && has("key") => Error::new(Kind::Refused, text).help(
                "publish it under a key of your own: the account's default key is never shared",
            ),
            _ => Error::new(Kind::Refused, text),
        }
    }

    fn broken(&self, text: &str) -> Error {
        let message = format!("AWS failed at {} of {}: {text}", self.action, self.thing);
        Error::new(Kind::Failed, message)
            .help("try again; if it stays so, look at the AWS Health Dashboard")
    }

    /// No answer of AWS's.
    fn unsaid<E>(&self, text: &str, error: &SdkError<E, HttpResponse>) -> Error {
        let Self { action, thing, .. } = self;
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&["SSO", "sso", "no providers in chain", "credential", "Credential"]) {
            return Error::new(Kind::Credentials, format!("there are no credentials: {text}"))
                .help("set AWS_PROFILE, log in (aws sso login), or run where a role is given");
        }
        let dispatched = matches!(error, SdkError::DispatchFailure(_));
        if dispatched && has(&["dns error", "refused", "unreachable", "No route", "certificate"]) {
            return Error::new(
                Kind::Unreachable,
                format!("AWS cannot be reached ({action}): {text}"),
            )
            .help("check the network, the proxy, the region's name and AWS_ENDPOINT_URL");
        }
        if matches!(error, SdkError::ConstructionFailure(_)) {
            return Error::new(
                Kind::Invalid,
                format!("{action} of {thing} cannot be asked: {text}"),
            );
        }
        Error::new(Kind::Silent, format!("{action} of {thing}: no answer: {text}"))
            .help("check the network; what has been done is found again")
    }
}

/// An error and its causes, each said once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Call<'static> =
        Call { action: "ebs:PutSnapshotBlock", region: "eu-west-1", thing: "snap-1" };

    #[test]
    fn what_aws_says_has_a_kind_and_keeps_its_words() {
        use Kind::*;
        for (code, message, status, kind) in [
            ("AccessDeniedException", "why", 403, Denied),
            ("ValidationException", "The snapshot 'snap-1' does not exist.", 400, Absent),
            ("ResourceNotFoundException", "why", 404, Absent),
            ("ValidationException", "Failed to read block data", 400, Silent),
            ("ValidationException", "why", 400, Refused),
            ("RequestThrottledException", "why", 400, Throttled),
            ("ThrottlingException", "why", 400, Throttled),
            ("InternalServerException", "why", 500, Failed),
            ("SomethingNew", "why", 503, Failed),
            ("InvalidSnapshot.NotFound", "why", 400, Absent),
            ("InvalidAMIName.Duplicate", "why", 400, Conflict),
            ("ExpiredToken", "why", 403, Credentials),
        ] {
            let error = CALL.said(code, message, status);
            assert_eq!(error.kind, kind, "{code}: {message}");
            assert!(error.message.contains(message), "{}", error.message);
            assert!(error.message.contains("ebs:PutSnapshotBlock of snap-1"), "{}", error.message);
        }
    }

    #[test]
    fn the_default_key_is_named_where_it_is_the_reason() {
        let error = CALL.said(
            "InvalidParameter",
            "Encrypted snapshots with EBS default key cannot be shared",
            400,
        );
        assert!(error.help.is_some_and(|help| help.contains("key of your own")));
    }

    #[test]
    fn a_failure_says_where() {
        let error = CALL.said("ValidationException", "why", 400).in_region("eu-west-1");
        assert!(error.to_string().starts_with("eu-west-1: ebs:PutSnapshotBlock"), "{error}");
        assert!(!error.is_retryable());
        assert!(CALL.said("Throttling", "why", 400).is_retryable());
    }
}
