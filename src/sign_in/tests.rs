//! Signing in as real clients do it, and as broken ones might.
//!
//! Each file under `tests/fixtures/sign_in` is what one client sent to a [`Conversation`] and how it was answered:
//! `>` a request with its `Authorization`, `<` a `WWW-Authenticate`, `=` the caller or the trouble. The clock stood at
//! `at`, the nonce was [`NONCE`], the server offered what `offers` says, with the options of `with`, and had the
//! certificate with the hash of `certificate`. A new `connection` begins where the file says so.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::*;

const NONCE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
const PASSWORDS: [&str; 2] = ["Winter-2026!", "Grüße, Öl"];
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn account(name: &str, password: &str) -> Arc<Account> {
    let password = Some(password.into());
    Arc::new(Account { name: name.into(), password, groups: vec!["PhoneFactor Admins".into()], certificates: vec![] })
}

fn policy(schemes: &[Scheme]) -> Policy {
    let [first, second] = PASSWORDS;
    Policy {
        schemes: schemes.into(),
        accounts: vec![account("CONTOSO\\mimservice", first), account("CONTOSO\\jörg", second)],
        names: Names {
            domain: "CONTOSO".into(),
            computer: "MFA01".into(),
            dns_domain: "contoso.com".into(),
            dns_computer: "mfa01.contoso.com".into(),
        },
        ..Policy::default()
    }
}

/// One connection to a server.
struct Connection<'a> {
    policy: &'a Policy,
    conversation: Conversation,
    certificate: Option<&'a ClientCertificate>,
    server_certificate_hash: Option<&'a [u8]>,
    via: bool,
    now: Duration,
}

impl<'a> Connection<'a> {
    fn new(policy: &'a Policy) -> Self {
        let now = Duration::from_secs(1_795_521_600);
        Self {
            policy,
            conversation: Conversation::default(),
            certificate: None,
            server_certificate_hash: None,
            via: false,
            now,
        }
    }

    fn send(&mut self, header: &str) -> Step {
        self.send_bytes(Some(header).filter(|it| *it != "-").map(str::as_bytes))
    }

    fn send_bytes(&mut self, authorization: Option<&[u8]>) -> Step {
        self.send_bytes_with_nonce(authorization, NONCE)
    }

    fn send_with_nonce(&mut self, header: &str, nonce: [u8; 8]) -> Step {
        self.send_bytes_with_nonce(Some(header.as_bytes()), nonce)
    }

    fn send_bytes_with_nonce(&mut self, authorization: Option<&[u8]>, nonce: [u8; 8]) -> Step {
        let Self { certificate, server_certificate_hash, via, now, .. } = *self;
        let request = Presented { authorization, certificate, server_certificate_hash, via, now, nonce };
        let step = self.conversation.step(self.policy, &request);
        for text in [format!("{step:?}"), format!("{:?}", self.conversation)] {
            assert!(PASSWORDS.iter().all(|it| !text.contains(it)), "a password shows: {text}");
        }
        step
    }

    fn trouble(&mut self, header: &str) -> Trouble {
        trouble(self.send(header))
    }
}

fn trouble(step: Step) -> Trouble {
    match step {
        Step::Challenge { trouble: Some(trouble), .. } => trouble,
        other => panic!("no trouble: {other:?}"),
    }
}

fn who(step: &Step) -> String {
    match step {
        Step::Proceed { caller, .. } => caller.who.to_string(),
        Step::Challenge { .. } => panic!("no caller: {step:?}"),
    }
}

fn warnings(step: &Step) -> &[Warning] {
    match step {
        Step::Proceed { warnings, .. } => warnings,
        Step::Challenge { .. } => panic!("no caller: {step:?}"),
    }
}

fn challenge(step: &Step) -> &[String] {
    match step {
        Step::Challenge { www_authenticate, trouble: None } => www_authenticate,
        other => panic!("no challenge: {other:?}"),
    }
}

/// What a client did.
struct Fixture {
    name: String,
    policy: Policy,
    certificate_hash: Option<Vec<u8>>,
    now: Duration,
    exchanges: Vec<Exchange>,
}

/// A request, and the answer to it.
#[derive(Default)]
struct Exchange {
    opens_connection: bool,
    /// The header, `-` where there was none.
    authorization: String,
    /// The values of `WWW-Authenticate`.
    answers: Vec<String>,
    /// The caller, or the kind of trouble.
    end: Option<String>,
}

