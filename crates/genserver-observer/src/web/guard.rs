//! Who may ask. Each rule refuses a request before anything is done for it.
//!
//! 1. The host that is asked for is the IP address of a machine, `localhost`, or one that the program has named. A page of another
//!    site that has its own name lead to this machine asks for that name, and is refused. So is `0.0.0.0`, which leads to this
//!    machine, and for which browsers leave out the header that rule 2 needs.
//! 2. A request that a browser sends for a page of another site is refused, by its `Origin` and by `Sec-Fetch-Site`. A link may
//!    lead to the page, but to no data.
//! 3. A request that comes from this machine, and was not forwarded for another, needs no token unless there is one. Every other
//!    request needs it. Where the machine is not known, as in a router that was not told, it counts as another.
//! 4. What changes something also has the header `X-Observer`, which a browser sends to another site only if that site allows it,
//!    and this one does not.
//! 5. A request that is longer than any of ours is refused.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, StatusCode, Uri};

use super::token::Token;

/// How many bytes the path and the query of a request have at most.
const URI_MAX: usize = 2048;

/// How a request is judged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    pub(crate) token: Option<Token>,
    /// Names that this machine is asked for by, besides IP addresses and `localhost`.
    pub(crate) hosts: Vec<String>,
    /// Whether the layers of the program's own router decide who may ask.
    pub(crate) trusts_router: bool,
}

/// A refusal: the status code, and what to do.
pub(super) type Refusal = (StatusCode, &'static str);

const NO_HOST: Refusal = (
    StatusCode::MISDIRECTED_REQUEST,
    "this name is not known here; ask for the IP address or localhost, or let the program allow the name with `host`\n",
);
const NO_ORIGIN: Refusal = (StatusCode::FORBIDDEN, "requests of pages of other sites are refused\n");
const NO_TOKEN: Refusal = (
    StatusCode::UNAUTHORIZED,
    "every request here needs the header `Authorization: Bearer TOKEN`, with the right token\n",
);
// A token that the client could show would not help, so this is not the status for that.
const ELSEWHERE: Refusal = (
    StatusCode::FORBIDDEN,
    "this observer answers only its own machine; for others, let the program set a token with `Observer::token`\n",
);
const NO_MARK: Refusal = (StatusCode::FORBIDDEN, "a request that changes something needs the header `X-Observer: 1`\n");
const TOO_LONG: Refusal = (StatusCode::URI_TOO_LONG, "the request is too long\n");

impl Guard {
    /// Lets a request pass or refuses it. An open one has nothing to hide: the page without data, and the program's health.
    pub(super) fn check(&self, request: &Parts, is_open: bool) -> Result<(), Refusal> {
        let length = request.uri.path_and_query().map_or(0, |path| path.as_str().len());
        if length > URI_MAX {
            return Err(TOO_LONG);
        }
        // HTTP/2 puts the host into the address.
        let host = header(request, HOST).or_else(|| request.uri.authority().map(Authority::as_str));
        let host = host.filter(|host| self.knows(host)).ok_or(NO_HOST)?;
        if !self.trusts_router && is_from_another_site(request, host, is_open) {
            return Err(NO_ORIGIN);
        }
        if !is_open && !self.trusts_router {
            self.admit(request)?;
        }
        let is_marked = request.headers.contains_key("x-observer");
        if request.method != Method::GET && request.method != Method::HEAD && !is_marked {
            return Err(NO_MARK);
        }
        Ok(())
    }

    /// Rule 1.
    fn knows(&self, host: &str) -> bool {
        if self.trusts_router {
            return true;
        }
        let Some(name) = host_of(host) else { return false };
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok_and(|address| !address.to_canonical().is_unspecified())
            || name.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Rule 3.
    fn admit(&self, request: &Parts) -> Result<(), Refusal> {
        match &self.token {
            Some(token) if shown_token(request).is_some_and(|shown| token.is(shown.as_bytes())) => Ok(()),
            Some(_) => Err(NO_TOKEN),
            None if is_from_here(request) => Ok(()),
            None => Err(ELSEWHERE),
        }
    }
}

/// Whether only this machine can connect to an address: `127.0.0.0/8`, `::1`, and what IPv6 makes of the former.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn is_from_here(request: &Parts) -> bool {
    let forwarded = [FORWARDED.as_str(), "x-forwarded-for", "x-real-ip", "via"];
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| is_loopback(peer.ip()))
        && forwarded.iter().all(|name| !request.headers.contains_key(*name))
}

fn shown_token(request: &Parts) -> Option<&str> {
    let (scheme, token) = header(request, AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Rule 2. A program that is not a browser sends neither header.
fn is_from_another_site(request: &Parts, host: &str, is_open: bool) -> bool {
    let site = request.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    // A link from another page opens the page. A link to a stream would be no use but to open many of them.
    let is_opened = is_open && request.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    let wrong_site = site.is_some_and(|site| site != b"same-origin" && site != b"none") && !is_opened;
    let origin = request.headers.get(ORIGIN);
    let wrong_origin = origin.is_some_and(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        origin.is_none_or(|(_, authority)| !authority.eq_ignore_ascii_case(host))
    });
    wrong_site || wrong_origin
}

/// The host without its port.
fn host_of(authority: &str) -> Option<&str> {
    let uri: Uri = authority.parse().ok()?;
    let host = uri.authority().filter(|authority| !authority.as_str().contains('@'))?.host().len();
    authority.get(..host).filter(|host| !host.is_empty())
}

fn header(request: &Parts, name: axum::http::HeaderName) -> Option<&str> {
    request.headers.get(name)?.to_str().ok()
}
