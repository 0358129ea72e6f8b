//! The way to one service behind the relay: its client, its queue, and how it has been lately.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use config::Secret;
use http_client::{Answer, Base, Client, Failure, Limits, Outgoing};
use tokio::sync::Notify;
use web::Method;
use web::header::{self, HeaderName, HeaderValue};

use crate::domain::backend::Backend;
use crate::store::outbox::Backlog;

/// By which a service knows a request that it had before.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// For what waits in the outbox nobody is waiting.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// One of the services.
pub struct Link {
    /// Which.
    pub backend: Backend,
    key: HeaderValue,
    /// While a browser waits.
    prompt: Client,
    /// From the outbox.
    patient: Client,
    n_waiting: AtomicU64,
    n_bytes: AtomicU64,
    oldest_at: AtomicI64,
    n_failures: AtomicU32,
    /// Wakes the job that empties its queue.
    pub waiting: Notify,
    trouble: Mutex<Option<Trouble>>,
}

/// Why it does not take what waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A sentence.
    pub what: String,
    /// Unix milliseconds.
    pub since: i64,
    /// When it is tried next, Unix milliseconds.
    pub next_try_at: i64,
}

impl Link {
    /// Not tried yet.
    pub fn new(backend: Backend, base: &Base, key: &Secret, timeout: Duration) -> Self {
        let limits = |total: Duration| Limits {
            connect: total.min(Duration::from_secs(3)),
            total,
            max_answer_bytes: MAX_ANSWER_BYTES,
            ..Limits::default()
        };
        let mut key = HeaderValue::from_str(key.expose().trim()).unwrap_or(HeaderValue::from_static(""));
        key.set_sensitive(true);
        Self {
            backend,
            key,
            prompt: Client::new(base.clone(), limits(timeout)),
            patient: Client::new(base.clone(), limits(DRAIN_TIMEOUT)),
            n_waiting: AtomicU64::new(0),
            n_bytes: AtomicU64::new(0),
            oldest_at: AtomicI64::new(i64::MAX),
            n_failures: AtomicU32::new(0),
            waiting: Notify::new(),
            trouble: Mutex::default(),
        }
    }

    /// Where it is.
    pub fn base(&self) -> &Base {
        self.prompt.base()
    }

    /// Whether something waits for it: then what comes has to wait behind it.
    pub fn is_behind(&self) -> bool {
        self.n_waiting.load(Relaxed) > 0
    }

    /// How much waits.
    pub fn backlog(&self) -> Backlog {
        Backlog {
            n: self.n_waiting.load(Relaxed),
            n_bytes: self.n_bytes.load(Relaxed),
            oldest_at: Some(self.oldest_at.load(Relaxed)).filter(|at| *at != i64::MAX),
        }
    }

    /// One more waits.
    pub fn note_queued(&self, n_bytes: usize, now: i64) {
        self.n_bytes.fetch_add(n_bytes as u64, Relaxed);
        self.oldest_at.fetch_min(now, Relaxed);
        self.n_waiting.fetch_add(1, Relaxed);
        self.waiting.notify_one();
    }

    /// So much has left the queue for good; `oldest_at` is of what is at its front now.
    pub fn note_removed(&self, n: usize, n_bytes: usize, oldest_at: Option<i64>) {
        let less = |counter: &AtomicU64, by: usize| {
            let old = counter.load(Relaxed);
            counter.store(old.saturating_sub(by as u64), Relaxed);
        };
        less(&self.n_waiting, n);
        less(&self.n_bytes, n_bytes);
        self.oldest_at.store(oldest_at.unwrap_or(i64::MAX), Relaxed);
    }

    /// So much waits, by the store. This and the two before run on the writer only, one at a time.
    pub fn set_backlog(&self, backlog: Backlog) {
        self.n_waiting.store(backlog.n, Relaxed);
        self.n_bytes.store(backlog.n_bytes, Relaxed);
        self.oldest_at
            .store(backlog.oldest_at.unwrap_or(i64::MAX), Relaxed);
    }

    /// Failures in a row.
    pub fn n_failures(&self) -> u32 {
        self.n_failures.load(Relaxed)
    }

    /// It does not take what waits.
    pub fn note_trouble(&self, what: String, now: i64, pause: Duration) {
        self.n_failures.fetch_add(1, Relaxed);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let since = trouble.as_ref().map_or(now, |old| old.since);
        let next_try_at = now + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2);
        *trouble = Some(Trouble {
            what,
            since,
            next_try_at,
        });
    }

    /// It took something. How it was before, if it was not well.
    pub fn note_taken(&self) -> Option<Trouble> {
        if self.n_failures.swap(0, Relaxed) == 0 {
            return None;
        }
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Why it does not take what waits, if so.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sends what a browser waits for.
    pub async fn send(&self, event_id: &str, body: Bytes) -> Result<Answer, Failure> {
        self.prompt
            .send(self.post(self.backend.path(), Some(event_id), body))
            .await
    }

    /// Sends what waited.
    pub async fn resend(&self, event_id: &str, body: Bytes) -> Result<Answer, Failure> {
        self.patient
            .send(self.post(self.backend.path(), Some(event_id), body))
            .await
    }

    /// Sends several that waited, each of which says itself which it is.
    pub async fn resend_batch(&self, body: Bytes) -> Result<Answer, Failure> {
        let path = format!("{}/batch", self.backend.path());
        self.patient.send(self.post(&path, None, body)).await
    }

    /// Any other request, with its key.
    pub async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, Failure> {
        let outgoing = self.post(path, None, body);
        self.patient.send(Outgoing { method, ..outgoing }).await
    }

    fn post(&self, path: &str, event_id: Option<&str>, body: Bytes) -> Outgoing {
        let json = HeaderValue::from_static("application/json");
        let mut headers = vec![
            (HeaderName::from_static("x-api-key"), self.key.clone()),
            (header::CONTENT_TYPE, json),
        ];
        let event_id = event_id.and_then(|id| HeaderValue::from_str(id).ok());
        headers.extend(event_id.map(|id| (IDEMPOTENCY_KEY, id)));
        Outgoing {
            method: Method::POST,
            path: self.base().join(path),
            headers,
            body,
        }
    }
}