impl Fixture {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sign_in").join(name);
        let text = std::fs::read_to_string(path.with_extension("txt")).expect(name);
        let mut fixture = Self {
            name: name.into(),
            policy: policy(&[]),
            certificate_hash: None,
            now: Duration::ZERO,
            exchanges: vec![],
        };
        let mut opens_connection = true;
        for line in text.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "#" => {}
                "at" => fixture.now = Duration::from_secs(value.parse().unwrap()),
                "offers" => fixture.policy.schemes = value.split(", ").map(scheme).collect(),
                "with" => fixture.allow(value),
                "certificate" => fixture.certificate_hash = data_encoding::HEXLOWER.decode(value.as_bytes()).ok(),
                "connection" => opens_connection = true,
                ">" => {
                    let authorization = value.into();
                    fixture.exchanges.push(Exchange { opens_connection, authorization, ..Exchange::default() });
                    opens_connection = false;
                }
                "<" => fixture.exchanges.last_mut().unwrap().answers.push(value.into()),
                "=" => fixture.exchanges.last_mut().unwrap().end = Some(value.into()),
                other => panic!("{name}: {other}"),
            }
        }
        fixture
    }

    fn all() -> impl Iterator<Item = Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sign_in");
        let files = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        files.map(|it| Self::read(it.file_stem().unwrap().to_str().unwrap()))
    }

    fn allow(&mut self, option: &str) {
        match option {
            "any-password" => self.policy.trust = Trust::AnyPassword,
            "ntlm-v1" => self.policy.ntlm_v1 = true,
            "lenient" => self.policy.channel_binding = ChannelBinding::Lenient,
            "strict" => self.policy.channel_binding = ChannelBinding::Strict,
            "kerberos" => self.policy.kerberos_as = Some(self.policy.accounts[0].clone()),
            other => panic!("{}: {other}", self.name),
        }
    }

    fn connect(&self) -> Connection<'_> {
        let server_certificate_hash = self.certificate_hash.as_deref();
        Connection { now: self.now, server_certificate_hash, ..Connection::new(&self.policy) }
    }

    /// Plays all but the last request; the connection and that.
    fn almost(&self) -> (Connection<'_>, &str) {
        let mut connection = self.connect();
        let (last, before) = self.exchanges.split_last().unwrap();
        for exchange in before {
            challenge(&connection.send(&exchange.authorization));
        }
        (connection, &last.authorization)
    }

    /// The last token.
    fn last_token(&self) -> (&str, Vec<u8>) {
        split(&self.exchanges.last().unwrap().authorization)
    }
}

fn scheme(word: &str) -> Scheme {
    let all = [Scheme::Anonymous, Scheme::Basic, Scheme::Ntlm, Scheme::Negotiate, Scheme::Certificate];
    all.into_iter().find(|it| it.word() == word).expect(word)
}

fn split(header: &str) -> (&str, Vec<u8>) {
    let (scheme, token) = header.split_once(' ').unwrap();
    (scheme, BASE64_STANDARD.decode(token).unwrap())
}

fn header(scheme: &str, token: &[u8]) -> String {
    format!("{scheme} {}", BASE64_STANDARD.encode(token))
}

fn basic(credentials: &[u8]) -> String {
    header("Basic", credentials)
}

#[test]
fn every_client_is_answered_as_it_was() {
    for fixture in Fixture::all() {
        let mut connection = fixture.connect();
        for (at, exchange) in fixture.exchanges.iter().enumerate() {
            if exchange.opens_connection {
                connection = fixture.connect();
            }
            let (answers, end) = match connection.send(&exchange.authorization) {
                Step::Proceed { caller, www_authenticate, .. } => {
                    (www_authenticate.into_iter().collect(), Some(caller.who.to_string()))
                }
                Step::Challenge { www_authenticate, trouble } => (www_authenticate, trouble.map(|it| it.kind().into())),
            };
            assert_eq!(
                (answers, end),
                (exchange.answers.clone(), exchange.end.clone()),
                "{}, request {at}",
                fixture.name
            );
        }
    }
}

#[test]
fn a_protected_sign_in_cannot_be_changed_anywhere() {
    // What SPNEGO says of its own progress is not looked at.
    for (name, unread) in [("pyspnego-raw", 0..0), ("gss-kerberos-before-ntlm", 8..13)] {
        let fixture = Fixture::read(name);
        let (scheme, token) = fixture.last_token();
        let (mut connection, last) = fixture.almost();
        assert_eq!(who(&connection.send(last)), "CONTOSO\\mimservice", "{name}");
        for at in (0..token.len()).filter(|it| !unread.contains(it)) {
            let mut changed = token.clone();
            changed[at] ^= 1;
            let (mut connection, _) = fixture.almost();
            trouble(connection.send(&header(scheme, &changed)));
        }
    }
}

