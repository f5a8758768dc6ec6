//! Bodies that differ in some texts alone, made without a tree of values each.

use super::canonical::{self, Part};
use super::{Body, digest};
use serde_json::Value;

/// A body with holes where texts go.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Vec<Piece>,
    canonical: Vec<Piece>,
    leaves: usize,
}

#[derive(Debug, Clone)]
enum Piece {
    Same(Vec<u8>),
    /// The number of the text that goes here.
    Hole(usize),
}

impl Pattern {
    /// `value` with a hole in place of each text that `hole` has a number for.
    /// Keys have no holes: their order is part of the digest.
    pub fn new(value: &Value, hole: impl Fn(&str) -> Option<usize>) -> Self {
        let mut pieces = Pieces::default();
        let leaves = canonical::write(value, &mut |part| match part {
            Part::Form(form) => pieces.same().extend_from_slice(form),
            Part::Key(key) => canonical::text(key, pieces.same()),
            Part::Text(text) => match hole(text) {
                Some(number) => pieces.0.push(Piece::Hole(number)),
                None => canonical::text(text, pieces.same()),
            },
        });
        let canonical = pieces.0;
        let mut pieces = Pieces::default();
        json(value, &hole, &mut pieces);
        Self { text: pieces.0, canonical, leaves }
    }

    /// The body that has `texts` in its holes, by their numbers.
    pub fn fill(&self, texts: &[&str]) -> Body {
        let (mut text, mut form) = (Vec::new(), Vec::new());
        let of = |number: &usize| texts.get(*number).copied().unwrap_or_default();
        for piece in &self.text {
            match piece {
                Piece::Same(same) => text.extend_from_slice(same),
                Piece::Hole(number) => quote(of(number), &mut text),
            }
        }
        for piece in &self.canonical {
            match piece {
                Piece::Same(same) => form.extend_from_slice(same),
                Piece::Hole(number) => canonical::text(of(number), &mut form),
            }
        }
        // Each piece is whole text.
        let text = String::from_utf8(text).unwrap_or_default();
        Body { text: text.into(), digest: digest(&form), leaves: self.leaves }
    }
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    /// Where what is the same is written on.
    fn same(&mut self) -> &mut Vec<u8> {
        if !matches!(self.0.last(), Some(Piece::Same(_))) {
            self.0.push(Piece::Same(Vec::new()));
        }
        match self.0.last_mut() {
            Some(Piece::Same(bytes)) => bytes,
            _ => unreachable!("just pushed"),
        }
    }
}

/// `value` as JSON, in its own order.
fn json(value: &Value, hole: &impl Fn(&str) -> Option<usize>, out: &mut Pieces) {
    match value {
        Value::Object(map) => {
            out.same().push(b'{');
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    out.same().push(b',');
                }
                quote(key, out.same());
                out.same().push(b':');
                json(value, hole, out);
            }
            out.same().push(b'}');
        }
        Value::Array(list) => {
            out.same().push(b'[');
            for (at, value) in list.iter().enumerate() {
                if at > 0 {
                    out.same().push(b',');
                }
                json(value, hole, out);
            }
            out.same().push(b']');
        }
        Value::String(text) if let Some(number) = hole(text) => out.0.push(Piece::Hole(number)),
        other => out.same().extend_from_slice(other.to_string().as_bytes()),
    }
}

/// `text` as a JSON string.
fn quote(text: &str, out: &mut Vec<u8>) {
    // A Vec takes everything.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_filled_pattern_is_the_body_with_those_texts() {
        let with = |a: &str, b: &str| {
            json!({
                "kind": "K", "metadata": {"name": a, "labels": {"z": a, "b": b, "q": "s\"x"}},
                "spec": {"list": [a, 1, null, {}, [b]], "none": [], "yes": true},
            })
        };
        let hole = |text: &str| match text {
            "<0>" => Some(0),
            "<1>" => Some(1),
            _ => None,
        };
        let pattern = Pattern::new(&with("<0>", "<1>"), hole);
        for (a, b) in [("x", "y"), ("", "\u{1}\"\\é"), ("<1>", "<0>")] {
            let (filled, whole) = (pattern.fill(&[a, b]), Body::from(with(a, b)));
            assert_eq!(format!("{filled:?}"), format!("{whole:?}"));
            assert_eq!((filled.digest(), filled.leaves()), (whole.digest(), whole.leaves()));
        }
    }
}
