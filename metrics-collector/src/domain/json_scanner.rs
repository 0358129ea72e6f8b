//! Steps through JSON text without building anything: strings and spans are borrowed from the text.
//! Strict as RFC 8259 has it; what stands inside escapes is read only when somebody asks.

/// Objects and arrays inside each other, at most.
const MAX_DEPTH: usize = 64;

/// A string as it stands in the text, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawText<'a> {
    /// Between the quotes.
    pub raw: &'a str,
    /// Whether a backslash is in it.
    pub is_escaped: bool,
}

impl<'a> RawText<'a> {
    /// What it says. `None` for half a surrogate pair.
    pub fn read(self) -> Option<std::borrow::Cow<'a, str>> {
        if !self.is_escaped {
            return Some(self.raw.into());
        }
        // The scanner keeps no quotes; serde_json, which knows escapes, wants them.
        serde_json::from_str::<String>(&format!("\"{}\"", self.raw))
            .ok()
            .map(Into::into)
    }
}

/// The text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

type Result<T, E = Malformed> = std::result::Result<T, E>;

/// A place in JSON text.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// One bit for each byte of a word that equals, or is below, something.
const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

impl<'a> Scanner<'a> {
    /// At the beginning.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The byte that comes next, blanks left out.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(*byte),
            }
        }
        None
    }

    /// Takes this byte if it comes next.
    #[inline]
    pub fn accept(&mut self, wanted: u8) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    #[inline]
    fn expect(&mut self, wanted: u8) -> Result<()> {
        if self.accept(wanted) {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    /// Nothing but blanks may follow.
    pub fn end(&mut self) -> Result<()> {
        self.peek().map_or(Ok(()), |_| Err(Malformed))
    }

    /// Goes through an object, or on through one: `first` is true for its first key. The next key, with its colon
    /// behind; `None` at the end. The caller takes the value before it asks again.
    #[inline]
    pub fn key(&mut self, first: bool) -> Result<Option<RawText<'a>>> {
        if self.accept(b'}') {
            return Ok(None);
        }
        if !first {
            self.expect(b',')?;
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// [`Scanner::key`] without the key: true if one is to be taken, by [`Scanner::literal`] or [`Scanner::name`].
    #[inline]
    pub fn has_key(&mut self, first: bool) -> Result<bool> {
        if self.accept(b'}') {
            return Ok(false);
        }
        if !first {
            self.expect(b',')?;
        }
        self.peek();
        Ok(true)
    }

    /// A key with its colon.
    pub fn name(&mut self) -> Result<RawText<'a>> {
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Takes these bytes if they come next, blanks not left out.
    #[inline]
    pub fn literal(&mut self, wanted: &str) -> bool {
        let is_there = self.text.as_bytes()[self.at..].starts_with(wanted.as_bytes());
        self.at += wanted.len() * usize::from(is_there);
        is_there
    }

    /// The byte behind the one that comes next.
    #[inline]
    pub fn second(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at + 1).copied()
    }

    /// Takes this value if it comes next and ends there.
    #[inline]
    pub fn repeats(&mut self, value: &str) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        let is_there =
            rest.starts_with(value.as_bytes()) && matches!(rest.get(value.len()), Some(b',' | b'}' | b']'));
        self.at += value.len() * usize::from(is_there);
        is_there
    }

    /// What looks like an object of strings: up to the first brace that closes a string or nothing. Whether it is one
    /// is not looked at.
    #[inline]
    pub fn likely_object(&mut self) -> Option<&'a str> {
        let rest = &self.text.as_bytes()[self.at..];
        let is_end = |at: &usize| matches!(rest.get(at.wrapping_sub(1)), Some(b'"' | b'{'));
        let end = memchr::memchr_iter(b'}', rest).find(is_end)? + 1;
        let start = self.at;
        self.at += end;
        self.text.get(start..self.at)
    }

    /// Where it is; see [`Scanner::since`].
    pub fn place(&self) -> usize {
        self.at
    }

    /// The text from a place up to here.
    pub fn since(&self, place: usize) -> &'a str {
        &self.text[place..self.at]
    }

    /// The same for an array; true if there is a value to take.
    #[inline]
    pub fn has_item(&mut self, first: bool) -> Result<bool> {
        if self.accept(b']') {
            return Ok(false);
        }
        if !first {
            self.expect(b',')?;
        }
        Ok(true)
    }

    /// A string.
    #[inline]
    pub fn string(&mut self) -> Result<RawText<'a>> {
        self.expect(b'"')?;
        let (bytes, start) = (self.text.as_bytes(), self.at);
        let mut is_escaped = false;
        loop {
            self.at += plain_len(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    self.escape()?;
                }
                _ => return Err(Malformed),
            }
        }
        let raw = &self.text[start..self.at];
        self.at += 1;
        Ok(RawText { raw, is_escaped })
    }

    fn escape(&mut self) -> Result<()> {
        let bytes = &self.text.as_bytes()[self.at..];
        let n = match bytes.get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if bytes.len() >= 6 && bytes[2..6].iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(Malformed),
        };
        self.at += n;
        Ok(())
    }

    /// A number; infinite where it is too large for one.
    #[inline]
    pub fn number(&mut self) -> Result<f64> {
        self.peek();
        if let Some((number, length)) = short_number(&self.text.as_bytes()[self.at..]) {
            self.at += length;
            return Ok(number);
        }
        self.number_text()?.parse().map_err(|_| Malformed)
    }

    /// A number as it stands there.
    fn number_text(&mut self) -> Result<&'a str> {
        self.peek();
        let bytes = self.text.as_bytes();
        let start = self.at;
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at - from
        };
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let has_zero = bytes.get(at) == Some(&b'0');
        match digits(&mut at) {
            0 => return Err(Malformed),
            1 => {}
            _ if has_zero => return Err(Malformed),
            _ => {}
        }
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            if digits(&mut at) == 0 {
                return Err(Malformed);
            }
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            if digits(&mut at) == 0 {
                return Err(Malformed);
            }
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    /// Any value, left out. Returns its text.
    pub fn skip(&mut self) -> Result<&'a str> {
        self.peek();
        let start = self.at;
        self.skip_within(0)?;
        Ok(&self.text[start..self.at])
    }

    fn skip_within(&mut self, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Malformed);
        }
        match self.peek().ok_or(Malformed)? {
            b'"' => self.string().map(drop),
            b'{' => {
                self.at += 1;
                let mut first = true;
                while self.key(first)?.is_some() {
                    self.skip_within(depth + 1)?;
                    first = false;
                }
                Ok(())
            }
            b'[' => {
                self.at += 1;
                let mut first = true;
                while self.has_item(first)? {
                    self.skip_within(depth + 1)?;
                    first = false;
                }
                Ok(())
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number_text().map(drop),
        }
    }

    fn word(&mut self, word: &str) -> Result<()> {
        let is_there = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len() * usize::from(is_there);
        if is_there { Ok(()) } else { Err(Malformed) }
    }
}

