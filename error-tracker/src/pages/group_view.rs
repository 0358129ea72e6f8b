//! What `group.html` shows: one group, one of its occurrences, and the stack trace made readable.
//! The handler (`group.rs`) converts parsed frames and rows into these; no I/O here.

use ui::{Count, Excerpt, Frame, Moment, Template, json, link};

use super::inbox_view::{Source, project_line};

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

/// Reports over time, as bars.
pub(crate) struct History {
    /// Reports in each step of time, oldest first.
    pub(crate) counts: Vec<u64>,
    /// What one step is: `hour`, `day`.
    pub(crate) step: &'static str,
}

/// One bar of a chart, in its own units.
pub(crate) struct Bar {
    pub(crate) x: usize,
    pub(crate) y: u64,
    pub(crate) height: u64,
}

/// Height of a chart of bars, in units of its own.
pub(crate) const CHART_HEIGHT: u64 = 40;
/// Width of a step.
pub(crate) const STEP_WIDTH: usize = 4;

impl History {
    pub(crate) fn width(&self) -> usize {
        self.counts.len() * STEP_WIDTH
    }

    fn max(&self) -> u64 {
        self.counts.iter().copied().max().unwrap_or(0)
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Those that are not empty; the least of them can be seen.
    pub(crate) fn bars(&self) -> Vec<Bar> {
        let max = self.max().max(1);
        let bars = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        bars.map(|(at, count)| {
            let height = (u128::from(*count) * u128::from(CHART_HEIGHT)).div_ceil(u128::from(max));
            let height = u64::try_from(height).unwrap_or(CHART_HEIGHT).max(2);
            Bar {
                x: at * STEP_WIDTH,
                y: CHART_HEIGHT - height,
                height,
            }
        })
        .collect()
    }

    /// The same in words.
    pub(crate) fn words(&self) -> String {
        let (n, step) = (self.counts.len(), self.step);
        let time = match (n, step) {
            (168, "hour") => "week".to_owned(),
            (n, step) => format!("{n} {step}s"),
        };
        format!(
            "{} in the last {time}, at most {} in one {step}",
            self.total(),
            self.max()
        )
    }
}

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Open, and first seen less than 24 hours ago.
    New,
    Open,
    /// Open again after it was resolved.
    Reopened,
    Snoozed,
    Resolved,
}

impl State {
    /// The state from what the store keeps.
    pub(crate) fn of(
        is_resolved: bool,
        is_snoozed: bool,
        was_reopened: bool,
        first_seen_ms: i64,
        now_ms: i64,
    ) -> State {
        let is_young = now_ms.saturating_sub(first_seen_ms) < NEW_FOR_MS;
        match (is_resolved, is_snoozed, was_reopened) {
            (true, _, _) => State::Resolved,
            (false, true, _) => State::Snoozed,
            (false, false, true) => State::Reopened,
            (false, false, false) if is_young => State::New,
            (false, false, false) => State::Open,
        }
    }

    /// The word of the badge and its class in the stylesheet; the ordinary state has none.
    pub(crate) fn badge(self) -> Option<&'static str> {
        match self {
            State::New => Some("new"),
            State::Open => None,
            State::Reopened => Some("reopened"),
            State::Snoozed => Some("snoozed"),
            State::Resolved => Some("resolved"),
        }
    }

    pub(crate) fn is_resolved(self) -> bool {
        self == State::Resolved
    }

    pub(crate) fn is_snoozed(self) -> bool {
        self == State::Snoozed
    }
}

/// How long a group is called new: 24 hours.
const NEW_FOR_MS: i64 = 24 * 3_600_000;

/// One exception of a chain.
pub(crate) struct ExceptionView {
    pub(crate) relation: Relation,
    pub(crate) exception_type: String,
    pub(crate) message: String,
    /// The newest call, where it was raised, first.
    pub(crate) frames: Vec<FrameView>,
}

/// How an exception belongs to the one shown before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It is the one that was reported.
    Reported,
    /// The one before says that this is its cause (`raise … from …`, `Caused by:`).
    Cause,
    /// The one before was raised while this one was being handled.
    Context,
    /// It is one of those that an exception group or `AggregateError` holds.
    Member,
}

