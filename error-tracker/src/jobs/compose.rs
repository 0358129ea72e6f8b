//! What an alert says: read from the store when it is sent, so that it shows how things stand then.

use notify::Message;
use rusqlite::Connection;
use web::Result;

use crate::alerts::domain::digest;
use crate::alerts::domain::mail::{self as text, Text};
use crate::alerts::store::deliveries::{self, Delivery, DigestTotals};
use crate::app::App;
use crate::domain::alerting::Kind;
use crate::domain::mail;
use crate::store::groups::{self, Group};
use crate::store::occurrences::{self, Occurrence};

/// Groups named in a digest; the others are only counted.
const DIGEST_GROUPS: u32 = digest::MAX_GROUPS as u32;

/// What is to be said.
pub(crate) enum Content {
    /// Somebody pressed the test button.
    Test { url: String },
    /// Something happened to one group.
    Alert(Box<Alert>),
    /// Much happened at once.
    Digest(Digest),
}

pub(crate) struct Alert {
    kind: Kind,
    group: Group,
    newest: Option<Occurrence>,
    first_traceback: String,
    url: String,
}

pub(crate) struct Digest {
    totals: DigestTotals,
    /// With why, and their pages.
    groups: Vec<(Group, Kind, String)>,
    url: String,
}

/// Stays the same over all tries of one delivery.
pub(crate) fn delivery_id(delivery: &Delivery) -> String {
    format!("{}-{}", delivery.created_at, delivery.id)
}

/// None if what it was about is gone.
pub(crate) async fn content(app: &App, delivery: &Delivery) -> Result<Option<Content>> {
    let base = app.common.settings.base_url().trim_end_matches('/').to_owned();
    let id = delivery.id;
    match (delivery.kind, delivery.group_id) {
        (Kind::Digest, _) => {
            let found = app.read(move |connection| digest(connection, id, base)).await?;
            Ok(found.map(Content::Digest))
        }
        (kind, Some(group_id)) => {
            let found = app
                .read(move |connection| alert(connection, kind, group_id, &base))
                .await?;
            Ok(found.map(|alert| Content::Alert(Box::new(alert))))
        }
        (_, None) => Ok(Some(Content::Test { url: base })),
    }
}

fn alert(connection: &Connection, kind: Kind, id: i64, base: &str) -> rusqlite::Result<Option<Alert>> {
    let newest = occurrences::of_group(connection, id, 1)?.pop();
    let found = groups::find(connection, id)?;
    Ok(found.map(|(group, first_traceback)| Alert {
        kind,
        url: format!("{base}/errors/{}", group.id),
        group,
        newest,
        first_traceback,
    }))
}

fn digest(connection: &Connection, id: i64, base: String) -> rusqlite::Result<Option<Digest>> {
    let totals = deliveries::digest_totals(connection, id)?;
    let mut groups = Vec::new();
    for (group_id, kind) in deliveries::digest_groups(connection, id, DIGEST_GROUPS)? {
        let found = groups::find(connection, group_id)?;
        groups.extend(found.map(|(group, _)| (group, kind, format!("{base}/errors/{group_id}"))));
    }
    Ok((!totals.by_kind.is_empty()).then_some(Digest {
        totals,
        groups,
        url: format!("{base}/"),
    }))
}

impl Content {
    /// As a mail.
    pub(crate) fn mail(&self) -> askama::Result<Text> {
        match self {
            Self::Test { .. } => Ok(text::test()),
            Self::Alert(alert) => alert.mail(),
            Self::Digest(digest) => digest.mail(),
        }
    }

    /// For a channel of any kind.
    pub(crate) fn message(&self) -> Message {
        match self {
            Self::Test { url } => Message {
                kind: Kind::Test.name().to_owned(),
                title: "Test of alerts".to_owned(),
                text: "This is a test. Alerts will come this way.".to_owned(),
                url: Some(url.clone()),
                ..Message::default()
            },
            Self::Alert(alert) => alert.message(),
            Self::Digest(digest) => digest.message(),
        }
    }
}

impl Alert {
    fn message_text(&self) -> &str {
        self.newest
            .as_ref()
            .map_or(&self.group.message, |newest| &newest.message)
    }

    fn mail(&self) -> askama::Result<Text> {
        let newest = self.newest.as_ref();
        let details = newest.map(|newest| &newest.details);
        mail::alert(&mail::Facts {
            id: self.group.id,
            kind: self.kind,
            project: &self.group.project,
            environment: self.group.environment.as_deref(),
            exception_type: &self.group.exception_type,
            message: self.message_text(),
            traceback: newest.map_or(&self.first_traceback, |newest| &newest.traceback),
            request_method: details.and_then(|details| details.request_method.as_deref()),
            request_url: details.and_then(|details| details.request_url.as_deref()),
            n_occurrences: self.group.n_occurrences,
            url: &self.url,
        })
    }

    fn message(&self) -> Message {
        let group = &self.group;
        let facts = [
            ("Level", Some(group.level.clone())),
            ("Release", group.release.clone()),
            ("Where", group.culprit.clone()),
            ("Users", (group.n_users > 0).then(|| group.n_users.to_string())),
        ];
        let facts = facts
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Message {
            kind: self.kind.name().to_owned(),
            title: format!("{}{}", mail::prefix(self.kind), group.exception_type),
            text: self.message_text().to_owned(),
            project: group.project.clone(),
            environment: group.environment.clone(),
            url: Some(self.url.clone()),
            count: Some(group.n_occurrences),
            facts: facts.collect(),
        }
    }
}

impl Digest {
    fn mail(&self) -> askama::Result<Text> {
        let counts: Vec<(Kind, u64)> = self
            .totals
            .by_kind
            .iter()
            .map(|(kind, n)| (*kind, n.unsigned_abs()))
            .collect();
        let groups: Vec<digest::Group<'_>> = self
            .groups
            .iter()
            .map(|(group, kind, url)| digest::Group {
                id: group.id,
                project: &group.project,
                exception_type: &group.exception_type,
                message: &group.message,
                kind: *kind,
                n_occurrences: group.n_occurrences,
                url,
            })
            .collect();
        digest::words(&digest::Facts {
            counts: &counts,
            n_projects: self.totals.n_projects.unsigned_abs(),
            groups: &groups,
            url: &self.url,
        })
    }

    fn message(&self) -> Message {
        let words = self.mail().ok();
        let lines = self.groups.iter().map(|(group, kind, _)| {
            let message: String = group.message.chars().take(120).collect();
            format!(
                "{}{}: {message} (#{})",
                mail::prefix(*kind),
                group.exception_type,
                group.id
            )
        });
        let n_alerts = self.totals.by_kind.iter().map(|(_, n)| n).sum();
        Message {
            kind: Kind::Digest.name().to_owned(),
            title: words.map(|words| words.subject).unwrap_or_default(),
            text: lines.collect::<Vec<_>>().join("\n"),
            project: self.totals.projects.join(", "),
            environment: None,
            url: Some(self.url.clone()),
            count: Some(n_alerts),
            facts: Vec::new(),
        }
    }
}
