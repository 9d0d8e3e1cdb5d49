//! Printing: the one way to standard output, and the one way to standard error.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use serde::Serialize;

use crate::text::{ascii_json, ascii_json_line, escaped};

/// Where a command prints its result: standard output, or a test's buffer.
///
/// When the reader has closed the pipe, as `head` does, printing stops without an error: the command goes on, and its
/// exit code is the same as with a reader that reads everything.
///
/// A terminal gets no control characters but line breaks and tabs: what is printed may come from another program.
pub struct Output<'a> {
    to: &'a mut (dyn Write + Send),
    is_closed: bool,
    is_terminal: bool,
}

impl<'a> Output<'a> {
    pub fn new(to: &'a mut (dyn Write + Send)) -> Self {
        Self { to, is_closed: false, is_terminal: false }
    }

    /// The same output; `is_terminal` says whether a person looks at it.
    #[must_use]
    pub fn on_terminal(self, is_terminal: bool) -> Self {
        Self { is_terminal, ..self }
    }

    /// Whether the reader has closed the pipe.
    pub(super) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Prints text as it is, and flushes it.
    pub(super) fn print(&mut self, text: &str) -> anyhow::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let text = if self.is_terminal { escaped(text) } else { text.into() };
        match self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.is_closed = true,
            result => result.context("cannot write to standard output; check where it is redirected to")?,
        }
        Ok(())
    }

    /// Prints a line.
    pub(super) fn line(&mut self, text: impl Display) -> anyhow::Result<()> {
        self.print(&format!("{text}\n"))
    }

    /// Prints JSON in one line, in ASCII.
    pub(super) fn json_line(&mut self, it: &impl Serialize) -> anyhow::Result<()> {
        self.line(ascii_json_line(it).context("the result as JSON")?)
    }

    /// Prints JSON over several lines, in ASCII: no code page of a console garbles it.
    pub(super) fn json(&mut self, it: &impl Serialize) -> anyhow::Result<()> {
        let json = ascii_json(it).context("the result as JSON")?;
        self.line(json)
    }
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("is_closed", &self.is_closed).finish_non_exhaustive()
    }
}

/// Prints a line to standard error. If that is closed, there is no place left to report it.
pub(super) fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "{}", escaped(&text.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe whose reader leaves after some bytes.
    struct Pipe(usize);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(ErrorKind::BrokenPipe.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_ends_printing_and_not_the_command() {
        let mut pipe = Pipe(3);
        let mut out = Output::new(&mut pipe);
        out.line("a").unwrap();
        assert!(!out.is_closed());
        for _ in 0..2 {
            out.line("bcd").unwrap();
            assert!(out.is_closed());
        }
    }

    #[test]
    fn a_terminal_gets_no_character_that_it_obeys_and_a_file_gets_all() {
        let print = |is_terminal| {
            let mut bytes = Vec::new();
            Output::new(&mut bytes).on_terminal(is_terminal).line("\u{1b}[2J\u{9b}31m\u{202e}\té").unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(print(true), "\\u{1b}[2J\\u{9b}31m\\u{202e}\té\n");
        assert_eq!(print(false), "\u{1b}[2J\u{9b}31m\u{202e}\té\n");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(Output::new(&mut Full).print("a").unwrap_err().to_string().contains("standard output"));
    }
}
