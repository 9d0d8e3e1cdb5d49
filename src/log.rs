//! The writer behind the log: one thread and a bounded buffer. A call never waits for the log, and never fails because
//! of it.
//!
//! Standard error can be closed, full, or a pipe that no program reads; a file can be on a full disk. In each case the
//! writer drops lines, counts them, and says so in the log as soon as it can write again.

mod json;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tracing_subscriber::fmt::MakeWriter;

use crate::engine::Timestamp;
use crate::text;
pub use json::Json;

/// How many bytes of lines wait for the thread, at most. Lines beyond that are dropped.
pub const BUFFER: usize = 4 << 20;

/// How long lines gather before they are written, so that a busy server makes one system call for many lines.
const BATCH: Duration = Duration::from_millis(2);

/// How the line about dropped lines reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    Text,
    Json,
}

/// Where lines go.
pub enum Target {
    StandardError,
    /// A file, to which lines are appended. [`Log::reopen`] opens it again, after a tool for log rotation has moved it.
    File(PathBuf),
    Writer(Box<dyn Write + Send>),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardError => f.write_str("StandardError"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Writer(_) => f.write_str("Writer"),
        }
    }
}

/// A handle of the log. A clone writes to the same place.
#[derive(Clone, Debug)]
pub struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// Wakes the thread: there are lines, or something else to do.
    work: Condvar,
    /// Wakes [`Log::flush`]: the thread has nothing left to do.
    rest: Condvar,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    lines: Vec<u8>,
    reopen: bool,
    /// Whether the thread waits for work; otherwise it looks again by itself.
    is_idle: bool,
}

impl Log {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// The file of [`Target::File`] cannot be opened, or the system starts no thread.
    pub fn start(target: Target, format: Format) -> io::Result<Self> {
        let sink: Box<dyn Write + Send> = match &target {
            Target::StandardError => Box::new(io::stderr()),
            Target::File(path) => Box::new(append(path)?),
            Target::Writer(_) => Box::new(io::sink()),
        };
        let (sink, path) = match target {
            Target::Writer(writer) => (writer, None),
            Target::File(path) => (sink, Some(path)),
            Target::StandardError => (sink, None),
        };
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            work: Condvar::new(),
            rest: Condvar::new(),
            lost: AtomicU64::new(0),
        });
        let writer = Writer { shared: shared.clone(), sink, path, format, told: 0, is_torn: false, error: None };
        std::thread::Builder::new().name("log".into()).spawn(move || writer.run())?;
        Ok(Self(shared))
    }

    /// How many lines were dropped since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Opens the file again. Without a file, nothing happens.
    pub fn reopen(&self) {
        let mut queue = self.0.lock();
        queue.reopen = true;
        self.0.work.notify_one();
    }

    /// Waits until every line so far is written, or dropped, for so long at most. A pipe without a reader may keep the
    /// thread for ever.
    pub fn flush(&self, at_most: Duration) {
        let queue = self.0.lock();
        self.0.work.notify_one();
        let is_busy = |it: &mut Queue| !it.is_idle || !it.lines.is_empty() || it.reopen;
        drop(self.0.rest.wait_timeout_while(queue, at_most, is_busy));
    }
}

