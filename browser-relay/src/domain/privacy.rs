//! What a browser says about being watched, and what then is left out.

/// What to do about `DNT: 1` and `Sec-GPC: 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoNotTrack {
    /// Nothing that tells one visitor from another is kept: no session, no user, no query of a URL.
    Anonymous,
    /// Nothing is kept at all.
    Drop,
    /// It is not looked at.
    Ignore,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// To be nobody.
    Anonymous,
    /// Not to be kept.
    Drop,
}

/// The wish of a request with these headers.
pub fn wish(rule: DoNotTrack, dnt: Option<&str>, gpc: Option<&str>) -> Wish {
    let asks = [dnt, gpc].iter().flatten().any(|value| value.trim() == "1");
    match rule {
        DoNotTrack::Anonymous if asks => Wish::Anonymous,
        DoNotTrack::Drop if asks => Wish::Drop,
        _ => Wish::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_one_asks() {
        assert_eq!(wish(DoNotTrack::Anonymous, Some("1"), None), Wish::Anonymous);
        assert_eq!(wish(DoNotTrack::Drop, None, Some("1")), Wish::Drop);
        assert_eq!(wish(DoNotTrack::Drop, Some("0"), None), Wish::None);
        assert_eq!(wish(DoNotTrack::Ignore, Some("1"), Some("1")), Wish::None);
    }
}
