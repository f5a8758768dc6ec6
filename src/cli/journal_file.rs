//! The journal as a file: one line an entry, safe on disk before it counts.

use super::exit::Failure;
use super::home;
use crate::execute::{Entry, History, Journal, LastWave, WaveState};
use async_trait::async_trait;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use tokio::sync::oneshot;

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The last apply's.
    Last,
    /// That of the one before, kept beside it.
    Before,
}

/// `.floodway/journal/<environment>.ndjson`, or `….before.ndjson`.
pub(super) fn path(root: &Path, environment: &str, which: Which) -> PathBuf {
    let end = match which {
        Which::Last => "ndjson",
        Which::Before => "before.ndjson",
    };
    root.join(".floodway/journal").join(format!("{environment}.{end}"))
}

/// A journal's text; none: there is none. What is no UTF-8 is damaged like any
/// other line.
pub(super) fn read(
    root: &Path,
    environment: &str,
    which: Which,
) -> Result<Option<String>, Failure> {
    let path = path(root, environment, which);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file(&path, "cannot be read", &error)
            .help("mend that, or delete it: it explains, and no plan needs it")),
    }
}

/// The journal of an apply. It is begun by its first entry: until then another
/// apply may be under way, whose journal it is.
pub(super) struct FileJournal<'a> {
    root: &'a Path,
    environment: &'a str,
    /// Is told what the apply before was cut off at.
    cut_off: &'a (dyn Fn(&str) + Send + Sync),
    /// Lines are made safe one by one, in the order in which they come, and not
    /// together with those that wait: a simulated world answers at once, and what
    /// is told of it is the same each time.
    in_order: bool,
    writer: Mutex<Option<Writer>>,
}

/// What writes lines.
enum Writer {
    /// This very thread.
    Here(File),
    /// One of its own, for all that wait at once.
    Aside(Sender<Line>),
}

/// A line that waits to be safe, and who waits for it.
struct Line {
    text: Vec<u8>,
    safe: oneshot::Sender<io::Result<()>>,
}

impl<'a> FileJournal<'a> {
    /// A journal that nothing is written to yet.
    pub(super) fn new(
        root: &'a Path,
        environment: &'a str,
        in_order: bool,
        cut_off: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Self {
        Self { root, environment, cut_off, in_order, writer: Mutex::new(None) }
    }

    /// A new file; the one of the apply before is kept beside it.
    fn begin(&self, path: &Path) -> io::Result<File> {
        home::folder(self.root)?;
        fs::create_dir_all(path.parent().unwrap_or(self.root))?;
        if let Some(doing) = cut_off(path) {
            (self.cut_off)(&doing);
        }
        if path.exists() {
            fs::rename(path, self::path(self.root, self.environment, Which::Before))?;
        }
        OpenOptions::new().create(true).append(true).open(path)
    }

    async fn write(&self, entry: &Entry, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec(entry)?;
        text.push(b'\n');
        let gone = || io::Error::other("its writer has ended");
        match self.hand_over(text, path)? {
            None => Ok(()),
            Some(is_safe) => is_safe.await.map_err(|_| gone())?,
        }
    }

    /// Writes a line, or has it written: then it is told when it is safe.
    fn hand_over(
        &self,
        text: Vec<u8>,
        path: &Path,
    ) -> io::Result<Option<oneshot::Receiver<io::Result<()>>>> {
        let mut begun = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = match begun.as_mut() {
            Some(writer) => writer,
            None => begun.insert(Writer::new(self.begin(path)?, self.in_order)?),
        };
        match writer {
            Writer::Here(file) => {
                file.write_all(&text)?;
                file.sync_data().map(|()| None)
            }
            Writer::Aside(lines) => {
                let (safe, is_safe) = oneshot::channel();
                let gone = |_| io::Error::other("its writer has ended");
                lines.send(Line { text, safe }).map_err(gone)?;
                Ok(Some(is_safe))
            }
        }
    }
}

impl Writer {
    fn new(file: File, in_order: bool) -> io::Result<Self> {
        if in_order {
            return Ok(Self::Here(file));
        }
        let (lines, waiting) = mpsc::channel();
        thread::Builder::new().name("journal".to_owned()).spawn(move || keep(file, &waiting))?;
        Ok(Self::Aside(lines))
    }
}

/// Writes lines until nobody sends any more. Making a line safe costs the same for
/// one and for all that wait by then.
fn keep(mut file: File, lines: &Receiver<Line>) {
    while let Ok(first) = lines.recv() {
        let waiting: Vec<Line> = iter::once(first).chain(lines.try_iter()).collect();
        let texts = waiting.iter().flat_map(|line| &line.text).copied().collect::<Vec<u8>>();
        let kept = file.write_all(&texts).and_then(|()| file.sync_data());
        for line in waiting {
            let answer = match &kept {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            let _ = line.safe.send(answer);
        }
    }
}

#[async_trait]
impl Journal for FileJournal<'_> {
    async fn record(&self, entry: &Entry) -> io::Result<()> {
        let path = path(self.root, self.environment, Which::Last);
        self.write(entry, &path)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}

/// What the last apply was doing when it was cut off; none: it ended, or there
/// was none.
fn cut_off(path: &Path) -> Option<String> {
    let history = History::read(&String::from_utf8_lossy(&fs::read(path).ok()?));
    if history.begun.is_none() || history.ended.is_some() {
        return None;
    }
    let last = history.in_flight().max_by_key(|write| write.at);
    Some(match (last, history.wave) {
        (Some(write), _) => format!("{} {}", write.step, write.id),
        (None, Some(LastWave { wave, of, state: WaveState::Waiting, .. })) => {
            format!("the wait after wave {wave} of {of}")
        }
        (None, _) => "a moment between two writes".to_owned(),
    })
}
