//! Ids that must not be accepted any more, remembered until they would have expired anyway.

use std::collections::BTreeSet;

/// Most ids remembered; at about 40 bytes each, half a megabyte.
const CAPACITY: usize = 10_000;

/// 16 random bytes: of a session or of a login link.
pub(crate) type RandomId = [u8; 16];

/// Spent ids with the Unix second at which each expires, soonest first. Bounded: when full, the id that would
/// expire soonest is forgotten. Only whoever can sign can fill it.
#[derive(Default)]
pub(crate) struct Spent(BTreeSet<(u64, RandomId)>);

impl Spent {
    /// Spends an id; `false` if it was spent already.
    pub(crate) fn spend(&mut self, expires_at: u64, id: RandomId, now: u64) -> bool {
        while self
            .0
            .first()
            .is_some_and(|&(first, _)| first <= now || self.0.len() >= CAPACITY)
        {
            self.0.pop_first();
        }
        self.0.insert((expires_at, id))
    }

    pub(crate) fn contains(&self, expires_at: u64, id: RandomId) -> bool {
        self.0.contains(&(expires_at, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_spent_once_and_forgotten_when_expired() {
        let mut spent = Spent::default();
        assert!(spent.spend(10, [1; 16], 0));
        assert!(!spent.spend(10, [1; 16], 9));
        assert!(spent.contains(10, [1; 16]));
        assert!(spent.spend(20, [2; 16], 10));
        assert!(!spent.contains(10, [1; 16]));
        assert_eq!(spent.0.len(), 1);
    }

    #[test]
    fn the_set_stays_bounded() {
        let mut spent = Spent::default();
        for number in 0..CAPACITY as u64 + 5 {
            assert!(spent.spend(1_000_000 + number, [0; 16], 0));
        }
        assert_eq!(spent.0.len(), CAPACITY);
        assert!(!spent.contains(1_000_000, [0; 16]));
        assert!(spent.contains(1_000_005, [0; 16]));
    }
}
