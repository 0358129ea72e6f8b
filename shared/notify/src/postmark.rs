//! Postmark's mail API: <https://postmarkapp.com/developer/api/email-api#send-a-single-email>.

use config::Secret;
use serde_json::json;

use crate::bad_setting::BadSetting;
use crate::cut;
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::outgoing::OutgoingRequest;

/// Postmark's.
const MAX_RECIPIENTS: usize = 50;
/// Of one value of `Metadata`, in characters.
const MAX_METADATA: usize = 80;
const API: &str = "https://api.postmarkapp.com/";

/// As whom, and to whom.
#[derive(Debug, Clone)]
pub struct Postmark {
    pub(crate) api: Endpoint,
    token: Secret,
    from: String,
    to: String,
    stream: Option<String>,
}

impl Postmark {
    /// `token` is a server's; `from` an address that Postmark confirmed; addresses may have names (`Ops <a@b.c>`).
    pub fn new(token: Secret, from: &str, to: &[&str]) -> Result<Postmark, BadSetting> {
        let is_token = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token(token.expose()) {
            return Err(BadSetting::new("Postmark needs a server token"));
        }
        if to.is_empty() || to.len() > MAX_RECIPIENTS {
            return Err(BadSetting::new(format!(
                "Postmark needs 1 to {MAX_RECIPIENTS} recipients"
            )));
        }
        let is_address = |text: &&str| text.contains('@') && !text.chars().any(char::is_control);
        if !to.iter().chain([&from]).all(is_address) {
            return Err(BadSetting::new(
                "Postmark needs mail addresses to send from and to",
            ));
        }
        Ok(Postmark {
            api: API.parse()?,
            token,
            from: from.to_owned(),
            to: to.join(", "),
            stream: None,
        })
    }

    /// The same through a message stream other than `outbound`.
    pub fn with_stream(self, stream: &str) -> Postmark {
        Postmark {
            stream: Some(stream.to_owned()),
            ..self
        }
    }

    /// The same through another server: for tests.
    pub fn with_api(self, api: Endpoint) -> Postmark {
        Postmark { api, ..self }
    }

    pub(crate) fn request(&self, message: &Message, delivery: &str) -> OutgoingRequest {
        let mail = message.mail();
        let mut body = json!({
            "From": self.from,
            "To": self.to,
            "Subject": mail.subject,
            "HtmlBody": mail.html,
            "TextBody": mail.plain,
            // RFC 3834: keeps holiday notices and other robots from answering.
            "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
            // Postmark knows no idempotency; this shows in its activity which mails are one.
            "Metadata": {"delivery": cut::units(delivery, MAX_METADATA)},
        });
        if let Some(stream) = &self.stream {
            body["MessageStream"] = stream.as_str().into();
        }
        OutgoingRequest::json(self.api.with_path("email"), &body)
            .with_header("accept", "application/json")
            .with_header("x-postmark-server-token", self.token.expose())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::message::samples;

    fn postmark() -> Postmark {
        Postmark::new(
            Secret::new("tok"),
            "Monlight <a@example.com>",
            &["b@example.com", "c@example.com"],
        )
        .unwrap()
    }

    #[test]
    fn a_message_becomes_a_mail() {
        let request = postmark().request(&samples::message(), "d-1");
        assert_eq!(request.url, "https://api.postmarkapp.com/email".parse().unwrap());
        assert_eq!(request.header("x-postmark-server-token"), Some("tok"));
        assert_eq!(request.header("accept"), Some("application/json"));
        let expected = json!({
            "From": "Monlight <a@example.com>",
            "To": "b@example.com, c@example.com",
            "Subject": "ValueError in checkout",
            "TextBody": "ValueError in checkout\n\ninvalid literal for int(): '<12>'\n\n\
                Project: shop\nEnvironment: prod\nCount: 3\nRelease: 1.4.2\n\n\
                https://errors.example.com/errors/12?tab=a&b=c\n",
            "HtmlBody": "<html><body><h2>ValueError in checkout</h2>\
                <pre style=\"white-space:pre-wrap\">invalid literal for int(): &#39;&lt;12&gt;&#39;</pre>\
                <table><tr><th align=\"left\">Project</th><td>shop</td></tr>\
                <tr><th align=\"left\">Environment</th><td>prod</td></tr>\
                <tr><th align=\"left\">Count</th><td>3</td></tr>\
                <tr><th align=\"left\">Release</th><td>1.4.2</td></tr></table>\
                <p><a href=\"https://errors.example.com/errors/12?tab=a&amp;b=c\">Open in Monlight</a></p></body></html>",
            "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
            "Metadata": {"delivery": "d-1"},
        });
        assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), expected);
    }

    #[test]
    fn another_stream_and_server_may_be_named() {
        let postmark = postmark()
            .with_stream("alerts")
            .with_api("http://127.0.0.1:9/base/".parse().unwrap());
        let request = postmark.request(&samples::message(), "d-1");
        assert_eq!(request.url.path_and_query(), "/base/email");
        assert!(
            String::from_utf8(request.body)
                .unwrap()
                .contains(r#""MessageStream":"alerts""#)
        );
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let make = |token: &str, from: &str, to: &[&str]| Postmark::new(Secret::new(token), from, to);
        assert!(make("", "a@b", &["a@b"]).is_err());
        assert!(make("t\r\nx: y", "a@b", &["a@b"]).is_err());
        assert!(make("t", "a@b", &[]).is_err());
        assert!(make("t", "a@b", &["a@b"; 51]).is_err());
        assert!(make("t", "nobody", &["a@b"]).is_err());
        assert!(make("t", "a@b", &["a@b\nBcc: c@d"]).is_err());
    }

    #[test]
    fn a_huge_message_keeps_to_the_limits() {
        let request = postmark().request(&samples::huge(), &"d".repeat(1000));
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let length = |name: &str| body[name].as_str().unwrap().encode_utf16().count();
        assert!(length("Subject") <= 2000 && length("HtmlBody") <= 200_000 && length("TextBody") <= 200_000);
        assert_eq!(body["Metadata"]["delivery"].as_str().unwrap().chars().count(), 80);
    }
}
