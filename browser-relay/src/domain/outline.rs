//! Which functions stand where in a source, read once when its map is uploaded: a lookup would spend most of its time
//! on reading sources.

use std::collections::HashMap;

use super::scope;
use super::unzip::Unzip;
use super::varint::{put, take};

/// zstd's effort.
const LEVEL: i32 = 3;
/// Largest outline that is unpacked: a source is read up to [`scope::MAX_BYTES`], and each change takes a few bytes of it.
const MAX_OUTLINE_BYTES: usize = 8 << 20;

/// Lines from one that is marked to the next.
const MARKED_LINES: usize = 32;

/// Packs what a lookup wants to know of a text: its functions' names, each once; where they begin, and which they are;
/// where every 32nd line begins.
pub fn pack(text: &str) -> Option<Vec<u8>> {
    let mut names: Vec<String> = Vec::new();
    let mut numbers = HashMap::new();
    let (mut changes, mut n_changes, mut before) = (Vec::new(), 0, 0);
    for (at, name) in scope::changes(text) {
        let number = name.map_or(0, |name| {
            *numbers.entry(name).or_insert_with(|| {
                names.push(name.to_string());
                names.len() as u64
            })
        });
        put(&mut changes, (at - before) as u64);
        put(&mut changes, number);
        (n_changes, before) = (n_changes + 1, at);
    }
    let mut out = Vec::with_capacity(changes.len() + names.len() * 16);
    put(&mut out, names.len() as u64);
    for name in &names {
        put(&mut out, name.len() as u64);
        out.extend_from_slice(name.as_bytes());
    }
    put(&mut out, n_changes);
    out.extend_from_slice(&changes);
    before = 0;
    for at in marks(text) {
        put(&mut out, (at - before) as u64);
        before = at;
    }
    zstd::bulk::compress(&out, LEVEL).ok()
}

/// Where lines 32, 64 and so on begin.
fn marks(text: &str) -> impl Iterator<Item = usize> {
    let ends = text
        .match_indices('\n')
        .skip(MARKED_LINES - 1)
        .step_by(MARKED_LINES);
    ends.map(|(end, _)| end + 1)
}

/// What is known of a text without reading it.
#[derive(Debug, Default)]
pub struct Outline {
    names: Vec<String>,
    /// Offset, and the number of a name; 0 for none.
    changes: Vec<(usize, usize)>,
    marks: Vec<usize>,
}

impl Outline {
    /// The way back from [`pack`]. `None` for damaged bytes.
    pub fn unpack(unzip: &mut Unzip, packed: &[u8]) -> Option<Self> {
        let bytes = unzip.unpack(packed, MAX_OUTLINE_BYTES)?;
        let bytes = &mut &bytes[..];
        let mut outline = Self::default();
        for _ in 0..take(bytes)? {
            let length = usize::try_from(take(bytes)?).ok()?;
            let (name, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            outline.names.push(String::from_utf8(name.to_vec()).ok()?);
        }
        let mut at = 0_usize;
        for _ in 0..take(bytes)? {
            at = at.checked_add(usize::try_from(take(bytes)?).ok()?)?;
            outline.changes.push((at, usize::try_from(take(bytes)?).ok()?));
        }
        at = 0;
        while !bytes.is_empty() {
            at = at.checked_add(usize::try_from(take(bytes)?).ok()?)?;
            outline.marks.push(at);
        }
        Some(outline)
    }

    /// The function around `offset` bytes of the text. `None` for an anonymous one, and outside of all.
    pub fn function_at(&self, offset: usize) -> Option<&str> {
        let n_before = self.changes.partition_point(|(at, _)| *at < offset);
        let (_, number) = self.changes.get(n_before.checked_sub(1)?)?;
        self.names.get(number.checked_sub(1)?).map(String::as_str)
    }

    /// The last line up to `line` of which is known where it begins, and where.
    pub fn line_before(&self, line: u32) -> (u32, usize) {
        let number = self.marks.len().min(line as usize / MARKED_LINES);
        match number.checked_sub(1).and_then(|number| self.marks.get(number)) {
            Some(at) => ((number * MARKED_LINES) as u32, *at),
            None => (0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outline(text: &str) -> Outline {
        Outline::unpack(&mut Unzip::default(), &pack(text).unwrap()).unwrap()
    }

    fn asked(text: &str, line: u32, column: u32) -> Option<String> {
        let offset = scope::offset_of(text, line, column)?;
        outline(text).function_at(offset).map(str::to_owned)
    }

    #[test]
    fn some_lines_are_known_by_where_they_begin() {
        let text: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let outline = outline(&text);
        for (line, known) in [
            (0, 0),
            (31, 0),
            (32, 32),
            (63, 32),
            (99, 96),
            (100, 96),
            (5000, 96),
        ] {
            let (marked, at) = outline.line_before(line);
            assert_eq!(marked, known);
            assert!(text[at..].starts_with(&format!("line {known}\n")));
        }
    }

    #[test]
    fn functions_are_found_by_where_they_are() {
        let text = "function pay() {\n  go();\n}\nclass Cart {\n  total() { return 1 }\n}\n";
        assert_eq!(asked(text, 1, 2).as_deref(), Some("pay"));
        assert_eq!(asked(text, 4, 14).as_deref(), Some("Cart.total"));
        assert_eq!(asked(text, 3, 0), None);
        assert_eq!(asked("let a = 1;", 0, 3), None);
    }

    #[test]
    fn what_is_too_far_to_be_read_is_in_no_function() {
        let text = format!("function pay() {{ {} x }}", " ".repeat(scope::MAX_BYTES));
        assert_eq!(asked(&text, 0, 20).as_deref(), Some("pay"));
        assert_eq!(asked(&text, 0, text.len() as u32 - 2), None);
        assert_eq!(scope::function_around(&text, 0, text.len() as u32 - 2), None);
    }

    proptest! {
        #[test]
        fn it_tells_what_reading_the_text_tells(
            words in proptest::collection::vec("function |pay|\\(|\\) *\\{|\\}|=>|class |const |=|;|,|\n|`|'|é", 0..60),
            line in 0..4_u32,
            column in 0..60_u32,
        ) {
            let text = words.concat();
            prop_assert_eq!(asked(&text, line, column), scope::function_around(&text, line, column));
        }

        #[test]
        fn damaged_outlines_are_none(bytes: Vec<u8>, offset: u16) {
            for packed in [&bytes, &zstd::bulk::compress(&bytes, 1).unwrap()] {
                let outline = Outline::unpack(&mut Unzip::default(), packed).unwrap_or_default();
                outline.function_at(offset.into());
                outline.line_before(offset.into());
            }
        }
    }
}
