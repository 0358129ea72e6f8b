//! Which names have secret values. A name is compared by its letters and by where its words begin:
//! `X-Api-Key`, `xApiKey` and `x_api_key` are all `xapikey` with words at 0, 1 and 4.

use crate::default_names::{INNOCENT_WORDS, NAMES, VAGUE, VALUE_WORDS};
use crate::reach::Reach;

/// How much a secret name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody writes this name in a sentence without giving the value.
    Sure,
    /// An ordinary word as well.
    Vague,
    /// Its value is a list of cookies.
    Cookies,
}

/// Longest name looked at, in bytes of its letters; of longer ones, the end.
const MAX_LETTERS: usize = 64;

/// All listed names, by their last and, if they may stand at a beginning, by their first letter.
#[derive(Debug)]
pub(crate) struct Names {
    by_last: Bucketed,
    by_first: Bucketed,
    spared: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Listed {
    letters: Vec<u8>,
    reach: Reach,
}

impl Names {
    pub(crate) fn new(extra_fields: &[String]) -> Names {
        let mut names = Names {
            by_last: Bucketed::default(),
            by_first: Bucketed::default(),
            spared: Vec::new(),
        };
        for (listed, reach) in NAMES {
            listed.iter().for_each(|name| names.add(name, reach));
        }
        for field in extra_fields {
            match field.trim().strip_prefix('!') {
                Some(spared) => names.spared.push(Letters::of(spared).as_bytes().to_vec()),
                None => names.add(field, Reach::Edges),
            }
        }
        names
    }

    fn add(&mut self, name: &str, reach: Reach) {
        let letters = Letters::of(name).as_bytes().to_vec();
        let listed = Listed { letters, reach };
        if matches!(reach, Reach::Anywhere | Reach::Edges) {
            self.by_first.add(Bucketed::starting, listed.clone());
        }
        self.by_last.add(Bucketed::ending, listed);
    }

    /// Whether values under this name are secret, and what the name says about them.
    pub(crate) fn secret(&self, name: &str) -> Option<Kind> {
        let letters = Letters::of(name);
        if letters.as_bytes().is_empty() {
            return None;
        }
        let is_secret = self.ends(&letters)
            || self.contains(&letters)
            || letters
                .without_last_word(VALUE_WORDS)
                .is_some_and(|shorter| self.ends(&shorter));
        let is_spared = is_secret && self.spared.iter().any(|spared| spared == letters.as_bytes());
        (is_secret && !is_spared).then(|| letters.kind())
    }

    /// Whether two names have the same letters.
    pub(crate) fn same(one: &str, other: &str) -> bool {
        Letters::of(one).as_bytes() == Letters::of(other).as_bytes()
    }

    fn ends(&self, letters: &Letters) -> bool {
        // What the setting names may end in a digit, hence both.
        let ends = |letters: &Letters| {
            let bytes = letters.as_bytes();
            self.by_last.like(Bucketed::ending(bytes)).iter().any(|listed| {
                bytes.ends_with(&listed.letters) && {
                    let start = bytes.len() - listed.letters.len();
                    match listed.reach {
                        Reach::Whole => start == 0,
                        Reach::LastWords | Reach::Edges => letters.starts_word(start),
                        Reach::End | Reach::Anywhere => true,
                    }
                }
            })
        };
        ends(letters) || letters.without_digits().is_some_and(|shorter| ends(&shorter))
    }

    fn contains(&self, letters: &Letters) -> bool {
        let bytes = letters.as_bytes();
        let mut starts = letters.starts;
        while starts != 0 {
            let start = starts.trailing_zeros() as usize;
            starts &= starts - 1;
            let rest = &bytes[start..];
            let found = self.by_first.like(Bucketed::starting(rest)).iter().any(|listed| {
                let ends_word = letters.starts_word(start + listed.letters.len());
                rest.starts_with(&listed.letters)
                    && match listed.reach {
                        Reach::Edges => start == 0 && ends_word,
                        _ => ends_word && !INNOCENT_WORDS.contains(&letters.last_word()),
                    }
            });
            if found {
                return true;
            }
        }
        false
    }
}

/// Listed names by a letter at one end, and whether any has the letter beside it too: most names have none like them.
#[derive(Debug, Default)]
struct Bucketed {
    buckets: [Vec<Listed>; 32],
    /// Of each bucket, a bit for each second letter of its names; all bits if a name has only one.
    seconds: [u32; 32],
}

/// Where a name is looked for: its bucket, and the bits of its second letter.
type Like = Option<(usize, u32)>;

impl Bucketed {
    fn starting(letters: &[u8]) -> Like {
        Self::like_of(letters.first(), letters.get(1))
    }

