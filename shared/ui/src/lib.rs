//! The frame every page hangs in: layout, login, error, documentation pages, one stylesheet, one script.
//!
//! Pure: view structs go in, text comes out. No HTTP types and no SQL; a service's door fills a struct,
//! renders it and serves [`assets()`]. Every link is relative through [`Frame::root`], so the pages work
//! under any path prefix a reverse proxy adds.

pub mod assets;
pub mod chart;
pub mod docs;
pub mod error_page;
pub mod frame;
pub mod json;
pub mod link;
pub mod login;
pub mod measure;
pub mod moment;
pub mod number;
pub mod openapi;
pub mod range;
pub mod range_picker;
pub mod soon;
pub mod text;

#[cfg(test)]
mod tests;

pub use askama::Template;

pub use crate::assets::{Asset, assets};
pub use crate::chart::Chart;
pub use crate::docs::Docs;
pub use crate::error_page::ErrorPage;
pub use crate::frame::{Frame, Service, Sibling};
pub use crate::login::{Login, LoginLink};
pub use crate::measure::Unit;
pub use crate::moment::Moment;
pub use crate::number::Count;
pub use crate::range::Range;
pub use crate::range_picker::RangePicker;
pub use crate::soon::Soon;
pub use crate::text::Excerpt;
