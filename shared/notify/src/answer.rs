//! What a server's answer means, and how much of it an operator may see.
//!
//! Of a body only the reason is shown that products put there, never the body as such: whoever sets a webhook's URL
//! must not read with it what another server says, nor a token that one echoes.

use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::Value;

use crate::cut;
use crate::outgoing::OutgoingRequest;
use crate::send_error::SendError;

/// Longest reason shown, in characters.
const MAX_REASON: usize = 160;
/// A whole body that short and plain is a reason: Slack's `no_service`.
const MAX_WORD_BYTES: usize = 40;

pub(crate) struct Answer<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    /// As much of it as was read.
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// A 2xx is a delivery; anything else an error.
    pub(crate) fn judge(&self, request: &OutgoingRequest, now: SystemTime) -> Result<(), SendError> {
        let host = request.url.host();
        let code = self.status.as_u16();
        match code {
            200..=299 => Ok(()),
            300..=399 => Err(SendError::permanent(self.redirect_text(request))),
            // Too slow, too early, too many: these pass. So do a server's own troubles.
            408 | 425 | 429 | 500.. => {
                let text = self.refusal_text(request, &host);
                Err(SendError::transient(text).with_retry_after(retry_after(self.headers, now)))
            }
            _ => Err(SendError::permanent(self.refusal_text(request, &host))),
        }
    }

    fn redirect_text(&self, request: &OutgoingRequest) -> String {
        let location = self.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let target = location.and_then(|location| request.url.redirect_host(location));
        let to = target.map(|host| format!(" to {host}")).unwrap_or_default();
        let code = self.status.as_u16();
        format!(
            "{} answered with a redirect{to} ({code}), which is not followed",
            request.url.host()
        )
    }

    fn refusal_text(&self, request: &OutgoingRequest, host: &str) -> String {
        let code = self.status.as_u16();
        let reason = reason(self.body).filter(|reason| !request.gives_itself_away_in(reason));
        match reason {
            Some(reason) => format!("{host} answered {code}: {reason}"),
            None => format!("{host} answered {code}"),
        }
    }
}

/// Seconds or a date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        // Discord has been seen to send fractions.
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn reason(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if !text.is_empty() && text.len() <= MAX_WORD_BYTES && is_word(text) {
        return Some(text.to_owned());
    }
    let Ok(Value::Object(body)) = serde_json::from_str(text) else {
        return None;
    };
    // Postmark; Discord and many; ntfy; ours.
    let names = ["Message", "message", "error", "detail"];
    let reason = names.iter().find_map(|name| body.get(*name)?.as_str())?;
    Some(cut::units(&cut::one_line(reason), MAX_REASON)).filter(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, headers: &[(&'static str, &str)], body: &str) -> Result<(), SendError> {
        let url = "https://hooks.example.com/services/T0KEN123?k=q9wert"
            .parse()
            .unwrap();
        let request = OutgoingRequest::json(url, &Value::Null).with_header("authorization", "Bearer tk_abc");
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer {
            status,
            headers: &headers,
            body: body.as_bytes(),
        };
        answer.judge(
            &request,
            SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777),
        )
    }

    fn text(status: u16, body: &str) -> String {
        judge(status, &[], body).unwrap_err().to_string()
    }

    #[test]
    fn statuses_are_permanent_or_not() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judge(status, &[], ""), Ok(()));
        }
        for status in [300, 301, 304, 308, 400, 401, 403, 404, 410, 413, 422] {
            assert!(judge(status, &[], "").unwrap_err().is_permanent(), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599, 999] {
            assert!(!judge(status, &[], "").unwrap_err().is_permanent(), "{status}");
        }
    }

    #[test]
    fn a_server_may_say_when_to_come_back() {
        let after = |value| {
            judge(429, &[("retry-after", value)], "")
                .unwrap_err()
                .retry_after()
        };
        assert_eq!(after("120"), Some(Duration::from_secs(120)));
        assert_eq!(after("0.5"), Some(Duration::from_millis(500)));
        // The date is RFC 9110's example; `now` is that second.
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(
            after("Sun, 06 Nov 1994 08:50:37 GMT"),
            Some(Duration::from_secs(60))
        );
        for odd in ["-5", "NaN", "inf", "1e300", "soon", ""] {
            assert_eq!(after(odd), None, "{odd}");
        }
    }

    #[test]
    fn products_reasons_are_shown() {
        assert_eq!(
            text(404, "no_service"),
            "hooks.example.com answered 404: no_service"
        );
        // https://postmarkapp.com/developer/api/overview#error-codes
        let postmark = r#"{"ErrorCode":300,"Message":"Invalid 'From' address: ''."}"#;
        assert_eq!(
            text(422, postmark),
            "hooks.example.com answered 422: Invalid 'From' address: ''."
        );
        let discord = r#"{"message":"Unknown Webhook","code":10015}"#;
        assert_eq!(
            text(404, discord),
            "hooks.example.com answered 404: Unknown Webhook"
        );
        let ntfy = r#"{"code":40301,"http":403,"error":"forbidden","link":"https://ntfy.sh/docs"}"#;
        assert_eq!(text(403, ntfy), "hooks.example.com answered 403: forbidden");
    }

    #[test]
    fn other_bodies_and_secrets_are_not_shown() {
        let plain = "hooks.example.com answered 500";
        assert_eq!(text(500, "<html>internal secret page</html>"), plain);
        assert_eq!(text(500, "AKIAIOSFODNN7EXAMPLE"), plain);
        assert_eq!(text(500, r#"{"error":"no route /services/t0ken123"}"#), plain);
        assert_eq!(text(500, r#"{"error":"bad key q9wert"}"#), plain);
        assert_eq!(text(500, r#"{"error":"bad token tk_abc"}"#), plain);
        assert_eq!(text(500, "\u{1b}[31m"), plain);
        assert_eq!(
            text(500, r#"{"error":"a\u001b[31m\nb"}"#),
            "hooks.example.com answered 500: a [31m b"
        );
        assert!(text(500, &format!(r#"{{"error":"{}"}}"#, "x ".repeat(500))).len() < 250);
    }

    #[test]
    fn a_redirect_is_named_by_its_host() {
        let redirect = |location| judge(302, &[("location", location)], "").unwrap_err().to_string();
        let expected =
            |to| format!("hooks.example.com answered with a redirect{to} (302), which is not followed");
        assert_eq!(
            redirect("http://169.254.169.254/latest?token=x"),
            expected(" to 169.254.169.254")
        );
        assert_eq!(redirect("/login"), expected(" to hooks.example.com"));
        assert_eq!(redirect("http://"), expected(""));
    }
}
