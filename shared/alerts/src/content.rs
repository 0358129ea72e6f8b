//! What an alert says.

use notify::Message;

use crate::domain::mail::{self, Text};

/// For channels of any kind and for mail.
#[derive(Debug, Clone)]
pub struct Content {
    /// For a channel of any kind.
    pub message: Message,
    /// As a mail.
    pub mail: Text,
}

impl Content {
    /// Of a message whose mail says the same.
    pub fn of(message: Message) -> Self {
        let notify::Mail { subject, plain, html } = message.mail();
        let mail = Text {
            subject: mail::one_line(&subject),
            plain: mail::visible(&plain),
            html: mail::visible(&html),
        };
        Self { message, mail }
    }
}
