//! Fields that the form of every rule has: to whom, and quiet hours.

use askama::Template;
use askama::filters::HtmlSafe;
use ui::Excerpt;
use web::Query;

use crate::store::channels::Channel;
use crate::told::Target;

/// Two fields, named `channel_id` and `quiet_hours`.
#[derive(Debug, Clone, Template)]
#[template(path = "pages/rule_fields.html")]
pub struct RuleFields {
    channels: Vec<(String, String)>,
    channel_id: String,
    quiet_hours: String,
}

/// Its own template has escaped what is in it.
impl HtmlSafe for RuleFields {}

impl RuleFields {
    pub(crate) fn new(channels: &[Channel]) -> Self {
        let channels = channels
            .iter()
            .map(|channel| (channel.id.to_string(), channel.name.clone()));
        Self {
            channels: channels.collect(),
            channel_id: String::new(),
            quiet_hours: String::new(),
        }
    }

    /// Filled with what a rule has.
    pub fn show(&mut self, target: Target, quiet_hours: Option<&str>) {
        self.channel_id = target
            .number()
            .map_or_else(String::new, |number| number.to_string());
        self.quiet_hours = quiet_hours.unwrap_or_default().to_owned();
    }

    /// Filled with what a form said.
    pub(crate) fn fill(&mut self, form: &Query) {
        self.channel_id = form.get("channel_id").unwrap_or_default().to_owned();
        self.quiet_hours = form.get("quiet_hours").unwrap_or_default().to_owned();
    }
}
