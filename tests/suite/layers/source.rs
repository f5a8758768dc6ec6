//! What source files name: read by the compiler's own grammar.

use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// What a file of the crate names.
pub struct Source {
    pub path: String,
    /// Every path, from the crate's root where it is one of the crate's.
    pub paths: Vec<String>,
    pub macros: Vec<String>,
    /// It has an `async fn`.
    pub waits: bool,
    /// Without its tests.
    pub lines: usize,
}

impl Source {
    pub fn read(path: String, text: &str) -> Self {
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

    pub fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// Whether it is one of these files, or in one of these folders.
    pub fn is_in(&self, places: &[&str]) -> bool {
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

/// Every file under `root` that is not only compiled for tests.
pub fn sources(root: &Path) -> Vec<Source> {
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
