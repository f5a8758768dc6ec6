//! Which builds go, which stay, and what came of it.

use super::{FORMAT_VERSION, short};
use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen, count};
use schemars::JsonSchema;
use serde::Serialize;

/// What is pruned. Also the document that `image prune --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Floodway image prune")]
pub struct PruneView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The image.
    pub image: String,
    /// Nothing was done: it is only told.
    pub dry_run: bool,
    /// In the order of doing.
    pub steps: Vec<PruneStepView>,
    /// What stays.
    pub kept: Vec<KeptView>,
    /// What could not be looked at, and why: nothing was done there.
    pub unseen: Vec<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PruneStepView {
    /// The region.
    pub region: String,
    /// What is done: `disable ami-0a1b2c3d`.
    pub what: String,
    /// The digest of the build's manifest; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Why.
    pub why: String,
    /// Whether it was done; absent of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<bool>,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Something that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeptView {
    /// The region.
    pub region: String,
    /// Its ID.
    pub id: String,
    /// The digest of the build's manifest; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Why.
    pub why: String,
}

impl PruneView {
    /// Nothing of `image` yet.
    pub fn new(image: &str, dry_run: bool) -> Self {
        Self {
            format_version: FORMAT_VERSION.into(),
            image: image.into(),
            dry_run,
            steps: Vec::new(),
            kept: Vec::new(),
            unseen: Vec::new(),
        }
    }
}

/// All of it as text.
pub fn text(view: &PruneView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    for kept in &view.kept {
        let line = Line::of(Ink::Dim, "  keep ").text(&kept.id);
        let rest = format!(" ({}{}): {}", kept.region, build(kept.manifest.as_ref()), kept.why);
        screen.hanging(0, 9, &line.ink(Ink::Dim, rest));
    }
    for step in &view.steps {
        let (sign, ink) = match step.done {
            Some(false) => ("!", Ink::Fail),
            _ => ("-", Ink::Remove),
        };
        let line = Line::of(ink, sign).text(format!(" {}", step.what));
        let rest = format!(" ({}{}): {}", step.region, build(step.manifest.as_ref()), step.why);
        screen.hanging(0, 9, &line.ink(Ink::Dim, rest));
        if let Some(failure) = &step.failure {
            screen.hanging(4, 2, &Line::of(Ink::Fail, "not done: ").prose(failure));
        }
    }
    screen.blank();
    screen.unwrapped(&Line::of(Ink::Strong, summary(view)));
    screen.finish()
}

fn build(manifest: Option<&String>) -> String {
    manifest.map(|manifest| format!(", build {}", short(manifest))).unwrap_or_default()
}

/// `2 of 3 steps done, 4 kept.`
fn summary(view: &PruneView) -> String {
    let kept = format!("{} kept", view.kept.len());
    let steps = count(view.steps.len(), "step");
    match (view.steps.is_empty(), view.dry_run) {
        (true, _) => format!("Nothing of {} goes: {kept}.", view.image),
        (false, true) => format!("{steps}, {kept}. Nothing was done: --yes does it."),
        (false, false) => {
            let done = view.steps.iter().filter(|step| step.done == Some(true)).count();
            format!("{done} of {steps} done, {kept}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(dry_run: bool) -> PruneView {
        let step = |what: &str, done: bool| PruneStepView {
            region: "us-east-1".into(),
            what: what.into(),
            manifest: Some("a".repeat(64)),
            why: "disabled for 8 days".into(),
            done: (!dry_run).then_some(done),
            failure: (!dry_run && !done).then(|| "ec2:DeleteSnapshot: in use".into()),
        };
        let kept = KeptView {
            region: "us-east-1".into(),
            id: "ami-0b".into(),
            manifest: None,
            why: "used by instance i-1 (stopped)".into(),
        };
        PruneView {
            steps: vec![step("deregister ami-0a", true), step("delete snap-0a", false)],
            kept: vec![kept],
            ..PruneView::new("gpu", dry_run)
        }
    }

    #[test]
    fn a_dry_run_says_what_would_be_done_and_how_to_do_it() {
        let text = text(&view(true), &Style::plain(100));
        assert!(
            text.contains("- deregister ami-0a (us-east-1, build aaaaaaaaaaaa): disabled"),
            "{text}"
        );
        assert!(text.contains("keep ami-0b (us-east-1): used by instance i-1 (stopped)"), "{text}");
        assert!(text.ends_with("2 steps, 1 kept. Nothing was done: --yes does it.\n"), "{text}");
    }

    #[test]
    fn what_was_not_done_is_told_with_its_reason() {
        let text = text(&view(false), &Style::plain(100));
        assert!(text.contains("! delete snap-0a"), "{text}");
        assert!(text.contains("not done: ec2:DeleteSnapshot: in use"), "{text}");
        assert!(text.ends_with("1 of 2 steps done, 1 kept.\n"), "{text}");
        let nothing = PruneView { steps: vec![], ..view(false) };
        assert!(
            super::text(&nothing, &Style::plain(100)).ends_with("Nothing of gpu goes: 1 kept.\n")
        );
    }
}
