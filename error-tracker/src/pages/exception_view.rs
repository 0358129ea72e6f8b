//! An exception with its frames, those of libraries folded.

use ui::Excerpt;

/// One exception of a chain.
pub(crate) struct ExceptionView {
    pub(crate) relation: Relation,
    pub(crate) exception_type: String,
    pub(crate) message: String,
    /// The newest call, where it was raised, first.
    pub(crate) frames: Vec<FrameView>,
}

/// How an exception belongs to the one shown before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It is the one that was reported.
    Reported,
    /// The one before says that this is its cause (`raise … from …`, `Caused by:`).
    Cause,
    /// The one before was raised while this one was being handled.
    Context,
    /// It is one of those that an exception group or `AggregateError` holds.
    Member,
}

impl Relation {
    pub(super) fn heading(self) -> Option<&'static str> {
        match self {
            Relation::Reported => None,
            Relation::Cause => Some("Caused by"),
            Relation::Context => Some("Raised while handling"),
            Relation::Member => Some("One of its group"),
        }
    }
}

/// One call of a stack trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameView {
    pub(crate) function: Option<String>,
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
    /// The line of source code, when it is known.
    pub(crate) source: Option<String>,
    /// Ours rather than a library's.
    pub(crate) in_app: bool,
    /// Lines before and after it.
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
    /// Where it was in generated code, before a source map was applied.
    pub(crate) generated: Option<String>,
    /// Why no source map was applied.
    pub(crate) unmapped: Option<String>,
    /// Local variables: names and JSON.
    pub(crate) vars: Vec<(String, String)>,
}

impl FrameView {
    pub(super) fn function_line(&self) -> String {
        Excerpt::line(self.function.as_deref().unwrap_or("<anonymous>"), 200)
    }

    /// The file in two parts, folder and name: the name is what one looks for.
    pub(super) fn file_parts(&self) -> (String, String) {
        let file = Excerpt::line(&self.file, 300);
        let at = file.rfind(['/', '\\']).map_or(0, |i| i + 1);
        (file[..at].to_owned(), file[at..].to_owned())
    }

    /// The source line with those around it: number, text, and whether it is the one.
    pub(super) fn context(&self) -> Vec<(Option<u32>, String, bool)> {
        let line = self.line.unwrap_or(0);
        let first = line.checked_sub(self.before.len() as u32);
        // Indented as it was, unlike a line that stands alone.
        let text = |text: &str| Excerpt::new(text.trim_end(), 300, 1).head;
        let around = self.before.iter().map(|it| (it, false));
        let around = around.chain(self.source.iter().map(|it| (it, true)));
        let around = around.chain(self.after.iter().map(|it| (it, false)));
        (0..)
            .zip(around)
            .map(|(at, (line, is_it))| (first.map(|first| first + at), text(line), is_it))
            .collect()
    }

    pub(super) fn has_context(&self) -> bool {
        !self.before.is_empty() || !self.after.is_empty()
    }

    pub(super) fn source_line(&self) -> Option<String> {
        let source = self.source.as_deref()?.trim();
        (!source.is_empty()).then(|| Excerpt::new(source, 1_000, 5).head)
    }
}

/// Frames as the page shows them: one by one, or a run of library frames behind a fold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Run<'a> {
    Shown(&'a FrameView),
    Folded(&'a [FrameView]),
}

/// Our frames are shown, runs of library frames folded. The newest call is always shown: it is where it broke.
pub(crate) fn runs(frames: &[FrameView]) -> Vec<Run<'_>> {
    let Some((newest, older)) = frames.split_first() else {
        return Vec::new();
    };
    let mut runs = vec![Run::Shown(newest)];
    for chunk in older.chunk_by(|a, b| a.in_app == b.in_app) {
        match chunk[0].in_app {
            true => runs.extend(chunk.iter().map(Run::Shown)),
            false => runs.push(Run::Folded(chunk)),
        }
    }
    runs
}

impl ExceptionView {
    pub(super) fn runs(&self) -> Vec<Run<'_>> {
        runs(&self.frames)
    }

    pub(super) fn type_line(&self) -> String {
        Excerpt::line(&self.exception_type, 120)
    }

    pub(super) fn message_excerpt(&self) -> Excerpt {
        message_excerpt(&self.message)
    }
}

/// What a header holds without pushing the stack trace off the screen.
pub(super) fn message_excerpt(message: &str) -> Excerpt {
    Excerpt::new(message, 600, 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, in_app: bool) -> FrameView {
        let function = Some(function.to_owned());
        FrameView {
            function,
            file: "a/b.py".into(),
            line: Some(7),
            in_app,
            ..FrameView::default()
        }
    }

    #[test]
    fn runs_of_library_frames_are_folded() {
        let check = |in_app: &[bool], shown: &str| {
            let frames: Vec<_> = in_app.iter().map(|&in_app| frame("f", in_app)).collect();
            let runs: Vec<String> = runs(&frames)
                .iter()
                .map(|run| match run {
                    Run::Shown(frame) if frame.in_app => "app".to_owned(),
                    Run::Shown(_) => "library".to_owned(),
                    Run::Folded(frames) => format!("{} folded", frames.len()),
                })
                .collect();
            assert_eq!(runs.join(", "), shown);
        };
        check(&[], "");
        check(&[true], "app");
        check(&[false], "library");
        check(&[false, false, false], "library, 2 folded");
        check(
            &[true, false, false, true, true, false],
            "app, 2 folded, app, app, 1 folded",
        );
        check(&[false, true, false], "library, app, 1 folded");
    }

    #[test]
    fn the_name_of_a_file_is_set_apart_from_its_folder() {
        let check = |file: &str, folder: &str, name: &str| {
            let view = FrameView {
                file: file.into(),
                ..FrameView::default()
            };
            assert_eq!(view.file_parts(), (folder.to_owned(), name.to_owned()));
        };
        check("shop/cart.py", "shop/", "cart.py");
        check("cart.py", "", "cart.py");
        check("C:\\shop\\cart.py", "C:\\shop\\", "cart.py");
        check("https://a.example/", "https://a.example/", "");
    }
}
