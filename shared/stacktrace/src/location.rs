//! Where a line of text points to: the one location that the contract's fingerprint uses, and the pieces of it
//! that the JavaScript dialects share.

use crate::frame::Place;

/// Names that Firefox gives to code without a file.
const NAMELESS_SCRIPTS: &[&str] = &["debugger eval code", "self-hosted"];

const SCRIPT_EXTENSIONS: &[&str] = &[".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue", ".html"];

/// The file and line that decide the group of an error, the line's digits as written.
///
/// The last `File "…", line N` of the whole text; without any, the first frame of a JavaScript-like trace.
/// `None` when there is neither (Go, noise). This is what the original service did, so that groups survive the
/// move, with one exception: it took a location from any line with `at ` or `@` in it, so that a message such as
/// `Error: failed at 10:30` or a mail address decided the group (and each minute made another). Here a line must
/// begin with `at `, or have after its first `@` something that looks like a URL or path.
pub fn contract(traceback: &str) -> Option<(&str, &str)> {
    last_python(traceback).or_else(|| traceback.split('\n').find_map(first_script))
}

/// The last `File "…", line N`. A failed candidate hides others on its line, but none on the lines after it.
fn last_python(text: &str) -> Option<(&str, &str)> {
    const OPENING: &str = "File \"";
    let mut last = None;
    let mut position = 0;
    while let Some(found) = text[position..].find(OPENING) {
        let start = position + found + OPENING.len();
        // Stops at the next opening at the latest, so all these searches together are linear.
        let Some(length) = text[start..].find('"') else {
            break;
        };
        let (file, rest) = (&text[start..start + length], &text[start + length + 1..]);
        let digits = rest.strip_prefix(", line ").map_or("", leading_digits);
        if digits.is_empty() {
            let Some(end_of_line) = text[start..].find('\n') else {
                break;
            };
            position = start + end_of_line;
        } else {
            last = Some((file, digits));
            position = start + length + 1;
        }
    }
    last
}

fn first_script(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_matches([' ', '\t', '\r']);
    if let Some(rest) = line.strip_prefix("at ") {
        return file_and_line(in_parentheses(rest).unwrap_or(rest));
    }
    let (_, rest) = line.split_once('@')?;
    file_and_line(rest).filter(|(file, _)| looks_like_a_place(file))
}

/// What is between the first `(` and the first `)`.
fn in_parentheses(text: &str) -> Option<&str> {
    let opening = text.find('(')?;
    let closing = text.find(')')?;
    text.get(opening + 1..closing)
}

fn file_and_line(text: &str) -> Option<(&str, &str)> {
    let (before, last) = split_number(text)?;
    match split_number(before) {
        Some(("", _)) => None,
        Some((file, line)) => Some((file, line)),
        None => Some((before, last)),
    }
}

/// `https://h/a.js:1:2` taken apart; the column may be missing, the file may not.
pub(crate) fn place(text: &str) -> Option<Place<'_>> {
    let (before, last) = split_number(text)?;
    let (file, line, column) = match split_number(before) {
        Some((file, line)) => (file, line, last.parse().ok()),
        None => (before, last, None),
    };
    let line = line.parse().ok();
    (!file.is_empty()).then_some(Place { file, line, column })
}

/// Whether this could be a script's URL or path, rather than the rest of a mail address.
pub(crate) fn looks_like_a_place(file: &str) -> bool {
    if NAMELESS_SCRIPTS.contains(&file) {
        return true;
    }
    let url = without_eval(file);
    let has_folder = url.contains(['/', '\\']);
    let has_extension = SCRIPT_EXTENSIONS.iter().any(|extension| url.ends_with(extension));
    !url.contains([' ', '\t']) && (has_folder || has_extension)
}

/// Firefox says `a.js line 3 > eval` of a script that `a.js` made at line 3.
pub(crate) fn without_eval(file: &str) -> &str {
    match file.split_once(" line ") {
        Some((url, rest)) if rest.contains(" > ") => url,
        _ => file,
    }
}

