//! A value that stands behind a secret name: `password=…`, `"token": "…"`, `Authorization: Bearer …`,
//! `('Cookie', '…')`, `?api_key=…&`. Decides where the value begins and ends.

use std::ops::Range;

use crate::code::{self, Value};
use crate::label::{self, Label};
use crate::names::{Kind, Names};
use crate::word::{Step, is_word, run_end};
use crate::{FILTERED, pem};

/// Longest name looked for behind a comma or `&`, in bytes.
const MAX_NAME: usize = 64;
/// How far into a list of parameters the first `=` stands at most.
const MAX_LIST_START: usize = 64;

/// What precedes an HTTP credential that is one word, and what precedes one that is a list.
const SCHEMES: &[&str] = &[
    "bearer",
    "basic",
    "token",
    "apikey",
    "api-key",
    "key",
    "negotiate",
    "ntlm",
    "jwt",
    "bot",
];
const LIST_SCHEMES: &[&str] = &[
    "digest",
    "aws4-hmac-sha256",
    "signature",
    "oauth",
    "hawk",
    "scram-sha-256",
    "hoba",
    "mac",
    "dpop",
];

/// At a `=` or `:`.
pub(crate) fn after_sign(names: &Names, text: &str, floor: usize, sign: usize) -> Step {
    let bytes = text.as_bytes();
    let end = run_end(bytes, sign + 1, |byte| matches!(byte, b'=' | b':' | b'>'));
    let is_assignment = match &text[sign..end] {
        "=" | ":" | "=>" | ":=" | "==" | "===" => true,
        // Ruby's `"password"=>` and `:password=>`; anything else is `::`, an arrow or a rule.
        _ => false,
    };
    let compares_otherwise =
        sign > floor && matches!(bytes[sign - 1], b'!' | b'<' | b'>' | b'+' | b'-' | b'~');
    if !is_assignment || (compares_otherwise && bytes[sign] == b'=') {
        return Step::On(end);
    }
    let Some(label) = label::before(text, floor, sign) else {
        return Step::On(end);
    };
    value(names, text, &label, sign..end)
}

/// At a `%`: `%3D` is a `=`, within a query that is itself a value.
pub(crate) fn after_percent(names: &Names, text: &str, floor: usize, sign: usize) -> Step {
    let end = sign + "%3D".len();
    if !text[sign..end].eq_ignore_ascii_case("%3D") {
        return Step::On(end);
    }
    match label::before(text, floor, sign) {
        Some(label) => value(names, text, &label, sign..end),
        None => Step::On(end),
    }
}

/// At a comma: `('Cookie', 'a=b')` is a name and its value.
pub(crate) fn after_comma(names: &Names, text: &str, floor: usize, comma: usize) -> Step {
    let bytes = text.as_bytes();
    let on = Step::On(comma + 1);
    if comma == floor || !is_quote(bytes[comma - 1]) {
        return on;
    }
    let start = skip_spaces(bytes, comma + 1);
    let Some(quoted) = Quoted::at(bytes, start) else {
        return on;
    };
    let Some(label) = label::before(text, floor, comma) else {
        return on;
    };
    let opens = label.before.as_bytes().iter().rev().take(12);
    let opens = opens
        .copied()
        .find(|byte| !is_quote(*byte) && !matches!(byte, b'\\' | b'b'));
    let is_pair = matches!(opens, Some(b'(' | b'[')) && names.secret(label.name).is_some();
    if is_pair { quoted.step(text) } else { on }
}

