//! A client that calls the service as a .NET program does: it asks without credentials, learns what is on offer, signs
//! in on that connection and calls. It prints nothing and asks nothing.
//!
//! `flow` makes the calls that Identity Manager makes for one authentication.

mod connection;
mod failure;
pub mod flow;
pub mod http;
mod target;
mod tls;

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::sign_in::Credentials;
use crate::tls::Trust;
use failure::by;

pub use connection::{Connection, Exchange, Replied, Times, schemes_of};
pub use failure::{CallStage, Failure};
pub use target::Target;
pub use tls::{Handshake, check_dates, check_trust};

/// Where to call, which certificates to trust, and the account to sign in with.
#[derive(Debug)]
pub struct Client {
    pub target: Target,
    pub trust: Trust,
    /// `None`: only a service that asks for no sign-in can be called.
    pub credentials: Option<Credentials>,
}

impl Client {
    /// The addresses of the host, in the order in which they are tried.
    ///
    /// # Errors
    /// [`CallStage::Name`]
    pub async fn resolve(&self, deadline: Instant) -> Result<Vec<SocketAddr>, Failure> {
        let Target { host, port, .. } = &self.target;
        let failure = |why: &str| {
            Failure::new(
                CallStage::Name,
                format!("The host {host} has no address here{why}."),
                "Correct the host in the URL, or add it to the DNS or to the hosts file (on Windows C:\\Windows\\System32\\drivers\\etc\\hosts).",
            )
        };
        by(deadline, CallStage::Name, async {
            let found = tokio::net::lookup_host((host.as_str(), *port)).await;
            let addresses: Vec<_> = found.map_err(|error| failure(&format!(" ({error})")))?.collect();
            if addresses.is_empty() { Err(failure("")) } else { Ok(addresses) }
        })
        .await
    }

    /// Connects to the first address that accepts the connection. The texts are the addresses before it, each with the
    /// reason why it did not accept.
    ///
    /// # Errors
    /// [`CallStage::Port`]
    pub async fn connect_tcp(
        &self,
        addresses: &[SocketAddr],
        deadline: Instant,
    ) -> Result<(TcpStream, SocketAddr, Vec<String>), Failure> {
        by(deadline, CallStage::Port, async {
            let mut refused = Vec::new();
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => {
                        // Small requests go out at once. Without this option they are only slower.
                        let _ = stream.set_nodelay(true);
                        return Ok((stream, *address, refused));
                    }
                    Err(error) => refused.push(format!("{address} ({error})")),
                }
            }
            Err(Failure::new(
                CallStage::Port,
                format!("Nothing takes connections at {}.", refused.join(", ")),
                "Start the service, correct the port in the URL, or let the firewall pass it.",
            ))
        })
        .await
    }

    /// Connects, with TLS if the URL says https. It fails if the certificate is not trusted.
    ///
    /// # Errors
    /// [`Failure`], of the stage that failed.
    pub async fn connect(&self, deadline: Instant) -> Result<Connection<'_>, Failure> {
        let started = Instant::now();
        let addresses = self.resolve(deadline).await?;
        let (stream, ..) = self.connect_tcp(&addresses, deadline).await?;
        let connect = started.elapsed();
        if !self.target.is_secure {
            let times = Times { connect, ..Times::default() };
            return self.open(stream, None, times, deadline).await;
        }
        let started = Instant::now();
        let (stream, handshake) = self.handshake(stream, deadline).await?;
        self.check(&handshake.certificate)?;
        let times = Times { connect, tls: started.elapsed(), ..Times::default() };
        self.open(stream, Some(handshake.certificate.end_point), times, deadline).await
    }
}
