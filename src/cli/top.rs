use super::decision_log::Follow;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, applying, connect, repository};
use crate::clock::Timestamp;
use crate::decide::scaling::DecisionRecord;
use crate::observe::Hands;
use crate::pipeline::{self, Session};
use crate::render::top;
use ratatui::backend::Backend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Watch the controller: load, forecast, pools, cost, what is held, the last decisions
///
/// Reads the decision log of this folder, and what operators have said, every two
/// seconds. Keys: q quits, space freezes, arrows go through the decisions, Tab shows
/// the next stage.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Print one frame and end
    #[arg(long)]
    once: bool,
    /// Begin with the decision that was in force then
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

const REFRESH: Duration = Duration::from_secs(2);
/// How long what operators have said is waited for before there is anything to see.
const FIRST: Duration = Duration::from_secs(5);
/// As that, while keys must be heard: what comes later is shown the next time.
const A_MOMENT: Duration = Duration::from_millis(100);
/// Decisions that are kept to go back to: more than a day of minutes.
const KEPT: usize = 2000;

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let resolved = located.resolve(terminal)?;
    let environment = resolved.environment.environment.name.to_string();
    let follow = Follow::new(located.files.root(), &environment);
    let path = located.files.root().join(".floodway/decisions");
    let unread = |error: io::Error| Failure::file(&path, "cannot be read", &error);
    applying::block_on(async {
        let session = match connect::connected(&located, resolved, global, terminal).await {
            Ok((session, _)) => Ok(Arc::new(session)),
            Err(failure) => Err(failure.view.map_or_else(String::new, |view| view.message)),
        };
        let mut view = View {
            environment,
            records: Vec::new(),
            at: 0,
            frozen: false,
            stage: 0,
            hands: Err("there is no answer yet".to_owned()),
            asked: None,
            follow,
            session,
        };
        view.refresh(FIRST).await.map_err(unread)?;
        if view.records.is_empty() {
            return Err(Failure::new(Exit::Failed, "no decision is on record here").help(format!(
                "the controller records them where it runs: `floodway run {}`",
                args.env
            )));
        }
        if let Some(at) = args.at {
            view.go_to(at)?;
        }
        if args.once {
            let columns = u16::try_from(terminal.out.width).unwrap_or(u16::MAX);
            terminal.print(&top::text(
                &view.top(),
                &terminal.out,
                columns.clamp(40, 200),
                top::LINES,
            ));
            return Ok(Exit::Done);
        }
        let dumb = std::env::var_os("TERM").is_none_or(|name| name == "dumb" || name.is_empty());
        if dumb || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(Failure::usage("there is no terminal that a live view can be drawn on")
                .help("`floodway top --once` prints one frame"));
        }
        let mut screen = ratatui::try_init()
            .map_err(|error| Failure::new(Exit::Failed, format!("no live view: {error}")))?;
        let watched = watch(&mut view, &mut screen, terminal, pressed).await;
        ratatui::restore();
        watched.map_err(|error| Failure::new(Exit::Failed, format!("the live view ended: {error}")))
    })
}

/// What is watched.
struct View {
    environment: String,
    records: Vec<DecisionRecord>,
    at: usize,
    frozen: bool,
    stage: usize,
    /// As it was heard last.
    hands: Result<Hands, String>,
    /// What has no answer yet.
    asked: Option<JoinHandle<Result<Hands, String>>>,
    follow: Follow,
    session: Result<Arc<Session>, String>,
}

/// The key that is pressed within a time; none: none is.
fn pressed(within: Duration) -> io::Result<Option<KeyEvent>> {
    if !event::poll(within)? {
        return Ok(None);
    }
    match event::read()? {
        Event::Key(key) if key.kind == KeyEventKind::Press => Ok(Some(key)),
        // Another size is drawn at once.
        _ => Ok(Some(KeyEvent::new(KeyCode::Null, KeyModifiers::NONE))),
    }
}

