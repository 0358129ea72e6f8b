//! The examples of how to send metrics.

use ui::link;

/// Examples with this service's address in them; a test runs each as it stands.
pub(crate) struct Start {
    address: String,
}

impl Start {
    /// `address` is this service as the visitor reaches it.
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: plain_address(address),
        }
    }

    pub(crate) fn curl(&self) -> String {
        format!(
            r#"curl {}/api/metrics \
  -H "X-API-Key: $API_KEY" \
  -H "Content-Type: application/json" \
  -d '[{{"name": "orders_total", "type": "counter", "value": 1,
        "labels": {{"plan": "pro"}}, "project": "shop"}}]'"#,
            self.address
        )
    }

    pub(crate) fn python(&self) -> String {
        format!(
            r#"# pip install monlight
import os
from monlight import MetricsClient

metrics = MetricsClient("{}", api_key=os.environ["API_KEY"], project="shop")
metrics.start()

metrics.counter("orders_total", labels={{"plan": "pro"}})
metrics.histogram("checkout_seconds", 0.342)
metrics.gauge("queue_depth", 7)

metrics.shutdown()  # sends what is left; while it runs, it sends every 10 s"#,
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
clients = setup_monlight(
    app,
    metrics_collector_url="{}",
    api_key=os.environ["API_KEY"],
    project="shop",
)"#,
            self.address
        )
    }

    pub(crate) fn javascript(&self) -> String {
        format!(
            r#"// Node 18 or later
await fetch("{}/api/metrics", {{
  method: "POST",
  headers: {{ "X-API-Key": process.env.API_KEY, "Content-Type": "application/json" }},
  body: JSON.stringify([
    {{ name: "orders_total", type: "counter", value: 1, labels: {{ plan: "pro" }}, project: "shop" }},
    {{ name: "checkout_seconds", type: "histogram", value: 0.342, project: "shop" }},
  ]),
}});"#,
            self.address
        )
    }

    pub(crate) fn release(&self) -> String {
        format!(
            r#"curl {}/api/metrics \
  -H "X-API-Key: $API_KEY" \
  -H "Content-Type: application/json" \
  -d '[{{"name": "deployments_total", "type": "counter", "value": 1,
        "labels": {{"release": "shop@1.5.0"}}, "project": "shop"}}]'"#,
            self.address
        )
    }

    pub(crate) fn scrape(&self) -> String {
        "# In the settings of this service; a list, each with a job's name if you like\nSCRAPE_TARGETS=node=http://127.0.0.1:9100/metrics"
            .to_owned()
    }
}

/// An address for command lines, without a slash at the end: one with a character that a shell or Python could read
/// otherwise is replaced by the default.
pub(super) fn plain_address(address: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_[]".contains(c);
    let is_usable = link::web(address).is_some() && address.chars().all(is_plain);
    let address = if is_usable {
        address
    } else {
        "http://localhost:5012"
    };
    address.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_a_shell_could_read_otherwise_is_not_shown() {
        assert!(
            Start::new("https://m.example/x/")
                .curl()
                .starts_with("curl https://m.example/x/api")
        );
        for address in ["http://a$(id)", "javascript:alert(1)", "http://a b", "http://a'"] {
            assert!(
                Start::new(address).curl().contains("http://localhost:5012/"),
                "{address}"
            );
        }
    }
}
