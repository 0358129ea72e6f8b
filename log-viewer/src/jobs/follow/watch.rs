//! Wakes the follower when a container's folder is made or removed. Only Docker's folder itself is watched:
//! inside, every line written would be an event. Where watching does not work (network mounts), polling does it alone.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use file_watch::event::ModifyKind;
use file_watch::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// A watch over one folder, and the sleep that it interrupts.
pub(super) struct Watch {
    folder: PathBuf,
    watcher: Option<RecommendedWatcher>,
    wake: SyncSender<()>,
    woken: Receiver<()>,
}

impl Watch {
    pub(super) fn new(folder: &Path) -> Self {
        let (wake, woken) = sync_channel(1);
        Self {
            folder: folder.to_owned(),
            watcher: None,
            wake,
            woken,
        }
    }

    /// Begins to watch if the folder is there; to be called whenever it was listed. True when it has begun just now:
    /// what was made since the listing is not told of.
    pub(super) fn ensure(&mut self) -> bool {
        if self.watcher.is_some() {
            return false;
        }
        let wake = self.wake.clone();
        // One wake-up that waits is as good as many.
        let watcher = file_watch::recommended_watcher(move |event: file_watch::Result<Event>| {
            // Our own look at the folder is an event too.
            if event.map_or(true, |event| comes_or_goes(event.kind)) {
                let _ = wake.try_send(());
            }
        });
        self.watcher = watcher.ok().and_then(|mut watcher| {
            let watched = watcher.watch(&self.folder, RecursiveMode::NonRecursive);
            watched.is_ok().then_some(watcher)
        });
        self.watcher.is_some()
    }

    /// The folder is gone; a new one of its name is another.
    pub(super) fn stop(&mut self) {
        self.watcher = None;
    }

    /// Sleeps; true when something happened in the folder meanwhile.
    pub(super) fn sleep(&self, duration: Duration) -> bool {
        match self.woken.recv_timeout(duration) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }
}

/// Whether something was made, removed or renamed, as far as is known; not what is only read or written.
fn comes_or_goes(kind: EventKind) -> bool {
    !matches!(
        kind,
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_the_folder_is_no_news_and_a_new_folder_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "x").unwrap();
        let (send, events) = std::sync::mpsc::channel();
        let mut watcher = file_watch::recommended_watcher(move |event: file_watch::Result<Event>| {
            let _ = send.send(event.unwrap().kind);
        })
        .unwrap();
        watcher.watch(folder.path(), RecursiveMode::NonRecursive).unwrap();
        for _ in 0..3 {
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
            std::fs::read(folder.path().join("file")).unwrap();
        }
        std::fs::create_dir(folder.path().join("new")).unwrap();
        // They come in order, so the first that counts is of the new folder.
        let next = || events.recv_timeout(Duration::from_secs(10)).unwrap();
        let first = std::iter::repeat_with(next)
            .find(|kind| comes_or_goes(*kind))
            .unwrap();
        assert!(first.is_create(), "{first:?}");
    }

    #[test]
    fn a_new_folder_wakes() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = Watch::new(folder.path());
        watch.ensure();
        std::fs::create_dir(folder.path().join("new")).unwrap();
        assert!(watch.sleep(Duration::from_secs(10)));
    }
}