impl Relation {
    fn heading(self) -> Option<&'static str> {
        match self {
            Relation::Reported => None,
            Relation::Cause => Some("Caused by"),
            Relation::Context => Some("Raised while handling"),
            Relation::Member => Some("One of its group"),
        }
    }
}

/// One call of a stack trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameView {
    pub(crate) function: Option<String>,
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
    /// The line of source code, when it is known.
    pub(crate) source: Option<String>,
    /// Ours rather than a library's.
    pub(crate) in_app: bool,
    /// Lines before and after it.
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
    /// Where it was in generated code, before a source map was applied.
    pub(crate) generated: Option<String>,
    /// Why no source map was applied.
    pub(crate) unmapped: Option<String>,
    /// Local variables: names and JSON.
    pub(crate) vars: Vec<(String, String)>,
}

impl FrameView {
    fn function_line(&self) -> String {
        Excerpt::line(self.function.as_deref().unwrap_or("<anonymous>"), 200)
    }

    /// The file in two parts, folder and name: the name is what one looks for.
    fn file_parts(&self) -> (String, String) {
        let file = Excerpt::line(&self.file, 300);
        let at = file.rfind(['/', '\\']).map_or(0, |i| i + 1);
        (file[..at].to_owned(), file[at..].to_owned())
    }

    /// The source line with those around it: number, text, and whether it is the one.
    fn context(&self) -> Vec<(Option<u32>, String, bool)> {
        let line = self.line.unwrap_or(0);
        let first = line.checked_sub(self.before.len() as u32);
        // Indented as it was, unlike a line that stands alone.
        let text = |text: &str| Excerpt::new(text.trim_end(), 300, 1).head;
        let around = self.before.iter().map(|it| (it, false));
        let around = around.chain(self.source.iter().map(|it| (it, true)));
        let around = around.chain(self.after.iter().map(|it| (it, false)));
        (0..)
            .zip(around)
            .map(|(at, (line, is_it))| (first.map(|first| first + at), text(line), is_it))
            .collect()
    }

    fn has_context(&self) -> bool {
        !self.before.is_empty() || !self.after.is_empty()
    }

    fn source_line(&self) -> Option<String> {
        let source = self.source.as_deref()?.trim();
        (!source.is_empty()).then(|| Excerpt::new(source, 1_000, 5).head)
    }
}

/// Frames as the page shows them: one by one, or a run of library frames behind a fold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Run<'a> {
    Shown(&'a FrameView),
    Folded(&'a [FrameView]),
}

/// Our frames are shown, runs of library frames folded. The newest call is always shown: it is where it broke.
pub(crate) fn runs(frames: &[FrameView]) -> Vec<Run<'_>> {
    let Some((newest, older)) = frames.split_first() else {
        return Vec::new();
    };
    let mut runs = vec![Run::Shown(newest)];
    for chunk in older.chunk_by(|a, b| a.in_app == b.in_app) {
        match chunk[0].in_app {
            true => runs.extend(chunk.iter().map(Run::Shown)),
            false => runs.push(Run::Folded(chunk)),
        }
    }
    runs
}

impl ExceptionView {
    fn runs(&self) -> Vec<Run<'_>> {
        runs(&self.frames)
    }

    fn type_line(&self) -> String {
        Excerpt::line(&self.exception_type, 120)
    }

    fn message_excerpt(&self) -> Excerpt {
        message_excerpt(&self.message)
    }
}

/// One kept occurrence.
pub(crate) struct OccurrenceView {
    pub(crate) id: i64,
    pub(crate) at: Moment,
    pub(crate) request_url: Option<String>,
    pub(crate) request_method: Option<String>,
    pub(crate) request_headers: Vec<(String, String)>,
    pub(crate) user_id: Option<String>,
    /// Raw JSON, as it was sent.
    pub(crate) extra: Option<String>,
    /// Only for reports from browsers.
    pub(crate) browser: Option<BrowserView>,
    /// More of the user than the id.
    pub(crate) user: Vec<(String, String)>,
    /// What happened before, newest first.
    pub(crate) breadcrumbs: Vec<CrumbView>,
    /// Host, route, platform, event id, client's time.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Names and JSON of what else came along.
    pub(crate) contexts: Vec<(String, String)>,
}

