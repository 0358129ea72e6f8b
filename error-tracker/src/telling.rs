//! What the tracker tells: read from the store when it is sent, so that it shows how things stand then.

use std::collections::BTreeMap;

use notify::Message;
use rusqlite::Connection;
use web::{Error, Result};

use crate::app::App;
use crate::domain::alerting::Kind;
use crate::domain::{digest, mail};
use crate::store::digests::{self, Totals};
use crate::store::groups::{self, Group};
use crate::store::occurrences::{self, Occurrence};
use crate::store::rules;
use alerts::domain::digest::Digest;
use alerts::store::channels;
use alerts::{Alerting, Alerts, Content};

/// Groups named in a digest; the others are only counted.
const DIGEST_GROUPS: u32 = digest::MAX_GROUPS as u32;

impl Alerting for App {
    const TELLS_OF: &'static str = "new and reopened errors";
    const SUBJECT_ID: &'static str = "error_id";

    fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    async fn single(&self, kind: &str, group_id: i64) -> Result<Option<Content>> {
        let kind = Kind::read(kind).unwrap_or(Kind::Created);
        let base = self.alerts.base_url();
        let found = self.read(move |connection| find(connection, kind, group_id, &base));
        let content = found.await?.map(|alert| alert.content());
        content.transpose().map_err(Error::internal)
    }

    async fn digest(&self, digest_id: i64) -> Result<Option<Digest>> {
        let base = self.alerts.base_url();
        let found = self.read(move |connection| find_many(connection, digest_id, base));
        Ok(found.await?.map(|many| many.digest()))
    }

    async fn delete_channel(&self, id: i64) -> Result<bool> {
        let deleted = self.change(move |tx| {
            rules::delete_of_channel(tx, id)?;
            channels::delete(tx, id)
        });
        deleted.await
    }

    fn kind_label(kind: &str) -> &'static str {
        match Kind::read(kind).unwrap_or(Kind::Created) {
            Kind::Created => "New error",
            Kind::Reopened => "Reopened error",
            Kind::Spike => "Spike",
            Kind::EveryN => "Goes on",
            Kind::Woken => "Awake again",
        }
    }

    async fn names(&self, group_ids: Vec<i64>) -> Result<BTreeMap<i64, String>> {
        let found = self.common.read(move |connection| {
            let mut names = BTreeMap::new();
            for id in group_ids {
                let found = groups::find(connection, id)?;
                names.extend(found.map(|(group, _)| (id, group.exception_type)));
            }
            Ok(names)
        });
        found.await
    }

    fn subject_path(group_id: i64) -> String {
        format!("errors/{group_id}")
    }
}

/// Something happened to one group.
struct Alert {
    kind: Kind,
    group: Group,
    newest: Option<Occurrence>,
    first_traceback: String,
    url: String,
}

fn find(connection: &Connection, kind: Kind, id: i64, base: &str) -> rusqlite::Result<Option<Alert>> {
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

impl Alert {
    fn content(&self) -> askama::Result<Content> {
        Ok(Content {
            message: self.message(),
            mail: self.mail()?,
        })
    }

    fn message_text(&self) -> &str {
        self.newest
            .as_ref()
            .map_or(&self.group.message, |newest| &newest.message)
    }

    fn mail(&self) -> askama::Result<alerts::domain::mail::Text> {
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

/// Much happened at once.
struct Many {
    totals: Totals,
    /// With why, and their pages.
    groups: Vec<(Group, Kind, String)>,
    url: String,
}

fn find_many(connection: &Connection, digest_id: i64, base: String) -> rusqlite::Result<Option<Many>> {
    let totals = digests::totals(connection, digest_id)?;
    let mut groups = Vec::new();
    for (group_id, kind) in digests::of_groups(connection, digest_id, DIGEST_GROUPS)? {
        let found = groups::find(connection, group_id)?;
        groups.extend(found.map(|(group, _)| (group, kind, format!("{base}/errors/{group_id}"))));
    }
    Ok((!totals.by_kind.is_empty()).then_some(Many {
        totals,
        groups,
        url: format!("{base}/"),
    }))
}

impl Many {
    fn digest(&self) -> Digest {
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
            counts: &self.totals.by_kind,
            projects: &self.totals.projects,
            n_projects: self.totals.n_projects,
            groups: &groups,
            url: &self.url,
        })
    }
}
