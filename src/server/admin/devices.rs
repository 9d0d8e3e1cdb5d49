//! Second devices: a telephone becomes the phone of a space, by a token that opens challenges and messages of that space
//! and nothing else.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use qrcode::{Color, EcLevel, QrCode};
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::input::Asked;
use super::problem::{Kind, Problem};
use super::{Admin, At, Json, Shared, gate, view};
use crate::contract::Secret;
use crate::switchboard::{DEFAULT, Space};

/// The devices that may act.
#[derive(Debug, Default)]
pub(super) struct Devices(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    id: u64,
    token: Secret,
    space: Space,
    since: view::At,
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Device {
    id: u64,
    #[schema(value_type = String, format = DateTime)]
    since: view::At,
}

/// The devices of a space.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceList {
    items: Vec<Device>,
}

/// A new device: what a telephone opens to become one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewDevice {
    id: u64,
    /// The page, with the token in its fragment. It is told only now.
    url: String,
    /// A QR code of the URL: a text for each row, in which 1 is a dark module.
    qr: Vec<String>,
}

/// How many devices there can be; one more takes the place of the oldest.
const MOST: usize = 8;

impl Devices {
    /// Whether a request is one that a device of that space may make, and shows its token.
    pub(super) fn admit(&self, space: &str, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        if !may_ask(method, uri) {
            return false;
        }
        let shown = gate::token_of(headers);
        let devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |it: &Kept| {
            let is_right: bool = it.token.reveal().as_bytes().ct_eq(shown.as_bytes()).into();
            is_right && it.space.name().eq_ignore_ascii_case(space)
        };
        devices.iter().any(is_it)
    }

    /// Ends the devices of a space, which starts over or ends.
    pub(super) fn forget(&self, space: &str) {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        devices.retain(|it| !it.space.name().eq_ignore_ascii_case(space));
    }

    /// Ends the devices of spaces that no longer exist: one of the same name is another space.
    fn sweep(&self, admin: &Admin) {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        devices.retain(|it| admin.spaces.list().iter().any(|space| space.is(&it.space)));
    }
}

/// What a device may ask: what rings and what it says, and to act.
fn may_ask(method: &Method, uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    match (method, uri.path()) {
        (&Method::GET, "/clock" | "/challenges" | "/messages") => true,
        (&Method::GET, path) if path.strip_prefix("/challenges/").is_some_and(is_number) => true,
        (&Method::GET, "/events") => {
            let kinds = form_urlencoded::parse(query.as_bytes()).filter(|it| it.0 == "kinds");
            let kinds: Vec<_> = kinds.map(|it| it.1).collect();
            !kinds.is_empty()
                && kinds.iter().flat_map(|it| it.split(',')).all(|it| ["challenge", "message"].contains(&it))
        }
        (&Method::POST, path) => {
            path.strip_prefix("/challenges/").and_then(|it| it.strip_suffix("/act")).is_some_and(is_number)
        }
        _ => false,
    }
}

/// Lists the devices that are the phone of the space.
#[utoipa::path(get, path = "/devices", tag = "devices", responses((status = 200, body = DeviceList)))]
pub(super) async fn list(State(admin): Shared, At(space): At, asked: Asked) -> Result<Json<DeviceList>, Problem> {
    asked.finish()?;
    admin.devices.sweep(&admin);
    let devices = admin.devices.0.lock().unwrap_or_else(PoisonError::into_inner);
    let items = devices.iter().filter(|it| it.space.is(&space)).map(|it| Device { id: it.id, since: it.since });
    Ok(Json::ok(DeviceList { items: items.collect() }))
}

