//! An exception's type and message on a line that may begin with a log's own words.

use crate::draft::Draft;

/// What the names of exceptions end in, in all languages that have them.
const ENDINGS: &[&str] = &["Exception", "Error", "Throwable", "Failure", "Fault"];

/// The text above the first frame: the first line that names an exception and what follows it, else a line that
/// begins with a qualified name, else everything as the message.
pub(crate) fn heading(block: &str) -> Draft {
    let found = after_first(block, anywhere).or_else(|| after_first(block, at_start));
    let ((kind, message), rest) = found.unwrap_or((("", ""), block));
    let mut draft = Draft::new(kind, message);
    rest.lines().for_each(|line| draft.add_message(line));
    draft
}

type Found<'a> = ((&'a str, &'a str), &'a str);

/// What `split` makes of the first line it knows, and the lines after it.
fn after_first<'a>(block: &'a str, split: fn(&'a str) -> Option<(&'a str, &'a str)>) -> Option<Found<'a>> {
    let mut end = 0;
    block.split_inclusive('\n').find_map(|line| {
        end += line.len();
        Some((split(line.trim())?, &block[end..]))
    })
}

/// `12:00 ERROR java.io.IOException: no tea` to `java.io.IOException` and `no tea`; the message may be missing.
pub(crate) fn anywhere(line: &str) -> Option<(&str, &str)> {
    let mut rest = line;
    loop {
        if let Some(found) = at_start(rest).filter(|(kind, _)| is_error(kind)) {
            return Some(found);
        }
        rest = rest.split_once([' ', '\t'])?.1;
    }
}

/// The same at the very beginning, where a qualified name is enough: `shop.Closed: come back`.
pub(crate) fn at_start(line: &str) -> Option<(&str, &str)> {
    let end = line.find([' ', '\t']).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let kind = word.trim_end_matches(':');
    let is_followed = kind.len() < word.len() || rest.is_empty();
    let is_known = is_error(kind) || is_qualified(kind);
    (is_followed && is_name(kind) && is_known).then(|| (kind, rest.trim_start()))
}

pub(crate) fn is_error(kind: &str) -> bool {
    ENDINGS.iter().any(|ending| kind.ends_with(ending))
}

/// Characters of a name as Java, .NET, Ruby and PHP qualify it.
pub(crate) fn is_name(kind: &str) -> bool {
    let begins_well = kind.starts_with(|c: char| c.is_alphabetic() || "_\\".contains(c));
    begins_well
        && kind
            .chars()
            .all(|c| c.is_alphanumeric() || "_$.:\\`+".contains(c))
}

fn is_qualified(kind: &str) -> bool {
    let last = kind.rsplit(['.', ':', '\\', '$']).next().unwrap_or(kind);
    last.len() < kind.len() && last.starts_with(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(block: &str, kind: &str, message: &str) {
        let exception = heading(block).finish();
        let shown = (
            exception.kind.unwrap_or_default(),
            exception.message.unwrap_or_default(),
        );
        assert_eq!(shown, (kind.to_owned(), message.to_owned()), "{block}");
    }

    #[test]
    fn a_type_may_stand_behind_a_logs_words() {
        check("java.io.IOException: no tea", "java.io.IOException", "no tea");
        check(
            "Exception in thread \"main\" shop.PayException",
            "shop.PayException",
            "",
        );
        check(
            "12:00 ERROR [main] shop.Till - failed\r\nshop.PayError: a: b\r\nc",
            "shop.PayError",
            "a: b\nc",
        );
        check("12:00 ERROR Shop::PayError: x", "Shop::PayError", "x");
    }

    #[test]
    fn a_qualified_name_is_enough_at_the_beginning() {
        check("shop.Closed: come back", "shop.Closed", "come back");
        check("WARN shop.Closed: come back", "", "WARN shop.Closed: come back");
        check("see shop.java: come back", "", "see shop.java: come back");
        check("", "", "");
    }
}
