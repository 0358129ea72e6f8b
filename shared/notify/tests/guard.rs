//! Whatever a URL or a name server says: no connection goes to an address that is not allowed.

#![allow(
    clippy::unwrap_used,
    reason = "outside of `#[test]` functions clippy does not know these for tests"
)]

mod receiver;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use notify::{AddressPolicy, Channel, OutgoingRequest, Resolve, Resolved, Sender, Slack};
use receiver::{OK, Receiver, Script, local_sender, message, soon};

fn request(url: &str) -> OutgoingRequest {
    let slack = Slack {
        url: url.parse().unwrap(),
    };
    Channel::Slack(slack).request(&message(), "d-1", 0)
}

fn default_sender() -> Sender {
    Sender::new(AddressPolicy::default())
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_without_a_connection() {
    let receiver = Receiver::start(&[OK]).await;
    let url = format!("http://innocent.example.com:{}/", receiver.address.port());
    let inside: [&[&str]; 7] = [
        &["127.0.0.1"],
        &["169.254.169.254"],
        &["10.0.0.5"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["93.184.215.14", "127.0.0.1"],
        &["2606:4700:4700::1111", "fd00::1"],
    ];
    for addresses in inside {
        let sender = default_sender().with_resolver(Script::new(&[addresses]));
        let failure = sender.send(&request(&url)).await.unwrap_err();
        assert!(failure.is_permanent(), "{addresses:?}");
        let words = failure.to_string();
        assert!(words.starts_with("innocent.example.com ("), "{words}");
    }
    assert_eq!(receiver.n_connections(), 0);
}

#[tokio::test]
async fn odd_spellings_of_this_machine_are_refused_without_a_connection() {
    let receiver = Receiver::start(&[OK]).await;
    let hosts = [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0",
    ];
    for host in hosts
        .into_iter()
        .chain(["127.0.0.1.", "localhost", "localhost.", "LOCALHOST"])
    {
        let url = format!("http://{host}:{}/", receiver.address.port());
        let failure = default_sender().send(&request(&url)).await.unwrap_err();
        assert!(failure.is_permanent(), "{host}: {failure}");
    }
    assert_eq!(receiver.n_connections(), 0);
}

#[tokio::test]
async fn the_checked_address_is_the_one_connected_to() {
    let receiver = Receiver::start(&[OK]).await;
    // A name server that changes its mind between the check and the connection.
    let script = Script::new(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let sender = local_sender().with_resolver(Arc::clone(&script) as Arc<dyn Resolve>);
    let url = format!("http://rebinding.example.com:{}/", receiver.address.port());

    sender.send(&request(&url)).await.unwrap();
    assert_eq!(
        script.n_asked.load(Ordering::SeqCst),
        1,
        "a second look could have another answer"
    );
    let host = format!("rebinding.example.com:{}", receiver.address.port());
    assert_eq!(receiver.received()[0].headers["host"], host);

    let failure = sender.send(&request(&url)).await.unwrap_err();
    let expected = "rebinding.example.com (169.254.169.254) is not connected to: its address is link-local, which cannot be allowed";
    assert_eq!(
        (failure.to_string().as_str(), failure.is_permanent()),
        (expected, true)
    );
    assert_eq!(receiver.n_connections(), 1);
}

#[tokio::test]
async fn a_host_on_the_list_may_be_local() {
    let receiver = Receiver::start(&[OK]).await;
    let policy = AddressPolicy {
        allowed_hosts: vec!["ntfy.lan".to_owned()],
        ..AddressPolicy::default()
    };
    let sender = Sender::new(policy).with_resolver(Script::new(&[&["127.0.0.1"]]));
    let port = receiver.address.port();
    assert_eq!(
        sender.send(&request(&format!("http://NTFY.lan.:{port}/"))).await,
        Ok(())
    );
    assert!(
        sender
            .send(&request(&format!("http://other.lan:{port}/")))
            .await
            .is_err()
    );
    assert_eq!(receiver.n_connections(), 1);
}

#[tokio::test]
async fn the_next_address_is_tried_where_one_does_not_answer() {
    let receiver = Receiver::start(&[OK]).await;
    // Nobody listens there on this port.
    let sender = local_sender().with_resolver(Script::new(&[&["127.0.0.2", "127.0.0.1"]]));
    let url = format!("http://two.example.com:{}/", receiver.address.port());
    assert_eq!(sender.send(&request(&url)).await, Ok(()));
}

struct Failing;

impl Resolve for Failing {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolved<'a> {
        Box::pin(std::future::ready(Err(std::io::Error::other(
            "name server is ill",
        ))))
    }
}

struct Hanging;

impl Resolve for Hanging {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolved<'a> {
        Box::pin(pending())
    }
}

#[tokio::test]
async fn trouble_with_names_is_transient() {
    let resolvers: [(Arc<dyn Resolve>, &str); 3] = [
        (
            Arc::new(Failing),
            "a.example.com cannot be looked up: name server is ill",
        ),
        (Script::new(&[&[]]), "a.example.com has no address"),
        (Arc::new(Hanging), "a.example.com did not answer within 200ms"),
    ];
    for (resolver, expected) in resolvers {
        let sender = default_sender().with_resolver(resolver).with_timeouts(soon());
        let failure = sender
            .send(&request("http://a.example.com/secret-path"))
            .await
            .unwrap_err();
        assert_eq!(
            (failure.to_string().as_str(), failure.is_permanent()),
            (expected, false)
        );
    }
}
