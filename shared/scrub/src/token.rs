//! Secrets that show what they are: tokens with an issuer's prefix, JWTs, and what follows `Bearer` and `Basic`.

use std::ops::Range;

use crate::word::{Step, is_word, run_end};

/// An issuer's prefix, and how many characters follow it.
struct Issued {
    prefix: &'static str,
    rest: Rest,
    min: usize,
    max: usize,
}

#[derive(Clone, Copy)]
enum Rest {
    /// `A`–`Z` and digits.
    Upper,
    /// Letters, digits and `_`.
    Word,
    /// Letters, digits, `_` and `-`.
    Dashed,
    /// Letters, digits, `_`, `-` and `.`.
    Dotted,
}

/// At least `min` more characters.
const fn issued(prefix: &'static str, rest: Rest, min: usize) -> Issued {
    Issued {
        prefix,
        rest,
        min,
        max: usize::MAX,
    }
}

/// Exactly `length` more characters.
const fn exactly(prefix: &'static str, rest: Rest, length: usize) -> Issued {
    Issued {
        prefix,
        rest,
        min: length,
        max: length,
    }
}

/// From the issuers' own pages; the minimum lengths leave room below today's. Sorted by prefix.
const ISSUED: &[Issued] = &[
    exactly("ABIA", Rest::Upper, 16),
    exactly("ACCA", Rest::Upper, 16),
    issued("AIza", Rest::Dashed, 30),
    exactly("AKIA", Rest::Upper, 16),
    exactly("ASIA", Rest::Upper, 16),
    issued("GOCSPX-", Rest::Dashed, 20),
    issued("SG.", Rest::Dotted, 40),
    issued("dckr_pat_", Rest::Dashed, 20),
    issued("dop_v1_", Rest::Word, 40),
    issued("gho_", Rest::Word, 20),
    issued("ghp_", Rest::Word, 20),
    issued("ghr_", Rest::Word, 20),
    issued("ghs_", Rest::Word, 20),
    issued("ghu_", Rest::Word, 20),
    issued("github_pat_", Rest::Word, 22),
    issued("glpat-", Rest::Dashed, 20),
    issued("hf_", Rest::Word, 30),
    issued("mk_", Rest::Dashed, 24),
    exactly("npm_", Rest::Word, 36),
    issued("pypi-", Rest::Dashed, 50),
    issued("rk_live_", Rest::Word, 10),
    issued("rk_test_", Rest::Word, 10),
    issued("shpat_", Rest::Word, 30),
    issued("sk-ant-", Rest::Dashed, 20),
    issued("sk-proj-", Rest::Dashed, 20),
    issued("sk_live_", Rest::Word, 10),
    issued("sk_test_", Rest::Word, 10),
    issued("whsec_", Rest::Word, 20),
    issued("xapp-", Rest::Dashed, 20),
    issued("xoxa-", Rest::Dashed, 10),
    issued("xoxb-", Rest::Dashed, 10),
    issued("xoxc-", Rest::Dashed, 10),
    issued("xoxd-", Rest::Dashed, 10),
    issued("xoxe-", Rest::Dashed, 10),
    issued("xoxe.xoxb-", Rest::Dashed, 10),
    issued("xoxe.xoxp-", Rest::Dashed, 10),
    issued("xoxo-", Rest::Dashed, 10),
    issued("xoxp-", Rest::Dashed, 10),
    issued("xoxr-", Rest::Dashed, 10),
    issued("xoxs-", Rest::Dashed, 10),
    issued("ya29.", Rest::Dotted, 30),
];

/// By first byte, where its prefixes begin in [`ISSUED`], plus one; most words begin with none and are done.
const FIRST: [u8; 256] = {
    let mut first = [0; 256];
    let mut index = ISSUED.len();
    while index > 0 {
        first[ISSUED[index - 1].prefix.as_bytes()[0] as usize] = index as u8;
        index -= 1;
    }
    first
};

/// Whether [`at`] may find something where a word begins with this byte.
pub(crate) const fn may_begin(first: u8) -> bool {
    matches!(first, b'b' | b'B') || FIRST[first as usize] > 0
}

/// The secret that the word beginning at `start` is, or announces.
pub(crate) fn at(text: &str, start: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let first = bytes[start];
    if matches!(first, b'b' | b'B') {
        return announced(bytes, start);
    }
    let index = usize::from(FIRST[usize::from(first)]).checked_sub(1)?;
    let same_letter = ISSUED[index..]
        .iter()
        .take_while(|issued| issued.prefix.as_bytes()[0] == first);
    let second = bytes.get(start + 1)?;
    let issued = same_letter
        .filter(|issued| issued.prefix.as_bytes()[1] == *second)
        .find(|issued| text[start..].starts_with(issued.prefix))?;
    issued
        .end(bytes, start + issued.prefix.len())
        .map(|end| start..end)
}

