//! Long texts from outside, made fit for a page: cut at a character, the rest kept for "show all".

use crate::number;

/// The beginning of a text and, when that is not all of it, the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The beginning, or all of a short text.
    pub head: String,
    /// The whole text when `head` is not.
    pub full: Option<String>,
    /// The size of the whole: `250 kB`.
    pub size: String,
}

impl Excerpt {
    /// At most `max_chars` characters and `max_lines` lines of `text`.
    pub fn new(text: &str, max_chars: usize, max_lines: usize) -> Excerpt {
        let head = beginning(text, max_chars, max_lines);
        let is_cut = head.len() < text.len();
        Excerpt {
            head: if is_cut {
                format!("{}…", head.trim_end())
            } else {
                head.to_owned()
            },
            full: is_cut.then(|| text.to_owned()),
            size: number::bytes(text.len()),
        }
    }

    /// Only the beginning, for a list: at most `max_chars` characters, line ends made blanks.
    pub fn line(text: &str, max_chars: usize) -> String {
        Excerpt::new(text.trim(), max_chars, usize::MAX)
            .head
            .replace(['\n', '\r', '\t'], " ")
    }
}

fn beginning(text: &str, max_chars: usize, max_lines: usize) -> &str {
    let by_chars = text.char_indices().nth(max_chars).map_or(text.len(), |(i, _)| i);
    let mut ends = text.match_indices('\n').map(|(i, _)| i);
    let by_lines = match max_lines.checked_sub(1).and_then(|n| ends.nth(n)) {
        Some(end) if end + 1 < text.len() => end,
        _ => text.len(),
    };
    &text[..by_chars.min(by_lines)]
}

/// Text cut into plain pieces and those that stood between backticks, so that a page can set the latter as code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text without its backticks.
    pub text: String,
    /// Whether it stood between backticks.
    pub code: bool,
}

/// The paragraphs of a description, each in pieces. Other Markdown stays as it is written.
pub fn paragraphs(text: &str) -> Vec<Vec<Piece>> {
    text.split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(pieces)
        .collect()
}

/// One paragraph in pieces; an odd backtick is text.
pub fn pieces(text: &str) -> Vec<Piece> {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return vec![Piece {
            text: text.to_owned(),
            code: false,
        }];
    }
    let piece = |(i, part): (usize, &&str)| Piece {
        text: (*part).to_owned(),
        code: i % 2 == 1,
    };
    parts
        .iter()
        .enumerate()
        .map(piece)
        .filter(|piece| !piece.text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_its_own_excerpt() {
        let excerpt = Excerpt::new("one\ntwo\n", 80, 2);
        assert_eq!((excerpt.head.as_str(), excerpt.full), ("one\ntwo\n", None));
    }

    #[test]
    fn a_long_text_is_cut_at_a_character_or_a_line() {
        let check = |text: &str, chars: usize, lines: usize, head: &str| {
            let excerpt = Excerpt::new(text, chars, lines);
            assert_eq!(excerpt.head, head);
            assert_eq!(excerpt.full.as_deref(), Some(text));
        };
        check("äöüß", 2, 9, "äö…");
        check("one\ntwo\nthree", 80, 2, "one\ntwo…");
        check("one\ntwo", 2, 1, "on…");
        assert_eq!(Excerpt::new(&"x".repeat(250_000), 400, 6).size, "250 kB");
    }

    #[test]
    fn a_line_of_a_list_has_no_line_ends() {
        assert_eq!(Excerpt::line(" a\n\tb\r\nc ", 80), "a  b  c");
    }

    #[test]
    fn backticks_make_code() {
        let shown = |text: &str| -> Vec<String> {
            pieces(text)
                .iter()
                .map(|p| format!("{}{}", if p.code { "#" } else { "" }, p.text))
                .collect()
        };
        assert_eq!(shown("set `PORT` now"), ["set ", "#PORT", " now"]);
        assert_eq!(shown("odd ` one"), ["odd ` one"]);
        assert_eq!(shown("`a`"), ["#a"]);
        assert_eq!(paragraphs("a\n\n\n b\nc \n\n").len(), 2);
    }
}
