//! The words of a digest about many groups.

use ui::Count;

use super::alerting::Kind;
use super::mail::prefix;
use alerts::domain::digest::{Digest, Entry, MAX_ENTRIES};
use alerts::domain::mail::{cut_chars, one_line};

/// Groups that a digest shows; the rest is a number.
pub const MAX_GROUPS: usize = MAX_ENTRIES;
/// A group's message is cut here, in characters.
const MAX_MESSAGE_CHARS: usize = 160;
/// The same on a line of a chat.
const MAX_LINE_CHARS: usize = 120;

/// What a digest says.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// How many alerts of each kind.
    pub counts: &'a [(Kind, u64)],
    /// Of which projects; at most ten.
    pub projects: &'a [String],
    /// Of how many.
    pub n_projects: u64,
    /// Those to show, most important first; what is above [`MAX_GROUPS`] is left out.
    pub groups: &'a [Group<'a>],
    /// The inbox.
    pub url: &'a str,
}

/// One of the groups.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    /// Its id.
    pub id: i64,
    /// Who owns it.
    pub project: &'a str,
    /// The exception's type.
    pub exception_type: &'a str,
    /// Of the report that caused the alert.
    pub message: &'a str,
    /// Why it is here.
    pub kind: Kind,
    /// Reports so far.
    pub n_occurrences: i64,
    /// Its page.
    pub url: &'a str,
}

/// The digest: `5,000 new errors, 4 reopened in 3 projects`.
pub fn words(facts: &Facts<'_>) -> Digest {
    let n_alerts = PARTS
        .iter()
        .fold(0_u64, |sum, part| sum.saturating_add(count(facts, part.kind)));
    Digest {
        summary: summary(facts),
        n_alerts,
        entries: facts.groups.iter().take(MAX_GROUPS).map(entry).collect(),
        project: facts.projects.join(", "),
        url: facts.url.to_owned(),
        open: "Open the inbox",
    }
}

/// How a kind of alert is counted and labelled.
struct Part {
    kind: Kind,
    /// Of one and of many.
    nouns: [&'static str; 2],
    /// The same where the word "errors" was said before.
    short: [&'static str; 2],
    label: &'static str,
}

/// In the order of a summary.
const PARTS: [Part; 5] = [
    Part {
        kind: Kind::Created,
        nouns: ["new error", "new errors"],
        short: ["new", "new"],
        label: "New",
    },
    Part {
        kind: Kind::Reopened,
        nouns: ["reopened error", "reopened errors"],
        short: ["reopened", "reopened"],
        label: "Reopened",
    },
    Part {
        kind: Kind::Woken,
        nouns: ["woken error", "woken errors"],
        short: ["woken", "woken"],
        label: "Woken",
    },
    Part {
        kind: Kind::Spike,
        nouns: ["spike", "spikes"],
        short: ["spike", "spikes"],
        label: "Spike",
    },
    Part {
        kind: Kind::EveryN,
        nouns: ["milestone", "milestones"],
        short: ["milestone", "milestones"],
        label: "Milestone",
    },
];

/// `5,000 new errors, 4 reopened in 3 projects`; a single project is named. On one line.
fn summary(facts: &Facts<'_>) -> String {
    let mut words = String::new();
    for part in &PARTS {
        let n = count(facts, part.kind);
        if n == 0 {
            continue;
        }
        let nouns = match words.is_empty() {
            true => part.nouns,
            false => part.short,
        };
        let comma = if words.is_empty() { "" } else { ", " };
        let noun = nouns[usize::from(n != 1)];
        words += &format!("{comma}{} {noun}", Count::new(n).exact);
    }
    if words.is_empty() {
        words += "0 errors";
    }
    match (facts.n_projects, facts.groups.first()) {
        (0, _) => words,
        (1, Some(group)) if !group.project.is_empty() => {
            format!("{words} in {}", one_line(group.project))
        }
        (1, _) => format!("{words} in 1 project"),
        (n, _) => format!("{words} in {} projects", Count::new(n).exact),
    }
}

fn count(facts: &Facts<'_>, kind: Kind) -> u64 {
    let counts = facts.counts.iter().filter(|(of, _)| *of == kind);
    counts.fold(0, |sum, (_, n)| sum.saturating_add(*n))
}

fn entry(group: &Group<'_>) -> Entry {
    let Group {
        exception_type, id, ..
    } = group;
    let message = cut_chars(group.message, MAX_MESSAGE_CHARS);
    let short = cut_chars(group.message, MAX_LINE_CHARS);
    let part = PARTS.iter().find(|part| part.kind == group.kind);
    let n_reports = Count::new(group.n_occurrences.max(0).unsigned_abs());
    Entry {
        label: part.map_or("Alert", |part| part.label),
        project: group.project.to_owned(),
        title: format!("{exception_type}: {message} (#{id})"),
        note: format!("{} report{} so far", n_reports.exact, n_reports.s()),
        line: format!("{}{exception_type}: {short} (#{id})", prefix(group.kind)),
        url: group.url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use alerts::domain::mail::MAX_SUBJECT;

    fn group<'a>() -> Group<'a> {
        Group {
            id: 7,
            project: "shop",
            exception_type: "ValueError",
            message: "bad <b>",
            kind: Kind::Created,
            n_occurrences: 1234,
            url: "http://127.0.0.1:5010/errors/7",
        }
    }

    fn facts<'a>(counts: &'a [(Kind, u64)], n_projects: u64, groups: &'a [Group<'a>]) -> Facts<'a> {
        Facts {
            counts,
            projects: &[],
            n_projects,
            groups,
            url: "http://127.0.0.1:5010/errors?status=open&x=1",
        }
    }

