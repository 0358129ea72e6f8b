//! Whom a stored channel reaches: itself, or each of its mail addresses.

use crate::store::channels::Channel;
use crate::store::deliveries::Address;

/// The addresses of a mail channel.
pub(crate) fn addresses(target: &str) -> impl Iterator<Item = &str> {
    target
        .split([',', ';', '\n'])
        .map(str::trim)
        .filter(|it| !it.is_empty())
}

/// To whom something for this channel goes; nobody, if it is mail and there is no way out for that.
pub(crate) fn addressed(stored: &Channel, has_mail: bool) -> Vec<Address> {
    let to = |recipient: Option<&str>| Address {
        channel_id: Some(stored.id),
        recipient: recipient.map(str::to_owned),
    };
    match (stored.kind.as_str(), has_mail) {
        ("mail", true) => addresses(stored.target.expose())
            .map(|address| to(Some(address)))
            .collect(),
        ("mail", false) => Vec::new(),
        _ => vec![to(None)],
    }
}
