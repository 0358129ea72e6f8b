//! A message as a page shows it: cut where its colours change and where an address begins or ends.
//! Terminal codes (ECMA-48) become styles or are left out; nothing here makes markup, that is the page's work.
//! Own code rather than `vte`: its callbacks give characters one by one, and we want pieces of the text.

/// One piece of a message that looks the same throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'m> {
    /// The piece, without codes.
    pub text: &'m str,
    /// How it looks.
    pub style: Style,
    /// Whether it is an `http` or `https` address.
    pub is_link: bool,
}

/// What colour codes said. Colours are the sixteen of terminals; finer ones are moved to the nearest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    foreground: Option<u8>,
    background: Option<u8>,
    is_bold: bool,
    is_dim: bool,
    is_italic: bool,
    is_underlined: bool,
    is_struck: bool,
    is_inverse: bool,
}

impl Style {
    /// Class names of the stylesheet, separated by blanks; empty for plain text.
    pub fn classes(self) -> String {
        let mut classes = String::new();
        let (foreground, background) = match (self.is_inverse, self.foreground, self.background) {
            (false, foreground, background) => (foreground, background),
            (true, None, None) => (None, None),
            // What has no colour of its own is dark on a light background, as in most terminals.
            (true, foreground, background) => (background.or(Some(0)), foreground.or(Some(7))),
        };
        let is_plainly_inverse = self.is_inverse && background.is_none();
        for (prefix, colour) in [("fg", foreground), ("bg", background)] {
            if let Some(colour) = colour {
                classes.push_str(&format!("{prefix}{colour} "));
            }
        }
        for (name, is_set) in [
            ("b", self.is_bold),
            ("dim", self.is_dim),
            ("i", self.is_italic),
            ("u", self.is_underlined),
            ("s", self.is_struck),
            ("inv", is_plainly_inverse),
        ] {
            if is_set {
                classes.push_str(name);
                classes.push(' ');
            }
        }
        classes.truncate(classes.trim_end().len());
        classes
    }

    /// Takes the parameters of one "select graphic rendition"; what is unknown is passed over.
    fn select(&mut self, parameters: &str) {
        let mut codes = parameters.split([';', ':']).map(|code| match code {
            "" => Some(0),
            code => code.parse::<u16>().ok(),
        });
        while let Some(code) = codes.next() {
            match code {
                Some(0) => *self = Self::default(),
                Some(1) => self.is_bold = true,
                Some(2) => self.is_dim = true,
                Some(3) => self.is_italic = true,
                Some(4) => self.is_underlined = true,
                Some(7) => self.is_inverse = true,
                Some(9) => self.is_struck = true,
                Some(22) => (self.is_bold, self.is_dim) = (false, false),
                Some(23) => self.is_italic = false,
                Some(24) => self.is_underlined = false,
                Some(27) => self.is_inverse = false,
                Some(29) => self.is_struck = false,
                Some(code @ 30..=37) => self.foreground = Some((code - 30) as u8),
                Some(38) => self.foreground = extended(&mut codes).or(self.foreground),
                Some(39) => self.foreground = None,
                Some(code @ 40..=47) => self.background = Some((code - 40) as u8),
                Some(48) => self.background = extended(&mut codes).or(self.background),
                Some(49) => self.background = None,
                Some(code @ 90..=97) => self.foreground = Some((code - 82) as u8),
                Some(code @ 100..=107) => self.background = Some((code - 92) as u8),
                _ => {}
            }
        }
    }
}

/// `5;n` or `2;r;g;b` after 38 or 48, as the nearest of the sixteen.
fn extended(codes: &mut impl Iterator<Item = Option<u16>>) -> Option<u8> {
    match codes.next().flatten()? {
        5 => match codes.next().flatten()? {
            n @ 0..=15 => Some(n as u8),
            // The cube of 6 × 6 × 6, then 24 greys.
            n @ 16..=231 => {
                let step = |n: u16| if n == 0 { 0 } else { 55 + 40 * n };
                let n = n - 16;
                Some(nearest([step(n / 36), step(n / 6 % 6), step(n % 6)]))
            }
            n @ 232..=255 => Some(nearest([8 + 10 * (n - 232); 3])),
            _ => None,
        },
        2 => {
            let mut level = || codes.next().flatten().map(|level| level.min(255));
            Some(nearest([level()?, level()?, level()?]))
        }
        _ => None,
    }
}

