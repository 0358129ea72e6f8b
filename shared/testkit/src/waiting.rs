//! Waiting for what comes by itself.

/// Asks again and again until the answer is as wanted; fails after a minute.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    for _ in 0..3000 {
        if is_so().await {
            return;
        }
        ticks.tick().await;
    }
    panic!("it never came so: {what}");
}
