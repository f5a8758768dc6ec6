//! What is told about the past: journals, locks and drift, as users read it.

use super::fixtures::{DEPLOYMENT, mark, object, seen_at};
use crate::execute::{Begun, Ended, History, Outcome, Told, Write};
use crate::observe::{Gap, ResourceId, Side};
use crate::plan::{Action, Drift, FieldChange, Finding, What};
use crate::port::HeldLock;
use crate::render::drift::{self, DriftView};
use crate::render::journal::{self, JournalView};
use crate::render::lock::{self, LocksView};
use crate::render::{Style, schema};
use insta::assert_snapshot;
use serde_json::json;

const FILE: &str = ".floodway/journal/prod.ndjson";

fn told(name: &str, action: Action, steps: &[&str], ended: Ended) -> Told {
    let id = object(DEPLOYMENT, name);
    let write = |step: &&str| Write { at: seen_at(), id: id.clone(), step: (*step).to_owned() };
    let writes = steps.iter().map(write).collect();
    Told { id: Some(id.clone()), action: Some(action), writes, ended }
}

fn cut_off() -> History {
    let as_of = |outcome| Ended::As(outcome, Some(seen_at()));
    let failed = Outcome::Failed {
        message: "exceeded quota: gpus".into(),
        help: Some("raise the quota; then apply again".into()),
    };
    History {
        begun: Some(Begun {
            at: seen_at(),
            holder: Some("ada@build-7, process 4711".into()),
            plan_digest: Some("3f9a12bc".repeat(8)),
            environment_digest: "0f".repeat(32),
            changes: 5,
        }),
        changes: vec![
            told("deepseek-inference-h100", Action::Update, &["apply"], as_of(Outcome::Done)),
            told("deepseek-inference-a100", Action::Create, &["apply"], as_of(failed)),
            told("deepseek-inference-g6e", Action::Delete, &["drain", "delete"], Ended::InFlight),
            told("deepseek-inference-new", Action::Create, &[], Ended::NotBegun),
        ],
        damaged: vec![4],
        half_written: true,
        ..History::default()
    }
}

fn journal_view(history: Option<&History>) -> JournalView {
    let earlier = history.map(|_| "floodway journal prod --before".to_owned());
    JournalView::new("prod", FILE.to_owned(), history, earlier)
}

#[test]
fn the_journal_of_an_apply_that_was_cut_off() {
    let view = journal_view(Some(&cut_off()));
    assert_snapshot!(journal::text(&view, &Style::plain(80)));
}

#[test]
fn the_journal_of_an_apply_that_was_stopped() {
    let skipped = Outcome::Skipped { because: "interrupted".into() };
    let mut history = cut_off();
    (history.ended, history.stopped) = (Some(seen_at()), Some("interrupted".into()));
    (history.damaged, history.half_written) = (vec![], false);
    history.changes.truncate(1);
    let never = Ended::As(skipped, None);
    history.changes.push(told("deepseek-inference-new", Action::Create, &[], never));
    let view = journal_view(Some(&history));
    assert_snapshot!(journal::text(&view, &Style::plain(80)));
    assert_snapshot!("no_journal", journal::text(&journal_view(None), &Style::plain(80)));
}

fn held(expired: bool) -> HeldLock {
    HeldLock {
        holder: "ada@build-7, process 4711".into(),
        since: Some(seen_at()),
        renewed: Some(seen_at()),
        expired,
        place: "Lease default/floodway-prod.inference".into(),
        identity: String::new(),
    }
}

#[test]
fn locks_held_run_out_and_free() {
    let text =
        |held: Option<&[HeldLock]>| lock::text(&LocksView::new("prod", held), &Style::plain(80));
    let all = [text(Some(&[held(false)])), text(Some(&[held(true)])), text(Some(&[])), text(None)];
    assert_snapshot!(all.join("---\n"));
}

fn field(name: &str, path: &str, wanted: serde_json::Value, is: serde_json::Value) -> Finding {
    let what = What::Field {
        path: path.to_owned(),
        wanted: Some(wanted),
        is: Some(is),
        by: vec!["kubectl-edit".to_owned()],
        edited: false,
    };
    Finding { id: object(DEPLOYMENT, name), what, doubt: None }
}

fn much() -> Drift {
    let image = "spec.template.spec.containers[server].image";
    let names = ["a100", "b200", "h100", "h200", "l40s"];
    let mut findings: Vec<Finding> =
        names.iter().map(|name| field(name, image, json!("a"), json!("b"))).collect();
    let secret = "spec.template.spec.containers[server].env[HF_TOKEN].value";
    findings.push(field("h100", secret, json!("hf_should_never_be_seen"), json!("hf_nor_this")));
    let service = object(("v1", "Service"), "deepseek-inference");
    let found = |what| Finding { id: service.clone(), what, doubt: None };
    findings.extend([
        found(What::Deleted),
        found(What::Appeared { by: vec!["helm".into()] }),
        found(What::MarkedAnew { owner: "ApplySet applyset-other-v1".into() }),
    ]);
    let differences =
        vec![FieldChange { path: "max".into(), before: Some(json!(50)), after: Some(json!(10)) }];
    let group = ResourceId::group("us-east-1", "prod-g6e-od-g6e.12xlarge");
    findings.push(Finding { id: group, what: What::Mixed { differences }, doubt: None });
    let doubt = Some("nobody owns it: somebody took it away, or the file asks for it now".into());
    findings
        .push(Finding { doubt, ..field("h100", "metadata.labels.team", json!("x"), json!("y")) });
    let unseen = vec![Gap {
        side: Side::Kubernetes,
        what: "networkpolicies".into(),
        why: "the role lacks the rule".into(),
        hides_members: true,
    }];
    Drift { findings, more_deleted: 2, unseen, applied: true, refusals: vec![] }
}

#[test]
fn drift_of_every_kind() {
    let text = drift::text(&DriftView::new(&mark(), &much()), &Style::plain(80));
    assert!(!text.contains("hf_"), "{text}");
    assert_snapshot!(text);
}

#[test]
fn the_documents_keep_to_their_schemas_and_hide_secrets() {
    let drift = super::documents::assert_valid(&schema::drift(), &DriftView::new(&mark(), &much()));
    assert!(!drift.to_string().contains("hf_"));
    let journal = journal_view(Some(&cut_off()));
    super::documents::assert_valid(&schema::journal(), &journal);
    super::documents::assert_valid(&schema::journal(), &journal_view(None));
    let locks = LocksView::new("prod", Some(&[held(true)]));
    super::documents::assert_valid(&schema::lock(), &locks);
}
