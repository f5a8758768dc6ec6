//! What AWS and the way to it say, for people.

use crate::plan::{FailureKind, PortError};
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;

/// A failed call of `action` (`autoscaling:UpdateAutoScalingGroup`) on `what`.
pub(super) fn failed<E>(error: SdkError<E, HttpResponse>, action: &str, what: &str) -> PortError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    if let (SdkError::ServiceError(_), Some(code)) = (&error, error.code()) {
        let message = error.message().unwrap_or("no further words");
        return said(code, message, status.unwrap_or_default(), action, what);
    }
    let text = chain(&error);
    if status.is_some_and(|status| status >= 500) {
        return port(
            FailureKind::Transient,
            format!("AWS failed at {action} of {what}: {text}"),
            Some("try again; if it stays so, look at the AWS Health Dashboard"),
        );
    }
    match &error {
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => way(&text, action, what),
        // It may have got there.
        _ => port(FailureKind::Unknown, format!("{action} of {what}: no answer: {text}"), None),
    }
}

/// The code that AWS answered, if it was AWS that did.
pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &str {
    error.code().unwrap_or_default()
}

/// Whether nothing says that AWS has answered: no connection, no answer in time, or a
/// failure of its own. A call that it turns away is answered; one for which there are no
/// credentials, or no trust in a certificate, is not made, and others may be answered.
pub(super) fn is_silent<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(response) = error.raw_response() {
        return response.status().as_u16() >= 500 && !is_throttle(code(error));
    }
    match error {
        SdkError::TimeoutError(_) => true,
        SdkError::DispatchFailure(failure) => {
            let sent = failure.is_io() || failure.is_timeout() || failure.as_other().is_some();
            let text = chain(error).to_ascii_lowercase();
            let distrust = ["certificate", "invalid peer", "fatal alert"];
            sent && !distrust.iter().any(|word| text.contains(word))
        }
        _ => false,
    }
}

/// Whether AWS turns calls away because there are too many.
fn is_throttle(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "RequestThrottled"
            | "SlowDown"
    )
}

/// What AWS answered: its own code and message, and what to do.
fn said(code: &str, message: &str, status: u16, action: &str, what: &str) -> PortError {
    let text = format!("{code}: {message}");
    // AWS's reads follow its writes: what has just been made may not be seen yet.
    let has = |words: &[&str]| words.iter().all(|word| message.contains(word));
    if has(&["launch template", "does not exist"]) || has(&["Invalid", "InstanceProfile"]) {
        let help = "if it stays so, look whether it is there";
        return port(FailureKind::Transient, format!("{action} of {what}: {text}"), Some(help));
    }
    if code == "AuthFailure" && has(&["Not authorized for"]) {
        return port(FailureKind::Rejected, text, Some("share it with this account"));
    }
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => port(
            FailureKind::Denied,
            format!("not allowed to {action} of {what}: {message}"),
            Some(&format!(
                "{}; `floodway iam ENV --for apply` prints all that is needed",
                to_add(message, action)
            )),
        ),
        // A clock that jumps says so too; what comes next is signed by AWS's own:
        // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
        "RequestExpired" => port(
            FailureKind::Transient,
            format!("AWS takes {action} of {what} for too old or too new: {message}"),
            Some("try again; if it stays so, set this machine's clock, or log in again"),
        ),
        "ExpiredToken" | "ExpiredTokenException" => port(
            FailureKind::Unreachable,
            format!("the AWS credentials have expired: {message}"),
            Some("log in again: aws sso login, or take new credentials"),
        ),
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "AuthFailure"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken" => port(
            FailureKind::Unreachable,
            format!("AWS does not know these credentials ({text})"),
            Some("check the profile and its keys, and this machine's clock"),
        ),
        "OptInRequired" => port(
            FailureKind::Unreachable,
            format!("the account has not enabled this region: {message}"),
            Some("enable it in the account's settings, or correct aws.region"),
        ),
        _ if is_throttle(code) => port(
            FailureKind::Transient,
            format!("AWS takes no more calls now ({action} of {what}): {text}"),
            Some("try again in a moment"),
        ),
        "ScalingActivityInProgress"
        | "ResourceInUse"
        | "ResourceContention"
        | "ServiceUnavailable"
        | "InternalFailure"
        | "InternalError"
        | "Unavailable" => port(
            FailureKind::Transient,
            format!("{action} of {what}: {text}"),
            Some("try again in a moment"),
        ),
        _ if status >= 500 => port(
            FailureKind::Transient,
            format!("AWS failed at {action} of {what}: {text}"),
            Some("try again; if it stays so, look at the AWS Health Dashboard"),
        ),
        "LimitExceeded" | "VcpuLimitExceeded" | "VersionLimitExceeded" => port(
            FailureKind::Rejected,
            text,
            Some("delete what is not needed, or ask AWS for a higher quota"),
        ),
        _ => port(FailureKind::Rejected, text, None),
    }
}

