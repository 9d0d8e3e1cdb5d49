//! `locmfa mim call` and `locmfa mim connect`, against servers over real sockets.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use locmfa::client::flow::{Answered, Gate, Outcome, Plan, Round, place};
use locmfa::client::{CallStage, Client};
use locmfa::mim::Service;
use locmfa::mim::connect;
use locmfa::mim::step::{Step, Verdict};
use locmfa::server::accept::{Listening, serve};
use locmfa::server::app;
use locmfa::server::connection::Limits;
use locmfa::sign_in::Credentials;
use locmfa::testing::Server;
use locmfa::tls::{Certificates, Keys, Renewable, Trust, TrustAnchor, read_certificates};

use crate::site;

const SERVED: &str = r#"
accounts:
  - {name: CONTOSO\mimservice, password: Winter-2026!, groups: [PhoneFactor Admins]}
  - {name: CONTOSO\visitor, password: Winter-2026!}
company: {ring: 0s, passcode: {code: "123456"}}
users:
  - mimservice@contoso.com
  - {username: asleep, enabled: false}
rules:
  - {when: {phone: "+1 425 555 0111"}, outcome: busy}
"#;

/// A server that ends with the test.
struct Running {
    address: SocketAddr,
    authority: Vec<CertificateDer<'static>>,
    _server: Option<Server>,
}

/// The scenario with these ways to sign in.
fn served(sign_in: &str) -> String {
    format!("server: {{sign_in: [{sign_in}]}}{SERVED}")
}

impl Running {
    fn start(sign_in: &str) -> Self {
        let server = Server::builder().scenario(served(sign_in)).start();
        let port = server.url().split([':', '/']).nth(4).unwrap().parse().unwrap();
        let authority = vec![CertificateDer::from_pem_slice(server.authority_pem().as_bytes()).unwrap()];
        Self { address: SocketAddr::from(([127, 0, 0, 1], port)), authority, _server: Some(server) }
    }

    /// A server with certificates of its owner.
    async fn with(certificates: Certificates, authority: Vec<CertificateDer<'static>>) -> Self {
        let site = site(&served("ntlm"));
        let listening = Listening::bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
        let address = listening.addresses()[0];
        let tls = Arc::new(Renewable::new(Arc::new(certificates), None).unwrap());
        let forever = std::future::pending();
        tokio::spawn(serve(listening, Some(tls), app(site.0), Limits::default(), forever));
        Self { address, authority, _server: None }
    }

    /// A client that trusts the server by a file.
    fn client(&self, account: &str, password: &str) -> Client {
        let url = format!("https://{}/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx", self.address);
        let mut client = client(&url);
        client.trust = Trust::new(vec![], self.authority.clone());
        client.credentials = Some(Credentials { account: account.into(), password: password.into() });
        client
    }
}

/// A client without trust anchors and without credentials.
fn client(url: &str) -> Client {
    Client { target: url.parse().unwrap(), trust: Trust::new(vec![], vec![]), credentials: None }
}

fn plan(gate: Gate, number: &str) -> Plan {
    Plan {
        gate,
        number: number.into(),
        username: "mimservice@contoso.com".into(),
        country_code: String::new(),
        codes: Vec::new(),
        wait: Duration::from_secs(30),
    }
}

async fn call(client: &Client, plan: &Plan) -> Round {
    place(client, plan, async { Err("there is no terminal".to_owned()) }).await
}

fn answers(round: &Round) -> Vec<String> {
    round.answers.iter().map(Answered::to_string).collect()
}

