//! The lock of an account without a cluster: an object in a declared bucket.

use super::bucket::{Bucket, Object};
use crate::backend::lease::{Holding, Keeper, Slot, Stored, answered};
use crate::clock::Timestamp;
use crate::plan::PortError;
use crate::port::{Purpose, Scope};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the object may hold at most; ours holds a few lines.
const MOST: usize = 16 * 1024;

impl Keeper for Bucket {
    fn slot(&self, scope: &Scope, purpose: Purpose) -> impl Slot + 'static {
        let key = match purpose {
            Purpose::Apply => scope.mark.lock_key(),
            Purpose::Lead => scope.mark.leadership_key(),
        };
        let object = Object { bucket: self.clone(), key, what: "lock", most: MOST };
        Locked { object, purpose }
    }
}

struct Locked {
    object: Object,
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
impl Slot for Locked {
    fn place(&self) -> String {
        self.object.place()
    }

    fn purpose(&self) -> Purpose {
        self.purpose
    }

    async fn read(&self) -> Result<Option<Stored>, PortError> {
        let Some((bytes, tag)) = self.object.get().await? else { return Ok(None) };
        let text: Text = serde_json::from_slice(&bytes).map_err(|_| self.object.not_ours())?;
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

impl Locked {
    async fn put(&self, text: Text, over: Option<&Stored>) -> Result<Option<Stored>, PortError> {
        let body = serde_json::to_vec(&text).unwrap_or_default();
        let over = over.map(|over| over.version.as_str().unwrap_or_default());
        let written = match self.purpose {
            Purpose::Apply => self.object.put(body, over).await,
            Purpose::Lead => self.object.put_once(body, over).await,
        };
        let written = written.map_err(|unwritten| match unwritten.silent {
            true => unwritten.why,
            false => answered(unwritten.why),
        })?;
        Ok(written.map(|tag| stored(text, tag)))
    }
}

fn stored(text: Text, tag: String) -> Stored {
    let Text { holder, since, renewed } = text;
    let holding = holder.map(|holder| Holding { holder, since, renewed });
    Stored { holding, uid: String::new(), version: json!(tag) }
}
