//! One call in a stack trace, and the bounds of its fields.

use serde::{Deserialize, Serialize};

use crate::{bounded, in_app};

/// Most bytes of a function's name.
const MAX_FUNCTION: usize = 256;
/// Most bytes of a module's name.
const MAX_MODULE: usize = 256;
/// Most bytes of a file's path or URL; browsers themselves stop at about this length.
const MAX_FILE: usize = 2048;
/// Most bytes of a source line.
const MAX_SOURCE: usize = 512;

/// One call in a stack trace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The function as the text names it, without `async`; `None` for an anonymous one.
    pub function: Option<String>,
    /// What the function belongs to, where the text tells it apart: Java's class, Go's package, Swift's image.
    pub module: Option<String>,
    /// Path or URL as the text has it; `None` for native code. Code made by `eval` counts as where `eval` stood.
    pub file: Option<String>,
    /// 1-based.
    pub line: Option<u32>,
    /// 1-based.
    pub column: Option<u32>,
    /// The source line, when the text shows it.
    pub source: Option<String>,
    /// Whether this looks like the application's own code rather than a library's or the runtime's.
    pub in_app: bool,
}

impl Frame {
    /// A frame without a source line, its texts bounded.
    pub(crate) fn new(function: &str, place: Place<'_>) -> Frame {
        let file = bounded::text(place.file, MAX_FILE);
        Frame {
            function: bounded::text(function, MAX_FUNCTION),
            module: None,
            in_app: file.as_deref().is_some_and(in_app::is_in_app),
            file,
            line: place.line,
            column: place.column,
            source: None,
        }
    }

    /// The same for a dialect that names modules, and has its own rules of what is the application's.
    pub(crate) fn of(module: &str, function: &str, place: Place<'_>, in_app: bool) -> Frame {
        Frame {
            module: bounded::text(module, MAX_MODULE),
            in_app,
            ..Frame::new(function, place)
        }
    }

    /// For a dialect that tells the place after the call.
    pub(crate) fn set_place(&mut self, place: Place<'_>, in_app: bool) {
        let Frame {
            file, line, column, ..
        } = Frame::new("", place);
        (self.file, self.line, self.column, self.in_app) = (file, line, column, in_app);
    }

    /// What the tests of the dialects compare: `module|function|file|line|in_app`.
    #[cfg(test)]
    pub(crate) fn shown(frame: Option<Frame>) -> String {
        let Some(frame) = frame else {
            return "none".to_owned();
        };
        format!(
            "{}|{}|{}|{}|{}",
            frame.module.unwrap_or_default(),
            frame.function.unwrap_or_default(),
            frame.file.unwrap_or_default(),
            frame.line.unwrap_or_default(),
            frame.in_app,
        )
    }

    pub(crate) fn set_source(&mut self, source: &str) {
        self.source = bounded::text(source, MAX_SOURCE);
    }

    /// `shop.py in checkout`, or the half of it that is known; the module stands in for an unknown file.
    pub(crate) fn place_name(&self) -> Option<String> {
        let file = self
            .file
            .as_deref()
            .map(file_name)
            .filter(|name| !name.is_empty())
            .or(self.module.as_deref());
        match (file, &self.function) {
            (Some(file), Some(function)) => Some(format!("{file} in {function}")),
            (Some(file), None) => Some(file.to_owned()),
            (None, Some(function)) => Some(function.clone()),
            (None, None) => None,
        }
    }
}

/// Where a frame is, borrowed from the text. An empty file is native code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
}

/// The last part of a path or URL, without its query or fragment; the host when a URL has no path.
fn file_name(file: &str) -> &str {
    let is_url = file.contains("://");
    let path = match file.find(['?', '#']) {
        Some(end) if is_url => &file[..end],
        _ => file,
    };
    let path = path.trim_end_matches('/');
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_file_and_function() {
        let check = |file, function, expected: Option<&str>| {
            let frame = Frame::new(
                function,
                Place {
                    file,
                    ..Place::default()
                },
            );
            assert_eq!(frame.place_name().as_deref(), expected);
        };
        check("/srv/shop/shop.py", "checkout", Some("shop.py in checkout"));
        check(r"C:\shop\shop.js", "", Some("shop.js"));
        check(
            "https://shop.example/a/app.js?v=a/b#c/d",
            "pay",
            Some("app.js in pay"),
        );
        check("https://shop.example/", "pay", Some("shop.example in pay"));
        check("/srv/what?/a#1.py", "pay", Some("a#1.py in pay"));
        check("", "Array.map", Some("Array.map"));
        check("", "", None);
    }

    #[test]
    fn a_module_stands_in_for_an_unknown_file() {
        let check = |file, expected: &str| {
            let place = Place {
                file,
                ..Place::default()
            };
            let frame = Frame::of("shop.Basket", "total", place, true);
            assert_eq!(frame.place_name().as_deref(), Some(expected));
        };
        check("", "shop.Basket in total");
        check("Basket.java", "Basket.java in total");
    }
}