#[test]
fn a_message_cut_short_or_made_longer_signs_nobody_in() {
    for fixture in Fixture::all().filter(|it| it.policy.trust == Trust::Passwords) {
        let first = fixture.exchanges.iter().find(|it| it.authorization != "-").unwrap();
        let (scheme, token) = split(&first.authorization);
        for length in 0..token.len() {
            let mut connection = fixture.connect();
            let step = connection.send(&header(scheme, &token[..length]));
            assert!(matches!(step, Step::Challenge { .. }), "{} to {length}", fixture.name);
        }
    }
    let fixture = Fixture::read("pyspnego-spnego");
    let (scheme, token) = fixture.last_token();
    for length in 0..token.len() {
        let (mut connection, _) = fixture.almost();
        trouble(connection.send(&header(scheme, &token[..length])));
    }
    let (mut connection, _) = fixture.almost();
    trouble(connection.send(&header(scheme, &[&token[..], &[0]].concat())));
}

#[test]
fn a_changed_integrity_code_is_told_from_a_wrong_password() {
    let fixture = Fixture::read("pyspnego-raw");
    let (scheme, mut token) = fixture.last_token();
    token[80] ^= 1;
    let (mut connection, _) = fixture.almost();
    let over = "the three NTLM messages";
    assert_eq!(connection.trouble(&header(scheme, &token)), Trouble::WrongMic { over });
}

#[test]
fn the_integrity_code_covers_the_first_message() {
    let fixture = Fixture::read("pyspnego-raw");
    let (scheme, mut first) = split(&fixture.exchanges[0].authorization);
    *first.last_mut().unwrap() ^= 1;
    let mut connection = fixture.connect();
    challenge(&connection.send(&header(scheme, &first)));
    let over = "the three NTLM messages";
    assert_eq!(connection.trouble(&fixture.exchanges[1].authorization), Trouble::WrongMic { over });
}

#[test]
fn a_list_in_which_ntlm_comes_second_needs_its_integrity_code() {
    let over = "the list of mechanisms";
    let fixture = Fixture::read("gss-kerberos-before-ntlm");
    let (scheme, token) = fixture.last_token();
    let mut changed = token.clone();
    *changed.last_mut().unwrap() ^= 1;
    let (mut connection, _) = fixture.almost();
    assert_eq!(connection.trouble(&header(scheme, &changed)), Trouble::WrongMic { over });

    let mut whole = der::Der::new(&token);
    let mut parts = whole.take(0xa1, "").unwrap().take(0x30, "").unwrap();
    parts.take(0xa0, "").unwrap();
    let message = parts.take(0xa2, "").unwrap().bytes();
    let bare = der::put(0xa1, &der::put(0x30, &der::put(0xa2, message)));
    let (mut connection, _) = fixture.almost();
    assert_eq!(connection.trouble(&header(scheme, &bare)), Trouble::NoMic { over });
}

#[test]
fn a_sign_in_lives_on_its_connection() {
    let fixture = Fixture::read("pyspnego-raw");
    let [first, last] = [0, 1].map(|at| fixture.exchanges[at].authorization.as_str());
    let mut connection = fixture.connect();
    challenge(&connection.send(first));
    let step = connection.send(last);
    let Step::Proceed { caller, www_authenticate: None, persistent: true, .. } = &step else { panic!("{step:?}") };
    assert_eq!(caller.scheme, Scheme::Negotiate);

    for _ in 0..2 {
        let step = connection.send("-");
        let Step::Proceed { persistent: false, .. } = &step else { panic!("{step:?}") };
        assert_eq!(who(&step), "CONTOSO\\mimservice");
    }
    // A first message starts again, whatever was before.
    challenge(&connection.send(first));
    assert_eq!(challenge(&connection.send("-")), ["Negotiate", "NTLM"]);
    assert_eq!(connection.trouble(last), Trouble::OtherConnection {});
}

