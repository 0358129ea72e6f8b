//! Sends queued mails, one at a time, and tries again what a server did not take.
//!
//! A mail is marked as delivered after the server took it. Only a crash between the two sends it twice; its
//! Message-ID is the same then, so that mailboxes can tell.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use service::{Ending, unix_ms};

use crate::app::App;
use crate::domain::mail::{self, Text};
use crate::settings::{Smtp, SmtpTls};
use crate::store::mails::{Kind, Mail};
use crate::store::{groups, mails, occurrences};

/// A hung server must not hold the queue for longer.
const SMTP_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest wait without looking: covers clock jumps.
const MAX_PAUSE: Duration = Duration::from_secs(60);
const BATCH: u32 = 20;

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let Some(smtp) = &app.settings.smtp else { return };
    loop {
        let pause = match send_due(&app, smtp, &mut ending).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(cause = error.cause, "mail queue: {}", error.detail);
                MAX_PAUSE
            }
        };
        // A timeout is as good as a call: both mean to look again.
        let called = tokio::time::timeout(pause, app.mails_waiting.notified());
        if ending.unless(called).await.is_none() {
            return;
        }
    }
}

/// Sends what is due; returns how long there is nothing to do.
async fn send_due(app: &App, smtp: &Smtp, ending: &mut Ending) -> web::Result<Duration> {
    loop {
        let due = app
            .common
            .read(|connection| mails::due(connection, unix_ms(), BATCH))
            .await?;
        if due.is_empty() {
            let next = app.common.read(mails::next_due).await?;
            let pause = next.map_or(MAX_PAUSE, |at| {
                Duration::from_millis((at - unix_ms()).max(0) as u64)
            });
            return Ok(pause.min(MAX_PAUSE));
        }
        for mail in due {
            // Between two mails is the place to stop: within one, a mail could go out unnoted.
            if ending.unless(std::future::ready(())).await.is_none() {
                return Ok(MAX_PAUSE);
            }
            send(app, smtp, mail).await?;
        }
    }
}

async fn send(app: &App, smtp: &Smtp, mail: Mail) -> web::Result<()> {
    let text = compose(app, &mail).await?;
    let outcome = match text {
        Some(text) => deliver(smtp, &mail, text).await,
        None => Err("its group is gone".into()),
    };
    match outcome {
        Ok(()) => {
            app.metrics.mails_sent.inc();
            app.common
                .write(move |tx| mails::delivered(tx, mail.id, unix_ms()))
                .await
        }
        Err(failure) => {
            app.metrics.mails_failed.inc();
            let next = mail::next_attempt(mail.created_at, mail.n_attempts, unix_ms());
            tracing::warn!(mail.id, "mail {} was not delivered: {failure}", mail.id);
            let words = failure.to_string();
            app.common
                .write(move |tx| mails::failed(tx, mail.id, &words, next))
                .await
        }
    }
}

async fn compose(app: &App, mail: &Mail) -> web::Result<Option<Text>> {
    let Some(group_id) = mail.group_id else {
        return Ok(Some(mail::test()));
    };
    let found = app.common.read(move |connection| {
        let group = groups::find(connection, group_id)?;
        let newest = occurrences::of_group(connection, group_id, 1)?.pop();
        Ok(group.zip(newest))
    });
    let Some(((group, _), newest)) = found.await? else {
        return Ok(None);
    };
    let facts = mail::Facts {
        id: group.id,
        is_reopened: mail.kind == Kind::Reopened,
        project: &group.project,
        environment: group.environment.as_deref(),
        exception_type: &group.exception_type,
        message: &newest.message,
        traceback: &newest.traceback,
        request_method: newest.request_method.as_deref(),
        request_url: newest.request_url.as_deref(),
        n_occurrences: group.n_occurrences,
        url: &format!("{}/errors/{}", app.common.settings.base_url(), group.id),
    };
    mail::alert(&facts).map(Some).map_err(web::Error::internal)
}

async fn deliver(smtp: &Smtp, mail: &Mail, text: Text) -> Result<(), Failure> {
    let from: Mailbox = smtp.from.parse()?;
    let id = format!(
        "<monlight-{}-{}@{}>",
        mail.created_at,
        mail.id,
        from.email.domain()
    );
    let message = Message::builder()
        .from(from)
        .to(mail.recipient.parse()?)
        .subject(text.subject)
        .message_id(Some(id))
        .header(AutoSubmitted)
        .multipart(
            MultiPart::alternative()
                .singlepart(
                    SinglePart::builder()
                        .header(ContentType::TEXT_PLAIN)
                        .body(text.plain),
                )
                .singlepart(
                    SinglePart::builder()
                        .header(ContentType::TEXT_HTML)
                        .body(text.html),
                ),
        )?;
    transport(smtp)?.send(message).await?;
    Ok(())
}

fn transport(smtp: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
    let mut tls = TlsParameters::builder(smtp.host.clone());
    if let Some(file) = &smtp.ca_file {
        let pem = std::fs::read(file).map_err(|cause| format!("cannot read SMTP_CA_FILE: {cause}"))?;
        tls = tls.add_root_certificate(Certificate::from_pem(&pem)?);
    }
    let tls = tls.build()?;
    let tls = match smtp.tls {
        SmtpTls::Implicit => Tls::Wrapper(tls),
        SmtpTls::Auto if smtp.port == 465 => Tls::Wrapper(tls),
        SmtpTls::Starttls => Tls::Required(tls),
        SmtpTls::Auto if smtp.credentials.is_some() => Tls::Required(tls),
        SmtpTls::Auto => Tls::Opportunistic(tls),
        SmtpTls::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
        .port(smtp.port)
        .timeout(Some(SMTP_TIMEOUT))
        .tls(tls);
    if let Some((username, password)) = &smtp.credentials {
        builder = builder.credentials(Credentials::new(username.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}

/// RFC 3834: keeps holiday notices and other robots from answering.
#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
