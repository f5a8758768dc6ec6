//! Holds the house: a module imports only from its left, vendor crates stay in
//! their folders, and the pure part knows no clock, file, environment or terminal.

use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// Modules that are data or pure functions, in the order in which data flows.
const PURE: [&str; 8] =
    ["spec", "observe", "signal", "forecast", "decide", "desired", "iam", "plan"];

/// What a module may import of the crate; a module that is not here may not be.
const MAY_IMPORT: [(&str, &[&str]); 18] = [
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
            "render",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &["cli"]),
];

/// What every module may import: the first three are of the crate `common`.
const BASE: [&str; 4] = ["units", "id", "diag", "clock"];

/// Crates and parts of `std` that belong to some folders only.
const BELONGS: [(&str, &[&str]); 42] = [
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

/// What a file of the crate names.
struct Source {
    path: String,
    /// Every path, from the crate's root where it is one of the crate's.
    paths: Vec<String>,
    macros: Vec<String>,
    /// It has an `async fn`.
    waits: bool,
    /// Without its tests.
    lines: usize,
}

impl Source {
    fn read(path: String, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut at: Vec<String> = path.trim_end_matches(".rs").split('/').map(Into::into).collect();
        if matches!(at.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            at.pop();
        }
        let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = lines.lines().count();
        let mut source = Self { path, paths: vec![], macros: vec![], waits: false, lines };
        Reader { source: &mut source, at }.visit_file(&file);
        source
    }

    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// Whether it is one of these files, or in one of these folders.
    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            self.path
                .strip_prefix(place)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

struct Reader<'s> {
    source: &'s mut Source,
    /// The module that is read.
    at: Vec<String>,
}

impl Reader<'_> {
    fn names(&mut self, segments: &[String]) {
        let mut at = self.at.clone();
        let mut rest = segments;
        let mut of_crate = true;
        match rest.first().map(String::as_str) {
            Some("crate") => (at, rest) = (Vec::new(), &rest[1..]),
            Some("self") => rest = &rest[1..],
            Some("super") => {}
            _ => of_crate = false,
        }
        while of_crate && rest.first().is_some_and(|name| name == "super") {
            at.pop();
            rest = &rest[1..];
        }
        let all = if of_crate {
            ["crate".to_owned()].into_iter().chain(at).chain(rest.iter().cloned()).collect()
        } else {
            rest.to_vec()
        };
        self.source.paths.push(all.join("::"));
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.names(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.names(&with(&name.ident)),
            syn::UseTree::Glob(_) => self.names(before),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.tree(before, tree));
            }
        }
    }

    /// Paths in what a macro is given, as far as they can be told.
    fn tokens(&mut self, tokens: &str) {
        let joined = tokens.replace(" :: ", "::");
        let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        for word in joined.split(|c| !is_path(c)).filter(|word| word.contains("::")) {
            let segments: Vec<String> =
                word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            self.names(&segments);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        let of_tests = |attribute: &syn::Attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
        };
        if !attributes.iter().any(of_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.at.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.at.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if segments.len() > 1 {
            self.names(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.source.waits |= signature.asyncness.is_some();
        visit::visit_signature(self, signature);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        if let Some(name) = called.path.segments.last() {
            self.source.macros.push(name.ident.to_string());
        }
        self.tokens(&called.tokens.to_string());
        visit::visit_macro(self, called);
    }
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

/// Every file under `root` that is not only compiled for tests.
fn sources(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    let relative = |path: &Path| path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
    let of_tests = |path: &str| {
        path.split('/').any(|part| part == "tests" || part == "tests.rs" || part == "fixture.rs")
    };
    files
        .iter()
        .map(|path| (relative(path), path))
        .filter(|(path, _)| !of_tests(path))
        .map(|(relative, path)| Source::read(relative, &fs::read_to_string(path).unwrap()))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
}
