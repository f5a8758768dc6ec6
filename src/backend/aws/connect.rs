//! The way into an account.

use super::account::{Account, Region};
use super::bucket::Bucket;
use super::counted::Counted;
use super::endpoint;
use super::error::failed;
use crate::backend::lease::Kept;
use crate::clock::SystemClock;
use crate::observe::{Location, Side};
use crate::plan::PortError;
use crate::port::{Backend, Calls, Locate, Lock, Purpose};
use async_trait::async_trait;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// Until a call is answered.
const ANSWER: Duration = Duration::from_secs(60);
/// Tries of a call that is throttled or gets no answer. Every write can be
/// repeated, so a lost answer is asked for again.
const TRIES: u32 = 8;
/// Tries of the first call.
const FIRST_TRIES: u32 = 4;

/// Which account is meant, and how to get in.
#[derive(Debug, Clone)]
pub struct Way<'a> {
    /// The profile of the AWS configuration; none: what the environment offers.
    pub profile: Option<&'a str>,
    /// The role to assume then.
    pub role: Option<&'a str>,
    /// The region whose STS says who we are.
    pub region: &'a str,
    /// Every region to look in.
    pub regions: BTreeSet<&'a str>,
    /// There is no cluster: nothing else notes in which regions something was left.
    pub alone: bool,
    /// The bucket that tells which controller leads, and its region; in an account
    /// that is alone also the lock, what operators say and what was learned. None:
    /// something else keeps them, or nothing.
    pub bucket: Option<(&'a str, &'a str)>,
}

/// Connects to an account. Whether it lets us in is seen at the first call.
///
/// # Errors
/// The environment names no place to ask.
pub async fn connect(way: Way<'_>) -> Result<Backend, PortError> {
    Ok(connect_by(&config(&way).await?, &way))
}

/// Connects by a configuration of the SDK's own; `way`'s credentials are not asked
/// for.
pub fn connect_by(config: &SdkConfig, way: &Way<'_>) -> Backend {
    let calls = Arc::new(Calls::default());
    let counted = Counted(Arc::clone(&calls));
    let region = |name: &&str| ((*name).to_owned(), Region::new(config, name, &counted));
    let account = Arc::new(Account {
        sts: aws_sdk_sts::Client::from_conf(asked_first(config, &counted)),
        regions: way.regions.iter().map(region).collect(),
        searches: way.alone.then(|| (config.clone(), counted.clone())),
    });
    let bucket = way.bucket.map(|(name, region)| {
        let region = aws_sdk_s3::config::Region::new(region.to_owned());
        // The bucket stands in the path: its name may hold dots, which no
        // certificate covers, and other makers' stores know no other way.
        let s3 = aws_sdk_s3::config::Builder::from(config).region(region).force_path_style(true);
        let s3 = s3.interceptor(counted.clone());
        let client = aws_sdk_s3::Client::from_conf(s3.build());
        Bucket { client, name: name.to_owned() }
    });
    let kept = |purpose| {
        let keeper = bucket.clone()?;
        Some(Arc::new(Kept { keeper, purpose }) as Arc<dyn Lock>)
    };
    Backend {
        locate: Arc::clone(&account) as _,
        observe: Arc::clone(&account) as _,
        check: Arc::clone(&account) as _,
        act: Arc::clone(&account) as _,
        progress: account,
        lock: kept(Purpose::Apply).filter(|_| way.alone),
        leadership: kept(Purpose::Lead),
        drain: None,
        hands: bucket.clone().filter(|_| way.alone).map(|bucket| Arc::new(bucket) as _),
        notes: bucket.clone().filter(|_| way.alone).map(|bucket| Arc::new(bucket) as _),
        tell: None,
        calls: Some(calls),
        clock: Arc::new(SystemClock),
    }
}

/// Of the first call of all: where nobody answers, that is said soon.
fn asked_first(config: &SdkConfig, calls: &Counted) -> aws_sdk_sts::Config {
    let retries = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
    let few = retries.max_attempts().min(FIRST_TRIES);
    let asked = aws_sdk_sts::config::Builder::from(config).interceptor(calls.clone());
    asked.retry_config(retries.with_max_attempts(few)).build()
}

/// The SDK's configuration as [`connect`] makes it, for who brings clients of their own.
///
/// # Errors
/// As [`connect`]'s.
pub async fn configured(profile: Option<&str>, region: &str) -> Result<SdkConfig, PortError> {
    let (regions, role, bucket) = (BTreeSet::new(), None, None);
    config(&Way { profile, role, region, regions, alone: false, bucket }).await
}

/// Who calls by `config`: the ARN, as STS says it.
///
/// # Errors
/// There are no credentials, or nobody answers.
pub async fn caller(config: &SdkConfig) -> Result<String, PortError> {
    let sts = asked_first(config, &Counted(Arc::default()));
    let answer = aws_sdk_sts::Client::from_conf(sts).get_caller_identity().send().await;
    let who = answer.map_err(|error| failed(error, "sts:GetCallerIdentity", "the account"))?;
    Ok(who.arn().unwrap_or("somebody").to_owned())
}

async fn config(way: &Way<'_>) -> Result<SdkConfig, PortError> {
    endpoint::check(std::env::vars_os())?;
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    // Its rate follows what the account lets through, one for each API and
    // region, shared by all calls.
    let retries = RetryConfig::adaptive().with_max_attempts(TRIES);
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ANSWER).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .retry_config(retries)
        .timeout_config(timeouts)
        .region(aws_config::Region::new(way.region.to_owned()));
    if let Some(profile) = way.profile {
        // Else keys in the environment would win over it. A role or a login that
        // it names is asked for over the same way.
        let asked = ProviderConfig::default()
            .with_http_client(http)
            .with_region(Some(aws_config::Region::new(way.region.to_owned())));
        let keys = ProfileFileCredentialsProvider::builder();
        let keys = keys.configure(&asked).profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(keys);
    }
    let config = loader.load().await;
    endpoint::check_profile(&config)?;
    let Some(role) = way.role else { return Ok(config) };
    let assumed =
        AssumeRoleProvider::builder(role).session_name("floodway").configure(&config).build().await;
    let credentials = aws_sdk_sts::config::SharedCredentialsProvider::new(assumed);
    Ok(config.into_builder().credentials_provider(credentials).build())
}

#[async_trait]
impl Locate for Account {
    async fn locate(&self) -> Result<Location, PortError> {
        let answer = self.sts.get_caller_identity().send().await;
        let who = answer.map_err(|error| failed(error, "sts:GetCallerIdentity", "the account"))?;
        let account = who.account().unwrap_or_default();
        Ok(Location {
            side: Side::Aws,
            identity: account.to_owned(),
            title: format!("AWS account {account}, as {}", who.arn().unwrap_or("somebody")),
        })
    }
}
