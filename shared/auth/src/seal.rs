//! Text that only a holder of the secret can have made: `base64url(payload).base64url(HMAC-SHA256)`.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::key::random_bytes;

/// Longest text worth checking, in bytes. Ours have about 120.
const MAX_TEXT_BYTES: usize = 1024;

/// What a sealed text is for; one kind never passes for another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Session,
    LoginLink,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Purpose::Session => b"monlight session\0",
            Purpose::LoginLink => b"monlight login link\0",
        }
    }
}

/// The secret, ready for use.
pub(crate) struct Seal(Hmac<Sha256>);

impl Seal {
    /// An empty secret, which anyone could know, is replaced by a random one.
    pub(crate) fn new(secret: &[u8]) -> Seal {
        let stand_in;
        let secret = if secret.is_empty() {
            stand_in = random_bytes::<32>();
            &stand_in
        } else {
            secret
        };
        Seal(Hmac::new_from_slice(secret).expect("HMAC takes a key of any length"))
    }

    pub(crate) fn close(&self, purpose: Purpose, payload: &[u8]) -> String {
        let mut text = BASE64URL_NOPAD.encode(payload);
        let signature = self.sign(purpose, &text).finalize().into_bytes();
        text.push('.');
        text.push_str(&BASE64URL_NOPAD.encode(&signature));
        text
    }

    /// The payload, if we sealed it for this purpose. The signature is checked before anything is decoded.
    pub(crate) fn open(&self, purpose: Purpose, text: &str) -> Option<Vec<u8>> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let (payload, signature) = text.split_once('.')?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        // `verify_slice` compares in constant time.
        self.sign(purpose, payload).verify_slice(&signature).ok()?;
        BASE64URL_NOPAD.decode(payload.as_bytes()).ok()
    }

    fn sign(&self, purpose: Purpose, payload: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(purpose.label()).chain_update(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_and_purpose_open() {
        let seal = Seal::new(b"secret");
        let text = seal.close(Purpose::Session, b"payload");
        assert_eq!(
            seal.open(Purpose::Session, &text).as_deref(),
            Some(&b"payload"[..])
        );
        assert_eq!(
            Seal::new(b"secret").open(Purpose::Session, &text).as_deref(),
            Some(&b"payload"[..])
        );
        assert_eq!(seal.open(Purpose::LoginLink, &text), None);
        assert_eq!(Seal::new(b"other").open(Purpose::Session, &text), None);
    }

    #[test]
    fn the_empty_secret_is_not_used() {
        let text = Seal::new(b"").close(Purpose::Session, b"payload");
        assert_eq!(Seal::new(b"").open(Purpose::Session, &text), None);
    }

    #[test]
    fn a_cut_signature_does_not_open() {
        let seal = Seal::new(b"secret");
        let text = seal.close(Purpose::Session, b"payload");
        for end in 0..text.len() {
            assert_eq!(seal.open(Purpose::Session, &text[..end]), None, "{end}");
        }
        assert_eq!(seal.open(Purpose::Session, &format!("{text}A")), None);
        assert_eq!(seal.open(Purpose::Session, &"A".repeat(1 << 20)), None);
    }
}
