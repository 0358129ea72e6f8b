//! All tests of the running browser-relay as one program: it is linked once, and they run side by side.

mod abuse;
mod captures;
mod cross_origin;
mod errors;
mod import;
mod keys;
mod metrics;
mod outage;
mod pages;
mod sdk;
mod source_map_spec;
mod source_maps;
mod support;