#[tokio::test]
async fn every_way_to_sign_in_brings_the_call_through() {
    for (sign_in, word) in [("basic", "basic"), ("ntlm", "ntlm"), ("negotiate, ntlm, basic", "negotiate")] {
        let server = Running::start(sign_in);
        let client = server.client(r"CONTOSO\mimservice", "Winter-2026!");
        let round = call(&client, &plan(Gate::Phone, "1 4255550100")).await;
        assert_eq!(round.outcome, Outcome::Passed, "{sign_in}: {round:?}");
        assert_eq!(answers(&round), ["PfAuthUser_5: true, call result 2 No PIN Entered"]);
        assert_eq!(round.signed_in.map(|it| it.word()), Some(word));
        let legs = if word == "basic" { 2 } else { 3 };
        assert_eq!(round.exchanges.len(), legs);
        assert!(!format!("{round:?} {client:?}").contains("Winter-2026!"));
        assert!(round.exchanges[legs - 1].request.contains("characters left out"));
    }
}

#[tokio::test]
async fn where_nobody_asks_nobody_signs_in() {
    let server = Running::start("anonymous");
    let mut client = server.client("", "");
    client.credentials = None;
    let round = call(&client, &plan(Gate::Pam, "14255550100")).await;
    assert_eq!((round.outcome, round.signed_in, round.exchanges.len()), (Outcome::Passed, None, 1));
}

#[tokio::test]
async fn who_cannot_sign_in_is_told_why() {
    let server = Running::start("negotiate, ntlm");
    let plan = plan(Gate::Phone, "1 4255550100");
    let failure = async |client: &Client| {
        let round = call(client, &plan).await;
        assert_eq!(round.outcome, Outcome::Failed);
        let failure = round.failure.unwrap();
        assert!(!failure.remedy.is_empty());
        (failure.at, failure.what)
    };
    let (at, what) = failure(&server.client(r"CONTOSO\mimservice", "Summer-2026!")).await;
    assert_eq!(
        (at, &*what),
        (CallStage::SignIn, r"The service refused CONTOSO\mimservice (on offer: Negotiate, NTLM).")
    );
    let (at, what) = failure(&server.client(r"CONTOSO\visitor", "Winter-2026!")).await;
    assert!(at == CallStage::Group && what.contains("not in the group PhoneFactor Admins"), "{what}");
    let mut anonymous = server.client("", "");
    anonymous.credentials = None;
    let (at, what) = failure(&anonymous).await;
    assert!(at == CallStage::SignIn && what.contains("there is no account to sign in as"), "{what}");
}

#[tokio::test]
async fn a_denial_says_how_the_call_ended() {
    let server = Running::start("ntlm");
    let client = server.client("mimservice", "Winter-2026!");
    let round = call(&client, &plan(Gate::Phone, "1 4255550111")).await;
    assert_eq!(round.outcome, Outcome::Denied);
    assert!(answers(&round)[0].starts_with("PfAuthUser_5: false, call result 101"), "{round:?}");
}

#[tokio::test]
async fn a_text_message_takes_two_calls() {
    let server = Running::start("ntlm");
    let client = server.client("mimservice", "Winter-2026!");
    let text = plan(Gate::Text, "1 4255550102");
    let round = place(&client, &text, async { Ok("123456".into()) }).await;
    assert_eq!(round.outcome, Outcome::Passed, "{round:?}");
    assert_eq!(answers(&round), ["PfAuthUser_5: true, call result 20 Text Message Sent", "ValidatePasscode: true"]);
    let sent: String = round.exchanges.iter().map(|it| it.request.as_str()).collect();
    assert!(sent.contains("<passcode>(secret)</passcode>") && !sent.contains("123456"));

    let wrong = place(&client, &text, async { Ok("111111".into()) }).await;
    assert_eq!(wrong.outcome, Outcome::Denied);
    assert!(answers(&wrong)[1].starts_with("ValidatePasscode: false, error "), "{wrong:?}");
    assert!(call(&client, &text).await.failure.unwrap().what.contains("There is no code"));

    let typed = Plan { codes: ["111111", "222222", "123456", "123456"].map(Into::into).into(), ..text };
    let mistyped = place(&client, &typed, async { Err("it has codes".to_owned()) }).await;
    let results: Vec<_> = mistyped.answers.iter().map(|it| it.result).collect();
    assert_eq!((mistyped.outcome, results), (Outcome::Passed, vec![true, false, false, true]));
}

