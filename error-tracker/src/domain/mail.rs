//! The words of a mail about one group.

use askama::Template;

use super::alerting::Kind;
use alerts::domain::mail::{MAX_SUBJECT, Text, cut_chars, one_line, visible};

/// What an alert says.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The group's id.
    pub id: i64,
    /// Why it is sent.
    pub kind: Kind,
    /// Who owns it.
    pub project: &'a str,
    /// prod, staging, …
    pub environment: Option<&'a str>,
    /// The exception's type.
    pub exception_type: &'a str,
    /// Of the report that caused the mail.
    pub message: &'a str,
    /// The same.
    pub traceback: &'a str,
    /// The same.
    pub request_method: Option<&'a str>,
    /// The same.
    pub request_url: Option<&'a str>,
    /// Reports so far.
    pub n_occurrences: i64,
    /// The group's page.
    pub url: &'a str,
}

/// A subject's message is cut here, in characters.
const MAX_SUBJECT_MESSAGE: usize = 80;
/// A message or traceback in a mail is cut here, in bytes (contract §1.9).
const MAX_TEXT_BYTES: usize = 12_288;

#[derive(Template)]
#[template(path = "domain/mail.html")]
struct Html<'a> {
    facts: Facts<'a>,
    message: &'a str,
    traceback: &'a str,
    is_cut: bool,
}

#[derive(Template)]
#[template(path = "domain/mail.txt")]
struct Plain<'a> {
    facts: Facts<'a>,
    message: &'a str,
    traceback: &'a str,
    is_cut: bool,
}

/// The mail of a new or reopened group.
pub fn alert(facts: &Facts<'_>) -> askama::Result<Text> {
    let message = cut_bytes(facts.message, MAX_TEXT_BYTES);
    let traceback = cut_bytes(facts.traceback, MAX_TEXT_BYTES);
    let is_cut = traceback.len() < facts.traceback.len();
    let facts = *facts;
    Ok(Text {
        subject: subject(&facts),
        plain: visible(
            &Plain {
                facts,
                message,
                traceback,
                is_cut,
            }
            .render()?,
        ),
        html: visible(
            &Html {
                facts,
                message,
                traceback,
                is_cut,
            }
            .render()?,
        ),
    })
}

/// `[project] exception_type: message (#id)`, on one line whatever is in it.
fn subject(facts: &Facts<'_>) -> String {
    let message = cut_chars(facts.message, MAX_SUBJECT_MESSAGE);
    let line = format!(
        "[{}] {}{}: {message}",
        facts.project,
        prefix(facts.kind),
        facts.exception_type
    );
    let line = one_line(&line);
    format!("{} (#{})", cut_chars(&line, MAX_SUBJECT), facts.id)
}

/// Before the type in a subject; a new error needs none.
pub fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Reopened => "Reopened: ",
        Kind::Spike => "Spike: ",
        Kind::EveryN => "Again: ",
        Kind::Woken => "Awake: ",
        Kind::Created => "",
    }
}

/// What happened, as the beginning of a sentence that goes on with the project.
pub fn event(kind: Kind) -> &'static str {
    match kind {
        Kind::Reopened => "A resolved error is back",
        Kind::Spike => "An error is far over its own past",
        Kind::EveryN => "An error goes on",
        Kind::Woken => "A snoozed error is awake",
        Kind::Created => "A new error",
    }
}

impl Facts<'_> {
    fn event(&self) -> &'static str {
        event(self.kind)
    }
}

fn cut_bytes(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>() -> Facts<'a> {
        Facts {
            id: 7,
            kind: Kind::Created,
            project: "shop",
            environment: Some("prod"),
            exception_type: "ValueError",
            message: "bad <b>",
            traceback: "Traceback\n  File \"a.py\", line 1\n",
            request_method: Some("POST"),
            request_url: Some("https://shop.example/pay?x=1"),
            n_occurrences: 3,
            url: "http://127.0.0.1:5010/errors/7",
        }
    }

    #[test]
    fn an_alert_says_what_where_and_links_to_the_group() {
        let mail = alert(&facts()).unwrap();
        assert_eq!(mail.subject, "[shop] ValueError: bad <b> (#7)");
        for words in [
            "shop",
            "prod",
            "ValueError",
            "bad <b>",
            "POST https://shop.example/pay?x=1",
            "File \"a.py\"",
            "http://127.0.0.1:5010/errors/7",
        ] {
            assert!(mail.plain.contains(words), "{words}: {}", mail.plain);
        }
        assert!(!mail.html.contains("<b>"), "{}", mail.html);
        assert!(
            mail.html.contains("href=\"http://127.0.0.1:5010/errors/7\""),
            "{}",
            mail.html
        );
    }

    #[test]
    fn a_reopened_group_is_named_so() {
        let mail = alert(&Facts {
            kind: Kind::Reopened,
            ..facts()
        })
        .unwrap();
        assert_eq!(mail.subject, "[shop] Reopened: ValueError: bad <b> (#7)");
    }

    #[test]
    fn a_subject_is_one_line() {
        let hostile = Facts {
            exception_type: "E\r\nBcc: evil@example.com",
            message: "a\u{2028}b\u{0}",
            ..facts()
        };
        assert_eq!(
            alert(&hostile).unwrap().subject,
            "[shop] E  Bcc: evil@example.com: a b  (#7)"
        );
        let encoded = Facts {
            message: "=?utf-8?q?x=0D=0ABcc:_evil@example.com?=",
            ..facts()
        };
        assert!(!alert(&encoded).unwrap().subject.contains("=?"));
        let long = Facts {
            project: &"p".repeat(100),
            exception_type: &"e".repeat(200),
            ..facts()
        };
        assert!(alert(&long).unwrap().subject.chars().count() < 220);
    }

    #[test]
    fn control_characters_become_symbols() {
        let mail = alert(&Facts {
            message: "\u{1b}[31mred\u{9b}\u{7f}",
            traceback: "a\tb\r\nc\rd\0e",
            ..facts()
        })
        .unwrap();
        for text in [&mail.plain, &mail.html] {
            assert!(text.contains("␛[31mred\u{fffd}␡"), "{text}");
            assert!(text.contains("a\tb\nc␍d␀e"), "{text}");
        }
    }

    #[test]
    fn long_tracebacks_are_cut_and_say_so() {
        let mail = alert(&Facts {
            traceback: &"é".repeat(10_000),
            ..facts()
        })
        .unwrap();
        assert!(mail.plain.contains("[traceback truncated]"));
        assert!(mail.plain.len() < 20_000);
        assert!(!alert(&facts()).unwrap().plain.contains("truncated"));
    }
}
