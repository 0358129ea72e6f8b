//! Which pieces of a block.

/// A bit each.
pub const MAX_PIECES: usize = 8;

/// Some pieces of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pieces(pub(super) u8);

impl Pieces {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(u8::MAX);

    /// The one with this number.
    pub fn one(number: usize) -> Self {
        Self(1 << number.min(MAX_PIECES - 1))
    }

    /// Whether the one with this number is among them.
    pub fn has(self, number: usize) -> bool {
        self.0 & Self::one(number).0 != 0
    }

    /// Those of both.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those of either.
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
