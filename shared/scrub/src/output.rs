//! The text as it will be: borrowed until the first replacement.

use std::borrow::Cow;
use std::ops::Range;

/// Copies what lies between the replacements.
pub(crate) struct Output<'t> {
    source: &'t str,
    /// What was written, and how far in the source it reaches.
    written: String,
    n_copied: usize,
}

/// A state to return to.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    length: usize,
    n_copied: usize,
}

impl<'t> Output<'t> {
    pub(crate) fn new(source: &'t str) -> Self {
        Output {
            source,
            written: String::new(),
            n_copied: 0,
        }
    }

    /// Puts `with` in the place of `range`; ranges come in order and do not overlap.
    pub(crate) fn replace(&mut self, range: Range<usize>, with: &str) {
        if self.written.capacity() == 0 {
            self.written.reserve(self.source.len() + with.len());
        }
        self.written.push_str(&self.source[self.n_copied..range.start]);
        self.written.push_str(with);
        self.n_copied = range.end;
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            length: self.written.len(),
            n_copied: self.n_copied,
        }
    }

    /// Whether anything behind `start` was replaced.
    pub(crate) fn has_replaced(&self, start: usize) -> bool {
        self.n_copied > start
    }

    /// Forgets the replacements since `mark`.
    pub(crate) fn undo(&mut self, mark: Mark) {
        self.written.truncate(mark.length);
        self.n_copied = mark.n_copied;
    }

    pub(crate) fn finish(mut self) -> Cow<'t, str> {
        if self.n_copied == 0 {
            return Cow::Borrowed(self.source);
        }
        self.written.push_str(&self.source[self.n_copied..]);
        Cow::Owned(self.written)
    }
}
