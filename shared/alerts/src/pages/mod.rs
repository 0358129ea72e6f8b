//! The page `/alerts`: the parts that all services have, and the doors of its forms.

mod channels;
mod doors;
mod history;
mod page;
mod rule_buttons;
mod rule_fields;
pub(crate) mod rules;
mod said;
mod view;

pub use channels::Channels;
pub(crate) use doors::{add_channel, delete_channel, show, test, test_channel};
pub use history::History;
pub use rule_buttons::RuleButtons;
pub use rule_fields::RuleFields;
pub use said::Said;
pub use view::View;
