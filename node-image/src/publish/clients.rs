//! The APIs of one region, with time-outs for slow links.

use aws_sdk_ebs::config::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use std::time::Duration;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// Until one try of a call is answered, its body sent and all. No time-out for
/// the answer's first byte stands beside it: that one runs while a block is still
/// being sent, and ends each of them where the link is slow.
pub(super) const ATTEMPT: Duration = Duration::from_secs(120);
/// Tries of a call to EC2 or SSM that is throttled or gets no answer.
const TRIES: u32 = 8;
/// The longest pause between them.
const PAUSE: Duration = Duration::from_secs(20);

/// One region's APIs.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(super) region: String,
    /// It tries nothing twice by itself: see `retry`.
    pub(super) ebs: aws_sdk_ebs::Client,
    pub(super) ec2: aws_sdk_ec2::Client,
    /// As `ec2`, for the one write that AWS knows no token for.
    pub(super) ec2_once: aws_sdk_ec2::Client,
    pub(super) ssm: aws_sdk_ssm::Client,
}

impl Clients {
    /// The APIs of the region `region`, by the credentials, the connections and the
    /// endpoint of `config`; its time-outs and retries are not used.
    pub fn new(config: &SdkConfig, region: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .disable_read_timeout()
            .disable_operation_timeout();
        let retries = RetryConfig::standard().with_max_attempts(TRIES).with_max_backoff(PAUSE);
        let patient = config
            .to_builder()
            .region(Region::new(region.to_owned()))
            .timeout_config(timeouts.build())
            // It takes a link on which many blocks share little for one that stands still.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .retry_config(retries)
            .build();
        let once = patient.to_builder().retry_config(RetryConfig::disabled()).build();
        Self {
            region: region.to_owned(),
            ebs: aws_sdk_ebs::Client::new(&once),
            ec2: aws_sdk_ec2::Client::new(&patient),
            ec2_once: aws_sdk_ec2::Client::new(&once),
            ssm: aws_sdk_ssm::Client::new(&patient),
        }
    }

    /// The region's name.
    pub fn region(&self) -> &str {
        &self.region
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ebs::config::BehaviorVersion;

    #[test]
    fn a_slow_link_is_given_its_time_whatever_the_configuration_says() {
        let hasty = TimeoutConfig::builder()
            .read_timeout(Duration::from_secs(1))
            .operation_timeout(Duration::from_secs(1))
            .build();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .timeout_config(hasty)
            .stalled_stream_protection(StalledStreamProtectionConfig::enabled().build())
            .build();
        let clients = Clients::new(&config, "eu-west-1");
        let ebs = clients.ebs.config();
        let ec2 = clients.ec2.config();
        for times in [ebs.timeout_config(), ec2.timeout_config()] {
            let times = times.unwrap();
            assert_eq!(times.connect_timeout(), Some(CONNECT));
            assert_eq!(times.operation_attempt_timeout(), Some(ATTEMPT));
            assert_eq!((times.read_timeout(), times.operation_timeout()), (None, None));
        }
        for guard in [ebs.stalled_stream_protection(), ec2.stalled_stream_protection()] {
            assert!(!guard.unwrap().is_enabled());
        }
        let tries = |config: Option<&RetryConfig>| config.map(RetryConfig::max_attempts);
        assert_eq!((tries(ebs.retry_config()), tries(ec2.retry_config())), (Some(1), Some(TRIES)));
    }
}
