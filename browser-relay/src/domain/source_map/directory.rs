//! Where each block of a map begins: small enough to be read as a whole, so that a lookup needs one block.

use super::Position;
use crate::domain::varint::{put, take};

/// As the store keeps it.
pub(super) fn pack(starts: &[Position]) -> Vec<u8> {
    let mut out = Vec::with_capacity(starts.len() * 4);
    let mut line = 0;
    for start in starts {
        put(&mut out, u64::from(start.line.saturating_sub(line)));
        put(&mut out, u64::from(start.column));
        line = start.line;
    }
    out
}

/// Number of the block in which a place of generated code is looked for; `None` before the first token.
pub fn find(packed: &[u8], at: Position) -> Option<u32> {
    let bytes = &mut &packed[..];
    let mut line = 0_u64;
    let mut found = None;
    for number in 0.. {
        let (Some(step), Some(column)) = (take(bytes), take(bytes)) else {
            break;
        };
        line = line.checked_add(step)?;
        if (line, column) > (u64::from(at.line), u64::from(at.column)) {
            break;
        }
        found = Some(number);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_that_begins_at_or_before_is_found() {
        let at = |line, column| Position { line, column };
        let packed = pack(&[at(0, 3), at(0, 900), at(0, 900), at(7, 0)]);
        let check = |place, expected| assert_eq!(find(&packed, place), expected, "{place:?}");
        check(at(0, 2), None);
        check(at(0, 3), Some(0));
        check(at(0, 900), Some(2));
        check(at(6, u32::MAX), Some(2));
        check(at(7, 0), Some(3));
        check(at(u32::MAX, 0), Some(3));
        assert_eq!(find(&[], at(0, 0)), None);
    }
}
