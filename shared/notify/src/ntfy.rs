//! ntfy: a POST to the topic's URL, with the title and its like in headers: <https://docs.ntfy.sh/publish/>.
//!
//! Headers carry ASCII only; anything else goes as RFC 2047 has it, which ntfy decodes.

use config::Secret;
use data_encoding::BASE64;

use crate::bad_setting::BadSetting;
use crate::cut;
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::outgoing::OutgoingRequest;

/// A longer message would become an attachment: <https://docs.ntfy.sh/publish/#limitations>.
const MAX_BODY_BYTES: usize = 4096;
/// What facts may take of it.
const MAX_FACTS_BYTES: usize = 1024;
const MAX_TITLE: usize = 200;
const MAX_URL: usize = 2048;
/// An encoded word has at most 75 characters (RFC 2047 §2): 12 around it, and 4 for each 3 bytes.
const MAX_WORD_BYTES: usize = 45;

/// Where to, and as whom.
#[derive(Debug, Clone)]
pub struct Ntfy {
    pub(crate) url: Endpoint,
    token: Option<Secret>,
}

impl Ntfy {
    /// `url` is the topic's, such as `https://ntfy.sh/mytopic`; `token` an access token (`tk_…`), where one is needed.
    pub fn new(url: Endpoint, token: Option<Secret>) -> Result<Ntfy, BadSetting> {
        if url.path_and_query() == "/" {
            return Err(BadSetting::new(
                "the URL needs a topic, such as https://ntfy.sh/mytopic",
            ));
        }
        let is_printable = |token: &Secret| token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if !token.as_ref().is_none_or(is_printable) {
            return Err(BadSetting::new(
                "an access token has only letters, digits and signs",
            ));
        }
        Ok(Ntfy { url, token })
    }

    pub(crate) fn request(&self, message: &Message) -> OutgoingRequest {
        let (priority, tag) = weight(&message.kind);
        let mut request = OutgoingRequest {
            url: self.url.clone(),
            headers: vec![
                ("content-type", "text/plain; charset=utf-8".to_owned()),
                ("title", header_text(&cut::units(&message.headline(), MAX_TITLE))),
                ("priority", priority.to_owned()),
                ("tags", tag.to_owned()),
            ],
            body: body(message).into_bytes(),
        };
        if let Some(url) = message.link(MAX_URL) {
            request = request.with_header("click", url);
        }
        if let Some(token) = &self.token {
            request = request.with_header("authorization", format!("Bearer {}", token.expose()));
        }
        request
    }
}

/// 1 to 5, and an emoji's short code: <https://docs.ntfy.sh/emojis/>.
fn weight(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "created" => ("4", "rotating_light"),
        "reopened" => ("4", "repeat"),
        "spike" => ("5", "chart_with_upwards_trend"),
        "digest" => ("2", "newspaper"),
        "test" => ("3", "white_check_mark"),
        _ => ("3", "warning"),
    }
}

/// Never empty: ntfy would write `triggered`.
fn body(message: &Message) -> String {
    let facts: Vec<String> = message
        .named()
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let facts = cut::bytes(&facts.join("\n"), MAX_FACTS_BYTES);
    let text = cut::bytes(message.text.trim_end(), MAX_BODY_BYTES - facts.len() - 2);
    match (text.trim(), facts.as_str()) {
        ("", "") => message.headline(),
        ("", facts) => facts.to_owned(),
        (_, "") => text,
        (_, facts) => format!("{text}\n\n{facts}"),
    }
}

/// One line of ASCII: itself, or encoded words.
fn header_text(line: &str) -> String {
    let is_plain = line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && !line.contains("=?");
    if is_plain {
        return line.to_owned();
    }
    let mut words = vec![String::new()];
    for c in line.chars() {
        let word = words.last_mut().expect("it begins with one");
        if word.len() + c.len_utf8() <= MAX_WORD_BYTES {
            word.push(c);
        } else {
            words.push(c.to_string());
        }
    }
    let encoded = words
        .iter()
        .map(|word| format!("=?UTF-8?B?{}?=", BASE64.encode(word.as_bytes())));
    encoded.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::samples;

    fn ntfy() -> Ntfy {
        Ntfy::new(
            "https://ntfy.sh/mytopic".parse().unwrap(),
            Some(Secret::new("tk_1")),
        )
        .unwrap()
    }

    #[test]
    fn a_message_becomes_headers_and_a_body() {
        let request = ntfy().request(&samples::message());
        assert_eq!(request.url.path_and_query(), "/mytopic");
        assert_eq!(
            request.headers,
            [
                ("content-type", "text/plain; charset=utf-8".to_owned()),
                ("title", "ValueError in checkout".to_owned()),
                ("priority", "4".to_owned()),
                ("tags", "rotating_light".to_owned()),
                (
                    "click",
                    "https://errors.example.com/errors/12?tab=a&b=c".to_owned()
                ),
                ("authorization", "Bearer tk_1".to_owned()),
            ]
        );
        let expected =
            "invalid literal for int(): '<12>'\n\nProject: shop\nEnvironment: prod\nCount: 3\nRelease: 1.4.2";
        assert_eq!(String::from_utf8(request.body).unwrap(), expected);
    }

    #[test]
    fn what_is_not_ascii_is_encoded() {
        assert_eq!(header_text("plain"), "plain");
        assert_eq!(header_text("für"), "=?UTF-8?B?ZsO8cg==?=");
        assert_eq!(
            header_text("=?UTF-8?B?ZsO8cg==?="),
            "=?UTF-8?B?PT9VVEYtOD9CP1pzTzhjZz09Pz0=?="
        );
        let long = header_text(&"ü".repeat(30));
        assert!(
            long.split(' ').count() == 2 && long.split(' ').all(|word| word.len() <= 75),
            "{long}"
        );
    }

    #[test]
    fn a_url_without_a_topic_and_an_odd_token_are_refused() {
        assert!(Ntfy::new("https://ntfy.sh".parse().unwrap(), None).is_err());
        assert!(Ntfy::new("https://ntfy.sh/t".parse().unwrap(), Some(Secret::new("a\nb"))).is_err());
    }

    #[test]
    fn nothing_to_say_is_still_said() {
        assert_eq!(ntfy().request(&Message::default()).body, b"Monlight");
    }

    fn check_limits(message: &Message) {
        let request = ntfy().request(message);
        assert!((1..=4096).contains(&request.body.len()));
        for (name, value) in &request.headers {
            let is_safe = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
            assert!(is_safe && value.len() <= 2048, "{name}: {value:?}");
        }
    }

    #[test]
    fn a_huge_message_keeps_to_the_limits() {
        check_limits(&samples::huge());
    }

    proptest! {
        #[test]
        fn any_message_keeps_to_the_limits(message in samples::any_message()) {
            check_limits(&message);
        }

        #[test]
        fn a_header_reads_back_as_the_line(line in ".{0,200}") {
            let line = cut::one_line(&line);
            let text = header_text(&line);
            if text != line {
                let words = text.split(' ').map(|word| &word["=?UTF-8?B?".len()..word.len() - 2]);
                let bytes: Vec<u8> = words.flat_map(|word| BASE64.decode(word.as_bytes()).unwrap()).collect();
                prop_assert_eq!(String::from_utf8(bytes).unwrap(), line);
            }
        }
    }
}
