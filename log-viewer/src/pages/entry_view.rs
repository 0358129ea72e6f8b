//! One entry as a row of a page shows it.

use ui::link;

use super::asked_view::words;
use super::volume_view::class;
use crate::domain::entry::Stored;
use crate::domain::{styled, time_text};
use crate::row::{beginning, mark_names};

/// Characters of a message in a list; all of it is a click away.
pub(crate) const SHOWN_CHARS: usize = 2000;

/// A row.
pub(crate) struct EntryRow {
    pub(crate) id: u64,
    /// RFC 3339 to the nanosecond.
    pub(crate) time: String,
    pub(crate) container: String,
    pub(crate) level: &'static str,
    /// The level's class in the stylesheet.
    pub(crate) class: &'static str,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) is_cut: bool,
    pub(crate) n_lines: usize,
    pub(crate) marks: Vec<&'static str>,
    pub(crate) is_stderr: bool,
    pub(crate) unix_ms: i64,
}

/// A piece of the message that looks the same throughout.
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) class: String,
    pub(crate) is_link: bool,
}

impl EntryRow {
    /// With at most `max_chars` of the message.
    pub(crate) fn new(stored: &Stored, max_chars: usize) -> Self {
        let entry = &stored.entry;
        let message = beginning(&entry.message, max_chars);
        let pieces = styled::parts(message).into_iter().map(|part| Piece {
            text: part.text.to_owned(),
            class: part.style.classes(),
            is_link: part.is_link && link::web(part.text).is_some(),
        });
        Self {
            id: stored.id,
            time: time_text::exact(entry.time_ns),
            container: entry.container.to_string(),
            level: words(entry.level),
            class: class(entry.level),
            pieces: pieces.collect(),
            is_cut: message.len() < entry.message.len(),
            n_lines: entry.message.lines().count(),
            marks: mark_names(entry.marks),
            is_stderr: entry.stream == crate::domain::entry::Stream::Stderr,
            unix_ms: entry.time_ns.div_euclid(1_000_000),
        }
    }

    /// `2026-11-20 10:04:09.123`, UTC; the script makes it the reader's own.
    pub(crate) fn clock(&self) -> String {
        self.time.get(..23).unwrap_or(&self.time).replace('T', " ")
    }

    pub(crate) fn is_plain(&self, piece: &Piece) -> bool {
        piece.class.is_empty() && !piece.is_link
    }

    /// What happened to it on its way here, in sentences.
    pub(crate) fn what_happened(&self) -> Vec<&'static str> {
        let sentence = |mark: &&str| match *mark {
            "cut" => "The line was longer than is kept; its end is missing.",
            "damaged" => "Bytes that are no text were replaced.",
            _ => "Lines before this one were cut away before they could be read.",
        };
        self.marks.iter().map(sentence).collect()
    }
}
