//! Runs one machine to its end, and keeps all that it tells on the way.

use super::console::{Console, dead};
use super::error::{Error, Failure};
use super::imds::{self, Imds};
use super::port::{self, Told};
use super::qmp;
use super::report::Progress;
use super::tools::Tools;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::process::Child;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// What the machine still says after its end arrives within this.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The most that the console's file takes, in bytes.
const MOST_CONSOLE: u64 = 64 * 1024 * 1024;
/// The most that is kept of what QEMU itself says, in bytes.
const MOST_QEMU: u64 = 16 * 1024;

/// What a machine is run with.
#[derive(Debug)]
pub(super) struct Setup<'s> {
    pub(super) tools: &'s Tools,
    pub(super) arguments: Vec<OsString>,
    /// Where QEMU is started.
    pub(super) folder: &'s Path,
    pub(super) imds: Imds,
    pub(super) imds_listener: TcpListener,
    pub(super) port: UnixListener,
    pub(super) monitor: UnixListener,
    /// Where the console is written to.
    pub(super) console: Option<File>,
    pub(super) limit: Duration,
}

/// How a machine that told its facts ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) told: Told,
    /// When the facts were told, since power-on.
    pub(super) told_after: Duration,
    /// From then until the end.
    pub(super) off_after: Duration,
    /// In QEMU's words; none: it did not say.
    pub(super) reason: Option<String>,
    /// None: it was ended.
    pub(super) status: Option<ExitStatus>,
}

/// What comes from a machine, in the order in which it comes.
#[derive(Debug)]
enum Event {
    Console(Vec<u8>),
    Port(Result<Option<Told>, String>),
    Shutdown(Option<String>),
    Qemu(String),
}

/// Why it is over.
enum End {
    Exit(io::Result<ExitStatus>),
    /// It says nothing more that helps.
    Dead(String),
}

/// Runs it.
///
/// # Errors
/// It does not start, or ends without having told its facts.
pub(super) async fn run(setup: Setup<'_>, progress: &impl Fn(Progress)) -> Result<Ended, Error> {
    let start = Instant::now();
    let mut child = setup
        .tools
        .machine()
        .current_dir(setup.folder)
        .args(&setup.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Error::host("start QEMU", error))?;
    progress(Progress::Started(child.id().unwrap_or_default()));
    // A slow reader slows the machine down; nothing is lost.
    let (say, mut events) = channel(64);
    let mut tasks = JoinSet::new();
    if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
        tasks.spawn(console(out, setup.console, say.clone()));
        tasks.spawn(qemu(err, say.clone()));
    }
    tasks.spawn(port_of(setup.port, say.clone()));
    tasks.spawn(monitor_of(setup.monitor, say));
    let imds = setup.imds.clone();
    let mut service = JoinSet::new();
    service.spawn(imds::serve(setup.imds, setup.imds_listener));

    let mut seen = Seen::default();
    let limit = start + setup.limit;
    let end = seen.follow(&mut child, &mut events, limit, progress).await;
    let status = match &end {
        End::Exit(Ok(status)) => Some(*status),
        End::Exit(Err(_)) | End::Dead(_) => {
            let _ = child.kill().await;
            None
        }
    };
    let over = Instant::now();
    let _ = timeout(LAST_WORDS, seen.rest(&mut events, progress)).await;
    match (seen.told.take(), end) {
        (Some(told), _) => Ok(Ended {
            told_after: told.at.duration_since(start),
            off_after: over.duration_since(told.at),
            told,
            reason: seen.shutdown,
            status,
        }),
        (None, end) => Err(Error::Boot(Box::new(Failure {
            why: seen.why(&end),
            after: over.duration_since(start),
            requests: imds.count(),
            console: seen.console.end(),
            qemu: seen.qemu,
        }))),
    }
}

/// What a machine has told so far.
#[derive(Debug, Default)]
struct Seen {
    console: Console,
    told: Option<Told>,
    /// What came on the probe's port and was not understood.
    wrong: Option<String>,
    shutdown: Option<String>,
    qemu: String,
}