/// Draws, and does what `keys` say, until one of them ends it.
async fn watch<B: Backend>(
    view: &mut View,
    screen: &mut ratatui::Terminal<B>,
    terminal: &Terminal,
    mut keys: impl FnMut(Duration) -> io::Result<Option<KeyEvent>>,
) -> io::Result<Exit>
where
    B::Error: Send + Sync + 'static,
{
    let mut next = Instant::now() + REFRESH;
    loop {
        let drawn = screen.draw(|frame| {
            let area = frame.area();
            top::draw(&view.top(), &terminal.out, area, frame.buffer_mut());
        });
        drawn.map_err(io::Error::other)?;
        let left = next.saturating_duration_since(Instant::now());
        // Nothing else runs meanwhile.
        if let Some(key) = keys(left)? {
            let interrupt = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                KeyCode::Char('c') if interrupt => return Ok(Exit::Done),
                KeyCode::Char('q') | KeyCode::Esc => return Ok(Exit::Done),
                code => view.key(code),
            }
        } else {
            view.refresh(A_MOMENT).await?;
            next = Instant::now() + REFRESH;
        }
    }
}

impl View {
    fn top(&self) -> top::Top<'_> {
        top::Top {
            environment: &self.environment,
            records: &self.records,
            at: self.at,
            frozen: self.frozen,
            stage: self.stage,
            hands: self.hands.as_ref().map_err(String::as_str),
        }
    }

    /// Reads what is new, and waits so long for what operators have said.
    async fn refresh(&mut self, within: Duration) -> io::Result<()> {
        self.records.extend(self.follow.more()?);
        let over = self.records.len().saturating_sub(KEPT);
        self.records.drain(..over);
        self.at = self.at.saturating_sub(over);
        if !self.frozen {
            self.at = self.records.len().saturating_sub(1);
        }
        self.hear(within).await;
        Ok(())
    }

    /// Asks beside the view: a place that does not answer freezes nothing, and what it
    /// said last stands.
    async fn hear(&mut self, within: Duration) {
        let mut asked = match (self.asked.take(), &self.session) {
            (Some(asked), _) => asked,
            (None, Ok(session)) => tokio::spawn(said(Arc::clone(session))),
            (None, Err(why)) => {
                self.hands = Err(why.clone());
                return;
            }
        };
        match timeout(within, &mut asked).await {
            Ok(Ok(hands)) => self.hands = hands,
            // It panicked, and is asked anew.
            Ok(Err(_)) => {}
            Err(_) => self.asked = Some(asked),
        }
    }

    fn go_to(&mut self, at: Timestamp) -> Result<(), Failure> {
        let found = self.records.iter().rposition(|record| record.scaling.at <= at);
        self.at = found.ok_or_else(|| {
            let first = self.records.first().map_or(at, |first| first.scaling.at);
            let message = format!("what is read of the log begins at {first}");
            Failure::new(Exit::Failed, message).help("`floodway why --at` reads all of it")
        })?;
        self.frozen = true;
        Ok(())
    }

    /// Arrows freeze, and space takes that back.
    fn key(&mut self, code: KeyCode) {
        let last = self.records.len().saturating_sub(1);
        let (to, frozen) = match code {
            KeyCode::Char(' ') if self.frozen => (last, false),
            KeyCode::Char(' ') => (self.at, true),
            KeyCode::Left => (self.at.saturating_sub(1), true),
            KeyCode::Right => (self.at + 1, true),
            KeyCode::Up => (self.at.saturating_sub(15), true),
            KeyCode::Down => (self.at + 15, true),
            KeyCode::Tab => {
                self.stage = self.stage.wrapping_add(1);
                return;
            }
            _ => return,
        };
        (self.at, self.frozen) = (to.min(last), frozen);
    }
}