    #[test]
    fn the_subject_counts_by_kind() {
        let check = |counts: &[(Kind, u64)], n_projects, expected: &str| {
            let text = words(&facts(counts, n_projects, &[group()])).mail().unwrap();
            assert_eq!(text.subject, format!("[Monlight] {expected}"));
        };
        check(&[(Kind::Created, 5000)], 3, "5,000 new errors in 3 projects");
        check(
            &[(Kind::Reopened, 4), (Kind::Created, 5000)],
            3,
            "5,000 new errors, 4 reopened in 3 projects",
        );
        check(
            &[(Kind::Reopened, 1), (Kind::Spike, 2)],
            1,
            "1 reopened error, 2 spikes in shop",
        );
        check(
            &[(Kind::EveryN, 1), (Kind::Spike, 1), (Kind::Woken, 2)],
            2,
            "2 woken errors, 1 spike, 1 milestone in 2 projects",
        );
        check(&[(Kind::Created, 1), (Kind::Created, 1)], 0, "2 new errors");
    }

    #[test]
    fn a_digest_shows_its_groups_and_links_to_them_and_to_the_inbox() {
        let spike = Group {
            kind: Kind::Spike,
            id: 8,
            n_occurrences: 1,
            url: "http://127.0.0.1:5010/errors/8",
            ..group()
        };
        let text = words(&facts(
            &[(Kind::Created, 1), (Kind::Spike, 1)],
            1,
            &[group(), spike],
        ))
        .mail()
        .unwrap();
        assert_eq!(
            text.plain,
            "1 new error, 1 spike in shop.\n\nhttp://127.0.0.1:5010/errors?status=open&x=1\n\n\
             New: shop\nValueError: bad <b> (#7)\n1,234 reports so far\nhttp://127.0.0.1:5010/errors/7\n\n\
             Spike: shop\nValueError: bad <b> (#8)\n1 report so far\nhttp://127.0.0.1:5010/errors/8\n"
        );
        assert!(!text.html.contains("<b>"), "{}", text.html);
        for link in [
            "href=\"http://127.0.0.1:5010/errors/7\"",
            "href=\"http://127.0.0.1:5010/errors?status=open&#38;x=1\"",
        ] {
            assert!(text.html.contains(link), "{link}: {}", text.html);
        }
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let groups = [group(); 30];
        let text = words(&facts(&[(Kind::Created, 5000)], 1, &groups))
            .mail()
            .unwrap();
        assert_eq!(text.plain.matches("ValueError").count(), MAX_GROUPS);
        for body in [&text.plain, &text.html] {
            assert!(body.contains("And 4,980 more."), "{body}");
        }
        let all = words(&facts(&[(Kind::Created, 1)], 1, &groups[..1]))
            .mail()
            .unwrap();
        assert!(!all.plain.contains("more"), "{}", all.plain);
    }

    #[test]
    fn a_hostile_project_stays_on_one_line() {
        let hostile = Group {
            project: "a\r\nBcc: evil@example.com =?utf-8?q?x?=",
            message: "line\u{2028}end\n\u{1b}[31m",
            ..group()
        };
        let text = words(&facts(&[(Kind::Created, 1)], 1, &[hostile]))
            .mail()
            .unwrap();
        assert_eq!(
            text.subject,
            "[Monlight] 1 new error in a  Bcc: evil@example.com = ?utf-8?q?x?="
        );
        assert!(
            text.plain.contains("ValueError: line end  [31m (#7)\n"),
            "{}",
            text.plain
        );
    }

    proptest! {
        #[test]
        fn any_text_is_set_and_escaped(project in "(?s).{0,300}", kind in "(?s).{0,300}", message in "(?s).{0,300}",
            n_projects: u64, counts: [u64; 5], n_occurrences: i64) {
            let hostile = Group { project: &project, exception_type: &kind, message: &message, n_occurrences, ..group() };
            let counts: Vec<_> = Kind::ALL.into_iter().zip(counts).collect();
            let text = words(&facts(&counts, n_projects, &[hostile])).mail().unwrap();
            prop_assert!(text.subject.chars().count() <= MAX_SUBJECT);
            prop_assert!(!text.subject.chars().any(char::is_control));
            prop_assert!(!text.subject.contains("=?"));
            // Where nobody owns it, nothing is said of that.
            let harmless = Group { project: if project.is_empty() { "" } else { "shop" }, ..group() };
            let harmless = words(&facts(&counts, n_projects, &[harmless])).mail().unwrap().html;
            prop_assert_eq!(text.html.matches('<').count(), harmless.matches('<').count());
        }
    }
}
