//! Shapes that one of our processes sends and another reads.
//! They borrow from the body they are read from; nothing here decides anything. `json_text` mends bodies before
//! they are read.

mod error_report;
pub mod json_text;
mod text;

pub use error_report::ErrorReport;
pub use text::Text;
