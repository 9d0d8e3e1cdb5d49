//! Ready files: where a server answers, for the programs that start it and for the commands that look for it.
//!
//! docs/admin.md describes the file and how a server is found.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::control::Url;
use crate::file::{self, Access, Draft};
use crate::process;

/// The environment variable with the path of the ready file: for the server as for the commands that look for it.
pub(super) const VARIABLE: &str = "LOCMFA_READY_FILE";

/// The addresses of a server, for the log and the ready file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Ready {
    /// The URL for `LOCMFASRV`.
    pub(super) service: String,
    pub(super) wsdl: String,
    /// The admin API's URL; null without an admin API.
    pub(super) admin: Option<String>,
    /// The authority's file, for clients to trust; null with plain HTTP and with --cert or --pfx.
    pub(super) authority: Option<PathBuf>,
    pub(super) pid: u32,
    /// The version of the program.
    #[serde(default)]
    pub(super) version: String,
    /// The seed of all that is drawn, for `serve --seed`.
    #[serde(default)]
    pub(super) seed: u64,
}

impl Ready {
    /// Whether the server that wrote it runs. A process that does not listen is another one with the same identifier.
    fn is_live(&self) -> bool {
        let url = self.admin.as_ref().unwrap_or(&self.service);
        !process::has_ended(self.pid) && accepts(url)
    }
}

/// Whether a program accepts connections at a URL.
fn accepts(url: &str) -> bool {
    let uri: Option<hyper::Uri> = url.parse().ok();
    let address = uri.and_then(|it| Some((it.host()?.trim_matches(['[', ']']).to_owned(), it.port_u16()?)));
    let addresses = address.and_then(|it| it.to_socket_addrs().ok());
    addresses.into_iter().flatten().any(|it| TcpStream::connect_timeout(&it, CONNECT).is_ok())
}

/// The time for a program on this machine to accept a connection. Windows tries a closed port for two seconds.
const CONNECT: Duration = Duration::from_millis(250);

/// The ready file of this process. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct ReadyFile {
    path: PathBuf,
    /// Whether the user named it. A file in the runtime folder is a convenience, and never keeps the server from
    /// starting.
    is_named: bool,
}

impl ReadyFile {
    /// The file of that name, or one in the user's runtime folder. A file that a server left there is removed: until the
    /// new one is written, no program takes this server for a ready one. `None`: the user has no runtime folder.
    ///
    /// # Errors
    /// There is something else at the path, or a server that runs wrote the file.
    pub(super) fn claim(named: Option<&Path>) -> anyhow::Result<Option<Self>> {
        if let Some(path) = named {
            remove_stale(path)?;
            return Ok(Some(Self { path: path.to_owned(), is_named: true }));
        }
        let Some(folder) = runtime_folder() else { return Ok(None) };
        // Files of servers that were killed go. One with the identifier of this process is of such a server.
        drop(read_folder(&folder));
        let path = folder.join(format!("{}.json", std::process::id()));
        let _ = fs::remove_file(&path);
        Ok(Some(Self { path, is_named: false }))
    }

