//! An entry as the API writes it: in lists, in the tail, in exports.

use serde::Serialize;

use crate::domain::entry::{Entry, Marks};
use crate::domain::{styled, time_text};

/// The contract's fields, and what we add.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'e> {
    id: u64,
    /// To the second, as the contract has it.
    timestamp: String,
    /// The same to the nanosecond.
    time: String,
    container: &'e str,
    stream: &'static str,
    level: &'static str,
    message: &'e str,
    /// What happened to it on its way here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    marks: Vec<&'static str>,
    /// Whether the message is only the beginning.
    #[serde(skip_serializing_if = "is_false")]
    shortened: bool,
    /// The message as it looks, where it has colours or addresses in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Piece<'e>>,
}

#[derive(Debug, Serialize)]
struct Piece<'e> {
    text: &'e str,
    #[serde(skip_serializing_if = "String::is_empty")]
    class: String,
    #[serde(skip_serializing_if = "is_false")]
    link: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl<'e> Row<'e> {
    /// All of it.
    pub(crate) fn of(id: u64, entry: &'e Entry) -> Self {
        Self::with(id, entry, &entry.message)
    }

    /// With at most `max_chars` of the message, and its parts: for whoever shows it.
    pub(crate) fn shown(id: u64, entry: &'e Entry, max_chars: usize) -> Self {
        let message = beginning(&entry.message, max_chars);
        let mut row = Self::with(id, entry, message);
        row.shortened = message.len() < entry.message.len();
        if !styled::is_plain(message) {
            row.parts = styled::parts(message).iter().map(Piece::of).collect();
        }
        row
    }

    fn with(id: u64, entry: &'e Entry, message: &'e str) -> Self {
        Self {
            id,
            timestamp: time_text::seconds(entry.time_ns),
            time: time_text::exact(entry.time_ns),
            container: &entry.container,
            stream: entry.stream.name(),
            level: entry.level.name(),
            message,
            marks: mark_names(entry.marks),
            shortened: false,
            parts: Vec::new(),
        }
    }
}

impl<'e> Piece<'e> {
    fn of(part: &styled::Part<'e>) -> Self {
        Self {
            text: part.text,
            class: part.style.classes(),
            link: part.is_link,
        }
    }
}

/// The words for what happened to an entry.
pub(crate) fn mark_names(marks: Marks) -> Vec<&'static str> {
    let names = [
        (Marks::CUT, "cut"),
        (Marks::DAMAGED, "damaged"),
        (Marks::LOST, "lost"),
    ];
    names
        .into_iter()
        .filter(|(mark, _)| marks.has(*mark))
        .map(|(_, name)| name)
        .collect()
}

/// At most `max_chars` characters of a text.
pub(crate) fn beginning(text: &str, max_chars: usize) -> &str {
    if text.len() <= max_chars {
        return text;
    }
    let end = text.char_indices().nth(max_chars).map_or(text.len(), |(i, _)| i);
    &text[..end]
}
