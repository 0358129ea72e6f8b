//! Hands one mail to a mail server.

use std::future::Future;
use std::time::Duration;

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use thiserror::Error;
use tokio::net::TcpStream;

use crate::domain::mail::Text;
use crate::settings::{Smtp, SmtpTls};
use crate::store::deliveries::Delivery;

/// For one of a server's addresses: the next one may answer.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(5);
/// Until a server is ready to take a mail: connected, encrypted, logged in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Until it took the mail, which it may look through before. Giving up sooner could send the mail twice.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// For a farewell that nothing depends on.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Why a mail was not taken.
#[derive(Debug, Error)]
pub(super) enum NotTaken {
    /// The server is not there, or does not let us in: the next mail would fare no better.
    #[error("{0}")]
    Server(Failure),
    /// It is about this one.
    #[error("{0}")]
    Mail(Failure),
}

/// `Ok`: the server took it.
pub(super) async fn deliver(smtp: &Smtp, mail: &Delivery, text: Text) -> Result<(), NotTaken> {
    let message = message(smtp, mail, text).map_err(NotTaken::Mail)?;
    hand_over(smtp, &message, CONNECT_TIMEOUT, SEND_TIMEOUT).await
}

/// `Ok`: the server is there, and lets us in.
pub(crate) async fn greet(smtp: &Smtp) -> Result<(), Failure> {
    let mut connection = in_time(CONNECT_TIMEOUT, connect(smtp)).await?;
    let _ = tokio::time::timeout(QUIT_TIMEOUT, connection.abort()).await;
    Ok(())
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
) -> Result<(), NotTaken> {
    let connected = in_time(connect_timeout, connect(smtp)).await;
    let mut connection = connected.map_err(NotTaken::Server)?;
    let (envelope, bytes) = (message.envelope(), message.formatted());
    let sent = in_time(send_timeout, async {
        Ok(connection.send(envelope, &bytes).await?)
    });
    sent.await.map_err(NotTaken::Mail)?;
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
    let mut connection = match is_implicit {
        true => {
            let server = (smtp.host.as_str(), smtp.port);
            let tls = Some(tls_parameters(smtp)?);
            AsyncSmtpConnection::connect_tokio1(server, Some(ADDRESS_TIMEOUT), &name, tls, None).await?
        }
        false => AsyncSmtpConnection::connect_with_transport(Box::new(plain(smtp).await?), &name).await?,
    };
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

/// A connection that sends at once. lettre's own waits for the other end's delayed acknowledgement (40 ms on Linux) between
/// a mail's text and its last dot.
async fn plain(smtp: &Smtp) -> Result<TcpStream, Failure> {
    let mut failure = Failure::from(format!("{} has no address", smtp.host));
    for address in tokio::net::lookup_host((smtp.host.as_str(), smtp.port)).await? {
        match in_time(ADDRESS_TIMEOUT, async { Ok(TcpStream::connect(address).await?) }).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(cause) => failure = cause,
        }
    }
    Err(failure)
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
    use crate::domain::mail;
    use crate::store::deliveries::{Address, TEST};

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
            subject_id: None,
            kind: TEST.to_owned(),
            created_at: 0,
            n_attempts: 0,
        };
        let message = message(smtp, &mail, mail::test("error-tracker", "errors")).unwrap();
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
