//! The API key and the session secret: as set, or made at first start and kept beside the database.

use std::io;
use std::path::{Path, PathBuf};

use auth::{SecretState, load_or_create_secret};

use crate::settings::CommonSettings;

/// What signs in and what signs.
pub(crate) struct Secrets {
    pub(crate) api_key: String,
    pub(crate) session_secret: String,
    /// The file of an API key that was made just now.
    pub(crate) made_key: Option<PathBuf>,
}

impl Secrets {
    pub(crate) fn load(settings: &CommonSettings) -> io::Result<Self> {
        let beside = |what: &str| settings.database_path.with_extension(what);
        let (api_key, made_key) = match &settings.api_key {
            Some(key) => (key.expose().to_owned(), None),
            None => {
                let file = beside("api-key");
                let (key, is_new) = load(&file)?;
                (key, is_new.then_some(file))
            }
        };
        Ok(Self {
            api_key,
            session_secret: Self::session_secret(settings)?,
            made_key,
        })
    }

    pub(crate) fn session_secret(settings: &CommonSettings) -> io::Result<String> {
        match &settings.session_secret {
            Some(secret) => Ok(secret.expose().to_owned()),
            None => Ok(load(&settings.database_path.with_extension("session-secret"))?.0),
        }
    }
}

fn load(file: &Path) -> io::Result<(String, bool)> {
    let stored = load_or_create_secret(file)?;
    if let SecretState::Mended { mode } = stored.state {
        tracing::warn!(
            "{} was readable by others (mode {mode:o}); it is 0600 now",
            file.display()
        );
    }
    Ok((stored.value, matches!(stored.state, SecretState::Created)))
}