#[test]
fn a_sign_in_through_a_proxy_counts_for_its_request_alone() {
    for name in ["pyspnego-raw", "pyspnego-spnego"] {
        let fixture = Fixture::read(name);
        let (mut connection, last) = fixture.almost();
        connection.via = true;
        let step = connection.send(last);
        assert_eq!(who(&step), "CONTOSO\\mimservice");
        assert_eq!(warnings(&step), [Warning::Via]);
        assert!(matches!(step, Step::Proceed { persistent: false, .. }));
        challenge(&connection.send("-"));
        // A connection that is signed in is not, for a request through a proxy.
        let (mut connection, last) = fixture.almost();
        who(&connection.send(last));
        connection.via = true;
        challenge(&connection.send("-"));
    }
}

#[test]
fn an_answer_to_the_challenge_of_another_connection_is_no_wrong_password() {
    let fixture = Fixture::read("pyspnego-raw");
    let (_, last) = fixture.almost();
    let mut connection = fixture.connect();
    connection.now += MINUTE;
    challenge(&connection.send_with_nonce(&fixture.exchanges[0].authorization, [7; 8]));
    let account = "CONTOSO\\mimservice".to_owned();
    assert_eq!(connection.trouble(last), Trouble::OtherChallenge { account });
}

#[test]
fn a_sign_in_is_half_way_between_the_challenge_and_its_answer() {
    let fixture = Fixture::read("pyspnego-raw");
    assert!(!fixture.connect().conversation.is_half_way());
    let (mut connection, last) = fixture.almost();
    assert!(connection.conversation.is_half_way());
    connection.send(last);
    assert!(!connection.conversation.is_half_way());
}

#[test]
fn a_challenge_is_good_for_one_answer() {
    let fixture = Fixture::read("pyspnego-raw-wrong-password");
    let right = Fixture::read("pyspnego-raw");
    let (mut connection, wrong) = fixture.almost();
    let step = connection.send(wrong);
    let Step::Challenge { www_authenticate, trouble: Some(Trouble::WrongPassword { .. }) } = &step else {
        panic!("{step:?}")
    };
    assert_eq!(www_authenticate, &["Negotiate", "NTLM"]);
    assert_eq!(connection.trouble(wrong), Trouble::OtherConnection {});
    // And then the right password, from the start.
    connection.now = right.now;
    challenge(&connection.send(&right.exchanges[0].authorization));
    assert_eq!(who(&connection.send(&right.exchanges[1].authorization)), "CONTOSO\\mimservice");
    assert_eq!(connection.trouble(&right.exchanges[1].authorization), Trouble::OtherConnection {});
}

#[test]
fn messages_out_of_turn_are_told_apart() {
    let bare = Fixture::read("pyspnego-raw");
    let wrapped = Fixture::read("pyspnego-spnego");
    let policy = policy(&[Scheme::Negotiate, Scheme::Ntlm]);
    let connect = || Connection::new(&policy);
    let out_of_turn = |trouble| matches!(trouble, Trouble::OutOfTurn { .. });

    // A later message on a connection that has seen no first.
    for fixture in [&bare, &wrapped] {
        assert_eq!(connect().trouble(&fixture.exchanges[1].authorization), Trouble::OtherConnection {});
    }
    // Our own message sent back.
    let mut connection = connect();
    let ours = challenge(&connection.send(&bare.exchanges[0].authorization))[0].clone();
    assert!(out_of_turn(connection.trouble(&ours)));
    // Begun bare and ended within SPNEGO, and the other way round.
    for [first, last] in [[&bare, &wrapped], [&wrapped, &bare]] {
        let mut connection = connect();
        challenge(&connection.send(&first.exchanges[0].authorization));
        assert!(out_of_turn(connection.trouble(&last.exchanges[1].authorization)));
    }
    // Begun under Negotiate and ended under NTLM.
    let mut connection = connect();
    challenge(&connection.send(&bare.exchanges[0].authorization));
    let (_, token) = bare.last_token();
    assert!(out_of_turn(connection.trouble(&header("NTLM", &token))));
    // NTLM was chosen from the list, and skips its first message.
    let second_choice = Fixture::read("gss-kerberos-before-ntlm");
    let mut connection = connect();
    challenge(&connection.send(&second_choice.exchanges[0].authorization));
    assert!(out_of_turn(connection.trouble(&second_choice.exchanges[2].authorization)));
}

