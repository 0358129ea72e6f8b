//! Private key blocks: from `-----BEGIN … PRIVATE KEY-----` to their END, or to the end of the text.

const BEGIN: &str = "-----BEGIN ";
const PRIVATE_KEY: &str = "PRIVATE KEY";
/// `ENCRYPTED PRIVATE KEY`, `PGP PRIVATE KEY BLOCK` …, with room.
const MAX_LABEL: usize = 48;

pub(crate) fn begins(text: &str, at: usize) -> bool {
    let Some(rest) = text[at..].strip_prefix(BEGIN) else {
        return false;
    };
    let label_length = rest
        .bytes()
        .take(MAX_LABEL)
        .take_while(|byte| byte.is_ascii_uppercase() || *byte == b' ')
        .count();
    rest.get(..label_length)
        .is_some_and(|label| label.contains(PRIVATE_KEY))
        && rest[label_length..].starts_with("--")
}

/// Where the block that begins at `at` ends.
pub(crate) fn end(text: &str, at: usize) -> usize {
    let body = at + BEGIN.len();
    let Some(end) = text[body..].find("-----END ") else {
        return text.len();
    };
    let label = body + end + "-----END ".len();
    // Up to the dashes behind the label, which may be cut off.
    let label_end = label
        + text[label..]
            .bytes()
            .take_while(|byte| byte.is_ascii_uppercase() || *byte == b' ')
            .count();
    label_end
        + text[label_end..]
            .bytes()
            .take(5)
            .take_while(|&byte| byte == b'-')
            .count()
}
