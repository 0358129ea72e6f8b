//! A source map in the form that is kept: blocks of tokens, a directory of them, and each source by itself.
//!
//! Of the map's JSON only one text at a time is ever held decoded, so that an upload costs little more memory than
//! its body.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::block::{self, BLOCK_TOKENS, cut};
use super::document::{Document, Stopped, each, text};
use super::mappings::{self, Bounds};
use super::{Original, Position, Problem, Token, Unusable, directory, note, sections};
use crate::domain::outline;

/// Most sources of a map; monorepos have some ten thousand.
const MAX_SOURCES: usize = 200_000;
/// Most names of a map; large bundles have some hundred thousand.
const MAX_NAMES: usize = 1_000_000;
/// Tokens after these are left out: a map of 50 MB has fewer, unless it is made to hurt.
const MAX_TOKENS: usize = 16_000_000;
/// A source's name is cut here, in bytes.
const MAX_NAME_BYTES: usize = 2048;
/// zstd's effort on sources.
const LEVEL: i32 = 3;

/// What is kept of a map.
#[derive(Debug, Default)]
pub struct Compiled {
    /// Where each block begins; see [`directory::find`].
    pub directory: Vec<u8>,
    /// Packed tokens; see [`block::Block`].
    pub blocks: Vec<Vec<u8>>,
    /// In the map's order.
    pub sources: Vec<Source>,
    /// 32 lower-case hexadecimal digits.
    pub debug_id: Option<String>,
    /// Tokens in all blocks.
    pub n_tokens: usize,
    /// What the specification forbids; empty for a valid map.
    pub problems: Vec<Problem>,
}

/// One source.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Source {
    /// With the map's root before it.
    pub name: Option<String>,
    /// zstd of its text.
    pub content: Option<Vec<u8>>,
    /// Its functions; see [`outline::function_at`].
    pub outline: Option<Vec<u8>>,
    /// The map says that it is no code of the app's own.
    pub is_ignored: bool,
}

impl Compiled {
    /// What it takes in the store, about.
    pub fn n_bytes(&self) -> usize {
        let sources = self.sources.iter().map(|source| {
            let packed = [&source.content, &source.outline].into_iter().flatten();
            source.name.as_ref().map_or(0, String::len) + packed.map(Vec::len).sum::<usize>()
        });
        self.directory.len() + self.blocks.iter().map(Vec::len).sum::<usize>() + sources.sum::<usize>()
    }
}

/// Reads a map's JSON, with what is usable of an invalid one.
pub fn compile(json: &[u8]) -> Result<Compiled, Unusable> {
    let document = Document::read(json)?;
    let mut builder = Builder::default();
    if !document.has_version() {
        return Err(Unusable::Format);
    }
    document.check(&mut builder.compiled.problems);
    builder.compiled.debug_id = document.debug_id();
    match document.sections {
        None => {
            let is_usable = document.mappings().is_some() && document.sources.is_some_and(is_list);
            if !is_usable {
                return Err(Unusable::Format);
            }
            builder.add(&document, Position::default(), None)?;
        }
        Some(list) => {
            if document.has_mappings() {
                note(&mut builder.compiled.problems, || {
                    "sections: a map that has them cannot have mappings too".to_owned()
                });
            }
            let sections = sections::read(list, &mut builder.compiled.problems)?;
            let ends = sections
                .iter()
                .skip(1)
                .map(|next| Some(next.offset))
                .chain([None]);
            for (section, end) in sections.iter().zip(ends) {
                section.document.check(&mut builder.compiled.problems);
                builder.add(&section.document, section.offset, end)?;
            }
        }
    }
    Ok(builder.finish())
}

fn is_list(value: &RawValue) -> bool {
    value.get().starts_with('[')
}

#[derive(Default)]
struct Builder<'a> {
    compiled: Compiled,
    /// Of all sections, one after another.
    names: Vec<Cow<'a, str>>,
    /// Of the block that is being filled.
    tokens: Vec<Token>,
    starts: Vec<Position>,
}

impl<'a> Builder<'a> {
    /// Adds a map that begins at `offset` and counts up to `end`.
    fn add(
        &mut self,
        document: &Document<'a>,
        offset: Position,
        end: Option<Position>,
    ) -> Result<(), Unusable> {
        let first_source = self.compiled.sources.len();
        let first_name = self.names.len();
        self.add_sources(document)?;
        self.add_names(document)?;
        let bounds = Bounds {
            n_sources: self.compiled.sources.len() - first_source,
            n_names: self.names.len() - first_name,
        };
        let mappings = document.mappings().unwrap_or_default();
        let mut problems = std::mem::take(&mut self.compiled.problems);
        mappings::read(&mappings, bounds, &mut problems, |token| {
            let Some(token) = moved(token, offset, first_source as u32, first_name as u32) else {
                return;
            };
            if end.is_none_or(|end| token.at < end) {
                self.push(token);
            }
        });
        self.compiled.problems = problems;
        Ok(())
    }

