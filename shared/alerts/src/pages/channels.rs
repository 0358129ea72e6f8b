//! Where alerts go: the channels with their buttons, and the form that adds one.

use askama::Template;
use askama::filters::HtmlSafe;
use ui::Excerpt;

use crate::channel::{self, NewChannel};
use crate::store::channels::Channel;
use crate::told::Reach;

/// A section of the page.
#[derive(Debug, Clone, Template)]
#[template(path = "pages/channels.html")]
pub struct Channels {
    root: String,
    reach: Reach,
    rows: Vec<Row>,
    kinds: &'static [(&'static str, &'static str)],
    /// What was asked for and refused, for the form to come back filled; but its secret.
    asked: NewChannel,
    is_open: bool,
}

#[derive(Debug, Clone)]
struct Row {
    id: i64,
    name: String,
    kind: &'static str,
    to: String,
    /// Where its deletion is sent to.
    delete: String,
}

/// Its own template has escaped what is in it.
impl HtmlSafe for Channels {}

impl Channels {
    pub(crate) fn new(root: String, reach: Reach, channels: &[Channel], asked: Option<NewChannel>) -> Self {
        let rows = channels.iter().map(|stored| Row {
            id: stored.id,
            name: stored.name.clone(),
            kind: kind_label(&stored.kind),
            to: channel::shown(stored),
            delete: format!("{root}alerts/channels/{}/delete", stored.id),
        });
        Self {
            rows: rows.collect(),
            root,
            reach,
            kinds: &channel::KINDS,
            is_open: asked.is_some(),
            asked: asked.unwrap_or_default(),
        }
    }
}

fn kind_label(kind: &str) -> &'static str {
    channel::KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .map_or("", |(_, label)| label)
}

/// A channel's name, even after it is gone.
pub(super) fn channel_name(channels: &[Channel], id: i64) -> String {
    let found = channels.iter().find(|channel| channel.id == id);
    found.map_or_else(
        || format!("channel {id}, deleted"),
        |channel| channel.name.clone(),
    )
}
