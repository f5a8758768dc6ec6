//! Stages: what calls what, and what one replica is.

use super::promises::not_zero;
use super::{Rules, text};
use crate::diag::Diagnostic;
use crate::id::Name;
use crate::spec::model::{AddressRange, Egress, Stage};
use crate::units::Span;
use std::collections::{BTreeMap, BTreeSet};

/// gRPC counts the bytes of a message in 32 signed bits.
const LARGEST_MESSAGE: u64 = i32::MAX as u64;
/// DNS answers are good for up to half a minute, and gRPC clients ask no sooner:
/// whoever reconnects earlier learns nothing new.
const YOUNGEST_CONNECTION: Span = Span::from_secs(30);
/// Kubernetes counts users in 32 signed bits.
const LAST_USER: u32 = i32::MAX as u32;

pub(super) fn check(rules: &mut Rules<'_>) {
    let stages = &rules.environment.service.stages;
    if stages.is_empty() && rules.is_absent("service.stages") {
        rules.error("service.stages", "the service has no stage", "add `[service.stages.NAME]`");
    }
    text::check(rules, "service.model", &rules.environment.service.model);
    let secrets = &rules.environment.service.image_pull_secrets;
    named_secrets(rules, "service.image_pull_secrets", secrets);
    for (name, stage) in stages {
        let path = format!("service.stages.{name}");
        image(rules, &path, stage);
        numbers(rules, &path, stage);
        settings(rules, &path, stage);
        named_secrets(rules, &format!("{path}.env_from"), &stage.env_from);
        pod(rules, &path, stage);
        for (at, egress) in stage.egress.iter().enumerate() {
            reach(rules, &format!("{path}.egress.{at}"), egress);
        }
        if let Some(next) = &stage.next
            && !stages.contains_key(next)
        {
            let message = format!("the stage `{name}` calls `{next}`, which is no stage");
            let known = stages.keys().map(Name::as_str).filter(|known| *known != name.as_str());
            let at = format!("{path}.next");
            rules.unknown(&at, &["service.stages"], message, (next.as_str(), known));
        }
    }
    circles(rules);
}

fn image(rules: &mut Rules<'_>, path: &str, stage: &Stage) {
    let path = format!("{path}.image");
    text::check(rules, &path, &stage.image);
    if stage.image.contains(char::is_whitespace) {
        let message = format!("`{}` is no image: it holds a space", stage.image);
        rules.error(&path, message, "write it like \"registry.example/name@sha256:…\"");
    }
    let by_digest = stage.image.rsplit_once("@sha256:").is_some_and(|(_, digest)| {
        digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit())
    });
    if rules.environment.environment.protected && !by_digest {
        rules.warning(
            &path,
            "a protected environment runs an image that is not pinned by its digest",
            "a tag can be moved to another build: write `name@sha256:…`",
        );
    }
}

fn numbers(rules: &mut Rules<'_>, path: &str, stage: &Stage) {
    let help = "give what one replica needs: the scheduler places it by that";
    if stage.resources.cpu.millis() == 0 {
        rules.error(&format!("{path}.resources.cpu"), "a replica without cpu", help);
    }
    if stage.resources.memory.bytes() == 0 {
        rules.error(&format!("{path}.resources.memory"), "a replica without memory", help);
    }
    not_zero(rules, &format!("{path}.startup"), stage.startup);
    if stage.max_message.bytes() == 0 {
        let help = "gRPC's own default is \"4Mi\"";
        rules.error(&format!("{path}.max_message"), "no message could be sent", help);
    }
    if stage.max_message.bytes() > LARGEST_MESSAGE {
        let message = format!("{} is more than a gRPC message can be", stage.max_message);
        rules.error(&format!("{path}.max_message"), message, "use less than \"2Gi\"");
    }
    if stage.demand.is_some_and(|demand| demand.millis() == 0) {
        let help = "leave `demand` out where the load decides";
        rules.error(&format!("{path}.demand"), "a demand of nothing", help);
    }
}

