//! Who is asking, and what they may do: from the text of headers and cookies to an [`Identity`].
//! Pure logic: no HTTP types, and the time is a parameter. Secrets are compared in constant time.

mod key;
mod keys;
mod keys_file;
mod presented;
mod scope;
mod secret_file;

pub use crate::key::{Identity, Via, generate_key};
pub use crate::keys::{Keys, KeysError};
pub use crate::presented::presented;
pub use crate::scope::{Scope, Scopes};
pub use crate::secret_file::{SecretState, StoredSecret, load_or_create_secret};
