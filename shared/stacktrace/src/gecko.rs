//! Firefox and Safari: `function@file:line:column`, innermost first, without the message.
//! The form: <https://developer.mozilla.org/docs/Web/JavaScript/Reference/Global_Objects/Error/stack>.

use crate::frame::{Frame, Place};
use crate::trace::Exception;
use crate::{location, script};

/// What Safari writes instead of a location for its own functions.
const BUILT_IN: &[&str] = &["[native code]", "[wasm code]"];

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    script::parse(text, frame)
}

/// One trimmed line.
pub(crate) fn frame(line: &str) -> Option<Frame> {
    let Some((name, location)) = line.split_once('@') else {
        return bare(line).map(|place| Frame::new("", place));
    };
    // `Error: no answer from shop@/srv/socket:12` is a message.
    if name.contains(": ") {
        return None;
    }
    let is_eval = name == "eval code" && location.is_empty();
    let place = if is_eval {
        Place::default()
    } else {
        place(location)?
    };
    Some(Frame::new(function(name), place))
}

/// Safari leaves out the `@` of a nameless function.
fn bare(line: &str) -> Option<Place<'_>> {
    if BUILT_IN.contains(&line) {
        return Some(Place::default());
    }
    let is_url = line.contains("://") && !line.contains([' ', '\t']);
    place(line).filter(|place| is_url && place.column.is_some())
}

fn place(location: &str) -> Option<Place<'_>> {
    if BUILT_IN.contains(&location) {
        return Some(Place::default());
    }
    if let Some((file, _)) = location.split_once(":wasm-function[") {
        return Some(Place {
            file,
            ..Place::default()
        });
    }
    let place = location::place(location)?;
    location::looks_like_a_place(place.file).then(|| eval_origin(place))
}

/// `a.js line 3 > eval` at 1:2 to `a.js` at line 3.
fn eval_origin(place: Place<'_>) -> Place<'_> {
    let file = location::without_eval(place.file);
    match place.file[file.len()..].strip_prefix(" line ") {
        Some(rest) => Place {
            file,
            line: location::leading_digits(rest).parse().ok(),
            column: None,
        },
        None => place,
    }
}

/// Without how an asynchronous call came about (`promise callback*f`), and nothing for `/<`, an anonymous function.
fn function(name: &str) -> &str {
    let name = name.rsplit_once('*').map_or(name, |(_, name)| name);
    let is_anonymous = name.chars().all(|character| "/<".contains(character));
    if is_anonymous { "" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let shown = match frame(line) {
            Some(frame) => format!(
                "{}|{}|{}|{}",
                frame.function.unwrap_or_default(),
                frame.file.unwrap_or_default(),
                frame.line.unwrap_or_default(),
                frame.column.unwrap_or_default(),
            ),
            None => "none".to_owned(),
        };
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn firefox_names_may_be_missing_or_asynchronous() {
        check("f@http://h:80/a.js?q=1:1:2", "f|http://h:80/a.js?q=1|1|2");
        check("@http://h/a.js:1:2", "|http://h/a.js|1|2");
        check("/<@http://h/a.js:1:2", "|http://h/a.js|1|2");
        check("shop.pay/<@http://h/a.js:1:2", "shop.pay/<|http://h/a.js|1|2");
        check("async*f@http://h/a.js:1:2", "f|http://h/a.js|1|2");
        check("promise callback*f/g<@a.js:1:2", "f/g<|a.js|1|2");
        check("setTimeout handler*@http://h/a.js:1:2", "|http://h/a.js|1|2");
    }

    #[test]
    fn evaluated_code_is_where_eval_stood() {
        check("f@http://h/a.js line 3 > eval:1:2", "f|http://h/a.js|3|0");
        check(
            "f@http://h/a.js line 3 > eval line 1 > Function:1:2",
            "f|http://h/a.js|3|0",
        );
        check("@debugger eval code:1:2", "|debugger eval code|1|2");
        check("eval code@", "eval code||0|0");
    }

    #[test]
    fn safari_may_leave_out_the_at_sign() {
        check("http://h/a.js:1:2", "|http://h/a.js|1|2");
        check("[native code]", "||0|0");
        check("map@[native code]", "map||0|0");
        check("global code@http://h/:14:5", "global code|http://h/|14|5");
        check("<?>.wasm-function[3]@[wasm code]", "<?>.wasm-function[3]||0|0");
    }

    #[test]
    fn urls_may_hold_at_signs_and_parentheses() {
        check("f@http://h/@shop/a(1).js:1:2", "f|http://h/@shop/a(1).js|1|2");
        check(
            "f@http://h/a.wasm:wasm-function[12]:0x1ff",
            "f|http://h/a.wasm|0|0",
        );
    }

    #[test]
    fn other_lines_are_no_frames() {
        check("Error: no mail to bob@example.com:25", "none");
        check("bob@example.com:25", "none");
        check("Error: no answer from shop@/srv/socket:12", "none");
        check("see http://h/a:12", "none");
        check("@home", "none");
    }
}
