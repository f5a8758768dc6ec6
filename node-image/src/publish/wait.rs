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
        tokio::time::sleep(self.rest(Instant::now(), thing, progress)?).await;
        Ok(())
    }

    /// How long to wait for the next look, after one at `now`.
    fn rest(&mut self, now: Instant, thing: &str, progress: &str) -> Result<Duration, Error> {
        if self.seen.as_deref() != Some(progress) {
            self.seen = Some(progress.to_owned());
            self.moved = now;
        }
        if now.duration_since(self.moved) > STILL {
            let text = format!("{thing} has not moved for an hour (at {progress:?})");
            return Err(Error::new(Kind::Late, text).help("run the same command again to go on"));
        }
        let pause = self.pause;
        self.pause = (pause * 3 / 2).min(LONGEST);
        Ok(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_and_never_rare() {
        let (mut wait, now) = (Wait::new(), Instant::now());
        let pauses: Vec<_> = (0..20).map(|_| wait.rest(now, "ami-1", "1%").unwrap()).collect();
        assert_eq!((pauses[0], pauses[19]), (FIRST, LONGEST));
        assert!(pauses.is_sorted());
    }

    #[test]
    fn a_slow_link_is_waited_for_as_long_as_something_moves() {
        let (mut wait, begin) = (Wait::new(), Instant::now());
        for minutes in (0..600).step_by(59) {
            let now = begin + Duration::from_secs(60 * minutes);
            assert!(wait.rest(now, "snap-1", &format!("{minutes}%")).is_ok(), "{minutes}");
        }
        let last = begin + Duration::from_secs(60 * 590);
        assert!(wait.rest(last + STILL, "snap-1", "590%").is_ok());
        let late = last + STILL + Duration::from_secs(1);
        let error = wait.rest(late, "snap-1", "590%").unwrap_err();
        assert_eq!(error.kind, Kind::Late);
        assert!(error.message.contains("snap-1 has not moved for an hour"), "{error}");
        assert!(wait.rest(late, "snap-1", "completed").is_ok(), "it has moved");
    }
}
