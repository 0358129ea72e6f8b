//! Links that sign a browser in without typing the key: printed by `login-link` on the server, good for one
//! hour and one use. The process that prints and the one that redeems share only `SESSION_SECRET`.

use crate::key::{Identity, Via, random_bytes};
use crate::keys::Keys;
use crate::seal::Purpose;
use crate::session::{Sessions, lock};
use crate::spent::RandomId;

/// How long a link may be used, in seconds.
const LIFETIME_SECONDS: u64 = 3600;

impl Sessions {
    /// The token of a new link to this service; safe in a URL as it is.
    pub fn login_link_token(&self, now_unix: u64) -> String {
        let expires_at = now_unix.saturating_add(LIFETIME_SECONDS);
        let mut payload = expires_at.to_be_bytes().to_vec();
        payload.extend(random_bytes::<16>());
        payload.extend(self.service.as_bytes());
        self.seal.close(Purpose::LoginLink, &payload)
    }

    /// The identity of `API_KEY`, as a session, for a token of this service that was not used before. `None` also
    /// when there is no `API_KEY`. Used tokens are remembered in memory: a restart within the hour forgets them.
    pub fn redeem_login_link(&self, token: &str, now_unix: u64, keys: &Keys) -> Option<Identity> {
        let payload = self.seal.open(Purpose::LoginLink, token)?;
        let (expires_at, rest) = payload.split_first_chunk()?;
        let (nonce, service): (&RandomId, _) = rest.split_first_chunk()?;
        let expires_at = u64::from_be_bytes(*expires_at);
        if service != self.service.as_bytes() || now_unix >= expires_at {
            return None;
        }
        let api_key = keys.api_key_identity()?;
        let is_first = lock(&self.used_links).spend(expires_at, *nonce, now_unix);
        is_first.then(|| Identity {
            name: "session".to_owned(),
            via: Via::Session,
            ..api_key
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn keys() -> Keys {
        Keys::new("abc", None).unwrap()
    }

    fn sessions() -> Sessions {
        Sessions::new(b"secret", "error-tracker")
    }

    #[test]
    fn a_link_signs_in_once() {
        let (sessions, keys) = (sessions(), keys());
        let token = Sessions::new(b"secret", "error-tracker").login_link_token(NOW);
        let identity = sessions.redeem_login_link(&token, NOW + 3599, &keys).unwrap();
        assert_eq!(identity.id, keys.api_key_identity().unwrap().id);
        assert!(sessions.redeem_login_link(&token, NOW + 3599, &keys).is_none());
        let cookie = sessions.issue(&identity, NOW);
        assert_eq!(sessions.verify(&cookie, NOW, &keys), Some(identity));
    }

    #[test]
    fn a_link_expires_and_opens_its_own_service_only() {
        let (sessions, keys) = (sessions(), keys());
        let token = sessions.login_link_token(NOW);
        assert!(sessions.redeem_login_link(&token, NOW + 3600, &keys).is_none());
        assert!(
            Sessions::new(b"secret", "log-viewer")
                .redeem_login_link(&token, NOW, &keys)
                .is_none()
        );
        assert!(
            Sessions::new(b"other", "error-tracker")
                .redeem_login_link(&token, NOW, &keys)
                .is_none()
        );
        assert!(sessions.redeem_login_link(&token, NOW, &keys).is_some());
    }

    #[test]
    fn links_and_sessions_do_not_pass_for_each_other() {
        let (sessions, keys) = (sessions(), keys());
        let cookie = sessions.issue(&keys.api_key_identity().unwrap(), NOW);
        assert!(sessions.redeem_login_link(&cookie, NOW, &keys).is_none());
        assert!(
            sessions
                .verify(&sessions.login_link_token(NOW), NOW, &keys)
                .is_none()
        );
    }

    #[test]
    fn without_an_api_key_there_is_nobody_to_sign_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        std::fs::write(&path, "[[keys]]\nname='ci'\nkey='abc'\nscopes=['admin']").unwrap();
        let keys = Keys::new("", Some(&path)).unwrap();
        let sessions = sessions();
        assert!(
            sessions
                .redeem_login_link(&sessions.login_link_token(NOW), NOW, &keys)
                .is_none()
        );
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_no_link(text: String, payload: Vec<u8>) {
            let (sessions, keys) = (sessions(), keys());
            prop_assert!(sessions.redeem_login_link(&text, NOW, &keys).is_none());
            let sealed = sessions.seal.close(Purpose::LoginLink, &payload);
            prop_assert!(sessions.redeem_login_link(&sealed, NOW, &keys).is_none());
        }
    }
}
