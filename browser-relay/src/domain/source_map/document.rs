//! The JSON of a source map: its fields as they stand in the body, so that nothing is copied before it is used.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{Problem, note};

/// Why a map cannot be used at all.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unusable {
    /// No JSON, or none with what every source map has. The words are the contract's.
    #[error("Invalid source map format")]
    Format,
    /// More of something than a map may have.
    #[error("source map has more than {1} {0}")]
    TooMany(&'static str, usize),
}

/// Fields of a source map, unread.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    #[serde(borrow, default)]
    pub(super) version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    file: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source_root: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) sources: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) sources_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) names: Option<&'a RawValue>,
    #[serde(borrow, default)]
    mappings: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) sections: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ignore_list: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "x_google_ignoreList")]
    old_ignore_list: Option<&'a RawValue>,
    #[serde(borrow, default)]
    debug_id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "debug_id")]
    old_debug_id: Option<&'a RawValue>,
}

impl<'a> Document<'a> {
    /// Reads an object; a guard against being taken for a script may stand before it (ECMA-426 §11.1.1).
    pub(super) fn read(json: &'a [u8]) -> Result<Self, Unusable> {
        let json = std::str::from_utf8(json).map_err(|_| Unusable::Format)?;
        let json = json.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let json = match json.strip_prefix(")]}'") {
            Some(guarded) => guarded.split_once('\n').ok_or(Unusable::Format)?.1.trim_start(),
            None => json,
        };
        if !json.starts_with('{') {
            return Err(Unusable::Format);
        }
        serde_json::from_str(json).map_err(|_| Unusable::Format)
    }

    /// What is wrong with the fields that do not matter for a lookup.
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if self.version.is_none_or(|version| version.get() != "3") {
            note(problems, || "version: it must be 3".to_owned());
        }
        for (name, value) in [("file", self.file), ("sourceRoot", self.source_root)] {
            let is_wrong = value.is_some_and(|value| text(value).is_none() && value.get() != "null");
            if is_wrong {
                note(problems, || format!("{name}: it must be a string"));
            }
        }
    }

    /// Whether `version` is a number, as the contract wants it.
    pub(super) fn has_version(&self) -> bool {
        let first = self.version.and_then(|it| it.get().bytes().next());
        first.is_some_and(|byte| byte == b'-' || byte.is_ascii_digit())
    }

    /// The mappings, if they are a string.
    pub(super) fn mappings(&self) -> Option<Cow<'a, str>> {
        text(self.mappings?)
    }

    pub(super) fn has_mappings(&self) -> bool {
        self.mappings.is_some()
    }

    pub(super) fn source_root(&self) -> Option<Cow<'a, str>> {
        text(self.source_root?).filter(|root| !root.is_empty())
    }

    pub(super) fn ignore_list(&self) -> Option<&'a RawValue> {
        self.ignore_list.or(self.old_ignore_list)
    }

    /// 32 lower-case hexadecimal digits.
    pub(super) fn debug_id(&self) -> Option<String> {
        let given = self.debug_id.or(self.old_debug_id)?;
        debug_id(&text(given)?)
    }
}

/// An id of a build's file as 32 lower-case hexadecimal digits, from a form with or without hyphens.
pub fn debug_id(text: &str) -> Option<String> {
    if text.len() > 64 {
        return None;
    }
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let is_id = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| digits.to_ascii_lowercase())
}

/// The text of a JSON string; `None` for any other value. Halves of surrogate pairs become U+FFFD.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let json = value.get();
    if !json.starts_with('"') {
        return None;
    }
    match serde_json::from_str::<Text<'_>>(json) {
        Ok(text) => Some(text.0),
        Err(_) => {
            let mended = api_types::json_text::mend(json.as_bytes()).into_owned();
            serde_json::from_str::<String>(&mended).ok().map(Cow::Owned)
        }
    }
}

/// Why the items of a value were not all seen.
pub(super) enum Stopped {
    NoList,
    TooMany,
}

/// Gives each item of a JSON list to `take`, one at a time; at most `max`.
pub(super) fn each<'a>(
    list: &'a RawValue,
    max: usize,
    mut take: impl FnMut(&'a RawValue),
) -> Result<(), Stopped> {
    struct Items<F>(usize, F, bool);

    impl<'de: 'a, 'a, F: FnMut(&'a RawValue)> Visitor<'de> for &mut Items<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            while let Some(item) = seq.next_element::<&RawValue>()? {
                if self.0 == 0 {
                    self.2 = true;
                    return Err(serde::de::Error::custom("too many"));
                }
                self.0 -= 1;
                (self.1)(item);
            }
            Ok(())
        }
    }

    let mut items = Items(max, &mut take, false);
    let read = serde_json::Deserializer::from_str(list.get()).deserialize_seq(&mut items);
    match (read, items.2) {
        (Ok(()), _) => Ok(()),
        (Err(_), true) => Err(Stopped::TooMany),
        (Err(_), false) => Err(Stopped::NoList),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_builds_have_one_form() {
        let id = debug_id("85314830-023F-4CF1-A267-535F4E37BB17");
        assert_eq!(id.as_deref(), Some("85314830023f4cf1a267535f4e37bb17"));
        assert_eq!(debug_id("85314830"), None);
        assert_eq!(debug_id(&"-".repeat(1000)), None);
    }

    #[test]
    fn a_guard_may_stand_before_the_map() {
        assert!(Document::read(b")]}'\n{\"version\":3}").unwrap().has_version());
        assert!(Document::read("\u{feff}{}".as_bytes()).is_ok());
        for bad in ["", "[]", "null", ")]}'", "{", "{} x", "[3,\"\",[],\"\"]"] {
            assert!(Document::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
