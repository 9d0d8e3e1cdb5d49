//! Other processes of this machine: whether they run, and when they end.

use std::io;
use std::time::Duration;

/// A process that was there when it was opened. While this value lives, another process with the same identifier is not
/// taken for it, where the system can tell them apart: Linux 5.3 and later, and Windows.
#[derive(Debug)]
pub struct Process(system::Handle);

impl Process {
    /// The process with an identifier. `None`: there is none.
    ///
    /// # Errors
    /// The system refuses, because the process belongs to another account, for example. Such a process runs.
    pub fn open(id: u32) -> io::Result<Option<Self>> {
        Ok(system::open(id)?.map(Self))
    }

    /// Waits until the process ends, for so long at most; `None` waits without a limit. Whether the process has ended.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait(&self, at_most: Option<Duration>) -> io::Result<bool> {
        system::wait(&self.0, at_most)
    }
}

/// Whether the process is known to have ended. False where the system does not say.
#[must_use]
pub fn has_ended(id: u32) -> bool {
    match Process::open(id) {
        Ok(None) => true,
        Ok(Some(process)) => process.wait(Some(Duration::ZERO)).unwrap_or(false),
        Err(_) => false,
    }
}

#[cfg(unix)]
mod system {
    use std::io;
    #[cfg(target_os = "linux")]
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};

    #[derive(Debug)]
    pub(super) enum Handle {
        #[cfg(target_os = "linux")]
        File(OwnedFd),
        /// Where the system has no file for a process.
        Id(Pid),
    }

    /// How often a process without a file is looked at.
    const LOOK_AGAIN: Duration = Duration::from_millis(200);

    pub(super) fn open(id: u32) -> io::Result<Option<Handle>> {
        let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) else { return Ok(None) };
        #[cfg(target_os = "linux")]
        match rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty()) {
            Ok(file) => return Ok(Some(Handle::File(file))),
            Err(Errno::SRCH) => return Ok(None),
            // An old kernel, or a sandbox.
            Err(_) => {}
        }
        Ok(is_there(id)?.then_some(Handle::Id(id)))
    }

    pub(super) fn wait(handle: &Handle, at_most: Option<Duration>) -> io::Result<bool> {
        match handle {
            #[cfg(target_os = "linux")]
            Handle::File(file) => {
                use rustix::event::{PollFd, PollFlags, Timespec, poll};
                let at_most = at_most.and_then(|it| Timespec::try_from(it).ok());
                loop {
                    match poll(&mut [PollFd::new(file, PollFlags::IN)], at_most.as_ref()) {
                        Err(Errno::INTR) => {}
                        ended => return Ok(ended? > 0),
                    }
                }
            }
            Handle::Id(id) => {
                let mut left = at_most;
                while is_there(*id)? {
                    let pause = left.map_or(LOOK_AGAIN, |it| it.min(LOOK_AGAIN));
                    if pause.is_zero() {
                        return Ok(false);
                    }
                    std::thread::sleep(pause);
                    left = left.map(|it| it - pause);
                }
                Ok(true)
            }
        }
    }

    fn is_there(id: Pid) -> io::Result<bool> {
        match test_kill_process(id) {
            Ok(()) | Err(Errno::PERM) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(windows)]
mod system {
    use std::time::Duration;
    use std::{fmt, io};

    use winsafe::guard::CloseHandleGuard;
    use winsafe::{HPROCESS, co};

    pub(super) struct Handle(CloseHandleGuard<HPROCESS>);

    impl fmt::Debug for Handle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Handle")
        }
    }

    pub(super) fn open(id: u32) -> io::Result<Option<Handle>> {
        match HPROCESS::OpenProcess(co::PROCESS::SYNCHRONIZE, false, id) {
            Ok(process) => Ok(Some(Handle(process))),
            // So Windows says that no process has this identifier.
            Err(co::ERROR::INVALID_PARAMETER) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    pub(super) fn wait(handle: &Handle, at_most: Option<Duration>) -> io::Result<bool> {
        let at_most = at_most.map(|it| u32::try_from(it.as_millis()).unwrap_or(u32::MAX - 1));
        let waited = handle.0.WaitForSingleObject(at_most).map_err(refused)?;
        Ok(waited == co::WAIT::OBJECT_0)
    }

    fn refused(error: co::ERROR) -> io::Error {
        io::Error::from_raw_os_error(error.raw().cast_signed())
    }
}
