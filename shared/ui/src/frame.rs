//! What `layout.html` needs on every page, and the relative way back to a service's root.

use crate::assets;
use crate::link;
use crate::moment::Moment;

/// The four services, in the order in which the header shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `error-tracker`.
    Errors,
    /// `log-viewer`.
    Logs,
    /// `metrics-collector`.
    Metrics,
    /// `browser-relay`.
    Browser,
}

impl Service {
    /// All four, in the header's order.
    pub const ALL: [Service; 4] = [Service::Errors, Service::Logs, Service::Metrics, Service::Browser];

    /// One word, as the header shows it.
    pub fn title(self) -> &'static str {
        match self {
            Service::Errors => "Errors",
            Service::Logs => "Logs",
            Service::Metrics => "Metrics",
            Service::Browser => "Browser",
        }
    }
}

/// Another of the four services, where its address is set.
#[derive(Clone, Debug)]
pub struct Sibling {
    /// Which one.
    pub service: Service,
    /// Its root, as the visitor's browser reaches it: `https://mon.example.org/logs/`.
    pub url: String,
}

/// What every page knows, whatever it shows.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Whose page this is.
    pub service: Service,
    /// What this page shows; the window's title.
    pub page_title: String,
    /// From this page to the service's root: empty, `../`, `../../` …; see [`root_of`].
    pub root: String,
    /// The other services, only those whose address is set.
    pub siblings: Vec<Sibling>,
    /// Who is signed in, as the header shows it. None: no sign-out button.
    pub signed_in: Option<String>,
    /// When this page was made, Unix milliseconds.
    pub now_ms: i64,
    /// The range of time in this page's URL, `range=6h`, which goes along to the other services; empty if none.
    pub range: String,
}

/// One entry of the header.
#[derive(Clone, Debug)]
pub struct NavItem {
    /// A service's word.
    pub title: &'static str,
    /// Its root.
    pub url: String,
    /// Whether this page is that service's.
    pub current: bool,
}

impl Frame {
    /// A frame for the page served at `path` (the request's path, no query). Nobody signed in, no siblings.
    pub fn new(service: Service, page_title: impl Into<String>, path: &str, now_ms: i64) -> Frame {
        Frame {
            service,
            page_title: page_title.into(),
            root: root_of(path),
            siblings: Vec::new(),
            signed_in: None,
            now_ms,
            range: String::new(),
        }
    }

    /// The service's root. A lone `./` at depth 0: an empty link would keep the page's query.
    pub fn home(&self) -> &str {
        if self.root.is_empty() { "./" } else { &self.root }
    }

    /// A link with the page's range of time added.
    pub fn with_range(&self, url: &str) -> String {
        match self.range.as_str() {
            "" => url.to_owned(),
            range if url.contains('?') => format!("{url}&{range}"),
            range => format!("{url}?{range}"),
        }
    }

    /// The link to another page of the service, `explore`, that goes on with the range of time.
    pub fn page(&self, path: &str) -> String {
        self.with_range(&format!("{}{path}", self.root))
    }

    /// The link to an embedded file by its plain name: `../assets/ui.<hash>.css`.
    pub fn asset(&self, name: &str) -> String {
        format!("{}{}", self.root, assets::path_of(name))
    }

    /// What the bytes of an embedded file must be, for the `integrity` of a script: `sha256-…`.
    pub fn integrity(&self, name: &str) -> &'static str {
        assets::integrity_of(name)
    }

    /// A time as pages show it, seen from when this page was made.
    pub fn moment(&self, unix_ms: i64) -> Moment {
        Moment::new(unix_ms, self.now_ms)
    }

    /// When this page was made.
    pub fn now(&self) -> Moment {
        self.moment(self.now_ms)
    }

    /// The text of `<title>`: page, product, service.
    pub fn window_title(&self) -> String {
        let service = self.service.title();
        if self.page_title == service {
            return format!("{service} · Monlight");
        }
        format!("{} · Monlight {service}", self.page_title)
    }

    /// This service and the siblings with a usable address, in the order of [`Service::ALL`].
    pub fn nav(&self) -> Vec<NavItem> {
        Service::ALL
            .iter()
            .filter_map(|&service| self.nav_item(service))
            .collect()
    }

    fn nav_item(&self, service: Service) -> Option<NavItem> {
        let current = service == self.service;
        let url = match current {
            true => self.home(),
            false => link::web(
                &self
                    .siblings
                    .iter()
                    .find(|sibling| sibling.service == service)?
                    .url,
            )?,
        };
        Some(NavItem {
            title: service.title(),
            url: self.with_range(url),
            current,
        })
    }
}

/// The relative way from a request path to the service's root: `/` is the empty text, `/errors/12` is `../`.
/// Only `../` is ever in it, whatever the path holds.
pub fn root_of(path: &str) -> String {
    let depth = path
        .bytes()
        .filter(|&byte| byte == b'/')
        .count()
        .saturating_sub(1);
    "../".repeat(depth.min(MAX_DEPTH))
}

/// No route is this deep; a hostile path must not make a long page.
const MAX_DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_as_many_steps_up_as_the_path_is_deep() {
        let check = |path: &str, root: &str| assert_eq!(root_of(path), root, "{path}");
        check("/", "");
        check("", "");
        check("/errors", "");
        check("/errors/", "../");
        check("/errors/12", "../");
        check("/errors/12/resolve", "../../");
        check("//evil.example", "../");
        assert_eq!(root_of(&"/".repeat(9000)).len(), 3 * MAX_DEPTH);
    }

    #[test]
    fn the_header_shows_only_siblings_with_a_web_address() {
        let mut frame = Frame::new(Service::Errors, "Errors", "/errors/3", 0);
        frame.siblings = vec![
            Sibling {
                service: Service::Metrics,
                url: "https://m.example/".into(),
            },
            Sibling {
                service: Service::Logs,
                url: "javascript:alert(1)".into(),
            },
        ];
        let nav: Vec<_> = frame
            .nav()
            .iter()
            .map(|item| format!("{} {}", item.title, item.url))
            .collect();
        assert_eq!(nav, ["Errors ../", "Metrics https://m.example/"]);
    }

    #[test]
    fn the_range_of_time_goes_along_to_the_other_services() {
        let mut frame = Frame::new(Service::Errors, "Errors", "/", 0);
        frame.range = "range=7d".to_owned();
        let logs = "https://l.example/?x=1".to_owned();
        frame.siblings = vec![Sibling {
            service: Service::Logs,
            url: logs,
        }];
        let nav: Vec<_> = frame.nav().into_iter().map(|item| item.url).collect();
        assert_eq!(nav, ["./?range=7d", "https://l.example/?x=1&range=7d"]);
    }

    #[test]
    fn the_window_title_names_page_and_service_once() {
        assert_eq!(
            Frame::new(Service::Logs, "Logs", "/", 0).window_title(),
            "Logs · Monlight"
        );
        assert_eq!(
            Frame::new(Service::Logs, "Sign in", "/", 0).window_title(),
            "Sign in · Monlight Logs"
        );
    }
}
