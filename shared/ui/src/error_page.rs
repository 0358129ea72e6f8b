//! A failed request as a page: what happened, and a way on.

use askama::Template;

use crate::frame::Frame;

/// `error.html`.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The page around it.
    pub frame: Frame,
    /// The HTTP status.
    pub status: u16,
    /// What the caller may know: the same text as in the JSON `detail`. May be empty.
    pub detail: String,
    /// The id to look for in the service's log.
    pub request_id: Option<String>,
}

impl ErrorPage {
    /// What happened, in a few words: the heading, and the title of the window.
    pub fn title_of(status: u16) -> &'static str {
        match status {
            400 => "That request made no sense to us",
            401 => "Please sign in",
            403 => "That is not allowed",
            404 => "There is nothing here",
            405 => "That is not how this page is used",
            409 => "Somebody was faster",
            410 => "It is gone",
            413 => "That was too large",
            429 => "Too many requests",
            503 => "Not ready just now",
            504 => "That took too long",
            status if status < 500 => "That did not work",
            _ => "Something broke on our side",
        }
    }

    fn title(&self) -> &'static str {
        Self::title_of(self.status)
    }

    fn advice(&self) -> &'static str {
        match self.status {
            401 => "Sign in with an API key to see this page.",
            403 => {
                "The request came from another site, or your key does not reach this far. \
                 Open the page from here and try again."
            }
            404 => {
                "The address may be mistyped, or what it named was removed when its retention time was over."
            }
            410 => "It was here once; its retention time is over.",
            429 => "Wait a moment, then try again.",
            503 => {
                "The service is starting, stopping, or its disk is full. Nothing that was accepted is lost."
            }
            504 => "A narrower search or a shorter time range will be faster.",
            status if status < 500 => "Go back, check what was entered, and try again.",
            _ => "The cause is in the service's log. Trying again does no harm.",
        }
    }

    fn can_retry(&self) -> bool {
        self.status == 429 || self.status >= 500
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Service;

    fn page(status: u16) -> String {
        let frame = Frame::new(Service::Errors, "Error", "/errors/9", 0);
        let detail = "no such group: <9>".to_owned();
        ErrorPage {
            frame,
            status,
            detail,
            request_id: Some("r-1".into()),
        }
        .render()
        .unwrap()
    }

    #[test]
    fn every_status_has_a_way_on() {
        for status in [400, 401, 403, 404, 410, 418, 429, 500, 503, 599] {
            let html = page(status);
            assert!(
                html.contains(&status.to_string()) && html.contains("href=\"../\""),
                "{status}"
            );
            assert_eq!(
                html.contains("Try again</a>"),
                status == 429 || status >= 500,
                "{status}"
            );
            assert!(html.contains("no such group: &#60;9&#62;"), "{html}");
        }
    }
}
