//! Text that was written by someone else, made harmless: it may come from a
//! stranger's pull request and be read in a terminal or a log.

use super::secret::without_credentials;

/// Whether `text` has nothing in it that could steer a terminal, begin a line
/// of a log, or change the order in which text is read.
pub fn is_plain(text: &str) -> bool {
    !text.contains(steers)
}

/// Controls, line separators, and format characters: bidi overrides, joiners,
/// variation selectors, tags. All reorder their neighbours or take no column.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'
            | '\u{891}' | '\u{8e2}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// `text` on one line: what steers is written out, credentials are hidden. Lines
/// are broken only where a diagnostic is laid out.
pub(super) fn printable(text: String) -> String {
    let text = without_credentials(text);
    if is_plain(&text) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_cannot_steer_a_terminal_nor_begin_a_line() {
        let quoted = |text: &str| printable(text.to_owned());
        assert_eq!(quoted("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(quoted("x\n::error::pwned\r"), "x\\n::error::pwned\\r");
        assert_eq!(quoted("a\u{202e}b\u{2028}"), "a\\u{202e}b\\u{2028}");
        assert_eq!(quoted("größe → 1"), "größe → 1");
    }
}
