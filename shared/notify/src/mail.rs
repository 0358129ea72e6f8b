//! A message as a mail, for whoever carries mails.

use crate::cut;
use crate::message::Message;

/// Mail servers refuse lines of more than 998 bytes.
const MAX_SUBJECT: usize = 200;
/// Nobody reads more.
const MAX_TEXT: usize = 32 * 1024;
const MAX_FACTS: usize = 50;
const MAX_VALUE: usize = 1000;
const MAX_URL: usize = 2048;

/// A mail without its addresses, short enough for every server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// For readers without HTML.
    pub plain: String,
    /// The same, escaped.
    pub html: String,
}

impl Message {
    /// The message as a mail.
    pub fn mail(&self) -> Mail {
        Mail {
            subject: cut::units(&self.headline(), MAX_SUBJECT),
            plain: plain(self),
            html: html(self),
        }
    }
}

fn plain(message: &Message) -> String {
    let mut text = format!("{}\n\n", cut::units(&message.headline(), MAX_VALUE));
    if !message.text.trim().is_empty() {
        text += &cut::units(message.text.trim_end(), MAX_TEXT);
        text += "\n\n";
    }
    for (name, value) in message.named().iter().take(MAX_FACTS) {
        text += &format!(
            "{}: {}\n",
            cut::units(name, MAX_VALUE),
            cut::units(value, MAX_VALUE)
        );
    }
    if let Some(url) = message.link(MAX_URL) {
        text += &format!("\n{url}\n");
    }
    text
}

fn html(message: &Message) -> String {
    let value = |text: &str| cut::escaped(text, MAX_VALUE, entity);
    let mut html = format!("<html><body><h2>{}</h2>", value(&message.headline()));
    if !message.text.trim().is_empty() {
        let text = cut::escaped(message.text.trim_end(), MAX_TEXT, entity);
        html += &format!("<pre style=\"white-space:pre-wrap\">{text}</pre>");
    }
    html += "<table>";
    for (name, text) in message.named().iter().take(MAX_FACTS) {
        html += &format!(
            "<tr><th align=\"left\">{}</th><td>{}</td></tr>",
            value(name),
            value(text)
        );
    }
    html += "</table>";
    if let Some(url) = message.link(MAX_URL) {
        let url = cut::escaped(&url, 6 * MAX_URL, entity);
        html += &format!("<p><a href=\"{url}\">Open in Monlight</a></p>");
    }
    html + "</body></html>"
}

fn entity(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}
