//! Writes, as the API server and EC2 Auto Scaling would take or refuse them.

use super::keyed;
use super::nodes::MOST_NODES;
use super::object::{Object, Refused};
use super::pods::MOST_PODS;
use super::world::World;
use crate::observe::{Ownership, ResourceId, Side, marks};
use crate::plan::{FailureKind, PortError, Precondition, Step, Takes, applied_digest};
use crate::port::Scope;
use serde_json::{Value, json};

/// A refusal with what to do about it.
fn refuse(kind: FailureKind, message: String, help: Option<&str>) -> PortError {
    PortError { kind, message, help: help.map(str::to_owned) }
}

fn stale(id: &ResourceId) -> PortError {
    let message = format!("{id} is not the one that was planned for");
    refuse(FailureKind::Stale, message, Some("plan again"))
}

impl World {
    /// Does the writing part of a step; repeating it is harmless.
    pub(super) fn write(&mut self, scope: &Scope, step: &Step) -> Result<(), PortError> {
        match step {
            Step::Apply { id, body, seed, precondition, takes } => {
                let body = &body.value();
                self.require(scope, id, precondition)?;
                self.admit(id, body)?;
                let existed = self.objects.contains_key(id);
                let mut object = match self.objects.get(id) {
                    Some(object) => object.clone(),
                    None => Object::new(self.draw_uid()),
                };
                if id.kind == "LaunchTemplate" {
                    object.content = with_record(&object, body);
                } else if id.side == Side::Aws {
                    self.find_template(id, body)?;
                    write_group(&mut object, body, seed.as_ref().filter(|_| !existed))?;
                } else {
                    if let Some(seed) = seed.as_ref().filter(|_| !existed) {
                        let mut seeded = header(id);
                        keyed::set(&mut seeded, &keyed::pointer(&seed.path), seed.value.clone());
                        apply(
                            &mut object,
                            id,
                            marks::HANDOVER_MANAGER,
                            &seeded,
                            &Takes::Everything,
                        )?;
                    }
                    apply(&mut object, id, marks::MANAGER, body, takes)?;
                }
                self.objects.insert(id.clone(), object);
            }
            Step::Hold { id, path, uid } => {
                let object = self.the_one(id, uid)?;
                let path = keyed::pointer(path);
                let Some(value) = keyed::get(&object.content, &path).cloned() else {
                    return Ok(());
                };
                let mut held = header(id);
                keyed::set(&mut held, &path, value);
                apply(object, id, marks::HANDOVER_MANAGER, &held, &Takes::Nothing)?;
            }
            // No hook holds anything here.
            Step::AwaitReady { .. } | Step::Proceed { .. } => {}
            Step::Raise { id, uid, path, least } => {
                let path = keyed::pointer(path);
                let object = self.the_one(id, uid)?;
                let has = keyed::get(&object.content, &path).and_then(Value::as_u64);
                if has.unwrap_or(0) < u64::from(*least) {
                    object.update(marks::HANDOVER_MANAGER, &path, json!(least));
                    if id.side == Side::Aws {
                        object.keep_in_bounds();
                    }
                }
            }
            Step::SetUnits { id, uid, path, from, to } => {
                let (from, to) = (u64::from(*from), u64::from(*to));
                let object = self.the_one(id, uid)?;
                let has = object.get(path).and_then(Value::as_u64).unwrap_or(0);
                if has != to {
                    if has != from {
                        return Err(PortError::moved(id, u32::try_from(has).unwrap_or(u32::MAX)));
                    }
                    let mut asked = object.content.clone();
                    keyed::set(&mut asked, &keyed::pointer(path), json!(to));
                    self.admit(id, &keyed::unkey(&asked))?;
                    let object = self.the_one(id, uid)?;
                    object.update(marks::HANDOVER_MANAGER, &keyed::pointer(path), json!(to));
                }
            }
            Step::SetEndpoints { id, uid, from, to } => {
                let object = self.the_one(id, uid)?;
                let has = object.get("/endpoints").cloned().unwrap_or_else(|| json!([]));
                if has != *to {
                    if has != *from {
                        return Err(stale(id));
                    }
                    let path = keyed::pointer("/endpoints");
                    object.update(marks::HANDOVER_MANAGER, &path, to.clone());
                }
            }
            Step::PassOn { id, uid, to, number } => {
                if self.objects.contains_key(id) {
                    let object = self.the_one(id, uid)?;
                    let tag = json!(format!("{number} {to}"));
                    keyed::set(&mut object.content, &["tags".into(), marks::PASSED_ON.into()], tag);
                }
            }
            Step::CatchUp { id, with, path } => {
                let path = keyed::pointer(path);
                let number = |id: &ResourceId| {
                    let object = self.objects.get(id)?;
                    keyed::get(&object.content, &path)?.as_u64()
                };
                let (has, wanted) = (number(id).unwrap_or(0), number(with).unwrap_or(0));
                if wanted > has {
                    let object = self.objects.get_mut(id).ok_or_else(|| stale(id))?;
                    object.update(marks::HANDOVER_MANAGER, &path, json!(wanted));
                    if id.side == Side::Aws {
                        object.keep_in_bounds();
                    }
                }
            }
            Step::Drain { id, uid, .. } => {
                if self.objects.contains_key(id) {
                    let object = self.the_one(id, uid)?;
                    // Nothing starts any more, and nothing that runs is protected.
                    let paths: &[(&str, Value)] = match id.side {
                        Side::Aws => &[
                            ("/min", json!(0)),
                            ("/max", json!(0)),
                            ("/desired", json!(0)),
                            ("/protected_from_scale_in", json!(false)),
                        ],
                        Side::Kubernetes => &[("/spec/replicas", json!(0))],
                    };
                    for (path, value) in paths {
                        let path = keyed::pointer(path);
                        object.update(marks::HANDOVER_MANAGER, &path, value.clone());
                    }
                    for instance in self.instances.iter_mut().filter(|one| one.group == *id) {
                        instance.protected = false;
                    }
                }
            }
            Step::DrainUnits { id, uid, units, .. } => {
                if self.objects.contains_key(id) {
                    self.the_one(id, uid)?;
                    self.end_units(id, units);
                }
            }
            Step::ReplaceUnits { id, uid, units } => {
                if self.objects.contains_key(id) {
                    self.the_one(id, uid)?;
                    self.replace_units(id, units);
                }
            }
            Step::Refresh { id, uid, .. } => {
                let group = id.refreshed_group();
                self.the_one(&group, uid)?;
                self.refresh(&group);
            }
            Step::Delete { id, uid, ends } => self.delete(id, uid, *ends > 0)?,
        }
        self.settle();
        Ok(())
    }

