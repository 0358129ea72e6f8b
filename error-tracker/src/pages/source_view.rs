//! What reports come from: server or browser, and of which project.

use ui::Excerpt;

/// A project's name as pages show it: the empty one is allowed, and must not look like a hole.
pub(crate) fn project_line(project: &str) -> String {
    if project.trim().is_empty() {
        "no project".to_owned()
    } else {
        Excerpt::line(project, 60)
    }
}

/// Where a report came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Server,
    Browser,
}

impl Source {
    /// The word in the URL and on the badge.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Source::Server => "server",
            Source::Browser => "browser",
        }
    }
}
