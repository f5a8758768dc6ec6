//! What the initrd's program tells of the boot before the agent.

use serde::Deserialize;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use thiserror::Error;

/// The longest file, in bytes: a few phases are a few hundred.
const LONGEST: u64 = 16 * 1024;
/// More phases are not taken, so that the status stays short.
const MOST: usize = 16;
/// The longest name of a phase.
const LONGEST_NAME: usize = 32;

/// A phase of the initrd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phase {
    /// What it did: `modules`, `verity`.
    pub(super) name: String,
    /// When it was over, since the kernel started.
    pub(super) over: Duration,
}

/// Why nothing is known of them.
#[derive(Debug, Error)]
pub(super) enum InitrdError {
    #[error("it cannot be read: {0}")]
    File(#[from] io::Error),
    #[error("it is not what floodway-init writes: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("it is not what floodway-init writes: {0}")]
    Odd(&'static str),
}

/// The phases in `file`, in their order; none: there is no such file, since the
/// machine was booted by something else.
///
/// # Errors
/// The file is there and says nothing that can be used.
pub(super) fn read(file: &Path) -> Result<Vec<Phase>, InitrdError> {
    let mut text = Vec::new();
    match std::fs::File::open(file) {
        Ok(file) => file.take(LONGEST + 1).read_to_end(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if text.len() as u64 > LONGEST {
        return Err(InitrdError::Odd("it is over 16 KiB long"));
    }
    parse(&text)
}

fn parse(text: &[u8]) -> Result<Vec<Phase>, InitrdError> {
    #[derive(Deserialize)]
    struct Written {
        phases: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        name: String,
        seconds: f64,
    }
    let written: Written = serde_json::from_slice(text)?;
    if written.phases.len() > MOST {
        return Err(InitrdError::Odd("more than 16 phases"));
    }
    let phase = |entry: Entry| {
        let name = entry.name;
        if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(InitrdError::Odd("a phase has no short name"));
        }
        let over = Duration::try_from_secs_f64(entry.seconds);
        Ok(Phase { name, over: over.map_err(|_| InitrdError::Odd("a phase has no time"))? })
    };
    written.phases.into_iter().map(phase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn phases_are_read_in_their_order() {
        let text = br#"{"phases":[{"name":"modules","seconds":0.41},{"name":"verity","seconds":0.5}],"more":1}"#;
        let phases = parse(text).unwrap();
        let told: Vec<_> = phases.iter().map(|p| (p.name.as_str(), p.over.as_millis())).collect();
        assert_eq!(told, [("modules", 410), ("verity", 500)]);
    }

    #[test]
    fn a_machine_without_the_initrd_has_no_phases() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("boot.json")).unwrap(), []);
        assert!(matches!(read(folder.path()), Err(InitrdError::File(_))));
    }

    #[test]
    fn what_the_initrd_does_not_write_is_refused() {
        let many = format!(
            r#"{{"phases":[{}]}}"#,
            vec![r#"{"name":"a","seconds":1}"#; MOST + 1].join(",")
        );
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"phases":[{"name":"","seconds":1}]}"#,
            r#"{"phases":[{"name":"a b","seconds":1}]}"#,
            r#"{"phases":[{"name":"a","seconds":-1}]}"#,
            r#"{"phases":[{"name":"a","seconds":1e300}]}"#,
            &many,
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("boot.json");
        std::fs::write(&file, " ".repeat(17_000)).unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("16 KiB"));
    }

    proptest! {
        #[test]
        fn no_file_ends_the_agent(text in "\\PC{0,80}") {
            let _ = parse(text.as_bytes());
        }
    }
}
