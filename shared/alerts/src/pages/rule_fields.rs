//! Fields that the form of every rule has: to whom, and quiet hours.

use askama::Template;
use askama::filters::HtmlSafe;
use ui::Excerpt;

use crate::store::channels::Channel;

/// Two fields, named `channel_id` and `quiet_hours`.
#[derive(Debug, Clone, Template)]
#[template(path = "pages/rule_fields.html")]
pub struct RuleFields {
    channels: Vec<(i64, String)>,
}

/// Its own template has escaped what is in it.
impl HtmlSafe for RuleFields {}

impl RuleFields {
    pub(crate) fn new(channels: &[Channel]) -> Self {
        let channels = channels.iter().map(|channel| (channel.id, channel.name.clone()));
        Self {
            channels: channels.collect(),
        }
    }
}