fn value(names: &Names, text: &str, label: &Label<'_>, sign: Range<usize>) -> Step {
    let bytes = text.as_bytes();
    let on = Step::On(sign.end);
    let Some(kind) = names.secret(label.name) else {
        return on;
    };
    let start = skip_spaces(bytes, sign.end);
    let is_spaced = start > sign.end || label.is_spaced;
    let rest = &text[start..];
    if rest.is_empty() || rest.starts_with(['\n', '\r']) || is_expected(label) {
        return on;
    }
    if rest.starts_with(FILTERED) {
        return Step::On(start + FILTERED.len());
    }
    if pem::begins(text, start) {
        return Step::Found(start..pem::end(text, start));
    }
    if let Some(quoted) = Quoted::at(bytes, start) {
        return quoted.step(text);
    }
    if let Some(end) = bracketed(bytes, start) {
        return Step::Found(start..end);
    }
    if &text[sign.clone()] == "==" || &text[sign] == "===" {
        return on;
    }
    if let Some(step) = after_scheme(text, start, label) {
        return step;
    }
    let in_query = label.before.ends_with(['?', '&']) || label.before.ends_with("&amp;");
    let end = unquoted_end(bytes, start, in_query);
    // Already scrubbed: what is left of it is no secret, else scrubbing twice would not be scrubbing once.
    if kind == Kind::Vague && text[start..end].contains(FILTERED.trim_end_matches(']')) {
        return on;
    }
    if kind == Kind::Cookies && text[start..end].contains('=') {
        return Step::Found(start..line_end(text, start, label));
    }
    let value = Value {
        text: &text[start..end],
        rest: &text[end..],
        name: label.name,
        kind: if label.quote.is_some() || kind == Kind::Cookies && label.name.len() > 7 {
            Kind::Sure
        } else {
            kind
        },
        is_spaced,
    };
    if end == start || value.is_harmless(names) {
        on
    } else {
        Step::Found(start..end)
    }
}

/// `Unexpected token: …` is a parser's word.
fn is_expected(label: &Label<'_>) -> bool {
    label.quote.is_none() && label.before.ends_with("xpected ")
}

/// A value between quotes, which may themselves be escaped.
struct Quoted {
    /// Behind the opening quote.
    start: usize,
    quote: u8,
    n_backslashes: usize,
    /// Python's three quotes.
    is_triple: bool,
}

impl Quoted {
    /// A quote at `at`, or one that a prefix or a wrapper precedes: `b'…'`, `Some("…")`, `SecretStr('…')`.
    fn at(bytes: &[u8], at: usize) -> Option<Quoted> {
        let word_end = run_end(bytes, at, |byte| byte.is_ascii_alphabetic() || byte == b'@').min(at + 24);
        let is_prefix = word_end - at <= 2;
        let is_wrapper =
            bytes.get(at).is_some_and(u8::is_ascii_uppercase) && bytes.get(word_end) == Some(&b'(');
        if !is_prefix && !is_wrapper {
            return None;
        }
        let slashes = word_end + usize::from(is_wrapper);
        let open = run_end(bytes, slashes, |byte| byte == b'\\');
        let quote = bytes.get(open).copied().filter(|&byte| is_quote(byte))?;
        let is_triple = bytes[open..].starts_with(&[quote; 3]);
        Some(Quoted {
            start: open + if is_triple { 3 } else { 1 },
            quote,
            n_backslashes: open - slashes,
            is_triple,
        })
    }

    fn step(&self, text: &str) -> Step {
        if text[self.start..].starts_with(FILTERED) {
            return Step::On(self.start + FILTERED.len());
        }
        if pem::begins(text, self.start) {
            return Step::Found(self.start..pem::end(text, self.start));
        }
        let end = self.end(text.as_bytes());
        let inside = &text[self.start..end];
        if inside.is_empty() || inside.bytes().all(|byte| byte == b'*') {
            return Step::On(end);
        }
        Step::Found(self.start..end)
    }

    /// The closing quote is preceded by as many backslashes as the opening one; without one, the line's end.
    fn end(&self, bytes: &[u8]) -> usize {
        let mut n_backslashes = 0;
        for (at, &byte) in bytes.iter().enumerate().skip(self.start) {
            if byte == b'\\' {
                n_backslashes += 1;
                continue;
            }
            let closes = byte == self.quote && self.closes_behind(n_backslashes);
            if closes && (!self.is_triple || bytes[at..].starts_with(&[self.quote; 3])) {
                return at - self.n_backslashes;
            }
            if matches!(byte, b'\n' | b'\r') && !self.is_triple {
                return at;
            }
            n_backslashes = 0;
        }
        bytes.len()
    }

    /// `"` closes behind none or `\\`, not behind `\`; `\"` closes behind one or `\\\\\`, not behind `\\\`.
    fn closes_behind(&self, n_backslashes: usize) -> bool {
        let escape = self.n_backslashes + 1;
        n_backslashes >= self.n_backslashes && (n_backslashes - self.n_backslashes).is_multiple_of(2 * escape)
    }
}

