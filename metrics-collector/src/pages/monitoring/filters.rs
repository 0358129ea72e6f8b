//! The form of filters: one GET form, so that the URL is the state, and a chip for each that is set.

use crate::app::App;
use crate::domain::requests::group::Dimension;
use crate::monitoring::{Asked, FILTERS, offered};

/// Statuses that are always offered.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];
/// Filters that stand in front; the others are unfolded.
const FRONT: [&str; 3] = ["service", "endpoint", "status"];

pub(crate) struct FilterForm {
    pub(crate) front: Vec<Field>,
    pub(crate) more: Vec<Field>,
    /// One of those behind is set.
    pub(crate) is_unfolded: bool,
    pub(crate) chips: Vec<Chip>,
}

pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) value: String,
    pub(crate) offered: Vec<String>,
    /// Many values: a text with suggestions instead of a choice.
    pub(crate) is_text: bool,
}

/// A filter that is set, and the page without it.
pub(crate) struct Chip {
    pub(crate) text: String,
    pub(crate) query: String,
}

impl FilterForm {
    /// `own` are filters that the page itself is about.
    pub(crate) fn new(app: &App, asked: &Asked, own: &[&str]) -> Self {
        let names = || FILTERS.into_iter().filter(|name| !own.contains(name));
        let field = |name| field(app, asked, name);
        let set = asked.filters.iter().filter(|(name, _)| !own.contains(name));
        let chip = |(name, value): &(&'static str, String)| Chip {
            text: format!("{name}: {value}"),
            query: asked.link(&[(name, None)]),
        };
        Self {
            front: names().filter(|name| FRONT.contains(name)).map(field).collect(),
            more: names().filter(|name| !FRONT.contains(name)).map(field).collect(),
            is_unfolded: names().any(|name| !FRONT.contains(&name) && asked.filter(name).is_some()),
            chips: set.map(chip).collect(),
        }
    }
}

fn field(app: &App, asked: &Asked, name: &'static str) -> Field {
    let value = asked.filter(name).unwrap_or_default().to_owned();
    let dimension = Dimension::ALL.into_iter().find(|it| it.name() == name);
    let mut offered = match dimension {
        Some(dimension) => offered(app, dimension),
        None => CLASSES.map(str::to_owned).to_vec(),
    };
    if !value.is_empty() && !offered.contains(&value) {
        offered.push(value.clone());
    }
    let mut title = name.to_owned();
    title[..1].make_ascii_uppercase();
    Field {
        name,
        title,
        value,
        offered,
        is_text: matches!(name, "endpoint" | "consumer"),
    }
}
