//! Who may ask: before anything is routed, the request's host, origin and token are looked at, and its space is
//! taken from the path.
//!
//! A page of another site must not drive a server on this machine. Browsers say by `Origin` which page asks; a name
//! that was pointed here (DNS rebinding) shows in `Host`; and what changes something has a content type that no form
//! can send.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use subtle::ConstantTimeEq;
use tracing::error;

use super::problem::{Kind, PROBLEM_TEXT, Problem};
use super::{Admin, input};
use crate::contract::Secret;
use crate::scenario::closest;
use crate::server::page;
use crate::switchboard::{DEFAULT, Space};

/// The callers that the API accepts.
#[derive(Debug, Default)]
pub struct Gate {
    /// What a caller must show; none: the machine's own people need nothing.
    token: Option<Secret>,
    /// Where it listens.
    addresses: Vec<SocketAddr>,
}

/// The space that a request names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// `default` where it names none.
    pub(super) name: String,
    /// The space, if the request made it.
    pub(super) made: Arc<OnceLock<Space>>,
}

/// What may be asked without a token: whether it lives says nothing to strangers.
const OPEN: [&str; 2] = ["/livez", "/readyz"];

/// What may be asked without a token and under any host name: it is made to be published.
const PUBLIC: [&str; 2] = ["/authority.pem", "/authority.crl"];

impl Gate {
    /// A gate for what listens there. With a token, every caller that shows it is let in, under any host name.
    #[must_use]
    pub const fn new(token: Option<Secret>, addresses: Vec<SocketAddr>) -> Self {
        Self { token, addresses }
    }

    /// The addresses that the API listens on.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether callers must show a token.
    pub(super) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    fn admit(&self, method: &Method, path: &str, headers: &HeaderMap, is_device: bool) -> Result<(), Problem> {
        let host = headers.get(header::HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
        self.admit_origin(host, headers)?;
        admit_site(method, path, headers)?;
        if PUBLIC.contains(&path) {
            return Ok(());
        }
        let Some(token) = &self.token else { return self.admit_host(host) };
        let shown = token_of(headers);
        let is_right: bool = shown.as_bytes().ct_eq(token.reveal().as_bytes()).into();
        if is_right || is_device || OPEN.contains(&path) || page::is_of_page(path) {
            return Ok(());
        }
        let remedy = "Send the header Authorization: Bearer, and the token: the one of --admin-token-file, or the one that was printed when the server started.";
        let detail = if shown.is_empty() { "The request shows no token." } else { "The token is not the right one." };
        let offer = HeaderValue::from_static("Bearer realm=\"locmfa\"");
        Err(Problem::new(Kind::NoToken, detail, remedy).header(header::WWW_AUTHENTICATE, offer))
    }

    fn admit_host(&self, host: &str) -> Result<(), Problem> {
        let name = without_port(host);
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let is_own = match bare.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || self.addresses.iter().any(|it| it.ip() == ip),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        };
        if is_own {
            return Ok(());
        }
        let detail = format!("The request was sent to {host:?}, and this API is no site of that name.");
        let remedy = "Ask http://localhost or the address that the server listens on. Other names need a token: --admin-token-file.";
        Err(Problem::new(Kind::ForeignHost, detail, remedy))
    }

    /// A page may ask only the site that it came from.
    fn admit_origin(&self, host: &str, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        let site = origin.split_once("://").map_or("", |it| it.1);
        if !host.is_empty() && site.eq_ignore_ascii_case(host) {
            return Ok(());
        }
        let detail = format!("A page of {origin:?} asked, and only programs and this server's own pages may.");
        Err(Problem::new(Kind::ForeignOrigin, detail, "Ask from a program, or from a page that this server served."))
    }
}

