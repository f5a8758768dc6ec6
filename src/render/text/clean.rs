//! Text from a cluster or a file, made harmless: nothing in it may move the
//! cursor, change colours, reorder what is read, or take no column of its own.

use crate::diag::steers;
use unicode_width::UnicodeWidthChar;

/// Glyphs that printers use, and what stands for them where only ASCII can.
const ASCII: [(char, &str); 9] = [
    ('→', "->"),
    ('–', "-"),
    ('—', "--"),
    ('…', "..."),
    ('×', "x"),
    ('÷', "/"),
    ('≤', "<="),
    ('•', "*"),
    ('✓', "ok"),
];

/// Feeds `text` to `push`, character by character, with escapes written out.
pub(super) fn clean(text: &str, unicode: bool, mut push: impl FnMut(char)) {
    for c in text.chars() {
        if let Some((_, plain)) = ASCII.iter().find(|(glyph, _)| !unicode && *glyph == c) {
            plain.chars().for_each(&mut push);
        } else if steers(c) {
            c.escape_default().for_each(&mut push);
        } else {
            push(c);
        }
    }
}

/// Columns of one character that has been cleaned.
pub(super) fn columns_of(c: char) -> usize {
    c.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str, unicode: bool) -> String {
        let mut out = String::new();
        clean(text, unicode, |c| out.push(c));
        out
    }

    #[test]
    fn escapes_and_overrides_are_written_out() {
        assert_eq!(cleaned("a\x1b[31mb\nc\td", true), r"a\u{1b}[31mb\nc\td");
        assert_eq!(cleaned("\u{202e}x\u{200d}\u{9b}", true), r"\u{202e}x\u{200d}\u{9b}");
    }

    #[test]
    fn glyphs_become_ascii_where_asked_and_names_stay() {
        assert_eq!(cleaned("12 → 14 × größe …", false), "12 -> 14 x größe ...");
        assert_eq!(cleaned("12 → 14", true), "12 → 14");
    }
}
