//! The maps of an index map (ECMA-426 §9): one after another, each from its offset on.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::{Document, Stopped, each};
use super::{Position, Problem, Unusable, note};

/// Most sections of a map.
const MAX_SECTIONS: usize = 100_000;

/// A map, and where in generated code it begins.
pub(super) struct Section<'a> {
    pub(super) offset: Position,
    pub(super) document: Document<'a>,
}

/// The usable sections in the order of generated code.
pub(super) fn read<'a>(
    list: &'a RawValue,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Section<'a>>, Unusable> {
    let mut sections: Vec<Section<'a>> = Vec::new();
    let mut number = 0;
    let read = each(list, MAX_SECTIONS, |item| {
        match read_one(item) {
            Ok(section) => {
                let before = sections.last().map(|last| last.offset);
                if before.is_some_and(|before| before >= section.offset) {
                    note(problems, || {
                        format!("sections: number {number} begins where or before the one before it does")
                    });
                }
                sections.push(section);
            }
            Err(what) => note(problems, || format!("sections: number {number} has {what}")),
        }
        number += 1;
    });
    match read {
        Ok(()) => {}
        Err(Stopped::NoList) => return Err(Unusable::Format),
        Err(Stopped::TooMany) => return Err(Unusable::TooMany("sections", MAX_SECTIONS)),
    }
    sections.sort_by_key(|section| section.offset);
    Ok(sections)
}

fn read_one(item: &RawValue) -> Result<Section<'_>, &'static str> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        offset: Option<&'a RawValue>,
        #[serde(borrow)]
        map: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Offset {
        line: u32,
        column: u32,
    }
    let is_object = |value: &RawValue| value.get().starts_with('{');
    if !is_object(item) {
        return Err("no object");
    }
    let fields: Fields<'_> = serde_json::from_str(item.get()).map_err(|_| "no object")?;
    let offset = fields.offset.filter(|offset| is_object(offset));
    let offset = offset.and_then(|offset| serde_json::from_str::<Offset>(offset.get()).ok());
    let offset = offset.ok_or("no offset with a line and a column")?;
    let map = fields.map.ok_or("no map")?;
    let document = Document::read(map.get().as_bytes()).map_err(|_| "a map that is no object")?;
    if document.sections.is_some() {
        return Err("a map with sections of its own");
    }
    let is_usable =
        document.mappings().is_some() && document.sources.is_some_and(|it| it.get().starts_with('['));
    if !is_usable {
        return Err("a map without mappings or sources");
    }
    Ok(Section {
        offset: Position {
            line: offset.line,
            column: offset.column,
        },
        document,
    })
}
