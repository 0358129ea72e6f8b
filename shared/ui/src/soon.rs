//! The page of a service whose pages come later: what it already does, what will be here.

use askama::Template;

use crate::frame::Frame;

/// `soon.html`.
#[derive(Template)]
#[template(path = "soon.html")]
pub struct Soon {
    /// The page around it.
    pub frame: Frame,
    /// One sentence: what this service does today.
    pub lead: String,
    /// What this page will show.
    pub coming: Vec<String>,
}
