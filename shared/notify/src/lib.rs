//! Alerts to the outside over HTTP: signed webhooks, Slack, Discord, Teams, ntfy, Postmark.
//!
//! [`Channel::request`] is pure: a [`Message`] becomes the [`OutgoingRequest`] that the product documents.
//! [`Sender::send`] does the I/O: it resolves the host itself, asks the [`AddressPolicy`], connects to exactly the
//! address that was checked, and follows no redirect.
//! Knows no database: the caller keeps a durable queue, and asks [`next_attempt`] when to try again. Delivery is at
//! least once; what stays the same over the tries is the delivery id.

mod address;
mod answer;
mod backoff;
mod bad_setting;
mod channel;
mod cut;
mod discord;
mod endpoint;
mod mail;
mod message;
mod ntfy;
mod outgoing;
mod postmark;
mod resolve;
mod send_error;
mod sender;
mod slack;
mod teams;
mod template;
mod webhook;

pub use address::{AddressPolicy, Standing, standing};
pub use backoff::next_attempt;
pub use bad_setting::BadSetting;
pub use channel::Channel;
pub use discord::Discord;
pub use endpoint::Endpoint;
pub use mail::Mail;
pub use message::Message;
pub use ntfy::Ntfy;
pub use outgoing::OutgoingRequest;
pub use postmark::Postmark;
pub use resolve::{Resolve, Resolved, SystemResolver};
pub use send_error::SendError;
pub use sender::{Sender, Timeouts};
pub use slack::Slack;
pub use teams::Teams;
pub use template::Template;
pub use webhook::{Webhook, signature};
