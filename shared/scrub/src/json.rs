//! Walks JSON text once, without building values: names decide about whole values, the text rules about strings.

use std::borrow::Cow;
use std::ops::Range;

use crate::FILTERED;
use crate::names::Names;
use crate::output::{Mark, Output};
use crate::text::Secrets;
use crate::unescape::{Places, unescape};

/// Deepest nesting walked; serde_json's limit as well.
const MAX_DEPTH: usize = 128;

/// What a replaced value becomes.
const FILTERED_JSON: &str = "\"[Filtered]\"";

/// Not JSON, or too deep.
#[derive(Debug)]
pub(crate) struct NotJson;

type Result<T> = std::result::Result<T, NotJson>;

pub(crate) fn scrub<'t>(names: &Names, text: &'t str) -> Result<Cow<'t, str>> {
    let mut walk = Walk {
        names,
        text,
        at: 0,
        output: Output::new(text),
    };
    walk.value(0, Place::Elsewhere)?;
    walk.space();
    if walk.at < text.len() {
        return Err(NotJson);
    }
    Ok(walk.output.finish())
}

/// What is known about a value before it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Under a secret name.
    Secret,
    /// In a list, so a list of two may be a name and its value.
    List,
    Elsewhere,
}

struct Walk<'n, 't> {
    names: &'n Names,
    text: &'t str,
    at: usize,
    output: Output<'t>,
}

impl<'t> Walk<'_, 't> {
    fn value(&mut self, depth: usize, place: Place) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(NotJson);
        }
        self.space();
        if place == Place::Secret {
            return self.secret_value(depth);
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth, place),
            Some(b'"') => self.string_value(),
            _ => self.literal().map(drop),
        }
    }

    fn secret_value(&mut self, depth: usize) -> Result<()> {
        let (start, mark) = (self.at, self.output.mark());
        match self.peek() {
            Some(b'"') => self.string().map(drop)?,
            _ => self.value(depth, Place::Elsewhere)?,
        }
        self.filter(start..self.at, mark);
        Ok(())
    }

    /// Replaces a value that was read already, and forgets what was replaced within it since `mark`.
    fn filter(&mut self, value: Range<usize>, mark: Mark) {
        self.output.undo(mark);
        if !matches!(
            &self.text[value.clone()],
            "null" | "true" | "false" | "\"\"" | FILTERED_JSON
        ) {
            self.output.replace(value, FILTERED_JSON);
        }
    }

    fn object(&mut self, depth: usize) -> Result<()> {
        // `{"name": "Cookie", "value": "…"}`: the name was a secret one.
        let mut names_secret = false;
        self.at += 1;
        if self.skip(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            let key = unescape(self.string()?);
            if !self.skip(b':') {
                return Err(NotJson);
            }
            self.space();
            let start = self.at;
            // A number there is what a metric of that name counts: `{"name": "password_resets", "value": 1}`.
            let is_value = names_secret && key == "value" && !self.is_at_number();
            let is_secret = is_value || self.names.secret(&key).is_some();
            self.value(
                depth + 1,
                if is_secret {
                    Place::Secret
                } else {
                    Place::Elsewhere
                },
            )?;
            if matches!(&*key, "name" | "key") {
                names_secret = self.is_secret_name(start);
            }
            if !self.skip(b',') {
                return if self.skip(b'}') { Ok(()) } else { Err(NotJson) };
            }
        }
    }

    fn list(&mut self, depth: usize, place: Place) -> Result<()> {
        self.at += 1;
        if self.skip(b']') {
            return Ok(());
        }
        self.space();
        let first = self.at;
        self.value(depth + 1, Place::List)?;
        let may_be_pair = place == Place::List && self.is_secret_name(first);
        for n_before in 1.. {
            if self.skip(b']') {
                return Ok(());
            }
            if !self.skip(b',') {
                return Err(NotJson);
            }
            self.space();
            let (start, mark) = (self.at, self.output.mark());
            self.value(depth + 1, Place::List)?;
            let value = start..self.at;
            if n_before == 1 && may_be_pair && self.skip(b']') {
                self.filter(value, mark);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether the value that was read from `start` on is a string, and a secret's name.
    fn is_secret_name(&self, start: usize) -> bool {
        let name = self.text[start..self.at]
            .strip_prefix('"')
            .and_then(|name| name.strip_suffix('"'));
        // A string that holds a secret, or did, is none; else scrubbing twice would not be scrubbing once.
        let name = name.filter(|name| !self.output.has_replaced(start) && !name.contains(FILTERED));
        name.is_some_and(|name| self.names.secret(&unescape(name)).is_some())
    }

    fn string_value(&mut self) -> Result<()> {
        let start = self.at + 1;
        let raw = self.string()?;
        let text = unescape(raw);
        let mut places = Places::new(raw);
        for secret in Secrets::new(self.names, &text) {
            let range = start + places.in_raw(secret.start)..start + places.in_raw(secret.end);
            self.output.replace(range, FILTERED);
        }
        Ok(())
    }

    /// The inside of the string that begins here, still escaped.
    fn string(&mut self) -> Result<&'t str> {
        let bytes = self.text.as_bytes();
        if self.peek() != Some(b'"') {
            return Err(NotJson);
        }
        let start = self.at + 1;
        let mut at = start;
        loop {
            let rest = bytes.get(at..).ok_or(NotJson)?;
            at += memchr::memchr2(b'"', b'\\', rest).ok_or(NotJson)?;
            if bytes[at] == b'"' {
                break;
            }
            at += 2;
        }
        self.at = at + 1;
        Ok(&self.text[start..at])
    }

    /// A number, or one of the three words.
    fn literal(&mut self) -> Result<&'t str> {
        let rest = &self.text[self.at..];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.bytes().take_while(is_part).count();
        let literal = &rest[..length];
        let is_number = literal.starts_with(|first: char| first.is_ascii_digit() || first == '-');
        if !is_number && !matches!(literal, "null" | "true" | "false") {
            return Err(NotJson);
        }
        self.at += length;
        Ok(literal)
    }

    fn is_at_number(&self) -> bool {
        matches!(self.peek(), Some(b'-' | b'0'..=b'9'))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over `byte`, if it comes next.
    fn skip(&mut self, byte: u8) -> bool {
        self.space();
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }
}
