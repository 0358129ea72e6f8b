//! Whether the writer has failed for good, and why. Set once by the writer, awaited by whoever must end the process.

use tokio::sync::watch;

#[derive(Debug)]
pub(crate) struct Health {
    failure: watch::Sender<Option<String>>,
}

impl Health {
    pub(crate) fn new() -> Health {
        Health {
            failure: watch::Sender::new(None),
        }
    }

    /// The first reason stands; later ones are its consequences.
    pub(crate) fn fail(&self, reason: &str) {
        let is_first = self.failure.send_if_modified(|failure| {
            let is_first = failure.is_none();
            failure.get_or_insert_with(|| reason.to_owned());
            is_first
        });
        if is_first {
            tracing::error!(reason, "the store has failed and takes no more writes: {reason}");
        }
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }

    /// Resolves with the reason when the store fails, and never if it does not.
    pub(crate) async fn failed(&self) -> String {
        let mut failure = self.failure.subscribe();
        loop {
            if let Some(reason) = failure.borrow_and_update().clone() {
                return reason;
            }
            if failure.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_reason_stands() {
        let health = Health::new();
        assert_eq!(health.failure(), None);
        let (reason, ()) = tokio::join!(health.failed(), async {
            health.fail("disk I/O error");
            health.fail("the writer thread panicked");
        });
        assert_eq!(reason, "disk I/O error");
        assert_eq!(health.failed().await, "disk I/O error");
    }
}
