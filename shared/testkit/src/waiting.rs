//! Waiting for what comes by itself: nothing announces it, so it is asked for again and again, for a minute.

use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(20);
const MAX_ASKED: u32 = 3000;

/// Asks until it is so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    eventually(what, async || is_so().await.then_some(())).await;
}

/// Asks until there is an answer, and returns it.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(PAUSE);
    for _ in 0..MAX_ASKED {
        if let Some(found) = ask().await {
            return found;
        }
        ticks.tick().await;
    }
    panic!("it never came so: {what}");
}
