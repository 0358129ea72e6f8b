//! The tracker's own settings; those of all services are in `service::CommonSettings`.

use std::path::PathBuf;
use std::sync::Arc;

use config::{Reader, Secret};

/// One field per environment variable.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `RETENTION_DAYS`: resolved groups are deleted this many days after they were resolved.
    pub retention_days: u32,
    /// `KEEP_OCCURRENCES`: newest reports kept of each group.
    pub keep_occurrences: u32,
    /// `MAX_BODY_BYTES`: largest report.
    pub max_body_bytes: usize,
    /// `MAX_BATCH_BYTES`: largest batch of reports.
    pub max_batch_bytes: usize,
    /// `SCRUB_FIELDS`: names whose values are never stored, beside the usual ones.
    pub scrub_fields: Vec<String>,
    /// `ALERT_EMAILS`: who is told of new and reopened errors.
    pub alert_emails: Arc<[String]>,
    /// `SMTP_*`; none without `SMTP_HOST`.
    pub smtp: Option<Smtp>,
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

/// Largest body of the contract, in bytes (§0.5).
const CONTRACT_MAX_BODY_BYTES: u64 = 262_144;

impl Settings {
    /// Reads the variables.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let retention_days = reader.number(
            "RETENTION_DAYS",
            90,
            1..=36_500,
            "Days after which a resolved group is deleted with all its occurrences.",
        );
        let keep_occurrences = reader.number(
            "KEEP_OCCURRENCES",
            5,
            1..=1000,
            "Newest reports kept of each group; all are counted.",
        );
        let max_body_bytes = reader.bytes(
            "MAX_BODY_BYTES",
            CONTRACT_MAX_BODY_BYTES,
            1024..=16 << 20,
            "Largest report.",
        );
        let max_batch_bytes = reader.bytes(
            "MAX_BATCH_BYTES",
            4 << 20,
            1024..=64 << 20,
            "Largest batch of reports.",
        );
        let scrub_fields = reader.list(
            "SCRUB_FIELDS",
            "",
            "Names whose values are never stored, beside password, token, cookie, … A leading ! takes one of those out.",
        );
        let mut alert_emails = reader.list("ALERT_EMAILS", "", "Who gets a mail of new and reopened errors.");
        // Nobody is told twice.
        alert_emails.sort_unstable();
        alert_emails.dedup();
        for address in alert_emails
            .iter()
            .filter(|address| address.parse::<lettre::Address>().is_err())
        {
            reader.problem(format!(
                "ALERT_EMAILS holds '{address}', which is no mail address"
            ));
        }
        Self {
            retention_days,
            keep_occurrences,
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
            max_batch_bytes: usize::try_from(max_batch_bytes).unwrap_or(usize::MAX),
            scrub_fields,
            smtp: Smtp::read(reader),
            alert_emails: alert_emails.into(),
        }
    }

    /// Who gets mails: nobody without a mail server.
    pub fn recipients(&self) -> Arc<[String]> {
        if self.smtp.is_some() {
            self.alert_emails.clone()
        } else {
            Arc::default()
        }
    }
}

impl Smtp {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let host = reader.optional_text("SMTP_HOST", "Mail server. Not set: no mails are sent.");
        let port = reader.number(
            "SMTP_PORT",
            25,
            1..=u16::MAX,
            "Its port: 25, 587, or 465 for TLS at once.",
        );
        let username = reader.optional_text("SMTP_USERNAME", "Name to log in with; not set: no log-in.");
        let password = reader.secret("SMTP_PASSWORD", "Password to log in with.");
        let from = reader.text("SMTP_FROM", "errors@example.com", "Sender of the mails.");
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
