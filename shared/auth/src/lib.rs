//! Who is asking, and what they may do: from the text of headers and cookies to an [`Identity`].
//! Pure logic: no HTTP types, and the time is a parameter. Secrets are compared in constant time.

mod attempts;
mod key;
mod keys;
mod keys_file;
mod login_link;
mod presented;
mod same_origin;
mod scope;
mod seal;
mod secret_file;
mod session;
mod spent;

pub use crate::attempts::Attempts;
pub use crate::key::{Identity, Via, generate_key};
pub use crate::keys::{Keys, KeysError};
pub use crate::presented::presented;
pub use crate::same_origin::same_origin;
pub use crate::scope::{Scope, Scopes};
pub use crate::secret_file::{SecretState, StoredSecret, load_or_create_secret};
pub use crate::session::{SESSION_LIFETIME, Sessions};
