//! Alerts, whatever they are about: channels, who is told, held deliveries, singly or as a digest, quiet hours, sending
//! and trying again, history, the doors of rules. A service owns its causes, its words and its rules: see [`Alerting`]
//! and [`Rules`].
//!
//! Floors, top to bottom: `routes` → `api`, `pages`, `jobs` → `rules`, `wording` → `channel` → `alerting` → `machinery`,
//! `content` → `told` → `address` → `store` → `domain`, `settings`.

mod address;
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
mod rules;
mod settings;
pub mod store;
mod told;
mod wording;

pub use alerting::Alerting;
pub use content::Content;
pub use doctor::examine;
pub use jobs::start;
pub use machinery::Alerts;
pub use pages::{RuleButtons, View};
pub use routes::routes;
pub use rules::{RuleAsked, RuleCommon, Rules, no_such_rule, too_many_rules};
pub use settings::{PostmarkAccount, Settings, Smtp, SmtpTls};
pub use store::SCHEMA;
pub use store::deliveries::Event;
pub use told::{Audience, Reach, Target, read_quiet_hours};
