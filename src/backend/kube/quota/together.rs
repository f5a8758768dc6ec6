//! What each change of a plan fits, all together may not.

use super::{Asks, Short, shortages};
use crate::backend::kube::check::Asked;
use crate::backend::kube::cluster::Cluster;
use crate::observe::ResourceId;
use crate::plan::{CheckRequest, FailureKind, PortError, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;

impl Cluster {
    /// Holds the quotas of each namespace against all that is asked for there.
    pub(in crate::backend::kube) async fn ask_quotas(
        &self,
        requests: &[CheckRequest],
        asked: &mut [Asked],
    ) {
        let namespaces: BTreeSet<&str> = requests
            .iter()
            .zip(&*asked)
            .filter(|(_, asked)| asked.made.is_some())
            .filter_map(|(request, _)| request.id.scope.as_deref())
            .collect();
        for namespace in namespaces {
            let quotas = self.quotas(namespace).await;
            let of = |request: &CheckRequest| request.id.scope.as_deref() == Some(namespace);
            let within: Vec<usize> = (0..requests.len()).filter(|&at| of(&requests[at])).collect();
            let found = match quotas {
                Ok(quotas) => shortages_of(&quotas, requests, asked, &within),
                Err(error) => {
                    let why = format!("whether quotas suffice is not known: {error}");
                    within.iter().for_each(|&at| doubt(&mut asked[at].verdict, &why));
                    continue;
                }
            };
            // The worst first: what is rejected stays so.
            for short in found.iter().filter(|short| !short.only_at_most) {
                reject(&mut asked[short.at].verdict, &short.message);
            }
            for short in found.iter().filter(|short| short.only_at_most) {
                note(&mut asked[short.at].verdict, &short.message);
            }
        }
    }
}

/// What is short for the changes at `within`, by their places in `requests`.
fn shortages_of(
    quotas: &[Value],
    requests: &[CheckRequest],
    asked: &[Asked],
    within: &[usize],
) -> Vec<Short> {
    let mut moved: Vec<(usize, ResourceId)> = Vec::new();
    for &at in within.iter().filter(|at| asked[**at].moves().is_some()) {
        let id = ResourceId {
            api: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: asked[at].moves().map(name_of).unwrap_or_default().to_owned(),
            ..requests[at].id.clone()
        };
        // A Deployment that changes itself brings its own bounds.
        let changes = |&at: &usize| requests[at].id == id && asked[at].made.is_some();
        if !within.iter().any(changes) {
            moved.push((at, id));
        }
    }
    let itself = within.iter().filter_map(|&at| {
        let (request, made) = (&requests[at], asked[at].made.as_ref()?);
        let (object, live) = (&made.object, made.live.as_ref());
        Some((at, Asks { id: &request.id, object, live, units: request.units }))
    });
    let moved = moved.iter().filter_map(|(at, id)| {
        let object = asked[*at].moves()?;
        Some((*at, Asks { id, object, live: Some(object), units: requests[*at].units }))
    });
    let (places, asks): (Vec<usize>, Vec<Asks<'_>>) = itself.chain(moved).unzip();
    let found = quotas.iter().flat_map(|quota| shortages(quota, &asks));
    found.map(|short| Short { at: places[short.at], ..short }).collect()
}

impl Asked {
    fn moves(&self) -> Option<&Value> {
        self.made.as_ref()?.moves.as_ref()
    }
}

fn name_of(object: &Value) -> &str {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

/// The server's own word of a quota, which counts one change alone.
pub(in crate::backend::kube) fn is_of_quota(error: &PortError) -> bool {
    error.message.contains("exceeded quota")
}

fn reject(verdict: &mut Verdict, message: &str) {
    let message = match verdict {
        Verdict::Rejected(error) if error.message.starts_with("ResourceQuota ") => {
            format!("{}; {message}", error.message)
        }
        Verdict::Rejected(error) if !is_of_quota(error) => return,
        _ => message.to_owned(),
    };
    *verdict = Verdict::Rejected(PortError {
        kind: FailureKind::Rejected,
        message,
        help: Some("raise the ResourceQuota, or ask for less: fewer pools, a lower min".to_owned()),
    });
}

fn note(verdict: &mut Verdict, message: &str) {
    match verdict {
        Verdict::Accepted | Verdict::Unchanged => *verdict = Verdict::Noted(message.to_owned()),
        Verdict::Noted(said) | Verdict::NotChecked(said) => *said = format!("{said}; {message}"),
        Verdict::Taken(_) | Verdict::Rejected(_) => {}
    }
}

fn doubt(verdict: &mut Verdict, why: &str) {
    if matches!(verdict, Verdict::Accepted | Verdict::Noted(_)) {
        *verdict = Verdict::NotChecked(why.to_owned());
    }
}
