//! One event, and how it is written. Format: HTML Living Standard, §9.2.

use bytes::Bytes;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    id: Option<String>,
    name: Option<String>,
    data: String,
}

impl Event {
    /// An event without a name, which browsers call `message`. The data may have any number of lines.
    pub fn new(data: impl Into<String>) -> Self {
        Self {
            data: data.into(),
            ..Self::default()
        }
    }

    /// The same with a name; control characters are left out. `bye` and `missed` are a hub's own.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(clean(name));
        self
    }

    /// The same with an id, which a reader that comes back sends as `Last-Event-ID`; control characters are left out.
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(clean(id));
        self
    }

    /// As it is sent. There is always a `data` line: without one, browsers drop the event.
    pub fn encode(&self) -> Bytes {
        let mut text = String::with_capacity(self.data.len() + 64);
        for (field, value) in [("id", &self.id), ("event", &self.name)] {
            if let Some(value) = value {
                push_line(&mut text, field, value);
            }
        }
        // `\r\n` is one end of a line, not two.
        let data = self.data.replace("\r\n", "\n");
        for line in data.split(['\n', '\r']) {
            push_line(&mut text, "data", line);
        }
        text.push('\n');
        text.into()
    }
}

/// A reader takes away one space after the colon, so there is one, or a value could lose its own.
fn push_line(text: &mut String, field: &str, value: &str) {
    text.extend([field, ": ", value, "\n"]);
}

fn clean(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(event: &Event, expected: &str) {
        assert_eq!(event.encode(), expected, "{event:?}");
    }

    #[test]
    fn an_event_is_written_as_the_standard_wants() {
        check(&Event::new("a"), "data: a\n\n");
        check(&Event::new(""), "data: \n\n");
        check(&Event::new(" a"), "data:  a\n\n");
        check(&Event::new("a\nb"), "data: a\ndata: b\n\n");
        check(
            &Event::new("a\rb\r\nc\n\rd\n"),
            "data: a\ndata: b\ndata: c\ndata: \ndata: d\ndata: \n\n",
        );
        check(
            &Event::new("{}").named("changed").with_id("12"),
            "id: 12\nevent: changed\ndata: {}\n\n",
        );
    }

    #[test]
    fn an_id_or_a_name_cannot_write_lines_of_its_own() {
        let event = Event::new("").named("a\r\ndata: b").with_id("1\n\n\0data: c");
        check(&event, "id: 1data: c\nevent: adata: b\ndata: \n\n");
    }
}
