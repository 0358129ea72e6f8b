//! Who is reading memory: what is frozen may only go when everybody who began before it was written has ended.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Counts readers by the turn in which they began; there are two turns at a time.
#[derive(Debug, Default)]
pub struct Readers {
    turn: AtomicUsize,
    n_reading: [AtomicUsize; 2],
}

/// One reader, until dropped.
#[derive(Debug)]
pub struct Reading<'r>(&'r AtomicUsize);

impl Readers {
    /// Begins to read.
    pub fn enter(&self) -> Reading<'_> {
        loop {
            let turn = self.turn.load(SeqCst);
            let n_reading = &self.n_reading[turn % 2];
            n_reading.fetch_add(1, SeqCst);
            // Had the turn ended in between, nobody would wait for this reader.
            if self.turn.load(SeqCst) == turn {
                return Reading(n_reading);
            }
            n_reading.fetch_sub(1, SeqCst);
        }
    }

    /// Begins the next turn. Call it only while the turn before the one that ends is quiet.
    pub fn turn(&self) {
        self.turn.fetch_add(1, SeqCst);
    }

    /// Whether all have ended who began before the last turn.
    pub fn is_quiet(&self) -> bool {
        let turn = self.turn.load(SeqCst);
        self.n_reading[(turn + 1) % 2].load(SeqCst) == 0
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_quiet_when_all_of_the_turn_before_have_ended() {
        let readers = Readers::default();
        let before = readers.enter();
        readers.turn();
        let after = readers.enter();
        assert!(!readers.is_quiet());
        drop(before);
        assert!(readers.is_quiet());
        readers.turn();
        assert!(!readers.is_quiet());
        drop(after);
        assert!(readers.is_quiet());
    }
}
