//! A rollout is its last phase: applied phase by phase or at once, and undone, the
//! world is the one that the phase declares.

use super::converge::missing;
use super::declared::{Declared, FILE, declared};
use super::heal::World;
use super::history::{Edit, edit};
use super::place::Place;
use floodway::decide::DesiredOwner;
use floodway::id::Name;
use floodway::plan::PoolDelta;
use floodway::spec::{OneFile, Resolved, resolve_at};
use proptest::prelude::*;
use serde_json::Value as Json;
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
            (_, new) => steps.entry(thing).or_default().set.push((whole, new.clone())),
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
        let (resolved, said) = resolve_at(FILE, &OneFile(FILE, &self.file), name.as_ref());
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

/// The same things with the same fields, all that are owned. An element that came later
/// stands behind the others of its list: their order means nothing.
fn assert_same(one: &BTreeMap<String, Json>, other: &BTreeMap<String, Json>, file: &str) {
    let names = |world: &BTreeMap<String, Json>| world.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(one), names(other), "{file}");
    for (name, thing) in one {
        let (thing, other) = (unnumbered(thing), unnumbered(&other[name]));
        let differ = missing(&thing, &other).or_else(|| missing(&other, &thing));
        assert_eq!(differ, None, "{name}\n{file}");
    }
}

/// Without the number that a workload's name ends with, wherever a text says it: that
/// depends on what was there before.
fn unnumbered(thing: &Json) -> Json {
    let text = thing.to_string();
    let mut parts = text.split("llm-");
    let mut without = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ends = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let (name, rest) = part.split_at(ends.unwrap_or(part.len()));
        let name = match name.rsplit_once('-') {
            Some((name, number)) if number.parse::<u8>().is_ok() => name,
            _ => name,
        };
        without.extend(["llm-", name, rest]);
    }
    serde_json::from_str(&without).unwrap()
}

/// Numbers that git does not own are inside the bounds that their objects have. Those
/// that the controller alone keeps, of replicas and of a pool's groups together, are not
/// kept here: it does not run.
fn assert_in_bounds(place: &Place) {
    let by_autoscaler = |pool: &&PoolDelta| pool.owner == DesiredOwner::Hpa;
    for pool in place.plan().pools.iter().filter(by_autoscaler) {
        let units = pool.units.after;
        assert!((pool.min..=pool.max).contains(&units), "{}: {units}", pool.pool);
    }
    for group in place.seen(&[]).resources.values() {
        let number = |field: &str| group.fields.at(field).and_then(|number| number.as_u64());
        let desired = group.runtime.as_ref().and_then(|runtime| runtime.value.as_u64());
        if let (Some(min), Some(max), Some(desired)) = (number("/min"), number("/max"), desired) {
            assert!((min..=max).contains(&desired), "{}: {desired}", group.id);
        }
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
        assert_same(&place.settled(), &alone.settled(), &way.file);
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
            assert_same(&place.settled(), &way.only(phase).settled(), &way.file);
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
