//! Lists and texts that stop growing: the first and last halves of a list, the beginning of a text.

use std::collections::VecDeque;

/// The first and last halves of what is pushed, and how many went missing between them.
#[derive(Debug, Clone)]
pub(crate) struct Ends<T> {
    first: Vec<T>,
    last: VecDeque<T>,
    n_omitted: usize,
    max: usize,
}

impl<T> Ends<T> {
    pub(crate) fn new(max: usize) -> Self {
        Ends {
            first: Vec::new(),
            last: VecDeque::new(),
            n_omitted: 0,
            max,
        }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.first.len() < self.max.div_ceil(2) {
            self.first.push(item);
            return;
        }
        self.last.push_back(item);
        if self.last.len() > self.max / 2 {
            self.last.pop_front();
            self.n_omitted += 1;
        }
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut T> {
        self.last.back_mut().or(self.first.last_mut())
    }

    /// Counts items the text itself says it left out.
    pub(crate) fn omit(&mut self, n: usize) {
        self.n_omitted = self.n_omitted.saturating_add(n);
    }

    /// What was kept, in order, and how many were not.
    pub(crate) fn into_parts(self) -> (Vec<T>, usize) {
        let mut kept = self.first;
        kept.extend(self.last);
        (kept, self.n_omitted)
    }
}

/// The trimmed text, cut after at most `max` bytes; `None` when nothing is left.
pub(crate) fn text(text: &str, max: usize) -> Option<String> {
    let text = text.trim();
    let text = &text[..text.floor_char_boundary(max)];
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(max: usize, n: u32, expected: &[u32], n_omitted: usize) {
        let mut ends = Ends::new(max);
        (0..n).for_each(|number| ends.push(number));
        assert_eq!(ends.last_mut().copied(), n.checked_sub(1));
        assert_eq!(ends.into_parts(), (expected.to_vec(), n_omitted));
    }

    #[test]
    fn a_long_list_keeps_its_two_ends() {
        check(4, 0, &[], 0);
        check(4, 3, &[0, 1, 2], 0);
        check(4, 4, &[0, 1, 2, 3], 0);
        check(4, 10, &[0, 1, 8, 9], 6);
        check(3, 10, &[0, 1, 9], 7);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(text("  tea ", 10).as_deref(), Some("tea"));
        assert_eq!(text("thé", 3).as_deref(), Some("th"));
        assert_eq!(text("  ", 3), None);
    }
}
