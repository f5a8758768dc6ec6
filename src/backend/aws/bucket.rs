//! Objects of a declared bucket, for an account without a cluster: each is written
//! only over what was read.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>

use super::error::{code, failed, is_silent};
use crate::plan::{FailureKind, PortError};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::primitives::ByteStream;

/// The bucket.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) client: Client,
    pub(super) name: String,
}

/// One object of it.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) bucket: Bucket,
    pub(super) key: String,
    /// What it is, for people: `lock`.
    pub(super) what: &'static str,
    /// Bytes that it holds at most.
    pub(super) most: usize,
}

/// Why an object was not written.
#[derive(Debug)]
pub(super) struct Unwritten {
    pub(super) why: PortError,
    /// Nothing says that S3 has answered.
    pub(super) silent: bool,
}

impl From<Unwritten> for PortError {
    fn from(unwritten: Unwritten) -> Self {
        unwritten.why
    }
}

impl Object {
    /// `s3://bucket/key`
    pub(super) fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket.name, self.key)
    }

    /// What it holds, with the tag that tells it from what it held before or after;
    /// none: it is not there.
    pub(super) async fn get(&self) -> Result<Option<(Vec<u8>, String)>, PortError> {
        let asked = self.bucket.client.get_object().bucket(&self.bucket.name).key(&self.key);
        let answer = match asked.send().await {
            Ok(answer) => answer,
            Err(error) if code(&error) == "NoSuchKey" => return Ok(None),
            Err(error) => return Err(self.failed(error, "s3:GetObject")),
        };
        let tag = answer.e_tag().unwrap_or_default().to_owned();
        let length = answer.content_length().and_then(|length| usize::try_from(length).ok());
        if length.is_some_and(|length| length > self.most) {
            return Err(self.not_ours());
        }
        let bytes = answer.body.collect().await.map_err(|error| PortError {
            kind: FailureKind::Transient,
            message: format!("{} breaks off: {error}", self.place()),
            help: Some("try again".to_owned()),
        })?;
        Ok(Some((bytes.into_bytes().to_vec(), tag)))
    }

    /// Writes it over what had the tag `over`, or anew; the tag that it has then,
    /// none: somebody else has written it meanwhile.
    pub(super) async fn put(
        &self,
        body: Vec<u8>,
        over: Option<&str>,
    ) -> Result<Option<String>, Unwritten> {
        self.written(self.putting(body, over).send().await)
    }

    /// As [`Self::put`], for who asks again anyway: a call that is turned away is told, and
    /// not made again until nobody waits for its answer any more.
    pub(super) async fn put_once(
        &self,
        body: Vec<u8>,
        over: Option<&str>,
    ) -> Result<Option<String>, Unwritten> {
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let put = self.putting(body, over).customize().config_override(once);
        self.written(put.send().await)
    }

    fn putting(&self, body: Vec<u8>, over: Option<&str>) -> PutObjectFluentBuilder {
        let put = self.bucket.client.put_object().bucket(&self.bucket.name).key(&self.key);
        let put = put.content_type("application/json").body(ByteStream::from(body));
        match over {
            None => put.if_none_match("*"),
            Some(tag) => put.if_match(tag),
        }
    }

    fn written(
        &self,
        answer: Result<PutObjectOutput, SdkError<PutObjectError, HttpResponse>>,
    ) -> Result<Option<String>, Unwritten> {
        match answer {
            Ok(answer) => Ok(Some(answer.e_tag().unwrap_or_default().to_owned())),
            // Written, deleted, or being written by somebody else.
            Err(error)
                if matches!(
                    code(&error),
                    "PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey"
                ) =>
            {
                Ok(None)
            }
            Err(error) => {
                let silent = is_silent(&error);
                Err(Unwritten { why: self.failed(error, "s3:PutObject"), silent })
            }
        }
    }

    fn failed<E>(&self, error: SdkError<E, HttpResponse>, call: &str) -> PortError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let help = match code(&error) {
            "NoSuchBucket" => {
                return PortError {
                    kind: FailureKind::Rejected,
                    message: format!("NoSuchBucket: there is no bucket {}", self.bucket.name),
                    help: Some("make the bucket, or correct aws.lock.bucket".to_owned()),
                };
            }
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => {
                "the bucket is in another region: say which in aws.lock.region"
            }
            _ => return failed(error, call, &self.place()),
        };
        PortError { help: Some(help.to_owned()), ..failed(error, call, &self.place()) }
    }

    /// It holds something else.
    pub(super) fn not_ours(&self) -> PortError {
        PortError {
            kind: FailureKind::Rejected,
            message: format!("{} is no {} of Floodway's", self.place(), self.what),
            help: Some("look at it, then delete it or declare another bucket".to_owned()),
        }
    }
}