/// `a.js:12` to `a.js` and `12`.
pub(crate) fn split_number(text: &str) -> Option<(&str, &str)> {
    let (before, digits) = text.rsplit_once(':')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((before, digits))
}

/// The digits that a text begins with.
pub(crate) fn leading_digits(text: &str) -> &str {
    let end = text.find(|character: char| !character.is_ascii_digit());
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, &str)>) {
        assert_eq!(contract(text), expected, "{text}");
    }

    #[test]
    fn python_takes_the_last_file_of_the_whole_text() {
        check(
            "File \"a.py\", line 1, in f\n  File \"b.py\", line 2",
            Some(("b.py", "2")),
        );
        check(
            "  File \"/site-packages/x.py\", line 007",
            Some(("/site-packages/x.py", "007")),
        );
        check(
            "File \"a.py\", line 1, File \"b.py\", line 2",
            Some(("b.py", "2")),
        );
        check(
            "at f (a.js:1:2)\nsaid File \"a b.py\", line 3",
            Some(("a b.py", "3")),
        );
        check("File \"a\nb.py\", line 3", Some(("a\nb.py", "3")));
        check("File \"\", line 3", Some(("", "3")));
    }

    #[test]
    fn a_malformed_file_hides_a_good_one_on_its_line_only() {
        check("File \"x\" File \"a.py\", line 1", None);
        check("File \"x\"\nFile \"a.py\", line 1", Some(("a.py", "1")));
        check("File \"x\", line \nFile \"a.py\", line 1", Some(("a.py", "1")));
        check("File \"a.py\", line 1\nFile \"", Some(("a.py", "1")));
        check("File \"a.py\", line x\n at f (b.js:1:2)", Some(("b.js", "1")));
    }

    #[test]
    fn v8_takes_the_first_frame() {
        check(
            "Error: x\n    at f (http://h:80/a.js:1:2)\n    at g (b.js:3:4)",
            Some(("http://h:80/a.js", "1")),
        );
        check("Error\n\tat C:\\a.js:12:3\r\n", Some(("C:\\a.js", "12")));
        check("at async file:///a.mjs:1:2", Some(("async file:///a.mjs", "1")));
        check("at f (<anonymous>)\nat g (b.js:3:4)", Some(("b.js", "3")));
        check("at f (a.js:1:2) [x]", Some(("a.js", "1")));
        check("at f (native) b.js:1:2\nat c.js:3", Some(("c.js", "3")));
        let eval = "at eval (eval at f (http://h/a.js:1:2), <anonymous>:3:4)";
        check(eval, Some(("eval at f (http://h/a.js", "1")));
        check("at (:1:2)\nat :7", Some(("", "7")));
    }

    #[test]
    fn firefox_and_safari_take_what_follows_the_first_at_sign() {
        check("f@http://h/@scope/a.js:1:2", Some(("http://h/@scope/a.js", "1")));
        check("map@[native code]\n@/a.js:3", Some(("/a.js", "3")));
        check("@debugger eval code:1:1", Some(("debugger eval code", "1")));
        check(
            "f@http://h/a.js line 3 > eval:1:2",
            Some(("http://h/a.js line 3 > eval", "1")),
        );
        check("f@app.ts:3:1", Some(("app.ts", "3")));
    }

    #[test]
    fn java_has_a_location_and_go_has_none() {
        check(
            "Exception: x\n\tat shop.Basket.total(Basket.java:42)",
            Some(("Basket.java", "42")),
        );
        check(
            "goroutine 1 [running]:\nmain.main()\n\t/srv/main.go:6 +0x25",
            None,
        );
    }

    #[test]
    fn a_time_or_a_mail_address_in_the_message_is_no_location() {
        check("Error: failed at 10:30", None);
        check("Error: what happened:12", None);
        check("Error: no mail to bob@example.com:25", None);
        check("Error: bob@example.com, see https://h/a:12", None);
        check("Error: failed at 10:30\n    at f (a.js:1:2)", Some(("a.js", "1")));
        check("", None);
    }
}