#[tokio::test]
async fn numbers_go_out_as_each_gate_writes_them() {
    let sent = |gate, number: &str, country_code: &str| {
        let request = Plan { country_code: country_code.into(), ..plan(gate, number) }.request();
        (request.country_code.unwrap_or_default(), request.phone_number.unwrap_or_default())
    };
    let pair = |country: &str, number: &str| (country.to_owned(), number.to_owned());
    assert_eq!(sent(Gate::Phone, "1 4255550100", ""), pair("1", "4255550100"));
    assert_eq!(sent(Gate::Text, "+49 30 5550100", "1"), pair("49", "305550100"));
    assert_eq!(sent(Gate::Phone, "+14255550100", "1"), pair("", "+14255550100"));
    assert_eq!(sent(Gate::Phone, "4255550100", "1"), pair("1", "4255550100"));
    assert_eq!(sent(Gate::Pam, "+1 425 555 0100", "1"), pair("", "14255550100"));
}

/// A certificate of its own making, for a name, and whether it is valid.
async fn self_signed(name: &str, is_current: bool) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.into()]).unwrap();
    if !is_current {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let files = ["own.pem", "own-key.pem"].map(|it| folder.path().join(it));
    std::fs::write(&files[0], certificate.pem()).unwrap();
    std::fs::write(&files[1], key.serialize_pem()).unwrap();
    let certificates = Certificates::from_pem(&files[0], &files[1]).unwrap();
    Running::with(certificates, vec![certificate.der().clone()]).await
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_before_anything_is_sent() {
    let what = async |client: &Client| {
        let failure = client.connect(Instant::now() + Duration::from_secs(30)).await.unwrap_err();
        assert_eq!(failure.at, CallStage::Certificate);
        failure.what
    };
    let server = Running::start("ntlm");
    let mut stranger = server.client("mimservice", "Winter-2026!");
    stranger.trust = Trust::new(vec![], vec![]);
    assert!(what(&stranger).await.contains("comes from an authority that this machine does not trust"));

    let elsewhere = self_signed("elsewhere.test", true).await;
    let text = what(&elsewhere.client("mimservice", "")).await;
    assert_eq!(text, "The certificate is for elsewhere.test, and the URL says 127.0.0.1.");
    let old = self_signed("127.0.0.1", false).await;
    assert!(what(&old.client("mimservice", "")).await.contains("2020-01-01 to 2021-01-01"));
}

#[tokio::test]
async fn who_trusts_a_certificate_is_told_apart() {
    let server = Running::start("ntlm");
    let trusted = async |trust| {
        let mut client = server.client("", "");
        client.trust = trust;
        let stream = TcpStream::connect(server.address).await.unwrap();
        let soon = Instant::now() + Duration::from_secs(30);
        client.handshake(stream, soon).await.unwrap().1.certificate.trust_anchor
    };
    let authority = || server.authority.clone();
    assert_eq!(trusted(Trust::new(authority(), vec![])).await, TrustAnchor::Machine);
    assert_eq!(trusted(Trust::new(authority(), authority())).await, TrustAnchor::Machine);
    assert_eq!(trusted(Trust::new(vec![], authority())).await, TrustAnchor::File);
    assert!(matches!(trusted(Trust::new(vec![], vec![])).await, TrustAnchor::None(_)));
}

/// A server that answers every request with that text and closes; with an empty text it says nothing.
async fn canned(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if !text.is_empty() {
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(text.as_bytes()).await;
            }
            kept.push(stream);
        }
    });
    format!("{address}/PfWsSdk.asmx")
}

