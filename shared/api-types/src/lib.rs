//! Shapes that one of our processes sends and another reads.
//! They borrow from the body they are read from; nothing here decides anything.

mod error_report;
mod text;

pub use error_report::ErrorReport;
pub use text::Text;
