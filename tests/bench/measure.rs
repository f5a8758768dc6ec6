//! What benchmarks share.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Times of two things that were done in turns.
#[derive(Default)]
pub struct Pairs {
    ours: Vec<Duration>,
    floor: Vec<Duration>,
}

impl Pairs {
    pub fn add(&mut self, ours: Duration, floor: Duration) {
        self.ours.push(ours);
        self.floor.push(floor);
    }

    /// The ratio of each pair, the lowest first.
    fn ratios(&self) -> Vec<f64> {
        let pairs = self.ours.iter().zip(&self.floor);
        let mut ratios: Vec<f64> =
            pairs.map(|(ours, floor)| ours.as_secs_f64() / floor.as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    /// The ratio of the median pair.
    pub fn ratio(&self) -> f64 {
        let ratios = self.ratios();
        ratios[ratios.len() / 2]
    }

    /// `1.58s; floor 1.16s; ratio, median of pairs: 1.38, 1.12 to 1.78`
    pub fn report(mut self) -> String {
        let ratios = self.ratios();
        format!(
            "{:.2?}; floor {:.2?}; ratio, median of {} pairs: {:.2}, {:.2} to {:.2}",
            median(&mut self.ours),
            median(&mut self.floor),
            ratios.len(),
            ratios[ratios.len() / 2],
            ratios[0],
            ratios[ratios.len() - 1],
        )
    }
}

/// Runs a command to its end, which must be good: its time, and its peak memory
/// in KiB.
pub fn run(mut command: Command) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now.unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{command:?} ended with {ended}");
            return (began.elapsed(), peak);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