#[tokio::test]
async fn a_service_that_is_none_is_told_in_one_sentence() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let xml = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n";
    let leaked = |text: String| &*Box::leak(text.into_boxed_str());
    for (url, at, words) in [
        (format!("http://{closed}/"), CallStage::Port, "Nothing takes connections at"),
        ("http://no..where/".into(), CallStage::Name, "has no address here"),
        (format!("https://{}", canned("HTTP/1.1 400 Bad Request\r\n\r\n").await), CallStage::Tls, "does not speak TLS"),
        (
            format!(
                "http://{}",
                canned("HTTP/1.1 302 Found\r\nLocation: https://other.test/\r\nContent-Length: 0\r\n\r\n").await
            ),
            CallStage::Call,
            "sends callers on to https://other.test/",
        ),
        (
            format!(
                "http://{}",
                canned("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=x\r\nContent-Length: 0\r\n\r\n")
                    .await
            ),
            CallStage::SignIn,
            "signs in by Digest alone",
        ),
        (
            format!("http://{}", canned("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await),
            CallStage::Call,
            "There is no service at /PfWsSdk.asmx",
        ),
        (
            format!(
                "http://{}",
                canned("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx").await
            ),
            CallStage::Call,
            "not text/xml",
        ),
        (
            format!("http://{}", canned(leaked(format!("{xml}Content-Length: 3\r\n\r\n<a>"))).await),
            CallStage::Call,
            "The answer is not XML",
        ),
        (
            format!("http://{}", canned(leaked(format!("{xml}Content-Length: 4\r\n\r\n<a/>"))).await),
            CallStage::Call,
            "no SOAP envelope",
        ),
        (
            format!("http://{}", canned("hello\r\n\r\n").await),
            CallStage::Call,
            "The connection ended before the answer",
        ),
    ] {
        let round = call(&client(&url), &plan(Gate::Phone, "1 4255550100")).await;
        let failure = round.failure.unwrap();
        assert_eq!(failure.at, at, "{url}: {failure}");
        assert!(failure.what.contains(words) && failure.what.ends_with('.'), "{url}: {failure}");
        assert!(!failure.remedy.is_empty());
    }
    let url = format!("http://{}", canned("").await);
    let patience = Plan { wait: Duration::from_millis(20), ..plan(Gate::Phone, "1 4255550100") };
    let failure = call(&client(&url), &patience).await.failure.unwrap();
    assert!(failure.what.contains("of waiting for the answer"), "{failure}");
}

async fn chain(client: &Client, username: &str) -> Vec<Step> {
    let settings = Service { username: username.into(), ..Service::default() };
    let mut steps = Vec::new();
    connect::check(client, &settings, None, &mut |step| steps.push(step)).await;
    steps
}

fn shown(steps: &[Step]) -> String {
    steps.iter().map(|it| format!("{it}\n")).collect()
}

fn verdicts(steps: &[Step]) -> Vec<(&str, Verdict)> {
    steps.iter().map(|it| (it.step, it.verdict)).collect()
}

#[tokio::test]
async fn the_chain_is_gone_along_to_its_end() {
    let server = Running::start("negotiate, ntlm");
    let mut client = server.client(r"CONTOSO\mimservice", "Winter-2026!");
    client.trust = Trust::new(server.authority.clone(), vec![]);
    client.target = client.target.to_string().replace("127.0.0.1", "localhost").parse().unwrap();
    let steps = chain(&client, "mimservice@contoso.com").await;
    let names = [
        "name",
        "port",
        "TLS",
        "certificate names",
        "certificate dates",
        "certificate trust",
        "sign-in",
        "PhoneFactor Admins",
        "TestSecurity",
        "TestMasterConnection",
        "user",
        "challenge",
    ];
    assert_eq!(steps.iter().map(|it| it.step).collect::<Vec<_>>(), names, "{}", shown(&steps));
    // localhost may be ::1 first, where this server does not listen.
    assert!(steps.iter().all(|it| it.verdict == Verdict::Ok || it.step == "port"), "{}", shown(&steps));
    assert!(shown(&steps).contains("ended with result 2, No PIN Entered"));
    assert!(shown(&steps).contains(r"Signed in as CONTOSO\mimservice by negotiate"));
}

#[tokio::test]
async fn the_chain_ends_where_going_on_makes_no_sense() {
    let server = Running::start("ntlm");
    let right = server.client(r"CONTOSO\mimservice", "Winter-2026!");
    let last = |steps: &[Step]| {
        let failed = steps.iter().filter(|it| it.verdict == Verdict::Failed).count();
        assert_eq!(failed, 1, "{}", shown(steps));
        (steps.last().unwrap().step, steps.last().unwrap().what.clone())
    };
    let steps = chain(&right, "mimservice@contoso.com").await;
    assert!(verdicts(&steps).contains(&("certificate trust", Verdict::Warning)), "{}", shown(&steps));
    assert_eq!(steps.last().unwrap().step, "challenge");

    let (step, what) = last(&chain(&right, "nobody").await);
    assert!(step == "user" && what.contains("has no user nobody"), "{what}");
    let steps = chain(&right, "asleep").await;
    assert!(verdicts(&steps).contains(&("user", Verdict::Failed)), "{}", shown(&steps));
    let (step, _) = last(&chain(&server.client("mimservice", "wrong"), "x").await);
    assert_eq!(step, "sign-in");
    let steps = chain(&server.client(r"CONTOSO\visitor", "Winter-2026!"), "x").await;
    assert_eq!(last(&steps).0, "PhoneFactor Admins");
    assert!(verdicts(&steps).contains(&("sign-in", Verdict::Ok)));

    let elsewhere = self_signed("elsewhere.test", false).await;
    let steps = chain(&elsewhere.client("x", "y"), "x").await;
    let failed: Vec<_> = steps.iter().filter(|it| it.verdict == Verdict::Failed).map(|it| it.step).collect();
    assert_eq!(failed, ["certificate names", "certificate dates"], "{}", shown(&steps));
    assert_eq!(last(&chain(&client("http://no..where"), "x").await).0, "name");
}

#[tokio::test]
async fn a_server_that_offers_no_sign_in_is_not_said_to_offer_one() {
    let url = canned("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let steps = chain(&client(&format!("http://{url}")), "mimservice@contoso.com").await;
    let said = shown(&steps);
    assert!(!said.contains("On offer") && said.contains("404"), "{said}");
}

#[test]
fn only_a_url_of_the_service_is_one() {
    for (text, why) in [
        ("", "is not a URL"),
        ("localhost", "begins with neither"),
        ("ftp://h/x", "begins with neither"),
        ("https://user@h/x", "has a user name in it"),
        ("https:///x", "is not a URL"),
    ] {
        let error = text.parse::<locmfa::client::Target>().unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let target: locmfa::client::Target = "HTTPS://[::1]/a?b".parse().unwrap();
    assert_eq!((target.is_secure, &*target.host, target.port, &*target.path), (true, "::1", 443, "/a?b"));
}

#[test]
fn an_authority_is_read_from_pem_and_der() {
    let folder = tempfile::tempdir().unwrap();
    Certificates::open(folder.path(), &[], Keys::Ecdsa).unwrap();
    let authority = read_certificates(&folder.path().join("authority.pem")).unwrap();
    let pem = std::fs::read_to_string(folder.path().join("authority.pem")).unwrap();
    let wide: Vec<u8> = format!("\u{feff}{pem}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.path().join("written-by-powershell.pem"), wide).unwrap();
    for file in ["authority.pem", "authority.cer", "written-by-powershell.pem"] {
        let trust = Trust::load(&[folder.path().join(file)]).unwrap();
        assert!(!trust.machine_has(&authority[0]));
    }
    let error = Trust::load(&[Path::new("nowhere.pem").into()]).unwrap_err().to_string();
    assert!(error.contains("nowhere.pem does not exist"), "{error}");
}
