//! Holds the house: a module imports only from its left, vendor crates stay in
//! their folders, and the pure part knows no clock, file, environment or terminal.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules that are data or pure functions, in the order in which data flows.
const PURE: [&str; 5] = ["spec", "observe", "decide", "desired", "plan"];

/// What a module (first match wins) may import of the crate.
const MAY_IMPORT: [(&str, &[&str]); 14] = [
    ("units", &[]),
    ("id", &[]),
    ("clock", &[]),
    ("diag", &[]),
    ("spec", &[]),
    ("observe", &["spec"]),
    ("decide", &["spec", "observe"]),
    ("desired", &["spec", "observe", "decide"]),
    ("plan", &["spec", "observe", "decide", "desired"]),
    ("port", &["spec", "observe", "decide", "desired", "plan"]),
    ("execute", &["observe", "decide", "plan", "port"]),
    ("backend", &["spec", "observe", "desired", "plan", "port", "execute"]),
    ("pipeline", &["spec", "observe", "decide", "desired", "plan", "port", "execute"]),
    ("render", &["spec", "observe", "decide", "desired", "plan", "port", "execute", "pipeline"]),
];

/// What every module may import.
const BASE: [&str; 4] = ["units", "id", "clock", "diag"];

/// Crates and calls that belong to some folders only.
const BELONGS: [(&str, &[&str]); 16] = [
    ("kube::", &["backend/kube"]),
    ("k8s_openapi::", &["backend/kube", "desired/tests"]),
    ("aws_sdk_", &["backend/aws"]),
    ("aws_config::", &["backend/aws"]),
    ("octocrab::", &["backend/github"]),
    ("clap::", &["cli"]),
    ("indicatif::", &["cli"]),
    ("annotate_snippets::", &["diag"]),
    ("toml_edit::", &["spec"]),
    ("tera::", &["desired", "render", "rollout"]),
    ("Timestamp::now(", &["clock.rs"]),
    ("SystemTime::now(", &[]),
    ("Instant::now(", &["cli"]),
    ("std::env", &["cli", "backend"]),
    ("std::fs", &["cli", "backend"]),
    ("std::process", &["cli", "backend", "main.rs"]),
];

/// Never in the pure part: it must not wait, read a clock or do I/O.
const NEVER_PURE: [&str; 3] = ["tokio::", "async fn", "async_trait"];

/// Only the command line prints.
const PRINTS: [&str; 4] = ["println!(", "eprintln!(", "print!(", "std::io::stdout"];

#[test]
fn a_module_imports_only_from_its_left() {
    let wrong = violations(|file, code| {
        let module = file.module();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            return Vec::new();
        };
        imports(code)
            .into_iter()
            .filter(|to| to != module && !BASE.contains(&to.as_str()))
            .filter(|to| !allowed.contains(&to.as_str()))
            .map(|to| format!("imports crate::{to}"))
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_backend_does_not_know_another() {
    let wrong = violations(|file, code| {
        let Some(own) = file.path.strip_prefix("backend/") else { return Vec::new() };
        let own = own.split(['/', '.']).next().unwrap_or_default();
        let after = |line: &str| {
            line.split("backend::").nth(1).map(|rest| {
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
            })
        };
        code.lines()
            .filter(|line| line.contains("crate::backend::"))
            .filter_map(after)
            .filter(|to| own != "mod" && to != own && to != "files")
            .map(|to| format!("imports backend::{to}"))
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn vendor_crates_clocks_files_and_prints_stay_in_their_folders() {
    let wrong = violations(|file, code| {
        let mut found = Vec::new();
        for (what, places) in BELONGS {
            if mentions(code, what) && !places.iter().any(|place| file.path.starts_with(place)) {
                found.push(format!("uses {what}"));
            }
        }
        if PURE.contains(&file.module()) {
            found.extend(
                NEVER_PURE.iter().filter(|w| code.contains(**w)).map(|w| format!("uses {w}")),
            );
        }
        if !["cli", "main"].contains(&file.module()) {
            found.extend(PRINTS.iter().filter(|w| code.contains(**w)).map(|w| format!("uses {w}")));
        }
        found
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_one_sitting() {
    let wrong = violations(|_, code| {
        let lines = code.lines().count();
        if lines > 500 { vec![format!("has {lines} lines without its tests")] } else { vec![] }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_layer_test_sees_what_it_forbids() {
    assert_eq!(
        imports("use crate::{plan, spec::X};\nlet a = crate::port::Y;"),
        ["plan", "spec", "port"]
    );
    assert_eq!(without_tests_and_comments("a // crate::x\n#[cfg(test)]\nmod tests {\nb"), "a \n");
}

struct Source {
    path: String,
}

impl Source {
    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }
}

fn violations(check: impl Fn(&Source, &str) -> Vec<String>) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 20, "the sources were not found");
    files.sort();
    let mut wrong = Vec::new();
    for path in files {
        let relative = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        if relative.split('/').any(|part| part == "tests" || part == "tests.rs") {
            continue;
        }
        let code = without_tests_and_comments(&fs::read_to_string(&path).unwrap());
        let source = Source { path: relative };
        wrong.extend(check(&source, &code).into_iter().map(|w| format!("{}: {w}", source.path)));
    }
    wrong
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

fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect()
}

/// Whether `what` is written as itself, not as the end of a longer path.
fn mentions(code: &str, what: &str) -> bool {
    code.match_indices(what).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|c| c != ':' && c != '_' && !c.is_alphanumeric())
    })
}

/// The modules named after `crate::`, also inside a brace list.
fn imports(code: &str) -> Vec<String> {
    let ident = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.push(ident(rest));
            continue;
        };
        let mut depth = 1;
        let mut start = true;
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' => start = depth == 1,
                c if start && !c.is_whitespace() => {
                    found.push(ident(&list[at..]));
                    start = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}
