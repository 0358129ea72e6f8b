//! `/api/sources`: what is followed, how far it is, and what cannot be read.

use std::sync::Arc;

use serde_json::{Value, json};
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::following::{Folder, SourceStatus};

/// `GET /api/sources`
pub(crate) async fn list(app: Arc<App>, _: Request) -> Result<Response> {
    let status = app.following.read();
    let (folder, problem) = match &status.folder {
        Folder::Unknown => ("unknown", None),
        Folder::Listed => ("listed", None),
        Folder::Missing => ("missing", None),
        Folder::Failed(why) => ("failed", Some(why.as_str())),
    };
    let sources: Vec<Value> = status.sources.iter().map(source).collect();
    Ok(Response::json(
        StatusCode::OK,
        &json!({
            "folder": { "path": status.folder_path, "state": folder, "problem": problem },
            "sources": sources,
            "left_out": status.n_left_out,
            "unread_bytes": status.unread_bytes(),
            "store_problem": status.store_problem,
        }),
    ))
}

fn source(source: &SourceStatus) -> Value {
    json!({
        "container": source.container,
        "path": source.path,
        "kind": if source.is_docker { "docker" } else { "file" },
        "state": source.state.name(),
        "read_bytes": source.read_bytes,
        "total_bytes": source.total_bytes,
        "truncations": source.n_truncated,
        "lost_bytes": source.lost_bytes,
        "problem": source.problem,
    })
}
