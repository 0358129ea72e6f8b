//! Who is told: what a rule means by "to whom", as channels and addresses stand, and until when they are not to be
//! disturbed.

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Number;
use web::{Error, Result};

use crate::address::addressed;
use crate::domain::quiet_hours::QuietHours;
use crate::store::channels::{self, Channel};
use crate::store::deliveries::{self, Address, Event};

/// Which channels a rule means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Target {
    /// All of them, ALERT_EMAILS too.
    #[default]
    All,
    /// The addresses in ALERT_EMAILS.
    Emails,
    /// One of the table.
    Channel(i64),
}

impl Target {
    /// The other way round.
    pub fn number(self) -> Option<i64> {
        match self {
            Self::All => None,
            Self::Emails => Some(0),
            Self::Channel(id) => Some(id),
        }
    }

    /// As a table has it.
    pub fn of_number(number: Option<i64>) -> Self {
        match number {
            None => Self::All,
            Some(0) => Self::Emails,
            Some(id) => Self::Channel(id),
        }
    }

    /// As it is asked for. 400 for what can be no channel.
    pub fn read(asked: Option<&Number>) -> Result<Self> {
        let number = asked.map(|number| number.as_f64().unwrap_or(-1.));
        match number {
            None => Ok(Self::All),
            Some(number) if number >= 0. && number.fract() == 0. && number < 9e15 => {
                Ok(Self::of_number(Some(number as i64)))
            }
            Some(_) => Err(no_such_channel()),
        }
    }

    /// 400 if its channel is not there.
    pub fn check(self, connection: &Connection) -> rusqlite::Result<Result<()>> {
        let is_there = match self {
            Self::Channel(id) => channels::find(connection, id)?.is_some(),
            Self::All | Self::Emails => true,
        };
        Ok(if is_there { Ok(()) } else { Err(no_such_channel()) })
    }
}

fn no_such_channel() -> Error {
    Error::bad_request("there is no such channel")
}

/// Quiet hours as they are asked for, in the one form in which they are stored. 400 for anything else.
pub fn read_quiet_hours(asked: Option<&str>) -> Result<Option<String>> {
    let asked = asked.map(str::trim).filter(|text| !text.is_empty());
    asked
        .map(|text| match QuietHours::read(text) {
            Ok(hours) => Ok(hours.to_string()),
            Err(wrong) => Err(Error::bad_request(format!("quiet_hours: {wrong}"))),
        })
        .transpose()
}

/// Who can be told by mail.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// ALERT_EMAILS; empty without a way out for mail.
    pub emails: Arc<[String]>,
    /// Whether there is one.
    pub has_mail: bool,
}

/// All who can be told, as they stand.
#[derive(Debug)]
pub struct Audience {
    channels: Vec<Channel>,
    reach: Reach,
}

impl Audience {
    /// Reads the channels.
    pub fn read(connection: &Connection, reach: &Reach) -> rusqlite::Result<Self> {
        Ok(Self {
            channels: channels::all(connection)?,
            reach: reach.clone(),
        })
    }

    /// Holds an event for all whom some rule means. `rules`: the target and the quiet hours, as stored, of each rule that
    /// wants it. Whoever is meant by several is told once, and sooner rather than later.
    pub fn hold<'r>(
        &self,
        tx: &Connection,
        rules: impl Iterator<Item = (Target, Option<&'r str>)>,
        event: &Event<'_>,
    ) -> rusqlite::Result<()> {
        let mut told: Vec<(Address, Option<i64>)> = Vec::new();
        for (target, quiet_hours) in rules {
            let until = hold_until(quiet_hours, event.at);
            for to in self.meant(target) {
                match told.iter_mut().find(|(known, _)| *known == to) {
                    Some((_, known)) => *known = (*known).min(until),
                    None => told.push((to, until)),
                }
            }
        }
        for (to, until) in told {
            deliveries::hold(tx, &to, event, until)?;
        }
        Ok(())
    }

    /// Everybody whom a target means.
    pub(crate) fn meant(&self, target: Target) -> Vec<Address> {
        let emails = self.reach.emails.iter().map(|recipient| Address {
            channel_id: None,
            recipient: Some(recipient.clone()),
        });
        let of_channels = |wanted: Option<i64>| {
            let channels = self.channels.iter();
            let wanted = channels.filter(move |stored| wanted.is_none_or(|id| id == stored.id));
            wanted.flat_map(|stored| addressed(stored, self.reach.has_mail))
        };
        match target {
            Target::All => emails.chain(of_channels(None)).collect(),
            Target::Emails => emails.collect(),
            Target::Channel(id) => of_channels(Some(id)).collect(),
        }
    }
}

/// None: at once.
fn hold_until(quiet_hours: Option<&str>, at: i64) -> Option<i64> {
    let quiet = QuietHours::read(quiet_hours?).ok()?;
    quiet.is_quiet(at).then(|| quiet.ends_at(at))
}
