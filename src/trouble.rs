//! Why a connection or a sign-in failed: one table for the log, the list of failures, the metrics and
//! `docs/troubles.md`. Names in it come from the wire. Passwords, hashes and tokens never do.

use std::fmt;

/// What failed: each has a message in the log and a table in `docs/troubles.md`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The connection ended before a request was read.
    Connection,
    /// The headers of the request were read, and the server did not serve it.
    Request,
    /// The request was read, and the server did not let its sender in.
    SignIn,
}

/// One row of the table. The texts have their fields in braces.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub scope: Scope,
    pub kind: &'static str,
    pub what: &'static str,
    pub remedy: &'static str,
}

/// Declares the troubles. A row is `Name { field: Type, … } => "kind", "what happened", "what to do";`, below its scope.
/// Both texts are format strings over the fields. Rows of one kind differ in what happened or in what to do, and stand
/// together.
macro_rules! troubles {
    ($($scope:ident { $(
        $(#[doc = $doc:literal])*
        $name:ident { $($field:ident: $ty:ty),* } => $kind:literal, $what:literal, $remedy:literal;
    )* })*) => {
        /// Why a connection or a sign-in failed. Its text says what happened, [`Trouble::remedy`] what to do.
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub enum Trouble {
            $($($(#[doc = $doc])* $name { $($field: $ty),* },)*)*
        }

        impl Trouble {
            /// Every row, in the order of the page.
            pub const TABLE: &[Row] = &[
                $($(Row { scope: Scope::$scope, kind: $kind, what: $what, remedy: $remedy },)*)*
            ];

            /// The word for filters and counters.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $($(Self::$name { .. } => $kind,)*)* }
            }

            /// Where the kind stands in the documentation.
            #[must_use]
            pub const fn page(&self) -> &'static str {
                match self { $($(Self::$name { .. } => concat!("docs/troubles.md#", $kind),)*)* }
            }

            /// What to do about it: one sentence or more.
            #[must_use]
            #[expect(unused_variables, reason = "not every remedy names every field")]
            pub fn remedy(&self) -> String {
                match self { $($(Self::$name { $($field),* } => format!($remedy),)*)* }
            }
        }

        impl fmt::Display for Trouble {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $($(Self::$name { $($field),* } => write!(f, $what),)*)* }
            }
        }
    };
}