    fn ending(letters: &[u8]) -> Like {
        let mut back = letters.iter().rev();
        Self::like_of(back.next(), back.next())
    }

    fn like_of(letter: Option<&u8>, second: Option<&u8>) -> Like {
        let bits = second.map_or(u32::MAX, |second| 1 << (second & 31));
        Some((usize::from(letter? & 31), bits))
    }

    fn add(&mut self, end: impl Fn(&[u8]) -> Like, listed: Listed) {
        if let Some((bucket, bits)) = end(&listed.letters) {
            self.seconds[bucket] |= bits;
            self.buckets[bucket].push(listed);
        }
    }

    /// The names that may be at this end.
    fn like(&self, like: Like) -> &[Listed] {
        match like {
            Some((bucket, bits)) if self.seconds[bucket] & bits != 0 => &self.buckets[bucket],
            _ => &[],
        }
    }
}

/// A name's letters and digits in lower case, and the places where its words begin.
#[derive(Clone)]
struct Letters {
    bytes: [u8; MAX_LETTERS],
    length: usize,
    /// Bit `i`: a word begins at byte `i`.
    starts: u64,
}

impl Letters {
    fn of(name: &str) -> Letters {
        let name = &name[name.ceil_char_boundary(name.len().saturating_sub(MAX_LETTERS))..];
        let mut letters = Letters {
            bytes: [0; MAX_LETTERS],
            length: 0,
            starts: 0,
        };
        // Most names are one plain word.
        if name.bytes().all(|byte| byte.is_ascii_lowercase()) && !name.is_empty() {
            letters.bytes[..name.len()].copy_from_slice(name.as_bytes());
            (letters.length, letters.starts) = (name.len(), 1);
            return letters;
        }
        // Of the two characters before: was there one, and was it upper case?
        let (mut before, mut one_earlier) = (Case::None, Case::None);
        for character in name.chars() {
            let case = Case::of(character);
            let starts_word = before == Case::None || (before == Case::Other && case == Case::Upper);
            if case == Case::Other
                && before == Case::Upper
                && one_earlier == Case::Upper
                && character.is_alphabetic()
            {
                letters.starts |= 1 << (letters.length - 1);
            }
            if case != Case::None {
                letters.push(character, starts_word);
            }
            (before, one_earlier) = (case, before);
        }
        letters
    }

