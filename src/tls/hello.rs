//! What the first bytes of a connection say about the client.
//!
//! The server reads them once, keeps them, and passes them on. It parses them only where it has to choose a certificate
//! or to say why a connection failed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::{CipherSuite, SignatureScheme, SupportedCipherSuite};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// A stream that keeps its first bytes, and reads them again.
#[derive(Debug)]
pub struct Opening<S> {
    stream: S,
    bytes: Vec<u8>,
    passed_on: usize,
}

/// What a client sends first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum First {
    Nothing,
    /// A TLS record, or one of SSL 3.0.
    Tls,
    /// The hello of SSL 2.0, in which old clients offer newer versions too.
    Ssl2,
    /// A letter: every HTTP request begins with one.
    Http,
    /// The line or the signature with which a load balancer tells the client's address (PROXY protocol, version 1 or 2).
    Proxy,
    Other,
}

/// What a client offers when it asks for TLS.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hello {
    /// The number of the newest version: 0x0303 is TLS 1.2.
    pub newest: u16,
    pub suites: Vec<CipherSuite>,
    /// Empty in a hello older than TLS 1.2.
    pub schemes: Vec<SignatureScheme>,
    pub server_name: Option<String>,
}

impl First {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [] => Self::Nothing,
            // An alert, too, with which a client gives up before its hello.
            [0x16, ..] | [0x14..=0x17, 3, ..] => Self::Tls,
            [0x80..=0xff, _, 1, ..] => Self::Ssl2,
            [b'P', b'R', b'O', b'X', b'Y', b' ', ..] | [b'\r', b'\n', b'\r', b'\n', 0, ..] => Self::Proxy,
            [b'A'..=b'Z' | b'a'..=b'z', ..] => Self::Http,
            _ => Self::Other,
        }
    }
}

/// Whether these bytes are enough to tell what the client wants.
#[must_use]
pub fn is_whole(bytes: &[u8]) -> bool {
    match First::of(bytes) {
        First::Nothing => false,
        First::Tls => match bytes {
            [_, _, _, high, low, rest @ ..] => rest.len() >= usize::from(u16::from_be_bytes([*high, *low])),
            _ => false,
        },
        First::Ssl2 | First::Proxy => true,
        First::Http => bytes.windows(4).any(|window| window == b"\r\n\r\n") || bytes.len() >= READ_AT_ONCE,
        First::Other => bytes[0] < 0x80 || bytes.len() >= 3,
    }
}

impl Hello {
    /// Parses the first record of a connection. `None`: it is no hello. What follows the suites is left out where it is
    /// cut off or wrong.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut record = Reader(bytes);
        (record.number(1)? == 0x16).then_some(())?;
        record.take(4)?;
        (record.number(1)? == 1).then_some(())?;
        record.take(3)?;

        let mut hello = Self { newest: record.u16()?, ..Self::default() };
        record.take(32)?;
        record.block(1)?;
        // Without GREASE (RFC 8701), and without the signals that are written like suites.
        hello.suites = record.block(2)?.numbers().filter(|it| !is_grease(*it)).map(CipherSuite::from).collect();
        hello.suites.retain(|it| !SIGNALS.contains(it));
        let _ = hello.read_rest(record);
        Some(hello)
    }

    fn read_rest(&mut self, mut record: Reader<'_>) -> Option<()> {
        record.block(1)?;
        record.take(2)?;
        loop {
            let (kind, mut extension) = (record.u16()?, record.block(2)?);
            match kind {
                0 => {
                    let mut names = extension.block(2)?;
                    if names.number(1)? == 0 {
                        self.server_name = String::from_utf8(names.block(2)?.0.to_vec()).ok();
                    }
                }
                13 => self.schemes = extension.block(2)?.numbers().map(SignatureScheme::from).collect(),
                43 => {
                    let newest = extension.block(1)?.numbers().filter(|it| !is_grease(*it)).max();
                    self.newest = newest.unwrap_or(self.newest);
                }
                _ => {}
            }
        }
    }

    /// Whether the client offers one of these suites for a key that signs with this scheme.
    #[must_use]
    pub fn shares_suite(&self, ours: &[SupportedCipherSuite], scheme: SignatureScheme) -> bool {
        ours.iter().filter(|ours| self.suites.contains(&ours.suite())).any(|ours| match ours {
            SupportedCipherSuite::Tls12(ours) => ours.sign.contains(&scheme),
            SupportedCipherSuite::Tls13(_) => self.newest >= 0x0304,
        })
    }

    /// The newest version by name, such as `TLS 1.0`.
    #[must_use]
    pub fn newest_name(&self) -> String {
        match self.newest {
            0x0300 => "SSL 3.0".into(),
            0x0301..=0x0304 => format!("TLS 1.{}", self.newest - 0x0301),
            other => format!("version {other:#06x}"),
        }
    }
}

