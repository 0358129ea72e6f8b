//! Times that many series share, kept once: those scraped or sent together have the same to the millisecond.

use std::collections::HashMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// Different ones kept; beyond that all are forgotten, and some are there twice.
const MAX_KEPT: usize = 4096;

/// See the head of this file.
#[derive(Debug, Default)]
pub struct TimesPool {
    known: HashMap<u64, Arc<[u8]>>,
}

impl TimesPool {
    /// The same bytes, shared with whoever asked for them before.
    pub fn shared(&mut self, times: Vec<u8>) -> Arc<[u8]> {
        let hash = xxh3_64(&times);
        match self.known.get(&hash) {
            Some(known) if **known == *times => known.clone(),
            _ => {
                if self.known.len() >= MAX_KEPT {
                    self.known.clear();
                }
                let times: Arc<[u8]> = times.into();
                self.known.insert(hash, times.clone());
                times
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_times_are_one() {
        let mut pool = TimesPool::default();
        let first = pool.shared(vec![1, 2]);
        assert!(Arc::ptr_eq(&first, &pool.shared(vec![1, 2])));
        assert!(!Arc::ptr_eq(&first, &pool.shared(vec![1])));
        (0..10_000_u32).for_each(|n| drop(pool.shared(n.to_le_bytes().to_vec())));
        assert!(pool.known.len() <= MAX_KEPT);
    }
}
