//! The reports that the load consists of: ready-made requests with a few digits to overwrite, since the load
//! program shares its cores with the server.

use serde_json::json;

use crate::dice::scramble;

/// Groups that are reported again and again.
pub const N_HOT_GROUPS: u64 = 1000;
/// One report in this many opens a group of its own.
const NEW_GROUP_EVERY: u64 = 100;
/// One report of a hot group in this many has a message of its own ("order 4711 not found"); the others repeat the first.
const OWN_TEXT_EVERY: u64 = 4;
/// What is overwritten, in `exception_type`, in `message` and in `session_id`.
const DIGITS: &[u8; 10] = b"9876543210";

/// In words, for the table.
pub fn in_words() -> String {
    format!(
        "{N_HOT_GROUPS} hot groups in equal parts, 1 report in {NEW_GROUP_EVERY} opens a new group, \
         1 in {OWN_TEXT_EVERY} has a message of its own, all have a session of their own"
    )
}

/// One ready-made request.
struct Template {
    bytes: Vec<u8>,
    message_at: usize,
    session_at: usize,
}

/// All requests that a run may send.
pub struct Mix {
    hot: Vec<Template>,
    new: Template,
    new_type_at: usize,
}

impl Mix {
    /// Requests to a server at `host`, `traceback_bytes` long or a little more.
    pub fn new(host: &str, key: &str, traceback_bytes: usize) -> Self {
        let digits = String::from_utf8_lossy(DIGITS);
        let hot = |number| template(host, key, &format!("HotError{number:04}"), traceback_bytes);
        let new = template(host, key, &format!("NewError{digits}"), traceback_bytes);
        Self {
            hot: (0..N_HOT_GROUPS).map(hot).collect(),
            new_type_at: find(&new.bytes, 0),
            new: Template {
                message_at: find(&new.bytes, 1),
                session_at: find(&new.bytes, 2),
                ..new
            },
        }
    }

    /// Writes the `number`th request into `out`. Numbers that differ make reports that differ.
    pub fn write(&self, number: u64, out: &mut Vec<u8>) {
        let dice = scramble(number);
        let is_new = dice.is_multiple_of(NEW_GROUP_EVERY);
        let template = if is_new {
            &self.new
        } else {
            &self.hot[(dice / NEW_GROUP_EVERY % N_HOT_GROUPS) as usize]
        };
        out.clear();
        out.extend_from_slice(&template.bytes);
        let mut digits = *DIGITS;
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let mut put = |at: usize| out[at..at + digits.len()].copy_from_slice(&digits);
        put(template.session_at);
        if is_new {
            put(self.new_type_at);
        } else if (dice >> 40).is_multiple_of(OWN_TEXT_EVERY) {
            put(template.message_at);
        }
    }

    /// Bytes of a body, for the table.
    pub fn body_bytes(&self) -> usize {
        let bytes = &self.new.bytes;
        let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        bytes.len() - head.map_or(0, |head| head + 4)
    }
}

/// Modelled on what the Python client sends of a failed web request.
fn template(host: &str, key: &str, kind: &str, traceback_bytes: usize) -> Template {
    let digits = String::from_utf8_lossy(DIGITS);
    let mut traceback = "Traceback (most recent call last):\n".to_owned();
    let mut line = 10;
    while traceback.len() < traceback_bytes {
        traceback += &format!(
            "  File \"/srv/shop/views/checkout.py\", line {line}, in step_{line}\n    total = price(order)[\"sum\"]\n"
        );
        line += 7;
    }
    traceback += &format!(
        "  File \"/srv/shop/models/{kind}.py\", line 88, in find\n    raise {kind}(order)\n{kind}: no such order"
    );
    let body = json!({
        "project": "shop",
        "exception_type": kind,
        "message": format!("no such order: {digits}"),
        "traceback": traceback.replace(&*digits, "N"),
        "environment": "prod",
        "request_url": "https://shop.example.com/checkout?step=3",
        "request_method": "POST",
        "request_headers": {"user-agent": "python-httpx/0.28.1", "accept": "*/*", "content-type": "application/json"},
        "user_id": "4711",
        "extra": {"session_id": format!("s-{digits}"), "cart": {"items": 3, "total": 59.90}},
    });
    let body = in_order(&body);
    let request = format!(
        "POST /api/errors HTTP/1.1\r\nhost: {host}\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let bytes = request.into_bytes();
    Template {
        message_at: find(&bytes, 0),
        session_at: find(&bytes, 1),
        bytes,
    }
}

/// The order of fields in which clients send them; `json!` alone would sort them.
fn in_order(body: &serde_json::Value) -> String {
    const FIELDS: [&str; 10] = [
        "project",
        "exception_type",
        "message",
        "traceback",
        "environment",
        "request_url",
        "request_method",
        "request_headers",
        "user_id",
        "extra",
    ];
    let fields = FIELDS.map(|field| format!("\"{field}\":{}", body[field]));
    format!("{{{}}}", fields.join(","))
}

/// Where the digits stand for the `n`th time.
fn find(bytes: &[u8], n: usize) -> usize {
    let mut places = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(DIGITS));
    places.nth(n).expect("the template has so many places for digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_whole_and_one_in_a_hundred_is_new() {
        let mix = Mix::new("h", "key_0123456789", 500);
        let mut out = Vec::new();
        let (mut n_new, mut n_own_text) = (0, 0);
        for number in 0..20_000 {
            mix.write(number, &mut out);
            let text = std::str::from_utf8(&out).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with(&format!("content-length: {}", body.len())));
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["extra"]["session_id"], format!("s-{number:010}"));
            let kind = body["exception_type"].as_str().unwrap();
            if kind.starts_with("New") {
                assert_eq!(kind, format!("NewError{number:010}"));
                n_new += 1;
            }
            n_own_text += u32::from(body["message"] == format!("no such order: {number:010}"));
        }
        assert!((150..250).contains(&n_new), "{n_new}");
        assert!((4500..5500).contains(&n_own_text), "{n_own_text}");
    }
}
