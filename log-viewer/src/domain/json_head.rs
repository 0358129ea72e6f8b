//! The two fields of a JSON log line that everything turns on, its level and its time, found by one pass over the
//! outermost keys. Borrowed, tolerant, and no JSON parser: a broken line gives what was read before the break.

/// How far into a line the fields are looked for, in bytes.
const MAX_SCAN_BYTES: usize = 8 * 1024;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonHead<'a> {
    /// The value of `level`, `severity`, `lvl` and their relatives.
    pub level: Option<Value<'a>>,
    /// The level is a number in the manner of Python (`levelno`), where 30 is a warning.
    pub is_python_level: bool,
    /// The value of `time`, `ts`, `timestamp`, `@timestamp` and their relatives.
    pub time: Option<Value<'a>>,
    /// The value of `status`, for access logs.
    pub status: Option<Value<'a>>,
}

/// A value as it stands in the text; escapes in it are not undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Between quotes.
    Text(&'a str),
    /// Digits, sign, point, exponent.
    Number(&'a str),
}

/// Reads a line that is an object; `None` for any other.
pub fn read(line: &str) -> Option<JsonHead<'_>> {
    let mut scan = Scan {
        text: line,
        bytes: &line.as_bytes()[..line.len().min(MAX_SCAN_BYTES)],
        at: 0,
    };
    scan.blanks();
    scan.byte(b'{')?;
    scan.blanks();
    if !matches!(scan.peek(), Some(b'"' | b'}')) {
        return None;
    }
    let mut head = JsonHead::default();
    while scan.pair(&mut head).is_some() {}
    Some(head)
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// One key with its value, and the comma after it. `None` at the end, and where the text is broken.
    fn pair(&mut self, head: &mut JsonHead<'a>) -> Option<()> {
        self.blanks();
        let key = self.string()?;
        self.blanks();
        self.byte(b':')?;
        self.blanks();
        let value = match self.peek()? {
            b'"' => Some(Value::Text(self.string()?)),
            b'-' | b'0'..=b'9' => Some(Value::Number(self.word()?)),
            b'{' if is_time(key) => {
                // MongoDB: "t": {"$date": "…"}.
                let from = self.at;
                self.nested()?;
                inner_text(&self.text[from..self.at]).map(Value::Text)
            }
            b'{' | b'[' => {
                self.nested()?;
                None
            }
            _ => {
                self.word()?;
                None
            }
        };
        if let Some(value) = value {
            keep(head, key, value);
        }
        self.blanks();
        self.byte(b',')
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn byte(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A string without its quotes.
    fn string(&mut self) -> Option<&'a str> {
        self.byte(b'"')?;
        let start = self.at;
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.bytes.get(self.at..)?)?;
            self.at += found;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return self.text.get(start..self.at - 1);
            }
            self.at += 2;
        }
    }

    /// A number, `true`, `false`, `null`.
    fn word(&mut self) -> Option<&'a str> {
        let start = self.at;
        while !matches!(self.peek()?, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        (self.at > start).then(|| &self.text[start..self.at])
    }

    /// Past an object or a list, whatever is in it.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// The last string of a small object.
fn inner_text(object: &str) -> Option<&str> {
    let end = object.rfind('"')?;
    let start = object[..end].rfind('"')? + 1;
    Some(&object[start..end])
}

fn keep<'a>(head: &mut JsonHead<'a>, key: &str, value: Value<'a>) {
    if head.level.is_none() && is_level(key, value) {
        head.level = Some(value);
        head.is_python_level = key == "levelno";
    } else if head.time.is_none() && is_time(key) {
        head.time = Some(value);
    } else if matches!(key, "status" | "status_code" | "statusCode") {
        head.status = Some(value);
    }
}

fn is_level(key: &str, value: Value<'_>) -> bool {
    match key {
        "level" | "severity" | "lvl" | "loglevel" | "log_level" | "logLevel" | "LogLevel" | "Level"
        | "LEVEL" | "levelname" | "level_name" | "log.level" | "@l" | "severity_text" | "severityText"
        | "Severity" | "SEVERITY" | "SeverityText" | "@level" | "levelno" | "PRIORITY" => true,
        // MongoDB's one letter, and a priority that is a word and not a rank.
        "s" => matches!(value, Value::Text(text) if text.len() == 1),
        "priority" => matches!(value, Value::Text(_)),
        _ => false,
    }
}

fn is_time(key: &str) -> bool {
    matches!(
        key,
        "time"
            | "ts"
            | "timestamp"
            | "@timestamp"
            | "t"
            | "@t"
            | "datetime"
            | "date"
            | "asctime"
            | "Timestamp"
            | "Time"
            | "eventTime"
            | "time_local"
            | "timeMillis"
            | "instant"
            | "dt"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, level: Option<Value<'_>>, time: Option<Value<'_>>) {
        let head = read(line).expect("it is an object");
        assert_eq!((head.level, head.time), (level, time), "{line}");
    }

    #[test]
    fn level_and_time_of_common_loggers() {
        check(
            r#"{"level":"error","ts":1795850555.1,"msg":"a \"b\" {"}"#,
            Some(Value::Text("error")),
            Some(Value::Number("1795850555.1")),
        );
        check(
            r#" { "msg" : {"level":"debug","x":[1,{"a":"}"}]} , "level" : 30, "time":1795850555123 }"#,
            Some(Value::Number("30")),
            Some(Value::Number("1795850555123")),
        );
        check(
            r#"{"t":{"$date":"2026-11-28T07:22:35.123+00:00"},"s":"I","c":"NETWORK"}"#,
            Some(Value::Text("I")),
            Some(Value::Text("2026-11-28T07:22:35.123+00:00")),
        );
    }

    #[test]
    fn a_broken_line_gives_what_came_before_the_break() {
        check(
            r#"{"level":"warn","msg":"cut of"#,
            Some(Value::Text("warn")),
            None,
        );
        check(r#"{"level":"warn""#, Some(Value::Text("warn")), None);
        check(r#"{"a":"\"#, None, None);
        check("{}", None, None);
        assert_eq!(read("{x"), None);
        assert_eq!(read("[1]"), None);
        assert_eq!(read("{ café"), None);
    }
}
