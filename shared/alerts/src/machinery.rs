//! What alerts need of the process: the store, the ways out, who is called when there is work, figures.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use notify::Sender;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::Common;
use tokio::sync::Notify;

use crate::channel::MAX_CHANNELS;
use crate::settings::Settings;
use crate::told::Reach;

/// The part of a service that tells.
pub struct Alerts {
    /// Store, gate and page frame.
    pub common: Arc<Common>,
    /// Its settings.
    pub settings: Settings,
    /// Wakes the job that decides what leaves when.
    pub(crate) held_waiting: Notify,
    /// Wakes the jobs that send: there is something to send.
    pub(crate) mails_waiting: Notify,
    /// The same for channels other than mail.
    pub(crate) channels_waiting: Notify,
    /// Sends to those channels.
    pub(crate) sender: Sender,
    pub(crate) metrics: Metrics,
    /// Channels whose secret is still to be shown to who added them.
    pub(crate) unseen: Unseen,
}

/// Numbers of channels that were added on the page: the page after that shows the secret, and no other does.
#[derive(Debug, Default)]
pub(crate) struct Unseen(Mutex<BTreeSet<i64>>);

impl Unseen {
    pub(crate) fn note(&self, id: i64) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(id);
        // No more than there can be channels.
        if ids.len() > MAX_CHANNELS {
            ids.pop_first();
        }
    }

    /// Whether it was there; from now on it is not.
    pub(crate) fn take(&self, id: i64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }
}

/// Counters of what was sent.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Mails that a server took.
    pub(crate) mails_sent: Counter,
    /// Tries to send a mail that failed.
    pub(crate) mails_failed: Counter,
    /// Alerts that another channel took.
    pub(crate) alerts_sent: Counter,
    /// Tries to send one that failed.
    pub(crate) alerts_failed: Counter,
    /// Mails and other alerts still to be delivered.
    pub(crate) alerts_waiting: Gauge,
    /// Those given up in the last 30 days.
    pub(crate) alerts_given_up: Gauge,
}

impl Alerts {
    /// Registers its figures.
    pub fn new(settings: Settings, common: Arc<Common>) -> Self {
        let sender = Sender::new(settings.addresses.clone());
        Self {
            metrics: Metrics::registered(&common),
            common,
            settings,
            held_waiting: Notify::new(),
            mails_waiting: Notify::new(),
            channels_waiting: Notify::new(),
            sender,
            unseen: Unseen::default(),
        }
    }

    /// To be called after [`Audience::hold`](crate::told::Audience::hold) was committed.
    pub fn wake(&self) {
        self.held_waiting.notify_one();
    }

    /// Who can be told by mail, for [`Audience::read`](crate::told::Audience::read).
    pub fn reach(&self) -> Reach {
        let has_mail = self.settings.has_mail();
        Reach {
            emails: match has_mail {
                true => self.settings.emails.clone(),
                false => Arc::default(),
            },
            has_mail,
        }
    }

    /// The service's address for links, without a slash at the end.
    pub fn base_url(&self) -> String {
        self.common.settings.base_url().trim_end_matches('/').to_owned()
    }

    /// Wakes both jobs that send.
    pub(crate) fn send(&self) {
        self.mails_waiting.notify_one();
        self.channels_waiting.notify_one();
    }
}

impl Metrics {
    fn registered(common: &Common) -> Self {
        let metrics = Self::default();
        common.register(|registry| {
            let mut count =
                |name: &str, help: &str, counter: &Counter| registry.register(name, help, counter.clone());
            count("mails_sent", "Mails that a server took", &metrics.mails_sent);
            count(
                "mails_failed",
                "Tries to send a mail that failed",
                &metrics.mails_failed,
            );
            count(
                "alerts_sent",
                "Alerts that a channel other than mail took",
                &metrics.alerts_sent,
            );
            count(
                "alerts_failed",
                "Tries to send such an alert that failed",
                &metrics.alerts_failed,
            );
            let mut show =
                |name: &str, help: &str, gauge: &Gauge| registry.register(name, help, gauge.clone());
            show(
                "alerts_waiting",
                "Mails and other alerts still to be delivered",
                &metrics.alerts_waiting,
            );
            show(
                "alerts_given_up",
                "Mails and other alerts given up in the last 30 days",
                &metrics.alerts_given_up,
            );
        });
        metrics
    }
}
