//! The table of budgets: a fixed number of small sets, each under a lock of its own.
//!
//! A client belongs to one set, by a SipHash with a random seed, so nobody outside can aim at a set.
//! A set holds at most [`WAYS`] clients; a new one takes the place of whoever is nearest to a full budget, which
//! for a recovered client changes nothing. So neither memory nor the time of a check grows with the clients seen.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::{Client, Identity};
use crate::gcra::{Decision, FullAt, Quota};

/// Clients remembered unless told otherwise: ~270 KB (32 bytes each, and 32 per set) once all are in use.
pub const DEFAULT_CAPACITY: usize = 8192;

/// Clients per set. With 1,000 clients active in 512 sets, fewer than one set in a billion overflows (Poisson).
const WAYS: usize = 16;

/// Hands out one budget per client.
#[derive(Debug)]
pub struct Limiter {
    quota: Quota,
    seed: RandomState,
    sets: Vec<Mutex<Vec<Entry>>>,
    n_ways: usize,
}

#[derive(Debug)]
struct Entry {
    identity: Identity,
    full_at: FullAt,
}

impl Limiter {
    /// A limiter that remembers at most `capacity` clients (at least one), rounded down to whole sets.
    pub fn new(quota: Quota, capacity: usize) -> Limiter {
        let n_ways = capacity.clamp(1, WAYS);
        let n_sets = (capacity / n_ways).max(1);
        let sets = (0..n_sets).map(|_| Mutex::default()).collect();
        Limiter {
            quota,
            seed: RandomState::new(),
            sets,
            n_ways,
        }
    }

    /// Spends one request of `client`'s budget if there is one. `now` is the time since some fixed instant, such
    /// as the start of the process; if it ever goes backwards, clients wait longer and nothing else happens.
    pub fn check(&self, client: Client, now: Duration) -> Decision {
        if self.quota.is_unlimited() {
            return Decision::Allow { remaining: u32::MAX };
        }
        let identity = Identity::from(client);
        let now = self.quota.ticks(now);
        let mut set = self.set(identity);
        let spent = self.quota.spend(full_at(&set, identity), now);
        if let Ok(full_at) = spent {
            self.remember(&mut set, Entry { identity, full_at });
        }
        self.decision(spent, now)
    }

    /// What [`Limiter::check`] would decide, without spending: `remaining` counts the request asked about.
    pub fn peek(&self, client: Client, now: Duration) -> Decision {
        if self.quota.is_unlimited() {
            return Decision::Allow { remaining: u32::MAX };
        }
        let identity = Identity::from(client);
        let now = self.quota.ticks(now);
        let full_at = full_at(&self.set(identity), identity);
        self.decision(self.quota.spend(full_at, now).map(|_| full_at), now)
    }

    /// How many clients are remembered; never more than the capacity.
    pub fn len(&self) -> usize {
        self.sets.iter().map(|set| lock(set).len()).sum()
    }

    /// Whether no client is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn set(&self, identity: Identity) -> MutexGuard<'_, Vec<Entry>> {
        let n_sets = self.sets.len() as u64;
        let index = self.seed.hash_one(identity) % n_sets;
        lock(&self.sets[index as usize])
    }

    fn remember(&self, set: &mut Vec<Entry>, entry: Entry) {
        if let Some(known) = set.iter_mut().find(|known| known.identity == entry.identity) {
            known.full_at = entry.full_at;
            return;
        }
        if set.len() < self.n_ways {
            set.push(entry);
            return;
        }
        if let Some(most_recovered) = set.iter_mut().min_by_key(|known| known.full_at) {
            *most_recovered = entry;
        }
    }

    fn decision(&self, full_at: Result<FullAt, Duration>, now: u128) -> Decision {
        match full_at {
            Ok(full_at) => Decision::Allow {
                remaining: self.quota.remaining(full_at, now),
            },
            Err(retry_after) => Decision::Refuse { retry_after },
        }
    }
}

/// A client nobody remembers has a full budget.
fn full_at(set: &[Entry], identity: Identity) -> FullAt {
    set.iter()
        .find(|known| known.identity == identity)
        .map_or(0, |known| known.full_at)
}

