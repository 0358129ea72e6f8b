//! `/releases`: deployed versions, and what each of them brought.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Count, Excerpt, Frame, Moment, Template, link};
use web::{Request, Response, Result, StatusCode};

use super::group_parts::unsigned;
use super::source_view::project_line;
use crate::app::App;
use crate::store::groups;
use crate::store::releases::{self, Release};

/// Releases shown: the newest.
const SHOWN: u32 = 200;

/// `releases.html`.
#[derive(Template)]
#[template(path = "pages/releases.html")]
struct ReleasesPage {
    frame: Frame,
    /// The chosen one.
    project: Option<String>,
    projects: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    project: String,
    version: String,
    first_seen: Moment,
    last_seen: Moment,
    count: Count,
    n_new: Count,
    n_new_open: Count,
}

impl Row {
    fn of(release: Release, now: i64) -> Self {
        Self {
            project: release.project,
            version: release.version,
            first_seen: Moment::new(release.first_seen_at, now),
            last_seen: Moment::new(release.last_seen_at, now),
            count: Count::new(unsigned(release.n_occurrences)),
            n_new: Count::new(unsigned(release.n_new_groups)),
            n_new_open: Count::new(unsigned(release.n_new_open)),
        }
    }

    fn project_line(&self) -> String {
        project_line(&self.project)
    }

    /// Groups first seen in it.
    fn new_query(&self) -> String {
        link::query([
            ("project", Some(self.project.as_str())),
            ("new_in", Some(self.version.as_str())),
            ("resolved", Some("all")),
        ])
    }

    /// Groups seen in it.
    fn all_query(&self) -> String {
        link::query([
            ("project", Some(self.project.as_str())),
            ("release", Some(self.version.as_str())),
            ("resolved", Some("all")),
        ])
    }
}

/// `GET /releases[?project=name]`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let project = request.query().get("project").map(str::to_owned);
    let wanted = project.clone();
    let found = app.read(move |connection| {
        let releases = releases::list(connection, wanted.as_deref(), SHOWN)?;
        Ok((releases, groups::projects(connection)?))
    });
    let (releases, projects) = found.await?;
    let now = unix_ms();
    let view = ReleasesPage {
        frame: app.common.frame(&request, "Releases"),
        project,
        projects: projects.into_iter().filter(|name| !name.is_empty()).collect(),
        rows: releases
            .into_iter()
            .map(|release| Row::of(release, now))
            .collect(),
    };
    Ok(page(StatusCode::OK, &view))
}
