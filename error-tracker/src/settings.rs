//! The tracker's own settings; those of all services are in `service::CommonSettings`.

use std::path::PathBuf;
use std::sync::Arc;

use config::{Reader, Secret};
use notify::AddressPolicy;

use crate::domain::noise::Noise;

/// One field per environment variable.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `RETENTION_DAYS`: resolved groups are deleted this many days after they were resolved.
    pub retention_days: u32,
    /// `KEEP_OCCURRENCES`: reports kept of each group.
    pub keep_occurrences: u32,
    /// `MAX_DATABASE_MB`: largest database, in bytes; none: as large as it gets.
    pub max_database_bytes: Option<u64>,
    /// `MAX_BODY_BYTES`: largest report.
    pub max_body_bytes: usize,
    /// `MAX_BATCH_BYTES`: largest batch of reports.
    pub max_batch_bytes: usize,
    /// `SCRUB_FIELDS`: names whose values are never stored, beside the usual ones.
    pub scrub_fields: Vec<String>,
    /// `NOISE_FILTERS`: which events are counted and not stored.
    pub noise_filters: Vec<Noise>,
    /// `ALERT_ALLOW_PRIVATE` and `ALERT_ALLOWED_HOSTS`: where alerts may go beside public addresses.
    pub alert_addresses: AddressPolicy,
    /// `ALERT_EMAILS`: who is told of new and reopened errors.
    pub alert_emails: Arc<[String]>,
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
            50,
            1..=1000,
            "Reports kept of each group, the first, the newest and a spread between; all are counted.",
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
        let max_database_mb = reader.number(
            "MAX_DATABASE_MB",
            2000,
            0..=1_000_000,
            "Largest database, in MB: what tells least leaves first, counts stay. 0: as large as it gets.",
        );
        let noise_filters = noise_filters(reader);
        let alert_addresses = AddressPolicy {
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
            max_database_bytes: (max_database_mb > 0).then_some(max_database_mb * 1_000_000),
            scrub_fields,
            noise_filters,
            alert_addresses,
            smtp: Smtp::read(reader),
            postmark: PostmarkAccount::read(reader),
            alert_emails: alert_emails.into(),
        }
    }

    /// Whether there is a way out for mail.
    pub fn has_mail(&self) -> bool {
        self.smtp.is_some() || self.postmark.is_some()
    }

    /// Who gets mails: nobody without a way out for them.
    pub fn recipients(&self) -> Arc<[String]> {
        if self.has_mail() {
            self.alert_emails.clone()
        } else {
            Arc::default()
        }
    }
}

fn noise_filters(reader: &mut Reader<'_>) -> Vec<Noise> {
    let all = Noise::ALL.map(Noise::name).join(",");
    let names = reader.list(
        "NOISE_FILTERS",
        &all,
        "Events of browsers that are counted and not stored: extensions, scripts of others, crawlers, … none: all are.",
    );
    let names = names.iter().filter(|name| *name != "none");
    let filters = names.filter_map(|name| {
        let noise = Noise::read(name);
        if noise.is_none() {
            reader.problem(format!("NOISE_FILTERS holds '{name}', which is none of {all}"));
        }
        noise
    });
    filters.collect()
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
