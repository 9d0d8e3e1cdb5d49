//! The authority of the server's certificate, for clients to trust, and its revocation list.

use axum::extract::State;
use axum::response::Response;

use super::problem::{Kind, Problem};
use super::{Shared, typed};

/// The certificate of the development authority in PEM, for clients to trust. It needs no token, and may be asked for
/// under any name of this machine: a certificate is no secret.
#[utoipa::path(get, path = "/authority.pem", tag = "server", security(()), responses(
    (status = 200, description = "The certificate.", content_type = "application/x-pem-file", body = String)
))]
pub(super) async fn pem(State(admin): Shared) -> Result<Response, Problem> {
    let pem = admin.tls.as_ref().and_then(|it| it.now().certificates.authority_pem());
    Ok(typed("application/x-pem-file", pem.ok_or_else(none)?))
}

fn none() -> Problem {
    let remedy = "With --cert or --pfx, clients trust the authority of that certificate; with --http there is none.";
    Problem::new(Kind::NoAuthority, "The server's certificate does not come from an authority of locmfa.", remedy)
}

/// The revocation list of the development authority in DER: empty, and signed at each request. Clients that check
/// revocation ask for it without a token, under the host name that the certificate states.
#[utoipa::path(get, path = "/authority.crl", tag = "server", security(()), responses(
    (status = 200, description = "The list.", content_type = "application/pkix-crl", body = Vec<u8>)
))]
pub(super) async fn crl(State(admin): Shared) -> Result<Response, Problem> {
    let tls = admin.tls.as_ref().ok_or_else(none)?.now();
    // It reads the key of the authority.
    let list = tokio::task::spawn_blocking(move || tls.certificates.revocation_list()).await;
    let list = list.expect("signing does not panic").map_err(|error| {
        let remedy = "Give the folder of --certs the key of its authority back.";
        Problem::new(Kind::Failed, format!("The list cannot be signed: {error}."), remedy)
    })?;
    Ok(typed("application/pkix-crl", list.ok_or_else(none)?))
}
