//! Texts that say nothing, or that Kubernetes does not take.

use super::Rules;

/// Reports a text that is empty, or that waits for something to be filled in.
pub(super) fn check(rules: &mut Rules<'_>, path: &str, text: &str) {
    if text.trim().is_empty() {
        rules.error(path, format!("`{path}` is empty"), "");
    }
    if text.contains(char::is_control) {
        rules.error(path, format!("`{path}` holds a control character"), "write it on one line");
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

/// How to write the key of a label.
pub(super) const LABEL_KEY: &str = "write it like \"nvidia.com/gpu.product\"";

pub(super) fn no_label_key(key: &str) -> String {
    format!("`{key}` is no key of a label or a taint")
}

/// Whether a Kubernetes label can have this key: a name of at most 63 letters,
/// digits, `-`, `_` and `.`, and before it, with a `/`, a DNS domain.
pub(super) fn is_label_key(key: &str) -> bool {
    let (domain, name) = match key.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, key),
    };
    !name.is_empty() && is_name(name) && domain.is_none_or(is_domain)
}

/// Reports a value that no Kubernetes label can have.
pub(super) fn label_value(rules: &mut Rules<'_>, path: &str, value: &str) {
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
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let part = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(inside)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::is_label_key;

    #[test]
    fn keys_of_labels_are_those_that_kubernetes_takes() {
        for right in ["gpu", "nvidia.com/gpu.product", "a/b", "1.a-b/C_d", "kubernetes.io/arch"] {
            assert!(is_label_key(right), "{right}");
        }
        for wrong in ["", "/x", "a..b/x", "foo./x", "-a/x", "a/", "a/b/c", "A/b", "x y", ".x"] {
            assert!(!is_label_key(wrong), "{wrong}");
        }
    }
}
