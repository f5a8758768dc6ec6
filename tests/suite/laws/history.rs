//! What happens between two applies: git is edited, and the world moves on.

use super::declared::*;
use super::place::Place;
use floodway::backend::sim::{Actor, Create, Delete, Set, Unset};
use floodway::observe::ResourceId;
use prop::sample::Index;
use proptest::prelude::*;
use serde_json::{Value, json};

/// An edit of the environment's file.
#[derive(Debug, Clone)]
pub enum Edit {
    Count(Index, Count),
    Autoscale(Index),
    Image(u8),
    Demand(Option<u32>),
    AddOnPrem(u8, OnPrem),
    AddBurst(u8, Burst),
    Remove(Index),
    Rename(Index, u8),
    Stage(Index, usize),
    Stages(usize),
    Types(Index, Vec<usize>),
    Capacity(Index),
    Spot(Index, Option<u8>),
    Join(Index),
}

pub fn edit() -> impl Strategy<Value = Edit> {
    let pool = any::<Index>;
    prop_oneof![
        3 => (pool(), count()).prop_map(|(pool, count)| Edit::Count(pool, count)),
        1 => pool().prop_map(Edit::Autoscale),
        1 => (0..4u8).prop_map(Edit::Image),
        1 => prop::option::of(1..101u32).prop_map(Edit::Demand),
        1 => (0..8u8, on_prem()).prop_map(|(name, pool)| Edit::AddOnPrem(name, pool)),
        1 => (0..8u8, burst()).prop_map(|(name, pool)| Edit::AddBurst(name, pool)),
        2 => pool().prop_map(Edit::Remove),
        2 => (pool(), 0..8u8).prop_map(|(pool, name)| Edit::Rename(pool, name)),
        2 => (pool(), 0..3usize).prop_map(|(pool, stage)| Edit::Stage(pool, stage)),
        1 => (1..4usize).prop_map(Edit::Stages),
        1 => (pool(), types()).prop_map(|(pool, types)| Edit::Types(pool, types)),
        1 => pool().prop_map(Edit::Capacity),
        1 => (pool(), spot()).prop_map(|(pool, spot)| Edit::Spot(pool, spot)),
        1 => pool().prop_map(Edit::Join),
    ]
}

impl Declared {
    /// As `edits` leave it, with the renames that they make.
    pub fn edited(&self, edits: &[Edit]) -> Self {
        let mut declared = Self { moved: Vec::new(), ..self.clone() };
        edits.iter().for_each(|edit| declared.edit(edit));
        declared
    }

    fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Image(image) => self.image = *image,
            Edit::Demand(demand) => self.demand = *demand,
            Edit::Stages(stages) => self.stages = *stages,
            Edit::AddOnPrem(name, pool) => {
                if let Some(name) = self.free(*name) {
                    self.onprem.insert(name, pool.clone());
                }
            }
            Edit::AddBurst(name, pool) => {
                if let Some(name) = self.free(*name) {
                    self.burst.insert(name, pool.clone());
                }
            }
            Edit::Remove(at) => {
                let name = self.pick(at);
                self.onprem.remove(&name);
                self.burst.remove(&name);
                self.moved.retain(|(_, to)| *to != name);
            }
            Edit::Rename(at, to) => {
                if let Some(to) = self.free(*to) {
                    self.rename(&self.pick(at), to);
                }
            }
            Edit::Count(at, count) => self.each(at, |p| p.count = *count, |p| p.count = *count),
            Edit::Stage(at, stage) => self.each(at, |p| p.stage = *stage, |p| p.stage = *stage),
            Edit::Autoscale(at) => self.each(at, |p| p.hpa = !p.hpa, |_| {}),
            Edit::Types(at, types) => self.each(at, |_| {}, |p| p.types.clone_from(types)),
            Edit::Capacity(at) => self.each(at, |_| {}, |p| p.apart = !p.apart),
            Edit::Spot(at, spot) => self.each(at, |_| {}, |p| p.spot = *spot),
            Edit::Join(at) => self.each(at, |_| {}, |p| p.standalone = !p.standalone),
        }
    }

    fn each(&mut self, at: &Index, onprem: impl Fn(&mut OnPrem), burst: impl Fn(&mut Burst)) {
        let name = self.pick(at);
        self.onprem.get_mut(&name).into_iter().for_each(onprem);
        self.burst.get_mut(&name).into_iter().for_each(burst);
    }

    fn rename(&mut self, from: &str, to: String) {
        if let Some(pool) = self.onprem.remove(from) {
            self.onprem.insert(to.clone(), pool);
        } else if let Some(pool) = self.burst.remove(from) {
            self.burst.insert(to.clone(), pool);
        } else {
            return;
        }
        // A name that was itself new in this edit was never applied.
        match self.moved.iter_mut().find(|(_, new)| new == from) {
            Some((_, new)) => *new = to,
            None => self.moved.push((from.to_owned(), to)),
        }
    }

    fn free(&self, name: u8) -> Option<String> {
        let name = format!("{}", char::from(b'e' + name));
        let taken = self.onprem.contains_key(&name)
            || self.burst.contains_key(&name)
            || self.moved.iter().any(|(from, to)| *from == name || *to == name);
        (!taken).then_some(name)
    }

    fn pick(&self, at: &Index) -> String {
        let names: Vec<_> = self.onprem.keys().chain(self.burst.keys()).collect();
        if names.is_empty() { String::new() } else { (*at.get(&names)).clone() }
    }
}

