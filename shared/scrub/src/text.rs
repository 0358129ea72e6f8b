//! Walks free text once and yields where its secrets are, in order and apart.

use std::ops::Range;

use crate::names::Names;
use crate::word::{Step, WORD, is_word, word_end};
use crate::{card, pair, pem, token, url};

/// The secrets of one text.
pub(crate) struct Secrets<'n, 't> {
    names: &'n Names,
    text: &'t str,
    at: usize,
    /// End of the last secret; nothing looks back beyond it.
    floor: usize,
    /// No token of three parts begins before this.
    no_jwt_before: usize,
}

impl<'n, 't> Secrets<'n, 't> {
    pub(crate) fn new(names: &'n Names, text: &'t str) -> Self {
        Secrets {
            names,
            text,
            at: 0,
            floor: 0,
            no_jwt_before: 0,
        }
    }

    fn step(&mut self) -> Step {
        let (text, at) = (self.text, self.at);
        let bytes = text.as_bytes();
        match bytes[at] {
            b':' if text[at + 1..].starts_with("//") => url::password(text, at + 3),
            b':' if text[at + 1..].starts_with("\\/\\/") => url::password(text, at + 5),
            b':' | b'=' => pair::after_sign(self.names, text, self.floor, at),
            b',' => pair::after_comma(self.names, text, self.floor, at),
            b'@' => url::password_before(text, self.floor, at),
            b'-' if pem::begins(text, at) => Step::Found(at..pem::end(text, at)),
            b'%' if is_percent_code(bytes, at) => pair::after_percent(self.names, text, self.floor, at),
            b'\\' => Step::On(at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'n' | b'r' | b't')))),
            b'0'..=b'9' => card::number(text, self.floor, at),
            byte if is_word(byte) => self.word(),
            _ => Step::On(at + 1),
        }
    }

    /// The next place where a secret may begin, or be announced: most bytes are stepped over here.
    fn step_over(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            match STRIDE[usize::from(byte)] {
                Stride::Byte => self.at += 1,
                Stride::Word => self.at = word_end(bytes, self.at + 1),
                Stride::None => return,
            }
        }
    }

    fn word(&mut self) -> Step {
        let start = self.at;
        if start >= self.no_jwt_before && self.text[start..].starts_with("eyJ") {
            match token::jwt(self.text, start) {
                Step::On(end) => self.no_jwt_before = end,
                found => return found,
            }
        }
        if let Some(secret) = token::at(self.text, start) {
            return Step::Found(secret);
        }
        Step::On(word_end(self.text.as_bytes(), start))
    }
}

impl Iterator for Secrets<'_, '_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            self.step_over();
            if self.at >= self.text.len() {
                return None;
            }
            match self.step() {
                Step::On(at) => self.at = at,
                Step::Found(secret) => {
                    self.at = secret.end;
                    self.floor = secret.end;
                    return Some(secret);
                }
            }
        }
    }
}

/// How far [`Secrets::step`] would go from a byte, whatever follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stride {
    /// To the next byte.
    Byte,
    /// To the end of the word: no token begins with this letter.
    Word,
    /// It has to look.
    None,
}

const STRIDE: [Stride; 256] = {
    let mut stride = [Stride::None; 256];
    let mut byte = 0;
    while byte < 256 {
        stride[byte] = match byte as u8 {
            b':' | b'=' | b',' | b'@' | b'-' | b'%' | b'\\' | b'0'..=b'9' => Stride::None,
            // A JSON web token begins with `eyJ`.
            b'e' => Stride::None,
            word if WORD[byte] && token::may_begin(word) => Stride::None,
            _ if WORD[byte] => Stride::Word,
            _ => Stride::Byte,
        };
        byte += 1;
    }
    stride
};

fn is_percent_code(bytes: &[u8], at: usize) -> bool {
    bytes
        .get(at + 1..at + 3)
        .is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_stepped_over_begins_no_secret(
            text in "([a-zA-Z0-9_ .:=,@%\\\\é\"-]|bearer |basic |eyJ|ghp_|mk_|://|-----BEGIN |password=){1,30}"
        ) {
            let names = Names::new(&[]);
            for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                let mut secrets = Secrets { at, ..Secrets::new(&names, &text) };
                let stride = STRIDE[usize::from(text.as_bytes()[at])];
                let expected = match stride {
                    Stride::None => continue,
                    Stride::Byte => at + 1,
                    Stride::Word => word_end(text.as_bytes(), at),
                };
                prop_assert!(matches!(secrets.step(), Step::On(end) if end == expected), "{} at {}", text, at);
                secrets.step_over();
                prop_assert!(secrets.at >= expected);
            }
        }
    }
}
