//! How text is cut into words, for the index and for every search alike.
//! A word is a run of letters and digits; of scripts that put no blanks between words, each character is one.

/// Makes text comparable whatever its case. ASCII never comes of anything else, so that words in ASCII can be looked for
/// in text that is not folded beyond ASCII.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// [`fold`], added to what `folded` holds.
pub fn fold_into(text: &str, folded: &mut String) {
    let start = folded.len();
    if text.is_ascii() {
        folded.push_str(text);
        folded[start..].make_ascii_lowercase();
    } else {
        folded.extend(text.chars().map(fold_char));
    }
}

fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some('ς'), None) => 'σ',
        (Some(lower), None) if !lower.is_ascii() => lower,
        _ => c,
    }
}

/// Whether the character is part of a word.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// Whether no word ends between the two.
pub fn joins(before: char, after: char) -> bool {
    is_word(before) && is_word(after) && !is_alone(before) && !is_alone(after)
}

/// Whether the character is a word by itself: Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer.
fn is_alone(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ffdc}'
        | '\u{20000}'..='\u{3ffff}')
}

/// The words of a text, in order.
pub fn words(text: &str) -> Words<'_> {
    Words { text, at: 0 }
}

/// See [`words`].
#[derive(Debug, Clone)]
pub struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl Words<'_> {
    /// Where the search for the next word begins.
    pub fn at(&self) -> usize {
        self.at
    }
}

impl<'t> Iterator for Words<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let bytes = self.text.as_bytes();
        let mut start = self.at;
        loop {
            match bytes.get(start) {
                None => {
                    self.at = start;
                    return None;
                }
                Some(byte) if byte.is_ascii_alphanumeric() => break,
                Some(byte) if byte.is_ascii() => start += 1,
                Some(_) => match self.text[start..].chars().next() {
                    Some(c) if is_alone(c) && is_word(c) => {
                        self.at = start + c.len_utf8();
                        return Some(&self.text[start..self.at]);
                    }
                    Some(c) if is_word(c) => break,
                    Some(c) => start += c.len_utf8(),
                    None => start += 1,
                },
            }
        }
        let mut end = start;
        while let Some(byte) = bytes.get(end) {
            if byte.is_ascii_alphanumeric() {
                end += 1;
            } else if byte.is_ascii() {
                break;
            } else {
                match self.text[end..].chars().next() {
                    Some(c) if is_word(c) && !is_alone(c) => end += c.len_utf8(),
                    _ => break,
                }
            }
        }
        self.at = end;
        Some(&self.text[start..end])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let folded = fold(text);
        assert_eq!(words(&folded).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn words_are_letters_and_digits() {
        check("GET /api/v1?x=2", &["get", "api", "v1", "x", "2"]);
        check("user@x.org foo_bar", &["user", "x", "org", "foo", "bar"]);
        check("Größe ΛΌΓΟΣ", &["größe", "λόγοσ"]);
        check("登录失败 id7", &["登", "录", "失", "败", "id7"]);
        check("ab登c", &["ab", "登", "c"]);
        check("", &[]);
        check("--", &[]);
    }

    #[test]
    fn ascii_comes_of_ascii_only() {
        let bad = ('\u{80}'..='\u{10ffff}').find(|c| fold_char(*c).is_ascii());
        assert_eq!(bad, None);
        assert_eq!(fold("K"), "k");
    }

    proptest! {
        #[test]
        fn a_word_ends_where_nothing_joins(text in "\\PC*") {
            let folded = fold(&text);
            let mut cut = words(&folded);
            let mut end = 0;
            while let Some(word) = cut.next() {
                let start = cut.at() - word.len();
                prop_assert!(!folded[end..start].chars().any(is_word));
                let chars: Vec<char> = word.chars().collect();
                prop_assert!(chars.windows(2).all(|pair| joins(pair[0], pair[1])));
                let before = folded[..start].chars().next_back();
                prop_assert!(before.is_none_or(|before| !joins(before, chars[0])));
                end = cut.at();
            }
            prop_assert!(!folded[end..].chars().any(is_word));
        }

        #[test]
        fn folding_twice_is_folding_once(text in "\\PC*") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