#[test]
fn a_clock_may_be_off_by_36_hours_and_is_mentioned_after_five_minutes() {
    let fixture = Fixture::read("pyspnego-raw");
    let sign_in = |later: Duration| {
        let (mut connection, last) = fixture.almost();
        connection.now += later;
        connection.send(last)
    };
    assert_eq!(warnings(&sign_in(4 * MINUTE)), []);
    let account = AccountName::from("CONTOSO\\mimservice");
    let skew = ClockSkew::Behind(6 * MINUTE);
    assert_eq!(warnings(&sign_in(6 * MINUTE)), [Warning::ClockSkew { account: account.clone(), skew }]);
    assert_eq!(warnings(&sign_in(36 * HOUR)).len(), 1);
    let skew = ClockSkew::Behind(37 * HOUR);
    let found = trouble(sign_in(37 * HOUR));
    assert_eq!(found, Trouble::ClockSkew { account: account.to_string(), skew: skew.to_string() });
    assert_eq!(
        found.to_string(),
        "The clock of the client that signed in as CONTOSO\\mimservice is 37 hours behind this server's; Windows allows 36 hours."
    );
    assert_eq!(ClockSkew::of(10 * MINUTE, MINUTE), ClockSkew::Ahead(9 * MINUTE));
}

#[test]
fn channel_binding_is_as_strict_as_the_policy() {
    let check = |name, binding, hash: Option<&[u8]>| {
        let mut fixture = Fixture::read(name);
        fixture.policy.channel_binding = binding;
        let (mut connection, last) = fixture.almost();
        connection.server_certificate_hash = hash;
        match connection.send(last) {
            Step::Proceed { .. } => "passes",
            Step::Challenge { trouble, .. } => trouble.unwrap().kind(),
        }
    };
    let hash = Fixture::read("pyspnego-binding").certificate_hash.unwrap();
    for (binding, bound, unbound, bound_to_another) in [
        (ChannelBinding::None, "passes", "passes", "passes"),
        (ChannelBinding::Lenient, "passes", "passes", "wrong-channel-binding"),
        (ChannelBinding::Strict, "passes", "no-channel-binding", "wrong-channel-binding"),
    ] {
        assert_eq!(check("pyspnego-binding", binding, Some(&hash)), bound);
        assert_eq!(check("pyspnego-binding-missing", binding, Some(&hash)), unbound);
        assert_eq!(check("pyspnego-binding-wrong", binding, Some(&hash)), bound_to_another);
        assert_eq!(check("pyspnego-binding-wrong", binding, None), "passes", "without TLS");
    }
    let mut version_1 = Fixture::read("mono");
    version_1.policy.channel_binding = ChannelBinding::Strict;
    let mut connection = version_1.connect();
    connection.server_certificate_hash = Some(&hash);
    challenge(&connection.send(&version_1.exchanges[1].authorization));
    assert_eq!(connection.trouble(&version_1.exchanges[2].authorization).kind(), "no-channel-binding");
}

#[test]
fn any_password_signs_a_listed_account_in_and_leaves_out_negotiate() {
    let mut fixture = Fixture::read("curl-ntlm-wrong-password");
    fixture.policy.trust = Trust::AnyPassword;
    assert_eq!(challenge(&fixture.connect().send("-")), ["NTLM"]);
    let (mut connection, last) = fixture.almost();
    let step = connection.send(last);
    assert_eq!(who(&step), "CONTOSO\\mimservice");
    assert!(matches!(warnings(&step), [Warning::AnyPassword { .. }, ..]));
    let negotiate = Fixture::read("pyspnego-spnego");
    assert_eq!(
        fixture.connect().trouble(&negotiate.exchanges[0].authorization),
        Trouble::SchemeNotOffered { scheme: "Negotiate".into(), offered: "ntlm".into() }
    );

    let mut unknown = Fixture::read("curl-ntlm-unknown");
    unknown.policy.trust = Trust::AnyPassword;
    let (mut connection, last) = unknown.almost();
    assert_eq!(connection.trouble(last).kind(), "unknown-account");
    unknown.policy.trust = Trust::Anybody;
    let (mut connection, last) = unknown.almost();
    let step = connection.send(last);
    let Step::Proceed { caller: Caller { who: Who::Unlisted(name), .. }, .. } = step else { panic!("{step:?}") };
    assert_eq!(name.to_string(), "CONTOSO\\nobody");

    // An anonymous client and the old version stay out.
    for (name, kind) in [("curl-ntlm-nobody", "no-credentials"), ("pyspnego-v1-refused", "ntlm-v1")] {
        let mut fixture = Fixture::read(name);
        fixture.policy.trust = Trust::Anybody;
        let (mut connection, last) = fixture.almost();
        assert_eq!(connection.trouble(last).kind(), kind);
    }
}