/// End of a list or an object of quoted values, if one begins here; what is cut off ends with the text.
fn bracketed(bytes: &[u8], start: usize) -> Option<usize> {
    if !matches!(bytes[start], b'{' | b'[') {
        return None;
    }
    let inside = run_end(bytes, start + 1, |byte| {
        byte.is_ascii_whitespace() || matches!(byte, b'\\' | b'[' | b'{')
    });
    if !bytes.get(inside).is_some_and(|&byte| is_quote(byte)) {
        return None;
    }
    let mut depth = 0_usize;
    for (at, &byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    Some(bytes.len())
}

/// What follows `Bearer ` and its like behind a name; `None` if there is no such word.
fn after_scheme(text: &str, start: usize, label: &Label<'_>) -> Option<Step> {
    let bytes = text.as_bytes();
    let scheme_end = run_end(bytes, start, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let secret = skip_spaces(bytes, scheme_end);
    let scheme = &text[start..scheme_end];
    let is_one_of = |schemes: &[&str]| schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let (is_word_scheme, is_list_scheme) = (is_one_of(SCHEMES), is_one_of(LIST_SCHEMES));
    if secret == scheme_end || !(is_word_scheme || is_list_scheme) {
        return None;
    }
    if text[secret..].starts_with(FILTERED) {
        return Some(Step::On(secret + FILTERED.len()));
    }
    if is_list_scheme {
        let is_list = bytes[secret..]
            .iter()
            .take(MAX_LIST_START)
            .any(|&byte| byte == b'=');
        return is_list.then(|| Step::Found(secret..line_end(text, secret, label)));
    }
    let end = unquoted_end(bytes, secret, false);
    Some(
        if end > secret && !code::is_said_of_credentials(&text[secret..end]) {
            Step::Found(secret..end)
        } else {
            Step::On(secret)
        },
    )
}

/// End of the line, or of the quotes in which the name stands too: `-H 'Cookie: a=b; c=d'`.
fn line_end(text: &str, start: usize, label: &Label<'_>) -> usize {
    let bytes = text.as_bytes();
    let quote = label.before.bytes().last().filter(|&byte| is_quote(byte));
    let ends = |byte: u8| matches!(byte, b'\n' | b'\r') || Some(byte) == quote;
    let end = run_end(bytes, start, |byte| !ends(byte));
    // The two characters of a line break within another string's quotes.
    let escaped = ["\\n", "\\r", "\\\""]
        .iter()
        .filter_map(|escape| text[start..end].find(escape))
        .min();
    escaped.map_or(end, |escaped| start + escaped)
}

/// End of a value without quotes. Rather too late than too early: what is left over may be half a password.
fn unquoted_end(bytes: &[u8], start: usize, in_query: bool) -> usize {
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        let ends = match byte {
            b';' => true,
            b'&' => in_query || is_pair_at(bytes, at + 1),
            b',' => ends_clause(bytes, at + 1) || is_pair_at(bytes, at + 1),
            b')' | b']' | b'}' | b'>' | b'"' | b'\'' | b'`' => at > start && ends_clause(bytes, at + 1),
            b'<' => matches!(bytes.get(at + 1), Some(b'/' | b'b' | b'p')),
            b'%' => bytes[at..].starts_with(b"%26"),
            b'\\' => matches!(
                bytes.get(at + 1),
                Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\') | None
            ),
            _ => byte.is_ascii_whitespace() || byte.is_ascii_control(),
        };
        if ends {
            break;
        }
        at += 1;
    }
    // A sentence's full stop.
    if at > start + 1 && bytes[at - 1] == b'.' {
        at - 1
    } else {
        at
    }
}

fn ends_clause(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| {
        let closes = matches!(
            byte,
            b')' | b']' | b'}' | b'>' | b',' | b';' | b':' | b'.' | b'&' | b'\\' | b'|' | b'<'
        );
        closes || is_quote(*byte) || byte.is_ascii_whitespace()
    })
}

/// `name=` or `"name":`.
fn is_pair_at(bytes: &[u8], at: usize) -> bool {
    let start = at + usize::from(bytes.get(at).is_some_and(|&byte| is_quote(byte)));
    let window = &bytes[start.min(bytes.len())..bytes.len().min(start + MAX_NAME)];
    let length = window
        .iter()
        .take_while(|&&byte| is_word(byte) || matches!(byte, b'-' | b'.' | b'[' | b']'))
        .count();
    let sign = start + length + usize::from(start > at);
    length > 0 && matches!(bytes.get(sign), Some(b'=' | b':'))
}

fn skip_spaces(bytes: &[u8], at: usize) -> usize {
    run_end(bytes, at, |byte| matches!(byte, b' ' | b'\t'))
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}
