//! Page sessions: a signed cookie value instead of a table, so several services that share `SESSION_SECRET`
//! accept each other's. The cookie's name and attributes are the caller's; login links are in `login_link.rs`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::key::{Identity, Via, random_bytes};
use crate::keys::Keys;
use crate::scope::Scopes;
use crate::seal::{Purpose, Seal};
use crate::spent::{RandomId, Spent};

/// How long a session lasts: a week, so that a wall board or a Monday needs no key at hand.
pub const SESSION_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// First byte of a payload. Count it up when the layout changes; older sessions then end.
const VERSION: u8 = 1;

/// Issues and verifies sessions of one service. Times are Unix seconds.
pub struct Sessions {
    pub(crate) seal: Seal,
    pub(crate) service: &'static str,
    revoked: Mutex<Spent>,
    pub(crate) used_links: Mutex<Spent>,
}

/// The payload: version, then these in order, integers big-endian, the service's name last.
struct Session {
    expires_at: u64,
    key_id: u64,
    scopes: Scopes,
    id: RandomId,
    service: String,
}

impl Sessions {
    /// Sessions signed with `secret` and issued in the name of `service`.
    /// An empty secret is replaced by a random one, and sessions end with the process.
    pub fn new(secret: &[u8], service: &'static str) -> Sessions {
        Sessions {
            seal: Seal::new(secret),
            service,
            revoked: Mutex::default(),
            used_links: Mutex::default(),
        }
    }

    /// A cookie value for whoever just showed a key. It carries the key's id and scopes, not the key.
    pub fn issue(&self, identity: &Identity, now_unix: u64) -> String {
        let session = Session {
            expires_at: now_unix.saturating_add(SESSION_LIFETIME.as_secs()),
            key_id: identity.id,
            scopes: identity.scopes,
            id: random_bytes(),
            service: self.service.to_owned(),
        };
        self.seal.close(Purpose::Session, &session.to_bytes())
    }

    /// Whose session this is, if it is signed with our secret, not expired and not revoked here.
    ///
    /// A session of this service ends with its key, and permits no more than the key does now. One of another
    /// service is taken at its word until it expires: its keys are not ours to look up.
    pub fn verify(&self, cookie: &str, now_unix: u64, keys: &Keys) -> Option<Identity> {
        let session = self.open(cookie, now_unix)?;
        if lock(&self.revoked).contains(session.expires_at, session.id) {
            return None;
        }
        let is_ours = session.service == self.service;
        let scopes = if is_ours {
            session.scopes.intersection(keys.scopes(session.key_id)?)
        } else {
            session.scopes
        };
        Some(Identity {
            name: "session".to_owned(),
            id: session.key_id,
            scopes,
            via: Via::Session,
        })
    }

    /// Ends a session at logout; anything but a session of ours is ignored. Remembered in memory only, and by
    /// this service only: the caller must also have the browser drop the cookie.
    pub fn revoke(&self, cookie: &str, now_unix: u64) {
        if let Some(session) = self.open(cookie, now_unix) {
            lock(&self.revoked).spend(session.expires_at, session.id, now_unix);
        }
    }

    fn open(&self, cookie: &str, now_unix: u64) -> Option<Session> {
        let payload = self.seal.open(Purpose::Session, cookie)?;
        Session::from_bytes(&payload).filter(|session| now_unix < session.expires_at)
    }
}

impl Session {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.expires_at.to_be_bytes());
        bytes.extend(self.key_id.to_be_bytes());
        bytes.push(self.scopes.bits());
        bytes.extend(self.id);
        bytes.extend(self.service.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Session> {
        let bytes = bytes.strip_prefix(&[VERSION])?;
        let (expires_at, bytes) = bytes.split_first_chunk()?;
        let (key_id, bytes) = bytes.split_first_chunk()?;
        let (scopes, bytes) = bytes.split_first()?;
        let (id, service) = bytes.split_first_chunk()?;
        Some(Session {
            expires_at: u64::from_be_bytes(*expires_at),
            key_id: u64::from_be_bytes(*key_id),
            scopes: Scopes::from_bits(*scopes)?,
            id: *id,
            service: String::from_utf8(service.to_vec()).ok()?,
        })
    }
}

