//! How far a name of the lists reaches.

/// How far a listed name reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The whole name.
    Whole,
    /// The last words: `cvv` is `card_cvv`.
    LastWords,
    /// The end, within a word too: `token` is `csrfmiddlewaretoken`.
    End,
    /// The end, or words anywhere, unless the last word is innocent: `password` is `user_password_hash`.
    Anywhere,
    /// The first or last words: what the setting names.
    Edges,
}
