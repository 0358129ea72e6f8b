//! A stack with original places: what the source maps in the store say about it.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use web::{Error, Result};

use crate::app::App;
use crate::domain::{frames, symbolicate};
use crate::store::source_maps::{self, Build, Sources};

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
    map_again(app, build, Arc::default(), kind, message, stack).await
}

/// Maps a stack of which an earlier map may have given some places: frames that name one of these sources keep what
/// is known of it.
pub(crate) async fn map_again(
    app: &App,
    build: Build,
    sources: Arc<Sources>,
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
    let (mut places, earlier) = app
        .common
        .read(move |connection| {
            let places = source_maps::resolve(connection, &build, spots)?;
            let earlier = source_maps::resolve_sources(connection, &sources, &places)?;
            Ok((places, earlier))
        })
        .await?;
    let traceback = symbolicate::rewrite(stack, &places);
    let n_mapped = places.values().filter(|place| place.is_ok()).count();
    let generated: Vec<String> = earlier
        .keys()
        .map(|spot| format!("{}:{}:{}", spot.file, spot.line, spot.column))
        .collect();
    places.extend(earlier);
    let mut exception = frames::exception(&trace, &places, kind, message);
    forget_generated(&mut exception, &generated);
    Ok(Some(Mapped {
        traceback,
        exception: to_raw_value(&exception).map_err(Error::internal)?,
        n_mapped,
    }))
}

/// Where the code was generated is not known any more of frames that an earlier map gave.
fn forget_generated(exception: &mut Value, places: &[String]) {
    let exceptions = exception["values"].as_array_mut().into_iter().flatten();
    for exception in exceptions {
        let frames = exception["stacktrace"]["frames"].as_array_mut();
        for frame in frames.into_iter().flatten().filter_map(Value::as_object_mut) {
            let is_earlier = frame
                .get("generated")
                .and_then(Value::as_str)
                .is_some_and(|it| places.iter().any(|place| place == it));
            if is_earlier {
                frame.remove("generated");
            }
        }
    }
}