    fn push(&mut self, character: char, starts_word: bool) {
        if starts_word && self.length < MAX_LETTERS {
            self.starts |= 1 << self.length;
        }
        if character.is_ascii() && self.length < MAX_LETTERS {
            self.bytes[self.length] = character.to_ascii_lowercase() as u8;
            self.length += 1;
            return;
        }
        for lower in character.to_lowercase() {
            let mut encoded = [0; 4];
            let encoded = lower.encode_utf8(&mut encoded).as_bytes();
            if let Some(place) = self.bytes.get_mut(self.length..self.length + encoded.len()) {
                place.copy_from_slice(encoded);
                self.length += encoded.len();
            }
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Whether a word begins here; the end counts.
    fn starts_word(&self, at: usize) -> bool {
        at == self.length || (at < self.length && self.starts >> at & 1 == 1)
    }

    fn last_word(&self) -> &str {
        let start = 63_usize.saturating_sub(self.starts.leading_zeros() as usize);
        std::str::from_utf8(&self.as_bytes()[start..]).unwrap_or_default()
    }

    fn without_last_word(&self, words: &[&str]) -> Option<Letters> {
        let last = self.last_word();
        (last.len() < self.length && words.contains(&last)).then(|| self.cut(self.length - last.len()))
    }

    fn without_digits(&self) -> Option<Letters> {
        let n_digits = self
            .as_bytes()
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        (n_digits > 0).then(|| self.cut(self.length - n_digits))
    }

    fn cut(&self, length: usize) -> Letters {
        Letters {
            length,
            starts: self.starts & ((1 << length) - 1),
            bytes: self.bytes,
        }
    }

    fn kind(&self) -> Kind {
        let bytes = self.as_bytes();
        let is_one_word = self.starts.count_ones() == 1;
        if bytes.ends_with(b"cookie") || bytes.ends_with(b"cookies") {
            Kind::Cookies
        } else if is_one_word && VAGUE.iter().any(|vague| vague.as_bytes() == bytes) {
            Kind::Vague
        } else {
            Kind::Sure
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    /// Between words.
    None,
    Upper,
    Other,
}

impl Case {
    fn of(character: char) -> Case {
        match character {
            'a'..='z' | '0'..='9' => Case::Other,
            'A'..='Z' => Case::Upper,
            _ if character.is_ascii() || !character.is_alphanumeric() => Case::None,
            _ if character.is_uppercase() => Case::Upper,
            _ => Case::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &str, is_secret: bool) {
        let listed = Names::new(&[]);
        for name in names.split_whitespace() {
            assert_eq!(listed.secret(name).is_some(), is_secret, "{name}");
        }
    }

    #[test]
    fn names_of_secrets() {
        check(
            "password Password PASSWORD passwd pwd passphrase password2 new_password1 passwordConfirmation",
            true,
        );
        check(
            "db_password dbPassword dbpassword user_password_hash MYSQL_PWD DB_PASS hashed_password",
            true,
        );
        check(
            "secret client_secret clientSecret SECRET_KEY secret_key_base app-secret secrets",
            true,
        );
        check(
            "token access_token accessToken refresh_token id_token csrf_token csrfmiddlewaretoken",
            true,
        );
        check(
            "X-CSRFToken x-csrf-token xsrf-token _csrf csrf authToken bearer_token token_value token2",
            true,
        );
        check(
            "api_key apikey apiKey APIKey x-api-key X_API_KEY stripeApiKey myapikey api_keys",
            true,
        );
        check(
            "auth authorization Authorization Proxy-Authorization basic_auth HTTP_AUTHORIZATION",
            true,
        );
        check(
            "cookie cookies Cookie set-cookie Set-Cookie HTTP_COOKIE PHPSESSID connect.sid JSESSIONID",
            true,
        );
        check(
            "private_key privateKey ssh_private_key credentials aws_secret_access_key accessKey",
            true,
        );
        check(
            "card_number cardNumber cardnumber credit_card_number cvv cvc cvv2 card_cvv ssn user_ssn",
            true,
        );
        check(
            "dsn DATABASE_DSN db-dsn connection_string user[password] user.password passwörd_password",
            true,
        );
    }

    #[test]
    fn innocent_names() {
        check(
            "author authority is_authenticated authenticated auth_method auth_type authorized",
            false,
        );
        check(
            "token_count tokens max_tokens prompt_tokens token_type token_expires_at tokenizer",
            false,
        );
        check(
            "password_changed_at passwordChangedAt password_length PASSWORD_FILE api_key_id",
            false,
        );
        check(
            "session_id sessionid session sessionId keyboard key public_key primary_key cache_key",
            false,
        );
        check(
            "passport_country passport compass bypass pass passed secretary cookie_consent",
            false,
        );
        check(
            "card_number_last4 last4 cardinality assn ssn_verified pwd_changed discard",
            false,
        );
        check(
            "credentials_provider csrf_enabled secret_name oauth_provider",
            false,
        );
        check("- _ . é 42 ___", false);
    }

    #[test]
    fn names_from_the_setting() {
        let names = Names::new(&[
            "Pin".into(),
            "iban-no".into(),
            "!session_token".into(),
            " !pwd ".into(),
            "".into(),
        ]);
        for secret in [
            "pin",
            "user_pin",
            "pinCode",
            "PIN",
            "IBAN_NO",
            "customer.ibanNo",
            "token",
            "db_pwd",
        ] {
            assert!(names.secret(secret).is_some(), "{secret}");
        }
        for innocent in [
            "spinning",
            "pins",
            "a_pin_b",
            "session_token",
            "sessionToken",
            "PWD",
        ] {
            assert!(names.secret(innocent).is_none(), "{innocent}");
        }
        let unicode = Names::new(&["пароль".into(), "s3".into()]);
        assert!(unicode.secret("Мой_ПАРОЛЬ").is_some());
        assert!(unicode.secret("my_s3").is_some());
    }

    #[test]
    fn kinds() {
        let names = Names::new(&[]);
        assert_eq!(names.secret("token"), Some(Kind::Vague));
        assert_eq!(names.secret("access_token"), Some(Kind::Sure));
        assert_eq!(names.secret("Set-Cookie"), Some(Kind::Cookies));
    }

    #[test]
    fn of_a_long_name_the_end_counts() {
        let name = format!("{}_password", "é".repeat(400));
        assert!(Names::new(&[]).secret(&name).is_some());
        assert!(Names::new(&[name]).secret("x").is_none());
    }
}
