//! What a service brings: its causes and its words. Its rules are [`Rules`](crate::Rules).
//! Everything else is the same for all.

use std::collections::BTreeMap;
use std::future::Future;

use web::Result;

use crate::content::Content;
use crate::domain::digest::Digest;
use crate::machinery::Alerts;

/// Implemented by a service's `App`.
///
/// What an alert is about, its *subject*, is a row of the service's own with a number: an error group, a firing of a
/// rule. What is said of it is read when it is sent, so that it shows how things stand then.
pub trait Alerting: Send + Sync + Sized + 'static {
    /// What it tells of, within a sentence: `new and reopened errors`.
    const TELLS_OF: &'static str;
    /// What the API calls the number of a subject: `error_id`.
    const SUBJECT_ID: &'static str;

    /// The machinery.
    fn alerts(&self) -> &Alerts;

    /// One alert. None if what it was about is gone.
    fn single(&self, kind: &str, subject_id: i64) -> impl Future<Output = Result<Option<Content>>> + Send;

    /// Many at once: those whose `digest_id` this is. None if all that they were about is gone.
    fn digest(&self, digest_id: i64) -> impl Future<Output = Result<Option<Digest>>> + Send;

    /// Deletes a channel by [`channels::delete`](crate::store::channels::delete), and in the same transaction the
    /// rules that mean only it. False if it is not there.
    fn delete_channel(&self, id: i64) -> impl Future<Output = Result<bool>> + Send;

    /// A kind of alert as the history shows it: `New error`.
    fn kind_label(kind: &str) -> &'static str;

    /// What subjects are called, for the history; of those that are gone nothing.
    fn names(&self, subject_ids: Vec<i64>) -> impl Future<Output = Result<BTreeMap<i64, String>>> + Send;

    /// The subject's page, seen from the service's root: `errors/12`.
    fn subject_path(subject_id: i64) -> String;
}
