//! The resolved environment as TOML text, with every default visible.

use super::model::Environment;
use super::resolve::Resolved;
use common::shape::{Shape as _, Tree, quoted, quoted_key};
use unicode_width::UnicodeWidthStr as _;

/// Where trailing comments stand at the latest: beyond it a long line pushes
/// its own comment alone.
const COMMENT_COLUMN: usize = 60;

impl Resolved {
    /// One TOML file that resolves to this same environment.
    pub fn to_toml(&self) -> String {
        environment_to_toml(&self.environment)
    }

    /// [`Self::to_toml`], each value with the file and line that it came from,
    /// or `default`.
    pub fn to_toml_with_origins(&self) -> String {
        let lines = lines(&self.environment);
        let widths = lines.iter().filter(|line| line.path.is_some()).map(|line| line.text.width());
        let column = widths.filter(|width| *width <= COMMENT_COLUMN).max().unwrap_or_default();
        let mut text = String::new();
        for line in &lines {
            text.push_str(&line.text);
            if let Some(path) = &line.path {
                let padding = column.saturating_sub(line.text.width());
                text.push_str(&" ".repeat(padding));
                text.push_str(&match self.origins.exact(path) {
                    Some(place) => format!("  # {}:{}", place.file, place.line),
                    None => "  # default".to_owned(),
                });
            }
            text.push('\n');
        }
        text
    }
}

/// `environment` as one TOML file.
pub(super) fn environment_to_toml(environment: &Environment) -> String {
    lines(environment).into_iter().map(|line| line.text + "\n").collect()
}

fn lines(environment: &Environment) -> Vec<Line> {
    let mut printer = Printer { lines: Vec::new() };
    if let Some(Tree::Table(sections)) = environment.encode() {
        // What stands in no table must stand before the first.
        let (tables, top): (Vec<_>, Vec<_>) =
            sections.iter().partition(|(_, tree)| is_section(tree));
        // An empty `moved` or `schedule` is no setting.
        for (key, tree) in top.into_iter().filter(|(_, tree)| *tree != Tree::Array(vec![])) {
            printer.entry(key, key, tree);
        }
        for (key, tree) in tables {
            printer.section(&quoted_key(key), key, tree);
        }
    }
    printer.lines
}

/// A line of the text, and the key that it gives a value to.
struct Line {
    text: String,
    path: Option<String>,
}

struct Printer {
    lines: Vec<Line>,
}

/// Whether it stands under headers of its own.
fn is_section(tree: &Tree) -> bool {
    match tree {
        Tree::Table(_) | Tree::Named(_) => true,
        Tree::Array(items) => items.iter().any(|item| matches!(item, Tree::Table(_))),
        _ => false,
    }
}

impl Printer {
    fn line(&mut self, text: String, path: Option<&str>) {
        self.lines.push(Line { text, path: path.map(str::to_owned) });
    }

    fn header(&mut self, text: String) {
        if !self.lines.is_empty() {
            self.line(String::new(), None);
        }
        self.line(text, None);
    }

    /// A table under its header, then the named tables in it.
    fn section(&mut self, header: &str, path: &str, tree: &Tree) {
        match tree {
            Tree::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.header(format!("[[{header}]]"));
                    self.entries("", &format!("{path}.{at}"), item);
                }
            }
            Tree::Table(entries) => {
                let named = |tree: &Tree| matches!(tree, Tree::Named(named) if !named.is_empty());
                let (below, own): (Vec<_>, Vec<_>) =
                    entries.iter().partition(|(_, tree)| named(tree));
                if !own.is_empty() || below.is_empty() {
                    self.header(format!("[{header}]"));
                }
                for (key, tree) in own {
                    self.entry(&quoted_key(key), &join(path, key), tree);
                }
                for (key, tree) in below {
                    let header = format!("{header}.{}", quoted_key(key));
                    self.section(&header, &join(path, key), tree);
                }
            }
            Tree::Named(tables) => {
                for (name, tree) in tables {
                    let header = format!("{header}.{}", quoted_key(name));
                    self.section(&header, &join(path, name), tree);
                }
            }
            leaf => self.entry(header, path, leaf),
        }
    }

    /// A value under its dotted key: one line for each value, so that each can
    /// name where it came from.
    fn entry(&mut self, key: &str, path: &str, tree: &Tree) {
        match tree {
            Tree::Table(entries) | Tree::Named(entries) if !entries.is_empty() => {
                self.entries(key, path, tree);
            }
            value => self.line(format!("{key} = {}", inline(value)), Some(path)),
        }
    }

    fn entries(&mut self, key: &str, path: &str, tree: &Tree) {
        let (Tree::Table(entries) | Tree::Named(entries)) = tree else { return };
        for (inner, tree) in entries {
            let key = join(key, &quoted_key(inner));
            self.entry(&key, &join(path, inner), tree);
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A value on one line.
fn inline(tree: &Tree) -> String {
    let list = |parts: Vec<String>, open: &str, close: &str| match parts.as_slice() {
        [] => format!("{}{}", open.trim(), close.trim()),
        parts => format!("{open}{}{close}", parts.join(", ")),
    };
    match tree {
        Tree::String(text) => quoted(text),
        Tree::Integer(number) => number.to_string(),
        // A decimal without a point would be read back as an integer.
        Tree::Decimal(text) if text.contains('.') => text.clone(),
        Tree::Decimal(text) => format!("{text}.0"),
        Tree::Boolean(value) => value.to_string(),
        Tree::Array(items) => list(items.iter().map(inline).collect(), "[", "]"),
        Tree::Table(entries) | Tree::Named(entries) => {
            let entry =
                |(key, value): &(String, Tree)| format!("{} = {}", quoted_key(key), inline(value));
            list(entries.iter().map(entry).collect(), "{ ", " }")
        }
    }
}
