//! The lock's place in an account without a cluster: an object in a declared
//! bucket, written only over what was read.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>

use super::error::{code, failed};
use crate::backend::lease::{Holding, Keeper, Slot, Stored};
use crate::clock::Timestamp;
use crate::plan::{FailureKind, PortError};
use crate::port::{Purpose, Scope};
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the object may hold at most; ours holds a few lines.
const MOST: i64 = 16 * 1024;

/// Objects of one bucket, one for each environment.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) client: Client,
    pub(super) name: String,
}

impl Keeper for Bucket {
    fn slot(&self, scope: &Scope, purpose: Purpose) -> impl Slot + 'static {
        let key = match purpose {
            Purpose::Apply => scope.mark.lock_key(),
            Purpose::Lead => scope.mark.leadership_key(),
        };
        Object { bucket: self.clone(), key, purpose }
    }
}

struct Object {
    bucket: Bucket,
    key: String,
    purpose: Purpose,
}

/// What the object says; nobody holds the lock where it names none.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Text {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renewed: Option<Timestamp>,
}

#[async_trait]
impl Slot for Object {
    fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket.name, self.key)
    }

    fn purpose(&self) -> Purpose {
        self.purpose
    }

    async fn read(&self) -> Result<Option<Stored>, PortError> {
        let asked = self.bucket.client.get_object().bucket(&self.bucket.name).key(&self.key);
        let answer = match asked.send().await {
            Ok(answer) => answer,
            Err(error) if code(&error) == "NoSuchKey" => return Ok(None),
            Err(error) => return Err(self.failed(error, "s3:GetObject")),
        };
        let tag = answer.e_tag().unwrap_or_default().to_owned();
        if answer.content_length().is_some_and(|length| length > MOST) {
            return Err(self.not_ours());
        }
        let bytes = answer.body.collect().await.map_err(|error| PortError {
            kind: FailureKind::Transient,
            message: format!("{} breaks off: {error}", self.place()),
            help: Some("try again".to_owned()),
        })?;
        let text: Text =
            serde_json::from_slice(&bytes.into_bytes()).map_err(|_| self.not_ours())?;
        Ok(Some(stored(text, tag)))
    }

    async fn write(
        &self,
        holding: &Holding,
        over: Option<&Stored>,
    ) -> Result<Option<Stored>, PortError> {
        let text = Text {
            holder: Some(holding.holder.clone()),
            since: holding.since,
            renewed: holding.renewed,
        };
        self.put(text, over).await
    }

    async fn free(&self, over: &Stored) -> Result<bool, PortError> {
        Ok(self.put(Text::default(), Some(over)).await?.is_some())
    }
}

impl Object {
    async fn put(&self, text: Text, over: Option<&Stored>) -> Result<Option<Stored>, PortError> {
        let body = serde_json::to_vec(&text).unwrap_or_default();
        let put = self.bucket.client.put_object().bucket(&self.bucket.name).key(&self.key);
        let put = put.content_type("application/json").body(ByteStream::from(body));
        let put = match over {
            None => put.if_none_match("*"),
            Some(over) => put.if_match(over.version.as_str().unwrap_or_default()),
        };
        match put.send().await {
            Ok(answer) => Ok(Some(stored(text, answer.e_tag().unwrap_or_default().to_owned()))),
            // Written, deleted, or being written by somebody else.
            Err(error)
                if matches!(
                    code(&error),
                    "PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey"
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(self.failed(error, "s3:PutObject")),
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

    fn not_ours(&self) -> PortError {
        PortError {
            kind: FailureKind::Rejected,
            message: format!("{} is no lock of Floodway's", self.place()),
            help: Some("look at it, then delete it or declare another bucket".to_owned()),
        }
    }
}

fn stored(text: Text, tag: String) -> Stored {
    let Text { holder, since, renewed } = text;
    let holding = holder.map(|holder| Holding { holder, since, renewed });
    Stored { holding, uid: String::new(), version: json!(tag) }
}
