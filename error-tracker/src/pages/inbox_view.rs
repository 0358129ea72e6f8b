//! What `inbox.html` shows: the filter in the URL, the rows, and the three states of the list.
//! The handler (`inbox.rs`) reads the filter, asks the store and fills these; no I/O here.

use ui::{Count, Excerpt, Frame, Moment, Template, link, moment};

use super::group_view::{CHART_HEIGHT, History, STEP_WIDTH, State};
use crate::domain::{search_query, time_text};
use crate::store::groups::Sort;

/// `inbox.html`.
#[derive(Template)]
#[template(path = "pages/inbox.html")]
pub(crate) struct InboxPage {
    /// The page around it.
    pub(crate) frame: Frame,
    /// What the URL asks for.
    pub(crate) filter: Filter,
    /// Every project there is, for the select.
    pub(crate) projects: Vec<String>,
    /// Every environment there is, for the select. Empty: no select.
    pub(crate) environments: Vec<String>,
    /// How many groups each tab holds under the other filters; None where nobody counted.
    pub(crate) tallies: Tallies,
    /// The rows, or why there are none.
    pub(crate) list: List,
    /// What was counted and not stored in the last week, by reason; the most first.
    pub(crate) filtered: Vec<(String, Count)>,
    /// Median time from first report to resolved in the last 30 days, in words.
    pub(crate) time_to_resolve: Option<String>,
}

/// Groups per tab.
#[derive(Default)]
pub(crate) struct Tallies {
    pub(crate) open: Option<Count>,
    pub(crate) snoozed: Option<Count>,
    pub(crate) resolved: Option<Count>,
    pub(crate) all: Option<Count>,
}

/// The rows, or one of the three states in which there are none.
pub(crate) enum List {
    /// Something to show; never empty.
    Rows(Rows),
    /// Nothing was ever received.
    Start(Start),
    /// There are groups, but none fits the filter (or the tab).
    NoMatch,
    /// The store did not answer; the text is for the reader.
    Failed(String),
}

/// One page of the list.
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    /// How many groups match in all.
    pub(crate) total: u64,
    /// There are more than that, which were not counted.
    pub(crate) has_more: bool,
    /// How many a page holds; for the links to the pages before and after.
    pub(crate) limit: u64,
    /// The newest `last_seen` of all that match, Unix ms: what the live check compares with.
    pub(crate) newest_ms: i64,
}

/// One group.
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) exception_type: String,
    pub(crate) message: String,
    /// `checkout (shop/cart.py:42)`, or None when no frame was found.
    pub(crate) culprit: Option<String>,
    pub(crate) project: String,
    pub(crate) environment: Option<String>,
    pub(crate) source: Source,
    pub(crate) state: State,
    pub(crate) count: Count,
    pub(crate) users: Count,
    /// Reports in each of the last 24 hours, oldest first.
    pub(crate) history: History,
    /// None for an ordinary error.
    pub(crate) level: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) first_seen: Moment,
    pub(crate) last_seen: Moment,
}

impl Row {
    /// Two lines of the widest row hold about 300 characters.
    fn message_line(&self) -> String {
        Excerpt::line(&self.message, 300)
    }

    fn type_line(&self) -> String {
        Excerpt::line(&self.exception_type, 120)
    }

    fn project_line(&self) -> String {
        project_line(&self.project)
    }

    fn environment_line(&self) -> Option<String> {
        self.environment
            .as_deref()
            .map(|environment| Excerpt::line(environment, 60))
    }

    fn release_line(&self) -> Option<String> {
        self.release.as_deref().map(|release| Excerpt::line(release, 60))
    }

    fn culprit_line(&self) -> Option<String> {
        self.culprit.as_deref().map(|culprit| Excerpt::line(culprit, 160))
    }
}

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

/// The tabs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    #[default]
    Open,
    Snoozed,
    Resolved,
    All,
}

impl Shown {
    /// The value of `resolved`; the default is left out of the URL.
    fn word(self) -> Option<&'static str> {
        match self {
            Shown::Open => None,
            Shown::Snoozed => Some("snoozed"),
            Shown::Resolved => Some("true"),
            Shown::All => Some("all"),
        }
    }
}

