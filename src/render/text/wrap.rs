//! Breaking cleaned text into lines of a width.

use super::clean::columns_of;
use crate::render::style::Ink;

/// A character and its ink.
pub(super) type Glyph = (Ink, char);

/// Longest sign that stands before a text: `-/+`.
const SIGN: usize = 3;

/// Columns that `glyphs` take.
pub(super) fn width(glyphs: &[Glyph]) -> usize {
    glyphs.iter().map(|(_, c)| columns_of(*c)).sum()
}

/// Breaks at spaces into lines of at most `first` and then `rest` columns.
/// Spaces inside a line stay, so that aligned text stays aligned; a word that
/// fits into no line is cut. Always at least one line.
pub(super) fn wrap(glyphs: &[Glyph], first: usize, rest: usize) -> Vec<Vec<Glyph>> {
    let mut lines = Vec::new();
    let mut line: Vec<Glyph> = Vec::new();
    let mut room = first.max(2);
    for chunk in glyphs.chunk_by(|a, b| (a.1 == ' ') == (b.1 == ' ')) {
        let mut chunk = chunk;
        let is_space = chunk.first().is_some_and(|(_, c)| *c == ' ');
        if width(chunk) <= room {
            room -= width(chunk);
            line.extend_from_slice(chunk);
            continue;
        }
        if is_space {
            // The break itself: the next word starts the next line.
            room = 0;
            continue;
        }
        // A word that fits into no line is cut where it begins, if only a sign
        // stands before it; other words go whole to the next line.
        let begun = line.iter().filter(|(_, c)| *c != ' ').count();
        let cut_here = (1..=SIGN).contains(&begun) && width(chunk) > rest && room > 1;
        if !line.is_empty() && !cut_here {
            if begun > 0 {
                lines.push(std::mem::take(&mut line));
            }
            line.clear();
        }
        if line.is_empty() {
            room = if lines.is_empty() { first } else { rest }.max(2);
        }
        loop {
            let cut = fitting(chunk, room);
            if cut == chunk.len() {
                break;
            }
            line.extend_from_slice(&chunk[..cut]);
            lines.push(std::mem::take(&mut line));
            chunk = &chunk[cut..];
            room = rest.max(2);
        }
        room -= width(chunk);
        line.extend_from_slice(chunk);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    for line in &mut lines {
        while line.last().is_some_and(|(_, c)| *c == ' ') {
            line.pop();
        }
    }
    lines
}

/// How many glyphs fit into `room`; at least one, so that every cut gets on.
pub(super) fn fitting(glyphs: &[Glyph], room: usize) -> usize {
    let mut used = 0;
    for (at, (_, c)) in glyphs.iter().enumerate() {
        used += columns_of(*c);
        if used > room {
            return at.max(1);
        }
    }
    glyphs.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, first: usize, rest: usize) -> Vec<String> {
        let glyphs: Vec<Glyph> = text.chars().map(|c| (Ink::Plain, c)).collect();
        wrap(&glyphs, first, rest)
            .into_iter()
            .map(|line| line.into_iter().map(|(_, c)| c).collect())
            .collect()
    }

    #[test]
    fn words_go_whole_to_the_next_line_and_only_too_long_ones_are_cut() {
        assert_eq!(wrapped("one two three", 8, 8), ["one two", "three"]);
        assert_eq!(wrapped("word abcdefgh b", 4, 4), ["word", "abcd", "efgh", "b"]);
        assert_eq!(wrapped("- abcdefgh b", 5, 5), ["- abc", "defgh", "b"]);
        assert_eq!(wrapped("    abc", 4, 4), ["abc"]);
        assert_eq!(wrapped("", 4, 4), [""]);
    }

    #[test]
    fn spaces_inside_a_line_stay_and_wide_characters_count_twice() {
        assert_eq!(wrapped("a:   1", 8, 8), ["a:   1"]);
        assert_eq!(wrapped("日本語", 4, 4), ["日本", "語"]);
    }
}
