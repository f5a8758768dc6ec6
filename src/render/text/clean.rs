//! Text from a cluster or a file, made harmless: nothing in it may move the
//! cursor, change colours, reorder what is read, or take no column of its own.

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
        } else if is_harmful(c) {
            c.escape_default().for_each(&mut push);
        } else {
            push(c);
        }
    }
}

/// Controls, line separators, and format characters: bidi overrides, joiners,
/// variation selectors, tags. All take no column or reorder their neighbours.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'
            | '\u{891}' | '\u{8e2}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
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
