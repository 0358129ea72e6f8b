//! Exceptions as the page shows them, from what a report had: in pieces, or as a traceback.

use serde_json::Value;
use stacktrace::Trace;

use super::exception_view::{ExceptionView, FrameView, Relation};
use crate::domain::exception::{self, Exception};

/// The `number`th from the one that was raised last.
pub(super) fn exception_in_pieces((number, exception): (usize, &Exception)) -> ExceptionView {
    ExceptionView {
        relation: match number {
            0 => Relation::Reported,
            _ => Relation::Cause,
        },
        exception_type: exception.kind.clone().unwrap_or_default(),
        message: exception.value.clone().unwrap_or_default(),
        frames: exception.frames.iter().rev().map(frame_in_pieces).collect(),
    }
}

fn frame_in_pieces(frame: &exception::Frame) -> FrameView {
    let file = frame
        .file
        .as_ref()
        .or(frame.path.as_ref())
        .or(frame.module.as_ref());
    let vars = frame.vars.as_ref().and_then(Value::as_object);
    FrameView {
        function: frame.function.clone(),
        file: file.or(frame.package.as_ref()).cloned().unwrap_or_default(),
        line: frame.line,
        column: frame.column,
        source: frame.source.clone(),
        in_app: frame.in_app,
        before: frame.before.clone(),
        after: frame.after.clone(),
        generated: frame.generated.clone(),
        unmapped: frame.unmapped.clone(),
        vars: vars
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), text_of(value.clone())))
            .collect(),
    }
}

/// Newest first, both exceptions and calls: the page begins where it broke.
pub(super) fn exceptions(trace: Trace) -> Vec<ExceptionView> {
    let newest_first = trace.exceptions.into_iter().rev();
    newest_first
        .map(|exception| ExceptionView {
            relation: match exception.relation {
                None => Relation::Reported,
                Some(stacktrace::Relation::Context) => Relation::Context,
                Some(stacktrace::Relation::Cause) => Relation::Cause,
                Some(stacktrace::Relation::Member) => Relation::Member,
            },
            exception_type: exception.kind.unwrap_or_default(),
            message: exception.message.unwrap_or_default(),
            frames: exception.frames.into_iter().rev().map(frame).collect(),
        })
        .collect()
}

fn frame(frame: stacktrace::Frame) -> FrameView {
    FrameView {
        function: frame.function,
        file: frame.file.unwrap_or_default(),
        line: frame.line,
        column: frame.column,
        source: frame.source,
        in_app: frame.in_app,
        ..FrameView::default()
    }
}

pub(super) fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
