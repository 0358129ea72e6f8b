//! PHP: `PHP Fatal error:  Uncaught PayError: no tea in /srv/a.php:8`, `Stack trace:`, then `#0 /srv/a.php(11):
//! Basket->price('tea')`, innermost first, down to `{main}`; the exception raised because of it below `Next`.
//! A line names the call and where it was made, so the place inside a function stands one line further up.
//! The form: <https://www.php.net/manual/en/exception.gettraceasstring.php>.

use crate::draft::{Chain, Draft};
use crate::frame::{Frame, Place};
use crate::location::leading_digits;
use crate::trace::{Exception, Relation};
use crate::{in_app, kind, location};

const UNCAUGHT: &str = "Uncaught ";
const NEXT: &str = "Next ";
const LEVELS: &[&str] = &["Recoverable fatal error", "Fatal error", "Parse error", "Warning"];

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    let mut reader = Reader {
        done: Chain::new(),
        open: None,
        place: None,
        state: State::Above,
    };
    for line in text.lines() {
        reader.line(line.trim());
        if matches!(reader.state, State::Done) {
            break;
        }
    }
    reader.close();
    reader.done.in_order()
}

pub(crate) fn is_telling(line: &str) -> bool {
    let is_fatal = |rest: &str| rest.starts_with(UNCAUGHT) || on_line(rest).is_some();
    call(line).is_some() || level(line).is_some_and(|(_, rest)| is_fatal(rest))
}

