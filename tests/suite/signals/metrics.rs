//! The controller's own metrics, as they are told, documented and read by alert rules.
//! What each number is, the snapshot says that is read here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// All that one turn tells.
const EXPOSED: &str = include_str!(
    "../../../src/render/turn/numbers/tests/snapshots/\
     floodway__render__turn__numbers__tests__whole__exposed.snap"
);

/// Told when it is asked for, beside what a turn tells.
const AGE: &str = "floodway_decision_age_seconds";

type Labels = BTreeSet<String>;

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The labels that stand from here to the brace that ends them.
fn labels(text: &str) -> Labels {
    let line = text.lines().next().unwrap_or_default();
    let bare = line.split('"').step_by(2).collect::<String>();
    let list = bare.split('}').next().unwrap_or_default();
    let name = |one: &str| one.trim().chars().take_while(|c| is_word(*c)).collect::<String>();
    list.split(',').map(name).filter(|name| !name.is_empty()).collect()
}

/// Every metric of Floodway's that `text` names, with the labels where it has any.
fn named(text: &str) -> Vec<(&str, Option<Labels>)> {
    let begins = text.match_indices("floodway_").map(|(at, _)| at);
    let begins = begins.filter(|at| !text[..*at].ends_with(is_word));
    let one = |at: usize| {
        let rest = &text[at..];
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        (name, rest.strip_prefix('{').map(labels))
    };
    begins.map(one).collect()
}

/// Every metric with its labels; the one that all have, and a histogram's own, aside.
fn exposed() -> BTreeMap<&'static str, Labels> {
    let mut all = BTreeMap::from([(AGE, Labels::new())]);
    let mut family = AGE;
    for line in EXPOSED.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            family = head.split(' ').next().unwrap();
            all.insert(family, Labels::new());
        } else if line.starts_with("floodway_") {
            let (_, found) = named(line).remove(0);
            let found = found.unwrap().into_iter().filter(|l| l != "environment" && l != "le");
            all.get_mut(family).unwrap().extend(found);
        }
    }
    assert!(all.len() > 35, "{all:?}");
    all
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_metric_is_documented_with_its_labels_and_no_other_is() {
    let page = fs::read_to_string(root().join("docs/run.md")).unwrap();
    let (_, table) = page.split_once("| metric | |\n").unwrap();
    let table = table.split("\n\n").next().unwrap();
    let cells = table.lines().map(|row| row.split('|').nth(1).unwrap());
    let documented: BTreeMap<&str, Labels> =
        cells.flat_map(named).map(|(name, labels)| (name, labels.unwrap_or_default())).collect();
    assert_eq!(documented, exposed());
}

#[test]
fn whoever_reads_a_metric_reads_one_that_is_told_by_labels_that_it_has() {
    let exposed = exposed();
    let files = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        paths.collect::<Vec<PathBuf>>()
    };
    let mut readers = [files("docs"), files("templates/alerts")].concat();
    readers.extend(["README.md", "src/rollout/built_in.rs"].map(|file| root().join(file)));
    let mut read = 0;
    for reader in readers {
        let text = fs::read_to_string(&reader).unwrap();
        for (name, labels) in named(&text) {
            let part = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(*end));
            let known = exposed.get(name).or_else(|| exposed.get(part?));
            let known =
                known.unwrap_or_else(|| panic!("{}: nobody tells {name}", reader.display()));
            let strange = labels.unwrap_or_default();
            let strange = strange.iter().find(|l| !known.contains(*l) && *l != "environment");
            assert_eq!(strange, None, "{} reads {name} by it", reader.display());
            read += 1;
        }
    }
    assert!(read > 50, "{read}");
}
