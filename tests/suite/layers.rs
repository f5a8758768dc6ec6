//! Holds the house: a module imports only from its left, vendor crates stay in
//! their folders, and the pure part knows no clock, file, environment or terminal.

mod source;

use source::{Source, sources};
use std::path::Path;

/// Modules that are data or pure functions, in the order in which data flows.
const PURE: [&str; 8] =
    ["spec", "observe", "signal", "forecast", "decide", "desired", "iam", "plan"];

/// What a module may import of the crate; a module that is not here may not be.
const MAY_IMPORT: [(&str, &[&str]); 19] = [
    ("clock", &[]),
    ("spec", &[]),
    ("observe", &["spec"]),
    ("signal", &["spec", "observe"]),
    ("forecast", &["spec", "signal"]),
    ("decide", &["spec", "observe", "signal", "forecast"]),
    ("desired", &["spec", "observe", "decide"]),
    ("iam", &["spec", "observe", "desired"]),
    ("plan", &["spec", "observe", "decide", "desired"]),
    ("port", &["spec", "observe", "signal", "decide", "desired", "plan"]),
    ("execute", &["observe", "decide", "plan", "port"]),
    ("backend", &["spec", "observe", "signal", "desired", "plan", "port", "execute"]),
    ("pipeline", &["spec", "observe", "signal", "decide", "desired", "plan", "port", "execute"]),
    (
        "controller",
        &[
            "spec", "observe", "signal", "forecast", "decide", "desired", "plan", "port",
            "execute", "pipeline",
        ],
    ),
    (
        "rollout",
        &["spec", "observe", "signal", "decide", "desired", "plan", "port", "execute", "pipeline"],
    ),
    (
        "render",
        &[
            "spec",
            "observe",
            "signal",
            "forecast",
            "decide",
            "desired",
            "plan",
            "port",
            "execute",
            "pipeline",
            "controller",
            "rollout",
        ],
    ),
    (
        "cli",
        &[
            "spec",
            "observe",
            "signal",
            "forecast",
            "decide",
            "desired",
            "iam",
            "plan",
            "port",
            "execute",
            "backend",
            "pipeline",
            "controller",
            "rollout",
            "render",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &["cli"]),
];

/// What every module may import: the first three are of the crate `common`.
const BASE: [&str; 4] = ["units", "id", "diag", "clock"];

/// Crates and parts of `std` that belong to some folders only.
const BELONGS: [(&str, &[&str]); 44] = [
    ("kube", &["backend/kube"]),
    ("k8s_openapi", &["backend/kube"]),
    ("http", &["backend/kube", "backend/prometheus", "backend/node", "backend/serve.rs"]),
    ("form_urlencoded", &["backend/prometheus"]),
    (
        "http_body_util",
        &["backend/prometheus", "backend/node", "backend/serve.rs", "backend/otlp.rs"],
    ),
    ("hyper", &["backend/node", "backend/serve.rs"]),
    ("hyper_rustls", &["backend/prometheus", "backend/otlp.rs"]),
    ("hyper_util", &["backend/prometheus", "backend/node", "backend/serve.rs", "backend/otlp.rs"]),
    ("rustls", &["backend/prometheus", "backend/otlp.rs"]),
    ("rustls_native_certs", &["backend/prometheus", "backend/otlp.rs"]),
    ("opentelemetry", &["backend/otlp.rs"]),
    ("opentelemetry_http", &["backend/otlp.rs"]),
    ("opentelemetry_otlp", &["backend/otlp.rs"]),
    ("opentelemetry_sdk", &["backend/otlp.rs"]),
    ("aws_sdk_autoscaling", &["backend/aws"]),
    ("aws_sdk_ec2", &["backend/aws"]),
    ("aws_config", &["backend/aws"]),
    ("aws_types", &["backend/aws"]),
    ("octocrab", &["backend/github"]),
    ("augurs_core", &["forecast"]),
    ("augurs_ets", &["forecast"]),
    ("augurs_mstl", &["forecast"]),
    ("candle_core", &["forecast/lstm"]),
    ("candle_nn", &["forecast/lstm"]),
    ("safetensors", &["forecast"]),
    ("csv", &["backend/offers.rs", "cli/forecast"]),
    ("fs4", &["backend", "cli"]),
    ("tempfile", &["backend", "cli"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("indicatif", &["cli"]),
    ("terminal_size", &["cli"]),
    ("ratatui", &["render/top", "cli/top.rs"]),
    ("rustix", &["cli/rollout/sandbox.rs", "clock.rs"]),
    ("tracing", &["cli/logging.rs"]),
    ("tracing_subscriber", &["cli/logging.rs"]),
    ("toml_edit", &["spec"]),
    ("tera", &["desired", "render", "rollout"]),
    ("tokio", &["clock.rs", "execute", "pipeline", "controller", "backend", "cli"]),
    ("std::env", &["cli", "backend"]),
    ("std::fs", &["cli", "backend"]),
    ("std::net::TcpStream", &["backend"]),
    ("std::process", &["cli", "backend", "main.rs"]),
];

/// Calls that belong to some files only, by how their path ends.
const CALLS: [(&str, &[&str]); 5] = [
    ("Timestamp::now", &["clock.rs"]),
    ("SystemTime::now", &[]),
    ("Instant::now", &["clock.rs", "cli"]),
    ("io::stdout", &["cli"]),
    ("io::stderr", &["cli"]),
];

/// As [`BELONGS`] and [`CALLS`], for the agent in `node-image/src`.
const OF_AGENT: [(&str, &[&str]); 13] = [
    ("http", &["agent/engine.rs", "agent/fetch.rs", "agent/imds.rs", "agent/serve.rs"]),
    ("http_body_util", &["agent/fetch.rs", "agent/serve.rs"]),
    ("hyper", &["agent/fetch.rs", "agent/serve.rs"]),
    ("hyper_util", &["agent/fetch.rs", "agent/serve.rs"]),
    ("clap", &["agent/options.rs", "agent/run.rs"]),
    ("rustix", &["agent/clock.rs"]),
    ("serde_saphyr", &["agent/identity.rs"]),
    ("tokio::signal", &["agent/run.rs"]),
    ("std::env", &[]),
    ("std::fs", &["agent/initrd.rs"]),
    ("std::process", &["agent/run.rs"]),
    ("jiff::Timestamp::now", &["agent/clock.rs"]),
    ("std::io::stdout", &["agent/log.rs"]),
];

/// As [`BELONGS`], for the rest of `node-image/src`.
const OF_IMAGE: [(&str, &[&str]); 14] = [
    ("aws_sdk_autoscaling", &["publish"]),
    ("aws_sdk_ebs", &["publish"]),
    ("aws_sdk_ec2", &["publish"]),
    ("aws_sdk_ssm", &["publish"]),
    ("aws_types", &["publish"]),
    ("common", &["build"]),
    ("cpio", &["build/stages/initrd.rs"]),
    ("flate2", &["channel"]),
    ("gpt", &["build/stages/disk.rs"]),
    ("hyper", &["agent", "boot/imds.rs", "boot/imds"]),
    ("tar", &["build/stages"]),
    ("tokio", &["agent", "boot", "publish"]),
    ("toml", &["build/lock.rs"]),
    (
        "std::process",
        &["agent", "bin", "boot", "build/command.rs", "build/host.rs", "init", "probe"],
    ),
];

/// What every room of `node-image` may know beside itself.
const IMAGE_BASE: [&str; 3] = ["card", "channel", "facts"];

/// Rooms of the agent that are data or pure functions.
const AGENT_PURE: [&str; 3] = ["agent/drain.rs", "agent/standing.rs", "agent/status.rs"];

/// Only the command line prints.
const PRINTS: [&str; 5] = ["println", "eprintln", "print", "eprint", "dbg"];

#[test]
fn a_module_imports_only_from_its_left() {
    assert_house(|source| {
        let module = source.module();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            return vec![format!("{module} has no place in the house")];
        };
        let own = source.paths.iter().filter_map(|path| path.strip_prefix("crate::"));
        own.map(|path| path.split("::").next().unwrap_or_default())
            .filter(|to| *to != module && !BASE.contains(to) && !allowed.contains(to))
            .filter(|to| MAY_IMPORT.iter().any(|(known, _)| known == to))
            .map(|to| format!("imports crate::{to}"))
            .collect()
    });
}

#[test]
fn one_backend_does_not_know_another() {
    assert_house(|source| {
        let Some(own) = source.path.strip_prefix("backend/") else { return Vec::new() };
        let own = own.split(['/', '.']).next().unwrap_or_default();
        let others = source.paths.iter().filter_map(|path| path.strip_prefix("crate::backend::"));
        others
            .map(|path| path.split("::").next().unwrap_or_default())
            .filter(|to| own != "mod" && *to != own && !["files", "lease"].contains(to))
            .map(|to| format!("imports backend::{to}"))
            .collect()
    });
}

#[test]
fn vendor_crates_clocks_files_and_prints_stay_in_their_folders() {
    assert_house(|source| {
        let mut found = Vec::new();
        for path in &source.paths {
            let uses =
                |&&(what, places): &&(&str, &[&str])| starts(path, what) && !source.is_in(places);
            let calls =
                |&&(what, places): &&(&str, &[&str])| ends(path, what) && !source.is_in(places);
            found.extend(BELONGS.iter().find(uses).map(|_| format!("uses {path}")));
            found.extend(CALLS.iter().find(calls).map(|_| format!("calls {path}")));
            let asks = ends(path, "SystemClock") || ends(path, "async_trait");
            if PURE.contains(&source.module()) && asks {
                found.push(format!("uses {path}"));
            }
        }
        if PURE.contains(&source.module()) && source.waits {
            found.push("has an async fn".to_owned());
        }
        if !source.is_in(&["cli", "main.rs"]) {
            let prints = source.macros.iter().filter(|name| PRINTS.contains(&name.as_str()));
            found.extend(prints.map(|name| format!("uses {name}!")));
        }
        found
    });
}

#[test]
fn the_image_and_the_root_crate_do_not_know_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for source in sources(&root.join("node-image/src")) {
        assert!(!source.paths.iter().any(|path| path.starts_with("floodway::")), "{}", source.path);
    }
    for source in sources(&root.join("src")) {
        let knows = source.paths.iter().any(|path| path.starts_with("node_image::"));
        // What a channel's parameter holds is told to the one who writes it and to the one
        // who reads it in one place.
        assert!(!knows || source.is_in(&["cli", "backend/aws"]), "{}", source.path);
    }
}

#[test]
fn the_agent_keeps_its_rooms_and_knows_nothing_of_the_build() {
    assert_all("node-image/src", 10, |source| {
        if !source.is_in(&["agent"]) {
            return Vec::new();
        }
        let strange = |path: &str| {
            let of_crate = starts(path, "crate") && !starts(path, "crate::agent");
            let sdk = path.starts_with("aws_");
            let placed =
                OF_AGENT.iter().any(|(what, places)| starts(path, what) && !source.is_in(places));
            let late = ends(path, "Timestamp::now") && !source.is_in(&["agent/clock.rs"]);
            let waits = source.is_in(&AGENT_PURE) && starts(path, "tokio");
            of_crate || sdk || placed || late || waits
        };
        let paths = source.paths.iter().filter(|path| strange(path));
        let mut found: Vec<_> = paths.map(|path| format!("uses {path}")).collect();
        let prints = source.macros.iter().filter(|name| PRINTS.contains(&name.as_str()));
        found.extend(prints.map(|name| format!("uses {name}!")));
        if source.is_in(&AGENT_PURE) && source.waits {
            found.push("has an async fn".to_owned());
        }
        found
    });
}

#[test]
fn each_room_of_the_image_keeps_to_itself_and_its_crates() {
    assert_all("node-image/src", 60, |source| {
        let own = source.module();
        if ["lib", "bin"].contains(&own) {
            return Vec::new();
        }
        let strange = |path: &str| {
            let to = path.strip_prefix("crate::").map(|path| path.split("::").next());
            let strays = to.flatten().is_some_and(|to| to != own && !IMAGE_BASE.contains(&to));
            let placed =
                OF_IMAGE.iter().any(|(what, places)| starts(path, what) && !source.is_in(places));
            strays || placed
        };
        let paths = source.paths.iter().filter(|path| strange(path));
        let mut found: Vec<_> = paths.map(|path| format!("uses {path}")).collect();
        // Of a program in the image, the journal takes what it prints.
        if !source.is_in(&["probe/mod.rs"]) {
            let prints = source.macros.iter().filter(|name| PRINTS.contains(&name.as_str()));
            found.extend(prints.map(|name| format!("uses {name}!")));
        }
        found
    });
}

#[test]
fn no_file_is_longer_than_one_sitting() {
    let long = |source: &Source| {
        let lines = source.lines;
        if lines > 500 { vec![format!("has {lines} lines without its tests")] } else { vec![] }
    };
    assert_house(long);
    assert_all("node-image/src", 60, long);
    assert_all("common/src", 20, long);
}

#[test]
fn the_layer_test_sees_what_it_forbids() {
    let source = |text: &str| Source::read("plan/sub/deep.rs".to_owned(), text);
    let paths = |text: &str| source(text).paths;
    assert_eq!(
        paths("use crate::{port, spec::{X, Y}};"),
        ["crate::port", "crate::spec::X", "crate::spec::Y"]
    );
    assert_eq!(paths("use super::super::super::execute;"), ["crate::execute"]);
    assert_eq!(paths("mod inner { use super::super::super::decide; }"), ["crate::plan::decide"]);
    assert_eq!(paths("use std::{env, fs as files};"), ["std::env", "std::fs"]);
    assert_eq!(paths("use ::kube::Client;"), ["kube::Client"]);
    assert!(
        paths("fn f() { let _ = jiff::Timestamp::now(); }")
            .contains(&"jiff::Timestamp::now".into())
    );
    assert!(paths("fn f() { g!(a, crate::port::X); }").contains(&"crate::port::X".into()));
    assert_eq!(source("fn f() { println!(\"http://x\"); }").macros, ["println"]);
    let tests = "#[cfg(test)] mod tests { use crate::cli; } use crate::id;";
    assert_eq!(paths(tests), ["crate::id"], "and what comes after them");
}

/// Whether `path` is `what`, or something in it.
fn starts(path: &str, what: &str) -> bool {
    path.strip_prefix(what).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether `path` is `what`, by a whole or a shorter name.
fn ends(path: &str, what: &str) -> bool {
    path.strip_suffix(what).is_some_and(|rest| rest.is_empty() || rest.ends_with("::"))
}

fn assert_house(check: impl Fn(&Source) -> Vec<String>) {
    assert_all("src", 20, check);
}

/// As [`assert_house`], for the more than `least` files of a folder.
fn assert_all(folder: &str, least: usize, check: impl Fn(&Source) -> Vec<String>) {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    assert!(sources.len() > least, "the sources were not found");
    let wrong: Vec<String> = sources
        .iter()
        .flat_map(|source| check(source).into_iter().map(|w| format!("{}: {w}", source.path)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
