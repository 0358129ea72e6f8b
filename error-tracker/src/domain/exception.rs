//! Exceptions with their frames, as clients send them in pieces: the shape of Sentry's event payload
//! <https://develop.sentry.dev/sdk/data-model/event-payloads/exception/>, with all its odd forms.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lenient::{cut, field, items, trimmed};

/// Most exceptions kept of a chain: the outermost ones.
const MAX_EXCEPTIONS: usize = 20;
/// Most frames kept of an exception; more lose their middle.
const MAX_FRAMES: usize = 100;
/// Of those, how many from where the program began.
const N_OUTER_FRAMES: usize = 25;
const MAX_NAME_CHARS: usize = 512;
const MAX_VALUE_CHARS: usize = 8192;
const MAX_LINE_CHARS: usize = 512;
/// Lines of context kept on each side.
const MAX_CONTEXT_LINES: usize = 5;
/// Limits of the local variables of one frame.
const MAX_VARS: usize = 50;
const MAX_VAR_CHARS: usize = 512;
const MAX_VAR_DEPTH: usize = 4;

/// One exception of a chain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exception {
    /// Its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Module or package of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// What caught it, such as `excepthook` or `onerror`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// Whether the app dealt with it; none if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<bool>,
    /// Outermost call first, crash last. At most 100: more lose their middle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
    /// Frames left out in the middle.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_omitted: usize,
}

/// One call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Its function; none for an anonymous one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Module, namespace or class of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Short path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whole path or URL, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Library or image that holds the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// 1-based.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// 1-based.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The app's own code, and not a library's.
    #[serde(default)]
    pub in_app: bool,
    /// The source line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Lines before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Lines after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Where it was in generated code, before a source map was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// Why no source map was applied, although one was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmapped: Option<String>,
    /// Local variables: an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vars: Option<Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Reads `exception` of an event: cause first, the one raised last is last.
pub fn read(exception: &Value) -> Vec<Exception> {
    let all = items(exception);
    all[all.len().saturating_sub(MAX_EXCEPTIONS)..]
        .iter()
        .filter_map(read_one)
        .collect()
}

fn read_one(item: &Value) -> Option<Exception> {
    let object = item.as_object()?;
    let mechanism = object.get("mechanism");
    let frames = object
        .get("stacktrace")
        .or_else(|| object.get("raw_stacktrace"))
        .map_or(&[][..], frames_of);
    let n_omitted = frames.len().saturating_sub(MAX_FRAMES);
    let (outer, inner) = match n_omitted {
        0 => (frames, &[][..]),
        n => (&frames[..N_OUTER_FRAMES], &frames[N_OUTER_FRAMES + n..]),
    };
    let exception = Exception {
        kind: field(item, "type", MAX_NAME_CHARS),
        // Some send an object for the value.
        value: field(item, "value", MAX_VALUE_CHARS).or_else(|| {
            Some(cut(
                object.get("value").filter(|it| it.is_object())?.to_string(),
                MAX_VALUE_CHARS,
            ))
        }),
        module: field(item, "module", MAX_NAME_CHARS),
        mechanism: mechanism.and_then(|it| field(it, "type", MAX_NAME_CHARS)),
        handled: mechanism.and_then(|it| it.get("handled")?.as_bool()),
        frames: outer.iter().chain(inner).filter_map(frame).collect(),
        n_omitted,
    };
    let says_nothing = exception.kind.is_none() && exception.value.is_none() && exception.frames.is_empty();
    (!says_nothing).then_some(exception)
}

fn frames_of(stacktrace: &Value) -> &[Value] {
    match stacktrace.get("frames") {
        Some(Value::Array(frames)) => frames,
        _ => &[],
    }
}

fn frame(item: &Value) -> Option<Frame> {
    item.as_object()?;
    let name = |name| field(item, name, MAX_NAME_CHARS);
    let number = |name| {
        item.get(name)?
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0)
    };
    let context = |name| -> Vec<String> {
        let lines = item
            .get(name)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        lines
            .iter()
            .map(|line| cut(line.as_str().unwrap_or_default().to_owned(), MAX_LINE_CHARS))
            .collect()
    };
    let mut before = context("pre_context");
    before.drain(..before.len().saturating_sub(MAX_CONTEXT_LINES));
    let mut after = context("post_context");
    after.truncate(MAX_CONTEXT_LINES);
    let file = name("filename").or_else(|| name("abs_path"));
    let path = name("abs_path").filter(|path| Some(path) != file.as_ref());
    let module = name("module");
    let package = name("package");
    let in_app = item.get("in_app").and_then(Value::as_bool);
    Some(Frame {
        in_app: in_app.unwrap_or_else(|| {
            let place = path.as_deref().or(file.as_deref()).or(package.as_deref());
            place.is_some_and(stacktrace::is_in_app)
        }),
        function: name("function").filter(|name| !is_placeholder(name)),
        module,
        file: file.filter(|name| !is_placeholder(name)),
        path,
        package,
        line: number("lineno"),
        column: number("colno"),
        source: item
            .get("context_line")
            .and_then(Value::as_str)
            .map(|line| cut(line.to_owned(), MAX_LINE_CHARS)),
        before,
        after,
        generated: name("generated"),
        unmapped: name("unmapped"),
        vars: item
            .get("vars")
            .filter(|vars| vars.as_object().is_some_and(|vars| !vars.is_empty()))
            .map(|vars| trimmed(vars, MAX_VAR_CHARS, MAX_VARS, MAX_VAR_DEPTH)),
    })
}

