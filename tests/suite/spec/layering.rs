//! Files laid upon each other.

use super::clean;
use super::fixture::{Memory, WHOLE};
use floodway::spec::Count;

const SLO: &str = "[slo]\nttft_p99 = \"300ms\"\navailability = \"99%\"\n";
const POOL: &str =
    "[slo]\nttft_p99 = \"400ms\"\n[onprem.pools.h100]\nreplicas = { min = 1, max = 9 }\n";
const NUMBER: &str = "[onprem.pools.h100]\nreplicas = 7\n";
const BOUNDS: &str = "[onprem.pools.h100]\nreplicas = { min = 2, max = 3 }\n";

fn extending(files: &str, text: &str) -> String {
    format!("extends = {files}\n{text}")
}

#[test]
fn a_row_of_files_and_a_list_of_them_are_the_same() {
    let base = ("base.toml", WHOLE.to_owned());
    let row = Memory::new([
        base.clone(),
        ("slo.toml", extending("'base.toml'", SLO)),
        ("pool.toml", extending("'slo.toml'", POOL)),
        ("number.toml", extending("'pool.toml'", NUMBER)),
        ("top.toml", extending("'number.toml'", BOUNDS)),
    ]);
    let list = Memory::new([
        base.clone(),
        ("slo.toml", SLO.to_owned()),
        ("pool.toml", POOL.to_owned()),
        ("number.toml", NUMBER.to_owned()),
        ("top.toml", extending("['base.toml', 'slo.toml', 'pool.toml', 'number.toml']", BOUNDS)),
    ]);
    let pairs = Memory::new([
        base,
        ("slo.toml", SLO.to_owned()),
        ("pool.toml", POOL.to_owned()),
        ("low.toml", extending("['base.toml', 'slo.toml', 'pool.toml']", "")),
        ("number.toml", NUMBER.to_owned()),
        ("high.toml", extending("'number.toml'", BOUNDS)),
        ("top.toml", extending("['low.toml', 'high.toml']", "")),
    ]);
    let [row, list, pairs] = [row, list, pairs].map(|memory| clean("top.toml", &memory));
    assert_eq!(row.environment, list.environment);
    assert_eq!(row.environment, pairs.environment);
    assert_eq!(row.digest, pairs.digest);
    assert_eq!(row.environment.slo.ttft_p99.unwrap().millis(), 400);
    let pool = &row.environment.onprem.unwrap().pools["h100"];
    assert_eq!(pool.replicas, Count::Between { min: 2, max: 3 });
}

#[test]
fn a_value_names_the_file_that_won_and_a_default_the_table_around_it() {
    let memory = Memory::new([
        ("e/base.toml", WHOLE.to_owned()),
        ("e/top.toml", extending("'base.toml'", "[slo]\nttft_p99 = \"300ms\"\n")),
    ]);
    let origins = clean("e/top.toml", &memory).origins;
    let line = |key: &str| origins.origin(key).map(ToString::to_string);
    assert_eq!(line("slo.ttft_p99").as_deref(), Some("e/top.toml:3:1"));
    assert_eq!(line("slo.availability").as_deref(), Some("e/base.toml:7:1"));
    assert_eq!(line("onprem.pools.h100.replicas").as_deref(), Some("e/base.toml:37:1"));
    assert_eq!(line("onprem.pools.h100.node_selector"), line("onprem.pools.h100"));
    assert_eq!(line("nothing.of.it"), None);
    assert_eq!(origins.exact("onprem.pools.h100.node_selector"), None);
}

#[test]
fn what_is_unset_is_not_taken_from_the_files_below() {
    let whole = WHOLE.to_owned()
        + "[onprem.pools.a100]\nstage = \"inference\"\nreplicas = 1\n\
                 capacity = \"1 req/s\"\nnode_selector = { \"a.b/c\" = \"x\", d = \"y\" }\n";
    let files = |unset: &str, more: &str| {
        let text = format!("unset = {unset}\n{more}");
        Memory::new([("base.toml", whole.clone()), ("top.toml", extending("'base.toml'", &text))])
    };
    let pools = |unset: &str, more: &str| {
        let resolved = clean("top.toml", &files(unset, more));
        resolved.environment.onprem.unwrap().pools
    };
    assert_eq!(pools("[]", "").len(), 3);
    assert!(!pools("['onprem.pools.a100', 'onprem.pools.a100.stage']", "").contains_key("a100"));
    let selector = pools("['onprem.pools.a100.node_selector.\"a.b/c\"']", "");
    assert_eq!(selector["a100"].node_selector.len(), 1);
    // What the file itself says comes after.
    let again =
        "[onprem.pools.a100]\nstage = \"inference\"\nreplicas = 2\ncapacity = \"1 req/s\"\n";
    let anew = &pools("['onprem.pools.a100']", again)["a100"];
    assert_eq!((anew.replicas, anew.node_selector.len()), (Count::Fixed(2), 0));
}
