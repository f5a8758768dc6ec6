//! The virtio-serial port on which the probe tells what it saw.

use crate::facts::{Facts, SCHEMA};
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

/// The longest line, in bytes; it is a few KiB.
const LONGEST: usize = 1024 * 1024;

/// What the probe told, and when by the testing machine's clocks.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) facts: Box<Facts>,
    pub(super) at: Instant,
    pub(super) wall: SystemTime,
}

/// Reads one line; none: the port was closed without a word.
///
/// # Errors
/// What came is not what the probe tells; the text says why.
pub(super) async fn read(mut port: impl AsyncRead + Unpin) -> Result<Option<Told>, String> {
    let mut line = Vec::new();
    let mut first = None;
    let mut bytes = [0; 16 * 1024];
    loop {
        let length = port.read(&mut bytes).await.map_err(|error| error.to_string())?;
        // It wrote all of it at once; what follows is the way here.
        let (at, wall) = *first.get_or_insert_with(|| (Instant::now(), SystemTime::now()));
        let part = &bytes[..length];
        let end = part.iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&part[..end.unwrap_or(length)]);
        if line.len() > LONGEST {
            return Err("it is over 1 MiB long".to_owned());
        }
        match (end, length) {
            (Some(_), _) => return facts(&line).map(|facts| Some(Told { facts, at, wall })),
            (None, 0) if line.is_empty() => return Ok(None),
            (None, 0) => return Err("it was cut off".to_owned()),
            (None, _) => {}
        }
    }
}

fn facts(line: &[u8]) -> Result<Box<Facts>, String> {
    #[derive(serde::Deserialize)]
    struct Form {
        schema: u32,
    }
    let Form { schema } = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if schema != SCHEMA {
        return Err(format!("it has the form {schema}, and {SCHEMA} is known here"));
    }
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::verdict::samples;
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn what_was_told_is_one_line() {
        let facts = samples::facts();
        let line = serde_json::to_string(&facts).unwrap();
        let told = run(read(format!("{line}\nmore").as_bytes())).unwrap().unwrap();
        assert_eq!(*told.facts, facts);
    }

    #[test]
    fn a_port_without_a_word_is_no_error_and_half_a_line_is() {
        assert!(run(read(&b""[..])).unwrap().is_none());
        assert_eq!(run(read(&b"{\"schema\":1"[..])).unwrap_err(), "it was cut off");
        let why = run(read(&b"{\"schema\":9}\n"[..])).unwrap_err();
        assert!(why.contains("form 9"), "{why}");
        assert!(run(read(&b"\xff\n"[..])).is_err());
        let long = vec![b'x'; 2 * LONGEST];
        assert!(run(read(long.as_slice())).unwrap_err().contains("1 MiB"));
    }
}
