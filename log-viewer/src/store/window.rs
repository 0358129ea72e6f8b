//! Committed entries that are in no block yet, in memory: the same as in the journal.

use std::sync::Arc;

use crate::domain::entry::Committed;

/// A view of the window that doesn't change: batches in the order of ids.
pub type Window = Arc<Vec<Arc<Committed>>>;
