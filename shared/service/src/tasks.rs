//! Jobs beside the requests: watched, started again when they panic, told when the service ends.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Pause before a job that panicked is started again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// How long a job may go on after it was told to end, to finish the step it is in.
const GRACE: Duration = Duration::from_secs(2);

/// The running jobs of a service.
pub struct Tasks {
    handles: Vec<JoinHandle<()>>,
    ending: Ending,
}

/// Tells a job that the service ends. A job waits through [`Ending::unless`] and returns on `None`.
#[derive(Debug, Clone)]
pub struct Ending(watch::Receiver<bool>);

impl Ending {
    /// What the future gives, or `None` once the service ends.
    pub async fn unless<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            // An error means that the sender is gone: the service has ended.
            _ = self.0.wait_for(|is_ending| *is_ending) => None,
            value = future => Some(value),
        }
    }
}

impl Tasks {
    pub(crate) fn new(is_ending: watch::Receiver<bool>) -> Self {
        Self {
            handles: Vec::new(),
            ending: Ending(is_ending),
        }
    }

    /// Starts a job. It returns when it is told to end; one that does not is cut off after two seconds.
    pub fn spawn<F>(&mut self, name: &'static str, job: impl Fn(Ending) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.handles
            .push(tokio::spawn(watch_over(name, job, self.ending.clone())));
    }

    pub(crate) async fn ended(self) {
        for handle in self.handles {
            let _ = handle.await;
        }
    }
}

async fn watch_over<F>(name: &'static str, job: impl Fn(Ending) -> F, mut ending: Ending)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        // A task of its own, so that its panic is a value here.
        let mut running = Job(tokio::spawn(job(ending.clone())));
        let Some(ended) = ending.unless(&mut running.0).await else {
            let _ = tokio::time::timeout(GRACE, &mut running.0).await;
            return;
        };
        let Err(cause) = ended else { return };
        tracing::error!(job = name, %cause, "job panicked and is started again");
        if ending.unless(tokio::time::sleep(RESTART_PAUSE)).await.is_none() {
            return;
        }
    }
}

/// A spawned job that ends with its watcher.
struct Job(JoinHandle<()>);

impl Drop for Job {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_job_that_panics_is_started_again() {
        let (_end, is_ending) = watch::channel(false);
        let mut tasks = Tasks::new(is_ending);
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        tasks.spawn("test", move |_| {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(run >= 2, "run {run} fails") }
        });
        tasks.ended().await;
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_finishes_its_step_when_the_service_ends() {
        let (end, is_ending) = watch::channel(false);
        let mut tasks = Tasks::new(is_ending);
        let finished = Arc::new(AtomicU32::new(0));
        let counted = finished.clone();
        tasks.spawn("test", move |mut ending| {
            let counted = counted.clone();
            async move {
                assert_eq!(ending.unless(std::future::pending::<()>()).await, None);
                tokio::time::sleep(Duration::from_secs(1)).await;
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        tasks.spawn("deaf", |_| std::future::pending());
        let _ = end.send(true);
        tasks.ended().await;
        assert_eq!(finished.load(Ordering::SeqCst), 1);
    }
}