/// A panic elsewhere cannot leave a set half-written, so a poisoned one is as good as any.
fn lock(set: &Mutex<Vec<Entry>>) -> MutexGuard<'_, Vec<Entry>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    fn limiter(per_minute: u32, burst: u32) -> Limiter {
        Limiter::new(Quota { per_minute, burst }, DEFAULT_CAPACITY)
    }

    fn n_allowed(limiter: &Limiter, client: Client, now: Duration, n_requests: u32) -> u32 {
        let allows = |_: &u32| matches!(limiter.check(client, now), Decision::Allow { .. });
        (0..n_requests).filter(allows).count() as u32
    }

    fn address(number: u32) -> Client {
        Client::Address(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_window_gives_the_burst_and_then_exactly_the_rate() {
        for per_minute in [1, 7, 60, 100, 299, 10_000] {
            let limiter = limiter(per_minute, 10);
            assert_eq!(n_allowed(&limiter, Client::Key(1), Duration::ZERO, 1_000), 10);
            assert_eq!(
                n_allowed(&limiter, Client::Key(1), MINUTE, 20_000),
                per_minute.min(10)
            );

            let n_over_a_minute: u32 = (1..=60_000)
                .map(|ms| n_allowed(&limiter, Client::Key(1), MINUTE + Duration::from_millis(ms), 2))
                .sum();
            assert_eq!(n_over_a_minute, per_minute);
        }
    }

    #[test]
    fn a_refused_client_is_told_when_to_come_back_and_may() {
        let limiter = limiter(60, 2);
        assert_eq!(
            limiter.check(Client::Key(1), SECOND),
            Decision::Allow { remaining: 1 }
        );
        assert_eq!(
            limiter.check(Client::Key(1), SECOND),
            Decision::Allow { remaining: 0 }
        );
        let refused = Decision::Refuse { retry_after: SECOND };
        assert_eq!(limiter.check(Client::Key(1), SECOND), refused);
        assert_eq!(
            limiter.check(Client::Key(1), SECOND),
            refused,
            "being refused costs nothing"
        );
        assert_eq!(
            limiter.check(Client::Key(1), 2 * SECOND),
            Decision::Allow { remaining: 0 }
        );
    }

    #[test]
    fn a_noisy_client_never_spends_anothers_budget() {
        let limiter = limiter(60, 5);
        for second in 0..100 {
            let now = second * SECOND;
            n_allowed(&limiter, Client::Key(666), now, 1_000);
            for quiet in 1..10 {
                assert!(matches!(
                    limiter.check(Client::Key(quiet), now),
                    Decision::Allow { .. }
                ));
            }
        }
    }

    #[test]
    fn a_noisy_client_stays_remembered_in_a_flood_of_addresses() {
        let limiter = Limiter::new(
            Quota {
                per_minute: 60,
                burst: 5,
            },
            16,
        );
        n_allowed(&limiter, Client::Key(666), SECOND, 5);
        for number in 0..10_000 {
            limiter.check(address(number), SECOND);
        }
        assert!(matches!(
            limiter.peek(Client::Key(666), SECOND),
            Decision::Refuse { .. }
        ));
    }

    #[test]
    fn a_million_addresses_do_not_make_the_table_grow() {
        for (capacity, n_addresses) in [(0, 100), (1, 100), (100, 10_000), (DEFAULT_CAPACITY, 1_000_000)] {
            let limiter = Limiter::new(
                Quota {
                    per_minute: 60,
                    burst: 5,
                },
                capacity,
            );
            for number in 0..n_addresses {
                limiter.check(address(number), SECOND);
            }
            assert!(
                (1..=capacity.max(1)).contains(&limiter.len()),
                "{} of {capacity}",
                limiter.len()
            );
        }
        let entries = DEFAULT_CAPACITY * size_of::<Entry>();
        let sets = DEFAULT_CAPACITY / WAYS * size_of::<Mutex<Vec<Entry>>>();
        assert!(entries + sets <= 512 * 1024, "{entries} + {sets} bytes");
    }

    #[test]
    fn a_peek_spends_nothing() {
        let limiter = limiter(60, 1);
        for _ in 0..3 {
            assert_eq!(
                limiter.peek(Client::Key(1), SECOND),
                Decision::Allow { remaining: 1 }
            );
        }
        assert!(limiter.is_empty());
        limiter.check(Client::Key(1), SECOND);
        assert_eq!(
            limiter.peek(Client::Key(1), SECOND),
            Decision::Refuse { retry_after: SECOND }
        );
        assert_eq!(
            limiter.peek(Client::Key(1), 2 * SECOND),
            Decision::Allow { remaining: 1 }
        );
    }

    #[test]
    fn zero_per_minute_is_unlimited_and_remembers_nobody() {
        let limiter = limiter(0, 1);
        assert_eq!(
            n_allowed(&limiter, Client::Key(1), Duration::ZERO, 10_000),
            10_000
        );
        assert!(limiter.is_empty());
    }

    #[test]
    fn time_going_backwards_only_lengthens_the_wait() {
        let limiter = limiter(60, 1);
        limiter.check(Client::Key(1), MINUTE);
        let Decision::Refuse { retry_after } = limiter.check(Client::Key(1), Duration::ZERO) else {
            panic!("allowed");
        };
        assert_eq!(retry_after, MINUTE + SECOND);
    }

    #[test]
    fn threads_share_one_budget() {
        let limiter = limiter(60, 100);
        let n_total: u32 = thread::scope(|scope| {
            let spend = || n_allowed(&limiter, Client::Key(1), SECOND, 1_000);
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(spend)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(n_total, 100);
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate_times_the_time(
            per_minute in 1..100_000_u32,
            burst in 1..50_u32,
            start in 0..u64::MAX / 2,
            gaps_us in prop::collection::vec(0..2_000_000_u64, 1..200),
        ) {
            let limiter = limiter(per_minute, burst);
            let start = Duration::from_nanos(start);
            let mut passed = Duration::ZERO;
            let mut n_total = 0;
            for gap_us in gaps_us {
                passed += Duration::from_micros(gap_us);
                n_total += n_allowed(&limiter, Client::Key(1), start + passed, 3);
                let most = u128::from(burst) + passed.as_nanos() * u128::from(per_minute) / COST_NS;
                prop_assert!(u128::from(n_total) <= most, "{n_total} of {most}");
            }
        }
    }

    const COST_NS: u128 = 60_000_000_000;
}