/// One thing that happened before.
pub(crate) struct CrumbView {
    pub(crate) category: String,
    pub(crate) level: String,
    pub(crate) message: String,
    pub(crate) at: Option<Moment>,
}

/// What a browser says of itself.
#[derive(Default)]
pub(crate) struct BrowserView {
    pub(crate) page_url: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) session_id: Option<String>,
}

/// A text that is a link only if it is a web address.
struct Address {
    text: Excerpt,
    href: Option<String>,
}

fn address(text: &Option<String>) -> Option<Address> {
    let text = text.as_deref().filter(|text| !text.is_empty())?;
    Some(Address {
        text: Excerpt::new(text, 600, 3),
        href: link::web(text).map(str::to_owned),
    })
}

impl OccurrenceView {
    fn url(&self) -> Option<Address> {
        address(&self.request_url)
    }

    fn has_request(&self) -> bool {
        self.url().is_some() || self.request_method.is_some() || !self.request_headers.is_empty()
    }

    fn extra_text(&self) -> Option<String> {
        self.extra.as_deref().map(json::indent)
    }
}

impl BrowserView {
    fn page(&self) -> Option<Address> {
        address(&self.page_url)
    }

    fn session_query(&self) -> String {
        link::query([
            ("session_id", self.session_id.as_deref()),
            ("resolved", Some("all")),
        ])
    }
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

/// What a header holds without pushing the stack trace off the screen.
fn message_excerpt(message: &str) -> Excerpt {
    Excerpt::new(message, 600, 6)
}

#[cfg(test)]
mod tests {
    use ui::Service;

    use super::*;

    const NOW: i64 = 1_795_182_202_123;

    fn frame(function: &str, in_app: bool) -> FrameView {
        let function = Some(function.to_owned());
        FrameView {
            function,
            file: "a/b.py".into(),
            line: Some(7),
            in_app,
            ..FrameView::default()
        }
    }

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
    fn runs_of_library_frames_are_folded() {
        let check = |in_app: &[bool], shown: &str| {
            let frames: Vec<_> = in_app.iter().map(|&in_app| frame("f", in_app)).collect();
            let runs: Vec<String> = runs(&frames)
                .iter()
                .map(|run| match run {
                    Run::Shown(frame) if frame.in_app => "app".to_owned(),
                    Run::Shown(_) => "library".to_owned(),
                    Run::Folded(frames) => format!("{} folded", frames.len()),
                })
                .collect();
            assert_eq!(runs.join(", "), shown);
        };
        check(&[], "");
        check(&[true], "app");
        check(&[false], "library");
        check(&[false, false, false], "library, 2 folded");
        check(
            &[true, false, false, true, true, false],
            "app, 2 folded, app, app, 1 folded",
        );
        check(&[false, true, false], "library, app, 1 folded");
    }

    #[test]
    fn a_group_has_one_state() {
        const DAY: i64 = 86_400_000;
        let check = |resolved, reopened, age, state| {
            assert_eq!(State::of(resolved, false, reopened, NOW - age, NOW), state)
        };
        check(false, false, 0, State::New);
        check(false, false, DAY, State::Open);
        check(false, true, 0, State::Reopened);
        check(true, true, 0, State::Resolved);
    }

    #[test]
    fn the_name_of_a_file_is_set_apart_from_its_folder() {
        let check = |file: &str, folder: &str, name: &str| {
            let view = FrameView {
                file: file.into(),
                ..FrameView::default()
            };
            assert_eq!(view.file_parts(), (folder.to_owned(), name.to_owned()));
        };
        check("shop/cart.py", "shop/", "cart.py");
        check("cart.py", "", "cart.py");
        check("C:\\shop\\cart.py", "C:\\shop\\", "cart.py");
        check("https://a.example/", "https://a.example/", "");
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
