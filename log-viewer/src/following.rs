//! What is followed and how far it is, for the page and the API; and what cannot be read, and why.

use std::sync::{Arc, Mutex, PoisonError};

/// How it stands with one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All that was written is read.
    Following,
    /// There is more to read.
    CatchingUp,
    /// Its log is deleted and the rest of it is read.
    Ending,
    /// It cannot be read.
    Failed,
}

impl State {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::CatchingUp => "catching up",
            Self::Ending => "ending",
            Self::Failed => "failed",
        }
    }
}

/// One log that is followed, or should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// The name under which its entries are found.
    pub container: String,
    /// The log file.
    pub path: String,
    /// Docker's, or a plain file.
    pub is_docker: bool,
    /// How it stands.
    pub state: State,
    /// Size of its files that are open, in bytes.
    pub total_bytes: u64,
    /// How many of them were read.
    pub read_bytes: u64,
    /// Times its log was cut off while it was followed.
    pub n_truncated: u64,
    /// Bytes that were cut or taken away before they were read, as far as they were seen.
    pub lost_bytes: u64,
    /// What stands in the way, for whoever can remove it.
    pub problem: Option<String>,
}

/// How it stands with Docker's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folder {
    /// Not looked at yet.
    Unknown,
    /// It is listed.
    Listed,
    /// It does not exist: no Docker here, or it is not mounted.
    Missing,
    /// It cannot be listed, and why.
    Failed(String),
}

/// All of it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `LOG_SOURCES`
    pub folder_path: String,
    /// How it stands with it.
    pub folder: Folder,
    /// By name, then path.
    pub sources: Vec<SourceStatus>,
    /// Containers that `CONTAINERS` leaves out.
    pub n_left_out: usize,
    /// Why storing has stopped, if it has; reading waits for it.
    pub store_problem: Option<String>,
}

impl Status {
    /// Bytes that are not read yet, of all sources.
    pub fn unread_bytes(&self) -> u64 {
        let unread = self
            .sources
            .iter()
            .map(|source| source.total_bytes.saturating_sub(source.read_bytes));
        unread.sum()
    }

    /// Sources with a problem.
    pub fn problems(&self) -> impl Iterator<Item = &SourceStatus> {
        self.sources.iter().filter(|source| source.problem.is_some())
    }
}

/// The newest status. Clones share it.
#[derive(Debug, Clone)]
pub struct Board(Arc<Mutex<Arc<Status>>>);

impl Board {
    pub(crate) fn new(folder_path: String) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(Status {
            folder_path,
            folder: Folder::Unknown,
            sources: Vec::new(),
            n_left_out: 0,
            store_problem: None,
        }))))
    }

    /// How it stands now, at most a second old.
    pub fn read(&self) -> Arc<Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Status)) {
        let mut status = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut status));
    }
}
