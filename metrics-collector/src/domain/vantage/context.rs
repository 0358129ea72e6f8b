//! What goes for all metrics of a request to Vantage's door.

/// What goes for all metrics of a request.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Whose they are where they do not say.
    pub service: &'a str,
    /// A tag of those that have none of that name.
    pub environment: Option<&'a str>,
    /// Trace and span, from the headers.
    pub trace: Option<(&'a str, &'a str)>,
}
