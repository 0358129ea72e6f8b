//! hyper, made into a service: accept loop, router, request and response helpers, one `Error`.
//!
//! The way of a request: `server` accepts, `dispatch` finds the route and asks the `gate` (who is it, may
//! they, how often), the handler answers, `finish` adds what every answer carries.
//! Knows no SQL and no templates; what a page of ours looks like comes from outside (`ErrorPage`).

pub mod address;
pub mod assets;
mod body;
mod compress;
mod decode;
mod dispatch;
mod error;
mod finish;
pub mod gate;
mod guard;
pub mod metrics;
mod query;
mod request;
mod request_id;
mod response;
mod router;
pub mod server;
pub mod sse;
pub mod ws;

pub use body::Body;
pub use dispatch::{ErrorPage, Service};
pub use error::{Error, Result};
pub use gate::{Access, Gate, Keyless};
pub use hyper::{HeaderMap, Method, StatusCode, header};
pub use query::Query;
pub use request::Request;
pub use response::{Response, ResponseExt};
pub use router::{Caller, CrossOrigin, Dialect, Policy, RouteInfo, Routes};
pub use server::ServerOptions;
