//! Waiting for what AWS does in the background.

use super::error::{Error, Kind};
use std::time::{Duration, Instant};

/// The first pause between two looks.
const FIRST: Duration = Duration::from_millis(200);
/// The longest.
const LONGEST: Duration = Duration::from_secs(10);
/// How long nothing may move.
const STILL: Duration = Duration::from_secs(3600);

/// Looks that become rarer, as long as something moves.
#[derive(Debug)]
pub(super) struct Wait {
    pause: Duration,
    seen: Option<String>,
    moved: Instant,
}

impl Wait {
    pub(super) fn new() -> Self {
        Self { pause: FIRST, seen: None, moved: Instant::now() }
    }

    /// Waits for the next look at `thing`, of which `progress` was seen just now.
    ///
    /// # Errors
    /// Nothing has moved for an hour.
    pub(super) async fn turn(&mut self, thing: &str, progress: &str) -> Result<(), Error> {
        if self.seen.as_deref() != Some(progress) {
            self.seen = Some(progress.to_owned());
            self.moved = Instant::now();
        }
        if self.moved.elapsed() > STILL {
            let text = format!("{thing} has not moved for an hour (at {progress:?})");
            return Err(Error::new(Kind::Late, text).help("run the same command again to go on"));
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 3 / 2).min(LONGEST);
        Ok(())
    }
}
