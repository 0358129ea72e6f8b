//! What can be done with a rule: change it, pause it, delete it.

use askama::Template;
use askama::filters::HtmlSafe;
use ui::Excerpt;

/// A link and two buttons.
#[derive(Debug, Clone, Template)]
#[template(path = "pages/rule_buttons.html")]
pub struct RuleButtons {
    root: String,
    id: i64,
    name: String,
    is_paused: bool,
}

/// Its own template has escaped what is in it.
impl HtmlSafe for RuleButtons {}

impl RuleButtons {
    /// Of one rule. `root` leads to the service's root.
    pub fn new(root: &str, id: i64, name: &str, is_paused: bool) -> Self {
        Self {
            root: root.to_owned(),
            id,
            name: name.to_owned(),
            is_paused,
        }
    }

    /// Where its deletion is sent to.
    fn deletion(&self) -> String {
        format!("{}alerts/rules/{}/delete", self.root, self.id)
    }

    fn what(&self) -> String {
        format!("the rule {}", Excerpt::line(&self.name, 100))
    }
}
