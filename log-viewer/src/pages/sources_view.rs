//! What is followed, in sentences: how far it is, and what stands in the way.

use ui::number;

use crate::following::{Folder, SourceStatus, State, Status};

/// What `logs.html` says of the sources.
pub(crate) struct Sources {
    /// In a line: `5 logs are followed`.
    pub(crate) summary: String,
    /// What should not be so, for whoever can mend it.
    pub(crate) problems: Vec<String>,
    /// Logs that are not read to their end yet.
    pub(crate) behind: Vec<Behind>,
    /// What is worth knowing, and no problem.
    pub(crate) notes: Vec<String>,
}

/// A log that is still being read.
pub(crate) struct Behind {
    pub(crate) container: String,
    /// Of a hundred.
    pub(crate) percent: u64,
    pub(crate) unread: String,
}

/// Less than this is read before anybody looks.
const MIN_BEHIND_BYTES: u64 = 1_000_000;
/// Rows of each kind.
const MAX_ROWS: usize = 20;

impl Sources {
    pub(crate) fn of(status: &Status) -> Self {
        Self {
            summary: summary(status),
            problems: problems(status),
            behind: status.sources.iter().filter_map(behind).take(MAX_ROWS).collect(),
            notes: notes(status),
        }
    }
}

fn summary(status: &Status) -> String {
    let logs = match status.sources.len() {
        0 => "No log is followed".to_owned(),
        1 => "One log is followed".to_owned(),
        n => format!("{n} logs are followed"),
    };
    match status.n_left_out {
        0 => format!("{logs}."),
        n => format!("{logs}; CONTAINERS leaves out {n}."),
    }
}

fn problems(status: &Status) -> Vec<String> {
    let store = status
        .store_problem
        .iter()
        .map(|why| format!("Storing has stopped, and reading waits: {why}"));
    let folder = match &status.folder {
        Folder::Failed(why) => Some(format!(
            "Docker's folder {} cannot be read: {why}",
            status.folder_path
        )),
        Folder::Unknown | Folder::Listed | Folder::Missing => None,
    };
    let sources = status.problems().map(|source| {
        format!(
            "{}: {}",
            source.container,
            source.problem.as_deref().unwrap_or("")
        )
    });
    store.chain(folder).chain(sources.take(MAX_ROWS)).collect()
}

fn behind(source: &SourceStatus) -> Option<Behind> {
    let unread = source.total_bytes.saturating_sub(source.read_bytes);
    let is_behind = source.state == State::CatchingUp && unread >= MIN_BEHIND_BYTES;
    is_behind.then(|| Behind {
        container: source.container.clone(),
        percent: source.read_bytes.saturating_mul(100) / source.total_bytes.max(1),
        unread: number::bytes(usize::try_from(unread).unwrap_or(usize::MAX)),
    })
}

fn notes(status: &Status) -> Vec<String> {
    let missing = match status.folder {
        Folder::Missing => Some(format!(
            "There is no folder {}: no Docker here, or it is not given to the log viewer.",
            status.folder_path
        )),
        _ => None,
    };
    let lost = status
        .sources
        .iter()
        .filter(|source| source.lost_bytes > 0)
        .map(|source| {
            let lost = number::bytes(usize::try_from(source.lost_bytes).unwrap_or(usize::MAX));
            format!(
                "{}: {lost} were cut away before they could be read.",
                source.container
            )
        });
    missing.into_iter().chain(lost.take(MAX_ROWS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(container: &str, read_bytes: u64, problem: Option<&str>) -> SourceStatus {
        SourceStatus {
            container: container.to_owned(),
            path: String::new(),
            is_docker: true,
            state: State::CatchingUp,
            total_bytes: 10_000_000,
            read_bytes,
            n_truncated: 0,
            lost_bytes: 0,
            problem: problem.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_behind_or_cannot_be_read_is_said() {
        let status = Status {
            folder_path: "/var/lib/docker/containers".to_owned(),
            folder: Folder::Missing,
            sources: vec![
                source("web", 2_500_000, None),
                source("db", 9_999_999, Some("permission denied")),
            ],
            n_left_out: 3,
            store_problem: None,
        };
        let sources = Sources::of(&status);
        assert_eq!(sources.summary, "2 logs are followed; CONTAINERS leaves out 3.");
        assert_eq!(sources.problems, ["db: permission denied"]);
        assert_eq!(sources.behind.len(), 1);
        assert_eq!(
            (sources.behind[0].percent, sources.behind[0].unread.as_str()),
            (25, "7.5 MB")
        );
        assert_eq!(sources.notes.len(), 1);
    }
}
