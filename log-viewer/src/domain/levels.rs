//! Which levels are asked for.

use super::entry::Level;

/// A set of levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels(u8);

impl Levels {
    /// Every level.
    pub const ALL: Self = Self(0b1_1111);
    /// No level: nothing is found.
    pub const NONE: Self = Self(0);

    /// Just this one.
    pub fn only(level: Level) -> Self {
        Self(1 << level.index())
    }

    /// This one and those above.
    pub fn at_least(level: Level) -> Self {
        Self(Self::ALL.0 & !((1 << level.index()) - 1))
    }

    /// Whether it is in the set.
    pub fn has(self, level: Level) -> bool {
        self.0 & (1 << level.index()) != 0
    }

    /// Those in one of the two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self::ALL
    }
}
