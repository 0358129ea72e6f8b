//! API monitoring: who calls which route, with what result, how slowly. An overview, and a page for each endpoint.

pub(crate) mod endpoint;
mod filters;
mod latency;
pub(crate) mod overview;
mod rows;
mod snippets;
mod tiles;