/// What others do to the world, deliberately or not.
#[derive(Debug, Clone)]
pub enum Drift {
    /// A field of a thing gets another value.
    Change(Index, Index),
    /// A field of a thing goes.
    Remove(Index, Index),
    /// A field of a thing is somebody else's too.
    Share(Index, Index),
    /// A thing loses the mark by which it is found.
    Strip(Index),
    Delete(Index),
    /// Its runtime owner, or somebody in its place, scales a workload.
    Scale(Index, u32),
    /// Somebody adds a field of their own.
    Note(Index),
    /// Somebody makes a thing of their own beside.
    Beside(u8),
    Pass(u64),
}

pub fn drift() -> impl Strategy<Value = Drift> {
    let any = any::<Index>;
    prop_oneof![
        4 => (any(), any()).prop_map(|(thing, field)| Drift::Change(thing, field)),
        3 => (any(), any()).prop_map(|(thing, field)| Drift::Remove(thing, field)),
        2 => (any(), any()).prop_map(|(thing, field)| Drift::Share(thing, field)),
        1 => any().prop_map(Drift::Strip),
        3 => any().prop_map(Drift::Delete),
        3 => scale(),
        1 => any().prop_map(Drift::Note),
        1 => (0..4u8).prop_map(Drift::Beside),
        1 => (0..20u64).prop_map(Drift::Pass),
    ]
}

pub fn scale() -> impl Strategy<Value = Drift> {
    (any::<Index>(), 0..9u32).prop_map(|(thing, count)| Drift::Scale(thing, count))
}

/// Somebody else's.
pub const SOMEBODY: &str = "somebody";
/// A field that somebody adds.
pub const NOTE: &str = "/metadata/annotations/example.com~1note";

impl Place {
    pub fn drift(&self, drift: &Drift) {
        let ours = self.ours();
        if let Some(what) = actor(self, &ours, drift) {
            self.disturb(what);
        }
    }
}

fn actor(place: &Place, ours: &[ResourceId], drift: &Drift) -> Option<Actor> {
    let at = |index: &Index| (!ours.is_empty()).then(|| index.get(ours));
    let field = |id: &ResourceId, index: &Index| {
        let fields = place.simulator.world().unwrap().owned_fields(id);
        (!fields.is_empty()).then(|| index.get(&fields).clone())
    };
    Some(match drift {
        Drift::Change(thing, of) => {
            let id = at(thing)?;
            let (path, value) = field(id, of)?;
            set(id, &path, other(&value), SOMEBODY)
        }
        Drift::Share(thing, of) => {
            let id = at(thing)?;
            let (path, value) = field(id, of)?;
            set(id, &path, value, SOMEBODY)
        }
        Drift::Remove(thing, of) => {
            let id = at(thing)?;
            unset(id, &field(id, of)?.0)
        }
        Drift::Strip(thing) => {
            let id = at(thing)?;
            let mark = match id.kind.as_str() {
                "AutoScalingGroup" => "/tags/floodway.dev~1environment",
                _ => "/metadata/labels/applyset.kubernetes.io~1part-of",
            };
            unset(id, mark)
        }
        Drift::Delete(thing) => delete(at(thing)?),
        Drift::Scale(thing, count) => {
            let kinds = ["Deployment", "AutoScalingGroup"];
            let workloads: Vec<_> =
                ours.iter().filter(|id| kinds.contains(&id.kind.as_str())).collect();
            let id = (!workloads.is_empty()).then(|| *thing.get(&workloads))?;
            let path = if id.kind == "Deployment" { "/spec/replicas" } else { "/desired" };
            set(id, path, json!(count), "floodway-run")
        }
        Drift::Note(thing) => {
            let id = at(thing).filter(|id| id.kind != "AutoScalingGroup")?;
            set(id, NOTE, json!("theirs"), SOMEBODY)
        }
        Drift::Beside(number) => Actor::Create(beside(*number)),
        Drift::Pass(minutes) => {
            place.pass(*minutes);
            return None;
        }
    })
}

/// A thing of somebody's own.
fn beside(number: u8) -> Create {
    let (kind, namespace) = match number {
        0 => ("ConfigMap", NAMESPACE),
        1 => ("Deployment", NAMESPACE),
        2 => ("Service", NAMESPACE),
        _ => ("AutoScalingGroup", "us-east-1"),
    };
    Create {
        kind: kind.into(),
        name: "theirs".into(),
        namespace: namespace.into(),
        content: json!({"spec": {"replicas": 1}, "desired": 1, "instance_types": ["m5.large"]}),
        by: SOMEBODY.into(),
    }
}

/// Ids of all that [`Drift::Beside`] makes.
pub fn theirs() -> Vec<ResourceId> {
    let id =
        |kind: &str| floodway::plan::resource_named(&format!("{kind}/theirs"), NAMESPACE).unwrap();
    vec![id("ConfigMap"), id("Deployment"), id("Service"), ResourceId::group("us-east-1", "theirs")]
}

pub fn set(id: &ResourceId, path: &str, value: Value, by: &str) -> Actor {
    let (kind, name) = (id.kind.clone(), id.name.clone());
    Actor::Set(Set { kind, name, path: path.into(), value, by: by.into() })
}

pub fn unset(id: &ResourceId, path: &str) -> Actor {
    Actor::Unset(Unset { kind: id.kind.clone(), name: id.name.clone(), path: path.into() })
}

pub fn delete(id: &ResourceId) -> Actor {
    Actor::Delete(Delete { kind: id.kind.clone(), name: id.name.clone() })
}

/// Another value of the same type, that a place would take for any field.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(on) => json!(!on),
        Value::Number(number) => json!(number.as_u64().unwrap_or(0) + 1),
        Value::String(text) if text == "9" => json!("8"),
        Value::String(_) => json!("9"),
        Value::Array(_) => json!([]),
        _ => json!({"other": "9"}),
    }
}
