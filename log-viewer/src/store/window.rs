//! Committed entries that are in no block yet, in memory: the same as in the journal.

use std::sync::Arc;

use crate::store::frame::Frame;

/// Frames smaller than this take in what comes next, so that there are few.
const MIN_FRAME_BYTES: usize = 64 << 10;

/// A view of the window that doesn't change: entries in the order of ids. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Window {
    frames: Arc<Vec<Arc<Frame>>>,
}

impl Window {
    /// What the journal holds.
    pub fn of(journalled: Vec<Arc<Frame>>) -> Self {
        let mut window = Self::default();
        for frame in journalled {
            window.push(frame);
        }
        window
    }

    /// The frames, in the order of ids.
    pub fn frames(&self) -> &[Arc<Frame>] {
        &self.frames
    }

    /// Adds a commit.
    pub fn push(&mut self, frame: Arc<Frame>) {
        let frames = Arc::make_mut(&mut self.frames);
        match frames.last_mut() {
            Some(last) if last.n_bytes() < MIN_FRAME_BYTES && frame.n_bytes() < MIN_FRAME_BYTES => {
                let last = Arc::make_mut(last);
                (0..frame.rows.len()).for_each(|at| last.push_row(&frame, at));
            }
            _ => frames.push(frame),
        }
    }

    /// Entries in it.
    pub fn n_entries(&self) -> usize {
        self.frames.iter().map(|frame| frame.rows.len()).sum()
    }

    /// What it takes in memory.
    pub fn n_bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.n_bytes()).sum()
    }
}
