//! The DSN keys in memory, with what is left of their budgets. The store is the truth; after each change of it they
//! are loaded again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rate_limit::{Client, DEFAULT_CAPACITY, Decision, Limiter, Quota};

use crate::domain::dsn_key::DsnKey;
use crate::domain::origin::Pattern;

/// A key and its budget.
pub struct Held {
    /// As stored.
    pub key: DsnKey,
    budget: Limiter,
}

/// All keys, and the budgets of addresses.
pub struct Keys {
    held: RwLock<Snapshot>,
    cors_origins: Vec<Pattern>,
    default_per_minute: u32,
    /// Of addresses that show a good key.
    addresses: Limiter,
    /// Of addresses that show a wrong one: apart, so that they lock nobody out.
    wrong: Limiter,
    started: Instant,
}

#[derive(Default)]
struct Snapshot {
    by_key: HashMap<String, Arc<Held>>,
    /// Of all keys that are on.
    origins: Vec<Pattern>,
}

impl Keys {
    /// None yet; see [`Keys::load`].
    pub fn new(cors_origins: Vec<Pattern>, dsn_rate_limit: u32, rate_limit: u32) -> Self {
        let limiter = |per_minute| {
            Limiter::new(
                Quota {
                    per_minute,
                    burst: per_minute,
                },
                DEFAULT_CAPACITY,
            )
        };
        Self {
            held: RwLock::default(),
            cors_origins,
            default_per_minute: dsn_rate_limit,
            addresses: limiter(rate_limit),
            wrong: limiter(rate_limit),
            started: Instant::now(),
        }
    }

    /// Takes over what is stored. Budgets of keys whose limit is as before go on.
    pub fn load(&self, stored: Vec<DsnKey>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::take(&mut *held);
        for key in stored {
            let same = old.by_key.get(&key.public_key).filter(|it| it.key == key);
            let new = same.cloned().unwrap_or_else(|| {
                let per_minute = key.limits.per_minute.unwrap_or(self.default_per_minute);
                let quota = Quota {
                    per_minute,
                    burst: per_minute,
                };
                Arc::new(Held {
                    budget: Limiter::new(quota, 1),
                    key,
                })
            });
            if new.key.is_active {
                held.origins.extend(new.key.limits.origins.iter().cloned());
            }
            held.by_key.insert(new.key.public_key.clone(), new);
        }
        // Many keys, few origins: those of one shop are the same.
        held.origins.sort_by_key(ToString::to_string);
        held.origins.dedup();
    }

    /// The key of this name, if it is good at `now`.
    pub fn find(&self, public_key: &str, now: i64) -> Option<Arc<Held>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.by_key
            .get(public_key)
            .filter(|it| it.key.is_usable(now))
            .cloned()
    }

    /// Whether pages of this origin may read answers.
    pub fn allows(&self, origin: &str) -> bool {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        self.cors_origins
            .iter()
            .chain(&held.origins)
            .any(|pattern| pattern.matches(origin))
    }

    /// Spends one request of a key and of an address; `Err` says after which time there is one again.
    pub fn spend(&self, held: &Held, address: IpAddr) -> Result<(), Duration> {
        let now = self.started.elapsed();
        spend(&self.addresses, Client::Address(address), now)?;
        spend(&held.budget, Client::Key(0), now)
    }

    /// Counts a wrong key of an address.
    pub fn spend_wrong(&self, address: IpAddr) -> Result<(), Duration> {
        spend(&self.wrong, Client::Address(address), self.started.elapsed())
    }
}

fn spend(limiter: &Limiter, client: Client, now: Duration) -> Result<(), Duration> {
    match limiter.check(client, now) {
        Decision::Allow { .. } => Ok(()),
        Decision::Refuse { retry_after } => Err(retry_after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dsn_key::Limits;

    fn key(public_key: &str, limits: Limits) -> DsnKey {
        DsnKey {
            id: 1,
            public_key: public_key.to_owned(),
            project: "shop".to_owned(),
            is_active: true,
            created_at: 0,
            limits,
        }
    }

    #[test]
    fn wrong_keys_spend_nobodys_budget_and_keys_have_their_own() {
        let keys = Keys::new(vec![], 1000, 5);
        let limits = Limits {
            per_minute: Some(2),
            ..Limits::default()
        };
        keys.load(vec![key("a", limits), key("b", Limits::default())]);
        let address = |n: u8| IpAddr::from([10, 0, 0, n]);
        for _ in 0..300 {
            let _ = keys.spend_wrong(address(1));
        }
        assert!(keys.spend_wrong(address(1)).is_err() && keys.spend_wrong(address(2)).is_ok());
        let (a, b) = (keys.find("a", 1).unwrap(), keys.find("b", 1).unwrap());
        assert!(keys.spend(&a, address(1)).is_ok() && keys.spend(&a, address(2)).is_ok());
        assert!(keys.spend(&a, address(3)).is_err(), "the key's budget");
        for _ in 0..4 {
            assert!(keys.spend(&b, address(1)).is_ok());
        }
        assert!(keys.spend(&b, address(1)).is_err(), "the address's budget");
        assert!(keys.spend(&b, address(9)).is_ok());
    }

    #[test]
    fn a_budget_goes_on_when_other_keys_change() {
        let keys = Keys::new(vec![], 1, 0);
        keys.load(vec![key("a", Limits::default())]);
        assert!(
            keys.spend(&keys.find("a", 1).unwrap(), [1, 1, 1, 1].into())
                .is_ok()
        );
        keys.load(vec![key("a", Limits::default()), key("b", Limits::default())]);
        assert!(
            keys.spend(&keys.find("a", 1).unwrap(), [1, 1, 1, 1].into())
                .is_err()
        );
    }

    #[test]
    fn pages_of_a_keys_origins_may_read_answers() {
        let keys = Keys::new(Pattern::read_all(["https://a"]).unwrap(), 0, 0);
        let limits = Limits {
            origins: Pattern::read_all(["https://b"]).unwrap(),
            ..Limits::default()
        };
        keys.load(vec![key("k", limits.clone())]);
        assert!(keys.allows("https://a") && keys.allows("https://b") && !keys.allows("https://c"));
        keys.load(vec![DsnKey {
            is_active: false,
            ..key("k", limits)
        }]);
        assert!(!keys.allows("https://b"));
        assert!(keys.find("k", 1).is_none());
    }
}