/// What the role's policy lacks. AWS names the action and the resource, which may
/// be others than those of the call; of a launch that a group's template
/// describes it says no more than that it may not be.
fn to_add(message: &str, action: &str) -> String {
    if message.contains("not authorized to use launch template") {
        return "add ec2:RunInstances and ec2:CreateTags of what the template starts, and \
                iam:PassRole of the role in its instance profile, to the role's policy"
            .to_owned();
    }
    let said = message.split_once("not authorized to perform: ").map(|(_, said)| said);
    let mut words = said.into_iter().flat_map(str::split_whitespace);
    let action = words.next().filter(|word| word.contains(':')).unwrap_or(action);
    let resource = match [words.next(), words.next(), words.next()] {
        [Some("on"), Some("resource:"), Some(arn)] => arn,
        _ => "that resource",
    };
    format!("add {action} on {resource} to the role's policy")
}

/// The way to AWS failed: no credentials, or nobody at the other end.
fn way(text: &str, action: &str, what: &str) -> PortError {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if let Some((_, named)) = text.split_once("failed to apply endpoint `") {
        let named = named.split('`').next().unwrap_or_default();
        return port(
            FailureKind::Unreachable,
            format!("`{named}` is no address that AWS can be asked at"),
            Some("write AWS_ENDPOINT_URL, or endpoint_url of the profile, like https://host:port"),
        );
    }
    if has(&["SSO", "sso", "token has expired"]) {
        let message = format!("the AWS login has expired or is missing: {text}");
        return port(FailureKind::Unreachable, message, Some("log in again: aws sso login"));
    }
    if has(&["no providers in chain", "credential", "Credential"]) {
        return port(
            FailureKind::Unreachable,
            format!("there are no AWS credentials that can be used: {text}"),
            Some("set AWS_PROFILE or aws.profile, log in, or run where a role is given"),
        );
    }
    if has(&["dns error", "refused", "unreachable", "No route", "connect error", "certificate"]) {
        return port(
            FailureKind::Unreachable,
            format!("AWS cannot be reached ({action}): {text}"),
            Some("check the network, the proxy, aws.region and AWS_ENDPOINT_URL"),
        );
    }
    port(FailureKind::Unknown, format!("{action} of {what}: no answer: {text}"), None)
}

fn port(kind: FailureKind, message: String, help: Option<&str>) -> PortError {
    PortError { kind, message, help: help.map(str::to_owned) }
}

