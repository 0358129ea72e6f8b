//! How apps tell of their requests: lines to copy, with this service's address in them.

use crate::pages::start_view::plain_address;

/// For an address that can stand in a command line.
pub(crate) struct Snippets {
    address: String,
}

impl Snippets {
    /// `address` is this service as the visitor reaches it.
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: plain_address(address),
        }
    }

    /// Our own client.
    pub(crate) fn monlight(&self) -> String {
        format!(
            r#"# pip install ./clients/python (in Monlight's sources: the monlight of PyPI cannot do this yet)
import os
import monlight

# Before the app is made.
monlight.init(
    metrics_collector_url="{}",
    api_key=os.environ["API_KEY"],
    project="shop-api",
    consumers=True,  # FastAPI, Starlette, Flask and Django say who calls what
)"#,
            self.address
        )
    }

    /// Malti's.
    pub(crate) fn malti(&self) -> String {
        format!(
            r#"# pip install malti-telemetry; the key is that of [services.shop-api] in malti.toml
# MALTI_URL={} MALTI_API_KEY=… MALTI_SERVICE_NAME=shop-api MALTI_NODE=web-1
from fastapi import FastAPI
from malti_telemetry.middleware import MaltiMiddleware

app = FastAPI()
app.add_middleware(MaltiMiddleware)"#,
            self.address
        )
    }

    /// Vantage's.
    pub(crate) fn vantage(&self) -> String {
        format!(
            "# Vantage's agent takes its address from here\nexport VANTAGE_COLLECTOR_URL={}",
            self.address
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_a_shell_could_read_otherwise_is_not_shown() {
        assert!(
            Snippets::new("https://m.example/x/")
                .vantage()
                .ends_with("=https://m.example/x")
        );
        assert!(
            Snippets::new("http://a$(id)")
                .vantage()
                .ends_with("=http://localhost:5012")
        );
    }
}
