//! Alerts, whatever they are about: channels, who is told, held deliveries, singly or as a digest, quiet hours, sending
//! and trying again, history. A service owns its causes and its words: see [`Alerting`].
//!
//! Floors, top to bottom: `routes` → `api`, `pages`, `jobs` → `content` → `channel`, `told` → `alerting`, `machinery` →
//! `store` → `domain`, `settings`.

mod alerting;
mod api;
mod channel;
mod content;
mod doctor;
pub mod domain;
mod jobs;
mod machinery;
pub mod pages;
mod routes;
mod settings;
pub mod store;
mod told;

pub use alerting::Alerting;
pub use content::Content;
pub use doctor::examine;
pub use jobs::start;
pub use machinery::Alerts;
pub use pages::{RuleButtons, View, done};
pub use routes::routes;
pub use settings::{PostmarkAccount, Settings, Smtp, SmtpTls};
pub use store::SCHEMA;
pub use store::deliveries::Event;
pub use told::{Audience, Reach, Target, read_quiet_hours};
