//! Counts what is asked of AWS, each try of a call.

use crate::port::Calls;
use aws_sdk_ec2::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;
use std::sync::Arc;

/// What AWS answers to too many calls, of the APIs that are used here.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>,
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/CommonErrors.html>
const THROTTLED: [&str; 5] =
    ["RequestLimitExceeded", "Throttling", "ThrottlingException", "SlowDown", "TooManyRequests"];

/// Added to each client.
#[derive(Debug, Clone)]
pub(super) struct Counted(pub(super) Arc<Calls>);

impl Intercept for Counted {
    fn name(&self) -> &'static str {
        "Counted"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let failed = !matches!(context.output_or_error(), Some(Ok(_)));
        let throttled = failed
            && context.response().is_some_and(|response| {
                let said = response.body().bytes().unwrap_or_default();
                response.status().as_u16() == 429
                    || (response.status().as_u16() >= 400 && names_throttling(said))
            });
        self.0.note(failed, throttled);
        Ok(())
    }
}

fn names_throttling(said: &[u8]) -> bool {
    let said = String::from_utf8_lossy(said);
    THROTTLED.iter().any(|code| said.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_is_known_by_its_code_in_either_form() {
        for (said, throttled) in [
            ("<Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors>", true),
            ("<Error><Type>Sender</Type><Code>Throttling</Code></Error>", true),
            ("{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}", true),
            ("<Error><Code>SlowDown</Code></Error>", true),
            ("{\"__type\":\"TooManyRequestsException\"}", true),
            ("<Error><Code>AlreadyExists</Code></Error>", false),
            ("<Error><Code>InternalFailure</Code></Error>", false),
            ("", false),
        ] {
            assert_eq!(names_throttling(said.as_bytes()), throttled, "{said}");
        }
    }
}
