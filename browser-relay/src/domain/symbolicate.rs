//! What is looked up for a stack, and what comes of it.

use std::collections::{HashMap, HashSet};

use super::source_context::Context;
use super::stack_text::{self, NewPlace};

/// Places looked up for one stack; those beyond stay as they are.
pub const MAX_SPOTS: usize = 120;

/// A source's name and a function's are told up to so many bytes: each stands in every frame of it.
const MAX_TOLD_BYTES: usize = 300;

/// A source's name as it is told: of a long one the end, which has the file.
pub fn told_source(name: &str) -> String {
    let start = name.len().saturating_sub(MAX_TOLD_BYTES);
    match name.ceil_char_boundary(start) {
        0 => name.to_owned(),
        start => format!("…{}", &name[start..]),
    }
}

/// A function's name as it is told: of a long one the beginning.
pub fn told_function(name: &str) -> String {
    name[..name.floor_char_boundary(MAX_TOLD_BYTES)].to_owned()
}

/// A place in generated code, as a browser tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// URL or path of the script.
    pub file: String,
    /// 1-based; 0 where there is none.
    pub line: u32,
    /// 1-based; 0 where there is none.
    pub column: u32,
}

/// A place in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The source's name.
    pub source: String,
    /// 1-based.
    pub line: u32,
    /// 1-based.
    pub column: u32,
    /// Name that the map has there: usually of what is called or meant at that place.
    pub name: Option<String>,
    /// Name of the function around it, where the source tells.
    pub function: Option<String>,
    /// The map says that it is no code of the app's own.
    pub is_ignored: bool,
    /// Lines around it, where the map has the source.
    pub context: Option<Context>,
}

/// Why a place has no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmapped {
    /// The report names no release, and the script has no debug id.
    NoRelease,
    /// No map was uploaded for this file and release.
    NoMap,
    /// The frame has no line or column.
    NoPosition,
    /// The map says nothing about it.
    Outside,
    /// The map says that it comes from no source.
    NoSource,
}

impl Unmapped {
    /// The reason as a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoRelease => "the report names no release, so no source map is looked for",
            Self::NoMap => "no source map of this file for this release",
            Self::NoPosition => "the browser gave no line and column",
            Self::Outside => "the source map has nothing at this line and column",
            Self::NoSource => "the source map says that this code has no source",
        }
    }
}

/// What is known of each place.
pub type Places = HashMap<Spot, Result<Place, Unmapped>>;

/// The places of a stack, each once.
pub fn spots(stack: &str, trace: &stacktrace::Trace) -> Vec<Spot> {
    let in_text = stack.lines().filter_map(stack_text::frame).map(|frame| Spot {
        file: frame.file.to_owned(),
        line: frame.line,
        column: frame.column,
    });
    let frames = trace
        .exceptions
        .iter()
        .flat_map(|exception| exception.frames.iter().rev());
    let in_frames = frames.filter_map(spot);
    let mut seen = HashSet::new();
    let mut all: Vec<Spot> = in_text
        .chain(in_frames)
        .filter(|spot| seen.insert(spot.clone()))
        .collect();
    all.truncate(MAX_SPOTS);
    all
}

/// The place of a parsed frame, if it has a file.
pub fn spot(frame: &stacktrace::Frame) -> Option<Spot> {
    Some(Spot {
        file: frame.file.clone()?,
        line: frame.line.unwrap_or(0),
        column: frame.column.unwrap_or(0),
    })
}

/// The text of a stack with original places.
pub fn rewrite(stack: &str, places: &Places) -> String {
    stack_text::rewrite(stack, |frame| {
        let spot = Spot {
            file: frame.file.to_owned(),
            line: frame.line,
            column: frame.column,
        };
        let place = places.get(&spot)?.as_ref().ok()?;
        Some(NewPlace {
            name: place.name.as_deref(),
            source: &place.source,
            line: place.line,
            column: place.column,
        })
    })
}

/// Under which names a map of this script may have been uploaded, the likeliest first. A URL without its host, as
/// the contract has it, with the query and without; the whole URL; and `~/path` as other tools write it.
pub fn file_urls(file: &str) -> Vec<String> {
    let file = file.split('#').next().unwrap_or(file);
    let path = match file.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => file,
    };
    let bare = |text: &str| text.split('?').next().unwrap_or(text).to_owned();
    let mut all = vec![
        path.to_owned(),
        bare(path),
        file.to_owned(),
        bare(file),
        format!("~{}", bare(path)),
    ];
    let mut seen = HashSet::new();
    all.retain(|url| seen.insert(url.clone()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_known_by_its_path_first() {
        assert_eq!(
            file_urls("https://cdn.example.com/js/a.js?v=1#x"),
            [
                "/js/a.js?v=1",
                "/js/a.js",
                "https://cdn.example.com/js/a.js?v=1",
                "https://cdn.example.com/js/a.js",
                "~/js/a.js"
            ]
        );
        assert_eq!(file_urls("/a.js"), ["/a.js", "~/a.js"]);
        assert_eq!(file_urls("http://h"), ["/", "http://h", "~/"]);
    }

    #[test]
    fn long_names_are_told_in_part() {
        assert_eq!(told_source("src/pay.ts"), "src/pay.ts");
        assert_eq!(told_function("Cart.total"), "Cart.total");
        let long = format!("{}/pay.ts", "é".repeat(1000));
        let told = told_source(&long);
        assert!(
            told.starts_with("…é") && told.ends_with("é/pay.ts") && told.len() <= MAX_TOLD_BYTES + 3,
            "{told}"
        );
        assert_eq!(told_function(&long), "é".repeat(MAX_TOLD_BYTES / 2));
    }

    #[test]
    fn each_place_is_looked_up_once_and_not_too_many() {
        let stack: String = (0..500)
            .map(|n| format!("    at f (http://h/a.js:1:{})\n", n / 2 + 1))
            .collect();
        let spots = spots(&stack, &stacktrace::parse(&stack));
        assert_eq!(spots.len(), MAX_SPOTS);
        assert_eq!((spots[0].column, spots[1].column), (1, 2));
    }
}