/// The nearest of the sixteen by brightness and by which of red, green and blue stand out.
fn nearest(rgb: [u16; 3]) -> u8 {
    let high = rgb.into_iter().max().unwrap_or(0);
    let low = rgb.into_iter().min().unwrap_or(0);
    if high - low < 32 {
        return match high {
            0..=63 => 0,
            64..=159 => 8,
            160..=223 => 7,
            _ => 15,
        };
    }
    let middle = low + (high - low) / 2;
    let hue = (0..3).filter(|i| rgb[*i] > middle).map(|i| 1 << i).sum::<u8>();
    hue + if high > 200 { 8 } else { 0 }
}

/// The message in pieces. Together they are its text without codes, line ends and tabs kept.
pub fn parts(message: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut style = Style::default();
    let mut rest = message;
    while !rest.is_empty() {
        let end = rest.find(is_code).unwrap_or(rest.len());
        push_linked(&mut parts, &rest[..end], style);
        rest = &rest[end..];
        rest = after_code(rest, &mut style);
    }
    parts
}

/// What follows the control character that `text` begins with, and the sequence that it opens.
pub(crate) fn after_code<'m>(text: &'m str, style: &mut Style) -> &'m str {
    let mut characters = text.chars();
    if characters.next() != Some('\x1b') {
        return characters.as_str();
    }
    let opened = characters.as_str();
    match characters.next() {
        Some('[') => {
            let body = characters.as_str();
            let (parameters, rest) =
                body.split_at(body.find(|c| !matches!(c, '\x20'..='\x3f')).unwrap_or(body.len()));
            if rest.starts_with('m') {
                style.select(parameters);
            }
            // The final byte belongs to the sequence; anything else is text again.
            rest.strip_prefix(|c| matches!(c, '\x40'..='\x7e'))
                .unwrap_or(rest)
        }
        Some(']' | 'P' | '_' | '^' | 'X') => after_string(characters.as_str()),
        _ => {
            let rest = opened.trim_start_matches(|c| matches!(c, '\x20'..='\x2f'));
            rest.strip_prefix(|c| matches!(c, '\x30'..='\x7e'))
                .unwrap_or(rest)
        }
    }
}

/// Whether the message is one plain piece: no codes, no address.
pub fn is_plain(message: &str) -> bool {
    !message.contains(is_code) && !message.contains("http")
}

fn is_code(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// What follows a string (a title or a link of the terminal's) up to BEL or `ESC \`. One without an end is text.
fn after_string(body: &str) -> &str {
    let end = body.find(['\x07', '\x1b', '\n']);
    match end.map(|end| body.split_at(end)) {
        Some((_, rest)) if rest.starts_with('\x07') => &rest[1..],
        Some((_, rest)) if rest.starts_with("\x1b\\") => &rest[2..],
        _ => body,
    }
}

fn push_linked<'m>(parts: &mut Vec<Part<'m>>, mut text: &'m str, style: Style) {
    while let Some((start, end)) = next_link(text) {
        push(parts, &text[..start], style, false);
        push(parts, &text[start..end], style, true);
        text = &text[end..];
    }
    push(parts, text, style, false);
}

fn push<'m>(parts: &mut Vec<Part<'m>>, text: &'m str, style: Style, is_link: bool) {
    if !text.is_empty() {
        parts.push(Part { text, style, is_link });
    }
}

/// Where the first address begins and ends. What usually ends a sentence or closes a bracket is none of it.
fn next_link(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find("http")?;
        let scheme = ["https://", "http://"]
            .into_iter()
            .find(|it| text[start..].starts_with(it));
        let Some(scheme) = scheme else {
            from = start + 4;
            continue;
        };
        let host = start + scheme.len();
        let end = text[host..].find(ends_link).map_or(text.len(), |n| host + n);
        let link = text[start..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '*']);
        let link = match link.strip_suffix([')', ']']) {
            Some(inner) if !inner.contains(['(', '[']) => inner,
            _ => link,
        };
        if link.len() > scheme.len() && link.len() <= MAX_LINK_BYTES {
            return Some((start, start + link.len()));
        }
        from = end.max(start + 4);
    }
}

/// Browsers take more, but a longer one is data.
const MAX_LINK_BYTES: usize = 2048;

