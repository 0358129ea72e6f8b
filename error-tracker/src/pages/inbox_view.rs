//! What `inbox.html` shows: the filter in the URL, the rows, and the three states of the list.
//! The handler (`inbox.rs`) reads the filter, asks the store and fills these; no I/O here.

use ui::{Count, Excerpt, Frame, Moment, Template, link, moment};

use super::history_view::{CHART_HEIGHT, History, STEP_WIDTH};
use super::inbox_filter::{Filter, Shown, TIMES};
use super::source_view::{Source, project_line};
use super::start_view::Start;
use super::state_view::State;
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
