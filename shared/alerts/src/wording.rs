//! What a delivery says, made when it is sent.

use notify::Message;
use web::{Error, Result};

use crate::alerting::Alerting;
use crate::content::Content;
use crate::domain::digest::{Digest, MAX_ENTRIES};
use crate::domain::mail;
use crate::store::deliveries::{DIGEST, Delivery, TEST};

/// None if what it was about is gone.
pub(crate) async fn of<A: Alerting>(app: &A, delivery: &Delivery) -> Result<Option<Content>> {
    match (delivery.kind.as_str(), delivery.subject_id) {
        (DIGEST, _) => {
            let digest = app.digest(delivery.id).await?;
            let content = digest.as_ref().map(of_digest);
            content.transpose().map_err(Error::internal)
        }
        (kind, Some(subject_id)) => app.single(kind, subject_id).await,
        (_, None) => Ok(Some(test(app))),
    }
}

fn of_digest(digest: &Digest) -> askama::Result<Content> {
    let mail = digest.mail()?;
    let lines = digest.entries.iter().take(MAX_ENTRIES);
    let lines: Vec<&str> = lines.map(|entry| entry.line.as_str()).collect();
    let message = Message {
        kind: DIGEST.to_owned(),
        title: mail.subject.clone(),
        text: lines.join("\n"),
        project: digest.project.clone(),
        environment: None,
        url: Some(digest.url.clone()),
        count: Some(i64::try_from(digest.n_alerts).unwrap_or(i64::MAX)),
        facts: Vec::new(),
    };
    Ok(Content { message, mail })
}

fn test<A: Alerting>(app: &A) -> Content {
    let alerts = app.alerts();
    Content {
        message: Message {
            kind: TEST.to_owned(),
            title: "Test of alerts".to_owned(),
            text: "This is a test. Alerts will come this way.".to_owned(),
            url: Some(alerts.base_url()),
            ..Message::default()
        },
        mail: mail::test(alerts.common.name, A::TELLS_OF),
    }
}
