//! A rollout is its last phase: applied phase by phase or at once, and undone, the
//! world is the one that the phase declares.

use super::declared::{Declared, FILE, OneFile, declared};
use super::heal::World;
use super::history::{Edit, edit};
use super::place::Place;
use floodway::id::Name;
use floodway::spec::{Resolved, resolve_at};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use toml::{Table, Value};

/// An environment as it is in each phase; the first is the file without any.
#[derive(Debug, Clone)]
struct Way {
    states: Vec<Declared>,
    file: String,
}

/// A rename says that a thing is another one's successor: two files, not one.
fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = edit().prop_filter("no rename", |edit| !matches!(edit, Edit::Rename(..)));
    prop::collection::vec(edit, 1..4)
}

fn way() -> impl Strategy<Value = Way> {
    (declared(), prop::collection::vec(edits(), 1..4)).prop_map(|(first, phases)| {
        let mut states = vec![first];
        for edits in &phases {
            states.push(states[states.len() - 1].edited(edits));
        }
        let file = file(&states);
        Way { states, file }
    })
}

/// The first state, and a phase for the way from each to the next.
fn file(states: &[Declared]) -> String {
    let mut text = states[0].toml();
    for (at, two) in states.windows(2).enumerate() {
        writeln!(text, "[rollout.phases.p{}]\norder = {}", at + 1, at + 1).unwrap();
        let [before, after] = [&two[0], &two[1]].map(|state| state.toml().parse().unwrap());
        let mut steps: BTreeMap<String, Step> = BTreeMap::new();
        differ(&mut steps, &[], &before, &after);
        for (step, (name, Step { set, unset })) in steps.iter().enumerate() {
            let head = format!("rollout.phases.p{}.steps.s{step}", at + 1);
            writeln!(text, "[{head}]\nsummary = {}\nunset = {unset:?}", quoted(name)).unwrap();
            for (path, value) in set {
                writeln!(text, "set.{path} = {}", written(value)).unwrap();
            }
        }
    }
    text
}

#[derive(Default)]
struct Step {
    set: Vec<(String, Value)>,
    unset: Vec<String>,
}

/// Steps from `before` to `after`, one for each thing: a pool, a stage, a table.
fn differ(steps: &mut BTreeMap<String, Step>, path: &[&str], before: &Table, after: &Table) {
    let dotted = |key: &str| {
        let whole: Vec<String> = path.iter().chain([&key]).map(|key| quoted_key(key)).collect();
        let thing: Vec<&str> = path.iter().chain([&key]).take(3).copied().collect();
        (thing.join("."), whole.join("."))
    };
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        let (thing, whole) = dotted(key);
        steps.entry(thing).or_default().unset.push(whole);
    }
    for (key, value) in after {
        let (thing, whole) = dotted(key);
        match (before.get(key), value) {
            (Some(old), new) if old == new => {}
            (Some(Value::Table(old)), Value::Table(new)) => {
                differ(steps, &[path, &[key.as_str()]].concat(), old, new);
            }
            (old, new) => {
                let step = steps.entry(thing).or_default();
                // A table would be laid upon what is no table, and the other way round.
                if old.is_some_and(|old| old.is_table() != new.is_table()) {
                    step.unset.push(whole.clone());
                }
                step.set.push((whole, new.clone()));
            }
        }
    }
}

/// As TOML writes it on one line.
fn written(value: &Value) -> String {
    let all = |all: Vec<String>| all.join(", ");
    match value {
        Value::String(text) => quoted(text),
        Value::Array(values) => format!("[{}]", all(values.iter().map(written).collect())),
        Value::Table(table) => {
            let entry = |(key, value): (&String, &toml::Value)| {
                format!("{} = {}", quoted_key(key), written(value))
            };
            format!("{{ {} }}", all(table.iter().map(entry).collect()))
        }
        Value::Integer(number) => number.to_string(),
        Value::Boolean(value) => value.to_string(),
        other => panic!("not in these files: {other:?}"),
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn quoted_key(key: &str) -> String {
    let bare = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { quoted(key) }
}

impl Way {
    fn at(&self, phase: usize) -> Resolved {
        let name: Option<Name> = (phase > 0).then(|| format!("p{phase}").parse().unwrap());
        let (resolved, said) = resolve_at(FILE, &OneFile(&self.file), name.as_ref());
        resolved.unwrap_or_else(|| {
            panic!("{}\n{}", said.render(floodway::diag::Look::PLAIN), self.file)
        })
    }

    /// Goes to `phase` from whatever is there.
    fn go(&self, place: &mut Place, phase: usize) {
        place.turn(self.states[phase].clone(), self.at(phase));
        place.converge(World::Undisturbed);
    }

    /// A world in which there was nothing before `phase`.
    fn only(&self, phase: usize) -> Place {
        let mut place = Place::new(self.states[phase].clone());
        self.go(&mut place, phase);
        place
    }

    fn last(&self) -> usize {
        self.states.len() - 1
    }
}

/// Numbers that git does not own are inside their bounds.
fn assert_in_bounds(place: &Place) {
    for pool in &place.plan().pools {
        let units = pool.units.after;
        assert!((pool.min..=pool.max).contains(&units), "{}: {units}", pool.pool);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn phase_by_phase_ends_in_the_same_world_as_the_last_alone(way in way()) {
        let mut place = Place::new(way.states[0].clone());
        for phase in 1..=way.last() {
            way.go(&mut place, phase);
        }
        let alone = way.only(way.last());
        assert_eq!(place.settled(), alone.settled(), "{}", way.file);
        assert_in_bounds(&place);
    }

    #[test]
    fn a_phase_that_is_undone_leaves_the_world_of_the_one_before(way in way()) {
        let mut place = Place::new(way.states[0].clone());
        for phase in 0..=way.last() {
            way.go(&mut place, phase);
        }
        for phase in (0..way.last()).rev() {
            way.go(&mut place, phase);
            assert_eq!(place.settled(), way.only(phase).settled(), "phase {phase}\n{}", way.file);
            assert_in_bounds(&place);
        }
    }

    #[test]
    fn each_phase_is_what_its_steps_lay_upon_the_file(way in way()) {
        for phase in 0..=way.last() {
            let laid = way.at(phase).environment;
            let meant = way.states[phase].resolve().environment;
            assert_eq!(
                (laid.service, laid.onprem, laid.aws), (meant.service, meant.onprem, meant.aws),
                "phase {phase}\n{}", way.file,
            );
        }
    }
}