/// What SDKs write where they know no name.
fn is_placeholder(name: &str) -> bool {
    matches!(
        name,
        "?" | "<anonymous>" | "<unknown>" | "Anonymous function" | "<redacted>"
    )
}

/// The exceptions of a stack trace that came as text.
pub fn of_trace(trace: stacktrace::Trace) -> Vec<Exception> {
    trace
        .exceptions
        .into_iter()
        .map(|exception| Exception {
            kind: exception.kind,
            value: exception.message,
            n_omitted: exception.n_omitted,
            frames: exception
                .frames
                .into_iter()
                .map(|frame| Frame {
                    function: frame.function,
                    module: frame.module,
                    file: frame.file,
                    line: frame.line,
                    column: frame.column,
                    in_app: frame.in_app,
                    source: frame.source,
                    ..Frame::default()
                })
                .collect(),
            ..Exception::default()
        })
        .collect()
}

/// Short place where it happened: `cart.py in total`. The innermost frame of the app's own, else the innermost.
pub fn culprit(exceptions: &[Exception]) -> Option<String> {
    let frames = &exceptions
        .iter()
        .rfind(|exception| !exception.frames.is_empty())?
        .frames;
    let frame = frames.iter().rfind(|frame| frame.in_app).or(frames.last())?;
    let file = frame
        .file
        .as_deref()
        .or(frame.path.as_deref())
        .or(frame.module.as_deref());
    let file = file.or(frame.package.as_deref());
    let file = file.and_then(|file| {
        file.split(['?', '#'])
            .next()?
            .rsplit(['/', '\\'])
            .find(|part| !part.is_empty())
    });
    match (file, &frame.function) {
        (Some(file), Some(function)) => Some(format!("{file} in {function}")),
        (Some(one), None) => Some(one.to_owned()),
        (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    }
}

/// As text, in the form that Python prints: for clients that know only `traceback`.
pub fn to_text(exceptions: &[Exception]) -> String {
    let mut out = String::new();
    for (number, exception) in exceptions.iter().enumerate() {
        if number > 0 {
            out += "\nThe above exception was the direct cause of the following exception:\n\n";
        }
        if !exception.frames.is_empty() {
            out += "Traceback (most recent call last):\n";
        }
        for frame in &exception.frames {
            let file = frame
                .path
                .as_ref()
                .or(frame.file.as_ref())
                .or(frame.module.as_ref());
            let file = file.or(frame.package.as_ref()).map_or("?", String::as_str);
            out += &format!("  File \"{file}\"");
            if let Some(line) = frame.line {
                out += &format!(", line {line}");
            }
            out += &format!(", in {}\n", frame.function.as_deref().unwrap_or("?"));
            if let Some(source) = frame.source.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
                out += &format!("    {source}\n");
            }
        }
        match (&exception.kind, &exception.value) {
            (Some(kind), Some(value)) => out += &format!("{kind}: {value}\n"),
            (Some(one), None) | (None, Some(one)) => out += &format!("{one}\n"),
            (None, None) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_has_no_name_is_still_an_exception() {
        let read = |value| read(&value);
        assert_eq!(
            read(json!({"values": [{"value": "boom"}]}))[0].value.as_deref(),
            Some("boom")
        );
        assert_eq!(read(json!({"type": "E"}))[0].kind.as_deref(), Some("E"));
        assert_eq!(
            read(json!([{"type": "E", "value": {"code": 1}}]))[0]
                .value
                .as_deref(),
            Some("{\"code\":1}")
        );
        for nothing in [
            json!(null),
            json!([null, 5, {}]),
            json!({"values": [{"stacktrace": {"frames": null}}]}),
        ] {
            assert_eq!(read(nothing), []);
        }
    }

    #[test]
    fn a_deep_stack_loses_its_middle() {
        let frames: Vec<Value> = (0..150).map(|n| json!({"function": format!("f{n}")})).collect();
        let exception = &read(
            json!([{"type": "E", "stacktrace": {"frames": frames}}])
                .pointer("")
                .unwrap(),
        )[0];
        let name = |at: usize| exception.frames[at].function.as_deref().unwrap();
        assert_eq!((exception.frames.len(), exception.n_omitted), (100, 50));
        assert_eq!(
            [name(0), name(24), name(25), name(99)],
            ["f0", "f24", "f75", "f149"]
        );
    }

    #[test]
    fn a_frame_is_read_whole() {
        let exception = read(&json!([{"type": "E", "stacktrace": {"frames": [{
            "function": "pay", "module": "shop.cart", "filename": "shop/cart.py", "abs_path": "/srv/shop/cart.py",
            "lineno": 7, "colno": 3, "in_app": true, "context_line": "    raise E", "pre_context": ["1","2","3","4","5","6"],
            "post_context": ["8"], "vars": {"n": 1, "deep": {"a": {"b": {"c": {"d": 1}}}}},
        }, {"function": "<anonymous>", "filename": "<unknown>", "lineno": 0, "in_app": null}]}}]));
        let [frame, other] = &exception[0].frames[..] else {
            panic!("two frames")
        };
        assert_eq!(frame.before, ["2", "3", "4", "5", "6"]);
        assert_eq!((frame.line, frame.column, frame.in_app), (Some(7), Some(3), true));
        assert_eq!(
            frame.vars,
            Some(json!({"n": 1, "deep": {"a": {"b": {"c": "…"}}}}))
        );
        assert_eq!((&other.function, &other.file, other.line), (&None, &None, None));
        let text = to_text(&exception);
        assert_eq!(
            text,
            "Traceback (most recent call last):\n  File \"/srv/shop/cart.py\", line 7, in pay\n    raise E\n  File \"?\", in ?\nE\n"
        );
    }
}
