//! What operators say by hand, and what a controller has learned, of an account
//! without a cluster: an object each in a declared bucket.

use super::bucket::{Bucket, Object};
use crate::observe::Hands;
use crate::plan::PortError;
use crate::port::{KeepHands, KeepNotes, MOST_NOTES, Said, Scope};
use async_trait::async_trait;

/// Bytes of what operators say, at most: as an annotation may hold.
const MOST_SAID: usize = 256 * 1024;

impl Bucket {
    fn hands(&self, scope: &Scope) -> Object {
        let (key, what) = (scope.mark.hands_key(), "record of what operators say");
        Object { bucket: self.clone(), key, what, most: MOST_SAID }
    }

    fn notes(&self, scope: &Scope) -> Object {
        let (key, what) = (scope.mark.notes_key(), "controller's notes");
        Object { bucket: self.clone(), key, what, most: MOST_NOTES }
    }
}

#[async_trait]
impl KeepHands for Bucket {
    async fn read(&self, scope: &Scope) -> Result<Said, PortError> {
        let object = self.hands(scope);
        let Some((bytes, tag)) = object.get().await? else {
            return Said::of(None, String::new(), "");
        };
        let text = String::from_utf8(bytes).map_err(|_| object.not_ours())?;
        // Nothing is said: it was taken back.
        let text = Some(text.as_str()).filter(|text| !text.trim().is_empty());
        Said::of(text, tag, &object.place())
    }

    async fn write(&self, scope: &Scope, hands: &Hands, over: &Said) -> Result<(), PortError> {
        let body = hands.to_text().unwrap_or_default().into_bytes();
        let over = Some(over.version.as_str()).filter(|tag| !tag.is_empty());
        let written = self.hands(scope).put(body, over).await?;
        written.map(|_| ()).ok_or_else(Said::overtaken)
    }
}

#[async_trait]
impl KeepNotes for Bucket {
    async fn read_notes(&self, scope: &Scope) -> Result<Option<String>, PortError> {
        let noted = self.notes(scope).get().await?;
        Ok(noted.and_then(|(bytes, _)| String::from_utf8(bytes).ok()))
    }

    /// Over whatever was noted before: only who leads notes anything.
    async fn note(&self, scope: &Scope, text: &str) -> Result<(), PortError> {
        let object = self.notes(scope);
        let before = object.get().await.ok().flatten().map(|(_, tag)| tag);
        let written = object.put(text.as_bytes().to_vec(), before.as_deref()).await?;
        written.map(|_| ()).ok_or_else(Said::overtaken)
    }
}
