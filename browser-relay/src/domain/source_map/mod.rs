//! Source maps: read as ECMA-426 has them, made into a compact form at upload, looked up one block at a time.
//!
//! `document` reads the JSON, `sections` says what its sections are, `mappings` and `vlq` decode the mappings,
//! `block` packs tokens, `compiled` holds what the store keeps. Nothing here fails on outside bytes by anything but
//! [`Unusable`]; what the specification calls invalid and can still be used is a [`Problem`].

pub mod block;
pub mod compiled;
pub mod directory;
mod document;
mod mappings;
mod sections;

mod vlq;

pub use compiled::{Compiled, Source, compile};
pub use document::Unusable;
pub use document::debug_id;

/// Something that the specification forbids, in a sentence.
pub type Problem = String;

/// Problems told of one map; more add nothing.
pub const MAX_PROBLEMS: usize = 20;

/// Notes a problem, up to [`MAX_PROBLEMS`].
fn note(problems: &mut Vec<Problem>, problem: impl FnOnce() -> Problem) {
    if problems.len() < MAX_PROBLEMS {
        problems.push(problem());
    }
}

/// A place in generated code: where a token begins. 0-based; columns count UTF-16 units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// What generated code from a place on comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Where it begins.
    pub at: Position,
    /// None: it comes from no source.
    pub original: Option<Original>,
}

/// A place in a source. 0-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Original {
    /// Index in the map's sources.
    pub source: u32,
    /// Its line and column.
    pub at: Position,
    /// Index in the map's names.
    pub name: Option<u32>,
}
