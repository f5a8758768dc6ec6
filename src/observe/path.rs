//! How people write the place of a field: `spec.template.spec.containers[server].image`.

use std::fmt;

/// A field's place in an object. Elements of a list are named by their merge
/// key as in server-side apply's `k:{…}`, several values joined by `/`
/// (`ports[50051/TCP]`), so that both sides of a comparison say the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(String);

impl FieldPath {
    /// The object itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The place under `key` of an object. What is no plain word is quoted:
    /// `metadata.labels["floodway.dev/pool"]`.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if key.is_empty() || !key.chars().all(plain) {
            Self(format!("{}[{key:?}]", self.0))
        } else if self.0.is_empty() {
            Self(key.to_owned())
        } else {
            Self(format!("{}.{key}", self.0))
        }
    }

    /// The element of a list that has these values in its merge key.
    #[must_use]
    pub fn element(&self, merge_key: &[&str]) -> Self {
        Self(format!("{}[{}]", self.0, merge_key.join("/")))
    }

    /// The place that a JSON pointer through objects only (`/spec/replicas`) means.
    pub fn from_pointer(pointer: &str) -> Self {
        pointer
            .split('/')
            .skip(1)
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .fold(Self::root(), |path, part| path.key(&part))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_people_write_it() {
        let spec = FieldPath::root().key("spec").key("containers");
        assert_eq!(
            spec.element(&["server"]).key("image").as_str(),
            "spec.containers[server].image"
        );
        assert_eq!(spec.element(&["50051", "TCP"]).as_str(), "spec.containers[50051/TCP]");
        assert_eq!(FieldPath::root().key("labels").key("a.b/c").as_str(), "labels[\"a.b/c\"]");
        assert_eq!(FieldPath::from_pointer("/spec/a~1b").as_str(), "spec[\"a/b\"]");
    }
}