/// What the URL asks for. An empty or unknown value is as good as none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// `search`: words in type, message or place.
    pub(crate) search: Option<String>,
    /// `project`, exact.
    pub(crate) project: Option<String>,
    /// `environment`, exact.
    pub(crate) environment: Option<String>,
    /// `source`: `server` or `browser`.
    pub(crate) source: Option<Source>,
    /// `resolved`: `true`, `all`; absent is open.
    pub(crate) shown: Shown,
    /// `time`: a number and `s`, `m`, `h` or `d`; only groups seen since then.
    pub(crate) time: Option<String>,
    /// `session_id`: a browser session, from a link on a group's page.
    pub(crate) session_id: Option<String>,
    /// `level`, exact.
    pub(crate) level: Option<String>,
    /// `release`: groups seen in it.
    pub(crate) release: Option<String>,
    /// `new_in`: groups first seen in this release.
    pub(crate) new_in: Option<String>,
    /// `user`: groups that hit this user.
    pub(crate) user: Option<String>,
    /// `tag`: a name, a colon and a value.
    pub(crate) tag: Option<String>,
    /// `at`: a moment, RFC 3339; groups that were there then. From a log line's page.
    pub(crate) at: Option<String>,
    /// `sort`: what comes first.
    pub(crate) sort: Sort,
    /// `offset`: how many groups to skip.
    pub(crate) offset: u64,
}

/// Time before and after `at` in which a group must have been there.
const AROUND_MS: i64 = 30_000;

/// The values of the time select.
const TIMES: [(&str, &str); 4] = [
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
];

impl Filter {
    /// From decoded query pairs; the last of a repeated name wins.
    pub(crate) fn read<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Filter {
        let mut filter = Filter::default();
        for (name, value) in pairs {
            filter.set(name.as_ref(), value.as_ref());
        }
        // `release:1.2` in the search box is as good as the field.
        let (rest, fields) = search_query::split_fields(filter.search.as_deref().unwrap_or_default());
        if !fields.is_empty() {
            filter.search = Some(rest).filter(|rest| !rest.is_empty());
            fields.iter().for_each(|(name, value)| filter.set(name, value));
        }
        filter
    }

    fn set(&mut self, name: &str, value: &str) {
        let text = || Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match name {
            "search" => self.search = text(),
            "project" => self.project = text(),
            "environment" => self.environment = text(),
            "session_id" => self.session_id = text(),
            "level" => self.level = text(),
            "release" => self.release = text(),
            "new_in" => self.new_in = text(),
            "user" => self.user = text(),
            "tag" => self.tag = text().filter(|value| value.contains(':')),
            "at" => self.at = text().filter(|value| time_text::parse(value).is_some()),
            "sort" => self.sort = Sort::read(value).unwrap_or_default(),
            "time" => self.time = text().filter(|value| duration_ms(value).is_some()),
            "source" => {
                self.source = [Source::Server, Source::Browser]
                    .into_iter()
                    .find(|it| it.word() == value)
            }
            "resolved" => self.shown = read_shown(value),
            "offset" => self.offset = value.parse().unwrap_or(0),
            _ => {}
        }
    }

    /// The earliest `last_seen` to show, Unix ms.
    pub(crate) fn since_ms(&self, now_ms: i64) -> Option<i64> {
        let time = self.time.as_deref().and_then(duration_ms);
        let since = time.map(|length_ms| now_ms.saturating_sub(length_ms));
        since.max(self.at_ms().map(|at| at - AROUND_MS))
    }

    /// The latest `first_seen` to show, Unix ms.
    pub(crate) fn until_ms(&self) -> Option<i64> {
        self.at_ms().map(|at| at + AROUND_MS)
    }

    fn at_ms(&self) -> Option<i64> {
        time_text::parse(self.at.as_deref()?)
    }

    /// Whether anything but the tab and the page narrows the list.
    pub(crate) fn is_narrow(&self) -> bool {
        *self
            != Filter {
                shown: self.shown,
                offset: self.offset,
                sort: self.sort,
                ..Filter::default()
            }
    }

