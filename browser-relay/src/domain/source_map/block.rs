//! A run of tokens in few bytes: one column of numbers after another, then the names that they use; all in zstd.
//! A block stands alone, so that a lookup reads one.

use std::ops::Range;

use super::{Original, Position, Token};
use crate::domain::unzip::Unzip;
use crate::domain::varint::{put, put_signed, take, take_signed};

/// Tokens of a full block: a lookup decodes a whole one.
pub const BLOCK_TOKENS: usize = 512;
/// Tokens of the fullest block that there may be in a database.
const MAX_BLOCK_TOKENS: usize = 2048;
/// zstd's effort.
const LEVEL: i32 = 3;
/// Largest block that is unpacked. Names make most of it.
const MAX_BLOCK_BYTES: usize = 8 << 20;
/// Names are cut here, in bytes: they are shown in one line.
const MAX_NAME_BYTES: usize = 256;

/// Packs tokens; `name_of` gives the text of a name.
pub(super) fn pack<'n>(tokens: &[Token], name_of: impl Fn(u32) -> Option<&'n str>) -> Vec<u8> {
    let mut names: Vec<u32> = tokens.iter().filter_map(|token| token.original?.name).collect();
    names.sort_unstable();
    names.dedup();
    let mut out = Vec::with_capacity(tokens.len() * 8);
    put(&mut out, tokens.len() as u64);
    let mut at = Position::default();
    for token in tokens {
        put(&mut out, u64::from(token.at.line.saturating_sub(at.line)));
        at = token.at;
    }
    at = Position::default();
    for token in tokens {
        let before = if token.at.line == at.line { at.column } else { 0 };
        put_signed(&mut out, i64::from(token.at.column) - i64::from(before));
        at = token.at;
    }
    // 0: no source; 1: no name; from 2 on: the name's place in this block's list.
    for token in tokens {
        let kind = token.original.map_or(0, |original| match original.name {
            Some(name) => names.binary_search(&name).map_or(1, |place| place as u64 + 2),
            None => 1,
        });
        put(&mut out, kind);
    }
    let originals = || tokens.iter().filter_map(|token| token.original);
    let columns: [fn(&Original) -> u32; 3] = [|it| it.source, |it| it.at.line, |it| it.at.column];
    for column in columns {
        let mut before = 0;
        for original in originals() {
            let value = i64::from(column(&original));
            put_signed(&mut out, value - before);
            before = value;
        }
    }
    put(&mut out, names.len() as u64);
    for name in names {
        let name = cut(name_of(name).unwrap_or_default(), MAX_NAME_BYTES);
        put(&mut out, name.len() as u64);
        out.extend_from_slice(name.as_bytes());
    }
    zstd::bulk::compress(&out, LEVEL).unwrap_or_default()
}

/// The beginning of a text, at most so many bytes of it.
pub(super) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// An unpacked block.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// In order; `name` is a place in `names`.
    pub tokens: Vec<Token>,
    /// Where each name stands in `bytes`.
    names: Vec<Range<usize>>,
    bytes: Vec<u8>,
}

