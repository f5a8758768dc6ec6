//! The operator's hand, where every controller sees it.

use super::{FailureKind, PortError, Scope};
use crate::observe::Hands;
use async_trait::async_trait;

/// Keeps what operators say by hand on the live environment (law 14).
#[async_trait]
pub trait KeepHands: Send + Sync {
    /// What is said now. What cannot be understood is an error: whoever meets it
    /// must hold everything.
    async fn read(&self, scope: &Scope) -> Result<Said, PortError>;

    /// Says `hands` instead of what was `read`. An error of kind `Stale`: somebody
    /// has said something else meanwhile.
    async fn write(&self, scope: &Scope, hands: &Hands, over: &Said) -> Result<(), PortError>;
}

/// What operators have said, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What.
    pub hands: Hands,
    /// Tells it from what is said before or after.
    pub version: String,
}

impl Said {
    /// What the `text` on a live thing says, of which `version` is told.
    ///
    /// # Errors
    /// It is not to be understood; `place` is where it stands.
    pub fn of(text: Option<&str>, version: String, place: &str) -> Result<Self, PortError> {
        let hands = text.map_or(Ok(Hands::default()), Hands::from_text);
        let hands = hands.map_err(|why| PortError {
            kind: FailureKind::Rejected,
            message: format!("what operators have said in {place} cannot be understood: {why}"),
            help: Some(
                "use the Floodway that wrote it; or mend it by hand, or take it away, and say it \
                 anew"
                    .to_owned(),
            ),
        })?;
        Ok(Self { hands, version })
    }

    /// Another has said something since it was read.
    pub fn overtaken() -> PortError {
        PortError {
            kind: FailureKind::Stale,
            message: "somebody else has said something by hand meanwhile; nothing was changed"
                .to_owned(),
            help: Some("look with `floodway status`, and say it again".to_owned()),
        }
    }
}
