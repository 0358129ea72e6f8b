//! Sends queued mails, one at a time, and tries again what a server did not take.
//!
//! A mail is marked as delivered after the server took it. Only a crash between the two sends it twice; its
//! Message-ID is the same then, so that mailboxes can tell.

use std::sync::Arc;
use std::time::Duration;

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use notify::{Channel, Postmark, SendError};
use service::{Ending, unix_ms};

use crate::alerts::domain::mail::{self, Text};
use crate::alerts::store::deliveries::{self, Delivery, Way};
use crate::app::App;
use crate::jobs::compose;
use crate::settings::{PostmarkAccount, Smtp, SmtpTls};

/// For one of a server's addresses: the next one may answer.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(5);
/// Until a server is ready to take a mail: connected, encrypted, logged in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Until it took the mail, which it may look through before. Giving up sooner could send the mail twice.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// For a farewell that nothing depends on.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Between tries to store that a mail is delivered.
const NOTE_PAUSE: Duration = Duration::from_secs(1);
/// Longest wait without looking: covers clock jumps.
const MAX_PAUSE: Duration = Duration::from_secs(60);
const BATCH: u32 = 20;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How mails leave.
#[derive(Clone, Copy)]
enum WayOut<'a> {
    Smtp(&'a Smtp),
    Postmark(&'a PostmarkAccount),
}

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let way_out = match (&app.settings.smtp, &app.settings.postmark) {
        (Some(smtp), _) => WayOut::Smtp(smtp),
        (None, Some(postmark)) => WayOut::Postmark(postmark),
        (None, None) => return,
    };
    loop {
        let pause = match send_due(&app, way_out, &mut ending).await {
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
async fn send_due(app: &App, way_out: WayOut<'_>, ending: &mut Ending) -> web::Result<Duration> {
    loop {
        let due = app
            .common
            .read(|connection| deliveries::due(connection, Way::Mail, &[], unix_ms(), BATCH))
            .await?;
        if due.is_empty() {
            let next = app
                .common
                .read(|connection| deliveries::next_due(connection, Way::Mail))
                .await?;
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
            send(app, way_out, mail).await?;
        }
    }
}

async fn send(app: &App, way_out: WayOut<'_>, mail: Delivery) -> web::Result<()> {
    let outcome = match (compose::content(app, &mail).await?, way_out) {
        (None, _) => Err(Failed::for_good("its group is gone")),
        (Some(content), WayOut::Smtp(smtp)) => {
            let text = content.mail().map_err(web::Error::internal)?;
            let next = |failure: Failure| Failed {
                words: failure.to_string(),
                next: mail::next_attempt(mail.created_at, mail.n_attempts, unix_ms()),
            };
            deliver(smtp, &mail, text).await.map_err(next)
        }
        (Some(content), WayOut::Postmark(account)) => by_postmark(app, account, &mail, &content).await,
    };
    match outcome {
        Ok(()) => {
            app.metrics.mails_sent.inc();
            note_delivered(app, mail.id).await;
            Ok(())
        }
        Err(Failed { words, next }) => {
            app.metrics.mails_failed.inc();
            tracing::warn!(mail.id, "mail {} was not delivered: {words}", mail.id);
            app.common
                .write(move |tx| deliveries::failed(tx, mail.id, &words, next))
                .await
        }
    }
}

/// What became of a try that did not succeed.
pub(super) struct Failed {
    /// For the operator.
    pub(super) words: String,
    /// When it is tried again.
    pub(super) next: Option<i64>,
}

impl Failed {
    pub(super) fn for_good(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            next: None,
        }
    }

    /// As the waits of `notify` have it, after `n_before` tries before this one.
    pub(super) fn of(error: &SendError, n_before: u32, id: i64) -> Self {
        let again = || notify::next_attempt(n_before + 1, error.retry_after(), unix_ms(), id as u64);
        let words = error.to_string();
        let hint = match words.contains("is not connected to") {
            true => "; ALERT_ALLOWED_HOSTS can allow it",
            false => "",
        };
        Self {
            words: words + hint,
            next: if error.is_permanent() { None } else { again() },
        }
    }
}

async fn by_postmark(
    app: &App,
    account: &PostmarkAccount,
    mail: &Delivery,
    content: &compose::Content,
) -> Result<(), Failed> {
    let recipient = mail.to.recipient.as_deref().unwrap_or_default();
    let postmark = Postmark::new(account.token.clone(), &account.from, &[recipient])
        .map_err(|bad| Failed::for_good(&bad.to_string()))?;
    let message = content.message();
    let request = Channel::Postmark(postmark).request(&message, &compose::delivery_id(mail), unix_ms());
    let sent = app.sender.send(&request).await;
    sent.map_err(|error| Failed::of(&error, mail.n_attempts, mail.id))
}

/// Goes on until it is stored: a mail that is not known to be delivered would go out again and again.
pub(super) async fn note_delivered(app: &App, id: i64) {
    let note = move |tx: &rusqlite::Connection| deliveries::delivered(tx, id, unix_ms());
    while let Err(error) = app.common.write(note).await {
        tracing::error!(
            mail.id = id,
            cause = error.cause,
            "mail {id} is delivered, which cannot be stored yet: {}",
            error.detail
        );
        tokio::time::sleep(NOTE_PAUSE).await;
    }
}

async fn deliver(smtp: &Smtp, mail: &Delivery, text: Text) -> Result<(), Failure> {
    let message = message(smtp, mail, text)?;
    hand_over(smtp, &message, CONNECT_TIMEOUT, SEND_TIMEOUT).await
}

fn message(smtp: &Smtp, mail: &Delivery, text: Text) -> Result<Message, Failure> {
    let from: Mailbox = smtp.from.parse()?;
    let id = format!(
        "<monlight-{}-{}@{}>",
        mail.created_at,
        mail.id,
        from.email.domain()
    );
    let part = |kind, text: String| SinglePart::builder().header(kind).body(text);
    let message = Message::builder()
        .from(from)
        .to(mail.to.recipient.as_deref().unwrap_or_default().parse()?)
        .subject(text.subject)
        .message_id(Some(id))
        .header(AutoSubmitted)
        .multipart(
            MultiPart::alternative()
                .singlepart(part(ContentType::TEXT_PLAIN, text.plain))
                .singlepart(part(ContentType::TEXT_HTML, text.html)),
        )?;
    Ok(message)
}

/// One mail over a connection of its own.
///
/// Not by `AsyncSmtpTransport`: its timeout ends with the TCP connection, so a silent server would hold the queue
/// for ever, and one that is silent only after it took the mail would count as not having taken it.
async fn hand_over(
    smtp: &Smtp,
    message: &Message,
    connect_timeout: Duration,
    send_timeout: Duration,
) -> Result<(), Failure> {
    let mut connection = in_time(connect_timeout, connect(smtp)).await?;
    let (envelope, bytes) = (message.envelope(), message.formatted());
    in_time(send_timeout, async {
        Ok(connection.send(envelope, &bytes).await?)
    })
    .await?;
    let _ = tokio::time::timeout(QUIT_TIMEOUT, connection.abort()).await;
    Ok(())
}

async fn in_time<T>(limit: Duration, step: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match tokio::time::timeout(limit, step).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("the mail server did not answer within {limit:?}").into()),
    }
}