struct Reader<'a> {
    done: Chain,
    open: Option<Draft>,
    /// Where the exception was made, or the call on the line before.
    place: Option<Place<'a>>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Above,
    Message,
    Frames,
    Done,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        if let Some((place, name)) = call(line) {
            return self.call(place, name);
        }
        match self.state {
            State::Above => self.above(line),
            State::Message if line == "Stack trace:" || line == "[stacktrace]" => self.state = State::Frames,
            State::Message => self.message(line),
            State::Frames => self.below(line),
            State::Done => {}
        }
    }

    fn above(&mut self, line: &'a str) {
        if let Some((level, rest)) = level(line) {
            match rest.strip_prefix(UNCAUGHT) {
                Some(heading) => self.heading(heading),
                None => self.native(level, rest),
            }
        } else if let Some((kind, message)) = monolog(line) {
            self.begin(&kind.replace(r"\\", r"\"), message);
        } else if let Some((kind, message)) = kind::anywhere(line).or_else(|| kind::at_start(line)) {
            self.begin(kind, message);
        }
    }

    fn heading(&mut self, heading: &'a str) {
        // PHP 5: `exception 'PayError' with message 'no tea' in /srv/a.php:8`.
        if let Some((kind, message)) = heading
            .strip_prefix("exception '")
            .and_then(|heading| heading.split_once("' with message '"))
        {
            let (message, place) = split_place(message);
            self.open = Some(Draft::new(kind, message.trim_end_matches('\'')));
            (self.place, self.state) = (place, State::Message);
            return;
        }
        let named = heading.split_once(": ").filter(|(kind, _)| kind::is_name(kind));
        match named {
            Some((kind, message)) => self.begin(kind, message),
            None => {
                // Without a message it is `PayError in /srv/a.php:8`.
                let (kind, place) = split_place(heading);
                self.open = Some(Draft::new(kind, ""));
                (self.place, self.state) = (place, State::Message);
            }
        }
    }

    fn begin(&mut self, kind: &str, message: &'a str) {
        let (message, place) = split_place(message);
        self.open = Some(Draft::new(kind, message));
        (self.place, self.state) = (place, State::Message);
    }

    /// An error of PHP's own has a place but no frames.
    fn native(&mut self, level: &str, rest: &'a str) {
        if let Some((message, place)) = on_line(rest) {
            self.open = Some(Draft::new(level, message));
            (self.place, self.state) = (Some(place), State::Done);
        }
    }

    /// The message goes on until a line that ends in the place.
    fn message(&mut self, line: &'a str) {
        if self.place.is_some() {
            return;
        }
        let (message, place) = split_place(line);
        self.open.get_or_insert_default().add_message(message);
        self.place = place;
    }

    fn call(&mut self, place: Place<'a>, name: &str) {
        let draft = self.open.get_or_insert_default();
        // Without a heading nobody knows where the innermost call got to.
        if let Some(at) = self.place.replace(place) {
            draft.add_frame(frame(name, at));
        }
        self.state = State::Frames;
    }

    fn below(&mut self, line: &'a str) {
        if let Some(heading) = line.strip_prefix(NEXT) {
            self.close();
            self.done.relate_last(Relation::Cause);
            self.heading(heading);
        } else if line.starts_with("thrown in ") || level(line).is_some() || line.starts_with('[') {
            self.state = State::Done;
        }
    }

    fn close(&mut self) {
        let place = self.place.take().filter(|place| !place.file.is_empty());
        if let (Some(draft), Some(place)) = (&mut self.open, place) {
            draft.add_frame(frame("", place));
        }
        self.done.add(self.open.take());
    }
}

/// `#0 /srv/shop.php(11): Shop\Basket->price('tea')`, `#1 [internal function]: f()` or `#2 {main}`.
fn call(line: &str) -> Option<(Place<'_>, &str)> {
    let line = line.strip_prefix('#')?;
    let digits = leading_digits(line);
    let rest = line[digits.len()..]
        .strip_prefix(' ')
        .filter(|_| !digits.is_empty())?;
    if rest == "{main}" {
        return Some((Place::default(), rest));
    }
    if let Some(name) = rest.strip_prefix("[internal function]: ") {
        return Some((Place::default(), name));
    }
    let (place, name) = rest.split_once("): ")?;
    let (file, line) = place.rsplit_once('(')?;
    let place = Place {
        file,
        line: Some(line.parse().ok()?),
        column: None,
    };
    Some((place, name))
}

/// `Shop\Basket->price('tea')` to `Shop\Basket` and `price`.
fn frame(call: &str, place: Place<'_>) -> Frame {
    // Laravel's log is JSON.
    let call = call.replace(r"\\", r"\");
    // PHP 8.4 calls a closure `{closure:Shop\Basket::total():11}`.
    let end_of_class = call.find(['{', '(']).unwrap_or(call.len());
    let class = &call[..end_of_class];
    let (class_end, start) = match (class.find("->").or(class.find("::")), class.rfind('\\')) {
        (Some(at), _) => (at, at + 2),
        (None, Some(at)) => (at, at + 1),
        (None, None) => (0, 0),
    };
    let method = &call[start..];
    let start_of_arguments = match method.find('}') {
        Some(end) if method.starts_with('{') => end + 1,
        _ => method.find('(').unwrap_or(method.len()),
    };
    let function = &method[..start_of_arguments];
    Frame::of(&call[..class_end], function, place, in_app::php(place.file))
}

/// `no tea in /srv/shop.php:8` to the message and the place; Monolog writes `at`.
fn split_place(heading: &str) -> (&str, Option<Place<'_>>) {
    let found = [" in ", " at "].iter().find_map(|word| {
        let (message, at) = heading.rsplit_once(word)?;
        let place = location::place(at.trim_end_matches([')', '"', '}']))?;
        (place.column.is_none() && place.file.contains(['/', '\\', '.'])).then_some((message, Some(place)))
    });
    // A line may hold nothing else: `in /srv/shop.php:8`.
    found.unwrap_or((heading, None))
}

/// `[12:00] PHP Fatal error:  x` to `Fatal error` and `x`.
fn level(line: &str) -> Option<(&str, &str)> {
    LEVELS.iter().find_map(|level| {
        let (before, rest) = line.split_once(level)?;
        let rest = rest.strip_prefix(':')?;
        let is_start = before.is_empty() || before.ends_with("PHP ") || before.ends_with('>');
        is_start.then(|| (*level, rest.trim_start()))
    })
}

/// `x in /srv/shop.php on line 23`.
fn on_line(text: &str) -> Option<(&str, Place<'_>)> {
    let (before, line) = text.rsplit_once(" on line ")?;
    let (message, file) = before.rsplit_once(" in ")?;
    let line = Some(line.parse().ok()?);
    Some((
        message,
        Place {
            file,
            line,
            column: None,
        },
    ))
}

/// `… [object] (Shop\\PayError(code: 0): no tea at /srv/shop.php:14)`, as Laravel logs it.
fn monolog(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once("[object] (")?;
    let (kind, rest) = rest.split_once("(code: ")?;
    Some((kind, rest.split_once("): ")?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let (exceptions, _) = parse(text);
        let shown: Vec<_> = exceptions
            .iter()
            .map(|exception| {
                let frames = exception.frames.iter().map(|frame| {
                    let line = frame.line.unwrap_or_default();
                    format!("{}:{line}", frame.function.as_deref().unwrap_or_default())
                });
                format!(
                    "{}|{}|{}|{}",
                    exception.kind.as_deref().unwrap_or_default(),
                    exception.message.as_deref().unwrap_or_default(),
                    frames.collect::<Vec<_>>().join(","),
                    exception
                        .relation
                        .map(|relation| format!("{relation:?}"))
                        .unwrap_or_default(),
                )
            })
            .collect();
        assert_eq!(shown, expected, "{text}");
    }

    fn check_name(call: &str, class: &str, function: &str) {
        let frame = frame(call, Place::default());
        let shown = (
            frame.module.as_deref().unwrap_or_default(),
            frame.function.as_deref().unwrap_or_default(),
        );
        assert_eq!(shown, (class, function), "{call}");
    }

    #[test]
    fn a_call_has_a_class_or_a_namespace() {
        check_name("Shop\\Basket->price('a->b')", "Shop\\Basket", "price");
        check_name("Shop\\Basket::pay(Array)", "Shop\\Basket", "pay");
        check_name("Shop\\pay(Array)", "Shop", "pay");
        check_name("array_map(Object(Closure), Array)", "", "array_map");
        check_name(
            "Shop\\Basket->Shop\\{closure}('tea')",
            "Shop\\Basket",
            "Shop\\{closure}",
        );
        check_name("Shop\\{closure}('tea')", "Shop", "{closure}");
        check_name(
            "B->{closure:Shop\\B::total():11}('tea')",
            "B",
            "{closure:Shop\\B::total():11}",
        );
        check_name("{main}", "", "{main}");
    }

    #[test]
    fn a_call_stands_where_the_one_above_it_was_made() {
        check(
            "PHP Fatal error:  Uncaught PayError: no\r\ntea in /a.php:8\r\nStack trace:\r\n#0 /a.php(11): f('x')\r\n\
             #1 {main}\r\n  thrown in /a.php on line 8\r\nFatal error: Uncaught B: x in /a.php:9",
            &["PayError|no\ntea|{main}:11,f:8|"],
        );
        check("#0 /a.php(11): f('x')\n#1 /a.php(12): g()", &["||:12,g:11|"]);
    }

    #[test]
    fn what_was_raised_because_of_it_comes_next() {
        check(
            "12:00 AError: a in /a.php:1\nStack trace:\n#0 {main}\n\nNext BError in /a.php:2\nStack trace:\n#0 {main}",
            &["AError|a|{main}:1|Cause", "BError||{main}:2|"],
        );
    }

    #[test]
    fn php_5_quotes_the_type() {
        check(
            "Fatal error: Uncaught exception 'PayError' with message 'no tea' in /a.php:1\nStack trace:\n#0 {main}",
            &["PayError|no tea|{main}:1|"],
        );
    }

    #[test]
    fn an_error_of_phps_own_has_only_a_place() {
        check(
            "Fatal error: no memory in /a b.php on line 23",
            &["Fatal error|no memory|:23|"],
        );
    }

    #[test]
    fn laravel_logs_the_exception_as_an_object() {
        check(
            "[12:00] local.ERROR: x {\"exception\":\"[object] (Shop\\\\PayError(code: 0): no tea at /a.php:14)\n[stacktrace]\n#0 /a.php(20): f()\n#1 {main}\n\"}",
            &["Shop\\PayError|no tea|{main}:20,f:14|"],
        );
    }

    #[test]
    fn other_lines_are_no_calls() {
        assert!(
            !is_telling("#1 priority") && !is_telling("# 1 {main}") && !is_telling("Fatal error: no tea")
        );
        assert!(!is_telling("#0 0x55 in main /srv/a.c:3"));
    }
}
