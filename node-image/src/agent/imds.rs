//! The instance metadata service, by version 2 only: a token first, then each
//! question with it. A service that gives no token is never asked without one.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use super::clock;
use super::fetch::{Answer, FetchError, Limits, Url, fetch};
use http::{HeaderValue, Method, StatusCode};
use std::sync::OnceLock;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Mutex;

/// The longest that a token may live, by AWS: six hours.
const TTL: Duration = Duration::from_secs(21_600);
const TTL_ASKED: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";
/// It answers on the host itself, in milliseconds; user data is at most 16 KiB.
const LIMITS: Limits = Limits { time: Duration::from_secs(2), bytes: 64 * 1024 };

/// No answer that can be used.
#[derive(Debug, Error)]
pub(super) enum ImdsError {
    #[error("the instance metadata service at {at}: {why}")]
    Silent { at: Url, why: FetchError },
    #[error("the instance metadata service gives no token ({0}); is version 2 enabled?")]
    NoToken(StatusCode),
    #[error("the instance metadata service refuses its own token for {0}")]
    Refused(String),
    #[error("the instance metadata service answers {status} for {path}")]
    Status { path: String, status: StatusCode },
    #[error("{0} is not what the instance metadata service gives")]
    Odd(String),
}

/// The service, and the token that it gave.
#[derive(Debug)]
pub(super) struct Imds {
    base: Url,
    token: Mutex<Option<Token>>,
    answered: OnceLock<Duration>,
}

#[derive(Debug, Clone)]
struct Token {
    value: HeaderValue,
    /// When it was asked for, since boot.
    asked: Duration,
    lives: Duration,
}

impl Imds {
    /// The service at `base`: `http://169.254.169.254`.
    pub(super) fn at(base: Url) -> Self {
        Self { base, token: Mutex::new(None), answered: OnceLock::new() }
    }

    /// When it answered for the first time, whatever it said, since boot.
    pub(super) fn answered(&self) -> Option<Duration> {
        self.answered.get().copied()
    }

    /// What is at `path` (`/latest/meta-data/instance-id`); none: nothing (404).
    ///
    /// # Errors
    /// There is no answer, no token, or the answer is none of these two.
    pub(super) async fn get(&self, path: &str) -> Result<Option<String>, ImdsError> {
        // A token may end before its time: with a restored snapshot, say.
        for _ in 0..2 {
            let token = self.token().await?;
            let given = [(TOKEN, token.clone())];
            let answer = self.ask(Method::GET, path, &given).await?;
            return match answer.status {
                StatusCode::OK => {
                    let text = String::from_utf8(answer.body.to_vec());
                    text.map(Some).map_err(|_| ImdsError::Odd(path.to_owned()))
                }
                StatusCode::NOT_FOUND => Ok(None),
                StatusCode::UNAUTHORIZED => {
                    // Another question may have renewed it by now.
                    let mut held = self.token.lock().await;
                    held.take_if(|held| held.value == token);
                    continue;
                }
                status => Err(ImdsError::Status { path: path.to_owned(), status }),
            };
        }
        Err(ImdsError::Refused(path.to_owned()))
    }

    /// The token, renewed after half its life; the old one serves on where that
    /// fails.
    async fn token(&self) -> Result<HeaderValue, ImdsError> {
        let mut held = self.token.lock().await;
        let now = clock::since_boot();
        let age = |token: &Token| now.saturating_sub(token.asked);
        if let Some(token) = held.as_ref().filter(|token| age(token) < token.lives / 2) {
            return Ok(token.value.clone());
        }
        let fresh = match self.renew(now).await {
            Ok(fresh) => fresh,
            Err(error) => {
                let old = held.as_ref().filter(|token| age(token) < token.lives);
                return old.map(|token| token.value.clone()).ok_or(error);
            }
        };
        let value = fresh.value.clone();
        *held = Some(fresh);
        Ok(value)
    }

    async fn renew(&self, asked: Duration) -> Result<Token, ImdsError> {
        let wish = [(TTL_ASKED, HeaderValue::from(TTL.as_secs()))];
        let answer = self.ask(Method::PUT, "/latest/api/token", &wish).await?;
        if answer.status != StatusCode::OK {
            return Err(ImdsError::NoToken(answer.status));
        }
        let mut value = HeaderValue::from_maybe_shared(answer.body)
            .map_err(|_| ImdsError::Odd("the token".to_owned()))?;
        value.set_sensitive(true);
        let lives = answer.headers.get(TTL_ASKED).and_then(|value| value.to_str().ok());
        let lives = lives.and_then(|text| text.parse().ok()).map_or(TTL, Duration::from_secs);
        Ok(Token { value, asked, lives: lives.min(TTL) })
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, HeaderValue)],
    ) -> Result<Answer, ImdsError> {
        let answer = fetch(method, &self.base.at(path), headers, LIMITS).await;
        let answer = answer.map_err(|why| ImdsError::Silent { at: self.base.clone(), why })?;
        self.answered.get_or_init(clock::since_boot);
        Ok(answer)
    }
}