troubles! {
    Connection {
        /// The client supports no TLS as new as 1.2. The remedy is that of Microsoft's "Transport Layer Security (TLS)
        /// best practices with .NET Framework".
        OldVersion { newest: String } => "old-version", "the client offers {newest} at most, and TLS 1.2 is the least here", "On the client's Windows host let .NET use TLS 1.2: set the DWORD values SystemDefaultTlsVersions and SchUseStrongCrypto to 1 under HKLM\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319 and HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\.NETFramework\\v4.0.30319, then restart the service that calls.";
        /// A hello from before SSL 3.0.
        Ssl2 {} => "ssl2", "the client began with the hello of SSL 2.0, and TLS 1.2 is the least here", "On the client's Windows host let .NET use TLS 1.2: set the DWORD values SystemDefaultTlsVersions and SchUseStrongCrypto to 1 under HKLM\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319 and HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\.NETFramework\\v4.0.30319, then restart the service that calls.";
        /// The client accepts certificates with RSA keys only, and the server has none.
        NoSharedSuiteWithoutRsa { offered: String } => "no-shared-suite", "the client and the server share no cipher suite; the client offers {offered}", "Start the server with --rsa: the client takes certificates with RSA keys only.";
        NoSharedSuite { offered: String } => "no-shared-suite", "the client and the server share no cipher suite; the client offers {offered}", "On the client's host allow TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (on Windows: group policy, SSL Configuration Settings, SSL Cipher Suite Order; from Server 2016 also Enable-TlsCipherSuite). The server supports no suites without ECDHE and none with CBC.";
        /// The client accepts signatures with RSA keys only, and the server has none.
        NoSharedSchemeWithoutRsa {} => "no-shared-terms", "the client and the server share no signature scheme without an RSA key", "Start the server with --rsa: the client takes certificates with RSA keys only.";
        NoSharedScheme {} => "no-shared-terms", "the client and the server share no signature scheme", "Let the client accept signatures with SHA-256, by the kind of key (ECDSA on P-256, or RSA) that its cipher suites name.";
        NoSharedGroup {} => "no-shared-terms", "the client and the server share no group for the key exchange", "Let the client use the curve P-256 (on Windows: group policy, SSL Configuration Settings, ECC Curve Order).";
        NoSharedProtocol {} => "no-shared-terms", "the client and the server share no application protocol", "Let the client speak HTTP/1.1: Windows sign-in, which lives on the connection, rules out HTTP/2.";
        UnknownAuthority {} => "unknown-authority", "the client does not trust the authority of the server's certificate", "Import the authority of the server's certificate (authority.cer, if it was made here) into Cert:\\LocalMachine\\Root on the client's host; `locmfa certs trust` says how.";
        /// The client asked for a host that the certificate is not for, and went away.
        NameMismatch { asked: String, names: String } => "name-mismatch", "the client asked for {asked} and went away; the certificate is for {names}", "Start the server with --host {asked}, or call it by a name that the certificate has.";
        CertificateDates { from: String, to: String } => "certificate-dates", "the certificate, from {from} to {to}, is not valid now", "Give the server a certificate that is valid now, and look at its clock.";
        /// The client says that the certificate has expired, and by the clock of the server it has not.
        CertificateDatesOfClient { from: String, to: String } => "certificate-dates", "the client says that the certificate, from {from} to {to}, is not valid now", "The certificate is valid by the server's clock: set the clock of the client's machine right.";
        /// The client sent an alert about the certificate, without a reason.
        CertificateRefused { alert: String, names: String } => "certificate-refused", "the client refused the certificate with the alert {alert}; it is for {names}", "Import the authority of the server's certificate (authority.cer, if it was made here) into Cert:\\LocalMachine\\Root on the client's host; `locmfa certs trust` says how. If it is there, the host in the client's URL must be one of the certificate's names; --host adds one.";
        /// The client saw the certificate and went away without an alert, several times in a row.
        CertificateRefusedSilently { names: String } => "certificate-refused", "connections from this address end without a request, so the client probably refuses the certificate; it is for {names}", "Import the authority of the server's certificate (authority.cer, if it was made here) into Cert:\\LocalMachine\\Root on the client's host; `locmfa certs trust` says how. If it is there, the host in the client's URL must be one of the certificate's names; --host adds one. Browsers also open connections that they never use.";
        /// A test has switched a fault of TLS on. The field says what the client met, and what it did.
        TlsFault { what: String } => "tls-fault", "on purpose, by a TLS fault: {what}", "No action needed: a test switched the fault on, and it ends by itself. `locmfa tls-fault show` says when; `locmfa tls-fault stop` ends it now.";
        PlainHttp { request: String } => "plain-http", "the client sent plain HTTP to a port for HTTPS: {request}", "Write https:// in the client's URL.";
        TlsOnPlainPort {} => "tls-on-plain-port", "the client began TLS on a port for plain HTTP", "Write http:// in the client's URL, or start the server without --http.";
        BadRequest { reason: String } => "bad-request", "the request could not be read: {reason}", "The server supports HTTP/1.1 only, with headers of limited size.";
        /// The first bytes in hexadecimal.
        NotTls { first: String } => "not-tls", "the client began with neither TLS nor HTTP: {first}", "Another kind of program calls this port: look at the peer's address, and at the first bytes in the line.";
        /// A load balancer begins each connection with the client's address.
        ProxyProtocol {} => "proxy-protocol", "the connection begins with the PROXY protocol of a load balancer", "Turn the PROXY protocol off for this server at the load balancer: TLS or HTTP must come first.";
        /// TLS allows names of hosts alone in the hello.
        BadServerName { asked: String } => "bad-server-name", "the client asks for {asked} in its TLS hello (SNI), which is no name of a host", "Call the server by a name, such as localhost, or let the client send no SNI for an address.";
        /// Only the log has it, with --verbose.
        Probe {} => "probe", "the client connected, said nothing and went away", "No action needed. Port scanners, load balancers and monitors do this. Only --verbose logs it.";
        Slow { what: &'static str } => "slow", "{what} took too long", "Look at the network and at the load of both machines. --header-timeout sets how long a client may take for its headers, --body-timeout how long its body may make no progress, and --write-timeout how long an answer may wait for its reader.";
        /// The handshake broke in another way.
        Broken { reason: String } => "broken", "the connection broke: {reason}", "The line says how. If it happens again and again, look for a firewall or an inspection tool between the client and the server.";
    }
    Request {
        WrongPath { asked: String, serves: String } => "wrong-path", "the request asked for {asked}, and the service is at {serves}", "Write the path of the service in the client's URL.";
        /// The limit in bytes.
        BodyTooLarge { size: String, limit: usize } => "body-too-large", "the request's body has {size} bytes, and {limit} are allowed", "Start the server with a larger --body-limit, in bytes.";
        WrongHost { found: &'static str } => "wrong-host", "the request has {found}", "A request by HTTP/1.1 needs exactly one Host header. Look at the client, and at a proxy that rewrites its requests.";
    }
    SignIn {
        UnknownAccount { account: String } => "unknown-account", "There is no account {account}.", "Add it to the accounts of the scenario: - {{name: '{account}', password: Passw0rd-for-tests, groups: [PhoneFactor Admins]}}. Or correct the client's user name. It may be written DOMAIN\\user, user@domain or user.";
        /// A group managed account or a machine, whose name was given without its last character.
        UnknownWithoutDollar { account: String } => "unknown-account", "There is no account {account}, and there is an account {account}$.", "Write the name with its $: the names of group managed service accounts and of machines end in it.";
        NoPassword { account: String } => "no-password", "Account {account} has no password in the scenario, so the client's cannot be checked.", "Write the account's password into the scenario, or let it say trust: any-password.";
        WrongPassword { account: String } => "wrong-password", "The password for {account} is wrong.", "Compare the password in the scenario with the client's. A client without a password of its own uses the Windows account that it runs as.";
        NoCredentials {} => "no-credentials", "The client signed in with an empty user name: it has no credentials to use.", "Give the client a user name and a password, or run it as a Windows account that has them.";
        /// The policy does not allow NTLM version 1.
        NtlmV1 { account: String } => "ntlm-v1", "The client answered for {account} with NTLM version 1, which is off.", "Set LmCompatibilityLevel on the client to 3 or more, or allow NTLM version 1 in the scenario.";
        /// The password is right, and the MIC does not fit the messages.
        WrongMic { over: &'static str } => "wrong-mic", "The MIC over {over} is wrong: something changed them on the way.", "Look for a proxy or an inspection tool between the client and this server that rewrites sign-in messages.";
        /// The server asked for a MIC or needs one, and the client sent none.
        NoMic { over: &'static str } => "no-mic", "The MIC over {over} is missing.", "The client prefers another mechanism than NTLM and does not protect the choice. Offer only ntlm in the scenario, or let the client use NTLM alone.";
        /// The time in the AUTHENTICATE message differs by more than Windows allows.
        ClockSkew { account: String, skew: String } => "clock-skew", "The clock of the client that signed in as {account} is {skew} this server's; Windows allows 36 hours.", "Set the clock and the time zone of both machines.";
        /// The policy is strict, and the AUTHENTICATE message has no channel binding.
        NoChannelBinding { account: String } => "no-channel-binding", "The answer for {account} is not bound to the TLS connection, and channel binding is strict.", "Turn on extended protection at the client (on Windows, SuppressExtendedProtection 0), or make channel binding lenient in the scenario.";
        /// The channel binding is that of another certificate.
        WrongChannelBinding { account: String } => "wrong-channel-binding", "The answer for {account} is bound to another TLS certificate than this server's.", "Something between the client and this server ends TLS, such as a proxy or an inspection tool. Take it out of the way, or turn channel binding off in the scenario.";
        SchemeNotOffered { scheme: String, offered: String } => "scheme-not-offered", "The client signed in by {scheme}; on offer is {offered}.", "Add the scheme to the scenario, or let the client wait for the answer that says what is on offer.";
        Malformed { token: &'static str, flaw: String } => "malformed", "{token} cannot be read: {flaw}.", "Something other than a Windows sign-in was sent, or it was cut or changed on the way.";
        TooLong { length: usize } => "too-long", "The Authorization header has {length} bytes; 16384 are read, as by IIS.", "A Kerberos ticket grows with the groups of its account. Use an account in fewer groups, or offer only ntlm in the scenario.";
        OutOfTurn { came: &'static str, expected: &'static str } => "out-of-turn", "{came} came where {expected} was expected.", "The client mixes two sign-ins on one connection. A connection carries one at a time.";
        /// A later message of a sign-in that began on another connection, or whose challenge was used.
        OtherConnection {} => "other-connection", "A later message of a sign-in came on a connection where none was begun.", "The whole sign-in must travel on one connection. A proxy or load balancer that shares connections breaks it, and so does a client without keep-alive.";
        /// The answer to a challenge that went out elsewhere, or earlier.
        OtherChallenge { account: String } => "other-connection", "The answer for {account} belongs to the challenge of another connection, or to an earlier challenge.", "The whole sign-in must travel on one connection. A proxy or load balancer that shares connections breaks it, and so does a client without keep-alive.";
        GivenUp {} => "given-up", "The client left the connection in the middle of a sign-in, after the server's challenge.", "A sign-in needs one connection for all of its requests: look for a client by HTTP/1.0 or with Connection: close, and for a proxy. A client without a password for the service stops here, too.";
        /// Only the account of the service in the domain can read a Kerberos ticket.
        KerberosTicket { service: String } => "kerberos-ticket", "The client sent a Kerberos ticket for {service}, which only that service's own account can read, and did not offer NTLM.", "Offer only ntlm in the scenario; or say kerberos: {{as: DOMAIN\\user}} to let any ticket in as that account; or reach this server by a name that the domain does not know, so that Windows falls back to NTLM.";
        /// SPNEGO without a mechanism that the server supports.
        NoCommonMechanism { offered: String } => "no-common-mechanism", "The client offers {offered}, and not NTLM.", "Let the client use NTLM, or offer only ntlm in the scenario.";
        /// Only a certificate would do, and there is none.
        NoCertificate {} => "no-certificate", "The client presented no certificate, and nothing else signs in here.", "Give the client its certificate with the private key. On Windows the account that runs the client must be allowed to read that key.";
        InvalidCertificate { subject: String, problem: String } => "invalid-certificate", "The client's certificate {subject} is not valid: {problem}.", "Have it issued by an authority that this server trusts, for a time that includes today.";
        /// The certificate is valid and belongs to no account.
        UnknownCertificate { subject: String, thumbprint: String } => "unknown-certificate", "The client's certificate {subject} with thumbprint {thumbprint} belongs to no account.", "Write the subject or the thumbprint to an account in the scenario.";
        /// The sign-in is right, and the account may not call. It gets what `server.outsider` of the scenario says.
        /// An incident refuses every account of the space.
        Incident { incident: String, account: String, why: &'static str } => "incident", "The incident {incident} refuses {account}: {why}.", "No action needed: a tester began the incident, and it ends by itself. `locmfa incident stop` ends it now, and `locmfa incident show {incident}` says what helps in the real world.";
        OutsideGroup { account: String, group: String } => "outside-group", "{account} is not in the group {group}.", "Add the group to the account's groups in the scenario.";
    }
}

impl std::error::Error for Trouble {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_spelled_one_way_and_their_rows_stand_together() {
        for row in Trouble::TABLE {
            let Row { kind, what, remedy, .. } = row;
            assert!(kind.chars().all(|it| it == '-' || it.is_ascii_lowercase() || it.is_ascii_digit()), "{kind}");
            assert!(what.chars().count() > 10 && remedy.ends_with('.'), "{kind}: {what} {remedy}");
        }
        let mut kinds: Vec<_> = Trouble::TABLE.iter().map(|it| it.kind).collect();
        kinds.dedup();
        let together = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), together, "{kinds:?}");
    }

    #[test]
    fn a_trouble_says_what_happened_what_to_do_and_where_to_read_on() {
        let it = Trouble::NameMismatch { asked: "mfa02".into(), names: "mfa01, localhost".into() };
        assert_eq!(it.to_string(), "the client asked for mfa02 and went away; the certificate is for mfa01, localhost");
        assert_eq!(it.remedy(), "Start the server with --host mfa02, or call it by a name that the certificate has.");
        assert_eq!((it.kind(), it.page()), ("name-mismatch", "docs/troubles.md#name-mismatch"));
    }
}
