//! Server-sent events: what a service publishes reaches everyone who listens, in bounded memory.
//!
//! [`Hub`] is for events that all readers get; where each gets something else, the service makes the bytes
//! itself and a [`Place`] sends them. Either belongs to a service's app. A stream ends by itself when the server
//! does: it learns of that from the request that it answers, so no service has to close anything.

mod event;
mod hub;
mod stream;

pub use event::Event;
pub use hub::{Hub, Subscription};
pub use stream::{Manner, Place, Places, last_event_id};