    /// Writes the addresses, whole or not at all. It replaces nothing.
    ///
    /// # Errors
    /// The file cannot be written. In the runtime folder, that is a line of the log.
    pub(super) fn write(&self, ready: &Ready) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(ready).context("the ready file")?;
        let access = if self.is_named { Access::Usual } else { Access::Owner };
        let write = || {
            if !self.is_named {
                make_folder(self.path.parent().unwrap_or(&self.path))?;
            }
            Draft::beside(&self.path, text.as_bytes(), access)?.create(&self.path)
        };
        match write() {
            Err(error) if !self.is_named => {
                tracing::info!(file = %self.path.display(), %error, "no ready file; name one with --ready-file");
                Ok(())
            }
            written => written.with_context(|| {
                format!(
                    "cannot write {}; give --ready-file a path in a folder that this account may write",
                    self.path.display()
                )
            }),
        }
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Another server may have written its own there.
        if read(&self.path).is_some_and(|it| it.pid == std::process::id()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the ready file that a server left at a path.
///
/// # Errors
/// There is something else, or the server runs.
fn remove_stale(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.with_context(|| {
            format!(
                "cannot look at the ready file {shown}; give --ready-file a path in a folder that this account may use"
            )
        })?,
    };
    if !found.is_file() {
        bail!(
            "{shown} is a link, a folder, a pipe or a device, and --ready-file replaces none; give it the path of a file"
        );
    }
    let text = file::read_text(path)?;
    match serde_json::from_str::<Ready>(&text) {
        Ok(ready) if ready.pid != std::process::id() && ready.is_live() => bail!(
            "{shown} belongs to a server that runs (process {}, {}); end that one, or give --ready-file another path",
            ready.pid,
            ready.service
        ),
        Err(_) if !text.trim().is_empty() => {
            bail!("{shown} is there and is no ready file; give --ready-file another path, or delete it")
        }
        _ => {}
    }
    let removed = fs::remove_file(path);
    removed.with_context(|| format!("cannot remove the ready file {shown} that another server left"))
}

/// Makes the folder for its owner alone.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The folder of the ready files of this user's servers. `None`: the environment names no folder of the user.
fn runtime_folder() -> Option<PathBuf> {
    let folder = |variable: &str| variable_of(variable).map(PathBuf::from).filter(|it| it.is_absolute());
    let base = match cfg!(windows) {
        true => folder("LOCALAPPDATA")?,
        false => folder("XDG_RUNTIME_DIR").or_else(|| Some(folder("HOME")?.join(".cache")))?,
    };
    Some(base.join("locmfa"))
}

#[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
fn variable_of(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|it| !it.is_empty())
}

/// The content of a ready file. `None`: there is none. Reading a pipe could take for ever.
fn read(path: &Path) -> Option<Ready> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|it| it.is_file());
    serde_json::from_str(&is_file.then(|| file::read_text(path))?.ok()?).ok()
}

/// The ready files of a folder whose processes run. Those of processes that have ended are removed.
fn read_folder(folder: &Path) -> Vec<Ready> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let runs = |entry: fs::DirEntry| {
        let path = entry.path();
        let id = path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok()?;
        let ready = read(&path).filter(|it| it.pid == id)?;
        if process::has_ended(id) {
            let _ = fs::remove_file(&path);
            return None;
        }
        Some(ready)
    };
    entries.filter_map(runs).collect()
}

/// More than one server could be meant.
#[derive(Debug)]
pub(super) struct Several(Vec<Ready>);

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} servers run; choose one with --admin URL, or with LOCMFA_ADMIN:", self.0.len())?;
        self.0.iter().try_for_each(|it| {
            let admin = it.admin.as_deref().unwrap_or_default();
            write!(f, "\n  --admin {admin}   process {}, {}", it.pid, it.service)
        })
    }
}

impl std::error::Error for Several {}

/// Where the commands find the admin API without --admin: the server that the ready file of the environment names, else
/// the one that has a ready file in the runtime folder, else the usual port.
///
/// # Errors
/// [`Several`]: more than one server runs. The ready file of the environment names none that runs.
pub(super) fn find() -> anyhow::Result<Url> {
    let url = |it: &str| it.parse::<Url>().map_err(|error| anyhow::anyhow!("a ready file: {error}"));
    if let Some(path) = variable_of(VARIABLE) {
        let ready = read(Path::new(&path)).filter(Ready::is_live);
        let Some(admin) = ready.and_then(|it| it.admin) else {
            bail!(
                "no server answers: {VARIABLE} names {}, and no server with an admin API that runs has written it. Start one with locmfa serve, or give the address of its admin API with --admin",
                Path::new(&path).display()
            );
        };
        return url(&admin);
    }
    let ready = runtime_folder().map(|it| read_folder(&it)).unwrap_or_default();
    let mut live: Vec<_> = ready.into_iter().filter(|it| it.admin.is_some() && it.is_live()).collect();
    live.sort_by_key(|it| it.pid);
    let [one] = &live[..] else {
        return if live.is_empty() { url(USUAL) } else { Err(Several(live).into()) };
    };
    let admin = one.admin.as_deref().unwrap_or_default();
    if !admin.ends_with(":9998") && accepts(USUAL) {
        // `wait` finds the server again and again.
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            super::print::complain(format_args!(
                "locmfa: this is the server at {admin} (process {}). Another program answers at {USUAL}; --admin {USUAL} asks that one.",
                one.pid
            ));
        });
    }
    url(admin)
}

/// Where the admin API is without another choice of the server.
const USUAL: &str = "http://127.0.0.1:9998";
