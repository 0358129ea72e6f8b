//! Requests with an id that are being stored: of two that come at once only one may be.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The ids in use.
#[derive(Debug, Default)]
pub(crate) struct Sending(Mutex<HashSet<String>>);

/// Holds an id until it is dropped.
pub(crate) struct Turn<'s> {
    sending: &'s Sending,
    id: String,
}

impl Sending {
    /// Takes an id; `None` while another request has it.
    pub(crate) fn begin(&self, id: &str) -> Option<Turn<'_>> {
        let is_free = self.ids().insert(id.to_owned());
        is_free.then(|| Turn {
            sending: self,
            id: id.to_owned(),
        })
    }

    fn ids(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.sending.ids().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_by_one_at_a_time() {
        let sending = Sending::default();
        let turn = sending.begin("a");
        assert!(turn.is_some() && sending.begin("a").is_none() && sending.begin("b").is_some());
        drop(turn);
        assert!(sending.begin("a").is_some());
    }
}
