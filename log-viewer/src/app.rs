//! What a handler may reach.

use std::sync::Arc;

use service::{Common, Tasks};

use crate::archive::Archive;
use crate::ingest::Ingest;

/// Shared by all handlers.
pub struct App {
    pub(crate) common: Arc<Common>,
    /// All entries, to be read.
    pub archive: Arc<Archive>,
    /// The way in for entries.
    pub ingest: Ingest,
}

impl App {
    pub(crate) fn new(common: Arc<Common>, tasks: &mut Tasks) -> Self {
        let archive = Arc::new(Archive::new(common.clone()));
        Self {
            ingest: Ingest::start(common.clone(), archive.clone(), tasks),
            archive,
            common,
        }
    }
}