/// Browsers say by `Sec-Fetch-Site` that a page of another site asks. Such a page may lead its reader to this server's
/// own page, and may do nothing else.
fn admit_site(method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Problem> {
    let says = |name, value| headers.get(name).is_some_and(|it| *it == value);
    let is_link = *method == Method::GET && path == "/" && says("sec-fetch-mode", "navigate");
    if is_link || !says("sec-fetch-site", "cross-site") {
        return Ok(());
    }
    let detail =
        "A page of another site asked (Sec-Fetch-Site: cross-site), and only programs and this server's own pages may.";
    let remedy = "Ask from a program, or open this address in a browser yourself.";
    Err(Problem::new(Kind::ForeignOrigin, detail, remedy))
}

/// A body has a type that no form of a page sends: JSON, or YAML in one of its spellings.
fn admit_type(request: &Request) -> Result<(), Problem> {
    let has_body = !request.body().is_end_stream();
    let kind = input::content_type(request.headers());
    if !has_body || input::is_data(&kind) {
        return Ok(());
    }
    Err(input::wrong_type(&kind))
}

/// The token that a request shows; empty where it shows none.
pub(super) fn token_of(headers: &HeaderMap) -> &str {
    let shown = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
    shown.split_once(' ').filter(|it| it.0.eq_ignore_ascii_case("bearer")).map_or("", |it| it.1.trim())
}

/// A host without its port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|it| it.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

/// Lets a request through, or says why not; and sees to it that every no is a problem document.
pub(super) async fn pass(State(admin): State<Arc<Admin>>, mut request: Request, next: Next) -> Response {
    let (name, path) = match space_of(request.uri()) {
        Ok(found) => found,
        Err(problem) => return guarded(problem.into_response()),
    };
    let is_device = admin.devices.admit(&name, request.method(), &path, request.headers());
    let admitted = admin.gate.admit(request.method(), path.path(), request.headers(), is_device);
    if let Err(problem) = admitted.and_then(|()| admit_type(&request)) {
        return guarded(problem.into_response());
    }
    let (method, asked) = (request.method().clone(), path.path().to_owned());
    *request.uri_mut() = path;
    let made = Arc::new(OnceLock::new());
    request.extensions_mut().insert(Named { name, made: made.clone() });
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    if let Some(made) = made.get()
        && answered.as_ref().map_or(true, |it| !it.status().is_success())
    {
        admin.spaces.discard(made);
    }
    let Ok(response) = answered else {
        error!(%method, path = asked, "the admin API failed");
        let remedy = "Tell the project what you asked; the server goes on.";
        return guarded(Problem::new(Kind::Failed, "There is a mistake in this program.", remedy).into_response());
    };
    guarded(explained(&admin, &asked, response).await)
}

/// An answer that no browser takes for another type, keeps, or tells other sites the address of. An answer that says
/// itself how long it may be kept keeps that.
fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Turns the answers of the router that are no problem documents into some.
async fn explained(admin: &Admin, path: &str, response: Response) -> Response {
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|it| it == PROBLEM_TEXT);
    if is_problem || response.status().as_u16() < 400 {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = allow.as_ref().and_then(|it| it.to_str().ok()).unwrap_or_default().replace(',', ", ");
            let detail = format!("{path} does not take this method.");
            let problem = Problem::new(Kind::WrongMethod, detail, format!("It takes {allowed}."));
            match allow {
                Some(allow) => problem.header(header::ALLOW, allow).into_response(),
                None => problem.into_response(),
            }
        }
        StatusCode::NOT_FOUND => unknown_path(admin, path).into_response(),
        status => {
            let text = response.into_body().collect().await.map(|it| it.to_bytes()).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let kind = if status.is_server_error() { Kind::Failed } else { Kind::BadRequest };
            Problem::new(kind, text, "GET /openapi.json tells what can be asked.").into_response()
        }
    }
}

fn unknown_path(admin: &Admin, path: &str) -> Problem {
    let first = |path: &str| path.split('/').nth(1).unwrap_or_default().to_owned();
    let paths = admin.paths();
    let firsts: Vec<String> = paths.iter().map(|it| first(it)).collect();
    let meant = closest(path, paths.iter().map(String::as_str))
        .map(str::to_owned)
        .or_else(|| closest(&first(path), firsts.iter().map(String::as_str)).map(|it| format!("/{it}")));
    let meant = meant.map(|it| format!("Did you mean {it}? ")).unwrap_or_default();
    let detail = format!("There is nothing at {path}.");
    Problem::new(Kind::UnknownPath, detail, format!("{meant}GET /openapi.json lists what there is."))
}