#[test]
fn an_account_without_a_password_says_so() {
    let mut fixture = Fixture::read("pyspnego-spnego");
    fixture.policy.accounts = vec![Arc::new(Account { name: "CONTOSO\\mimservice".into(), ..Account::default() })];
    let (mut connection, last) = fixture.almost();
    assert_eq!(connection.trouble(last), Trouble::NoPassword { account: "CONTOSO\\mimservice".into() });
}

#[test]
fn kerberos_alone_is_refused_with_the_name_of_the_service() {
    for (name, service) in
        [("gss-kerberos", "HTTP/localhost@CONTOSO.COM"), ("gss-kerberos-bare", "HTTP/mfa01.contoso.com@CONTOSO.COM")]
    {
        let mut fixture = Fixture::read(name);
        fixture.policy.kerberos_as = None;
        let trouble = fixture.connect().trouble(&fixture.exchanges[0].authorization);
        assert_eq!(trouble, Trouble::KerberosTicket { service: service.into() });
    }
}

#[test]
fn any_ticket_passes_where_the_policy_names_an_account_for_it() {
    let mut fixture = Fixture::read("gss-kerberos-before-ntlm");
    fixture.allow("kerberos");
    let mut connection = fixture.connect();
    let step = connection.send(&fixture.exchanges[0].authorization);
    assert_eq!(who(&step), "CONTOSO\\mimservice");
    let [warning] = warnings(&step) else { panic!("{step:?}") };
    assert_eq!(
        warning.to_string(),
        "A Kerberos ticket for HTTP/localhost@CONTOSO.COM was let in unread, as CONTOSO\\mimservice: the scenario says so. Any client could have made it."
    );
    assert_eq!(who(&connection.send("-")), "CONTOSO\\mimservice");
}

#[test]
fn a_list_without_ntlm_is_named() {
    let policy = policy(&[Scheme::Negotiate]);
    let nego_ex = der::put(0x06, &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x1e]);
    let init = der::put(0xa0, &der::put(0x30, &der::put(0xa0, &der::put(0x30, &nego_ex))));
    let trouble = Connection::new(&policy).trouble(&header("Negotiate", &init));
    assert_eq!(trouble, Trouble::NoCommonMechanism { offered: "NegoEx".into() });
}

#[test]
fn ntlm_is_chosen_where_the_client_names_it_first_and_sends_no_message_yet() {
    let fixture = Fixture::read("pyspnego-spnego");
    let ntlm = der::put(0x06, &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x0a]);
    let init = der::put(0xa0, &der::put(0x30, &der::put(0xa0, &der::put(0x30, &ntlm))));
    let mut connection = fixture.connect();
    let chosen = challenge(&connection.send(&header("Negotiate", &init)))[0].clone();
    assert_eq!(split(&chosen).1[..9], [0xa1, 21, 0x30, 19, 0xa0, 3, 0x0a, 1, 1]);

    let bare = Fixture::read("pyspnego-raw");
    let response = |at: usize| {
        let (_, message) = split(&bare.exchanges[at].authorization);
        header("Negotiate", &der::put(0xa1, &der::put(0x30, &der::put(0xa2, &der::put(0x04, &message)))))
    };
    connection.now = bare.now;
    challenge(&connection.send(&response(0)));
    assert_eq!(who(&connection.send(&response(1))), "CONTOSO\\mimservice");
}

#[test]
fn a_certificate_signs_its_account_in() {
    let subject = "C=DE, O=Contoso, CN=mimservice";
    let thumbprint =
        "\u{200e}a9 99 3e 36 47 06 81 6a ba 3e 25 71 78 50 c2 6c 9c d0 d8 9d".parse::<Thumbprint>().unwrap();
    assert_eq!(thumbprint.to_string(), "A9993E364706816ABA3E25717850C26C9CD0D89D");
    assert!("a9993e".parse::<Thumbprint>().is_err());

    let mut policy = policy(&[Scheme::Certificate]);
    let mut certificate = ClientCertificate { subject: subject.into(), thumbprint, problem: None };
    let send = |policy: &Policy, certificate: Option<&ClientCertificate>| {
        Connection { certificate, ..Connection::new(policy) }.send("-")
    };
    let refused = send(&policy, None);
    let Step::Challenge { www_authenticate, trouble: Some(Trouble::NoCertificate {}) } = &refused else {
        panic!("{refused:?}")
    };
    assert!(www_authenticate.is_empty(), "so that the answer is 403");
    assert_eq!(
        trouble(send(&policy, Some(&certificate))),
        Trouble::UnknownCertificate { subject: subject.into(), thumbprint: thumbprint.to_string() }
    );

    for name in [
        CertificateName::Subject("cn=MimService,o=Contoso,c=DE".parse().unwrap()),
        CertificateName::Thumbprint(thumbprint),
    ] {
        policy.accounts[0] =
            Arc::new(Account { name: "mimservice".into(), certificates: vec![name], ..Account::default() });
        let step = send(&policy, Some(&certificate));
        assert_eq!(who(&step), "mimservice");
    }
    certificate.problem = Some("it ended on 2026-01-31".into());
    assert_eq!(
        trouble(send(&policy, Some(&certificate))).to_string(),
        "The client's certificate C=DE, O=Contoso, CN=mimservice is not valid: it ended on 2026-01-31."
    );
    // Beside another scheme the lack of a certificate is no trouble.
    policy.schemes.push(Scheme::Ntlm);
    assert_eq!(challenge(&send(&policy, None)), ["NTLM"]);
}

