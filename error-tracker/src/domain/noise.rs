//! Reports of browsers that nobody can mend: another's code on our page, crawlers, a developer's own machine.
//!
//! Each kind can be switched off, so each is asked for by itself. Where a rule cannot tell, the report stays: a real
//! error that is dropped costs more than one that is noise. A server's report is never noise.

use std::net::IpAddr;

use super::exception::{Exception, Frame};

/// Kind of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noise {
    /// Thrown by an extension of the visitor's browser, or by what an in-app browser puts into every page.
    BrowserExtension,
    /// A script of another origin failed; the browser says no more than that.
    ScriptError,
    /// A harmless remark of the layout engine.
    ResizeObserver,
    /// A crawler or a monitor.
    Bot,
    /// A page on the developer's own machine.
    Localhost,
}

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Type of the exception raised last.
    pub exception_type: &'a str,
    /// Its message.
    pub message: &'a str,
    /// All exceptions, cause first.
    pub exceptions: &'a [Exception],
    /// The trace as text, for where no frame could be read from it.
    pub traceback: &'a str,
    /// It happened in a browser. Nothing else is looked at where it did not.
    pub is_from_browser: bool,
    /// The browser's name for itself.
    pub user_agent: Option<&'a str>,
    /// Address of the page.
    pub page_url: Option<&'a str>,
}

/// Of a text from outside, only this many bytes are searched.
const MAX_SEARCHED_BYTES: usize = 4096;

/// Schemes of the addresses of an extension's code; the last one is what Safari shows instead of them.
const EXTENSION_SCHEMES: [&str; 6] = [
    "chrome-extension:",
    "moz-extension:",
    "safari-extension:",
    "safari-web-extension:",
    "ms-browser-extension:",
    "webkit-masked-url:",
];

/// Words of messages by which code is known that runs on everybody's pages: extensions, toolbars, in-app browsers.
const EXTENSION_WORDS: [&str; 20] = [
    "Extension context invalidated",
    // Chrome, to an extension whose other half is gone.
    "Could not establish connection. Receiving end does not exist",
    "message port closed before a response was received",
    "message channel closed before a response was received",
    "top.GLOBALS",
    "originalCreateNotification",
    "canvas.contentDocument",
    "MyApp_RemoveAllHighlights",
    "atomicFindClose",
    "fb_xd_fragment",
    "conduitPage",
    "bmi_SafeAddOnload",
    "EBCallBackMessageReceived",
    "ComboSearch is not defined",
    "instantSearchSDKJSBridgeClearHighlight",
    // Chrome and Firefox on iOS, Facebook's browser, and others.
    "__gCrWeb",
    "__firefox__",
    "_AutofillCallbackHandler",
    "window.webkit.messageHandlers",
    // Outlook's scanner of links.
    "Object Not Found Matching Id:",
];

/// Parts of the user agents of crawlers and monitors whose names do not end as [`BOT_ENDINGS`].
/// HeadlessChrome is none: people test their own pages with it.
const BOT_NAMES: [&str; 11] = [
    "facebookexternalhit",
    "lighthouse",
    "pingdom",
    "statuscake",
    "gtmetrix",
    "bingpreview",
    "yahoo! slurp",
    "ia_archiver",
    "mediapartners-google",
    "google-inspectiontool",
    "googleother",
];
/// Ends of the words that are crawlers' names: `Googlebot`, `Bytespider`.
const BOT_ENDINGS: [&str; 3] = ["bot", "crawler", "spider"];
/// Words that end so and are none: Cubot makes phones.
const NO_BOTS: [&str; 1] = ["cubot"];

/// User agents of apps that are made of pages: what they load from their own machine is what they ship.
const APP_SHELLS: [&str; 2] = ["electron/", "; wv)"];

/// The first kind that the report is; none for a report to be kept.
pub fn of(facts: &Facts<'_>) -> Option<Noise> {
    Noise::ALL.into_iter().find(|noise| noise.is_in(facts))
}

