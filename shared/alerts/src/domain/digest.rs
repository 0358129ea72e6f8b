//! The words of a digest: many alerts of one channel in one mail or message.

use askama::Template;
use ui::Count;

use crate::domain::mail::{self, Text};

/// Subjects that a digest shows; the rest is a number.
pub const MAX_ENTRIES: usize = 20;

/// What a digest says; cut and put on one line here.
#[derive(Debug, Clone, Default)]
pub struct Digest {
    /// `5,000 new errors, 4 reopened in 3 projects`
    pub summary: String,
    /// Alerts in it, those that are not shown too.
    pub n_alerts: u64,
    /// Those to show, most important first; what is above [`MAX_ENTRIES`] is left out.
    pub entries: Vec<Entry>,
    /// Of which projects; empty: of none.
    pub project: String,
    /// The page that shows all.
    pub url: String,
    /// What the link to it says.
    pub open: &'static str,
}

/// One of the subjects.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Why it is here: `Reopened`.
    pub label: &'static str,
    /// Who owns it.
    pub project: String,
    /// What it is.
    pub title: String,
    /// How it stands: `1,234 reports so far`.
    pub note: String,
    /// All of it on one line of a chat.
    pub line: String,
    /// Its page.
    pub url: String,
}

#[derive(Template)]
#[template(path = "domain/digest.html")]
struct Html<'a> {
    digest: &'a Digest,
    entries: &'a [Entry],
    n_more: Option<&'a Count>,
}

#[derive(Template)]
#[template(path = "domain/digest.txt")]
struct Plain<'a> {
    digest: &'a Digest,
    entries: &'a [Entry],
    n_more: Option<&'a Count>,
}

impl Digest {
    /// As a mail. Its subject: `[Monlight] 5,000 new errors, 4 reopened in 3 projects`.
    pub fn mail(&self) -> askama::Result<Text> {
        let n_shown = self.entries.len().min(MAX_ENTRIES);
        let entries: Vec<_> = self.entries[..n_shown].iter().map(Entry::on_one_line).collect();
        let n_more = Count::new(self.n_alerts.saturating_sub(n_shown as u64));
        let n_more = (n_more.value > 0).then_some(&n_more);
        let plain = Plain {
            digest: self,
            entries: &entries,
            n_more,
        };
        let html = Html {
            digest: self,
            entries: &entries,
            n_more,
        };
        let subject = mail::one_line(&format!("[Monlight] {}", self.summary));
        Ok(Text {
            subject: mail::cut_chars(&subject, mail::MAX_SUBJECT).to_owned(),
            plain: mail::visible(&plain.render()?),
            html: mail::visible(&html.render()?),
        })
    }
}

impl Entry {
    fn on_one_line(&self) -> Self {
        Self {
            project: mail::one_line(&self.project),
            title: mail::one_line(&self.title),
            ..self.clone()
        }
    }
}
