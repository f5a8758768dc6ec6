//! Tags: the marks that say whose a thing is.

use crate::observe::{Body, Mark, Ownership, marks};
use crate::port::Scope;
use std::collections::BTreeMap;

/// A thing's tags.
pub(super) type Tags = BTreeMap<String, String>;

/// Those that git owns: Floodway's, without what it only notes for itself.
/// Everybody may put others beside them.
pub(super) fn owned(tags: &Tags) -> Tags {
    tags.iter()
        .filter(|(key, _)| marks::is_owned_tag(key))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// Whose a thing with these tags is.
pub(super) fn owner(mark: &Mark, tags: &Tags) -> Ownership {
    mark.owner_by(|key| tags.get(key).map(String::as_str))
}

/// Whose it is for `scope`, which may take over what another file has left.
pub(super) fn owner_in(scope: &Scope) -> impl Fn(&Tags) -> Ownership + Copy {
    |tags| scope.owner_by(|key| tags.get(key).map(String::as_str))
}

/// `floodway.dev/…`, without the prefix.
pub(super) fn marks_of(tags: &Tags) -> BTreeMap<String, String> {
    let own = |(key, value): (&String, &String)| {
        Some((key.strip_prefix(marks::PREFIX)?.to_owned(), value.clone()))
    };
    tags.iter().filter_map(own).collect()
}

/// Tags of `live` that git owned and does not want any more.
pub(super) fn outdated(live: &Tags, wanted: &Tags) -> Vec<String> {
    owned(live).into_keys().filter(|key| !wanted.contains_key(key)).collect()
}

/// A digest of `body` as 32 hexadecimal digits.
pub(super) fn digest(body: &Body) -> String {
    body.digest().iter().map(|byte| format!("{byte:02x}")).collect()
}