#[test]
fn anonymous_passes_whatever_the_header_says() {
    let policy = policy(&[Scheme::Anonymous, Scheme::Basic]);
    for header in ["-", "Bearer abc", "NTLM TlRMTVNTUAABAAAABoIIAAAAAAAAAAAAAAAAAAAAAAA="] {
        assert_eq!(who(&Connection::new(&policy).send(header)), "anonymous");
    }
    // But a scheme that is offered is taken at its word.
    let step = Connection::new(&policy).send(&basic(b"mimservice:wrong"));
    assert_eq!(trouble(step).kind(), "wrong-password");
}

#[test]
fn basic_reads_names_and_passwords_as_clients_write_them() {
    let mut policy = policy(&[Scheme::Basic]);
    policy.accounts.push(account("CONTOSO\\colon", "a:b:"));
    let sign_in = |credentials: &[u8]| Connection::new(&policy).send(&basic(credentials));
    for credentials in [
        &b"mimservice:Winter-2026!"[..],
        b"CONTOSO\\MIMSERVICE:Winter-2026!",
        b"contoso.com\\mimservice:Winter-2026!",
        b"mimservice@contoso.com:Winter-2026!",
        b"mimservice@CONTOSO:Winter-2026!",
        b".\\mimservice:Winter-2026!",
    ] {
        assert_eq!(who(&sign_in(credentials)), "CONTOSO\\mimservice");
    }
    assert_eq!(who(&sign_in(b"j\xf6rg:Gr\xfc\xdfe, \xd6l")), "CONTOSO\\jörg", "Latin-1");
    assert_eq!(who(&sign_in("jörg:Grüße, Öl".as_bytes())), "CONTOSO\\jörg", "UTF-8");
    assert_eq!(who(&sign_in(b"colon:a:b:")), "CONTOSO\\colon");
    for (credentials, kind) in [
        (&b"mimservice:winter-2026!"[..], "wrong-password"),
        (b"mimservice:", "wrong-password"),
        (b"FABRIKAM\\mimservice:Winter-2026!", "unknown-account"),
        (b":Winter-2026!", "no-credentials"),
        (b"mimservice", "malformed"),
        (b"mim\nservice:Winter-2026!", "malformed"),
    ] {
        assert_eq!(trouble(sign_in(credentials)).kind(), kind);
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let policy = policy(&[Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic]);
    let bare = Fixture::read("pyspnego-raw");
    let changed = |at: usize, bytes: &[u8]| {
        let (_, mut token) = bare.last_token();
        token[at..at + bytes.len()].copy_from_slice(bytes);
        let mut connection = Connection::new(&policy);
        challenge(&connection.send(&bare.exchanges[0].authorization));
        connection.trouble(&header("Negotiate", &token)).to_string()
    };
    assert_eq!(
        changed(40, &[0xff, 0xff, 0xff, 0xff]),
        "The last NTLM message cannot be read: the user name lies outside the message (byte 36)."
    );
    assert_eq!(
        changed(28, &[0xff, 0xff]),
        "The last NTLM message cannot be read: the domain lies outside the message (byte 28)."
    );
    assert_eq!(changed(36, &[3]), "The last NTLM message cannot be read: the user name is not UTF-16 (byte 36).");
    assert_eq!(changed(52, &[8]), "The last NTLM message cannot be read: the session key has not 16 bytes (byte 52).");

    let nested = (0..3000).fold(vec![], |inner, _| der::put(0xa0, &inner));
    let list = der::put(0xa0, &der::put(0x30, &der::put(0xa0, &der::put(0x30, &der::put(0x06, &[1; 9]).repeat(60)))));
    for (header, text) in [
        ("NTLM".into(), "The Authorization header cannot be read: the token is missing (byte 0)."),
        ("NTLM TlRM!".into(), "The Authorization header cannot be read: the token is not Base64 (byte 4)."),
        ("NTLM TlRMT".into(), "The Authorization header cannot be read: the token is cut off (byte 5)."),
        ("NTLM oQcwBaADCgEB".into(), "The NTLM message cannot be read: the signature is not that of NTLM (byte 0)."),
        (
            header("NTLM", b"NTLMSSP\0\x04\0\0\0"),
            "The NTLM message cannot be read: the message type is none of 1 to 3 (byte 8).",
        ),
        (
            header("NTLM", b"NTLMSSP\0\x01\0\0\0"),
            "The first NTLM message cannot be read: the flag word lies outside the message (byte 12).",
        ),
        (
            header("NTLM", b"NTLMSSP\0\x01\0\0\0\0\0\0\0"),
            "The first NTLM message cannot be read: the flag word says neither Unicode nor OEM (byte 12).",
        ),
        (
            header("Negotiate", b"hello"),
            "The Negotiate token cannot be read: the token is neither NTLM nor SPNEGO nor Kerberos (byte 0).",
        ),
        (
            header("Negotiate", &nested),
            "The Negotiate token cannot be read: the first message is missing where another value stands (byte 4).",
        ),
        (
            header("Negotiate", &list),
            "The Negotiate token cannot be read: the list of mechanisms is longer than 512 bytes (byte 12).",
        ),
        (
            header("Negotiate", &[0xa1, 0x80, 0x30, 0, 0, 0]),
            "The Negotiate token cannot be read: the later message has no length that DER allows (byte 0).",
        ),
        (
            header("Negotiate", &[0xa1, 0x83, 0xff, 0xff, 0xff]),
            "The Negotiate token cannot be read: the later message is cut off (byte 5).",
        ),
    ] {
        assert_eq!(Connection::new(&policy).trouble(&header).to_string(), text);
    }
    let mut long = b"NTLMSSP\0\x01\0\0\0\x01\0\0\0".to_vec();
    long.resize(1025, 0);
    assert_eq!(Connection::new(&policy).trouble(&header("NTLM", &long)).kind(), "malformed");
    assert_eq!(
        Connection::new(&policy).trouble(&format!("NTLM {}", "A".repeat(20_000))),
        Trouble::TooLong { length: 20_005 }
    );
    assert_eq!(trouble(Connection::new(&policy).send_bytes(Some(b"NTLM \xff\0\xfe"))).kind(), "malformed");
}

#[test]
fn a_sign_in_half_way_holds_five_kilobytes_at_most() {
    let long = "x".repeat(300);
    let names = Names { domain: long.clone(), computer: long.clone(), dns_domain: long.clone(), dns_computer: long };
    let mut first = b"NTLMSSP\0\x01\0\0\0\x01\0\0\0".to_vec();
    first.resize(1024, 0);
    let challenge = ntlm::Challenge::answer(&first, &names, NONCE, MINUTE).unwrap();
    let list = 512;
    assert!(first.len() + challenge.message().len() + list < 5 * 1024);
}

#[test]
fn a_header_without_a_scheme_is_not_shown() {
    let policy = policy(&[Scheme::Ntlm]);
    let offered = "ntlm".to_owned();
    for (header, scheme) in [
        ("Digest username=\"mimservice\"", "Digest"),
        ("bWltc2VydmljZTpXaW50ZXI=", "something that names no scheme"),
        ("", "something that names no scheme"),
    ] {
        let trouble = Connection::new(&policy).trouble(header);
        assert_eq!(trouble, Trouble::SchemeNotOffered { scheme: scheme.into(), offered: offered.clone() });
    }
}

#[test]
fn every_scheme_is_offered_in_the_order_of_the_policy() {
    let mut policy = policy(&[Scheme::Negotiate, Scheme::Certificate, Scheme::Ntlm, Scheme::Anonymous, Scheme::Basic]);
    policy.names.dns_computer = "a\"b\\c\r\nü".into();
    assert_eq!(policy.www_authenticate(), ["Negotiate", "NTLM", "Basic realm=\"a?b?c???\""]);
}

#[test]
fn groups_ignore_letter_case() {
    let account = account("CONTOSO\\mimservice", "");
    assert!(account.is_in("phonefactor admins"));
    assert!(!account.is_in("PhoneFactor"));
}
