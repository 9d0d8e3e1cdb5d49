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
use crate::tls::RevocationList;

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
    fn addresses(&self, listen: &[SocketAddr]) -> Vec<SocketAddr> {
        let port = if listen.iter().any(|it| it.port() == 0) { 0 } else { ADMIN_PORT };
        let own = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        match self.admin.is_empty() {
            true => own.map(|it| SocketAddr::new(it, port)).into(),
            false => self.admin.clone(),
        }
    }

    /// Where clients find the revocation list, which the admin API serves. `None` where the address changes with each
    /// start, or where the service has clients that do not reach it. `host` is the name that other machines use.
    pub(super) fn revocation_list(&self, listen: &[SocketAddr], host: &str) -> RevocationList {
        let addresses = self.addresses(listen);
        let is_remote = |it: &[SocketAddr]| it.iter().any(|it| !it.ip().is_loopback());
        let port = addresses.first().map_or(0, SocketAddr::port);
        if self.no_admin || port == 0 || (is_remote(listen) && !is_remote(&addresses)) {
            return RevocationList::None;
        }
        let host = if is_remote(&addresses) { host } else { "localhost" };
        RevocationList::At(format!("http://{host}:{port}/authority.crl"))
    }

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
        let addresses = self.addresses(listen);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_list_is_named_where_clients_reach_it() {
        let address = |it: &str| -> SocketAddr { it.parse().unwrap() };
        let of = |listen: &str, admin: &[&str], no_admin| {
            let admin = admin.iter().map(|it| address(it)).collect();
            let args = AdminArgs { admin, no_admin, admin_token_file: None };
            match args.revocation_list(&[address(listen)], "mfa.contoso.com") {
                RevocationList::At(address) => address,
                _ => "none".into(),
            }
        };
        let (own, remote) = ("127.0.0.1:9999", "0.0.0.0:9999");
        assert_eq!(of(own, &[], false), "http://localhost:9998/authority.crl");
        assert_eq!(of(own, &["[::1]:81"], false), "http://localhost:81/authority.crl");
        assert_eq!(of(remote, &["0.0.0.0:9998"], false), "http://mfa.contoso.com:9998/authority.crl");
        for (listen, admin, no_admin) in
            [(own, &[][..], true), ("127.0.0.1:0", &[], false), (own, &["127.0.0.1:0"], false), (remote, &[], false)]
        {
            assert_eq!(of(listen, admin, no_admin), "none", "{listen} {admin:?}");
        }
    }
}
