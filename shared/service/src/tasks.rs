//! Jobs beside the requests: watched, started again when they panic, told when the service ends.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Pause before a job that panicked is started again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// The running jobs of a service.
pub struct Tasks {
    handles: Vec<JoinHandle<()>>,
    is_ending: watch::Receiver<bool>,
}

impl Tasks {
    pub(crate) fn new(is_ending: watch::Receiver<bool>) -> Self {
        Self {
            handles: Vec::new(),
            is_ending,
        }
    }

    /// Starts a job. It runs until the service ends; its future is dropped then at its next await.
    pub fn spawn<F>(&mut self, name: &'static str, job: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut is_ending = self.is_ending.clone();
        self.handles.push(tokio::spawn(async move {
            let watched = async {
                // A task of its own, so that its panic is a value here.
                while let Err(cause) = (&mut Job(tokio::spawn(job())).0).await {
                    tracing::error!(job = name, %cause, "job panicked and is started again");
                    tokio::time::sleep(RESTART_PAUSE).await;
                }
            };
            tokio::select! {
                () = watched => {}
                _ = is_ending.wait_for(|is_ending| *is_ending) => {}
            }
        }));
    }

    pub(crate) async fn ended(self) {
        for handle in self.handles {
            let _ = handle.await;
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
