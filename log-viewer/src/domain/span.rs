//! Where the bytes of a line or an entry stand, so that a position can say what was handed over and what was not.

/// Bytes of one file, `start` inclusive, `end` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Which file, by the number that its reader gave it.
    pub file: u32,
    /// First byte of the first line.
    pub start: u64,
    /// The byte after the line break of the last.
    pub end: u64,
}

impl Span {
    /// The first `n_bytes`, and the others.
    pub fn split(self, n_bytes: u64) -> (Self, Self) {
        let at = self.end.min(self.start + n_bytes);
        (Self { end: at, ..self }, Self { start: at, ..self })
    }
}

/// The bytes of an entry: one span per file, nearly always one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spans {
    first: Span,
    others: Vec<Span>,
}

impl Spans {
    /// Of one line.
    pub fn new(span: Span) -> Self {
        Self {
            first: span,
            others: Vec::new(),
        }
    }

    /// Takes in a later line; what stands between belongs to the other stream.
    pub fn add(&mut self, span: Span) {
        let known = self.iter_mut().find(|known| known.file == span.file);
        match known {
            Some(known) => {
                known.start = known.start.min(span.start);
                known.end = known.end.max(span.end);
            }
            None => self.others.push(span),
        }
    }

    /// Takes in all of another.
    pub fn add_all(&mut self, other: &Spans) {
        other.iter().for_each(|span| self.add(*span));
    }

    /// One per file.
    pub fn iter(&self) -> impl Iterator<Item = &Span> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Span> {
        std::iter::once(&mut self.first).chain(&mut self.others)
    }
}
