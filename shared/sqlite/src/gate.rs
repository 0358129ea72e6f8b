//! Lets the writer wait until no reader of ours holds a snapshot, for a bounded time, while new reads wait too.
//! Without it a stream of overlapping reads keeps every checkpoint from resetting the WAL.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    n_reading: usize,
    is_shut: bool,
}

/// One read in progress.
pub(crate) struct Passage<'a>(&'a Gate);

/// The gate is shut while this lives.
pub(crate) struct Shut<'a> {
    gate: &'a Gate,
    /// Whether every read has ended; else the time was up.
    pub(crate) is_quiet: bool,
}

impl Gate {
    /// Waits while the gate is shut.
    pub(crate) fn enter(&self) -> Passage<'_> {
        let open = self.changed.wait_while(self.state(), |state| state.is_shut);
        open.unwrap_or_else(PoisonError::into_inner).n_reading += 1;
        Passage(self)
    }

    /// Shuts the gate and waits up to `patience` for the reads inside to end.
    pub(crate) fn shut(&self, patience: Duration) -> Shut<'_> {
        self.state().is_shut = true;
        let ended = self
            .changed
            .wait_timeout_while(self.state(), patience, |state| state.n_reading > 0);
        let (state, _) = ended.unwrap_or_else(PoisonError::into_inner);
        Shut {
            gate: self,
            is_quiet: state.n_reading == 0,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.0.state().n_reading -= 1;
        self.0.changed.notify_all();
    }
}

impl Drop for Shut<'_> {
    fn drop(&mut self) {
        self.gate.state().is_shut = false;
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shutting_waits_for_reads_inside_and_holds_back_new_ones() {
        let gate = Gate::default();
        let inside = gate.enter();
        assert!(!gate.shut(Duration::ZERO).is_quiet);
        drop(inside);

        let shut = gate.shut(Duration::from_secs(60));
        assert!(shut.is_quiet);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| drop(gate.enter()));
            drop(shut);
            reader.join().unwrap();
        });
        assert_eq!(gate.state().n_reading, 0);
    }
}