fn chain(error: &(dyn Error + 'static)) -> String {
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
    use aws_sdk_s3::error::{ConnectorError, ErrorMetadata};
    use aws_sdk_s3::operation::put_object::PutObjectError;
    use aws_sdk_s3::primitives::SdkBody;

    type Failure = SdkError<PutObjectError, HttpResponse>;

    #[test]
    fn a_call_that_is_turned_away_is_answered_and_one_that_fails_there_is_not() {
        let answer = |status: u16, code: &str| {
            let said = ErrorMetadata::builder().code(code).build();
            let raw = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
            Failure::service_error(PutObjectError::generic(said), raw)
        };
        for (status, code) in [
            (400, "ExpiredToken"),
            (403, "InvalidClientTokenId"),
            (403, "AuthFailure"),
            (403, "SignatureDoesNotMatch"),
            (403, "RequestTimeTooSkewed"),
            (403, "AccessDenied"),
            (403, ""),
            (429, "TooManyRequests"),
            (503, "SlowDown"),
            (503, "RequestLimitExceeded"),
        ] {
            assert!(!is_silent(&answer(status, code)), "{status} {code}");
        }
        for (status, code) in [(500, "InternalError"), (503, "ServiceUnavailable"), (502, "")] {
            assert!(is_silent(&answer(status, code)), "{status} {code}");
        }
    }

    #[test]
    fn a_way_that_fails_is_silence_unless_the_call_was_not_made() {
        let way = Failure::dispatch_failure;
        for failure in [
            way(ConnectorError::io("tcp connect error: Connection refused".into())),
            way(ConnectorError::timeout("HTTP connect timeout".into())),
            Failure::timeout_error("no answer within 60s"),
        ] {
            assert!(is_silent(&failure), "{failure:?}");
        }
        for failure in [
            // As the SDK has it where no provider has credentials.
            way(ConnectorError::other("the credentials provider was not enabled".into(), None)),
            way(ConnectorError::io("invalid peer certificate: UnknownIssuer".into())),
            Failure::construction_failure("there is no region"),
        ] {
            assert!(!is_silent(&failure), "{failure:?}");
        }
    }

    #[test]
    fn what_aws_says_has_a_kind_and_a_next_step() {
        use FailureKind::*;
        for (code, status, kind) in [
            ("AccessDenied", 403, Denied),
            ("UnauthorizedOperation", 403, Denied),
            ("ExpiredToken", 403, Unreachable),
            ("RequestExpired", 400, Transient),
            ("RequestLimitExceeded", 503, Transient),
            ("Throttling", 400, Transient),
            ("SomethingNew", 500, Transient),
            ("ValidationError", 400, Rejected),
        ] {
            let error = said(code, "why", status, "ec2:DescribeImages", "images");
            assert_eq!(error.kind, kind, "{code}");
            assert!(error.message.contains("why"), "AWS's own words: {}", error.message);
        }
        let denied = said("AccessDenied", "why", 403, "ec2:DescribeImages", "images");
        assert!(denied.help.is_some_and(|help| help.contains("ec2:DescribeImages")));
    }

    #[test]
    fn a_denial_says_what_to_add_and_where_all_of_it_stands() {
        let help = |message: &str| {
            let error = said("AccessDenied", message, 403, "ec2:CreateLaunchTemplate", "edge-g6e");
            error.help.unwrap_or_default()
        };
        let named = help(
            "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ec2:CreateTags \
             on resource: arn:aws:ec2:us-east-1:123456789012:launch-template/* because no \
             identity-based policy allows the ec2:CreateTags action",
        );
        assert_eq!(
            named,
            "add ec2:CreateTags on arn:aws:ec2:us-east-1:123456789012:launch-template/* to the \
             role's policy; `floodway iam ENV --for apply` prints all that is needed"
        );
        assert!(help("no").starts_with("add ec2:CreateLaunchTemplate on that resource to"));
        let hidden = help("You are not authorized to use launch template: lt-0a");
        assert!(hidden.contains("iam:PassRole"), "{hidden}");
    }

    #[test]
    fn a_way_that_fails_says_whose_turn_it_is() {
        let kind = |text: &str| way(text, "sts:GetCallerIdentity", "the account").kind;
        for text in [
            "the SSO session has expired",
            "no providers in chain provided credentials",
            "client error (Connect): tcp connect error: Connection refused",
        ] {
            assert_eq!(kind(text), FailureKind::Unreachable, "{text}");
        }
        assert_eq!(kind("connection closed before message completed"), FailureKind::Unknown);
        let text = "dispatch failure: other: failed to apply endpoint `x:9` to request `Request { … \
                    }`: endpoint must contain scheme";
        let wrong = way(text, "sts:GetCallerIdentity", "the account");
        assert_eq!(wrong.message, "`x:9` is no address that AWS can be asked at");
    }
}
