//! A few lines of a source around a place.

/// Lines on each side.
pub const LINES: usize = 5;
/// A line is cut here, in characters.
const MAX_LINE_CHARS: usize = 200;

/// Lines of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Those before, at most five.
    pub before: Vec<String>,
    /// The line itself.
    pub line: String,
    /// Those after, at most five.
    pub after: Vec<String>,
}

/// The lines around line `line` (0-based); `None` where the text has no such line.
pub fn around(text: &str, line: u32) -> Option<Context> {
    let line = line as usize;
    let first = line.saturating_sub(LINES);
    let mut lines = text.lines().skip(first).take(line - first + 1 + LINES).map(cut);
    let before: Vec<String> = lines.by_ref().take(line - first).collect();
    Some(Context {
        before,
        line: lines.next()?,
        after: lines.collect(),
    })
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_lines_on_each_side_and_less_at_the_ends() {
        let text: String = (0..20).map(|n| format!("line {n}\n")).collect();
        let context = around(&text, 7).unwrap();
        assert_eq!((context.before[0].as_str(), context.before.len()), ("line 2", 5));
        assert_eq!(context.line, "line 7");
        assert_eq!((context.after[4].as_str(), context.after.len()), ("line 12", 5));
        let first = around(&text, 0).unwrap();
        assert_eq!((first.before.len(), first.line.as_str()), (0, "line 0"));
        assert_eq!(around(&text, 19).unwrap().after.len(), 0);
        assert_eq!(around(&text, 20), None);
        assert_eq!(around(&"x".repeat(10_000), 0).unwrap().line.chars().count(), 201);
    }
}
