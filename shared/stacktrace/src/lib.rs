//! Stack-trace text to frames, one file per dialect.
//!
//! Nothing here fails: of noise it makes an empty [`Trace`]. Time is linear in the text, and what comes out is
//! bounded whatever goes in (the `MAX_` constants). It reads text only; source maps and grouping live elsewhere.

mod bounded;
mod dialects;
mod dotnet;
mod draft;
mod elixir;
mod frame;
mod gecko;
mod go;
mod heading;
mod in_app;
mod java;
mod kind;
pub mod location;
mod php;
mod python;
mod ruby;
mod rust;
mod script;
mod swift;
mod trace;
mod v8;

pub use dialects::parse;
pub use frame::Frame;
pub use in_app::is_in_app;
pub use trace::{Dialect, Exception, MAX_EXCEPTIONS, MAX_FRAMES, Relation, Trace};
