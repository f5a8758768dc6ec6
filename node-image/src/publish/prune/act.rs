//! Carrying out what was decided.

use super::decide::{Action, Plan, Step};
use crate::channel::short;
use crate::publish::clients::Clients;
use crate::publish::disabled;
use crate::publish::error::{Call, Error, Kind};
use crate::publish::ssm;
use crate::publish::usage::Watched;
use futures::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// One step, and what came of it.
#[derive(Debug, Clone)]
pub struct Done {
    /// The step.
    pub step: Step,
    /// Why it was not done.
    pub result: Result<(), Error>,
}

/// Carries `plan` out, all regions at once, in each step by step. What fails leaves the
/// others going, without what needs it; done again, what was done is done.
pub async fn carry_out(regions: &[Watched], image: &str, plan: &Plan, now: Timestamp) -> Vec<Done> {
    let one = async |region: &Watched| {
        let clients = &region.clients;
        let steps = plan.steps.iter().filter(|step| step.region == clients.region);
        let (mut there, mut done): (BTreeSet<&str>, Vec<Done>) = (BTreeSet::new(), Vec::new());
        let mut known = BTreeSet::new();
        for step in steps {
            let result = match still_there(step, &there, &known) {
                Some(what) => {
                    let message = format!("{what} is still there, so it was not tried");
                    Err(Error::new(Kind::Refused, message).in_region(&clients.region))
                }
                None => act(clients, image, &step.action, now).await,
            };
            if result.is_err() {
                there.extend(step.action.image());
                if let Action::Forget(manifest) = &step.action {
                    known.insert(manifest.as_str());
                }
            }
            done.push(Done { step: step.clone(), result });
        }
        done
    };
    join_all(regions.iter().map(one)).await.concat()
}

/// What should be gone before `step`, and is not: an AMI of `there`, or what is still
/// `known` of a build, which nobody would see any more without its AMIs.
fn still_there(step: &Step, there: &BTreeSet<&str>, known: &BTreeSet<&str>) -> Option<String> {
    let of_build = step.manifest.as_deref().filter(|manifest| known.contains(manifest));
    match (&step.action, of_build) {
        (Action::Deregister(_), Some(manifest)) => {
            Some(format!("what is known of build {}", short(manifest)))
        }
        _ => step.after.iter().find(|id| there.contains(id.as_str())).cloned(),
    }
}

async fn act(clients: &Clients, image: &str, action: &Action, now: Timestamp) -> Result<(), Error> {
    let region = clients.region.as_str();
    match action {
        Action::Disable(id) => {
            // First: cut off in between, it would go on the word of an older note.
            disabled::note(clients, id, now).await?;
            let call = Call { action: "ec2:DisableImage", region, thing: id };
            let asked = clients.ec2.disable_image().image_id(id).send().await;
            asked.map(drop).map_err(|error| call.failed(&error))
        }
        Action::NoteDisabled(id) => disabled::note(clients, id, now).await,
        Action::NoteEnabled(id) => disabled::forget(clients, id).await,
        Action::Deregister(id) => {
            let call = Call { action: "ec2:DeregisterImage", region, thing: id };
            let asked = clients.ec2.deregister_image().image_id(id).send().await;
            gone(asked.map(drop).map_err(|error| call.failed(&error)))
        }
        Action::DeleteSnapshot(id) => {
            let call = Call { action: "ec2:DeleteSnapshot", region, thing: id };
            let asked = clients.ec2.delete_snapshot().snapshot_id(id).send().await;
            gone(asked.map(drop).map_err(|error| call.failed(&error)))
        }
        Action::Forget(manifest) => ssm::delete_summary(clients, image, manifest).await,
    }
}

/// What is not there any more is as it should be.
fn gone(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind == Kind::Absent => Ok(()),
        other => other,
    }
}
