//! What has happened beside the decision: who leads, what is taken back, and what
//! operators have said. It is told with the events of the decision, once.

use crate::clock::Timestamp;
use crate::controller::drains::Noticed;
use crate::controller::lead::Standing;
use crate::controller::turn::Controller;
use crate::decide::scaling::{Event, EventKind};
use crate::id::Name;
use crate::observe::{HandHold, Hands, Override};
use std::collections::BTreeMap;

/// Instances with notice that are named.
const NAMED: usize = 8;

/// What of it was told.
#[derive(Debug, Clone, Default)]
pub(in crate::controller) struct News {
    /// That it leads.
    leads: bool,
    led: Led,
    /// What operators said; none: this controller has not heard them yet.
    said: Option<Hands>,
}

/// Who led last, as far as this controller has seen.
#[derive(Debug, Clone, Default)]
enum Led {
    #[default]
    Nobody,
    This,
    Another(String),
}

impl Controller {
    /// What has happened since the turn before: `noticed` are the units that have notice
    /// now, and `now` is the time of the decision.
    pub(in crate::controller) fn news(
        &mut self,
        standing: &Standing,
        noticed: &BTreeMap<Name, Noticed>,
        now: Timestamp,
    ) -> Vec<Event> {
        let name = &self.session.resolved.environment.environment.name;
        // Without a fence nobody else could lead.
        let elects = self.fence.is_some();
        let led = if elects { self.news.of_standing(standing) } else { None };
        let led = led.map(|(kind, text)| Event { kind, about: name.clone(), text });
        let mut events: Vec<Event> = led.into_iter().collect();
        events.extend(noticed.iter().map(of_notice));
        if let Some(said) = &self.hands {
            let said = said.clone().in_force(now);
            let told = self.news.of_operators(said, (self.memory.at, now));
            events.extend(told.into_iter().map(|(kind, pool, text)| {
                let about = pool.unwrap_or_else(|| name.clone());
                Event { kind, about, text }
            }));
        }
        events
    }
}

impl News {
    /// That it leads from now on, or leads no more.
    fn of_standing(&mut self, standing: &Standing) -> Option<(EventKind, String)> {
        let led = std::mem::replace(&mut self.leads, *standing == Standing::Leads);
        let lost = |text: String| led.then_some((EventKind::LeaderLost, text));
        match standing {
            Standing::Leads if led => None,
            Standing::Leads => {
                let text = match std::mem::replace(&mut self.led, Led::This) {
                    Led::Nobody => "this controller leads from now on".to_owned(),
                    Led::This => "this controller leads again".to_owned(),
                    Led::Another(leader) => {
                        format!("this controller leads from now on; before it led {leader}")
                    }
                };
                Some((EventKind::LeaderElected, text))
            }
            Standing::Follows { leader } => {
                let who = if leader.is_empty() { "another" } else { leader.as_str() };
                self.led = Led::Another(who.to_owned());
                lost(format!("this controller leads no more: {who} does"))
            }
            Standing::CutOff { why } => lost(format!(
                "this controller cannot extend its lease, and only adds capacity until it can: {}",
                why.in_a_line()
            )),
            Standing::Waits { why } => lost(format!(
                "this controller leads no more, and does not know who does: {}",
                why.in_a_line()
            )),
        }
    }