impl Block {
    /// The way back from `pack`; `None` if the bytes are damaged.
    pub fn unpack(unzip: &mut Unzip, packed: &[u8]) -> Option<Self> {
        let unpacked = unzip.unpack(packed, MAX_BLOCK_BYTES)?;
        let bytes = &mut &unpacked[..];
        let n = usize::try_from(take(bytes)?)
            .ok()
            .filter(|n| *n <= MAX_BLOCK_TOKENS)?;
        let mut lines = Vec::with_capacity(n);
        let mut line = 0_u64;
        for _ in 0..n {
            line = line.checked_add(take(bytes)?)?;
            lines.push(u32::try_from(line).ok()?);
        }
        let mut positions = Vec::with_capacity(n);
        let mut at = Position::default();
        for line in lines {
            let before = if line == at.line { at.column } else { 0 };
            let column = i64::from(before).checked_add(take_signed(bytes)?)?;
            at = Position {
                line,
                column: u32::try_from(column).ok()?,
            };
            positions.push(at);
        }
        let mut kinds = Vec::with_capacity(n);
        for _ in 0..n {
            kinds.push(take(bytes)?);
        }
        let n_originals = kinds.iter().filter(|kind| **kind > 0).count();
        let sources = column(bytes, n_originals)?;
        let original_lines = column(bytes, n_originals)?;
        let original_columns = column(bytes, n_originals)?;
        let n_names = usize::try_from(take(bytes)?)
            .ok()
            .filter(|n| *n <= MAX_BLOCK_TOKENS)?;
        let mut names = Vec::with_capacity(n_names);
        for _ in 0..n_names {
            let length = usize::try_from(take(bytes)?).ok()?;
            let start = unpacked.len() - bytes.len();
            *bytes = bytes.get(length..)?;
            names.push(start..start + length);
        }
        let mut originals = sources.into_iter().zip(original_lines).zip(original_columns);
        let tokens = positions.into_iter().zip(kinds).map(|(at, kind)| {
            let original = if kind == 0 {
                None
            } else {
                let ((source, line), column) = originals.next()?;
                Some(Original {
                    source,
                    at: Position { line, column },
                    name: kind.checked_sub(2).and_then(|place| u32::try_from(place).ok()),
                })
            };
            Some(Token { at, original })
        });
        Some(Self {
            tokens: tokens.collect::<Option<_>>()?,
            names,
            bytes: unpacked,
        })
    }

    /// The token that a place of generated code belongs to: the last one at or before it on its line.
    pub fn find(&self, at: Position) -> Option<&Token> {
        let after = self.tokens.partition_point(|token| token.at <= at);
        let token = self.tokens.get(after.checked_sub(1)?)?;
        (token.at.line == at.line).then_some(token)
    }

    /// The text of a token's name.
    pub fn name(&self, token: &Token) -> Option<&str> {
        let place = self.names.get(token.original?.name? as usize)?;
        let name = str::from_utf8(&self.bytes[place.clone()]).ok()?;
        Some(name).filter(|name| !name.is_empty())
    }
}

fn column(bytes: &mut &[u8], n: usize) -> Option<Vec<u32>> {
    let mut values = Vec::with_capacity(n);
    let mut value = 0_i64;
    for _ in 0..n {
        value = value.checked_add(take_signed(bytes)?)?;
        values.push(u32::try_from(value).ok()?);
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> impl Strategy<Value = Token> {
        let position = || {
            (0..9_u32, any::<u16>()).prop_map(|(line, column)| Position {
                line,
                column: column.into(),
            })
        };
        let original = (0..50_u32, position(), proptest::option::of(0..3_u32))
            .prop_map(|(source, at, name)| Original { source, at, name });
        (position(), proptest::option::of(original)).prop_map(|(at, original)| Token { at, original })
    }

    proptest! {
        #[test]
        fn a_block_is_the_same_when_it_comes_back(mut tokens in proptest::collection::vec(token(), 0..200)) {
            tokens.sort_by_key(|token| token.at);
            let names = ["name 0", "name 1", "name 2"];
            let packed = pack(&tokens, |name| names.get(name as usize).copied());
            let block = Block::unpack(&mut Unzip::default(), &packed).unwrap();
            for (before, after) in tokens.iter().zip(&block.tokens) {
                prop_assert_eq!(before.at, after.at);
                prop_assert_eq!(before.original.map(|it| (it.source, it.at)), after.original.map(|it| (it.source, it.at)));
                let name = before.original.and_then(|it| it.name).map(|name| format!("name {name}"));
                prop_assert_eq!(name.as_deref(), block.name(after));
            }
            prop_assert_eq!(tokens.len(), block.tokens.len());
        }

        #[test]
        fn damaged_blocks_are_none(bytes: Vec<u8>) {
            let mut unzip = Unzip::default();
            Block::unpack(&mut unzip, &bytes);
            Block::unpack(&mut unzip, &zstd::bulk::compress(&bytes, 1).unwrap());
        }
    }
}
