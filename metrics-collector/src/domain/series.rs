//! A series: what is measured, where, and of which kind.

use std::sync::Arc;

use super::kind::Kind;
use super::labels::Labels;

/// Its identity. Two samples with equal ones belong together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    /// Name of the metric.
    pub name: Arc<str>,
    /// Kind of the metric.
    pub kind: Kind,
    /// Whose it is, if that was said.
    pub project: Option<Arc<str>>,
    /// Its labels.
    pub labels: Labels,
}
