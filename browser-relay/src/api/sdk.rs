//! `/sdk/`: the script that a page needs, from here rather than from somebody else's network.

use std::sync::Arc;

use web::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderName, HeaderValue};
use web::{Error, Request, Response, Result};

use crate::app::App;
use crate::sdk;

/// A new version of the relay brings a new script; pages get it within the hour.
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// `GET /sdk/{name}`: what this relay has, whichever version that is.
pub(crate) async fn current(_: Arc<App>, request: Request) -> Result<Response> {
    file(&request, false)
}

/// `GET /sdk/{version}/{name}`: may be kept for ever. A version that is not ours gets ours, as a page that works is
/// worth more; one that pins its script's hash is told by its browser.
pub(crate) async fn pinned(_: Arc<App>, request: Request) -> Result<Response> {
    file(&request, request.param("version") == sdk::version())
}

fn file(request: &Request, is_pinned: bool) -> Result<Response> {
    if !sdk::is_there() {
        return Err(Error::not_found(
            "this relay was built without the SDK: run `npm ci && npm run build` in clients/js, and build it again",
        ));
    }
    let mut response = sdk::files().serve(request, &sdk::versioned(request.param("name")))?;
    let headers = response.headers_mut();
    if !is_pinned {
        headers.insert(CACHE_CONTROL, SHORT);
    }
    // Any page may read it: `import()` and `integrity` ask for that.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    Ok(response)
}