/// The name of a suite in the standards. rustls names those of TLS 1.3 differently.
#[must_use]
pub fn suite_name(suite: CipherSuite) -> String {
    match suite.as_str() {
        Some(name) => name.replace("TLS13_", "TLS_"),
        None => format!("{:#06x}", u16::from(suite)),
    }
}

fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

const SIGNALS: [CipherSuite; 2] = [CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV, CipherSuite::Unknown(0x5600)];

impl<S: AsyncRead + Unpin> Opening<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, bytes: Vec::new(), passed_on: 0 }
    }

    /// Reads until `enough` says so, or no more comes. Cancelling it loses no bytes.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        while !enough(&self.bytes) && self.bytes.len() < LONGEST {
            self.bytes.reserve(READ_AT_ONCE);
            if self.stream.read_buf(&mut self.bytes).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// The first bytes that were read so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The stream, to set it and not to read it.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Frees the first bytes if all of them were passed on.
    pub fn free(&mut self) {
        if self.passed_on == self.bytes.len() {
            self.bytes = Vec::new();
            self.passed_on = 0;
        }
    }

    /// The stream without the bytes that were read of it.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let rest = &this.bytes[this.passed_on..];
        if rest.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..length]);
        this.passed_on += length;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Takes bytes from the front. `None`: there are too few.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A big-endian number of `width` bytes.
    fn number(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// The bytes after their own length, which has `width` bytes.
    fn block(&mut self, width: usize) -> Option<Self> {
        let length = self.number(width)?;
        self.take(length).map(Self)
    }

    fn numbers(self) -> impl Iterator<Item = u16> + use<'a> {
        self.0.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }
}

const READ_AT_ONCE: usize = 4096;
/// The longest TLS record, and one more read.
const LONGEST: usize = 5 + (1 << 14) + READ_AT_ONCE;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A client's first record.
    pub(crate) fn hello_of(version: u16, suites: &[u16], extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.push(0);
        let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        push(&mut body, &suites);
        body.extend([1, 0]);
        if !extensions.is_empty() {
            let mut block = Vec::new();
            for (kind, content) in extensions {
                block.extend(kind.to_be_bytes());
                push(&mut block, content);
            }
            push(&mut body, &block);
        }
        let mut message = vec![1, 0];
        push(&mut message, &body);
        let mut record = vec![0x16, 3, 1];
        push(&mut record, &message);
        record
    }

    /// Appends bytes after their length.
    fn push(to: &mut Vec<u8>, bytes: &[u8]) {
        to.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
        to.extend(bytes);
    }

    fn modern() -> Vec<u8> {
        let server_name = b"\0\x10\0\0\x0dmfa01.contoso"[..].to_vec();
        let extensions: [(u16, &[u8]); 4] =
            [(0x2a2a, b""), (0, &server_name), (43, b"\x06\xea\xea\x03\x04\x03\x03"), (13, b"\0\x04\x04\x03\x08\x04")];
        hello_of(0x0303, &[0x0a0a, 0x1301, 0xc02b, 0x00ff], &extensions)
    }

    #[test]
    fn a_hello_says_what_its_client_offers() {
        assert_eq!(
            Hello::read(&modern()).unwrap(),
            Hello {
                newest: 0x0304,
                suites: vec![
                    CipherSuite::TLS13_AES_128_GCM_SHA256,
                    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                ],
                schemes: vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256],
                server_name: Some("mfa01.contoso".into()),
            }
        );
        let old = Hello::read(&hello_of(0x0301, &[0x0005], &[])).unwrap();
        assert_eq!((old.newest_name().as_str(), old.suites.len()), ("TLS 1.0", 1));
    }

    #[test]
    fn a_hello_that_is_cut_off_or_damaged_is_read_as_far_as_possible() {
        let whole = modern();
        for end in 0..whole.len() {
            let hello = Hello::read(&whole[..end]);
            assert_eq!(hello.is_some(), end >= 5 + 4 + 2 + 32 + 1 + 2 + 8, "{end}");
            assert!(!is_whole(&whole[..end]));
        }
        assert!(is_whole(&whole));
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let _ = (Hello::read(&damaged), First::of(&damaged), is_whole(&damaged));
            }
        }
    }

    #[tokio::test]
    async fn the_first_bytes_are_read_again() {
        let mut opening = Opening::new(&b"GET / HTTP/1.1\r\n\r\nmore"[..]);
        opening.read_until(is_whole).await.unwrap();
        assert_eq!(First::of(opening.bytes()), First::Http);
        let mut start = [0; 3];
        opening.read_exact(&mut start).await.unwrap();
        opening.free();
        let mut rest = String::new();
        opening.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, " / HTTP/1.1\r\n\r\nmore");
        opening.free();
        assert_eq!(opening.bytes(), b"");
    }
}
