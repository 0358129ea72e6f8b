//! The table of variables as text: for `--help` and for `check-config`.

use std::fmt::Write;

use crate::variable::Variable;

/// Widest line of the help, in columns.
const WIDTH: usize = 100;
/// Columns between two columns of text.
const GAP: usize = 2;
/// A name longer than this stands alone on its line.
const MAX_NAME: usize = 32;

/// Every variable with its meaning and default, wrapped to 100 columns, for `--help`.
pub fn help_table(variables: &[Variable]) -> String {
    let longest = variables
        .iter()
        .map(|variable| variable.name.len())
        .max()
        .unwrap_or(0);
    let indent = GAP + longest.min(MAX_NAME) + GAP;
    let mut table = String::from("Environment variables:\n");
    for variable in variables {
        push_row(&mut table, variable.name, &described(variable), indent);
    }
    let note = "Each variable NAME can also be given as NAME_FILE, the path of a file that holds the value \
                (one final line end is cut). Setting both is an error.";
    table.push('\n');
    for line in wrap(note, WIDTH) {
        push_line(&mut table, &line);
    }
    table
}

/// Every variable with the origin and value in force, secrets masked, for `check-config`.
pub fn check_table(variables: &[Variable]) -> String {
    let longest = variables
        .iter()
        .map(|variable| variable.name.len())
        .max()
        .unwrap_or(0);
    let origins: Vec<String> = variables
        .iter()
        .map(|variable| variable.origin.to_string())
        .collect();
    let widest = origins
        .iter()
        .map(|origin| origin.chars().count())
        .max()
        .unwrap_or(0);
    let mut table = String::new();
    for (variable, origin) in variables.iter().zip(origins) {
        let value = variable.value.as_deref().unwrap_or("(none)");
        push_line(
            &mut table,
            &format!("{:longest$}  {origin:widest$}  {value}", variable.name),
        );
    }
    table
}

fn described(variable: &Variable) -> String {
    let mut text = variable.meaning.to_owned();
    if variable.is_secret {
        text.push_str(" [secret]");
    } else if !variable.default.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, " [default: {}]", variable.default);
    }
    text
}

/// The name, and the text beside it: every line of the text starts at column `indent`.
fn push_row(table: &mut String, name: &str, text: &str, indent: usize) {
    let mut head = format!("{:GAP$}{name}", "");
    if head.len() + GAP > indent {
        push_line(table, &head);
        head.clear();
    }
    for line in wrap(text, WIDTH - indent) {
        push_line(table, &format!("{head:indent$}{line}"));
        head.clear();
    }
}

fn push_line(table: &mut String, line: &str) {
    table.push_str(line.trim_end());
    table.push('\n');
}

/// The words of `text` in lines of at most `width` characters; a longer word has its own line. At least one line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let is_full = line.chars().count() + 1 + word.chars().count() > width;
        if is_full && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Reader;

    #[test]
    fn help_is_aligned_and_wrapped() {
        let mut reader = Reader::describe();
        reader.secret("API_KEY", "Key of everyone who may write and read.");
        let long = "Whole days that a resolved group is kept after it was last seen; a group that nobody has \
                    resolved stays for good.";
        reader.number("RETENTION_DAYS", 90_u32, 1..=3650, long);
        reader.text("A_NAME_SO_LONG_THAT_IT_HAS_ITS_OWN_LINE", "", "Odd.");
        let table = help_table(&reader.finish().unwrap());
        let expected = "\
Environment variables:
  API_KEY                           Key of everyone who may write and read. [secret]
  RETENTION_DAYS                    Whole days that a resolved group is kept after it was last seen;
                                    a group that nobody has resolved stays for good. [default: 90]
  A_NAME_SO_LONG_THAT_IT_HAS_ITS_OWN_LINE
                                    Odd.

Each variable NAME can also be given as NAME_FILE, the path of a file that holds the value (one
final line end is cut). Setting both is an error.
";
        assert_eq!(table, expected);
    }

    #[test]
    fn check_shows_values_and_origins_but_no_secret() {
        let lookup = |name: &str| match name {
            "API_KEY_FILE" => Some("/run/secrets/key".to_owned()),
            "BASE_URL" => Some("https://ann:pw@mon.example.com".to_owned()),
            _ => None,
        };
        let read_file = |_: &std::path::Path| Ok("hunter2".to_owned());
        let mut reader = Reader::new(&lookup, &read_file);
        reader.secret("API_KEY", "");
        reader.text("BASE_URL", "", "");
        reader.text("PORT", "5010", "");
        reader.optional_text("SMTP_HOST", "");
        let expected = "\
API_KEY    file /run/secrets/key  ***
BASE_URL   environment            https://***@mon.example.com
PORT       default                5010
SMTP_HOST  default                (none)
";
        assert_eq!(check_table(&reader.finish().unwrap()), expected);
    }
}
