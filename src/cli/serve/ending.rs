//! What ends a server: signals, the end of its standard input, the end of another process.

use std::io::{self, Read};

use anyhow::{Context, bail};
use clap::Args;
use tokio::sync::oneshot;
use tracing::warn;

use super::LAST_LINES;
use crate::log::Log;
use crate::process::Process;

#[derive(Args, Debug)]
pub(super) struct EndArgs {
    /// Stop when standard input ends: when the program that started this one closes it, or ends
    #[arg(long)]
    pub(super) exit_with_stdin: bool,
    /// Stop when the process with this identifier ends
    #[arg(long, value_name = "PID")]
    parent: Option<u32>,
}

impl EndArgs {
    /// Waits for the first end of what the options name, and says which it was. Without such an option it waits for ever.
    ///
    /// # Errors
    /// The process cannot be watched.
    pub(super) fn watch(&self) -> anyhow::Result<impl Future<Output = String> + Send + 'static> {
        // Threads that wait, not tasks: the server does not wait for them when it stops.
        let stdin = self.exit_with_stdin.then(|| in_thread("stdin", until_stdin_ends)).transpose()?;
        let parent = match self.parent {
            None => None,
            Some(id) => {
                let opened = Process::open(id).with_context(|| format!("cannot watch process {id} of --parent"))?;
                let Some(process) = opened else {
                    bail!("--parent {id}: there is no such process; give the identifier of a process that runs")
                };
                let wait = move || {
                    if let Err(error) = process.wait(None) {
                        warn!(%error, "process {id} of --parent cannot be watched any more, so the server stops");
                    }
                };
                Some((id, in_thread("parent", wait)?))
            }
        };
        Ok(async move {
            let ended = async |thread: Option<oneshot::Receiver<()>>| match thread {
                // A dropped sender is an end too.
                Some(thread) => drop(thread.await),
                None => std::future::pending().await,
            };
            let (id, parent) = parent.map_or((0, None), |(id, thread)| (id, Some(thread)));
            tokio::select! {
                () = ended(stdin) => "standard input ended".to_owned(),
                () = ended(parent) => format!("process {id} ended"),
            }
        })
    }
}

fn in_thread(name: &str, wait: impl FnOnce() + Send + 'static) -> anyhow::Result<oneshot::Receiver<()>> {
    let (ended, receiver) = oneshot::channel();
    let run = move || {
        wait();
        // The server may have stopped for another reason.
        let _ = ended.send(());
    };
    std::thread::Builder::new().name(name.into()).spawn(run).context("cannot start a thread")?;
    Ok(receiver)
}

fn until_stdin_ends() {
    let mut stdin = io::stdin().lock();
    let mut buffer = [0; 4096];
    loop {
        match stdin.read(&mut buffer) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
            _ => {}
        }
    }
}

/// Waits for Ctrl-C, or for another signal that ends programs; a second one ends the program at once. It listens from this
/// call on, not from the first poll: a test that sees the ready file may send a signal at once, and the signal must not
/// kill the program.
pub(super) fn signal_to_stop(log: Option<Log>) -> impl Future<Output = ()> {
    let mut signals = Signals::listen();
    async move {
        signals.next().await;
        tokio::spawn(async move {
            signals.next().await;
            warn!("ended at once, by a second signal; open calls are cut off");
            log.inspect(|it| it.flush(LAST_LINES));
            std::process::exit(3);
        });
    }
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(
            [SignalKind::interrupt(), SignalKind::terminate()]
                .map(|it| signal(it).expect("signals can be listened to")),
        )
    }

    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    }
}

#[cfg(windows)]
struct Signals {
    interrupted: tokio::signal::windows::CtrlC,
    closed: tokio::signal::windows::CtrlClose,
    broken: tokio::signal::windows::CtrlBreak,
    shut_down: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Self {
            interrupted: ctrl_c().expect("signals can be listened to"),
            closed: ctrl_close().expect("signals can be listened to"),
            broken: ctrl_break().expect("signals can be listened to"),
            shut_down: ctrl_shutdown().expect("signals can be listened to"),
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => (),
            _ = self.closed.recv() => (),
            _ = self.broken.recv() => (),
            _ = self.shut_down.recv() => (),
        }
    }
}