/// One line of the log comes as one write.
impl Write for &Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut queue = self.0.lock();
        if queue.lines.len() + line.len() > BUFFER {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        } else {
            queue.lines.extend_from_slice(line);
            if queue.is_idle {
                self.0.work.notify_one();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's side.
struct Writer {
    shared: Arc<Shared>,
    sink: Box<dyn Write + Send>,
    /// The file to open again.
    path: Option<PathBuf>,
    format: Format,
    /// How many lost lines the log has told of.
    told: u64,
    /// Whether a write ended within a line.
    is_torn: bool,
    /// Why the last write failed.
    error: Option<io::Error>,
}

impl Writer {
    fn run(mut self) {
        let mut lines = Vec::new();
        loop {
            let reopen = self.next(&mut lines);
            if reopen && let Some(path) = &self.path {
                match append(path) {
                    Ok(file) => self.sink = Box::new(file),
                    Err(error) => self.error = Some(error),
                }
            }
            self.write(&lines);
            lines.clear();
        }
    }

    /// Waits for lines, and takes them. Whether the file is to be opened again.
    fn next(&self, lines: &mut Vec<u8>) -> bool {
        let mut queue = self.shared.lock();
        if queue.lines.is_empty() && !queue.reopen {
            queue.is_idle = true;
            self.shared.rest.notify_all();
            let nothing = |it: &mut Queue| it.lines.is_empty() && !it.reopen;
            queue = self.shared.work.wait_while(queue, nothing).unwrap_or_else(PoisonError::into_inner);
            queue.is_idle = false;
            drop(queue);
            std::thread::sleep(BATCH);
            queue = self.shared.lock();
        }
        std::mem::swap(&mut queue.lines, lines);
        std::mem::take(&mut queue.reopen)
    }

    fn write(&mut self, lines: &[u8]) {
        let lost = self.shared.lost.load(Ordering::Relaxed);
        if lost > self.told || self.is_torn {
            let why = self.error.as_ref().map_or_else(|| "the lines came too fast".to_owned(), ToString::to_string);
            let end = if self.is_torn { "\n" } else { "" };
            let notice = format!("{end}{}\n", self.format.notice(lost - self.told, &why));
            match self.sink.write_all(notice.as_bytes()) {
                Ok(()) => (self.told, self.is_torn, self.error) = (lost, false, None),
                Err(_) => self.is_torn = true,
            }
        }
        // Most lines are ASCII, and need no second look.
        let text = if lines.is_ascii() { "".into() } else { String::from_utf8_lossy(lines) };
        let shown = text::without_hidden_controls(&text);
        let lines = if shown.is_empty() { lines } else { shown.as_bytes() };
        let mut rest = lines;
        while !rest.is_empty() {
            match self.sink.write(rest) {
                Ok(0) => self.error = Some(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.error = Some(error),
            }
            let newlines = rest.iter().filter(|it| **it == b'\n').count();
            self.shared.lost.fetch_add(newlines as u64, Ordering::Relaxed);
            if let Some(last) = lines[..lines.len() - rest.len()].last() {
                self.is_torn = *last != b'\n';
            }
            return;
        }
        let _ = self.sink.flush();
    }
}

impl Format {
    /// The line that says how many lines are missing.
    fn notice(self, lost: u64, why: &str) -> String {
        let now = now();
        match self {
            Self::Text => format!("{now}  WARN locmfa::log: {lost} log lines were lost: {why}"),
            Self::Json => serde_json::json!({
                "timestamp": now.in_full(), "level": "WARN", "message": "log lines were lost", "lost": lost,
                "reason": why, "target": "locmfa::log",
            })
            .to_string(),
        }
    }
}

/// The time of a line, which is the world's.
fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a line of the log has the time of the world")]
    let now = SystemTime::now();
    Timestamp::from_unix(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Long enough for any machine; reached only where the test fails.
    const AT_MOST: Duration = Duration::from_secs(60);

    /// A disk that is full until there is room.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Disk {
        fn set_room(&self, room: usize) {
            self.0.lock().unwrap().1 = room;
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (written, room) = &mut *self.0.lock().unwrap();
            let fits = bytes.len().min(*room);
            if fits == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            written.extend_from_slice(&bytes[..fits]);
            *room -= fits;
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_loses_are_counted_and_told() {
        let disk = Disk::default();
        let log = Log::start(Target::Writer(Box::new(disk.clone())), Format::Json).unwrap();
        disk.set_room(10);
        (&log).write_all(b"one\n").unwrap();
        log.flush(AT_MOST);
        (&log).write_all(b"two, torn\n").unwrap();
        log.flush(AT_MOST);
        (&log).write_all(b"three\n").unwrap();
        log.flush(AT_MOST);
        assert_eq!((log.lost(), disk.text().as_str()), (2, "one\ntwo, t"));
        disk.set_room(1000);
        (&log).write_all(b"four\n").unwrap();
        log.flush(AT_MOST);
        let text = disk.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!([lines[0], lines[1], lines[3]], ["one", "two, t", "four"]);
        let notice: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
        assert_eq!(notice["lost"], 2, "{notice}");
    }

    /// A pipe whose reader reads when the test says so.
    struct Pipe(mpsc::Receiver<()>, Disk);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_that_no_program_reads_holds_up_no_writer() {
        let disk = Disk::default();
        disk.set_room(usize::MAX);
        let (reads, pipe) = mpsc::channel();
        let log = Log::start(Target::Writer(Box::new(Pipe(pipe, disk.clone()))), Format::Text).unwrap();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        for _ in 0..3 * BUFFER / line.len() {
            (&log).write_all(&line).unwrap();
        }
        assert!(log.lost() > 0);
        log.flush(Duration::ZERO);
        drop(reads);
        log.flush(AT_MOST);
        (&log).write_all(b"again\n").unwrap();
        log.flush(AT_MOST);
        let text = disk.text();
        // The writer may tell of them in two parts: lines were lost before and after it began to write.
        let notices = text.lines().filter_map(|it| it.split_once(" log lines were lost"));
        let told: u64 = notices.map(|it| it.0.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
        assert_eq!(told, log.lost());
        assert!(text.ends_with("again\n"));
    }

    #[test]
    fn a_file_that_was_moved_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("locmfa.log"), folder.path().join("locmfa.log.1"));
        let log = Log::start(Target::File(path.clone()), Format::Text).unwrap();
        (&log).write_all(b"before\n").unwrap();
        log.flush(AT_MOST);
        std::fs::rename(&path, &moved).unwrap();
        log.reopen();
        (&log).write_all(b"after\n").unwrap();
        log.flush(AT_MOST);
        assert_eq!(std::fs::read_to_string(moved).unwrap(), "before\n");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "after\n");
    }
}
