//! The outline that all JavaScript traces share: a heading, then frames, innermost first; then perhaps the cause,
//! printed in the same way. What a frame looks like is the dialect's affair.

use crate::bounded::Ends;
use crate::frame::Frame;
use crate::heading;
use crate::trace::{Exception, MAX_EXCEPTIONS, MAX_FRAMES, Relation};

pub(crate) fn parse(text: &str, frame: fn(&str) -> Option<Frame>) -> (Vec<Exception>, usize) {
    let mut reader = Reader::new();
    let mut block_start = 0;
    let mut position = 0;
    for line in text.split_inclusive('\n') {
        let line_start = position;
        position += line.len();
        if let Some(frame) = frame(line.trim()) {
            reader.heading(&text[block_start..line_start]);
            reader.frames.push(frame);
            block_start = position;
        } else if let Some(n) = n_repeated(line.trim()) {
            reader.frames.omit(n);
        }
    }
    reader.finish()
}

struct Reader {
    /// Raised last first, as printed.
    done: Ends<Exception>,
    open: Option<Exception>,
    frames: Ends<Frame>,
    is_in_group: bool,
}

impl Reader {
    fn new() -> Self {
        let (done, frames) = (Ends::new(MAX_EXCEPTIONS), Ends::new(MAX_FRAMES));
        Reader {
            done,
            open: None,
            frames,
            is_in_group: false,
        }
    }

    /// Takes the text between the frame before and the next one, which may open another exception.
    fn heading(&mut self, block: &str) {
        if self.open.is_none() {
            self.open = Some(heading::first(block));
            return;
        }
        if block.is_empty() {
            return;
        }
        self.is_in_group |= block.lines().any(|line| line.trim() == "[errors]: [");
        if let Some(mut exception) = heading::later(block) {
            if self.is_in_group {
                exception.relation = exception.relation.or(Some(Relation::Member));
            }
            self.close();
            self.open = Some(exception);
        }
    }

    fn close(&mut self) {
        let frames = std::mem::replace(&mut self.frames, Ends::new(MAX_FRAMES));
        let Some(exception) = self.open.take() else { return };
        let (mut frames, n_omitted) = frames.into_parts();
        frames.reverse();
        self.done.push(Exception {
            frames,
            n_omitted,
            ..exception
        });
    }

    fn finish(mut self) -> (Vec<Exception>, usize) {
        self.close();
        let (mut exceptions, n_omitted) = self.done.into_parts();
        exceptions.reverse();
        (exceptions, n_omitted)
    }
}

/// `... 4 lines matching cause stack trace ...`, by which Node leaves out what it has printed already.
fn n_repeated(line: &str) -> Option<usize> {
    let n = line
        .strip_prefix("... ")?
        .strip_suffix(" lines matching cause stack trace ...")?;
    n.parse().ok()
}
