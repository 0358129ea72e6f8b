//! What `logs.html` shows: filters, containers, volume, and the list in one of its states.

use ui::{Count, Frame, RangePicker, Template};

use super::asked_view::Asked;
use super::entry_view::EntryRow;
use super::sources_view::Sources;
use super::volume_view::{HEIGHT, Volume};
use crate::domain::entry::Level;
use crate::domain::paging::ContainerCount;

/// `logs.html`.
#[derive(Template)]
#[template(path = "pages/logs.html")]
pub(crate) struct LogsPage {
    pub(crate) frame: Frame,
    pub(crate) asked: Asked,
    pub(crate) picker: RangePicker,
    pub(crate) containers: Vec<Container>,
    pub(crate) volume: Option<Volume>,
    pub(crate) list: List,
    pub(crate) sources: Sources,
    /// Id of the newest entry there was when the page was made: the tail goes on from there.
    pub(crate) newest_id: u64,
    /// Whether what comes now can be in the range.
    pub(crate) is_live: bool,
    /// The tracker's page, where it is known.
    pub(crate) errors_url: Option<String>,
}

/// One container in the list beside the entries.
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) count: Count,
    pub(crate) n_errors: u64,
    /// Of a hundred entries.
    pub(crate) error_share: String,
    pub(crate) is_chosen: bool,
}

impl Container {
    pub(crate) fn new(container: &ContainerCount, asked: &Asked) -> Self {
        let n = container.n_entries();
        let n_errors: u64 = container.levels.iter().skip(Level::Error.index()).sum();
        let share = n_errors as f64 * 100.0 / n.max(1) as f64;
        Self {
            count: Count::new(n),
            n_errors,
            error_share: match share {
                0.0 => "0 %".to_owned(),
                share if share < 1.0 => "< 1 %".to_owned(),
                share => format!("{share:.0} %"),
            },
            is_chosen: asked.containers.contains(&container.name),
            name: container.name.clone(),
        }
    }
}

/// The entries, or why there are none.
pub(crate) enum List {
    Rows(Rows),
    /// Nothing was ever received.
    Start(Start),
    /// There are entries, but none that match.
    NoMatch,
    /// The store did not answer; the text is for the reader.
    Failed(String),
}

/// A page of entries, the newest first.
pub(crate) struct Rows {
    pub(crate) rows: Vec<EntryRow>,
    pub(crate) total: Count,
    pub(crate) is_lower_bound: bool,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

/// How to send the first line.
pub(crate) struct Start {
    pub(crate) address: String,
}

impl Start {
    fn curl(&self) -> String {
        format!(
            "curl {}/api/logs \\\n  -H \"X-API-Key: $API_KEY\" \\\n  -d '{{\"container\": \"hello\", \"level\": \"INFO\", \"message\": \"my first line\"}}'",
            self.address
        )
    }

    fn python(&self) -> String {
        format!(
            r#"import json, logging, os, urllib.request

class Monlight(logging.Handler):
    def emit(self, record):
        entry = {{"container": "my-app", "level": record.levelname, "message": self.format(record)}}
        urllib.request.urlopen(urllib.request.Request(
            "{}/api/logs",
            data=json.dumps(entry).encode(),
            headers={{"X-API-Key": os.environ["API_KEY"]}},
        ))

logging.getLogger().addHandler(Monlight())
logging.warning("my first line")"#,
            self.address
        )
    }
}

impl LogsPage {
    /// The page with all containers.
    fn any_container(&self) -> String {
        Asked {
            containers: Vec::new(),
            ..self.asked.clone()
        }
        .query()
    }

    /// The page without filters, of the same range.
    fn cleared(&self) -> String {
        Asked {
            range: self.asked.range.clone(),
            ..Asked::default()
        }
        .query()
    }

    fn export(&self, format: &str) -> String {
        format!("api/logs/export?format={format}{}", self.asked.and_query())
    }
}
