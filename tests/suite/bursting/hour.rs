//! A real hour of a conversation service: how many requests came in each second,
//! and how long their prompts were. `tests/data/README.md` says whence.

use std::path::Path;

/// Tokens of the hour's mean prompt.
pub const MEAN_PROMPT: f64 = 22_361_870.0 / 19_366.0;

/// For each second: requests, and the tokens of their prompts together.
#[derive(Debug, Clone)]
pub struct Hour(Vec<(f64, f64)>);

impl Hour {
    pub fn read() -> Self {
        let file = "tests/data/azure/conversation-hour.csv";
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
        let mut seconds = Vec::new();
        for line in text.unwrap().lines().skip(1) {
            let mut numbers = line.split(',').map(|number| number.parse::<u32>().unwrap());
            let [second, requests, prompt] = [(); 3].map(|()| numbers.next().unwrap());
            seconds.resize(second as usize, (0.0, 0.0));
            seconds.push((f64::from(requests), f64::from(prompt)));
        }
        Self(seconds)
    }

    /// So many minutes of it, from one on.
    pub fn minutes(&self, from: usize, count: usize) -> Self {
        Self(self.0[from * 60..(from + count) * 60].to_vec())
    }

    /// How many seconds it has.
    pub fn seconds(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap()
    }

    /// Requests and prompt tokens of one second; nothing after the end.
    pub fn second(&self, nth: u32) -> (f64, f64) {
        self.0.get(nth as usize).copied().unwrap_or_default()
    }

    /// What comes per second in the mean, in requests of a mean prompt.
    pub fn mean(&self) -> f64 {
        self.0.iter().map(|(_, prompt)| prompt).sum::<f64>() / MEAN_PROMPT / self.0.len() as f64
    }
}