impl Noise {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::BrowserExtension,
        Self::ScriptError,
        Self::ResizeObserver,
        Self::Bot,
        Self::Localhost,
    ];

    /// `browser_extension`, `script_error`, …: the word in settings and counts.
    pub fn name(self) -> &'static str {
        match self {
            Self::BrowserExtension => "browser_extension",
            Self::ScriptError => "script_error",
            Self::ResizeObserver => "resize_observer",
            Self::Bot => "bot",
            Self::Localhost => "localhost",
        }
    }

    /// The way back from [`Noise::name`].
    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|noise| noise.name() == name)
    }

    /// Whether the report is of this kind, whatever else it is.
    pub fn is_in(self, facts: &Facts<'_>) -> bool {
        facts.is_from_browser
            && match self {
                Self::BrowserExtension => is_of_extension(facts),
                Self::ScriptError => is_script_error(facts),
                Self::ResizeObserver => is_of_resize_observer(facts),
                Self::Bot => facts.user_agent.is_some_and(is_bot),
                Self::Localhost => is_on_localhost(facts),
            }
    }
}

fn is_of_extension(facts: &Facts<'_>) -> bool {
    let message = start(facts.message);
    if EXTENSION_WORDS.iter().any(|words| contains(message, words)) {
        return true;
    }
    let placed = |exception: &&Exception| exception.frames.iter().any(|frame| address(frame).is_some());
    let Some(exception) = facts.exceptions.iter().rfind(placed) else {
        return names_only_extensions(start(facts.traceback));
    };
    let is_extensions = |frame: &Frame| address(frame).is_some_and(is_extension_address);
    let frames = || exception.frames.iter().filter(|frame| address(frame).is_some());
    let is_crash_there = frames().next_back().is_some_and(is_extensions);
    // An extension that breaks a library of the page: the app had no part in it.
    let has_app = || frames().any(|frame| frame.in_app && !is_extensions(frame));
    is_crash_there || (frames().any(is_extensions) && !has_app())
}

/// The whole address if there is one, else the short one; none for the engine's own code, which is in no file.
fn address(frame: &Frame) -> Option<&str> {
    let address = frame.path.as_deref().or(frame.file.as_deref())?;
    (!address.is_empty() && !address.starts_with(['<', '[']) && address != "native code").then_some(address)
}

fn is_extension_address(address: &str) -> bool {
    let address = after_prefix(address, "blob:").unwrap_or(address);
    EXTENSION_SCHEMES
        .iter()
        .any(|scheme| after_prefix(address, scheme).is_some())
}

/// A text in which addresses are, and all of them are of extensions.
fn names_only_extensions(text: &str) -> bool {
    let mut befores = text.match_indices("://").map(|(at, _)| &text[..=at]).peekable();
    let is_extensions = |before: &str| {
        EXTENSION_SCHEMES
            .iter()
            .any(|scheme| before_suffix(before, scheme).is_some())
    };
    befores.peek().is_some() && befores.all(is_extensions)
}

fn is_script_error(facts: &Facts<'_>) -> bool {
    let says_nothing = matches_words(facts, "Script error")
        || matches_words(facts, "Javascript error: Script error. on line 0");
    // Some clients name the page instead, without a line.
    let is_placed = |frame: &Frame| frame.line.is_some() && address(frame).is_some();
    let frames = || facts.exceptions.iter().flat_map(|exception| &exception.frames);
    says_nothing && !frames().any(is_placed)
}

fn is_of_resize_observer(facts: &Facts<'_>) -> bool {
    matches_words(facts, "ResizeObserver loop limit exceeded")
        || matches_words(
            facts,
            "ResizeObserver loop completed with undelivered notifications",
        )
}

/// Whether the message is these words and nothing more, but for what browsers put before and a full stop.
fn matches_words(facts: &Facts<'_>, words: &str) -> bool {
    let message = facts.message.trim();
    let message = after_prefix(message, "uncaught ").unwrap_or(message);
    let message = after_prefix(message, facts.exception_type)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(message);
    message
        .strip_suffix('.')
        .unwrap_or(message)
        .eq_ignore_ascii_case(words)
}

