//! What `group.html` shows: one group, one of its occurrences, and the stack trace made readable.
//! The handler (`group.rs`) converts parsed frames and rows into these; no I/O here.

use ui::{Count, Excerpt, Frame, Moment, Template, link};

use super::exception_view::{ExceptionView, Run, message_excerpt};
use super::history_view::{CHART_HEIGHT, History, STEP_WIDTH};
use super::occurrence_view::OccurrenceView;
use super::source_view::{Source, project_line};
use super::state_view::State;

/// `group.html`.
#[derive(Template)]
#[template(path = "pages/group.html")]
pub(crate) struct GroupPage {
    /// The page around it.
    pub(crate) frame: Frame,
    pub(crate) id: i64,
    pub(crate) exception_type: String,
    pub(crate) message: String,
    /// `checkout (shop/cart.py:42)`.
    pub(crate) culprit: Option<String>,
    pub(crate) project: String,
    pub(crate) environment: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) source: Source,
    pub(crate) state: State,
    /// When it was resolved, if it is.
    pub(crate) resolved_at: Option<Moment>,
    pub(crate) count: Count,
    /// How many different users met it; None where nobody counted.
    pub(crate) users: Option<Count>,
    pub(crate) first_seen: Moment,
    pub(crate) last_seen: Moment,
    /// The exception that was reported, then what caused it, then what caused that.
    pub(crate) exceptions: Vec<ExceptionView>,
    /// The traceback as it was sent.
    pub(crate) traceback: String,
    /// The occurrence shown; None when none is kept.
    pub(crate) occurrence: Option<OccurrenceView>,
    /// All that are kept, newest first.
    pub(crate) occurrences: Vec<OccurrenceLink>,
    /// Places in the sibling services that belong to this error.
    pub(crate) related: Vec<Related>,
    pub(crate) fingerprint: String,
    /// How bad the newest report is.
    pub(crate) level: String,
    /// Why its reports are one group; None for groups from before there were reasons.
    pub(crate) why: Option<Why>,
    pub(crate) tags: Vec<TagView>,
    pub(crate) history: History,
    /// The same over a longer time.
    pub(crate) days: History,
    /// Releases that began in the time of the chart.
    pub(crate) marks: Vec<Mark>,
    /// Resolved in the release after this one.
    pub(crate) resolved_after: Option<String>,
    pub(crate) first_release: Option<String>,
    /// When a snoozed one wakes at the latest.
    pub(crate) snoozed_until: Option<Moment>,
    /// With which counts it wakes, in words.
    pub(crate) snoozed_until_counts: Option<String>,
    /// Whether it can be resolved in the next release.
    pub(crate) has_releases: bool,
    /// Groups merged into it: number, type, message, reports.
    pub(crate) members: Vec<(i64, String, String, Count)>,
    /// What happened to it, newest first.
    pub(crate) activities: Vec<ActivityView>,
}

/// Where in a chart a release begins.
pub(crate) struct Mark {
    /// Step of time, from 0.
    pub(crate) step: usize,
    pub(crate) version: String,
}

impl Mark {
    fn x(&self) -> usize {
        self.step * STEP_WIDTH
    }
}

/// One line of a group's history.
pub(crate) struct ActivityView {
    pub(crate) id: i64,
    pub(crate) author: String,
    pub(crate) words: String,
    pub(crate) note: Option<String>,
    pub(crate) at: Moment,
}

/// Why the reports of a group are one.
pub(crate) struct Why {
    /// What decided, as a sentence.
    pub(crate) reason: &'static str,
    /// The words that counted.
    pub(crate) parts: Vec<String>,
}

/// One tag with its most frequent values.
pub(crate) struct TagView {
    pub(crate) name: String,
    /// Value, reports, and their share of all in percent.
    pub(crate) values: Vec<(String, Count, u64)>,
}

/// One entry of the list of kept occurrences.
pub(crate) struct OccurrenceLink {
    pub(crate) id: i64,
    pub(crate) at: Moment,
}

/// A link to a sibling service, made by the handler where that service's address is set.
pub(crate) struct Related {
    /// `Logs around this time`.
    pub(crate) title: String,
    pub(crate) url: String,
}

impl GroupPage {
    /// The inbox with the groups that had this tag.
    fn tag_query(&self, name: &str, value: &str) -> String {
        let tag = format!("{name}:{value}");
        let (own, value) = match name {
            "release" | "environment" => (name, value),
            _ => ("tag", tag.as_str()),
        };
        link::query([
            ("project", Some(self.project.as_str())),
            (own, Some(value)),
            ("resolved", Some("all")),
        ])
    }

    /// The inbox with the groups that hit this user.
    fn user_query(user: &str) -> String {
        link::query([("user", Some(user)), ("resolved", Some("all"))])
    }

    fn type_line(&self) -> String {
        Excerpt::line(&self.exception_type, 120)
    }

    fn project_line(&self) -> String {
        project_line(&self.project)
    }

    fn message_excerpt(&self) -> Excerpt {
        message_excerpt(&self.message)
    }

    fn has_frames(&self) -> bool {
        self.exceptions
            .iter()
            .any(|exception| !exception.frames.is_empty())
    }

    fn related_links(&self) -> impl Iterator<Item = &Related> {
        self.related
            .iter()
            .filter(|related| link::web(&related.url).is_some())
    }

