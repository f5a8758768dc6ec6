//! The environments of this repository, as users find them.

use super::fixture::json;
use floodway::backend::files::Files;
use floodway::diag::Look;
use floodway::id::Name;
use floodway::spec::{Resolved, resolve, resolve_at, resolve_phases, schema};
use std::fs;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("environments").join(name)
}

#[test]
fn the_examples_resolve_without_a_word() {
    for name in ["demo", "day", "staging", "prod"] {
        let (files, entry) = Files::around(&path(&format!("{name}.toml"))).unwrap();
        assert_eq!(entry, format!("environments/{name}.toml"));
        let (resolved, diagnostics) = resolve(&entry, &files);
        assert!(diagnostics.is_empty(), "{}", diagnostics.render(Look::PLAIN));
        let resolved = resolved.unwrap();
        assert_eq!(resolved.environment.environment.name.as_str(), name);
        insta::assert_snapshot!(format!("{name}_with_origins"), resolved.to_toml_with_origins());
    }
}

#[test]
fn the_examples_are_right_at_every_phase_and_before_the_first() {
    for name in ["demo", "day", "staging", "prod"] {
        let (files, entry) = Files::around(&path(&format!("{name}.toml"))).unwrap();
        let names = ["short", "medium", "long"].map(|phase| phase.parse::<Name>().unwrap());
        for phase in std::iter::once(None).chain(names.iter().map(Some)) {
            let (resolved, diagnostics) = resolve_at(&entry, &files, phase);
            assert!(diagnostics.is_empty(), "{phase:?}: {}", diagnostics.render(Look::PLAIN));
            assert_eq!(resolved.unwrap().environment.environment.phase.as_ref(), phase);
        }
    }
}

#[test]
fn the_phases_of_prod_bring_their_pools() {
    let (files, entry) = Files::around(&path("prod.toml")).unwrap();
    let burst = |resolved: &Resolved| {
        let pools = resolved.environment.aws.iter().flat_map(|aws| &aws.pools);
        pools.map(|(name, pool)| format!("{name} {}", pool.size.max())).collect::<Vec<_>>()
    };
    let before = resolve_at(&entry, &files, None).0.unwrap();
    assert_eq!(burst(&before), [""; 0]);
    let phased = resolve_phases(&entry, &files).0.unwrap();
    let at: Vec<_> = phased.phases.iter().map(|(_, resolved)| burst(resolved)).collect();
    assert_eq!(at, [vec!["g6e 10"], vec!["g6e 10", "p5 2"], vec!["g6e 7", "p5 2"]]);
}

#[test]
fn the_examples_hold_to_the_schema_and_name_it() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for name in ["base", "demo", "day", "staging", "prod"] {
        let text = fs::read_to_string(path(&format!("{name}.toml"))).unwrap();
        assert!(text.starts_with("#:schema ./schema.json\n"), "{name}");
        let errors: Vec<_> =
            validator.iter_errors(&json(&text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn the_published_schema_is_the_one_that_the_binary_prints() {
    let printed = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let file = path("schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&file, &printed).unwrap();
    }
    let published = fs::read_to_string(&file).unwrap_or_default();
    assert!(published == printed, "run the tests once with UPDATE_SCHEMA=1, and commit the file");
}