    /// The query of this list, `?search=…`; empty for the plain one.
    pub(crate) fn query(&self) -> String {
        let offset = self.offset.to_string();
        link::query([
            ("search", self.search.as_deref()),
            ("project", self.project.as_deref()),
            ("environment", self.environment.as_deref()),
            ("source", self.source.map(Source::word)),
            ("resolved", self.shown.word()),
            ("time", self.time.as_deref()),
            ("session_id", self.session_id.as_deref()),
            ("level", self.level.as_deref()),
            ("release", self.release.as_deref()),
            ("new_in", self.new_in.as_deref()),
            ("user", self.user.as_deref()),
            ("tag", self.tag.as_deref()),
            ("at", self.at.as_deref()),
            ("sort", self.sort_word()),
            ("offset", (self.offset > 0).then_some(offset.as_str())),
        ])
    }

    /// The same question to `GET /api/errors`, for the live check: one row, and the total.
    fn api_query(&self, now_ms: i64) -> String {
        // Whole seconds: the API's times have no finer part, and `since` compares with them.
        let since = self.since_ms(now_ms).map(moment::rfc3339_seconds);
        link::query([
            ("limit", Some("1")),
            ("search", self.search.as_deref()),
            ("project", self.project.as_deref()),
            ("environment", self.environment.as_deref()),
            ("source", self.source.map(Source::word)),
            ("resolved", self.shown.word().filter(|word| *word != "snoozed")),
            ("state", (self.shown == Shown::Snoozed).then_some("snoozed")),
            ("since", since.as_deref()),
            ("session_id", self.session_id.as_deref()),
            ("level", self.level.as_deref()),
            ("release", self.release.as_deref()),
            ("new_in", self.new_in.as_deref()),
            ("user", self.user.as_deref()),
            ("tag", self.tag.as_deref()),
        ])
    }

    /// The default is left out of the URL.
    fn sort_word(&self) -> Option<&'static str> {
        (self.sort != Sort::default()).then(|| self.sort.name())
    }

    fn on_tab(&self, shown: Shown) -> String {
        Filter {
            shown,
            offset: 0,
            ..self.clone()
        }
        .query()
    }

    fn at(&self, offset: u64) -> String {
        Filter {
            offset,
            ..self.clone()
        }
        .query()
    }

    /// What narrows the list and has no field of its own: its words, and the query without it.
    fn chips(&self) -> Vec<Chip> {
        let chip = |word: &str, value: &Option<String>, without: Filter| {
            let value = value.as_deref()?;
            Some(Chip {
                text: format!("{word} {}", Excerpt::line(value, 60)),
                word: word.to_owned(),
                query: Filter { offset: 0, ..without }.query(),
            })
        };
        let without = || self.clone();
        let chips = [
            chip(
                "around",
                &self.at,
                Filter {
                    at: None,
                    ..without()
                },
            ),
            chip(
                "session",
                &self.session_id,
                Filter {
                    session_id: None,
                    ..without()
                },
            ),
            chip(
                "release",
                &self.release,
                Filter {
                    release: None,
                    ..without()
                },
            ),
            chip(
                "new in",
                &self.new_in,
                Filter {
                    new_in: None,
                    ..without()
                },
            ),
            chip(
                "user",
                &self.user,
                Filter {
                    user: None,
                    ..without()
                },
            ),
            chip(
                "tag",
                &self.tag,
                Filter {
                    tag: None,
                    ..without()
                },
            ),
        ];
        chips.into_iter().flatten().collect()
    }

    /// The same as fields that are not shown, for the form.
    fn hidden_fields(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("session_id", &self.session_id),
            ("release", &self.release),
            ("new_in", &self.new_in),
            ("user", &self.user),
            ("tag", &self.tag),
            ("at", &self.at),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect()
    }
}

/// Old bookmarks say `1` or `true`.
fn read_shown(value: &str) -> Shown {
    match value {
        "true" | "1" | "resolved" => Shown::Resolved,
        "snoozed" => Shown::Snoozed,
        "all" => Shown::All,
        _ => Shown::Open,
    }
}

/// `24h` in milliseconds; None for anything else than digits and one of `smhd`.
fn duration_ms(text: &str) -> Option<i64> {
    let unit_ms = match text.bytes().last()? {
        b's' => 1_000,
        b'm' => 60_000,
        b'h' => 3_600_000,
        b'd' => 86_400_000,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits
        .then(|| digits.parse::<i64>().ok())
        .flatten()?
        .checked_mul(unit_ms)
}

/// One entry of a select.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) selected: bool,
}

