//! The command line of `floodway-node`.

use super::fetch::Url;
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The longest time that an option takes.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The agent of a burst node: says who it is and how it stands, and drains it.
#[derive(Debug, Clone, Parser)]
#[command(name = "floodway-node", version)]
pub(super) struct Options {
    /// Where it answers; open the port to the controller alone
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9470")]
    pub(super) listen: SocketAddr,
    /// The instance metadata service; asked by version 2 only
    #[arg(long, value_name = "URL", default_value = "http://169.254.169.254", value_parser = Url::read)]
    pub(super) imds: Url,
    /// How often notices and lifecycle states are asked for
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = pause)]
    pub(super) poll: Duration,
    /// Answers 200 when the engine takes requests; without it the node is ready
    /// as soon as it knows itself
    #[arg(long, value_name = "URL", value_parser = Url::read)]
    pub(super) engine_ready: Option<Url>,
    /// The engine's metrics (vLLM, SGLang): requests that run and that wait;
    /// without it none are counted
    #[arg(long, value_name = "URL", value_parser = Url::read)]
    pub(super) engine_load: Option<Url>,
    /// How often the engine is asked
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = pause)]
    pub(super) engine_poll: Duration,
    /// How long a draining engine must have nothing in flight before it counts as
    /// drained: requests may be on their way. Without --engine-load, the longest
    /// that a request takes
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    pub(super) settle: Duration,
    /// What the initrd tells of its phases of the boot
    #[arg(long, value_name = "FILE", default_value = "/run/floodway/boot.json")]
    pub(super) boot_phases: PathBuf,
    /// How long SIGTERM waits for what is in flight
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(super) grace: Duration,
}

/// A time with its unit: `500ms`, `30s`, `2m`, `1h`.
fn time(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("write a whole number and ms, s, m or h, like 30s".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "write a whole number first, like 30s")?;
    let time = number.checked_mul(milliseconds).map(Duration::from_millis);
    time.filter(|time| *time <= LONGEST).ok_or_else(|| "at most 24h".to_owned())
}

/// As [`time`], and long enough to be a pause.
fn pause(text: &str) -> Result<Duration, String> {
    let shortest = Duration::from_millis(10);
    time(text).and_then(
        |time| {
            if time < shortest { Err("at least 10ms".to_owned()) } else { Ok(time) }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_well_formed() {
        use clap::CommandFactory;
        Options::command().debug_assert();
        let options = Options::try_parse_from(["floodway-node"]).unwrap();
        assert_eq!(options.listen.port(), 9470);
        assert_eq!(options.grace, Duration::from_secs(30));
    }

    #[test]
    fn times_carry_their_unit() {
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(time("0s"), Ok(Duration::ZERO));
        assert_eq!(time("24h"), Ok(LONGEST));
        for wrong in ["", "5", "s", "-1s", "1.5s", "5 s", "25h", "99999999999999999999s", "5d"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        assert!(pause("0s").is_err());
    }
}
