//! One key: its hash, its id, who holds it, and how a new one is made.
//! Keys are long and random, so one SHA-256 is enough; a slow hash would only invite floods.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::scope::Scopes;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `API_KEY`, the name in the file, or `session`.
    pub name: String,
    /// Stable over restarts, for the rate limiter and the log; does not give the key away.
    /// A session has the id of the key it was opened with.
    pub id: u64,
    /// What they may do.
    pub scopes: Scopes,
    /// How they showed who they are.
    pub via: Via,
}

/// How an identity was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// An API key with the request. No browser adds it by itself, so there is no CSRF.
    Key,
    /// A session cookie; changes need [`crate::same_origin`].
    Session,
}

/// A new API key or session secret: `mk_` and 32 random bytes in base64url, 46 characters.
///
/// # Panics
/// If the operating system has no randomness to give.
pub fn generate_key() -> String {
    format!("mk_{}", BASE64URL_NOPAD.encode(&random_bytes::<32>()))
}

/// Bytes nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("every system we run on has a random source");
    bytes
}

/// SHA-256 of a key.
#[derive(Clone, Copy)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    pub(crate) fn of(key: &str) -> KeyHash {
        KeyHash(Sha256::digest(key.as_bytes()).into())
    }

    /// `sha256:` and 64 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<KeyHash> {
        let digits = text.strip_prefix("sha256:")?;
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?;
        bytes.try_into().ok().map(KeyHash)
    }

    /// Takes as long whether the hashes differ early, late or not at all.
    pub(crate) fn matches(&self, other: &KeyHash) -> Choice {
        self.0.ct_eq(&other.0)
    }

    /// Half as long as a hash that would be worth attacking, and not a prefix of the stored one.
    pub(crate) fn id(&self) -> u64 {
        let digest = Sha256::new()
            .chain_update(b"monlight key id\0")
            .chain_update(self.0)
            .finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |id, byte| id << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_are_long_and_differ() {
        let key = generate_key();
        assert_eq!(key.len(), 46);
        assert!(key.starts_with("mk_"));
        assert_ne!(key, generate_key());
    }

    #[test]
    fn a_written_hash_equals_the_hash_of_the_key() {
        // printf abc | sha256sum
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let parsed = KeyHash::parse(text).unwrap();
        assert!(bool::from(parsed.matches(&KeyHash::of("abc"))));
        assert!(!bool::from(parsed.matches(&KeyHash::of("abd"))));
        assert_eq!(parsed.id(), KeyHash::of("abc").id());
        assert!(KeyHash::parse(&text.to_uppercase().replace("SHA", "sha")).is_some());
        for bad in ["", "sha256:", "sha256:ab", "md5:ba78", &text[..70], &text[7..]] {
            assert!(KeyHash::parse(bad).is_none(), "{bad}");
        }
    }
}