/// The names as entries, plus the chosen one if it is none of them: a filter must not be hidden.
fn choices(names: &[String], chosen: Option<&str>) -> Vec<Choice> {
    let unknown = chosen
        .filter(|chosen| !names.iter().any(|name| name == chosen))
        .map(str::to_owned);
    let choice = |name: &String| Choice {
        value: name.clone(),
        label: Excerpt::line(name, 60),
        selected: chosen == Some(name.as_str()),
    };
    // An empty name cannot be asked for: an empty value is as good as none.
    names
        .iter()
        .chain(unknown.iter())
        .filter(|name| !name.is_empty())
        .map(choice)
        .collect()
}

impl InboxPage {
    fn project_choices(&self) -> Vec<Choice> {
        choices(&self.projects, self.filter.project.as_deref())
    }

    fn environment_choices(&self) -> Vec<Choice> {
        choices(&self.environments, self.filter.environment.as_deref())
    }

    fn source_choices(&self) -> Vec<Choice> {
        let choice = |source: Source, label: &str| Choice {
            value: source.word().to_owned(),
            label: label.to_owned(),
            selected: self.filter.source == Some(source),
        };
        vec![
            choice(Source::Server, "Server"),
            choice(Source::Browser, "Browser"),
        ]
    }

    fn time_choices(&self) -> Vec<Choice> {
        let chosen = self.filter.time.as_deref();
        let own = chosen.filter(|chosen| TIMES.iter().all(|(value, _)| value != chosen));
        let own = own.map(|value| (value, format!("Last {value}")));
        let listed = TIMES.iter().map(|(value, label)| (*value, (*label).to_owned()));
        let choice = |(value, label): (&str, String)| Choice {
            value: value.to_owned(),
            label,
            selected: chosen == Some(value),
        };
        listed.chain(own).map(choice).collect()
    }

    fn level_choices(&self) -> Vec<Choice> {
        let names = ["fatal", "error", "warning", "info", "debug"].map(str::to_owned);
        choices(&names, self.filter.level.as_deref())
    }

    fn sort_choices(&self) -> Vec<Choice> {
        let label = |sort: Sort| match sort {
            Sort::LastSeen => "Last seen first",
            Sort::FirstSeen => "Newest first",
            Sort::Count => "Most events first",
            Sort::Users => "Most users first",
        };
        Sort::ALL
            .map(|sort| Choice {
                // The default is left out of the URL, as far as a form can.
                value: if sort == Sort::default() { "" } else { sort.name() }.to_owned(),
                label: label(sort).to_owned(),
                selected: self.filter.sort == sort,
            })
            .into()
    }

    /// The same groups as JSON lines.
    fn export_query(&self) -> String {
        let since = self
            .filter
            .since_ms(self.frame.now_ms)
            .map(moment::rfc3339_seconds);
        let filter = &self.filter;
        link::query([
            ("search", filter.search.as_deref()),
            ("project", filter.project.as_deref()),
            ("environment", filter.environment.as_deref()),
            ("source", filter.source.map(Source::word)),
            ("resolved", filter.shown.word().filter(|word| *word != "snoozed")),
            ("state", (filter.shown == Shown::Snoozed).then_some("snoozed")),
            ("since", since.as_deref()),
            ("session_id", filter.session_id.as_deref()),
            ("level", filter.level.as_deref()),
            ("release", filter.release.as_deref()),
            ("new_in", filter.new_in.as_deref()),
            ("user", filter.user.as_deref()),
            ("tag", filter.tag.as_deref()),
            ("sort", filter.sort_word()),
        ])
    }