    /// Where the shown occurrence stands among the kept ones: from 1, newest first.
    fn position(&self) -> Option<usize> {
        let shown = self.occurrence.as_ref()?.id;
        Some(self.occurrences.iter().position(|it| it.id == shown)? + 1)
    }

    fn is_shown(&self, id: i64) -> bool {
        self.occurrence.as_ref().is_some_and(|shown| shown.id == id)
    }

    fn newer(&self) -> Option<i64> {
        Some(self.occurrences.get(self.position()?.checked_sub(2)?)?.id)
    }

    fn older(&self) -> Option<i64> {
        Some(self.occurrences.get(self.position()?)?.id)
    }
}

#[cfg(test)]
mod tests {
    use ui::Service;

    use super::super::exception_view::{FrameView, Relation};
    use super::super::occurrence_view::{BrowserView, CrumbView};
    use super::*;

    const NOW: i64 = 1_795_182_202_123;

    fn page(text: &str) -> GroupPage {
        let some = || Some(text.to_owned());
        let moment = || Moment::new(NOW - 60_000, NOW);
        let call = FrameView {
            function: some(),
            file: text.into(),
            line: Some(1),
            column: Some(2),
            source: some(),
            in_app: true,
            before: vec![text.into()],
            after: vec![text.into()],
            generated: some(),
            unmapped: some(),
            vars: vec![(text.into(), text.into())],
        };
        let exception = |relation| ExceptionView {
            relation,
            exception_type: text.into(),
            message: text.into(),
            frames: vec![
                call.clone(),
                FrameView {
                    in_app: false,
                    ..call.clone()
                },
            ],
        };
        GroupPage {
            frame: Frame::new(Service::Errors, text, "/errors/7", NOW),
            id: 7,
            exception_type: text.into(),
            message: text.into(),
            culprit: some(),
            project: text.into(),
            environment: some(),
            release: some(),
            source: Source::Browser,
            state: State::Reopened,
            resolved_at: None,
            count: Count::new(3),
            users: None,
            first_seen: moment(),
            last_seen: moment(),
            exceptions: vec![
                exception(Relation::Reported),
                exception(Relation::Cause),
                exception(Relation::Context),
            ],
            traceback: text.into(),
            occurrence: Some(OccurrenceView {
                id: 2,
                at: moment(),
                request_url: some(),
                request_method: some(),
                request_headers: vec![(text.into(), text.into())],
                user_id: some(),
                extra: some(),
                browser: Some(BrowserView {
                    page_url: some(),
                    user_agent: some(),
                    session_id: some(),
                }),
                user: vec![(text.into(), text.into())],
                breadcrumbs: vec![CrumbView {
                    category: text.into(),
                    level: text.into(),
                    message: text.into(),
                    at: Some(moment()),
                }],
                facts: vec![("Host", text.into())],
                contexts: vec![(text.into(), text.into())],
            }),
            occurrences: [3, 2, 1].map(|id| OccurrenceLink { id, at: moment() }).into(),
            related: vec![Related {
                title: text.into(),
                url: text.into(),
            }],
            fingerprint: text.into(),
            level: text.into(),
            why: Some(Why {
                reason: "By the app's own frames.",
                parts: vec![text.into()],
            }),
            tags: vec![TagView {
                name: text.into(),
                values: vec![(text.into(), Count::new(3), 50)],
            }],
            history: History {
                counts: vec![0, 3, 1],
                step: "hour",
            },
            days: History {
                counts: vec![0, 3, 1],
                step: "day",
            },
            marks: vec![Mark {
                step: 1,
                version: text.into(),
            }],
            resolved_after: some(),
            first_release: some(),
            snoozed_until: Some(moment()),
            snoozed_until_counts: some(),
            has_releases: true,
            members: vec![(8, text.into(), text.into(), Count::new(2))],
            activities: vec![ActivityView {
                id: 1,
                author: text.into(),
                words: text.into(),
                note: some(),
                at: moment(),
            }],
        }
    }

    #[test]
    fn one_steps_from_occurrence_to_occurrence() {
        let check = |shown: i64, expected: (Option<usize>, Option<i64>, Option<i64>)| {
            let mut page = page("x");
            page.occurrence.as_mut().unwrap().id = shown;
            assert_eq!((page.position(), page.newer(), page.older()), expected);
        };
        check(3, (Some(1), None, Some(2)));
        check(2, (Some(2), Some(3), Some(1)));
        check(1, (Some(3), Some(2), None));
        check(9, (None, None, None));
    }

    #[test]
    fn hostile_text_is_shown_as_text_in_every_field() {
        let evil = [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "' onmouseover='alert(1)",
            "javascript:alert(1)",
            "</pre></details><svg onload=alert(1)>",
            "{{ 7*7 }}",
        ];
        for evil in evil {
            let html = page(evil).render().unwrap();
            for tag in [
                "<script>",
                "<img src=x",
                "<svg onload",
                "=\"javascript:",
                "=' onmouseover",
            ] {
                assert!(!html.contains(tag), "{tag} in {html}");
            }
        }
    }

    #[test]
    fn a_web_address_is_a_link_that_tells_nothing() {
        let html = page("https://a.example/?a=1&b=2").render().unwrap();
        assert!(
            html.contains("href=\"https://a.example/?a=1&#38;b=2\" rel=\"noopener noreferrer\""),
            "{html}"
        );
    }

    #[test]
    fn a_message_of_250_kb_shows_its_beginning_first() {
        let html = page(&"x".repeat(250_000)).render().unwrap();
        assert!(html.contains("Show all 250 kB"));
    }
}
