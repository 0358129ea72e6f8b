//! A kept-alive HTTP/1.1 client for servers that the operator named: the other services, targets to scrape.
//!
//! No redirects, no proxies, no cookies, bounded answers. Addresses are not guarded: what strangers may name is
//! the business of `notify`, which shares only [`Trust`] with it.

mod base;
mod client;
mod stream;
mod trust;

pub use base::{BadUrl, Base};
pub use client::{Answer, Client, Failure, Limits, Outgoing};
pub use trust::Trust;