    fn tabs(&self) -> Vec<Tab<'_>> {
        let tab = |shown: Shown, label, count| Tab {
            label,
            count,
            query: self.filter.on_tab(shown),
            current: self.filter.shown == shown,
        };
        vec![
            tab(Shown::Open, "Open", self.tallies.open.as_ref()),
            tab(Shown::Snoozed, "Snoozed", self.tallies.snoozed.as_ref()),
            tab(Shown::Resolved, "Resolved", self.tallies.resolved.as_ref()),
            tab(Shown::All, "All", self.tallies.all.as_ref()),
        ]
    }

    /// The list without any filter, on the same tab.
    fn cleared(&self) -> String {
        Filter {
            shown: self.filter.shown,
            ..Filter::default()
        }
        .query()
    }

    /// What the live check asks and compares; None while the list failed, or beyond its first page.
    fn live(&self) -> Option<Live> {
        let anything = Filter::default();
        let (filter, total, newest_ms) = match &self.list {
            List::Rows(rows) if self.filter.offset == 0 => (&self.filter, rows.total, rows.newest_ms),
            List::NoMatch => (&self.filter, 0, 0),
            List::Start(_) => (&anything, 0, 0),
            List::Rows(_) | List::Failed(_) => return None,
        };
        let url = format!(
            "{}api/errors{}",
            self.frame.root,
            filter.api_query(self.frame.now_ms)
        );
        Some(Live {
            url,
            total,
            seen: moment::rfc3339(newest_ms),
        })
    }
}

/// Something that narrows the list, and the way to do without.
struct Chip {
    word: String,
    text: String,
    query: String,
}

struct Tab<'a> {
    label: &'static str,
    count: Option<&'a Count>,
    query: String,
    current: bool,
}

struct Live {
    url: String,
    total: u64,
    seen: String,
}

impl Rows {
    fn newer(&self, filter: &Filter) -> Option<String> {
        (filter.offset > 0).then(|| filter.at(filter.offset.saturating_sub(self.limit)))
    }

    fn older(&self, filter: &Filter) -> Option<String> {
        let next = filter.offset.saturating_add(self.limit);
        let is_full = self.rows.len() as u64 == self.limit;
        (next < self.total || self.has_more && is_full).then(|| filter.at(next))
    }

    /// `1–50 of 312`.
    fn range(&self, filter: &Filter) -> String {
        let first = filter.offset.saturating_add(1);
        let last = filter.offset.saturating_add(self.rows.len() as u64);
        let exact = |n: u64| Count::new(n).exact;
        let more = if self.has_more { "+" } else { "" };
        format!("{}–{} of {}{more}", exact(first), exact(last), exact(self.total))
    }
}

/// The first-error page: three ways to send one, with this service's own address in them. Never a key.
pub(crate) struct Start {
    address: String,
}

impl Start {
    /// `address` is this service as the visitor reaches it. It goes into command lines, so one with a character
    /// that a shell or Python could read otherwise is replaced by the default.
    pub(crate) fn new(address: &str) -> Start {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_[]".contains(c);
        let is_usable = link::web(address).is_some() && address.chars().all(is_plain);
        let address = if is_usable {
            address
        } else {
            "http://localhost:5010"
        };
        Start {
            address: address.trim_end_matches('/').to_owned(),
        }
    }

    pub(crate) fn curl(&self) -> String {
        format!(
            r#"curl {}/api/errors \
  -H "X-API-Key: $API_KEY" \
  -H "Content-Type: application/json" \
  -d '{{
    "project": "shop",
    "exception_type": "HelloError",
    "message": "my first error",
    "traceback": "File \"hello.py\", line 1, in <module>"
  }}'"#,
            self.address
        )
    }

    pub(crate) fn python(&self) -> String {
        format!(
            r#"# pip install monlight
import os
from monlight import ErrorClient

errors = ErrorClient("{}", api_key=os.environ["API_KEY"], project="shop")

try:
    1 / 0
except Exception as exc:
    errors.report_error_sync(exc)"#,
            self.address
        )
    }

    pub(crate) fn fastapi(&self) -> String {
        format!(
            r#"# pip install "monlight[fastapi]"
import os
from fastapi import FastAPI
from monlight.integrations.fastapi import setup_monlight

app = FastAPI()
setup_monlight(
    app,
    error_tracker_url="{}",
    api_key=os.environ["API_KEY"],
    project="shop",
)"#,
            self.address
        )
    }
}

