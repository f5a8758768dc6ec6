//! A bound on nesting, checked on the tokens: the parser's tree is built and
//! dropped by recursion, and its own bound lets through a tree that is as deep
//! as brackets times dots.

use std::ops::Range;
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// Far deeper than any key of an environment.
const DEEPEST: usize = 64;

/// The first place in `text` that is nested too deep.
pub(super) fn too_deep(text: &str) -> Option<Range<usize>> {
    // Keys and brackets around the current one, and the dots of the current key.
    let mut around: Vec<usize> = Vec::new();
    let mut depth = 0;
    let mut dots = 0;
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::Dot => dots += 1,
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                around.push(dots + 1);
                depth += dots + 1;
                dots = 0;
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                depth -= around.pop().unwrap_or_default();
                dots = 0;
            }
            TokenKind::Comma => dots = 0,
            // A line's end ends no bracket: arrays go over lines.
            TokenKind::Newline => dots = 0,
            _ => {}
        }
        if depth + dots > DEEPEST {
            let span = token.span();
            return Some(span.start()..span.end());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_not_too_deep() {
        let text = "[a.b.c]\nx = [1.5, 2.5, [{ y.z = 3 }]] # .........\n".repeat(1000);
        assert_eq!(too_deep(&text), None);
        let dots = format!("x = \"{}\" # {}", ".".repeat(500), "[".repeat(500));
        assert_eq!(too_deep(&dots), None);
    }

    #[test]
    fn brackets_dots_and_both_are_bounded() {
        let key = ["a"; 20].join(".");
        for deep in [
            "[".repeat(10_000),
            "x = {a=".repeat(10_000),
            format!("{} = 1", ["a"; 10_000].join(".")),
            format!("[{}]", ["a"; 10_000].join(".")),
            format!("{key} = {{").repeat(50),
        ] {
            assert!(too_deep(&deep).is_some(), "{}", &deep[..20]);
        }
    }
}