/// A set is whole after every step, so a panic elsewhere leaves it fit for use.
pub(crate) fn lock(spent: &Mutex<Spent>) -> std::sync::MutexGuard<'_, Spent> {
    spent.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_800_000_000;
    const WEEK: u64 = 7 * 24 * 3600;

    fn keys() -> Keys {
        Keys::new("abc", None).unwrap()
    }

    fn sessions() -> Sessions {
        Sessions::new(b"secret", "error-tracker")
    }

    fn issue(sessions: &Sessions, keys: &Keys) -> String {
        sessions.issue(&keys.api_key_identity().unwrap(), NOW)
    }

    #[test]
    fn a_session_stands_for_its_key() {
        let (sessions, keys) = (sessions(), keys());
        let cookie = issue(&sessions, &keys);
        let identity = sessions.verify(&cookie, NOW, &keys).unwrap();
        let key = keys.api_key_identity().unwrap();
        assert_eq!((identity.name.as_str(), identity.via), ("session", Via::Session));
        assert_eq!((identity.id, identity.scopes), (key.id, key.scopes));
        assert_ne!(cookie, issue(&sessions, &keys));
        let is_cookie_safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(
            cookie.chars().all(is_cookie_safe) && cookie.len() < 200,
            "{cookie}"
        );
    }

    #[test]
    fn a_session_ends_after_a_week() {
        let (sessions, keys) = (sessions(), keys());
        let cookie = issue(&sessions, &keys);
        assert!(sessions.verify(&cookie, NOW + WEEK - 1, &keys).is_some());
        assert!(sessions.verify(&cookie, NOW + WEEK, &keys).is_none());
        assert!(sessions.verify(&cookie, u64::MAX, &keys).is_none());
    }

    #[test]
    fn a_session_ends_at_logout() {
        let (sessions, keys) = (sessions(), keys());
        let (cookie, other) = (issue(&sessions, &keys), issue(&sessions, &keys));
        sessions.revoke(&cookie, NOW);
        sessions.revoke("noise", NOW);
        assert!(sessions.verify(&cookie, NOW, &keys).is_none());
        assert!(sessions.verify(&other, NOW, &keys).is_some());
    }

    #[test]
    fn a_session_ends_with_its_key() {
        let sessions = sessions();
        let cookie = issue(&sessions, &keys());
        let new_keys = Keys::new("def", None).unwrap();
        assert!(sessions.verify(&cookie, NOW, &new_keys).is_none());
    }

    #[test]
    fn a_session_loses_scopes_with_its_key_but_gains_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let write = |scopes: &str| {
            std::fs::write(
                &path,
                format!("[[keys]]\nname='ci'\nkey='abc'\nscopes=[{scopes}]"),
            )
            .unwrap();
        };
        write("'ingest', 'read'");
        let keys = Keys::new("", Some(&path)).unwrap();
        let sessions = sessions();
        let cookie = sessions.issue(&keys.authenticate("abc").unwrap(), NOW);
        let check = |scopes: &str, expected: &str| {
            write(scopes);
            keys.reload_if_changed().unwrap();
            assert_eq!(
                sessions.verify(&cookie, NOW, &keys).unwrap().scopes.to_string(),
                expected
            );
        };
        check("'read'", "read");
        check("'admin'", "ingest,read");
    }

    #[test]
    fn services_with_one_secret_accept_each_others_sessions() {
        let cookie = issue(&sessions(), &keys());
        let other_keys = Keys::new("def", None).unwrap();
        let sibling = Sessions::new(b"secret", "log-viewer");
        assert_eq!(
            sibling.verify(&cookie, NOW, &other_keys).unwrap().scopes,
            Scopes::ALL
        );
        assert!(sibling.verify(&cookie, NOW + WEEK, &other_keys).is_none());
        sibling.revoke(&cookie, NOW);
        assert!(sibling.verify(&cookie, NOW, &other_keys).is_none());
        let stranger = Sessions::new(b"other secret", "error-tracker");
        assert!(stranger.verify(&cookie, NOW, &keys()).is_none());
    }

    #[test]
    fn no_flipped_bit_is_overlooked() {
        let (sessions, keys) = (sessions(), keys());
        let cookie = issue(&sessions, &keys);
        let verifies = |text: &str| sessions.verify(text, NOW, &keys).is_some();
        for position in 0..cookie.len() * 8 {
            let mut bytes = cookie.clone().into_bytes();
            bytes[position / 8] ^= 1 << (position % 8);
            // A header that is not UTF-8 never becomes a cookie.
            assert!(
                !String::from_utf8(bytes).is_ok_and(|text| verifies(&text)),
                "bit {position}"
            );
        }
        let (payload, signature) = cookie.split_once('.').unwrap();
        let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap();
        for position in 0..payload.len() * 8 {
            let mut payload = payload.clone();
            payload[position / 8] ^= 1 << (position % 8);
            let forged = format!("{}.{signature}", BASE64URL_NOPAD.encode(&payload));
            assert!(!verifies(&forged), "payload bit {position}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_no_session(text: String, near in "[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{43}") {
            let (sessions, keys) = (sessions(), keys());
            prop_assert!(sessions.verify(&text, NOW, &keys).is_none());
            prop_assert!(sessions.verify(&near, NOW, &keys).is_none());
            sessions.revoke(&text, NOW);
        }

        #[test]
        fn arbitrary_signed_bytes_never_panic(payload: Vec<u8>) {
            let (sessions, keys) = (sessions(), keys());
            let _ = sessions.verify(&sessions.seal.close(Purpose::Session, &payload), NOW, &keys);
        }
    }
}