fn settings(rules: &mut Rules<'_>, path: &str, stage: &Stage) {
    for key in stage.env.keys() {
        let path = format!("{path}.env.{key}");
        let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if key.is_empty() || key.as_bytes()[0].is_ascii_digit() || !key.bytes().all(inside) {
            let message = format!("`{key}` is no name of an environment variable");
            rules.error_in_key(&path, message, "use letters, digits and `_`, not a digit first");
        }
    }
}

/// Names of Secrets, each once: the API server takes no name twice.
fn named_secrets(rules: &mut Rules<'_>, path: &str, names: &[String]) {
    for (at, name) in names.iter().enumerate() {
        let path = format!("{path}.{at}");
        if !text::is_object_name(name) {
            let help = "give the name of a Secret in the service's namespace, never what is in it";
            rules.error(&path, "this is no name of a Secret", help);
        } else if names[..at].contains(name) {
            rules.error(&path, format!("the Secret `{name}` is named twice"), "remove one of them");
        }
    }
}

fn pod(rules: &mut Rules<'_>, path: &str, stage: &Stage) {
    if stage.run_as_user.is_some_and(|user| user == 0 || user > LAST_USER) {
        let message = if stage.run_as_user == Some(0) {
            "0 is root, and no stage runs as root".to_owned()
        } else {
            format!("a user ID is at most {LAST_USER}")
        };
        let help = "give the ID that the image's user has, or leave it out";
        rules.error(&format!("{path}.run_as_user"), message, help);
    }
    if stage.scratch.bytes() == 0 {
        let help = "engines write caches and sockets there: give it \"1Gi\"";
        rules.error(&format!("{path}.scratch"), "no room to write anything", help);
    }
    if stage.max_connection_age < YOUNGEST_CONNECTION {
        let message = format!(
            "connections end after {}, before a client could learn of new replicas",
            stage.max_connection_age
        );
        let help = "DNS answers are good for up to 30 s: use that or more, like \"5m\"";
        rules.error(&format!("{path}.max_connection_age"), message, help);
    }
}

fn reach(rules: &mut Rules<'_>, path: &str, egress: &Egress) {
    if egress.port == 0 {
        rules.error(&format!("{path}.port"), "0 is no port", "HTTPS has 443");
    }
    let (path, cidr) = (format!("{path}.cidr"), &egress.cidr);
    let Some(range) = AddressRange::parse(cidr) else {
        let help = "write it like \"10.20.0.0/16\"; a single address ends in \"/32\"";
        return rules.error(&path, format!("`{cidr}` is no range of addresses"), help);
    };
    if !range.is_a_block() {
        let help = "a range begins with its first address: 10.20.0.0/16 is one, 10.20.1.0/16 not";
        return rules.error(&path, format!("`{cidr}` begins within its range"), help);
    }
    let forbidden = Egress::NEVER.into_iter().filter_map(AddressRange::parse);
    if forbidden.into_iter().any(|never| never.contains(range)) {
        let help = "whoever reaches these addresses can act as the node";
        rules.error(&path, format!("`{cidr}` is where nodes get their credentials"), help);
    }
}

/// Follows each `next`; every stage is walked once.
fn circles(rules: &mut Rules<'_>) {
    let stages = &rules.environment.service.stages;
    let next: BTreeMap<&Name, &Name> =
        stages.iter().filter_map(|(name, stage)| Some((name, stage.next.as_ref()?))).collect();
    let mut seen: BTreeSet<&Name> = BTreeSet::new();
    for start in stages.keys() {
        let mut walk = Vec::new();
        let mut here = Some(start);
        while let Some(stage) = here.filter(|stage| seen.insert(stage)) {
            walk.push(stage);
            here = next.get(stage).copied();
        }
        let Some(begin) = here.and_then(|stage| walk.iter().position(|seen| *seen == stage)) else {
            continue;
        };
        let circle = &walk[begin..];
        let names: Vec<_> =
            circle.iter().chain(circle.first()).map(|stage| stage.as_str()).collect();
        let message = format!("stages call each other in a circle: {}", names.join(" -> "));
        let paths: Vec<_> =
            circle.iter().take(5).map(|stage| format!("service.stages.{stage}.next")).collect();
        let places: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
        let diagnostic = Diagnostic::error(message).help("a request goes through each stage once");
        rules.report(diagnostic, &places);
    }
}