impl Seen {
    /// Until it is over.
    async fn follow(
        &mut self,
        child: &mut Child,
        events: &mut Receiver<Event>,
        limit: Instant,
        progress: &impl Fn(Progress),
    ) -> End {
        loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => {
                    if let Some(why) = self.take(event, progress) {
                        return End::Dead(why);
                    }
                }
                status = child.wait() => return End::Exit(status),
                () = sleep_until(limit) => {
                    return End::Dead("it has not come to its end within the time limit".to_owned());
                }
            }
        }
    }

    /// What is still on its way when it is over.
    async fn rest(&mut self, events: &mut Receiver<Event>, progress: &impl Fn(Progress)) {
        while let Some(event) = events.recv().await {
            self.take(event, progress);
        }
    }

    /// Why it is over by this; none: it goes on.
    fn take(&mut self, event: Event, progress: &impl Fn(Progress)) -> Option<String> {
        match event {
            Event::Console(bytes) => {
                let mut lines = self.console.show(&bytes);
                if bytes.is_empty() {
                    lines.extend(self.console.close());
                }
                let why = lines.iter().find_map(|line| dead(line));
                lines.into_iter().map(Progress::Line).for_each(progress);
                return why;
            }
            Event::Port(Ok(Some(told))) => {
                self.told = Some(told);
                progress(Progress::Told);
            }
            Event::Port(Ok(None)) => {}
            Event::Port(Err(why)) => {
                self.wrong = Some(format!("what the probe told cannot be read: {why}"));
                return self.wrong.clone();
            }
            Event::Shutdown(reason) => self.shutdown = reason,
            Event::Qemu(said) => self.qemu = said,
        }
        None
    }

    /// Why nothing was told.
    fn why(&self, end: &End) -> String {
        // It explains an exit that looks like any other.
        if let Some(said) = self.console.init() {
            return said.to_owned();
        }
        if let Some(wrong) = &self.wrong {
            return wrong.clone();
        }
        match (end, self.shutdown.as_deref()) {
            (End::Dead(why), _) => why.clone(),
            (End::Exit(_), Some("guest-shutdown")) => {
                "the machine powered off, and its probe had said nothing".to_owned()
            }
            (End::Exit(_), Some("guest-reset")) => {
                "the machine restarted, and its probe had said nothing".to_owned()
            }
            (End::Exit(Ok(status)), _) => format!("QEMU ended ({status})"),
            (End::Exit(Err(error)), _) => format!("QEMU is lost: {error}"),
        }
    }
}

/// The console, and at its end nothing once.
async fn console(mut out: impl AsyncRead + Unpin, mut file: Option<File>, say: Sender<Event>) {
    let mut bytes = vec![0; 16 * 1024];
    let mut room = MOST_CONSOLE;
    loop {
        let length = out.read(&mut bytes).await.unwrap_or_default();
        let part = &bytes[..length];
        room = room.saturating_sub(length as u64);
        if let Some(open) = &mut file {
            // A file that cannot be written ends no test: the lines are kept here.
            if room == 0 || open.write_all(part).await.is_err() || open.flush().await.is_err() {
                file = None;
            }
        }
        if say.send(Event::Console(part.to_vec())).await.is_err() || length == 0 {
            return;
        }
    }
}

async fn qemu(err: impl AsyncRead + Unpin, say: Sender<Event>) {
    let mut said = Vec::new();
    let mut err = err.take(MOST_QEMU);
    let _ = err.read_to_end(&mut said).await;
    let said = String::from_utf8_lossy(&said).into_owned();
    let _ = say.send(Event::Qemu(said)).await;
    // What is more is thrown away, so that QEMU never waits for it.
    let _ = tokio::io::copy(&mut err.into_inner(), &mut tokio::io::sink()).await;
}

async fn port_of(listener: UnixListener, say: Sender<Event>) {
    if let Ok((stream, _)) = listener.accept().await {
        let _ = say.send(Event::Port(port::read(stream).await)).await;
    }
}

async fn monitor_of(listener: UnixListener, say: Sender<Event>) {
    if let Ok((stream, _)) = listener.accept().await {
        let (from, to) = stream.into_split();
        let _ = say.send(Event::Shutdown(qmp::shutdown(from, to).await)).await;
    }
}