/// Makes a token by which another device becomes the phone of the space: it lists challenges and messages of that
/// space and acts in them. It ends with a reset or a drop of the space, or when it is removed.
#[utoipa::path(post, path = "/devices", tag = "devices", responses((status = 201, body = NewDevice)))]
pub(super) async fn add(State(admin): Shared, At(space): At, asked: Asked) -> Result<Json<NewDevice>, Problem> {
    asked.finish()?;
    let Some(address) = reachable(admin.gate.addresses()).filter(|_| admin.gate.has_token()) else {
        let detail = "No telephone can reach this server: its admin API listens to this machine alone.";
        let remedy =
            "Start it with --admin 0.0.0.0:9998 --allow-remote, and open the page with the token that it prints.";
        return Err(Problem::new(Kind::Refused, detail, remedy));
    };
    let mut bytes = [0; 18];
    getrandom::fill(&mut bytes)
        .map_err(|it| Problem::new(Kind::Failed, format!("There is no token ({it})."), "Try again."))?;
    let token = data_encoding::BASE64URL_NOPAD.encode(&bytes);
    let path = if space.name() == DEFAULT { String::new() } else { format!("/~{}", space.name()) };
    let url = format!("http://{address}{path}/?stage&device#token={token}");
    let code = QrCode::with_error_correction_level(&url, EcLevel::M)
        .map_err(|it| Problem::new(Kind::Failed, format!("There is no QR code ({it})."), "Use a shorter name."))?;
    let dark = |it: &Color| if *it == Color::Dark { '1' } else { '0' };
    let qr = code.to_colors().chunks(code.width()).map(|row| row.iter().map(dark).collect()).collect();
    admin.devices.sweep(&admin);
    let since = view::At(space.now());
    let mut devices = admin.devices.0.lock().unwrap_or_else(PoisonError::into_inner);
    let id = devices.iter().map(|it| it.id).max().unwrap_or_default() + 1;
    devices.push(Kept { id, token: token.into(), space, since });
    if devices.len() > MOST {
        devices.remove(0);
    }
    Ok(Json(StatusCode::CREATED, NewDevice { id, url, qr }))
}

/// Disconnects a device.
#[utoipa::path(delete, path = "/devices/{id}", tag = "devices", params(("id" = u64, Path)), responses((status = 204, description = "It is the phone no more.")))]
pub(super) async fn remove(
    State(admin): Shared,
    At(space): At,
    Path(id): Path<u64>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    asked.finish()?;
    let mut devices = admin.devices.0.lock().unwrap_or_else(PoisonError::into_inner);
    devices.retain(|it| it.id != id || !it.space.is(&space));
    Ok(StatusCode::NO_CONTENT)
}

/// An address by which other machines reach this one. `None`: it listens to this machine alone.
fn reachable(listening: &[SocketAddr]) -> Option<SocketAddr> {
    let address = *listening.iter().find(|it| !it.ip().is_loopback())?;
    match address.ip() {
        ip if ip.is_unspecified() => Some(SocketAddr::new(own_address()?, address.port())),
        _ => Some(address),
    }
}

/// The address of this machine in its network: that of a socket that would send to a far address. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // An address that is reserved for documentation.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|it| !it.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_may_see_challenges_and_messages_and_act_and_no_more() {
        let may = |method: Method, path: &str| may_ask(&method, &path.parse().unwrap());
        for path in [
            "/clock",
            "/challenges",
            "/challenges?wait=1s",
            "/challenges/7",
            "/messages?limit=0",
            "/events?kinds=challenge,message",
        ] {
            assert!(may(Method::GET, path), "{path}");
        }
        assert!(may(Method::POST, "/challenges/7/act"));
        for path in [
            "/",
            "/users",
            "/calls",
            "/scenario",
            "/snapshot",
            "/events",
            "/events?kinds=challenge,call",
            "/devices",
            "/challenges/turns",
        ] {
            assert!(!may(Method::GET, path), "{path}");
        }
        assert!(!may(Method::GET, "/events?kinds=challenge&kinds=call"));
        for path in ["/rules", "/plays", "/devices", "/challenges/x/act", "/challenges//act", "/spaces/default/reset"] {
            assert!(!may(Method::POST, path), "{path}");
        }
        assert!(!may(Method::DELETE, "/challenges/7/act"));
    }
}
