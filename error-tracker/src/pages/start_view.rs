//! How to send a first error, by language, with this service's address in it.

use ui::link;

/// The first-error page: three ways to send one, with this service's own address in them. Never a key.
pub(crate) struct Start {
    address: String,
}

impl Start {
    /// `address` is this service as the visitor reaches it. It goes into command lines, so one with a character
    /// that a shell or Python could read otherwise is replaced by the default.
    pub(crate) fn new(address: &str) -> Start {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_[]".contains(c);
        let is_usable = link::web(address).is_some() && address.chars().all(is_plain);
        let address = if is_usable {
            address
        } else {
            "http://localhost:5010"
        };
        Start {
            address: address.trim_end_matches('/').to_owned(),
        }
    }

    pub(crate) fn curl(&self) -> String {
        format!(
            r#"curl {}/api/errors \
  -H "X-API-Key: $API_KEY" \
  -H "Content-Type: application/json" \
  -d '{{
    "project": "shop",
    "exception_type": "HelloError",
    "message": "my first error",
    "traceback": "File \"hello.py\", line 1, in <module>"
  }}'"#,
            self.address
        )
    }

    pub(crate) fn python(&self) -> String {
        format!(
            r#"# pip install monlight
import os
from monlight import ErrorClient

errors = ErrorClient("{}", api_key=os.environ["API_KEY"], project="shop")

try:
    1 / 0
except Exception as exc:
    errors.report_error_sync(exc)"#,
            self.address
        )
    }

    pub(crate) fn fastapi(&self) -> String {
        format!(
            r#"# pip install "monlight[fastapi]"
import os
from fastapi import FastAPI
from monlight.integrations.fastapi import setup_monlight

app = FastAPI()
setup_monlight(
    app,
    error_tracker_url="{}",
    api_key=os.environ["API_KEY"],
    project="shop",
)"#,
            self.address
        )
    }
}

impl Start {
    pub(crate) fn javascript(&self) -> String {
        format!(
            r#"// Node 18 or later
process.on("uncaughtException", async (error) => {{
  console.error(error);
  await fetch("{}/api/errors", {{
    method: "POST",
    headers: {{ "X-API-Key": process.env.API_KEY, "Content-Type": "application/json" }},
    body: JSON.stringify({{
      project: "shop",
      exception_type: error.name,
      message: error.message,
      traceback: error.stack,
    }}),
  }}).catch(console.error);
  process.exit(1);
}});"#,
            self.address
        )
    }

    pub(crate) fn rust(&self) -> String {
        format!(
            r#"// cargo add ureq --features json; cargo add serde_json
fn report(error: &dyn std::error::Error) -> Result<(), ureq::Error> {{
    ureq::post("{}/api/errors")
        .header("X-API-Key", &std::env::var("API_KEY").unwrap_or_default())
        .send_json(serde_json::json!({{
            "project": "shop",
            "exception_type": "Error",
            "message": error.to_string(),
            "traceback": std::backtrace::Backtrace::force_capture().to_string(),
        }}))?;
    Ok(())
}}"#,
            self.address
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_a_shell_could_misread_is_not_shown() {
        let check = |address: &str, shown: &str| assert_eq!(Start::new(address).address, shown);
        check("http://[::1]:5010/", "http://[::1]:5010");
        check("http://a.example/$(id)", "http://localhost:5010");
        check("http://a\";import os", "http://localhost:5010");
        check("javascript:1", "http://localhost:5010");
    }
}
