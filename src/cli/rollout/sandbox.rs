//! An environment's own templates, made to documents by a process that can do nothing
//! else: it has no environment, opens no file, and is given little time and memory.
//!
//! A pull request may bring templates: what they may take is bounded by the kernel.

use crate::cli::exit::{Exit, Failure};
use crate::cli::terminal::Terminal;
use crate::render::rollout::{Format, Templates, document};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The command that the process is started with.
pub(super) const COMMAND: &str = "render-templates";

/// What a document may be.
const MOST_OUTPUT: usize = 16 << 20;
/// What the process may be asked.
const MOST_INPUT: u64 = 256 << 20;
/// What it may say of its failure.
const MOST_COMPLAINT: u64 = 64 << 10;
const MEMORY: u64 = 512 << 20;
const CPU_SECONDS: u64 = 5;
/// It computes and does nothing else: whatever takes longer hangs, however busy the
/// machine is.
const WHOLE: Duration = Duration::from_secs(120);

/// Signals, by which the kernel says what was exceeded.
const ABORTED: i32 = 6;
const KILLED: i32 = 9;
const OVERFLOWED: i32 = 11;
const OUT_OF_TIME: i32 = 24;

#[derive(Serialize, Deserialize)]
struct Request {
    format: Format,
    templates: Templates,
    view: serde_json::Value,
}

/// Makes a document of `view` with `templates`, in a process of its own.
pub(super) fn render(
    format: Format,
    view: &serde_json::Value,
    templates: &Templates,
) -> Result<String, Failure> {
    let request = Request { format, templates: templates.clone(), view: view.clone() };
    let failed = |error: io::Error| {
        Failure::new(Exit::Failed, format!("the templates could not be rendered aside: {error}"))
    };
    let request = serde_json::to_vec(&request).map_err(|error| failed(error.into()))?;
    let mut child = start().map_err(failed)?;
    let talk = talk(&mut child, request);
    let (document, complaint) = match talk.recv_timeout(WHOLE) {
        Ok(said) => said,
        Err(_) => {
            // It has ended, or is ended: either way nothing is left of it.
            let _ = child.kill();
            let _ = child.wait();
            return Err(too_much(templates, "hang"));
        }
    };
    if document.len() > MOST_OUTPUT {
        let _ = child.kill();
    }
    let ended = child.wait().map_err(failed)?;
    if document.len() > MOST_OUTPUT {
        return Err(too_much(templates, &format!("make more than {} MiB", MOST_OUTPUT >> 20)));
    }
    if ended.success() {
        return Ok(document);
    }
    Err(why(templates, ended, &complaint))
}

fn start() -> io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["rollout", COMMAND])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Tells it what to do and hears what it says, bounded, whatever it does.
fn talk(child: &mut Child, request: Vec<u8>) -> mpsc::Receiver<(String, String)> {
    let (told, hear) = mpsc::channel();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::spawn(move || {
        // One that ends before it has read all says why elsewhere.
        let _ = stdin.map(|mut stdin| stdin.write_all(&request));
    });
    let complaint = thread::spawn(move || text(stderr, MOST_COMPLAINT));
    thread::spawn(move || {
        let document = text(stdout, MOST_OUTPUT as u64 + 1);
        let complaint = complaint.join().unwrap_or_default();
        let _ = told.send((document, complaint));
    });
    hear
}

fn text(from: Option<impl Read>, most: u64) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let _ = from.take(most).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn why(templates: &Templates, ended: ExitStatus, complaint: &str) -> Failure {
    match ended.signal() {
        Some(KILLED | OUT_OF_TIME) => {
            too_much(templates, &format!("take more than {CPU_SECONDS} s of a processor"))
        }
        Some(ABORTED) => {
            too_much(templates, &format!("need more than {} MiB of memory", MEMORY >> 20))
        }
        Some(OVERFLOWED) => too_much(templates, "nest too deeply"),
        _ => Failure::new(Exit::Invalid, complaint.trim_end().to_owned()),
    }
}

fn too_much(templates: &Templates, what: &str) -> Failure {
    let folder = templates.folder();
    Failure::new(Exit::Invalid, format!("the templates in {folder} {what}"))
        .help("make less of the rollout, or render it with the templates that ship with Floodway")
}

/// Make a document of what comes in
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {}

/// What the process does.
pub(super) fn run(_: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    bound()
        .map_err(|error| Failure::new(Exit::Failed, format!("it cannot be bounded: {error}")))?;
    let request: Request = serde_json::from_reader(io::stdin().lock().take(MOST_INPUT))
        .map_err(|error| Failure::new(Exit::Failed, format!("nothing to render: {error}")))?;
    match document(request.format, &request.view, &request.templates, MOST_OUTPUT) {
        Ok(document) => {
            terminal.print(&document);
            Ok(Exit::Done)
        }
        Err(error) => {
            terminal.note(&format!("{error}\n"));
            Err(Failure::told(Exit::Invalid))
        }
    }
}

/// From here on: this much time and memory, no more files, no more processes.
fn bound() -> io::Result<()> {
    let limit = |resource, most: u64| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
    };
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nproc, 0)?;
    limit(Resource::Nofile, 3)?;
    limit(Resource::Cpu, CPU_SECONDS)?;
    limit(Resource::As, MEMORY)?;
    Ok(())
}