fn is_bot(user_agent: &str) -> bool {
    let user_agent = start(user_agent);
    let is_named = BOT_NAMES.iter().any(|name| contains(user_agent, name));
    let mut words = user_agent.split(|character: char| !character.is_alphanumeric());
    is_named
        || words.any(|word| {
            let is_none = NO_BOTS.iter().any(|name| name.eq_ignore_ascii_case(word));
            !is_none
                && BOT_ENDINGS
                    .iter()
                    .any(|ending| before_suffix(word, ending).is_some())
        })
}

fn is_on_localhost(facts: &Facts<'_>) -> bool {
    let user_agent = start(facts.user_agent.unwrap_or_default());
    let is_app = || APP_SHELLS.iter().any(|shell| contains(user_agent, shell));
    facts.page_url.is_some_and(is_local_page) && !is_app()
}

fn is_local_page(url: &str) -> bool {
    let url = start(url.trim());
    if after_prefix(url, "file:").is_some() {
        return true;
    }
    let rest = after_prefix(url, "http://").or_else(|| after_prefix(url, "https://"));
    // `localhost:3000/cart` happens; `capacitor://localhost` is an app on somebody's phone.
    let Some(rest) = rest.or_else(|| (!url.contains("://")).then_some(url)) else {
        return false;
    };
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    is_local_host(host)
}

/// `host` may have a port.
fn is_local_host(host: &str) -> bool {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse().is_ok_and(is_local_address);
    }
    let host = host.split(':').next().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_name = match before_suffix(host, "localhost") {
        // Apps made with Tauri are at home there on Windows.
        Some(before) => {
            before.is_empty() || (before.ends_with('.') && !before.eq_ignore_ascii_case("tauri."))
        }
        None => false,
    };
    is_name || host.parse().is_ok_and(is_local_address)
}

fn is_local_address(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

fn start(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_SEARCHED_BYTES)]
}

/// Case of ASCII letters does not count, here and below. `words` is ASCII and not empty.
fn contains(text: &str, words: &str) -> bool {
    text.as_bytes()
        .windows(words.len())
        .any(|part| part.eq_ignore_ascii_case(words.as_bytes()))
}

fn after_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (before, after) = text.split_at_checked(prefix.len())?;
    before.eq_ignore_ascii_case(prefix).then_some(after)
}

