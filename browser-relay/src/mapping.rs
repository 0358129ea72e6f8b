//! A stack with original places: what the source maps in the store say about it.

use serde_json::value::{RawValue, to_raw_value};
use web::{Error, Result};

use crate::app::App;
use crate::domain::{frames, symbolicate};
use crate::store::source_maps::{self, Build};

/// A stack as the tracker gets it.
#[derive(Debug)]
pub(crate) struct Mapped {
    /// The text with original places.
    pub traceback: String,
    /// Exceptions with original frames: JSON.
    pub exception: Box<RawValue>,
    /// Frames that have their source.
    pub n_mapped: usize,
}

/// Maps a stack. `None` where there is nothing to map: no maps of this project, or no frames.
pub(crate) async fn map(
    app: &App,
    build: Build,
    kind: &str,
    message: &str,
    stack: &str,
) -> Result<Option<Mapped>> {
    if !app.has_maps(&build.project) {
        return Ok(None);
    }
    let trace = stacktrace::parse(stack);
    let spots = symbolicate::spots(stack, &trace);
    if spots.is_empty() || trace.exceptions.is_empty() {
        return Ok(None);
    }
    let places = app
        .common
        .read(move |connection| source_maps::resolve(connection, &build, spots))
        .await?;
    let exception = frames::exception(&trace, &places, kind, message);
    Ok(Some(Mapped {
        traceback: symbolicate::rewrite(stack, &places),
        exception: to_raw_value(&exception).map_err(Error::internal)?,
        n_mapped: places.values().filter(|place| place.is_ok()).count(),
    }))
}
