//! A server for tests in Rust, in the test's own process: on free ports, with an authority in memory, and without a
//! file. It drives the server by the admin API, as the clients in other languages do.
//!
//! ```
//! use std::time::Duration;
//! use locmfa::testing::Server;
//!
//! let server = Server::builder().scenario("users: [{username: anna, phone: +1 425 555 0100}]").start();
//! server.add_rule("{when: {user: anna}, outcome: busy}");
//! // … the program under test calls server.url(), and trusts server.authority_pem() …
//! server.verify("- {where: {username: anna, call_result: 101}, exactly: 0}", Duration::ZERO);
//! ```
//!
//! Methods block the calling thread. The server has a thread of its own, so that this is safe in asynchronous tests;
//! those that wait have a second form, such as [`Space::verify_async`], which returns a future. A method that cannot do
//! what it says panics with the reason and the newest lines of the server's log.

mod lines;
mod serve;
mod space;

use std::ops::Deref;
use std::path::PathBuf;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use crate::control::Act;
pub use crate::engine::Pace;
pub use crate::sign_in::Scheme;
pub use space::{Challenge, Message, Space};

/// A running server, and its default space. Dropping it ends the server: calls that wait get a fault.
#[derive(Debug)]
pub struct Server {
    space: Space,
    authority_pem: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How a server is to be. Without more, it has the built-in scenario and HTTPS.
#[derive(Clone, Debug, Default)]
#[must_use = "start() starts the server"]
pub struct Builder {
    scenario: Option<Scenario>,
    sign_in: Option<Vec<Scheme>>,
    seed: Option<u64>,
    clock: Option<Pace>,
    is_plain: bool,
}

#[derive(Clone, Debug)]
enum Scenario {
    Text(String),
    File(PathBuf),
}

impl Server {
    /// Starts a server with the built-in scenario, which takes any password.
    ///
    /// # Panics
    /// The server cannot start; the text says why.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A server to describe before it starts.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The certificate of the server's authority in PEM, for the client under test to trust. Empty with
    /// [`Builder::plain_http`].
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// A new space: users, rules, clock and memory of its own, from the server's scenario. Tests that share a server
    /// need one each. Dropping the space removes it.
    ///
    /// # Panics
    /// There is a space of that name already, or the name is not allowed.
    #[must_use]
    #[track_caller]
    pub fn space(&self, name: &str) -> Space {
        self.space.another(name)
    }
}

/// A server is its default space, too.
impl Deref for Server {
    type Target = Space;

    fn deref(&self) -> &Space {
        &self.space
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        if ended.is_err() && !std::thread::panicking() {
            panic!("the server panicked.{}", self.space.newest_lines());
        }
    }
}

impl Builder {
    /// The text of the scenario, in YAML.
    pub fn scenario(mut self, text: impl Into<String>) -> Self {
        self.scenario = Some(Scenario::Text(text.into()));
        self
    }

    /// The file of the scenario.
    pub fn scenario_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.scenario = Some(Scenario::File(file.into()));
        self
    }

    /// How callers sign in, in place of what the scenario says. The accounts are those of the scenario.
    pub fn sign_in(mut self, schemes: impl Into<Vec<Scheme>>) -> Self {
        self.sign_in = Some(schemes.into());
        self
    }

    /// Fixes what the server draws, such as codes, in place of what the scenario says.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How time passes, in place of what the scenario says.
    pub fn clock(mut self, pace: Pace) -> Self {
        self.clock = Some(pace);
        self
    }

    /// Serves HTTP without TLS.
    pub fn plain_http(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// Starts the server, and returns when it answers.
    ///
    /// # Panics
    /// The scenario has mistakes, or the system gives no thread or no port.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Server {
        match serve::start(self) {
            Ok(server) => server,
            Err(why) => panic!("the server cannot start: {why}"),
        }
    }
}
