//! The page: one file in the binary, and the policy under which a browser shows it.

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

/// The page, with its style and its script.
const PAGE: &str = include_str!("page.html");

/// What a browser may load for the page, and what the page may do: it is its own style and script, asks its own server, and
/// nothing else. A test compares the hashes with the page.
const POLICY: &str = concat!(
    "default-src 'none'; ",
    "script-src 'sha256-NUgzhqCJPUno26g/8tvGxMjlD9IdJHWp1qFjSiT/Nws='; ",
    "style-src 'sha256-u6yADuu5IfoAmMonN6prf12F6NAuou1hfK4evG32ans='; ",
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
);

pub(super) async fn page() -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, PAGE).into_response()
}

/// What every answer says to a browser: it is not to be kept, guessed at, framed, or told to others.
pub(super) fn harden(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(CONTENT_SECURITY_POLICY, nothing);
    }
    answer
}
