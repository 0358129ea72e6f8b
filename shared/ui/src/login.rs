//! Signing in: the form that takes an API key, and the page behind a one-time link.

use askama::Template;

use crate::frame::Frame;

/// `login.html`: POSTs `key`, `next` (and `username`, for password managers only) to `{root}login`.
#[derive(Template)]
#[template(path = "login.html")]
pub struct Login {
    /// The page around it; its root decides where the form goes.
    pub frame: Frame,
    /// Where to go afterwards, below the service's root: `errors/12?occurrence=3`. The server must check it.
    pub next: String,
    /// Why the last try failed.
    pub error: Option<String>,
    /// A warning above the form, such as that the page came over plain HTTP.
    pub notice: Option<String>,
}

/// `login_link.html`: POSTs `token` and `next` to `{root}login/link`. Opening the page changes nothing, so a
/// mail scanner that follows links does not use the token up.
#[derive(Template)]
#[template(path = "login_link.html")]
pub struct LoginLink {
    /// The page around it.
    pub frame: Frame,
    /// The one-time token of the link's query.
    pub token: String,
    /// Where to go afterwards, as in [`Login`].
    pub next: String,
    /// Why the last try failed: used before, or too old.
    pub error: Option<String>,
}
