//! `/ready` for strangers: a probe is a real write, so many askers share one.

use std::time::{Duration, Instant};

use sqlite::Store;
use tokio::sync::Mutex;

/// An answer is as good as new for this long.
const FRESH: Duration = Duration::from_secs(1);

/// The newest answer, and the queue of those who wait for the next.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Result<(), String>)>>);

impl Readiness {
    /// Whether a write would be stored; `Err` says why not.
    pub(crate) async fn of(&self, store: &Store) -> Result<(), String> {
        let mut newest = self.0.lock().await;
        if let Some((_, answer)) = newest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return answer.clone();
        }
        let answer = store.ready().await.map_err(|reason| reason.to_string());
        *newest = Some((Instant::now(), answer.clone()));
        answer
    }
}
