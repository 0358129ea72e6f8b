//! What `doctor` says of mail: whether the mail server is there and lets us in. Nothing is sent.

use service::Finding;

use crate::jobs::greet;
use crate::settings::Settings;

/// Looks at the way out for mail.
pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let n_recipients = settings.emails.len();
    let finding = match (&settings.smtp, &settings.postmark) {
        (Some(smtp), _) => match greet(smtp).await {
            Ok(()) => Finding::well("mail", format!("{}:{} lets us in", smtp.host, smtp.port)),
            Err(cause) => Finding::wrong(
                "mail",
                format!("{}:{}: {cause}", smtp.host, smtp.port),
                "correct SMTP_HOST, SMTP_PORT, SMTP_TLS, SMTP_USERNAME or SMTP_PASSWORD; \
                 what waits is sent once it works",
            ),
        },
        (None, Some(_)) => Finding::well("mail", "goes through Postmark; POST /api/test-alert tries it"),
        (None, None) if n_recipients > 0 => Finding::wrong(
            "mail",
            format!("{n_recipients} addresses are to be told, but there is no way out for mail"),
            "set SMTP_HOST and SMTP_FROM, or POSTMARK_API_TOKEN and POSTMARK_FROM_EMAIL",
        ),
        (None, None) => Finding::well("mail", "none is asked for"),
    };
    vec![finding]
}