    /// What operators have `said` since it was told, and what of it counts no more; each
    /// with its pool, if it is about one. Who hears them for the first time takes for
    /// told what was said before the last decision, which was `decided` at that time.
    fn of_operators(
        &mut self,
        said: Hands,
        (decided, now): (Option<Timestamp>, Timestamp),
    ) -> Vec<(EventKind, Option<Name>, String)> {
        let before = self.said.take().unwrap_or_else(|| said_by(&said, decided));
        let mut told: Vec<(EventKind, Option<Name>, String)> = Vec::new();
        let held = |hands: &Hands, hold: &HandHold| hands.holds.iter().any(|one| same(one, hold));
        let new_holds = said.holds.iter().filter(|hold| !held(&before, hold));
        for hold in new_holds.clone() {
            told.push((EventKind::OperatorHold, hold.pool.clone(), held_text(hold)));
        }
        let new_numbers = said.overrides.iter().filter(|&set| !before.overrides.contains(set));
        for set in new_numbers.clone() {
            told.push((EventKind::OperatorNumber, Some(set.pool.clone()), set_text(set)));
        }
        // What another word has replaced is told by that one.
        for hold in before.holds.iter().filter(|hold| !held(&said, hold)) {
            if !new_holds.clone().any(|new| new.pool == hold.pool) {
                let what = format!("the hold of {}", place(hold));
                let text = over_text(what, (hold.until, now), (&hold.reason, &hold.by));
                let over = (EventKind::OperatorResumed, hold.pool.clone(), text);
                // Each direction of it may have been a word of its own.
                if !told.contains(&over) {
                    told.push(over);
                }
            }
        }
        for set in before.overrides.iter().filter(|&set| !said.overrides.contains(set)) {
            if !new_numbers.clone().any(|new| new.pool == set.pool) {
                let what = format!("the number of {}, {},", set.pool, set.units);
                let text = over_text(what, (set.until, now), (&set.reason, &set.by));
                told.push((EventKind::OperatorResumed, Some(set.pool.clone()), text));
            }
        }
        self.said = Some(said);
        told
    }
}

/// What of it was said by then; where that is not known, all of it.
fn said_by(said: &Hands, by: Option<Timestamp>) -> Hands {
    let known = |since: Timestamp| by.is_none_or(|by| since <= by);
    let mut hands = said.clone();
    hands.holds.retain(|hold| known(hold.since));
    hands.overrides.retain(|set| known(set.since));
    hands
}

/// Whether it is the same word, of which a later one may have replaced a direction.
fn same(one: &HandHold, other: &HandHold) -> bool {
    let word = |hold: &HandHold| HandHold { scale_in: true, scale_out: true, ..hold.clone() };
    word(one) == word(other)
}

fn place(hold: &HandHold) -> &str {
    hold.pool.as_ref().map_or("everything", Name::as_str)
}

/// `g6e is not to be scaled in until 2026-03-02T18:00:00Z: INC-7 (ada)`
fn held_text(hold: &HandHold) -> String {
    let moved = match (hold.scale_in, hold.scale_out) {
        (true, true) => "moved",
        (true, false) => "scaled in",
        (false, _) => "scaled out",
    };
    let what = format!("{} is not to be {moved}{}", place(hold), until(hold.until));
    because(what, (&hold.reason, &hold.by))
}

/// `g6e is to have 2 until 2026-03-02T18:00:00Z: launch (ada)`
fn set_text(set: &Override) -> String {
    let what = format!("{} is to have {}{}", set.pool, set.units, until(set.until));
    because(what, (&set.reason, &set.by))
}

/// `the hold of g6e was taken back: INC-7 (ada)`
fn over_text(
    what: String,
    (until, now): (Option<Timestamp>, Timestamp),
    who: (&str, &str),
) -> String {
    let ran_out = until.is_some_and(|until| until <= now);
    let how = if ran_out { "has run out" } else { "was taken back" };
    because(format!("{what} {how}"), who)
}

fn until(until: Option<Timestamp>) -> String {
    until.map_or_else(String::new, |until| format!(" until {until}"))
}

fn because(what: String, (reason, by): (&str, &str)) -> String {
    let by = if by.is_empty() { String::new() } else { format!(" ({by})") };
    format!("{what}: {reason}{by}")
}

/// `AWS takes 2 spot instances back, the first at 2026-03-02T18:00:00Z: i-1, i-2`
fn of_notice((pool, noticed): (&Name, &Noticed)) -> Event {
    let units = &noticed.units;
    let at = noticed.first.strftime("%Y-%m-%dT%H:%M:%SZ");
    let what = match units.len() {
        1 => format!("a spot instance back at {at}"),
        many => format!("{many} spot instances back, the first at {at}"),
    };
    let named = units.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match units.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let text = format!("AWS takes {what}: {named}{more}");
    Event { kind: EventKind::SpotNotice, about: pool.clone(), text }
}

#[cfg(test)]
mod tests;