impl Issued {
    fn end(&self, bytes: &[u8], start: usize) -> Option<usize> {
        let belongs = |byte: u8| match self.rest {
            Rest::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Rest::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Rest::Dashed => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Rest::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
        };
        // `mk_connection_pool_from_settings` is a function; looking no further keeps this linear.
        let least = bytes.get(start..start + self.min)?;
        let is_random = least
            .iter()
            .any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_random || !least.iter().all(|&byte| belongs(byte)) {
            return None;
        }
        if self.max == self.min {
            let end = start + self.min;
            return bytes.get(end).is_none_or(|&byte| !is_word(byte)).then_some(end);
        }
        Some(without_dots(bytes, run_end(bytes, start, belongs)))
    }
}

fn without_dots(bytes: &[u8], end: usize) -> usize {
    end - bytes[..end]
        .iter()
        .rev()
        .take_while(|&&byte| byte == b'.')
        .count()
}

/// A JSON web token, whole or cut off in its second part; else where the run of its characters ends.
pub(crate) fn jwt(text: &str, start: usize) -> Step {
    let bytes = text.as_bytes();
    let end = run_end(bytes, start, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
    });
    let mut parts = bytes[start..end].split(|&byte| byte == b'.');
    let (header, payload, signature) = (parts.next(), parts.next(), parts.next());
    let is_long = |part: Option<&[u8]>| part.is_some_and(|part| part.len() >= 8);
    let is_jwt = is_long(header) && is_long(payload);
    let is_whole = signature.is_some_and(|signature| !signature.is_empty());
    if is_jwt && (is_whole || payload.is_some_and(|payload| payload.starts_with(b"eyJ"))) {
        return Step::Found(start..without_dots(bytes, end));
    }
    Step::On(end)
}

/// What follows `Bearer` or `Basic`, if it can be such a secret and not the next word of a sentence.
fn announced(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let is_bearer = is_scheme(bytes, start, b"bearer");
    if !is_bearer && !is_scheme(bytes, start, b"basic") {
        return None;
    }
    let start = start + if is_bearer { "bearer".len() } else { "basic".len() };
    let start = after_space(bytes, start);
    let end = token_end(bytes, start);
    let secret = &bytes[start..end];
    let is_secret = if is_bearer {
        looks_random(secret)
    } else {
        is_user_and_password(secret)
    };
    is_secret.then_some(start..end)
}

fn is_scheme(bytes: &[u8], start: usize, scheme: &[u8]) -> bool {
    let end = start + scheme.len();
    bytes
        .get(start..end)
        .is_some_and(|word| word.eq_ignore_ascii_case(scheme))
        && matches!(bytes.get(end), Some(b' ' | b'\t' | b'+' | b'%'))
}

/// Behind spaces, also as a query writes them.
fn after_space(bytes: &[u8], start: usize) -> usize {
    let end = run_end(bytes, start, |byte| matches!(byte, b' ' | b'\t' | b'+'));
    if bytes[end..].starts_with(b"%20") {
        end + 3
    } else {
        end
    }
}

/// End of RFC 7235's `token68`.
fn token_end(bytes: &[u8], start: usize) -> usize {
    let in_token =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    let end = run_end(bytes, start, in_token);
    run_end(bytes, without_dots(bytes, end).max(start), |byte| byte == b'=')
}

/// Digits, capitals within, or more letters than words have.
pub(crate) fn looks_random(secret: &[u8]) -> bool {
    let has_digit = secret.iter().any(u8::is_ascii_digit);
    let has_inner_capital = secret
        .windows(2)
        .any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    secret.len() >= 6 && (has_digit || has_inner_capital || secret.len() >= 20)
}

/// Base64 of `user:password`.
fn is_user_and_password(secret: &[u8]) -> bool {
    let mut has_colon = false;
    let (mut bits, mut n_bits) = (0_u32, 0);
    for &byte in secret.iter().take_while(|&&byte| byte != b'=') {
        let Some(sextet) = sextet(byte) else { return false };
        bits = (bits << 6 | sextet) & 0xffff;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            let decoded = (bits >> n_bits & 0xff) as u8;
            has_colon |= decoded == b':';
            if decoded.is_ascii_control() {
                return false;
            }
        }
    }
    has_colon && secret.len() >= 4
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_sorted() {
        assert!(ISSUED.is_sorted_by_key(|issued| issued.prefix));
    }
}
