//! Secrets out of error events before they are stored: passwords, tokens, keys, cookies, card numbers.
//! Goes by the name a value stands under ([`Scrubber::json`], `name=value` in text) and by what the value looks like.
//! Knows no event and no field of one; the door decides what to hand in. One pass, linear time, no panic on any input.

mod card;
mod code;
mod default_names;
mod json;
mod label;
mod names;
mod output;
mod pair;
mod pem;
mod reach;
mod text;
mod token;
mod unescape;
mod url;
mod word;

use std::borrow::Cow;

use names::Names;

/// What stands where a secret stood.
pub const FILTERED: &str = "[Filtered]";

/// Replaces secrets by [`FILTERED`]; made once, shared by all.
#[derive(Debug)]
pub struct Scrubber {
    names: Names,
}

impl Scrubber {
    /// `extra_fields`: names whose values are secret beside the default ones, as in `SCRUB_FIELDS`.
    /// Case, `-` and `_` do not matter; `pin` also means `user_pin` and `pinCode`, but not `spinning`.
    /// `!name` leaves values of exactly that name alone, as far as the name is the only reason.
    pub fn new(extra_fields: &[String]) -> Scrubber {
        Scrubber {
            names: Names::new(extra_fields),
        }
    }

    /// JSON text, byte for byte as it was except for secrets. A value under a secret name becomes `"[Filtered]"`,
    /// whatever its type; null, booleans and the empty string stay. Secrets inside other strings are replaced there.
    /// `[name, value]` within a list, and `{"name": …, "value": …}`, are names and values too.
    /// What is not JSON, or nested deeper than 128 levels, is scrubbed as text.
    pub fn json<'t>(&self, text: &'t str) -> Cow<'t, str> {
        json::scrub(&self.names, text).unwrap_or_else(|_| self.text(text))
    }

    /// Free text, such as a message, a traceback or a URL: only the secret values are replaced.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut output = output::Output::new(text);
        for secret in text::Secrets::new(&self.names, text) {
            output.replace(secret, FILTERED);
        }
        output.finish()
    }
}

impl Default for Scrubber {
    /// The default names only.
    fn default() -> Self {
        Scrubber::new(&[])
    }
}
