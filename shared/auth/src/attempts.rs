//! Wrong keys per address, so that nobody can try many. In bounded memory, and without a clock of its own.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The time in which failures count.
const WINDOW: Duration = Duration::from_mins(1);
/// Wrong keys one address may try in the window: typing errors, not a search.
const DEFAULT_LIMIT: usize = 10;
/// Most addresses remembered; at about 300 bytes each, 1.2 MB under attack.
const MAX_ADDRESSES: usize = 4096;

/// Failures of the last minute, by address. `now` is the time since any fixed moment, the same for all calls.
pub struct Attempts {
    limit: usize,
    /// The newest failures of each address, oldest first, never more than `limit`.
    failures: Mutex<HashMap<IpAddr, VecDeque<Duration>>>,
}

impl Default for Attempts {
    /// Ten failures a minute.
    fn default() -> Attempts {
        Attempts::new(DEFAULT_LIMIT)
    }
}

impl Attempts {
    /// Lets each address fail `limit` times in any minute; 0 counts as 1.
    pub fn new(limit: usize) -> Attempts {
        Attempts {
            limit: limit.max(1),
            failures: Mutex::default(),
        }
    }

    /// Notes that `address` presented a wrong key.
    pub fn record_failure(&self, address: IpAddr, now: Duration) {
        let network = network(address);
        let mut failures = self.lock();
        if !failures.contains_key(&network) && failures.len() >= MAX_ADDRESSES {
            make_room(&mut failures, now);
        }
        let times = failures.entry(network).or_default();
        if times.len() == self.limit {
            times.pop_front();
        }
        times.push_back(now);
    }

    /// If `address` may try no key now: how long until it may.
    pub fn is_blocked(&self, address: IpAddr, now: Duration) -> Option<Duration> {
        let failures = self.lock();
        let times = failures
            .get(&network(address))
            .filter(|times| times.len() == self.limit)?;
        let wait = (*times.front()? + WINDOW).saturating_sub(now);
        (!wait.is_zero()).then_some(wait)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, VecDeque<Duration>>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the addresses whose failures no longer count, or else the one that failed longest ago.
fn make_room(failures: &mut HashMap<IpAddr, VecDeque<Duration>>, now: Duration) {
    failures.retain(|_, times| times.back().is_some_and(|last| *last + WINDOW > now));
    if failures.len() < MAX_ADDRESSES {
        return;
    }
    let oldest = failures
        .iter()
        .min_by_key(|(_, times)| times.back().copied())
        .map(|(address, _)| *address);
    if let Some(oldest) = oldest {
        failures.remove(&oldest);
    }
}

/// An IPv4 address, or the /64 an IPv6 address is in: one customer has at least that many addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_tenth_failure_blocks_until_the_first_is_a_minute_old() {
        let attempts = Attempts::default();
        let (attacker, other) = (address("192.0.2.1"), address("192.0.2.2"));
        for second in 0..10 {
            assert_eq!(attempts.is_blocked(attacker, seconds(second)), None);
            attempts.record_failure(attacker, seconds(second));
        }
        assert_eq!(attempts.is_blocked(attacker, seconds(9)), Some(seconds(51)));
        assert_eq!(attempts.is_blocked(other, seconds(9)), None);
        assert_eq!(attempts.is_blocked(attacker, seconds(59)), Some(seconds(1)));
        assert_eq!(attempts.is_blocked(attacker, seconds(60)), None);
        attempts.record_failure(attacker, seconds(60));
        assert_eq!(attempts.is_blocked(attacker, seconds(60)), Some(seconds(1)));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let check = |a: &str, b: &str, is_same: bool| {
            let attempts = Attempts::new(1);
            attempts.record_failure(address(a), seconds(0));
            assert_eq!(
                attempts.is_blocked(address(b), seconds(0)).is_some(),
                is_same,
                "{a} {b}"
            );
        };
        check("2001:db8::1", "2001:db8::ffff:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("::ffff:192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
    }

    #[test]
    fn the_table_stays_bounded_and_forgets_the_oldest_failure() {
        let attempts = Attempts::new(1);
        let numbered = |number: u32| IpAddr::from(number.to_be_bytes());
        for number in 0..MAX_ADDRESSES as u32 {
            attempts.record_failure(numbered(number), Duration::from_millis(number.into()));
        }
        let now = seconds(30);
        attempts.record_failure(numbered(u32::MAX), now);
        assert_eq!(attempts.lock().len(), MAX_ADDRESSES);
        assert_eq!(attempts.is_blocked(numbered(0), now), None);
        assert!(attempts.is_blocked(numbered(1), now).is_some());
        assert!(attempts.is_blocked(numbered(u32::MAX), now).is_some());
        attempts.record_failure(numbered(u32::MAX - 1), seconds(90));
        assert_eq!(attempts.lock().len(), 1);
    }

    proptest! {
        #[test]
        fn no_minute_sees_more_tries_than_the_limit(gaps in prop::collection::vec(0_u64..20_000, 1..200)) {
            let attempts = Attempts::default();
            let mut now = Duration::ZERO;
            let mut tried: Vec<Duration> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if attempts.is_blocked(address("192.0.2.1"), now).is_none() {
                    attempts.record_failure(address("192.0.2.1"), now);
                    tried.push(now);
                }
            }
            for window in tried.windows(DEFAULT_LIMIT + 1) {
                prop_assert!(window[DEFAULT_LIMIT] - window[0] >= WINDOW);
            }
        }
    }
}
