//! What a failed read or write means to a caller over HTTP.

use std::time::Duration;

use sqlite::{ReadError, WriteError, rusqlite};
use web::{Error, StatusCode};

/// After which a refused write or read may be tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// 503 where trying again helps, 507 for a full disk, 500 for what only the log can explain.
pub fn from_write(error: WriteError<rusqlite::Error>) -> Error {
    match error {
        WriteError::Job(cause) => Error::internal(cause),
        WriteError::Full => Error::unavailable("too many writes are waiting", RETRY_AFTER),
        WriteError::DiskFull => {
            let mut error = Error::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "the disk is full; nothing was stored",
            );
            error.retry_after = Some(Duration::from_secs(10));
            error
        }
        WriteError::Closed => Error::unavailable("the service is stopping", RETRY_AFTER),
        WriteError::Storage(cause) => Error::unavailable("storage failed", RETRY_AFTER).with_cause(cause),
    }
}

/// 503 where trying again helps.
pub fn from_read(error: ReadError<rusqlite::Error>) -> Error {
    match error {
        ReadError::Job(cause) => Error::internal(cause),
        ReadError::Deadline => Error::unavailable("the query took too long; ask for less", RETRY_AFTER),
        ReadError::Busy => Error::unavailable("too many queries are running", RETRY_AFTER),
        ReadError::Closed => Error::unavailable("the service is stopping", RETRY_AFTER),
        ReadError::Storage(cause) => Error::internal(cause),
    }
}
