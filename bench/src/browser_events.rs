//! Errors as browsers report them to the relay, and as the relay passes them on: the same event in both forms.

/// Groups that the events fall into.
pub const N_GROUPS: u64 = 100;

const STACK: &str = "TypeError: no price\\n    at pay (https://shop.example.com/js/app.js:1:10)\\n    \
    at click (https://shop.example.com/js/app.js:1:400)\\n    at HTMLButtonElement.<anonymous> (https://shop.example.com/js/app.js:1:900)";
const AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
const SESSION: &str = "bba490b7-15ee-4143-823a-b7e7ba2e9a39";

/// To whom an event is sent.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// `POST /api/browser/errors`.
    Relay,
    /// `POST /api/errors`.
    Tracker,
}

/// Writes the `number`th event, with an id of its own, as a request to `host` into `out`.
pub fn write(form: Form, host: &str, key: &str, number: u64, out: &mut Vec<u8>) {
    let kind = number % N_GROUPS;
    let (path, header, body) = match form {
        Form::Relay => (
            "/api/browser/errors",
            "x-monlight-key",
            format!(
                r#"{{"type":"Error{kind:03}","message":"no price","stack":"{STACK}","url":"https://shop.example.com/cart","user_agent":"{AGENT}","session_id":"{SESSION}","context":{{"tenant":"acme"}},"release":"1.2.3","event_id":"{number:032x}"}}"#
            ),
        ),
        Form::Tracker => (
            "/api/errors",
            "x-api-key",
            format!(
                r#"{{"project":"web","exception_type":"Error{kind:03}","message":"no price","traceback":"{STACK}","request_url":"https://shop.example.com/cart","request_method":"BROWSER","release":"1.2.3","extra":{{"user_agent":"{AGENT}","session_id":"{SESSION}","release":"1.2.3","context":{{"tenant":"acme"}}}},"event_id":"{number:032x}","platform":"javascript"}}"#
            ),
        ),
    };
    out.clear();
    out.extend_from_slice(
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\n{header}: {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .as_bytes(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_json() {
        for form in [Form::Relay, Form::Tracker] {
            let mut out = Vec::new();
            write(form, "h", "k", 4711, &mut out);
            let text = String::from_utf8(out).unwrap();
            let (_, body) = text.split_once("\r\n\r\n").unwrap();
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["event_id"].as_str().unwrap().len(), 32);
        }
    }
}
