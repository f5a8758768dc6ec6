//! The decision log: `.floodway/decisions/<environment>.ndjson`, a line for each
//! decision, bounded: when a file is full, it becomes the older one of two.

use super::exit::Failure;
use super::home;
use crate::decide::scaling::DecisionRecord;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes of one of the two files.
const MOST: u64 = 32 * 1024 * 1024;

/// The log of an environment, being written.
pub(super) struct DecisionLog {
    root: PathBuf,
    path: PathBuf,
    most: u64,
    file: Option<(File, u64)>,
}

/// Where an environment's decisions are, the newer file first.
fn paths(root: &Path, environment: &str) -> [PathBuf; 2] {
    let folder = root.join(".floodway/decisions");
    ["ndjson", "before.ndjson"].map(|end| folder.join(format!("{environment}.{end}")))
}

/// Whose log it is: the decisions of a dry run are not those that were done.
pub(super) fn name_of(environment: &str, dry_run: bool) -> String {
    if dry_run { format!("{environment}.dry-run") } else { environment.to_owned() }
}

impl DecisionLog {
    /// The log of `environment`; nothing is written yet, and nothing made.
    pub(super) fn new(root: &Path, environment: &str) -> Self {
        let [path, _] = paths(root, environment);
        Self { root: root.to_owned(), path, most: MOST, file: None }
    }

    /// Adds a record; what was lost for it, in words, if something was. A log that
    /// cannot be written explains nothing, and stops nobody: the caller tells of it, and
    /// the next record tries again.
    pub(super) fn add(&mut self, record: &DecisionRecord) -> io::Result<Option<String>> {
        let mut line = record.to_line()?.into_bytes();
        line.push(b'\n');
        let added = self.write(&line);
        if added.is_err() {
            // Half a line is passed over by readers, if the next one begins anew.
            self.file = None;
        }
        added.map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
        })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<Option<String>> {
        let length = line.len() as u64;
        let full = self.file.as_ref().is_some_and(|(_, written)| written + length > self.most);
        let lost = if full { self.turn_over()? } else { None };
        let (file, written) = match &mut self.file {
            Some(open) => open,
            closed => {
                home::folder(&self.root)?;
                fs::create_dir_all(self.path.parent().unwrap_or(&self.root))?;
                closed.insert(open(&self.path)?)
            }
        };
        file.write_all(line)?;
        *written += length;
        Ok(lost)
    }

    /// Makes the full file the older one. Where that cannot be, it is emptied: it stays
    /// bounded, and what comes now has room.
    fn turn_over(&mut self) -> io::Result<Option<String>> {
        self.file = None;
        let older = self.path.with_extension("before.ndjson");
        match fs::rename(&self.path, &older) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                File::create(&self.path)?;
                Ok(Some(format!(
                    "{} has begun anew, and the decisions in it are lost, for it cannot be \
                     renamed to {}: {error}",
                    self.path.display(),
                    older.display()
                )))
            }
            _ => Ok(None),
        }
    }
}

/// The file to add to, which ends with a whole line, and its length.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let mut written = file.metadata()?.len();
    if written > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            written += 1;
        }
    }
    Ok((file, written))
}

/// Every decision that the log still has, the oldest first; what is damaged is
/// passed over.
pub(super) fn read(root: &Path, environment: &str) -> Result<Vec<DecisionRecord>, Failure> {
    let mut records = Vec::new();
    for path in paths(root, environment).iter().rev() {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::file(path, "cannot be read", &error)),
        };
        for line in BufReader::new(file).split(b'\n') {
            let line = line.map_err(|error| Failure::file(path, "cannot be read", &error))?;
            records.extend(DecisionRecord::from_line(&String::from_utf8_lossy(&line)));
        }
    }
    Ok(records)
}

/// Where an environment's decisions are, in its repository.
pub(super) fn shown(environment: &str) -> String {
    format!(".floodway/decisions/{environment}.ndjson")
}

/// Of so many bytes of a log's end the last decision is found.
const TAIL: u64 = 1024 * 1024;

/// The last decision that the log has.
pub(super) fn last(root: &Path, environment: &str) -> Result<Option<DecisionRecord>, Failure> {
    for path in paths(root, environment) {
        let read = || {
            let mut file = File::open(&path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
            let mut bytes = Vec::new();
            file.take(TAIL).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes: Vec<u8> = match read() {
            Ok(bytes) => bytes,
            Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::file(&path, "cannot be read", &error)),
        };
        let mut lines = bytes.rsplit(|byte| *byte == b'\n');
        let found =
            lines.find_map(|line| DecisionRecord::from_line(&String::from_utf8_lossy(line)));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Reads on in a log that is being written.
pub(super) struct Follow {
    path: PathBuf,
    /// Which file was read, up to where.
    read: Option<((u64, u64), u64)>,
    /// What of a line has been written.
    half: Vec<u8>,
}

impl Follow {
    /// Reads on in the log of `environment`, from what the newer of its files has
    /// first.
    pub(super) fn new(root: &Path, environment: &str) -> Self {
        let [path, _] = paths(root, environment);
        Self { path, read: None, half: Vec::new() }
    }

    /// What was written since the last time.
    ///
    /// # Errors
    /// A file that cannot be read; none is no error.
    pub(super) fn more(&mut self) -> io::Result<Vec<DecisionRecord>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        let from = match self.read {
            Some((known, from)) if known == identity && from <= metadata.len() => from,
            _ => {
                self.half.clear();
                0
            }
        };
        file.seek(SeekFrom::Start(from))?;
        let read = file.read_to_end(&mut self.half)?;
        self.read = Some((identity, from + read as u64));
        let whole = self.half.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.half.drain(..whole).collect();
        let lines = lines.split(|byte| *byte == b'\n');
        Ok(lines
            .filter_map(|line| DecisionRecord::from_line(&String::from_utf8_lossy(line)))
            .collect())
    }
}

#[cfg(test)]
mod tests;
