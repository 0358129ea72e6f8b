//! An exception while its lines still come in. Frames and message stay bounded meanwhile.

use crate::bounded::Ends;
use crate::frame::Frame;
use crate::trace::{Exception, MAX_EXCEPTIONS, MAX_FRAMES, MAX_MESSAGE, Relation};

pub(crate) struct Draft {
    exception: Exception,
    message: String,
    /// As printed.
    frames: Ends<Frame>,
    /// Whether frames have begun, or what the text says of them.
    pub(crate) is_message_over: bool,
}

impl Default for Draft {
    fn default() -> Self {
        Draft {
            exception: Exception::default(),
            message: String::new(),
            frames: Ends::new(MAX_FRAMES),
            is_message_over: false,
        }
    }
}

impl Draft {
    pub(crate) fn new(kind: &str, message: &str) -> Draft {
        Draft::default().headed(kind, message)
    }

    /// For a dialect that prints frames above the heading.
    pub(crate) fn headed(mut self, kind: &str, message: &str) -> Draft {
        self.exception = Exception::new(kind, "");
        self.is_message_over = false;
        if !message.is_empty() {
            self.add_message(message);
        }
        self
    }

    pub(crate) fn related(self, relation: Relation) -> Draft {
        let exception = Exception {
            relation: Some(relation),
            ..self.exception
        };
        Draft { exception, ..self }
    }

    pub(crate) fn has_kind(&self) -> bool {
        self.exception.kind.is_some()
    }

    pub(crate) fn has_frames(&mut self) -> bool {
        self.frames.last_mut().is_some()
    }

    /// One more line of the message.
    pub(crate) fn add_message(&mut self, line: &str) {
        if self.message.len() < MAX_MESSAGE {
            // Only as much is copied as will be kept.
            self.message
                .push_str(&line[..line.floor_char_boundary(MAX_MESSAGE)]);
            self.message.push('\n');
        }
    }

    pub(crate) fn add_frame(&mut self, frame: Frame) {
        self.is_message_over = true;
        self.frames.push(frame);
    }

    /// Counts frames that the text says it leaves out.
    pub(crate) fn omit(&mut self, n: usize) {
        self.is_message_over = true;
        self.frames.omit(n);
    }

    pub(crate) fn last_frame_mut(&mut self) -> Option<&mut Frame> {
        self.frames.last_mut()
    }

    /// Of a dialect that prints the innermost frame first.
    pub(crate) fn finish(self) -> Exception {
        let mut exception = self.finish_as_printed();
        exception.frames.reverse();
        exception
    }

    pub(crate) fn finish_as_printed(self) -> Exception {
        let (frames, n_omitted) = self.frames.into_parts();
        Exception {
            message: Exception::new("", &self.message).message,
            frames,
            n_omitted,
            ..self.exception
        }
    }
}

/// The exceptions of a trace as they are finished.
pub(crate) struct Chain(Ends<Exception>);

impl Chain {
    pub(crate) fn new() -> Chain {
        Chain(Ends::new(MAX_EXCEPTIONS))
    }

    /// The next one, if any, its frames printed innermost first.
    pub(crate) fn add(&mut self, draft: Option<Draft>) {
        if let Some(draft) = draft {
            self.push(draft.finish());
        }
    }

    pub(crate) fn push(&mut self, exception: Exception) {
        self.0.push(exception);
    }

    /// What the last one is to the one about to come.
    pub(crate) fn relate_last(&mut self, relation: Relation) {
        if let Some(last) = self.0.last_mut() {
            last.relation = Some(relation);
        }
    }

    /// When the cause was added first.
    pub(crate) fn in_order(self) -> (Vec<Exception>, usize) {
        self.0.into_parts()
    }

    /// When the cause was added last.
    pub(crate) fn reversed(self) -> (Vec<Exception>, usize) {
        let (mut exceptions, n_omitted) = self.0.into_parts();
        exceptions.reverse();
        (exceptions, n_omitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_becomes_an_exception() {
        let mut draft = Draft::new("PayError", "no price").related(Relation::Cause);
        draft.add_message("for the tea");
        draft.omit(3);
        let exception = draft.finish();
        assert_eq!(exception.message.as_deref(), Some("no price\nfor the tea"));
        assert_eq!(exception.kind.as_deref(), Some("PayError"));
        assert_eq!(
            (exception.relation, exception.n_omitted),
            (Some(Relation::Cause), 3)
        );
    }

    #[test]
    fn a_message_stays_bounded() {
        let mut draft = Draft::new("", &"é".repeat(MAX_MESSAGE));
        (0..100).for_each(|_| draft.add_message("more"));
        assert_eq!(draft.finish().message.unwrap().len(), MAX_MESSAGE);
    }
}
