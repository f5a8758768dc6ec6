//! What the API server and the way to it say, for people.

use super::kinds::Resource;
use crate::plan::{FailureKind, PortError};
use kube::Error;
use kube::client::AuthError;
use kube::core::Status;

/// A failed call: `verb` on `resource` (`name`).
pub(super) fn failed(error: Error, verb: &str, resource: &Resource<'_>, name: &str) -> PortError {
    let of = match name {
        "" => resource.describe(),
        name => format!("{name} ({})", resource.describe()),
    };
    match error {
        Error::Api(status) => api(&status, verb, resource, &of),
        error => way(&error, verb, &of),
    }
}

fn api(status: &Status, verb: &str, resource: &Resource<'_>, of: &str) -> PortError {
    let message = status.message.as_str();
    let error = |kind, message: String, help: Option<String>| PortError { kind, message, help };
    match status.code {
        401 => error(
            FailureKind::Unreachable,
            format!("the cluster does not know these credentials (401): {message}"),
            Some("log in again: the token has expired, or is another cluster's".to_owned()),
        ),
        403 if is_missing_rule(status) => error(
            FailureKind::Denied,
            format!("not allowed to {verb} {of}"),
            Some(format!("the role lacks the rule {}", resource.rule(verb))),
        ),
        404 => error(FailureKind::Stale, format!("{of} is not there: {message}"), None),
        409 if !conflicts(status).is_empty() => {
            let owned = |c: Conflict| format!("{} is owned by {}", c.field, c.manager);
            let listed: Vec<_> = conflicts(status).into_iter().map(owned).collect();
            error(FailureKind::Conflict, listed.join(", "), None)
        }
        409 => error(
            FailureKind::Stale,
            format!("{of} has changed: {message}"),
            Some("plan again".to_owned()),
        ),
        429 => error(
            FailureKind::Transient,
            format!("the API server takes no more calls now ({verb} {of}): {message}"),
            Some("try again in a moment".to_owned()),
        ),
        500.. => error(
            FailureKind::Transient,
            format!("the API server failed to {verb} {of}: {message}"),
            Some("try again; if it stays so, look at the API server".to_owned()),
        ),
        _ => error(FailureKind::Rejected, causes(status), None),
    }
}

/// RBAC says `… is forbidden: User "NAME" cannot VERB resource …`; admission
/// plugins answer 403 as well, in words of their own.
pub(super) fn is_missing_rule(status: &Status) -> bool {
    let user = status.message.split_once("User \"");
    let denied = user.and_then(|(_, rest)| rest.split_once("\" cannot "));
    status.code == 403 && denied.is_some()
}

/// A field that another manager owns.
pub(super) struct Conflict {
    /// As people write it: `spec.replicas`.
    pub(super) field: String,
    pub(super) manager: String,
}

/// Every conflict that a server-side apply met.
pub(super) fn conflicts(status: &Status) -> Vec<Conflict> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| {
            // `conflict with "kubectl" using apps/v1`
            let manager = cause.message.split('"').nth(1).unwrap_or(&cause.message).to_owned();
            Conflict { field: cause.field.trim_start_matches('.').to_owned(), manager }
        })
        .collect()
}

fn causes(status: &Status) -> String {
    let details = status.details.iter().flat_map(|details| &details.causes);
    let listed: Vec<_> = details
        .filter(|cause| !cause.message.is_empty())
        .map(|cause| match cause.field.as_str() {
            "" => cause.message.clone(),
            field => format!("{field}: {}", cause.message),
        })
        .collect();
    if listed.is_empty() { status.message.clone() } else { listed.join("; ") }
}

/// Whether nothing says that the server has answered: no connection, no answer in time,
/// or a failure of its own or of what stands before it. One that turns a call away has
/// answered; one that could not be asked, for want of a login or of trust in its
/// certificate, may well answer others.
pub(super) fn is_silent(error: &Error) -> bool {
    match error {
        Error::Api(status) => status.code >= 500,
        Error::HyperError(_) | Error::Service(_) => {
            let text = chain(error).to_ascii_lowercase();
            let distrust = ["certificate", "invalid peer", "fatal alert"];
            login(error).is_none() && !distrust.iter().any(|word| text.contains(word))
        }
        _ => false,
    }
}

/// What kept the client from logging in, if that is it.
fn login(error: &Error) -> Option<&AuthError> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref::<AuthError>() {
            return Some(found);
        }
        cause = inner.source();
    }
    None
}

/// Why the kubeconfig's login helper gave no credential; none: it was not asked. What it
/// prints may be a credential: only how it ended is said, and what it wrote to standard
/// error.
pub(super) fn helper(error: &AuthError) -> Option<String> {
    match error {
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.trim();
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            let status = out.status;
            Some(format!("the kubeconfig's login helper failed ({status}){said}"))
        }
        AuthError::AuthExecStart(error) => {
            Some(format!("the kubeconfig's login helper cannot be started: {error}"))
        }
        AuthError::AuthExecParse(_) | AuthError::AuthExec(_) => {
            Some("the kubeconfig's login helper gave no credential".to_owned())
        }
        _ => None,
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// The way to the server failed.
fn way(error: &Error, verb: &str, of: &str) -> PortError {
    if let Some(message) = login(error).and_then(helper) {
        let help = "run the helper by hand to see what it says, then log in again".to_owned();
        return PortError { kind: FailureKind::Unreachable, message, help: Some(help) };
    }
    let text = chain(error);
    let refused = ["refused", "dns error", "unreachable", "No route", "connect error"];
    let (kind, message, help) = if text.contains("certificate") || text.contains("invalid peer") {
        (
            FailureKind::Unreachable,
            format!("the cluster's certificate is not accepted: {text}"),
            Some("check certificate-authority in the kubeconfig".to_owned()),
        )
    } else if refused.iter().any(|word| text.contains(word)) {
        (
            FailureKind::Unreachable,
            format!("the cluster cannot be reached: {text}"),
            Some(
                "check the server's address in the kubeconfig, the VPN, and the server".to_owned(),
            ),
        )
    } else {
        // It may have got there.
        (FailureKind::Unknown, format!("{verb} {of}: no answer: {text}"), None)
    };
    PortError { kind, message, help }
}