    fn add_sources(&mut self, document: &Document<'a>) -> Result<(), Unusable> {
        let Compiled {
            sources, problems, ..
        } = &mut self.compiled;
        let first = sources.len();
        let root = document.source_root();
        let Some(list) = document.sources else {
            return Ok(());
        };
        let mut n_wrong = 0;
        let read = each(list, MAX_SOURCES - first, |item| {
            let name = text(item);
            n_wrong += usize::from(name.is_none() && item.get() != "null");
            sources.push(Source {
                name: name.map(|name| rooted(root.as_deref(), &name)),
                ..Source::default()
            });
        });
        bounded(read, "sources", MAX_SOURCES, problems)?;
        if n_wrong > 0 {
            note(problems, || "sources: each must be a string or null".to_owned());
        }
        add_contents(document, &mut sources[first..], problems);
        mark_ignored(document, &mut sources[first..], problems);
        Ok(())
    }

    fn add_names(&mut self, document: &Document<'a>) -> Result<(), Unusable> {
        let Some(list) = document.names else { return Ok(()) };
        let problems = &mut self.compiled.problems;
        let mut n_wrong = 0;
        let read = each(list, MAX_NAMES - self.names.len(), |item| {
            let name = text(item);
            n_wrong += usize::from(name.is_none());
            self.names.push(name.unwrap_or_default());
        });
        bounded(read, "names", MAX_NAMES, problems)?;
        if n_wrong > 0 {
            note(problems, || "names: each must be a string".to_owned());
        }
        Ok(())
    }

    fn push(&mut self, token: Token) {
        if self.compiled.n_tokens == MAX_TOKENS {
            return;
        }
        if self.tokens.len() == BLOCK_TOKENS {
            self.close_block();
        }
        self.compiled.n_tokens += 1;
        self.tokens.push(token);
    }

    fn close_block(&mut self) {
        let Some(first) = self.tokens.first() else { return };
        self.starts.push(first.at);
        let name_of = |name: u32| self.names.get(name as usize).map(|name| &**name);
        self.compiled.blocks.push(block::pack(&self.tokens, name_of));
        self.tokens.clear();
    }

    fn finish(mut self) -> Compiled {
        self.close_block();
        self.compiled.directory = directory::pack(&self.starts);
        if self.compiled.n_tokens == MAX_TOKENS {
            note(&mut self.compiled.problems, || {
                format!("mappings: tokens after the first {MAX_TOKENS} are left out")
            });
        }
        self.compiled
    }
}

/// A token of a section in the numbers of the whole map; `None` if it leaves what 32 bits can say.
fn moved(token: Token, offset: Position, first_source: u32, first_name: u32) -> Option<Token> {
    let first_column = if token.at.line == 0 { offset.column } else { 0 };
    let at = Position {
        line: token.at.line.checked_add(offset.line)?,
        column: token.at.column.checked_add(first_column)?,
    };
    let original = token.original.map(|original| Original {
        source: original.source + first_source,
        name: original.name.map(|name| name + first_name),
        ..original
    });
    Some(Token { at, original })
}

fn bounded(
    read: Result<(), Stopped>,
    name: &'static str,
    max: usize,
    problems: &mut Vec<Problem>,
) -> Result<(), Unusable> {
    match read {
        Ok(()) => Ok(()),
        Err(Stopped::TooMany) => Err(Unusable::TooMany(name, max)),
        Err(Stopped::NoList) => {
            note(problems, || format!("{name}: it must be a list"));
            Ok(())
        }
    }
}

fn add_contents(document: &Document<'_>, sources: &mut [Source], problems: &mut Vec<Problem>) {
    let Some(list) = document.sources_content.filter(|list| list.get() != "null") else {
        return;
    };
    let mut n_wrong = 0;
    let mut places = sources.iter_mut();
    let read = each(list, MAX_SOURCES, |item| {
        let content = text(item);
        n_wrong += usize::from(content.is_none() && item.get() != "null");
        if let (Some(source), Some(content)) = (places.next(), content) {
            source.content = zstd::bulk::compress(content.as_bytes(), LEVEL).ok();
            source.outline = outline::pack(&content);
        }
    });
    if matches!(read, Err(Stopped::NoList)) {
        note(problems, || "sourcesContent: it must be a list".to_owned());
    }
    if n_wrong > 0 {
        note(problems, || {
            "sourcesContent: each must be a string or null".to_owned()
        });
    }
}

