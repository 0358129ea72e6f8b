//! Keys and thresholds of `malti.toml`, which may change while we run. A file that cannot be read changes nothing: what
//! was known stays, and log, `/health` and `GET /api/ingest` say so.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rate_limit::{Client, DEFAULT_CAPACITY, Decision, Limiter, Quota};
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use crate::domain::malti::config::{self, Config, Holder, Thresholds};

/// Largest file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// `GET /api/v1/auth/test`, for each address.
const AUTH_TESTS: Quota = Quota {
    per_minute: 10,
    burst: 10,
};

/// What is known of Malti's clients.
#[derive(Debug)]
pub struct Malti {
    path: Option<PathBuf>,
    known: RwLock<Arc<Known>>,
    /// What the file held when last looked at, good or bad.
    seen: Mutex<Option<[u8; 32]>>,
    problem: Mutex<Option<String>>,
    auth_tests: Limiter,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// An API that tells of its requests.
    Service(String),
    /// Somebody who looks at them.
    User(String),
}

#[derive(Debug, Default)]
struct Known {
    /// Services before users: a key that both have is a service's.
    keys: Vec<([u8; 32], Caller)>,
    thresholds: Thresholds,
}

impl Known {
    fn of(config: Config) -> Self {
        let entry = |holder: Holder, caller: fn(String) -> Caller| {
            (Sha256::digest(&holder.key).into(), caller(holder.name))
        };
        let services = config
            .services
            .into_iter()
            .map(|holder| entry(holder, Caller::Service));
        let users = config.users.into_iter().map(|holder| entry(holder, Caller::User));
        Self {
            keys: services.chain(users).collect(),
            thresholds: config.thresholds,
        }
    }
}

impl Malti {
    /// Reads the file; without one nobody is known.
    pub fn open(path: Option<PathBuf>) -> Result<Self, String> {
        let malti = Self {
            path,
            known: RwLock::default(),
            seen: Mutex::default(),
            problem: Mutex::default(),
            auth_tests: Limiter::new(AUTH_TESTS, DEFAULT_CAPACITY),
        };
        malti.reload()?;
        Ok(malti)
    }

    /// Takes up a changed file; the whole of it is compared. True if something is known anew. An error is told once, not
    /// again before the file changes again.
    pub fn reload(&self) -> Result<bool, String> {
        let Some(path) = &self.path else {
            return Ok(false);
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let read = read_bounded(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
        let found = Sha256::digest(match &read {
            Ok(text) => text.as_bytes(),
            Err(problem) => problem.as_bytes(),
        });
        if *seen == Some(found.into()) {
            return Ok(false);
        }
        *seen = Some(found.into());
        let config = read.and_then(|text| {
            config::parse(&text).map_err(|problem| format!("error in {}: {problem}", path.display()))
        });
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = config.as_ref().err().cloned();
        let known = Arc::new(Known::of(config?));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(true)
    }

    /// Whose key this is. Every key is compared, and the first that fits is picked without a branch, so the time tells
    /// nothing.
    pub fn authenticate(&self, presented: &str) -> Option<Caller> {
        if presented.is_empty() {
            return None;
        }
        let hash: [u8; 32] = Sha256::digest(presented).into();
        let known = self.known();
        let mut found = u64::MAX;
        for (index, (key, _)) in known.keys.iter().enumerate().rev() {
            found.conditional_assign(&(index as u64), key.ct_eq(&hash));
        }
        let (_, caller) = known.keys.get(usize::try_from(found).ok()?)?;
        Some(caller.clone())
    }

    /// What colours the page.
    pub fn thresholds(&self) -> Thresholds {
        self.known().thresholds
    }

    /// Why the file as it is now is not used.
    pub fn problem(&self) -> Option<String> {
        self.problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Spends one of an address's tries of `GET /api/v1/auth/test`. `uptime` is the clock.
    pub fn may_test(&self, client: IpAddr, uptime: Duration) -> bool {
        let decision = self.auth_tests.check(Client::Address(client), uptime);
        matches!(decision, Decision::Allow { .. })
    }

    fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 1 MiB",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_taken_up_and_a_bad_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("malti.toml");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("[services.a]\napi_key = \"1\"\n[users.u]\napi_key = \"2\"\n[users.both]\napi_key = \"1\"\n");
        let malti = Malti::open(Some(path.clone())).unwrap();
        let service = Some(Caller::Service("a".into()));
        assert_eq!(malti.authenticate("1"), service);
        assert_eq!(malti.authenticate("2"), Some(Caller::User("u".into())));
        assert_eq!((malti.authenticate(""), malti.authenticate("3")), (None, None));
        assert_eq!(malti.reload(), Ok(false));
        write("[services.a]\napi_key = \"1\n");
        assert!(malti.reload().unwrap_err().contains("line 2"));
        assert_eq!(malti.reload(), Ok(false), "it is told once");
        assert_eq!(malti.authenticate("1"), service);
        assert!(malti.problem().is_some());
        write("[services.a]\napi_key = \"4\"\n[dashboard.thresholds]\nlatency_success = 5\n");
        assert_eq!(malti.reload(), Ok(true));
        assert_eq!((malti.authenticate("1"), malti.problem()), (None, None));
        assert_eq!(malti.authenticate("4"), service);
        assert_eq!(malti.thresholds().latency_success, 5.);
        std::fs::remove_file(&path).unwrap();
        assert!(malti.reload().is_err());
        assert_eq!(malti.authenticate("4"), service);
        assert!(Malti::open(Some(path)).is_err());
        assert_eq!(Malti::open(None).unwrap().authenticate("4"), None);
    }

    #[test]
    fn an_address_may_test_ten_times_at_once() {
        let malti = Malti::open(None).unwrap();
        let client = IpAddr::from([10, 0, 0, 1]);
        let n = (0..15)
            .filter(|_| malti.may_test(client, Duration::from_secs(5)))
            .count();
        assert_eq!(n, 10);
        assert!(malti.may_test(client, Duration::from_secs(70)));
    }
}
