//! Settings of alerts: where they may go, and the ways out for mail.

use std::path::PathBuf;
use std::sync::Arc;

use config::{Reader, Secret};
use notify::AddressPolicy;

/// One field per environment variable, or for those of one way out.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `ALERT_ALLOW_PRIVATE` and `ALERT_ALLOWED_HOSTS`: where alerts may go beside public addresses.
    pub addresses: AddressPolicy,
    /// `ALERT_EMAILS`: who gets mails beside the channels.
    pub emails: Arc<[String]>,
    /// `SMTP_*`; none without `SMTP_HOST`.
    pub smtp: Option<Smtp>,
    /// `POSTMARK_*`; the way out for mail where there is no mail server.
    pub postmark: Option<PostmarkAccount>,
}

/// Postmark's mail API.
#[derive(Debug, Clone)]
pub struct PostmarkAccount {
    /// `POSTMARK_API_TOKEN`
    pub token: Secret,
    /// `POSTMARK_FROM_EMAIL`
    pub from: String,
}

/// The way out for mail.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// `SMTP_HOST`
    pub host: String,
    /// `SMTP_PORT`
    pub port: u16,
    /// `SMTP_USERNAME` and `SMTP_PASSWORD`
    pub credentials: Option<(String, Secret)>,
    /// `SMTP_FROM`
    pub from: String,
    /// `SMTP_TLS`
    pub tls: SmtpTls,
    /// `SMTP_CA_FILE`: further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS at once on port 465. Elsewhere STARTTLS: required with credentials, else where offered.
    Auto,
    /// TLS from the first byte.
    Implicit,
    /// STARTTLS or nothing is sent.
    Starttls,
    /// Never. Credentials go in the clear.
    None,
}

impl Settings {
    /// Reads the variables. `emails`: what `--help` says of `ALERT_EMAILS`; `from`: the sender of mails where nobody says
    /// otherwise.
    pub fn read(reader: &mut Reader<'_>, emails: &'static str, from: &'static str) -> Self {
        let addresses = AddressPolicy {
            allow_private: reader.choice(
                "ALERT_ALLOW_PRIVATE",
                "no",
                &[("no", false), ("yes", true)],
                "Whether alerts may go to private addresses, this machine's own among them.",
            ),
            allowed_hosts: reader.list(
                "ALERT_ALLOWED_HOSTS",
                "",
                "Hosts with a private address to which alerts may go all the same.",
            ),
        };
        let mut emails = reader.list("ALERT_EMAILS", "", emails);
        // Nobody is told twice.
        emails.sort_unstable();
        emails.dedup();
        for address in emails
            .iter()
            .filter(|address| address.parse::<lettre::Address>().is_err())
        {
            reader.problem(format!(
                "ALERT_EMAILS holds '{address}', which is no mail address"
            ));
        }
        Self {
            addresses,
            emails: emails.into(),
            smtp: Smtp::read(reader, from),
            postmark: PostmarkAccount::read(reader),
        }
    }

    /// Whether there is a way out for mail.
    pub fn has_mail(&self) -> bool {
        self.smtp.is_some() || self.postmark.is_some()
    }
}

impl PostmarkAccount {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let token = reader.secret(
            "POSTMARK_API_TOKEN",
            "Server token of Postmark, to send mails where SMTP_HOST is not set.",
        );
        let from = reader.optional_text(
            "POSTMARK_FROM_EMAIL",
            "Sender of those mails, confirmed at Postmark.",
        );
        if token.is_some() && from.is_none() {
            reader.problem("POSTMARK_API_TOKEN is set but POSTMARK_FROM_EMAIL is not");
        }
        Some(Self {
            token: token?,
            from: from?,
        })
    }
}

impl Smtp {
    fn read(reader: &mut Reader<'_>, from: &'static str) -> Option<Self> {
        let host = reader.optional_text("SMTP_HOST", "Mail server. Not set: no mails are sent.");
        let port = reader.number(
            "SMTP_PORT",
            25,
            1..=u16::MAX,
            "Its port: 25, 587, or 465 for TLS at once.",
        );
        let username = reader.optional_text("SMTP_USERNAME", "Name to log in with; not set: no log-in.");
        let password = reader.secret("SMTP_PASSWORD", "Password to log in with.");
        let from = reader.text("SMTP_FROM", from, "Sender of the mails.");
        let tls = reader.choice(
            "SMTP_TLS",
            "auto",
            &[
                ("auto", SmtpTls::Auto),
                ("implicit", SmtpTls::Implicit),
                ("starttls", SmtpTls::Starttls),
                ("none", SmtpTls::None),
            ],
            "auto: TLS at once on port 465, else STARTTLS, which must be offered where a password is sent.",
        );
        let ca_file = reader.optional_text(
            "SMTP_CA_FILE",
            "PEM file of further certificate authorities to trust.",
        );
        if from.parse::<lettre::message::Mailbox>().is_err() {
            reader.problem(format!("SMTP_FROM is '{from}', which is no mail address"));
        }
        let credentials = match (username, password) {
            (Some(username), Some(password)) => Some((username, password)),
            (Some(_), None) => {
                reader.problem("SMTP_USERNAME is set but SMTP_PASSWORD is not");
                None
            }
            (None, _) => None,
        };
        Some(Self {
            host: host?,
            port,
            credentials,
            from,
            tls,
            ca_file: ca_file.map(PathBuf::from),
        })
    }
}