fn mark_ignored(document: &Document<'_>, sources: &mut [Source], problems: &mut Vec<Problem>) {
    let Some(list) = document.ignore_list() else {
        return;
    };
    let mut is_wrong = false;
    let read = each(list, MAX_SOURCES, |item| {
        let source = item
            .get()
            .parse::<usize>()
            .ok()
            .and_then(|index| sources.get_mut(index));
        match source {
            Some(source) => source.is_ignored = true,
            None => is_wrong = true,
        }
    });
    if is_wrong || read.is_err() {
        note(problems, || {
            "ignoreList: it must be a list of numbers of sources".to_owned()
        });
    }
}

/// A source's name with the root before it, where it is not absolute by itself. Both may have megabytes.
fn rooted(root: Option<&str>, name: &str) -> String {
    let name = cut(name, MAX_NAME_BYTES);
    let is_absolute =
        name.starts_with('/') || name.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme));
    let Some(root) = root.filter(|_| !is_absolute) else {
        return name.to_owned();
    };
    let root = cut(root.trim_end_matches('/'), MAX_NAME_BYTES - 1);
    let name = cut(name, MAX_NAME_BYTES - 1 - root.len());
    format!("{root}/{name}")
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::source_map::block::Block;
    use crate::domain::unzip::Unzip;

    fn find(compiled: &Compiled, line: u32, column: u32) -> Option<(String, u32, u32, Option<String>)> {
        let at = Position { line, column };
        let number = directory::find(&compiled.directory, at)?;
        let block = Block::unpack(&mut Unzip::default(), &compiled.blocks[number as usize])?;
        let token = block.find(at)?;
        let original = token.original?;
        let source = compiled.sources[original.source as usize]
            .name
            .clone()
            .unwrap_or_default();
        Some((
            source,
            original.at.line,
            original.at.column,
            block.name(token).map(str::to_owned),
        ))
    }

    #[test]
    fn sections_are_one_map() {
        let map = serde_json::json!({"version": 3, "sections": [
            {"offset": {"line": 0, "column": 0}, "map": {"version": 3, "names": ["foo"], "sources": ["a.js"], "mappings": "AAAAA,IAAA"}},
            {"offset": {"line": 0, "column": 2}, "map": {"version": 3, "names": ["bar"], "sources": ["b.js"], "mappings": "AAAAA;IACA"}},
        ]});
        let compiled = compile(map.to_string().as_bytes()).unwrap();
        assert_eq!(compiled.problems, Vec::<String>::new());
        let named = |source: &str, line, name: Option<&str>| {
            Some((source.to_owned(), line, 0, name.map(str::to_owned)))
        };
        assert_eq!(find(&compiled, 0, 1), named("a.js", 0, Some("foo")));
        assert_eq!(find(&compiled, 0, 900), named("b.js", 0, Some("bar")));
        assert_eq!(find(&compiled, 1, 4), named("b.js", 1, None));
        assert_eq!(find(&compiled, 1, 3), None);
        assert_eq!(find(&compiled, 2, 0), None);
    }

    #[test]
    fn names_of_sources_have_their_root_unless_they_are_absolute() {
        let check = |root, name, expected: &str| assert_eq!(rooted(root, name), expected);
        check(Some("src"), "a.js", "src/a.js");
        check(Some("webpack://shop/"), "./a.js", "webpack://shop/./a.js");
        check(Some("src"), "/a.js", "/a.js");
        check(Some("src"), "webpack:///a.js", "webpack:///a.js");
        check(None, "a.js", "a.js");
        let long = "é".repeat(1 << 20);
        for all in [
            rooted(Some(&long), &long),
            rooted(Some("src"), &long),
            rooted(None, &long),
        ] {
            assert!(
                all.len() <= MAX_NAME_BYTES && all.capacity() <= 2 * MAX_NAME_BYTES,
                "{}",
                all.len()
            );
        }
    }

    #[test]
    fn maps_made_to_hurt_are_refused_or_small() {
        let hostile = |mappings: &str, names: &str| {
            compile(
                format!(
                    "{{\"version\":3,\"sources\":[\"a\"],\"names\":[{names}],\"mappings\":\"{mappings}\"}}"
                )
                .as_bytes(),
            )
        };
        let lines = hostile(&";".repeat(10_000_000), "").unwrap();
        assert_eq!((lines.n_tokens, lines.n_bytes()), (0, 1));
        let many = hostile(&"A,".repeat(3_000_000), "").unwrap();
        assert!(many.n_bytes() < 1 << 20, "{}", many.n_bytes());
        let names = "\"\",".repeat(MAX_NAMES) + "\"\"";
        assert_eq!(
            hostile("", &names).unwrap_err(),
            Unusable::TooMany("names", MAX_NAMES)
        );
        let deep = format!(
            "{{\"version\":3,\"sources\":{}{}",
            "[".repeat(1_000_000),
            "]".repeat(1_000_000)
        );
        assert!(compile(deep.as_bytes()).is_err());
    }
}