impl Start {
    pub(crate) fn javascript(&self) -> String {
        format!(
            r#"// Node 18 or later
process.on("uncaughtException", async (error) => {{
  console.error(error);
  await fetch("{}/api/errors", {{
    method: "POST",
    headers: {{ "X-API-Key": process.env.API_KEY, "Content-Type": "application/json" }},
    body: JSON.stringify({{
      project: "shop",
      exception_type: error.name,
      message: error.message,
      traceback: error.stack,
    }}),
  }}).catch(console.error);
  process.exit(1);
}});"#,
            self.address
        )
    }

    pub(crate) fn rust(&self) -> String {
        format!(
            r#"// cargo add ureq --features json; cargo add serde_json
fn report(error: &dyn std::error::Error) -> Result<(), ureq::Error> {{
    ureq::post("{}/api/errors")
        .header("X-API-Key", &std::env::var("API_KEY").unwrap_or_default())
        .send_json(serde_json::json!({{
            "project": "shop",
            "exception_type": "Error",
            "message": error.to_string(),
            "traceback": std::backtrace::Backtrace::force_capture().to_string(),
        }}))?;
    Ok(())
}}"#,
            self.address
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ui::Service;

    const NOW: i64 = 1_795_182_202_123;

    fn page(query: &[(&str, &str)], list: List) -> InboxPage {
        InboxPage {
            frame: Frame::new(Service::Errors, "Errors", "/", NOW),
            filter: Filter::read(query.iter().copied()),
            projects: vec!["shop".into(), "blog".into()],
            environments: vec!["production".into()],
            tallies: Tallies::default(),
            list,
            filtered: vec![("bot".to_owned(), Count::new(3))],
            time_to_resolve: Some("3 h".to_owned()),
        }
    }

    fn row(text: &str) -> Row {
        Row {
            id: 7,
            exception_type: text.into(),
            message: text.into(),
            culprit: Some(text.into()),
            project: text.into(),
            environment: Some(text.into()),
            source: Source::Browser,
            state: State::New,
            count: Count::new(12_345),
            users: Count::new(7),
            history: History {
                counts: vec![0, 3, 1],
                step: "hour",
            },
            level: Some(text.into()),
            release: Some(text.into()),
            first_seen: Moment::new(NOW - 9_000_000, NOW),
            last_seen: Moment::new(NOW - 60_000, NOW),
        }
    }

    fn rows(rows: Vec<Row>, total: u64) -> List {
        List::Rows(Rows {
            rows,
            total,
            has_more: false,
            limit: 50,
            newest_ms: NOW,
        })
    }

    #[test]
    fn a_filter_survives_the_way_through_its_url() {
        let check = |pairs: &[(&str, &str)], query: &str| {
            assert_eq!(Filter::read(pairs.iter().copied()).query(), query);
        };
        check(&[], "");
        check(
            &[("search", " a&b "), ("project", "shop")],
            "?search=a%26b&project=shop",
        );
        check(
            &[
                ("project", ""),
                ("source", "x"),
                ("time", "soon"),
                ("offset", "-1"),
                ("resolved", "false"),
            ],
            "",
        );
        check(
            &[("resolved", "1"), ("source", "browser"), ("time", "90m")],
            "?source=browser&resolved=true&time=90m",
        );
        check(
            &[("resolved", "all"), ("offset", "50"), ("offset", "100")],
            "?resolved=all&offset=100",
        );
    }

    #[test]
    fn fields_in_the_search_box_become_filters() {
        let filter = Filter::read([("search", "timeout release:1.2 level:fatal")]);
        assert_eq!(filter.query(), "?search=timeout&level=fatal&release=1.2");
    }

    #[test]
    fn a_time_range_is_a_number_and_a_unit() {
        let check = |text: &str, ms: Option<i64>| assert_eq!(duration_ms(text), ms, "{text}");
        check("1h", Some(3_600_000));
        check("30d", Some(2_592_000_000));
        check("", None);
        check("h", None);
        check("-1h", None);
        check("+1h", None);
        check("1 h", None);
        check("1ü", None);
        check("999999999999999999d", None);
    }

    #[test]
    fn only_real_filters_narrow_the_list() {
        let is_narrow = |pairs: &[(&str, &str)]| Filter::read(pairs.iter().copied()).is_narrow();
        assert!(!is_narrow(&[("resolved", "all"), ("offset", "50")]));
        assert!(is_narrow(&[("session_id", "x")]));
    }

    #[test]
    fn the_live_check_asks_for_the_same_list() {
        let page = page(
            &[("time", "1h"), ("project", "shop"), ("resolved", "true")],
            rows(vec![row("x")], 1),
        );
        let live = page.live().unwrap();
        assert_eq!(
            live.url,
            "api/errors?limit=1&project=shop&resolved=true&since=2026-11-20T12%3A43%3A22Z"
        );
        assert_eq!((live.total, live.seen.as_str()), (1, "2026-11-20T13:43:22.123Z"));
    }

    #[test]
    fn there_is_a_page_before_and_after_where_there_are_rows() {
        let list = Rows {
            rows: vec![row("x")],
            total: 101,
            has_more: false,
            limit: 50,
            newest_ms: NOW,
        };
        let at = |offset: u64| Filter {
            offset,
            ..Filter::default()
        };
        assert_eq!(
            (list.newer(&at(0)), list.older(&at(0)).as_deref()),
            (None, Some("?offset=50"))
        );
        assert_eq!(
            (list.newer(&at(50)).as_deref(), list.older(&at(50)).as_deref()),
            (Some(""), Some("?offset=100"))
        );
        assert_eq!(
            (list.newer(&at(100)).as_deref(), list.older(&at(100))),
            (Some("?offset=50"), None)
        );
        assert_eq!(list.range(&at(100)), "101–101 of 101");
    }

    #[test]
    fn a_chosen_project_that_is_gone_stays_visible() {
        let page = page(&[("project", "old"), ("time", "6h")], List::NoMatch);
        let shown: Vec<_> = page
            .project_choices()
            .into_iter()
            .filter(|c| c.selected)
            .map(|c| c.value)
            .collect();
        assert_eq!(shown, ["old"]);
        assert!(
            page.time_choices()
                .iter()
                .any(|c| c.selected && c.label == "Last 6h")
        );
    }

    #[test]
    fn hostile_text_is_shown_as_text() {
        for evil in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "'-alert(1)-'",
            "javascript:alert(1)",
        ] {
            let names = ["search", "project", "environment", "session_id"];
            let mut page = page(&names.map(|name| (name, evil)), rows(vec![row(evil)], 1));
            page.projects.push(evil.into());
            page.frame.signed_in = Some(evil.into());
            let html = page.render().unwrap();
            assert!(
                !html.contains("<script>") && !html.contains("<img src=x"),
                "{html}"
            );
            assert!(!html.contains("href=\"javascript"), "{html}");
            let failed = self::page(&[("search", evil)], List::Failed(evil.into()))
                .render()
                .unwrap();
            assert!(
                !failed.contains("<script>") && !failed.contains("<img src=x"),
                "{failed}"
            );
        }
    }

    #[test]
    fn each_state_of_the_list_says_what_to_do() {
        let shown = |query: &[(&str, &str)], list| page(query, list).render().unwrap();
        let start = shown(&[], List::Start(Start::new("https://mon.example/errors/")));
        assert!(
            start.contains("Send your first error")
                && start.contains("curl https://mon.example/errors/api/errors")
        );
        assert!(shown(&[("search", "x")], List::NoMatch).contains("Clear filters"));
        assert!(shown(&[], List::NoMatch).contains("Nothing is open"));
        assert!(shown(&[], List::Failed("the disk is full".into())).contains("the disk is full"));
    }

    #[test]
    fn an_address_that_a_shell_could_misread_is_not_shown() {
        let check = |address: &str, shown: &str| assert_eq!(Start::new(address).address, shown);
        check("http://[::1]:5010/", "http://[::1]:5010");
        check("http://a.example/$(id)", "http://localhost:5010");
        check("http://a\";import os", "http://localhost:5010");
        check("javascript:1", "http://localhost:5010");
    }

    #[test]
    fn a_message_of_250_kb_stays_one_row() {
        let html = page(&[], rows(vec![row(&"x".repeat(250_000))], 1))
            .render()
            .unwrap();
        assert!(
            html.len() < 20_000 && !html.contains(&"x".repeat(301)),
            "{}",
            html.len()
        );
    }
}
