//! Faults of TLS that a test switches on.

/// Declares the faults: `Name => "word", "what a new connection meets"`.
macro_rules! tls_faults {
    ($($name:ident => $word:literal, $about:literal;)*) => {
        /// What new connections meet in place of the handshake that they should have.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum TlsFault { $(#[doc = $about] $name,)* }

        impl TlsFault {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in the API, the command line and the log.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What a client meets: a sentence that begins with the client's side.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)* }
            }
        }
    };
}

tls_faults! {
    Refused => "refused", "the alert handshake_failure answers every hello";
    Expired => "expired", "the certificate expired yesterday";
    WrongName => "wrong-name", "the certificate is for wrong-name.invalid alone";
    UnknownAuthority => "unknown-authority", "the certificate comes from an authority that no client knows";
    ProtocolVersion => "protocol-version", "the alert protocol_version answers every hello, as a server without the client's TLS versions does";
    Reset => "reset", "the connection is reset after the hello";
}

/// How a fault ends a connection without a handshake.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Abrupt {
    /// The number of a fatal alert.
    Alert(u8),
    Reset,
}

/// What is wrong with a certificate that a fault shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateFlaw {
    Expired,
    WrongName,
    UnknownAuthority,
}

impl TlsFault {
    /// The fault of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.word() == word)
    }

    /// How it ends a connection after the hello. `None`: there is a handshake, and the certificate is at fault.
    #[must_use]
    pub const fn abrupt(self) -> Option<Abrupt> {
        match self {
            Self::Refused => Some(Abrupt::Alert(40)),
            Self::ProtocolVersion => Some(Abrupt::Alert(70)),
            Self::Reset => Some(Abrupt::Reset),
            Self::Expired | Self::WrongName | Self::UnknownAuthority => None,
        }
    }

    pub(super) const fn flaw(self) -> Option<CertificateFlaw> {
        match self {
            Self::Expired => Some(CertificateFlaw::Expired),
            Self::WrongName => Some(CertificateFlaw::WrongName),
            Self::UnknownAuthority => Some(CertificateFlaw::UnknownAuthority),
            Self::Refused | Self::ProtocolVersion | Self::Reset => None,
        }
    }
}
