//! The instance types of a simulated account: those that Floodway knows.

use crate::observe::Requirements;
use crate::spec::Catalog;
use std::sync::LazyLock;

static KNOWN: LazyLock<Catalog> = LazyLock::new(Catalog::shipped);

/// The types that have this, the cheapest first. How much memory a type has is
/// not known here, and not asked.
pub(super) fn with(required: &Requirements) -> Vec<String> {
    let meets = |name: &&str| {
        let gpu = KNOWN.gpu_name(name).unwrap_or_default().to_lowercase();
        KNOWN
            .get(name)
            .is_some_and(|known| known.gpus == required.gpus && required.vcpus.holds(known.vcpus))
            && (required.gpu_names.is_empty() || required.gpu_names.contains(&gpu))
            && (required.allowed.is_empty()
                || required.allowed.iter().any(|pattern| is_like(name, pattern)))
            && !required.excluded.iter().any(|pattern| is_like(name, pattern))
    };
    let price = |name: &&str| KNOWN.list_price(name, "us-east-1").map(|price| price.usd_per_hour);
    let mut types: Vec<&str> = KNOWN.names().filter(meets).collect();
    types.sort_by_key(price);
    types.into_iter().map(str::to_owned).collect()
}

/// Whether `name` is as `pattern` says, in which `*` stands for anything.
fn is_like(name: &str, pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return name == pattern };
    name.strip_prefix(before).is_some_and(|rest| {
        (0..=rest.len()).filter_map(|at| rest.get(at..)).any(|end| is_like(end, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Within;

    #[test]
    fn what_is_asked_for_is_found_and_what_is_excluded_is_not() {
        let mut required = Requirements {
            gpus: 4,
            gpu_names: Vec::new(),
            allowed: vec!["g6e.*".into()],
            vcpus: Within { min: 32, max: None },
            memory_mib: Within::default(),
            excluded: Vec::new(),
        };
        assert_eq!(with(&required), ["g6e.12xlarge", "g6e.24xlarge"]);
        required.excluded = vec!["*.24x*".into()];
        assert_eq!(with(&required), ["g6e.12xlarge"]);
        required.vcpus.min = 64;
        assert_eq!(with(&required), [""; 0]);
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, like) in [
            ("g6e.*", true),
            ("*.12xlarge", true),
            ("g*e.1*", true),
            ("g6.*", false),
            ("g6e", false),
        ] {
            assert_eq!(is_like("g6e.12xlarge", pattern), like, "{pattern}");
        }
    }
}