    fn delete(&mut self, id: &ResourceId, uid: &str, force: bool) -> Result<(), PortError> {
        if !self.objects.contains_key(id) {
            return Ok(());
        }
        self.the_one(id, uid)?;
        let runs = self.instances.iter().filter(|instance| instance.group == *id).count();
        if runs > 0 && !force {
            let message = format!("ResourceInUse: {id} has {runs} instances");
            return Err(refuse(FailureKind::Transient, message, Some("drain it first")));
        }
        self.remove(id);
        Ok(())
    }

    /// Takes a thing away; of a namespace, all that is in it too.
    pub(super) fn remove(&mut self, id: &ResourceId) {
        self.objects.remove(id);
        if id.kind == "Namespace" {
            let inside = |other: &ResourceId| {
                other.side == Side::Kubernetes && other.scope.as_ref() == Some(&id.name)
            };
            self.objects.retain(|other, _| !inside(other));
        }
    }

    /// What any write must pass, without making it.
    pub(super) fn admit(&self, id: &ResourceId, body: &Value) -> Result<(), PortError> {
        if id.side == Side::Aws {
            return match id.kind.as_str() {
                "AutoScalingGroup" => self.admit_group(id, body),
                _ => Ok(()),
            };
        }
        if let Some(namespace) = &id.scope {
            let exists = self
                .objects
                .keys()
                .any(|other| other.kind == "Namespace" && other.name == *namespace);
            if !exists {
                let message = format!("namespaces \"{namespace}\" not found");
                return Err(refuse(FailureKind::Rejected, message, None));
            }
        }
        let named = body.pointer("/metadata/name").and_then(Value::as_str);
        if named != Some(id.name.as_str()) {
            let message = format!("{id}: the body names {named:?}");
            return Err(refuse(FailureKind::Rejected, message, None));
        }
        let replicas = body.pointer("/spec/replicas").and_then(Value::as_u64);
        match replicas.filter(|_| id.kind == "Deployment") {
            Some(replicas) => self.admit_units(id, replicas, "/spec/replicas", MOST_PODS),
            None => Ok(()),
        }
    }

    /// A simulated world is bounded.
    fn admit_units(
        &self,
        id: &ResourceId,
        units: u64,
        path: &str,
        most: usize,
    ) -> Result<(), PortError> {
        let others = self.objects.iter().filter(|(other, _)| other.kind == id.kind && *other != id);
        let units_of = |(_, object): (_, &Object)| object.get(path).and_then(Value::as_u64);
        let sum = others.filter_map(units_of).fold(units, u64::saturating_add);
        if sum <= most as u64 {
            return Ok(());
        }
        let message = format!("a simulated world holds {most} of them, and these would be {sum}");
        Err(refuse(FailureKind::Rejected, message, Some("ask for fewer, or simulate a part")))
    }

    fn admit_group(&self, id: &ResourceId, body: &Value) -> Result<(), PortError> {
        let number = |key: &str| body.get(key).and_then(Value::as_u64);
        let (min, max) = (number("min").unwrap_or(0), number("max").unwrap_or(0));
        let desired = number("desired").unwrap_or(min);
        if min > max || desired < min || desired > max {
            let message = format!(
                "ValidationError: desired {desired} is not between min {min} and max {max}"
            );
            return Err(refuse(FailureKind::Rejected, message, None));
        }
        let spot = body.get("capacity_type").and_then(Value::as_str) == Some("spot");
        if spot && number("warm_pool").is_some_and(|warm| warm > 0) {
            let message = "ValidationError: there is no warm pool beside spot instances";
            return Err(refuse(FailureKind::Rejected, message.to_owned(), None));
        }
        self.admit_units(id, desired, "/desired", MOST_NODES)
    }