/// What operators have said.
async fn said(session: Arc<Session>) -> Result<Hands, String> {
    match pipeline::hands(&session).await {
        Ok(hands) => Ok(hands.unwrap_or_default()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::decision_log::DecisionLog;
    use super::*;
    use crate::decide::scaling::{Cost, Memory, Mode, Scaling};
    use clap::ColorChoice;
    use ratatui::backend::TestBackend;
    use std::collections::VecDeque;

    fn decision(second: i64) -> DecisionRecord {
        let scaling = Scaling {
            at: Timestamp::from_second(second).unwrap(),
            mode: Mode::Normal,
            stages: <_>::default(),
            pools: <_>::default(),
            events: Vec::new(),
            cost_now: Cost::default(),
            cost_after: Cost::default(),
            memory: Memory::default(),
        };
        DecisionRecord::of(&"day".parse().unwrap(), &scaling)
    }

    fn view(root: &std::path::Path) -> View {
        View {
            environment: "day".to_owned(),
            records: Vec::new(),
            at: 0,
            frozen: false,
            stage: 0,
            hands: Err("nobody was asked".to_owned()),
            asked: None,
            follow: Follow::new(root, "day"),
            session: Err("there is no place".to_owned()),
        }
    }

    /// Runs the loop: each key is pressed, and where there is none the time passes, in
    /// which the controller decides once more.
    async fn played(keys: &[Option<KeyCode>]) -> (View, String) {
        let folder = tempfile::tempdir().unwrap();
        let mut log = DecisionLog::new(folder.path(), "day");
        (0..3).for_each(|second| drop(log.add(&decision(second)).unwrap()));
        let mut view = view(folder.path());
        view.refresh(A_MOMENT).await.unwrap();
        let mut screen = ratatui::Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut keys: VecDeque<Option<KeyCode>> = keys.iter().copied().collect();
        let mut second = 3;
        let next = |_: Duration| {
            // Without a key more the loop would go on for ever.
            let key = keys.pop_front().unwrap_or(Some(KeyCode::Char('q')));
            if key.is_none() {
                log.add(&decision(second)).unwrap();
                second += 1;
            }
            Ok(key.map(|code| KeyEvent::new(code, KeyModifiers::NONE)))
        };
        let terminal = Terminal::detect(ColorChoice::Never);
        assert!(watch(&mut view, &mut screen, &terminal, next).await.unwrap() == Exit::Done);
        (view, screen.backend().to_string())
    }

    #[tokio::test]
    async fn it_follows_what_is_decided_until_it_is_frozen_and_then_stays() {
        let (view, screen) = played(&[None, None]).await;
        assert_eq!((view.records.len(), view.at, view.frozen), (5, 4, false));
        assert!(screen.contains("day") && screen.contains("00:00:04"), "{screen}");
        let (view, screen) = played(&[Some(KeyCode::Left), None, None]).await;
        assert_eq!((view.records.len(), view.at, view.frozen), (5, 1, true));
        assert!(screen.contains("00:00:01"), "{screen}");
        // Space takes that back.
        let (view, _) = played(&[Some(KeyCode::Left), None, Some(KeyCode::Char(' '))]).await;
        assert_eq!((view.at, view.frozen), (3, false));
    }

    #[tokio::test]
    async fn a_place_that_does_not_answer_freezes_nothing_and_what_it_said_last_stands() {
        let folder = tempfile::tempdir().unwrap();
        let asked = Some(tokio::spawn(std::future::pending()));
        let mut view = View { hands: Ok(Hands::default()), asked, ..view(folder.path()) };
        let begun = Instant::now();
        view.refresh(Duration::from_millis(10)).await.unwrap();
        assert!(begun.elapsed() < FIRST && view.asked.is_some());
        assert_eq!(view.hands, Ok(Hands::default()));
        // It is shown when it comes.
        view.asked = Some(tokio::spawn(async { Err("it is away".to_owned()) }));
        view.refresh(FIRST).await.unwrap();
        assert_eq!(view.hands, Err("it is away".to_owned()));
    }

    #[tokio::test]
    async fn every_key_of_the_head_does_what_it_says_and_no_other_does_anything() {
        let (view, _) = played(&[Some(KeyCode::Tab), Some(KeyCode::Tab)]).await;
        assert_eq!(view.stage, 2);
        let (view, _) = played(&[Some(KeyCode::Up), Some(KeyCode::Right)]).await;
        assert_eq!((view.at, view.frozen), (1, true));
        let (view, _) = played(&[Some(KeyCode::Char('x')), Some(KeyCode::Null)]).await;
        assert_eq!((view.at, view.frozen, view.stage), (2, false, 0));
        // It ends with the key, whatever comes after.
        let (view, _) = played(&[Some(KeyCode::Esc), None]).await;
        assert_eq!(view.records.len(), 3);
    }
}