/// The space that a path names, by a first segment `~name`, and the path without it.
fn space_of(uri: &Uri) -> Result<(String, Uri), Problem> {
    let Some(rest) = uri.path().strip_prefix("/~") else { return Ok((DEFAULT.into(), uri.clone())) };
    let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().to_lowercase();
    let query = uri.query().map(|it| format!("?{it}")).unwrap_or_default();
    let path = format!("{}{query}", if rest.is_empty() { "/" } else { rest });
    let path: PathAndQuery = path.parse().expect("it is a part of a path");
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path);
    let uri = Uri::from_parts(parts).expect("only the path is another");
    match name.is_empty() {
        true => Err(Problem::new(
            Kind::UnknownSpace,
            "The path names a space without a name.",
            "Write /~name/ before the path.",
        )),
        false => Ok((name, uri)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        pairs.collect::<Vec<(header::HeaderName, HeaderValue)>>().into_iter().collect()
    }

    #[test]
    fn only_this_machine_s_names_and_pages_are_let_in() {
        let gate = Gate::new(None, vec!["192.0.2.1:9998".parse().unwrap()]);
        for host in ["localhost:9998", "LOCALHOST", "127.0.0.1:1", "127.9.9.9", "[::1]:9998", "192.0.2.1:9998"] {
            assert!(gate.admit(&Method::POST, "/users", &headers(&[("host", host)]), false).is_ok(), "{host}");
            let own = format!("http://{host}");
            assert!(
                gate.admit(&Method::POST, "/users", &headers(&[("host", host), ("origin", &own)]), false).is_ok(),
                "{host}"
            );
        }
        for host in ["evil.example:9998", "localhost.evil.example", "192.0.2.2:9998", "", "127.0.0.1.evil.example"] {
            assert!(gate.admit(&Method::POST, "/users", &headers(&[("host", host)]), false).is_err(), "{host}");
        }
        for origin in ["null", "https://evil.example", "http://localhost:3000", "http://localhost"] {
            let asked = headers(&[("host", "localhost:9998"), ("origin", origin)]);
            assert!(gate.admit(&Method::POST, "/livez", &asked, false).is_err(), "{origin}");
        }
    }

    #[test]
    fn a_page_of_another_site_may_only_lead_to_the_own_page() {
        let gate = Gate::new(None, Vec::new());
        let asked = |site, mode| headers(&[("host", "localhost"), ("sec-fetch-site", site), ("sec-fetch-mode", mode)]);
        for method in [Method::GET, Method::POST, Method::DELETE] {
            for path in ["/", "/users", "/livez"] {
                for mode in ["navigate", "no-cors", "cors"] {
                    let is_link = method == Method::GET && path == "/" && mode == "navigate";
                    let admitted = gate.admit(&method, path, &asked("cross-site", mode), false).is_ok();
                    assert_eq!(admitted, is_link, "{method} {path} {mode}");
                    assert!(gate.admit(&method, path, &asked("same-origin", mode), false).is_ok());
                }
            }
        }
    }

    #[test]
    fn a_token_is_wanted_where_there_is_one() {
        let gate = Gate::new(Some("t0ken".into()), Vec::new());
        let shown = |value| headers(&[("host", "mfa.contoso.com:9998"), ("authorization", value)]);
        assert!(gate.admit(&Method::POST, "/users", &shown("Bearer t0ken"), false).is_ok());
        assert!(gate.admit(&Method::POST, "/users", &shown("bearer  t0ken"), false).is_ok());
        for wrong in ["Bearer t0ke", "Basic t0ken", "t0ken", "Bearer "] {
            assert!(gate.admit(&Method::POST, "/users", &shown(wrong), false).is_err(), "{wrong}");
        }
        assert!(gate.admit(&Method::POST, "/readyz", &headers(&[("host", "x")]), false).is_ok());
    }

    #[test]
    fn the_first_segment_names_the_space() {
        let of = |path: &str| space_of(&path.parse().unwrap()).map(|(name, uri)| (name, uri.to_string())).ok();
        assert_eq!(of("/users?x=1"), Some(("default".into(), "/users?x=1".into())));
        assert_eq!(of("/~Build-42/users?x=1"), Some(("build-42".into(), "/users?x=1".into())));
        assert_eq!(of("/~a%20b"), Some(("a b".into(), "/".into())));
        assert_eq!(of("/~/users"), None);
    }
}
