//! The authority of the server's certificate, for clients to trust.

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
    let pem = pem.ok_or_else(|| {
        let remedy =
            "With --cert or --pfx, clients trust the authority of that certificate; with --http there is none.";
        Problem::new(Kind::NoAuthority, "The server's certificate does not come from an authority of locmfa.", remedy)
    })?;
    Ok(typed("application/x-pem-file", pem))
}
