//! Many small things of a browser in one request, on their way to the service that takes them.

/// What [`super::browser_metrics`] and [`super::browser_logs`] make of a request body.
#[derive(Debug)]
pub struct Batch {
    /// Body for the service behind.
    pub body: Vec<u8>,
    /// How many things are in it.
    pub n: usize,
    /// The client's id of it, by which it counts once however often it is sent.
    pub event_id: Option<String>,
}
