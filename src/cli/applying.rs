//! What applying commands share: the runtime, the question, the apply itself.

use super::exit::{Exit, Failure};
use super::journal_file::FileJournal;
use super::phase_watch::PhaseWatch;
use super::progress::Progress;
use super::repository::Located;
use super::stream::Stream;
use super::terminal::Terminal;
use crate::execute::{HaltKind, Limits, Report};
use crate::pipeline::{self, ApplyRequest, Session, Watch};
use crate::plan::Plan;
use crate::render::plan::{Detail, PlanView, text};
use std::future::Future;
use tokio::sync::watch;

/// Runs a command's asynchronous part. What hangs beside it, as a login helper does or a
/// name that nobody resolves, does not keep the command from its end.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Exit::Failed, format!("no threads: {error}")))?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

/// Prints a plan for people.
pub(super) fn show_plan(plan: &Plan, terminal: &Terminal, verbose: bool) {
    let detail = if verbose { Detail::Whole } else { Detail::Essential };
    terminal.print(&text(&PlanView::new(plan), &terminal.out, detail));
}

/// Asks `question`; only `yes` is taken for yes.
pub(super) fn agreed(terminal: &Terminal, question: &str) -> Result<bool, Failure> {
    let answer = terminal
        .ask(&format!("{question} Only `yes` is taken for yes: "))
        .map_err(|error| Failure::new(Exit::Failed, format!("no answer: {error}")))?;
    Ok(answer == "yes")
}

/// How an apply goes about it.
pub(super) struct Apply<'a> {
    pub(super) session: &'a Session,
    pub(super) located: &'a Located,
    pub(super) terminal: &'a Terminal,
    pub(super) stream: &'a Stream,
    /// Looks at what speaks against the next wave; none: nobody does.
    pub(super) watch: Option<PhaseWatch>,
    /// The command to run again when something is left to do.
    pub(super) again: String,
}

impl Apply<'_> {
    /// Applies `plan` and prints how it ended.
    pub(super) async fn run(&self, plan: &Plan) -> Result<Exit, Failure> {
        if !plan.refusals.is_empty() {
            return Err(pipeline::Error::Refused(plan.refusals.clone()).into());
        }
        let progress = Progress::new(plan, self.terminal, self.stream);
        let (stop, stopped) = watch::channel(None);
        let clock = pipeline::clock(&self.session.backends);
        // Told by who holds the lock: to others it may be an apply that still runs.
        let cut_off = |doing: &str| {
            let told =
                format!("the last apply was cut off at: {doing}; this one goes on from there");
            progress.warn(clock.now(), told);
        };
        let root = self.located.files.root();
        let in_order = self.session.resolved.environment.is_simulated();
        let journal = FileJournal::new(root, &plan.mark.environment, in_order, &cut_off);
        let listener = |event: &crate::execute::Event| progress.tell(clock.now(), event);
        let watch = self.watch.as_ref().map(|watch| watch as &dyn Watch);
        let request = ApplyRequest {
            holder: &holder(),
            journal: &journal,
            listener: &listener,
            stop: stopped,
            limits: Limits::default(),
        };
        let applied = tokio::select! {
            // Signals first: until they are watched, one ends the process at once.
            biased;
            () = watch_signals(&stop, self.terminal) => return Err(Failure::told(Exit::Partly)),
            applied = pipeline::apply_in_waves(self.session, plan, &request, watch) => applied?,
        };
        let report = applied.report;
        progress.end(plan, &report, self.next(&report));
        Ok(exit_of(&report))
    }

    /// The command to run next, and those to choose instead.
    fn next(&self, report: &Report) -> Vec<String> {
        let name = &self.session.mark.environment;
        let rollout = |what: &str| format!("floodway rollout {what} {name}");
        match report.halted {
            _ if report.is_done() => Vec::new(),
            Some(HaltKind::Paused) => vec![rollout("resume")],
            Some(HaltKind::Aborted) => vec![
                rollout("status"),
                rollout("rollback") + " --reason \"…\"",
                rollout("resume") + " --reason \"…\"",
            ],
            Some(HaltKind::Unread | HaltKind::Interrupted) | None => vec![self.again.clone()],
        }
    }
}

fn exit_of(report: &Report) -> Exit {
    if report.is_done() {
        Exit::Done
    } else if report.is_untouched() {
        Exit::Failed
    } else {
        Exit::Partly
    }
}

/// The first signal ends the work in order; a second one, at once.
async fn watch_signals(stop: &watch::Sender<Option<String>>, terminal: &Terminal) {
    interrupted().await;
    stop.send_replace(Some("interrupted".to_owned()));
    terminal.note("Stopping: nothing new is begun. Interrupt again to leave at once.\n");
    interrupted().await;
    terminal.note("Left at once: plan again to see what is done.\n");
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Who applies, for whoever finds the lock held.
pub(super) fn holder() -> String {
    format!("{}, process {}", who(), std::process::id())
}

/// Who gives a command, as far as the machine tells.
pub(super) fn who() -> String {
    let name = |key: &str| std::env::var(key).ok().filter(|value| !value.is_empty());
    let user = name("USER").or_else(|| name("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "this host" } else { host.trim() };
    format!("{user}@{host}")
}
