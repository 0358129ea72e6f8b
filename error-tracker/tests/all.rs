//! All tests of the running error-tracker as one program: it is linked once, and they run side by side.

mod alerts;
mod auth;
mod captures;
mod crash;
mod disk;
mod doctor;
mod error_list;
mod errors;
mod events;
mod http;
mod import;
mod limits;
mod noise;
mod openapi;
mod power_cut;
mod process;
mod room;
mod secrets;
mod support;
mod work;