async fn connect(smtp: &Smtp) -> Result<AsyncSmtpConnection, Failure> {
    let is_implicit = match smtp.tls {
        SmtpTls::Implicit => true,
        SmtpTls::Auto => smtp.port == 465,
        SmtpTls::Starttls | SmtpTls::None => false,
    };
    let name = ClientId::default();
    let server = (smtp.host.as_str(), smtp.port);
    let tls = is_implicit.then(|| tls_parameters(smtp)).transpose()?;
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(server, Some(ADDRESS_TIMEOUT), &name, tls, None).await?;
    let needs_starttls = match smtp.tls {
        SmtpTls::Starttls => true,
        SmtpTls::Auto => !is_implicit && (smtp.credentials.is_some() || connection.can_starttls()),
        SmtpTls::Implicit | SmtpTls::None => false,
    };
    if needs_starttls {
        // An error where it is not offered: nothing was said yet.
        connection.starttls(tls_parameters(smtp)?, &name).await?;
    }
    if let Some((username, password)) = &smtp.credentials {
        let credentials = Credentials::new(username.clone(), password.expose().to_owned());
        connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
    }
    Ok(connection)
}

fn tls_parameters(smtp: &Smtp) -> Result<TlsParameters, Failure> {
    let mut tls = TlsParameters::builder(smtp.host.clone());
    if let Some(file) = &smtp.ca_file {
        let pem = std::fs::read(file).map_err(|cause| format!("cannot read SMTP_CA_FILE: {cause}"))?;
        tls = tls.add_root_certificate(Certificate::from_pem(&pem)?);
    }
    Ok(tls.build()?)
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::alerts::store::deliveries::Address;
    use crate::domain::alerting::Kind;

    const SOON: Duration = Duration::from_millis(100);
    const LATE: Duration = Duration::from_secs(20);

    /// Answers each line that begins with a word of the script; to others it is silent.
    async fn server(script: &'static [(&'static str, &'static str)]) -> Smtp {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let mut lines = BufReader::new(socket);
            let mut line = "greeting".to_owned();
            loop {
                if let Some((_, answer)) = script.iter().find(|(word, _)| line.starts_with(word)) {
                    lines.get_mut().write_all(answer.as_bytes()).await.unwrap();
                }
                line.clear();
                if lines.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
            }
        });
        Smtp {
            host: "127.0.0.1".to_owned(),
            port,
            credentials: None,
            from: "errors@example.com".to_owned(),
            tls: SmtpTls::Auto,
            ca_file: None,
        }
    }

    async fn outcome(smtp: &Smtp, connect_timeout: Duration, send_timeout: Duration) -> Result<(), String> {
        let mail = Delivery {
            id: 1,
            to: Address {
                channel_id: None,
                recipient: Some("ops@example.com".to_owned()),
            },
            group_id: None,
            kind: Kind::Test,
            created_at: 0,
            n_attempts: 0,
        };
        let message = message(smtp, &mail, mail::test()).unwrap();
        let outcome = hand_over(smtp, &message, connect_timeout, send_timeout).await;
        outcome.map_err(|failure| failure.to_string())
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up() {
        let silent = server(&[]).await;
        assert_eq!(
            outcome(&silent, SOON, LATE).await.unwrap_err(),
            "the mail server did not answer within 100ms"
        );
        let deaf = server(&[("greeting", "220 hi\r\n"), ("EHLO", "250 hi\r\n")]).await;
        assert_eq!(
            outcome(&deaf, LATE, SOON).await.unwrap_err(),
            "the mail server did not answer within 100ms"
        );
    }

    #[tokio::test]
    async fn a_mail_is_delivered_even_if_the_server_never_says_good_bye() {
        let smtp = server(&[
            ("greeting", "220 hi\r\n"),
            ("EHLO", "250 hi\r\n"),
            ("MAIL", "250 ok\r\n"),
            ("RCPT", "250 ok\r\n"),
            ("DATA", "354 go on\r\n"),
            (".\r\n", "250 taken\r\n"),
        ])
        .await;
        assert_eq!(outcome(&smtp, LATE, LATE).await, Ok(()));
    }

    #[tokio::test]
    async fn without_starttls_no_password_leaves() {
        let mut smtp = server(&[
            ("greeting", "220 hi\r\n"),
            ("EHLO", "250-hi\r\n250 AUTH PLAIN\r\n"),
        ])
        .await;
        smtp.credentials = Some(("name".to_owned(), config::Secret::new("secret")));
        let failure = outcome(&smtp, LATE, LATE).await.unwrap_err();
        assert!(failure.contains("STARTTLS is not supported"), "{failure}");
    }
}
