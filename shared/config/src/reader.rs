//! Reads variables one by one, remembering each for the tables and every problem for the end.
//! A variable that cannot be used gives its default, so reading goes on and finds the other problems.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use crate::problems::Problems;
use crate::quantity::{self, Unit};
use crate::secret::{MASK, Secret};
use crate::variable::{Origin, Variable, shown};

/// The environment on its way to a `Settings`; each call reads one variable.
///
/// Every variable may also be given as `NAME_FILE`, the path of a file holding the value.
/// Empty counts as not set, except for secrets, where it is a problem.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    read_file: &'a dyn Fn(&Path) -> io::Result<String>,
    variables: Vec<Variable>,
    problems: Vec<String>,
    only_describes: bool,
}

/// A value that was given, and where.
struct Given {
    text: String,
    origin: Origin,
}

impl<'a> Reader<'a> {
    /// Reads through the given functions; [`crate::process`] has those of a real process.
    pub fn new(
        lookup: &'a dyn Fn(&str) -> Option<String>,
        read_file: &'a dyn Fn(&Path) -> io::Result<String>,
    ) -> Reader<'a> {
        Reader {
            lookup,
            read_file,
            variables: Vec::new(),
            problems: Vec::new(),
            only_describes: false,
        }
    }

    /// Sees an empty environment and keeps no problems: `finish` gives the bare table, for `--help`.
    pub fn describe() -> Reader<'static> {
        Reader {
            only_describes: true,
            ..Reader::new(&|_| None, &|_| Err(io::ErrorKind::NotFound.into()))
        }
    }

    /// A text; `default` may be empty.
    pub fn text(&mut self, name: &'static str, default: &str, meaning: &'static str) -> String {
        let given = self.given(name, default.to_owned(), meaning);
        given.map_or_else(|| default.to_owned(), |given| given.text)
    }

    /// A text, or nothing.
    pub fn optional_text(&mut self, name: &'static str, meaning: &'static str) -> Option<String> {
        self.given(name, String::new(), meaning).map(|given| given.text)
    }

    /// A key or password, or nothing. Set but blank is a problem: it is what a forgotten `${KEY}` leaves behind.
    pub fn secret(&mut self, name: &'static str, meaning: &'static str) -> Option<Secret> {
        let given = self.register(name, String::new(), meaning, true)?;
        if given.text.trim().is_empty() {
            let what = match given.origin {
                Origin::File(path) => format!("{name}_FILE names {}, which is empty", path.display()),
                Origin::Default | Origin::Environment => format!("{name} is set but empty"),
            };
            self.problem(format!("{what}: give it a value or leave it out"));
            return None;
        }
        Some(Secret::new(given.text))
    }

    /// A whole number within `range`.
    pub fn number<T>(
        &mut self,
        name: &'static str,
        default: T,
        range: RangeInclusive<T>,
        meaning: &'static str,
    ) -> T
    where
        T: FromStr + Display + PartialOrd,
    {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let parse = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        self.value(name, default.to_string(), meaning, &wanted, parse)
            .unwrap_or(default)
    }

    /// `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case.
    pub fn boolean(&mut self, name: &'static str, default: bool, meaning: &'static str) -> bool {
        let parse = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        };
        self.value(name, default.to_string(), meaning, "true or false", parse)
            .unwrap_or(default)
    }

    /// A time span within `range`: `250ms`, `5s`, `2m`, `1h`, `30d`; a bare number counts in `unit`.
    pub fn duration(
        &mut self,
        name: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
        unit: Unit,
        meaning: &'static str,
    ) -> Duration {
        let text = quantity::duration_text;
        let wanted = format!(
            "a time from {} to {}, e.g. 250ms, 5s, 2m, 1h or 30d (a bare number counts {})",
            text(*range.start()),
            text(*range.end()),
            unit.plural()
        );
        let parse = |text: &str| quantity::duration(text, unit).filter(|given| range.contains(given));
        self.value(name, text(default), meaning, &wanted, parse)
            .unwrap_or(default)
    }

    /// A size in bytes within `range`: `1048576`, `64K`, `50MB`; units are powers of 1024.
    pub fn bytes(
        &mut self,
        name: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
        meaning: &'static str,
    ) -> u64 {
        let text = quantity::bytes_text;
        let wanted = format!(
            "a size from {} to {}, e.g. 65536, 64K or 50MB",
            text(*range.start()),
            text(*range.end())
        );
        let parse = |text: &str| quantity::bytes(text).filter(|given| range.contains(given));
        self.value(name, text(default), meaning, &wanted, parse)
            .unwrap_or(default)
    }

    /// A comma list; items are trimmed and blank ones dropped. `default` is such a list too.
    pub fn list(&mut self, name: &'static str, default: &str, meaning: &'static str) -> Vec<String> {
        let text = self.text(name, default, meaning);
        items(&text).map(str::to_owned).collect()
    }

    /// Where to listen: `127.0.0.1:5010`, `:5010` (all IPv4 interfaces) or `5010` (this machine only).
    pub fn address(&mut self, name: &'static str, default: SocketAddr, meaning: &'static str) -> SocketAddr {
        let wanted =
            "an address and port, e.g. 127.0.0.1:5010, :5010 (all interfaces) or 5010 (this machine only)";
        self.value(name, default.to_string(), meaning, wanted, quantity::address)
            .unwrap_or(default)
    }

    /// A comma list of networks: `10.0.0.0/8`, or single addresses. `default` is such a list, often empty.
    pub fn networks(&mut self, name: &'static str, default: &str, meaning: &'static str) -> Vec<IpNet> {
        let parse = |text: &str| items(text).map(quantity::network).collect::<Option<Vec<IpNet>>>();
        let wanted = "a comma list of networks, e.g. 10.0.0.0/8, 192.168.1.7";
        let given = self.value(name, default.to_owned(), meaning, wanted, parse);
        given.or_else(|| parse(default)).unwrap_or_default()
    }

    /// One of several words, in any case. `default` should be one of them; the first stands in if it is not.
    ///
    /// # Panics
    /// If `choices` is empty.
    pub fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        default: &str,
        choices: &[(&str, T)],
        meaning: &'static str,
    ) -> T {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let wanted = format!("one of {}", words.join(", "));
        let parse = |text: &str| {
            choices
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(text))
                .map(|&(_, choice)| choice)
        };
        let given = self.value(name, default.to_owned(), meaning, &wanted, parse);
        let first = choices.first().map(|&(_, choice)| choice);
        given
            .or_else(|| parse(default))
            .or(first)
            .expect("the caller offers at least one choice")
    }

    /// Anything that parses; `wanted` completes the sentence "wanted …".
    pub fn parsed<T: FromStr + Display>(
        &mut self,
        name: &'static str,
        default: T,
        wanted: &str,
        meaning: &'static str,
    ) -> T {
        let given = self.value(name, default.to_string(), meaning, wanted, |text| {
            text.parse().ok()
        });
        given.unwrap_or(default)
    }

    /// Anything that parses, or nothing; `wanted` completes the sentence "wanted …".
    pub fn optional_parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        wanted: &str,
        meaning: &'static str,
    ) -> Option<T> {
        self.value(name, String::new(), meaning, wanted, |text| text.parse().ok())
    }

    /// Adds a problem of the caller's own, say a rule across two variables. Name the variables in it.
    pub fn problem(&mut self, text: impl Into<String>) {
        if !self.only_describes {
            self.problems.push(text.into());
        }
    }

    /// All variables in the order read, or all problems.
    pub fn finish(self) -> Result<Vec<Variable>, Problems> {
        if self.problems.is_empty() {
            Ok(self.variables)
        } else {
            Err(Problems::new(self.problems))
        }
    }

    /// The parsed value, or `None` if there is none or it does not parse, which is then a problem.
    fn value<T>(
        &mut self,
        name: &'static str,
        default: String,
        meaning: &'static str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let given = self.given(name, default, meaning)?;
        let value = parse(given.text.trim());
        if value.is_none() {
            let what = match given.origin {
                // Whatever is in the file may be a secret meant for another variable.
                Origin::File(path) => format!("{name}_FILE names {}, which does not fit", path.display()),
                Origin::Default | Origin::Environment => format!("{name} is '{}'", shown(&given.text)),
            };
            self.problem(format!("{what}: wanted {wanted}"));
        }
        value
    }

    /// A value that may be shown; blank counts as not set.
    fn given(&mut self, name: &'static str, default: String, meaning: &'static str) -> Option<Given> {
        self.register(name, default, meaning, false)
            .filter(|given| !given.text.trim().is_empty())
    }

    /// Looks a variable up and adds its row to the table.
    fn register(
        &mut self,
        name: &'static str,
        default: String,
        meaning: &'static str,
        is_secret: bool,
    ) -> Option<Given> {
        let given = self.find(name);
        let in_force = given.as_ref().filter(|given| !given.text.trim().is_empty());
        let value = match in_force {
            Some(_) if is_secret => Some(MASK.to_owned()),
            Some(given) => Some(shown(&given.text)),
            None => Some(shown(&default)).filter(|default| !default.is_empty()),
        };
        let origin = in_force.map_or(Origin::Default, |given| given.origin.clone());
        self.variables.push(Variable {
            name,
            default,
            meaning,
            is_secret,
            value,
            origin,
        });
        given
    }

    /// What `NAME` or the file of `NAME_FILE` holds, perhaps nothing but blanks.
    fn find(&mut self, name: &str) -> Option<Given> {
        let own = (self.lookup)(name).map(|text| Given {
            text,
            origin: Origin::Environment,
        });
        let file = (self.lookup)(&format!("{name}_FILE")).filter(|path| !path.trim().is_empty());
        match (own, file) {
            (own, None) => own,
            (Some(own), Some(_)) if !own.text.trim().is_empty() => {
                self.problem(format!("{name} and {name}_FILE are both set: keep one of them"));
                Some(own)
            }
            (_, Some(path)) => self.content(name, PathBuf::from(path)),
        }
    }

    /// The content of the file, less one line end.
    fn content(&mut self, name: &str, path: PathBuf) -> Option<Given> {
        match (self.read_file)(&path) {
            Ok(content) => {
                let line = content.strip_suffix('\n').unwrap_or(&content);
                let text = line.strip_suffix('\r').unwrap_or(line).to_owned();
                Some(Given {
                    text,
                    origin: Origin::File(path),
                })
            }
            Err(error) => {
                self.problem(format!(
                    "{name}_FILE names {}, which cannot be read: {error}",
                    path.display()
                ));
                None
            }
        }
    }
}

/// The items of a comma list.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests;
