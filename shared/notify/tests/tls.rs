//! TLS against a server with a certificate of our own.

#![allow(
    clippy::unwrap_used,
    reason = "outside of `#[test]` functions clippy does not know these for tests"
)]

mod receiver;

use std::sync::Arc;

use notify::{Channel, OutgoingRequest, Slack};
use receiver::{OK, Receiver, Script, local_sender, message};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

const CA: &[u8] = include_bytes!("fixtures/ca.pem");

async fn receiver() -> Receiver {
    let certificate = CertificateDer::from(include_bytes!("fixtures/server.der").as_slice());
    let key = PrivatePkcs8KeyDer::from(include_bytes!("fixtures/server.key.der").as_slice());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    Receiver::start_over(&[OK], Some(TlsAcceptor::from(Arc::new(config)))).await
}

fn request(receiver: &Receiver, host: &str) -> OutgoingRequest {
    let url = format!("https://{host}:{}/secret", receiver.address.port());
    let slack = Slack {
        url: url.parse().unwrap(),
    };
    Channel::Slack(slack).request(&message(), "d-1", 0)
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_taken() {
    let receiver = receiver().await;
    let sender = local_sender()
        .trusting_pem(CA)
        .unwrap()
        .with_resolver(Script::new(&[&["127.0.0.1"]]));
    for host in ["hooks.example.com", "hooks.example.com.", "127.0.0.1"] {
        assert_eq!(sender.send(&request(&receiver, host)).await, Ok(()), "{host}");
    }
    assert_eq!(receiver.received().len(), 3);
}

#[tokio::test]
async fn strangers_and_wrong_names_are_sent_nothing() {
    let receiver = receiver().await;
    let resolver = || Script::new(&[&["127.0.0.1"]]);
    let stranger = local_sender().with_resolver(resolver());
    let failure = stranger
        .send(&request(&receiver, "hooks.example.com"))
        .await
        .unwrap_err();
    assert!(
        failure.to_string().contains("no TLS with hooks.example.com: "),
        "{failure}"
    );
    assert!(failure.to_string().contains("UnknownIssuer"), "{failure}");
    assert!(!failure.is_permanent());

    let other = local_sender().trusting_pem(CA).unwrap().with_resolver(resolver());
    let failure = other
        .send(&request(&receiver, "other.example.com"))
        .await
        .unwrap_err();
    assert!(
        failure.to_string().contains("no TLS with other.example.com: "),
        "{failure}"
    );
    assert_eq!(receiver.received().len(), 0);
}

#[test]
fn what_is_no_certificate_is_refused() {
    assert!(local_sender().trusting_pem(b"nothing").is_err());
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(local_sender().trusting_pem(broken).is_err());
}
