//! Places of one source text, asked for in rising order: each byte is read a few times, however many places there are.

use super::outline::Outline;
use super::scope::walk;
use super::source_context::{self, Context};
use super::source_map::Position;

/// Goes through a text once. A place before one that was asked for has nothing.
pub struct Lines<'t> {
    text: &'t str,
    outline: Option<&'t Outline>,
    /// A line and where it begins: that of the first line of context, which the next place needs again.
    first: (u32, usize),
    /// The last place that was walked to, and its offset in bytes.
    last: Option<(Position, usize)>,
    /// The lines around the last line.
    context: Option<(u32, Option<Context>)>,
}

impl<'t> Lines<'t> {
    /// Of a text and what is known of it.
    pub fn new(text: &'t str, outline: Option<&'t Outline>) -> Self {
        Self {
            text,
            outline,
            first: (0, 0),
            last: None,
            context: None,
        }
    }

    /// The whole text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// How many bytes are before a place; its line's for a column behind the end. `None`: there is no such line.
    pub fn offset_of(&mut self, at: Position) -> Option<usize> {
        let near = self
            .last
            .filter(|(last, _)| last.line == at.line && last.column <= at.column);
        let (from, start) = match near {
            Some(near) => near,
            None => {
                self.go_before(at.line)?;
                let start = begin_of(self.text, self.first, at.line)?;
                let column = Position {
                    line: at.line,
                    column: 0,
                };
                (column, start)
            }
        };
        let (n_columns, n_bytes) = walk(&self.text[start..], at.column - from.column);
        let reached = Position {
            line: at.line,
            column: from.column + n_columns,
        };
        self.last = Some((reached, start + n_bytes));
        Some(start + n_bytes)
    }

    /// The lines around a line (0-based); `None` where the text has no such line.
    pub fn around(&mut self, line: u32) -> Option<Context> {
        if let Some((_, context)) = self.context.as_ref().filter(|(of, _)| *of == line) {
            return context.clone();
        }
        let context = self.go_before(line).and_then(|()| {
            let (first, start) = self.first;
            source_context::around(&self.text[start..], line - first)
        });
        self.context = Some((line, context.clone()));
        context
    }

    /// Steps to the first line of the context of a line, from the nearest one before it that is known.
    fn go_before(&mut self, line: u32) -> Option<()> {
        let wanted = line.saturating_sub(source_context::LINES as u32);
        let known = self.outline.map(|outline| outline.line_before(wanted));
        // Damaged outlines may say anything.
        let known =
            known.filter(|(first, start)| *first > self.first.0 && self.text.is_char_boundary(*start));
        let from = known.unwrap_or(self.first);
        self.first = (wanted, begin_of(self.text, from, wanted)?);
        Some(())
    }
}

/// Where a line begins, counted from a line before it.
fn begin_of(text: &str, (first, start): (u32, usize), line: u32) -> Option<usize> {
    let Some(n) = line.checked_sub(first)?.checked_sub(1) else {
        return Some(start);
    };
    let (end, _) = text[start..].match_indices('\n').nth(n as usize)?;
    Some(start + end + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::outline;
    use super::super::scope::offset_of;
    use super::super::unzip::Unzip;
    use super::*;

    #[test]
    fn many_places_of_one_long_line_are_found_in_one_walk() {
        let text = "a=1;".repeat(2 << 20);
        let n = text.len() as u32;
        let mut lines = Lines::new(&text, None);
        for column in (n - 12_000..n).step_by(100) {
            let at = Position { line: 0, column };
            assert_eq!(lines.offset_of(at), Some(column as usize));
            assert!(lines.around(0).is_some());
        }
    }

    proptest! {
        #[test]
        fn places_in_order_are_where_each_is_by_itself(
            text in "([a-z\u{e9}\u{1f600} ]{0,6}\n?){0,90}",
            mut places in proptest::collection::vec((0..90_u32, 0..12_u32), 1..20),
        ) {
            places.sort_unstable();
            let packed = outline::pack(&text).unwrap();
            let outline = Outline::unpack(&mut Unzip::default(), &packed);
            for outline in [None, outline.as_ref()] {
                let mut lines = Lines::new(&text, outline);
                for (line, column) in &places {
                    let at = Position { line: *line, column: *column };
                    prop_assert_eq!(lines.offset_of(at), offset_of(&text, *line, *column), "{:?}", at);
                    prop_assert_eq!(lines.around(*line), source_context::around(&text, *line), "{:?}", at);
                }
            }
        }
    }
}
