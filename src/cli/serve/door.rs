//! The admin API's door: where it listens, and who may ask it.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::Args;

use crate::cli::files;
use crate::contract::Secret;
use crate::server::accept::Listening;
use crate::server::admin::Gate;

#[derive(Args, Debug)]
pub(super) struct AdminArgs {
    /// The address of the admin API [default: port 9998 of 127.0.0.1 and ::1, or a free port if --listen has port 0]
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Vec<SocketAddr>,
    /// Serve no admin API
    #[arg(long, conflicts_with_all = ["admin", "admin_token_file"])]
    no_admin: bool,
    /// The file with the token that callers of the admin API must send; with --allow-remote and without this file, the
    /// server makes a token and prints it
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
}

impl AdminArgs {
    /// The admin API's sockets, and the callers that it accepts. `listen` is where the service listens. `None`: no admin
    /// API is wanted.
    pub(super) async fn open(
        &self,
        listen: &[SocketAddr],
        allow_remote: bool,
    ) -> anyhow::Result<Option<(Listening, Gate)>> {
        if self.no_admin {
            return Ok(None);
        }
        let port = if listen.iter().any(|it| it.port() == 0) { 0 } else { ADMIN_PORT };
        let own = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        let addresses = match self.admin.is_empty() {
            true => own.map(|it| SocketAddr::new(it, port)).into(),
            false => self.admin.clone(),
        };
        if let Some(address) = addresses.iter().find(|it| !it.ip().is_loopback() && !allow_remote) {
            bail!(
                "{address} can be reached by other machines. Add --allow-remote if you want that; every caller of the admin API must then send a token."
            );
        }
        let listening = Listening::bind(&addresses).await;
        // The errors name the flag of the service.
        let listening = listening.map_err(|it| {
            anyhow!(
                "the admin API: {}; --no-admin starts the server without it",
                it.to_string().replace("--listen", "--admin")
            )
        })?;
        let token = match &self.admin_token_file {
            Some(file) => Some(files::token(file).context("the token of the admin API")?),
            None if allow_remote => Some(new_token()?),
            None => None,
        };
        let gate = Gate::new(token, listening.addresses().into());
        Ok(Some((listening, gate)))
    }
}

/// Makes a token and prints it: once, on standard error, and not in the log.
fn new_token() -> anyhow::Result<Secret> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes)
        .map_err(|it| anyhow!("cannot make a token for the admin API ({it}); give one with --admin-token-file"))?;
    let token = data_encoding::BASE64URL_NOPAD.encode(&bytes);
    let line = format!("locmfa: the admin API needs this header, printed only now: Authorization: Bearer {token}");
    let printed = writeln!(io::stderr(), "{line}");
    printed.context("cannot print the token of the admin API; give one with --admin-token-file")?;
    Ok(token.into())
}

const ADMIN_PORT: u16 = 9998;