    /// A template that is not there may be one that is not to be seen yet.
    fn find_template(&self, group: &ResourceId, body: &Value) -> Result<(), PortError> {
        let (region, name) = (group.scope.as_deref(), body.get("launch_template"));
        let (Some(region), Some(name)) = (region, name.and_then(Value::as_str)) else {
            return Ok(());
        };
        let template = ResourceId::launch_template(region, name);
        if self.objects.contains_key(&template) {
            return Ok(());
        }
        let message = format!("ValidationError: {template} does not exist");
        Err(refuse(FailureKind::Transient, message, None))
    }

    fn require(
        &self,
        scope: &Scope,
        id: &ResourceId,
        precondition: &Precondition,
    ) -> Result<(), PortError> {
        let live = self.objects.get(id);
        match (precondition, live) {
            (Precondition::Absent, None) => Ok(()),
            // An earlier try of this step, or of one before it, made it.
            (Precondition::Absent, Some(_)) if self.ownership(scope, id) == Ownership::Ours => {
                Ok(())
            }
            (Precondition::Absent, Some(_)) => {
                let message = format!("AlreadyExists: {id} is there and is not this environment's");
                Err(refuse(FailureKind::Stale, message, Some("plan again")))
            }
            (Precondition::Is(uid), Some(object)) if object.uid == *uid => Ok(()),
            (Precondition::Is(_), _) => Err(stale(id)),
        }
    }

    fn the_one(&mut self, id: &ResourceId, uid: &str) -> Result<&mut Object, PortError> {
        self.objects.get_mut(id).filter(|object| object.uid == uid).ok_or_else(|| stale(id))
    }

    /// Whose a thing is, by its marks.
    pub(super) fn ownership(&self, scope: &Scope, id: &ResourceId) -> Ownership {
        let Some(object) = self.objects.get(id) else { return Ownership::Unmarked };
        if id.side == Side::Aws {
            let tag = |key: &str| object.get("/tags").and_then(|t| t.get(key)?.as_str());
            return scope.owner_by(tag);
        }
        let own = scope.mark.applyset_id(&scope.namespace);
        let labels = object.get("/metadata/labels");
        let label = |key: &str| labels.and_then(|labels| labels.get(key)?.as_str());
        match label(marks::APPLYSET_PART_OF).or_else(|| label(marks::APPLYSET_ID)) {
            Some(set) if set == own => Ownership::Ours,
            Some(set) => Ownership::Other(format!("ApplySet {set}")),
            None => Ownership::Unmarked,
        }
    }
}

pub(super) fn header(id: &ResourceId) -> Value {
    let mut metadata = json!({"name": id.name});
    if let (Some(namespace), Value::Object(metadata)) = (&id.scope, &mut metadata) {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    json!({"apiVersion": id.api, "kind": id.kind, "metadata": metadata})
}

pub(super) fn apply(
    object: &mut Object,
    id: &ResourceId,
    manager: &str,
    body: &Value,
    takes: &Takes,
) -> Result<(), PortError> {
    object.apply(manager, body, takes).map_err(|refused| match refused {
        Refused::Immutable(field) => {
            let message = format!("{id}: {field} is immutable");
            refuse(FailureKind::Rejected, message, None)
        }
        Refused::Conflicts(conflicts) => {
            let listed: Vec<_> = conflicts
                .iter()
                .map(|c| format!("{} is owned by {}", c.field, c.manager))
                .collect();
            refuse(FailureKind::Conflict, format!("{id}: {}", listed.join(", ")), None)
        }
    })
}

/// With the tag that tells afterwards what was applied, and with those of others.
fn with_record(before: &Object, body: &Value) -> Value {
    let mut content = keyed::key(body);
    for (key, value) in before.get("/tags").and_then(Value::as_object).into_iter().flatten() {
        if !marks::is_owned_tag(key) {
            keyed::set(&mut content, &["tags".to_owned(), key.clone()], value.clone());
        }
    }
    let tag = ["tags".to_owned(), marks::APPLIED.to_owned()];
    keyed::set(&mut content, &tag, json!(applied_digest(&body.into())));
    content
}

/// Groups have no field ownership: what is not named stays.
fn write_group(
    object: &mut Object,
    body: &Value,
    seed: Option<&crate::desired::Seed>,
) -> Result<(), PortError> {
    let kept = object.get("/desired").cloned();
    let mut content = with_record(object, body);
    if body.get("desired").is_none() {
        let seeded = seed.map(|seed| seed.value.clone());
        let desired = kept.or(seeded).and_then(|value| value.as_u64()).unwrap_or(0);
        keyed::set(&mut content, &keyed::pointer("/desired"), json!(desired));
    }
    object.content = content;
    object.keep_in_bounds();
    Ok(())
}