/// Whether a text is one JSON value.
pub fn is_whole(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.skip().and_then(|_| scanner.end()).is_ok()
}

/// How many bytes come before the next quote, backslash or control character: eight at a time.
#[inline]
fn plain_len(bytes: &[u8]) -> usize {
    let mut n = 0;
    while let Some(eight) = bytes.get(n..n + 8) {
        let word = u64::from_le_bytes(eight.try_into().expect("it has eight bytes"));
        let equal = |byte: u8| {
            let x = word ^ (ONES * u64::from(byte));
            x.wrapping_sub(ONES) & !x
        };
        let below_blank = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (equal(b'"') | equal(b'\\') | below_blank) & TOPS;
        if found != 0 {
            return n + found.trailing_zeros() as usize / 8;
        }
        n += 8;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\') || *byte < 0x20;
    n + bytes[n..].iter().position(is_special).unwrap_or(bytes.len() - n)
}

/// A number of few digits without an exponent, and how many bytes it takes: its digits are exact in an `f64`, and so is
/// the power of ten, so that one division rounds as it should. The rest, right or wrong, is left to others.
#[inline]
fn short_number(bytes: &[u8]) -> Option<(f64, usize)> {
    const MAX_DIGITS: usize = 16;
    const TENS: [f64; MAX_DIGITS] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let is_negative = bytes.first() == Some(&b'-');
    let start = usize::from(is_negative);
    let mut units = 0_u64;
    // At most a digit more than may be: no overflow.
    let mut digits = |from: usize, most: usize| {
        let found = bytes.get(from..)?.iter().take(most + 1);
        let n = found
            .map_while(|byte| {
                byte.is_ascii_digit()
                    .then(|| units = units * 10 + u64::from(byte - b'0'))
            })
            .count();
        (1..=most).contains(&n).then_some(n)
    };
    let n_whole = digits(start, MAX_DIGITS)?;
    let mut end = start + n_whole;
    let mut n_decimals = 0;
    if bytes.get(end) == Some(&b'.') {
        n_decimals = digits(end + 1, MAX_DIGITS - n_whole)?;
        end += 1 + n_decimals;
    }
    let is_odd = n_whole > 1 && bytes[start] == b'0' || matches!(bytes.get(end), Some(b'e' | b'E'));
    if is_odd || units >= 1 << 53 {
        return None;
    }
    let size = match n_decimals {
        0 => units as f64,
        n => units as f64 / TENS[n],
    };
    Some((if is_negative { -size } else { size }, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_json(text: &str) -> bool {
        is_whole(text)
    }

    #[test]
    fn it_takes_json_and_nothing_else() {
        for text in [
            "{}",
            " [ ] ",
            r#"{"a":[1,-2.5e-3,true,false,null,"\u00e9\"\\"]}"#,
            "0",
            "\"日本\"",
            r#"{"":{"":[[]]}}"#,
        ] {
            assert!(is_json(text), "{text}");
        }
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "01",
            "1.",
            "-",
            ".5",
            "1e",
            "+1",
            "NaN",
            "tru",
            "\"a",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "[1] 2",
            "{,}",
            "[,]",
            "'a'",
            "\u{feff}[]",
            "{\"a\" 1}",
            "[1 2]",
        ] {
            assert!(!is_json(text), "{text}");
        }
        assert!(is_json(&format!("{}{}", "[".repeat(64), "]".repeat(64))));
        assert!(!is_json(&"[".repeat(1_000_000)));
    }

    #[test]
    fn escapes_are_read_on_demand() {
        let read = |text| {
            Scanner::new(text)
                .string()
                .unwrap()
                .read()
                .map(|text| text.into_owned())
        };
        assert_eq!(read(r#""a\u00e9\n\"""#).as_deref(), Some("aé\n\""));
        assert_eq!(read(r#""\ud83d\ude00""#).as_deref(), Some("😀"));
        assert_eq!(read(r#""\ud83d""#), None);
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".{0,20}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::btree_map(".{0,9}", inner, 0..6).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_agrees_with_serde_json(value in value(), cut in 0..400_usize, put in prop::option::of("[\\PC]")) {
            let mut text = value.to_string();
            prop_assert!(is_json(&text));
            if let Some(put) = put {
                let at = text.floor_char_boundary(cut);
                text.insert_str(at, &put);
            } else {
                text.truncate(text.floor_char_boundary(cut));
            }
            // The one difference: what serde_json reads, it reads into numbers, and those have an end.
            let is_readable = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(is_json(&text), is_readable, "{}", text);
        }

        #[test]
        fn numbers_are_read_exactly(number: f64, small in -1_000_000_000_i64..1_000_000_000, scale in 0..7_u32) {
            prop_assume!(number.is_finite());
            let decimal = format!("{}", small as f64 / 10_f64.powi(scale as i32));
            for text in [format!("{number}"), format!("{number:e}"), decimal, small.to_string()] {
                let expected: f64 = text.parse().unwrap();
                prop_assert_eq!(Scanner::new(&text).number().map(f64::to_bits), Ok(expected.to_bits()), "{}", text);
            }
        }

        #[test]
        fn strings_of_any_length_are_found(text in "\\PC{0,40}") {
            let json = serde_json::to_string(&text).unwrap();
            let string = Scanner::new(&json).string().unwrap();
            prop_assert_eq!(string.raw.len() + 2, json.len());
            let read = string.read();
            prop_assert_eq!(read.as_deref(), Some(text.as_str()));
        }
    }
}
