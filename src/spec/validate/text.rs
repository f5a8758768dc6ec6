//! Texts that say nothing, or that Kubernetes does not take.

use super::Rules;

/// Reports a text that is empty, or that waits for something to be filled in.
pub(super) fn check(rules: &mut Rules<'_>, path: &str, text: &str) {
    if text.trim().is_empty() {
        rules.error(path, format!("`{path}` is empty"), "");
    }
    if text.contains("${") {
        rules.warning(
            path,
            format!("`{path}` is taken as it stands, `${{…}}` and all"),
            "nothing is filled in from outside: write the value, or set it in a file of its own \
             that this one extends",
        );
    }
}

/// Reports a key or a value that no Kubernetes label can have: names of at most
/// 63 letters, digits, `-`, `_` and `.`, and before a key's name a DNS domain.
pub(super) fn label(rules: &mut Rules<'_>, path: &str, key: &str, value: &str) {
    let (domain, name) = key.split_once('/').unwrap_or(("", key));
    if name.is_empty() || !is_name(name) || !is_domain(domain) {
        let help = "write it like \"nvidia.com/gpu.product\"";
        rules.error(path, format!("`{key}` is no key of a label or a taint"), help);
    }
    if !is_name(value) {
        let help = "at most 63 letters, digits, `-`, `_` and `.`";
        rules.error(path, format!("`{value}` is no value of a label or a taint"), help);
    }
}

/// Whether a Secret or the like can be called so: a DNS subdomain.
pub(super) fn is_object_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let label = |part: &str| {
        let ends = [part.bytes().next(), part.bytes().last()];
        ends.into_iter().all(|end| end.is_some_and(plain))
            && part.bytes().all(|b| plain(b) || b == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_name(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let ends = [text.bytes().next(), text.bytes().last()];
    text.len() <= 63
        && text.bytes().all(inside)
        && ends.into_iter().flatten().all(|b| b.is_ascii_alphanumeric())
}

fn is_domain(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    text.len() <= 253 && text.bytes().all(inside) && !text.starts_with(['-', '.'])
}