fn before_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (before, after) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    after.eq_ignore_ascii_case(suffix).then_some(before)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    fn facts<'a>() -> Facts<'a> {
        Facts {
            exception_type: "TypeError",
            message: "x is undefined",
            exceptions: &[],
            traceback: "",
            is_from_browser: true,
            user_agent: Some(FIREFOX),
            page_url: Some("https://shop.example/cart"),
        }
    }

    fn of_message(message: &str) -> Option<Noise> {
        of(&Facts { message, ..facts() })
    }

    fn of_agent(user_agent: &str) -> Option<Noise> {
        of(&Facts {
            user_agent: Some(user_agent),
            ..facts()
        })
    }

    fn of_page(page_url: &str) -> Option<Noise> {
        of(&Facts {
            page_url: Some(page_url),
            ..facts()
        })
    }

    /// Outermost first: address and whether it is the app's own.
    fn exception(frames: &[(&str, bool)]) -> Exception {
        let frames = frames.iter().map(|(file, in_app)| Frame {
            file: Some((*file).to_owned()),
            line: Some(1),
            in_app: *in_app,
            ..Frame::default()
        });
        Exception {
            frames: frames.collect(),
            ..Exception::default()
        }
    }

    fn of_frames(frames: &[(&str, bool)]) -> Option<Noise> {
        of(&Facts {
            exceptions: &[exception(frames)],
            ..facts()
        })
    }

    #[test]
    fn a_plain_error_of_a_page_is_kept() {
        assert_eq!(of(&facts()), None);
        assert_eq!(of_frames(&[("https://shop.example/app.js", true)]), None);
    }

    #[test]
    fn code_of_an_extension_is_known_by_its_address() {
        let found = Some(Noise::BrowserExtension);
        for scheme in EXTENSION_SCHEMES {
            let address = format!("{}//abcdef/content.js", scheme.to_uppercase());
            assert_eq!(
                of_frames(&[("https://shop.example/app.js", true), (&address, false)]),
                found
            );
        }
        let extension = ("chrome-extension://abc/x.js", false);
        assert_eq!(of_frames(&[("blob:moz-extension://abc/1", true)]), found);
        assert_eq!(of_frames(&[extension, ("<anonymous>", false)]), found);
        assert_eq!(
            of_frames(&[extension, ("https://cdn.jsdelivr.net/jquery.js", false)]),
            found
        );
        // An extension called the app, and the app failed.
        assert_eq!(
            of_frames(&[extension, ("https://shop.example/app.js", true)]),
            None
        );
    }

    #[test]
    fn without_frames_the_text_is_searched_for_addresses() {
        let of_text = |traceback| of(&Facts { traceback, ..facts() });
        assert_eq!(
            of_text("odd line (chrome-extension://abc/x.js)"),
            Some(Noise::BrowserExtension)
        );
        assert_eq!(
            of_text("chrome-extension://abc/x.js and https://shop.example/app.js"),
            None
        );
        assert_eq!(of_text("no address, chrome-extension: neither"), None);
    }

    #[test]
    fn some_extensions_are_known_by_what_they_say() {
        let found = Some(Noise::BrowserExtension);
        assert_eq!(of_message("Extension context invalidated."), found);
        assert_eq!(of_message("Can't find variable: __gCrWeb"), found);
        assert_eq!(
            of_message("undefined is not an object (evaluating 'window.webkit.messageHandlers.x')"),
            found
        );
        assert_eq!(
            of_message("can't access property x, TOP.globals is undefined"),
            found
        );
        assert_eq!(of_message("globals of the extension are undefined"), None);
    }

    #[test]
    fn a_script_error_says_nothing_unless_it_has_a_place() {
        for message in [
            "Script error",
            "Script error.",
            " script error. ",
            "Uncaught Script error.",
        ] {
            assert_eq!(of_message(message), Some(Noise::ScriptError), "{message}");
        }
        assert_eq!(of_message("Script error in line 7"), None);
        let mut exceptions = [exception(&[("https://shop.example/app.js", true)])];
        let with_frames = |exceptions: &[Exception]| {
            of(&Facts {
                message: "Script error.",
                exceptions,
                ..facts()
            })
        };
        assert_eq!(with_frames(&exceptions), None);
        exceptions[0].frames[0].line = None;
        assert_eq!(with_frames(&exceptions), Some(Noise::ScriptError));
    }

    #[test]
    fn a_resize_observer_is_noise_only_in_these_words() {
        let found = Some(Noise::ResizeObserver);
        assert_eq!(of_message("ResizeObserver loop limit exceeded"), found);
        assert_eq!(
            of_message("ResizeObserver loop completed with undelivered notifications."),
            found
        );
        assert_eq!(
            of(&Facts {
                exception_type: "Error",
                message: "Uncaught Error: ResizeObserver loop limit exceeded",
                ..facts()
            }),
            found
        );
        assert_eq!(of_message("ResizeObserver is not defined"), None);
    }

    #[test]
    fn crawlers_and_monitors_are_known_by_their_names() {
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Googlebot-Image/1.0",
            "Mozilla/5.0 (compatible; bingbot/2.0)",
            "Mozilla/5.0 (compatible; YandexBot/3.0)",
            "Mozilla/5.0 (compatible; Baiduspider/2.0)",
            "DuckDuckBot/1.1",
            "facebookexternalhit/1.1",
            "Twitterbot/1.0",
            "LinkedInBot/1.0",
            "Slackbot-LinkExpanding 1.0",
            "Applebot/0.1",
            "SemrushBot-SI/0.97",
            "AhrefsBot/7.0",
            "MJ12bot/v1.4.8",
            "PetalBot",
            "GPTBot/1.2",
            "ClaudeBot/1.0",
            "Mozilla/5.0 Chrome/130.0 Chrome-Lighthouse",
            "Pingdom.com_bot_version_1.4",
            "PingdomPageSpeed/1.0",
            "UptimeRobot/2.0",
            "Sogou web spider/4.0",
            "my own crawler",
        ] {
            assert_eq!(of_agent(agent), Some(Noise::Bot), "{agent}");
        }
        for agent in [
            "Mozilla/5.0 (Linux; Android 10; CUBOT_X18_Plus) Chrome/130.0",
            "Mozilla/5.0 (Linux; Android 10; Cubot Note 20) Chrome/130.0",
            "Mozilla/5.0 HeadlessChrome/130.0",
            "Mozilla/5.0 (iPhone) [FBAN/FBIOS;FBAV/400]",
            "Bottles/1.0 Spiderman/2 Robotics/3",
            "",
        ] {
            assert_eq!(of_agent(agent), None, "{agent}");
        }
    }

    #[test]
    fn a_page_on_ones_own_machine_is_noise() {
        for page in [
            "http://localhost:5173/cart",
            "https://LOCALHOST",
            "http://shop.localhost:8080/",
            "http://user:pw@localhost./x",
            "localhost:3000/cart",
            "http://127.0.0.1/",
            "http://127.8.9.10:80?x",
            "http://[::1]:3000/",
            "http://0.0.0.0:8000/#x",
            "file:///home/anna/index.html",
        ] {
            assert_eq!(of_page(page), Some(Noise::Localhost), "{page}");
        }
        for page in [
            "https://shop.example/?next=http://localhost/",
            "https://localhost.example/",
            "https://notlocalhost/",
            "https://localhost@shop.example/",
            "http://128.0.0.1/",
            "http://[2001:db8::1]/",
            "http://192.168.1.5/",
            "/cart",
            "about:blank",
            "[",
            "",
        ] {
            assert_eq!(of_page(page), None, "{page}");
        }
    }

    #[test]
    fn an_app_made_of_pages_is_no_developers_machine() {
        assert_eq!(of_page("capacitor://localhost/index.html"), None);
        assert_eq!(of_page("http://tauri.localhost/"), None);
        for (agent, page) in [
            (
                "Mozilla/5.0 Chrome/130.0 Electron/33.0",
                "file:///opt/app/index.html",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel; wv) Chrome/130.0",
                "https://localhost/",
            ),
        ] {
            let facts = Facts {
                user_agent: Some(agent),
                page_url: Some(page),
                ..facts()
            };
            assert_eq!(of(&facts), None, "{agent}");
        }
    }

    #[test]
    fn a_servers_report_is_never_noise() {
        let noisy = Facts {
            message: "Script error.",
            user_agent: Some("Googlebot"),
            page_url: Some("http://localhost/"),
            ..facts()
        };
        let kinds = |facts: &Facts<'_>| Noise::ALL.map(|noise| noise.is_in(facts));
        assert_eq!(kinds(&noisy), [false, true, false, true, true]);
        assert_eq!(
            kinds(&Facts {
                is_from_browser: false,
                ..noisy
            }),
            [false; 5]
        );
    }

    #[test]
    fn names_are_read_back() {
        for noise in Noise::ALL {
            assert_eq!(Noise::read(noise.name()), Some(noise));
        }
        assert_eq!(Noise::read("Bot"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(
            kind in ".{0,9}", message in "(uncaught )?.*", traceback in ".*(://)?.*", agent in ".*(bot)?",
            page in "(file:|https?://)?(\\[)?.*", file in "(blob:)?.*", line: Option<u32>, in_app: bool,
        ) {
            let mut exception = exception(&[(&file, in_app)]);
            exception.frames[0].line = line;
            of(&Facts {
                exception_type: &kind,
                message: &message,
                exceptions: &[exception],
                traceback: &traceback,
                is_from_browser: true,
                user_agent: Some(&agent),
                page_url: Some(&page),
            });
        }
    }
}