fn ends_link(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\'' | '<' | '>' | '`' | '{' | '}' | '|' | '\\' | '^')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `text`, `[classes|text]`, `<link>`.
    fn shown(message: &str) -> String {
        let part = |part: &Part<'_>| match (part.is_link, part.style.classes()) {
            (true, _) => format!("<{}>", part.text),
            (false, classes) if classes.is_empty() => part.text.to_owned(),
            (false, classes) => format!("[{classes}|{}]", part.text),
        };
        parts(message).iter().map(part).collect()
    }

    fn check(message: &str, expected: &str) {
        assert_eq!(shown(message), expected, "{message:?}");
    }

    #[test]
    fn colour_codes_become_classes() {
        check("plain", "plain");
        check("\x1b[31mred\x1b[0m plain", "[fg1|red] plain");
        check("\x1b[1;33mWARN\x1b[22m on\x1b[m off", "[fg3 b|WARN][fg3| on] off");
        check("\x1b[97;44mx\x1b[39mx\x1b[49mx", "[fg15 bg4|x][bg4|x]x");
        check("\x1b[2m12:00\x1b[0m", "[dim|12:00]");
        check("\x1b[3;4;9mx\x1b[23;24;29my", "[i u s|x]y");
        check("\x1b[38;5;196mx", "[fg9|x]");
        check("\x1b[38;5;3mx", "[fg3|x]");
        check("\x1b[38;5;240mx", "[fg8|x]");
        check("\x1b[48;2;0;0;170mx", "[bg4|x]");
        check("\x1b[38:2:255:255:0mx", "[fg11|x]");
        check("\x1b[7mx\x1b[27my", "[inv|x]y");
        check("\x1b[7;31mx", "[fg0 bg1|x]");
    }

    #[test]
    fn other_codes_are_left_out() {
        check("a\x1b[2Kb\x1b[1;1Hc", "abc");
        check("a\x1b]0;title\x07b", "ab");
        check("a\x1b]8;;http://x/\x1b\\b", "ab");
        check("a\x1b(Bb\x1b=c", "abc");
        check("50%\r100%\x08\x07", "50%100%");
        check("a\tb\nc", "a\tb\nc");
    }

    #[test]
    fn broken_codes_lose_no_text() {
        check("a\x1b", "a");
        check("a\x1b[", "a");
        check("a\x1b[31", "a");
        check("a\x1b[31é", "aé");
        check("a\x1b]no end", "ano end");
        check("\x1b[999;38;9;1mx", "[b|x]");
        check("\x1b[38;5mx", "x");
        check("\x1bé", "é");
        check("\u{9b}31mx", "31mx");
    }

    #[test]
    fn addresses_are_found_without_what_stands_around_them() {
        check(
            "see https://a.example/x?y=1#z.",
            "see <https://a.example/x?y=1#z>.",
        );
        check("(http://a.example)", "(<http://a.example>)");
        check("http://a.example/x_(y)", "<http://a.example/x_(y)>");
        check("GET \"http://a.example/\" 200", "GET \"<http://a.example/>\" 200");
        check("url=http://a.example, next", "url=<http://a.example>, next");
        check("javascript:alert(1)", "javascript:alert(1)");
        check("http:// https:// httpd", "http:// https:// httpd");
        check("{\"u\":\"http://a/b\"}", "{\"u\":\"<http://a/b>\"}");
        check("\x1b[34mhttp://a/b\x1b[0m!", "<http://a/b>!");
        check("http://例え.jp/パス と", "<http://例え.jp/パス> と");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_but_control_characters(message in "[\\x1b\\[\\]0-9;mK(ht:/ps.a é\\n\\t\\x07]{0,60}") {
            let text: String = parts(&message).iter().map(|part| part.text).collect();
            prop_assert!(!text.chars().any(is_code));
            if !message.contains('\x1b') {
                let kept: String = message.chars().filter(|c| !is_code(*c)).collect();
                prop_assert_eq!(text, kept);
            }
        }

        #[test]
        fn no_text_makes_it_panic(message in "\\PC{0,40}|[\\x1b\\[;0-9mé]{0,30}") {
            let all = parts(&message);
            if is_plain(&message) {
                prop_assert!(all.len() <= 1);
            }
        }
    }
}
