//! A client that calls the service as a .NET program does: it asks without credentials, is told what is on offer,
//! signs in on that connection and calls.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderMap};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, ProtocolVersion};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::contract::{self, Invalid, NAMESPACE, Shape, Wire};
use crate::operations::{self, Answers, Says};
use crate::sign_in::{Credentials, Scheme, SignIn, Surroundings, Unsigned, offered};
use crate::soap::{self, Version};
use crate::tls::hello::suite_name;
use crate::tls::{AcceptAny, ServerCertificate, Summary, Trust, TrustAnchor};
use crate::xml::{self, Node, Writer};

/// Where the service is, from the URL of `LOCMFASRV`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    pub is_secure: bool,
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
    /// The path, and the query if there is one.
    pub path: String,
    url: String,
}

/// What a client is made of.
#[derive(Debug)]
pub struct Client {
    pub target: Target,
    pub trust: Trust,
    /// Without them it calls only where nobody asks who it is.
    pub credentials: Option<Credentials>,
}

/// Why there is no answer, as a person reads it.
#[derive(Clone, Debug, Serialize, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    pub at: Stage,
    /// A sentence.
    pub what: String,
    /// What to do about it: sentences.
    pub remedy: String,
}

/// How far a call came.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Name,
    Port,
    Tls,
    Certificate,
    SignIn,
    /// Signed in, and not allowed to call.
    Group,
    Call,
}

/// What a TLS handshake settled.
#[derive(Clone, Debug)]
pub struct Secured {
    /// `TLS 1.2`
    pub version: &'static str,
    /// As the standards write it.
    pub suite: String,
    pub shown: ServerCertificate,
}

/// How long the parts of a call took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub connect: Duration,
    pub tls: Duration,
    /// All up to the request that carries the call: the first 401, and NTLM's messages but the last.
    pub sign_in: Duration,
    pub call: Duration,
}

/// A request and its answer, without secrets and without credentials.
#[derive(Clone, Debug, Serialize)]
pub struct Exchange {
    pub request: String,
    pub response: String,
}

/// What an operation answered.
#[derive(Clone, Debug)]
pub struct Replied<Out> {
    pub succeeded: bool,
    pub out: Out,
    pub error: Option<contract::Error>,
}

/// A connection to the service.
#[derive(Debug)]
pub struct Connection<'a> {
    client: &'a Client,
    sender: SendRequest<Full<Bytes>>,
    server_certificate_hash: Option<Vec<u8>>,
    /// What each request has to carry: Basic is said every time.
    authorization: Option<String>,
    /// When the client gives up.
    pub deadline: Instant,
    /// How it signed in; nothing where nobody asked, or not yet.
    pub signed_in: Option<Scheme>,
    /// What the service offered, as it wrote it.
    pub offers: Vec<String>,
    pub times: Times,
    pub exchanges: Vec<Exchange>,
}

/// The longest answer that is read, in bytes.
const MAX_BODY: usize = 16 << 20;

const AGENT: &str = concat!("locmfa/", env!("CARGO_PKG_VERSION"));

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let wrong = |what: &str| {
            format!(
                "{url:?} {what}; write it like https://mfa.contoso.com:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx"
            )
        };
        let uri: Uri = url.trim().parse().map_err(|_| wrong("is not a URL"))?;
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("begins with neither https:// nor http://")),
        };
        let host = uri.host().filter(|it| !it.is_empty()).ok_or_else(|| wrong("names no host"))?;
        if uri.authority().is_some_and(|it| it.as_str().contains('@')) {
            return Err(wrong("has a user name in it, which no .NET client sends"));
        }
        Ok(Self {
            is_secure,
            host: host.trim_matches(['[', ']']).into(),
            port: uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            path: uri.path_and_query().map_or("/", |it| it.as_str()).into(),
            url: url.trim().into(),
        })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}

impl Failure {
    pub(crate) fn new(at: Stage, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at, what: what.into(), remedy: remedy.into() }
    }
}

impl Stage {
    /// What the client waits for.
    const fn waits_for(self) -> &'static str {
        match self {
            Self::Name => "the name to be found",
            Self::Port => "the connection to be taken",
            Self::Tls | Self::Certificate => "the TLS handshake",
            Self::SignIn | Self::Group | Self::Call => "the answer",
        }
    }
}

/// What comes of a future, or the failure that it took too long.
async fn by<T>(deadline: Instant, at: Stage, future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let started = Instant::now();
    timeout_at(deadline, future).await.unwrap_or_else(|_| {
        let seconds = started.elapsed().as_secs_f32().round();
        Err(Failure::new(
            at,
            format!("The client gave up after {seconds} seconds of waiting for {}.", at.waits_for()),
            match at {
                Stage::Call => "A .NET client waits for 100 seconds: a phone that rings longer is given up by MIM. Look for the call in the service's log.",
                _ => "Something takes the connection and says nothing, or a firewall drops it: look at what listens there.",
            },
        ))
    })
}

impl Client {
    /// The addresses of the host, in the order in which they are tried.
    ///
    /// # Errors
    /// [`Stage::Name`]
    pub async fn resolve(&self, deadline: Instant) -> Result<Vec<SocketAddr>, Failure> {
        let Target { host, port, .. } = &self.target;
        let failure = |why: &str| {
            Failure::new(
                Stage::Name,
                format!("The host {host} has no address here{why}."),
                "Correct the host in the URL, or add it to the DNS or to the hosts file (on Windows C:\\Windows\\System32\\drivers\\etc\\hosts).",
            )
        };
        by(deadline, Stage::Name, async {
            let found = tokio::net::lookup_host((host.as_str(), *port)).await;
            let addresses: Vec<_> = found.map_err(|error| failure(&format!(" ({error})")))?.collect();
            if addresses.is_empty() { Err(failure("")) } else { Ok(addresses) }
        })
        .await
    }

    /// Connects to the first address that takes the connection; those before it that did not, with their reasons.
    ///
    /// # Errors
    /// [`Stage::Port`]
    pub async fn reach(
        &self,
        addresses: &[SocketAddr],
        deadline: Instant,
    ) -> Result<(TcpStream, SocketAddr, Vec<String>), Failure> {
        by(deadline, Stage::Port, async {
            let mut refused = Vec::new();
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => {
                        // Small requests shall not wait for company. It goes on without, only slower.
                        let _ = stream.set_nodelay(true);
                        return Ok((stream, *address, refused));
                    }
                    Err(error) => refused.push(format!("{address} ({error})")),
                }
            }
            Err(Failure::new(
                Stage::Port,
                format!("Nothing takes connections at {}.", refused.join(", ")),
                "Start the service, correct the port in the URL, or let the firewall pass it.",
            ))
        })
        .await
    }

    /// Shakes hands and judges the certificate. That it is to be trusted is another question:
    /// [`check`](Self::check).
    ///
    /// # Errors
    /// [`Stage::Tls`]
    pub async fn shake<S>(&self, stream: S, deadline: Instant) -> Result<(TlsStream<S>, Secured), Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let failure = |what: String, remedy: &str| Failure::new(Stage::Tls, what, remedy);
        let host = ServerName::try_from(self.target.host.clone()).map_err(|_| {
            failure(format!("{} cannot stand in a certificate.", self.target.host), "Correct the host.")
        })?;
        by(deadline, Stage::Tls, async {
            let connector = TlsConnector::from(Arc::new(config()));
            let stream = connector.connect(host.clone(), stream).await.map_err(|error| tls_failure(&error))?;
            let connection = stream.get_ref().1;
            let chain = connection.peer_certificates().unwrap_or_default();
            let shown = self.trust.judge(chain, &host).map_err(|what| {
                failure(format!("The service {what}."), "Give the service a certificate with its key.")
            })?;
            let secured = Secured {
                version: match connection.protocol_version() {
                    Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
                    _ => "TLS 1.2",
                },
                suite: connection.negotiated_cipher_suite().map(|it| suite_name(it.suite())).unwrap_or_default(),
                shown,
            };
            Ok((stream, secured))
        })
        .await
    }

    /// Whether the certificate would do for a .NET client on this machine, or does for us.
    ///
    /// # Errors
    /// [`Stage::Certificate`], with the first of what is wrong: name, dates, trust.
    pub fn check(&self, shown: &ServerCertificate) -> Result<(), Failure> {
        self.check_name(shown)?;
        check_dates(shown)?;
        check_trust(shown)
    }

    /// Whether the certificate is for the host.
    ///
    /// # Errors
    /// [`Stage::Certificate`]
    pub fn check_name(&self, shown: &ServerCertificate) -> Result<(), Failure> {
        if shown.names_host {
            return Ok(());
        }
        let names = shown.summary.names.join(", ");
        let names = if names.is_empty() { "no name at all" } else { &names };
        Err(Failure::new(
            Stage::Certificate,
            format!("The certificate is for {names}, and the URL says {}.", self.target.host),
            "Write one of these names into the URL, or give the service a certificate for the URL's host (locmfa --host NAME).",
        ))
    }

    /// Connects, with TLS where the URL says so, to a service that is to be trusted.
    ///
    /// # Errors
    /// [`Failure`], of the stage that failed.
    pub async fn connect(&self, deadline: Instant) -> Result<Connection<'_>, Failure> {
        let started = Instant::now();
        let addresses = self.resolve(deadline).await?;
        let (stream, ..) = self.reach(&addresses, deadline).await?;
        let connect = started.elapsed();
        if !self.target.is_secure {
            let times = Times { connect, ..Times::default() };
            return self.open(stream, None, times, deadline).await;
        }
        let started = Instant::now();
        let (stream, secured) = self.shake(stream, deadline).await?;
        self.check(&secured.shown)?;
        let times = Times { connect, tls: started.elapsed(), ..Times::default() };
        self.open(stream, Some(secured.shown.end_point), times, deadline).await
    }

    /// Begins HTTP on a stream. `end_point` is the server's certificate as channel bindings name it.
    ///
    /// # Errors
    /// [`Stage::Call`]
    pub async fn open<S>(
        &self,
        stream: S,
        end_point: Option<Vec<u8>>,
        times: Times,
        deadline: Instant,
    ) -> Result<Connection<'_>, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // It ends with the connection; what ends it shows at the request.
        tokio::spawn(driver);
        Ok(Connection {
            client: self,
            sender,
            server_certificate_hash: end_point,
            authorization: None,
            deadline,
            signed_in: None,
            offers: Vec::new(),
            times,
            exchanges: Vec::new(),
        })
    }
}

/// Whether the certificate is valid now.
///
/// # Errors
/// [`Stage::Certificate`]
pub fn check_dates(shown: &ServerCertificate) -> Result<(), Failure> {
    if shown.is_current {
        return Ok(());
    }
    let Summary { not_before, not_after, .. } = &shown.summary;
    Err(Failure::new(
        Stage::Certificate,
        format!("The certificate is valid from {} to {}, which is not now.", not_before.date(), not_after.date()),
        "Give the service a new certificate (locmfa certs new), or set the clock of this machine right.",
    ))
}

/// Whether anybody vouches for the certificate.
///
/// # Errors
/// [`Stage::Certificate`]
pub fn check_trust(shown: &ServerCertificate) -> Result<(), Failure> {
    let TrustAnchor::None(why) = &shown.trust_anchor else { return Ok(()) };
    Err(Failure::new(
        Stage::Certificate,
        format!("The certificate of {} by {} {why}.", shown.summary.subject, shown.summary.issuer),
        "Import the authority into this machine's root store (`locmfa certs trust` says how), or name its file with --authority (certs/authority.pem, where locmfa made it).",
    ))
}

/// An answer of HTTP.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn offers(&self) -> Vec<String> {
        let values = self.headers.get_all(header::WWW_AUTHENTICATE).iter();
        values.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned()).collect()
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }
}

impl Connection<'_> {
    /// Calls an operation.
    ///
    /// # Errors
    /// [`Failure`] where there is no answer; an answer that says no is none.
    pub async fn call<T: Answers>(&mut self, request: &T) -> Result<Replied<T::Out>, Failure> {
        let name = name_of(T::SHAPE);
        let answer = self.post(name, &envelope(name, |out| request.write_fields(out))).await?;
        read(name, &answer, |element| {
            let child = |name| xml::child(element, NAMESPACE, name);
            Ok(Replied {
                succeeded: bool::read(child(&format!("{name}Result")))?,
                out: T::Out::read(Some(element))?,
                error: Option::read(child("error"))?,
            })
        })
    }

    /// Calls an operation that answers a text.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn ask<T: Says>(&mut self, request: &T) -> Result<String, Failure> {
        let name = name_of(T::SHAPE);
        let answer = self.post(name, &envelope(name, |out| request.write_fields(out))).await?;
        read(name, &answer, |element| String::read(xml::child(element, NAMESPACE, &format!("{name}Result"))))
    }

    /// Posts a body, and signs in where the service asks for it.
    async fn post(&mut self, operation: &str, body: &str) -> Result<Answer, Failure> {
        let client = self.client;
        let mut started = Instant::now();
        let mut sign_in: Option<SignIn<'_>> = None;
        let answer = loop {
            // Until all is said there is no use in sending the body, and .NET does not.
            let is_said = sign_in.as_ref().is_none_or(SignIn::is_said);
            if is_said && sign_in.is_some() {
                self.times.sign_in += started.elapsed();
                started = Instant::now();
            }
            let (body, stage) = if is_said { (body, Stage::Call) } else { ("", Stage::SignIn) };
            let (deadline, authorization) = (self.deadline, self.authorization.clone());
            let answer = by(deadline, stage, self.send(operation, body, authorization.as_deref())).await?;
            if answer.status != StatusCode::UNAUTHORIZED {
                break answer;
            }
            let offers = answer.offers();
            let next = match &mut sign_in {
                None => {
                    self.offers.clone_from(&offers);
                    let scheme = offered(&offers).first().copied().ok_or_else(|| nothing_to_take(&offers))?;
                    let credentials = client.credentials.as_ref().ok_or_else(|| nobody(&offers))?;
                    let (begun, next) = SignIn::begin(scheme, credentials);
                    sign_in = Some(begun);
                    next
                }
                Some(sign_in) => {
                    let mut random = [0; 24];
                    getrandom::fill(&mut random).expect("the system gives randomness");
                    let around = Surroundings {
                        host: &client.target.host,
                        server_certificate_hash: self.server_certificate_hash.as_deref(),
                        now: now(),
                        random,
                    };
                    sign_in.go_on(&offers, &around).map_err(|unsigned| unsigned_failure(&unsigned, &answer, &offers))?
                }
            };
            self.authorization = Some(next);
        };
        self.times.call += started.elapsed();
        if let Some(sign_in) = sign_in.filter(SignIn::is_said) {
            sign_in.end(&answer.offers()).map_err(|unsigned| unsigned_failure(&unsigned, &answer, &[]))?;
            self.signed_in = Some(sign_in.scheme());
            // What NTLM proved belongs to the connection.
            if sign_in.scheme() != Scheme::Basic {
                self.authorization = None;
            }
        }
        judge(&self.client.target, answer)
    }

    async fn send(&mut self, operation: &str, body: &str, authorization: Option<&str>) -> Result<Answer, Failure> {
        let Target { host, port, path, .. } = &self.client.target;
        let host = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut request = Request::post(path.as_str())
            .header(header::USER_AGENT, AGENT)
            .header(header::CONTENT_TYPE, Version::Soap11.content_type())
            .header("SOAPAction", format!("\"{NAMESPACE}/{operation}\""))
            .header(header::HOST, host)
            // hyper leaves it out where it is 0, and IIS answers 411 then.
            .header(header::CONTENT_LENGTH, body.len());
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).map_err(|error| {
            Failure::new(
                Stage::Call,
                format!("The request cannot be made ({error})."),
                "Look at the URL and the account's name.",
            )
        })?;
        let shown = shown_request(&request, body);
        self.sender.ready().await.map_err(|error| broken(&error))?;
        let (parts, body) = self.sender.send_request(request).await.map_err(|error| broken(&error))?.into_parts();
        let body = collect(body).await?;
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        self.exchanges.push(Exchange { request: shown, response: shown_answer(&answer) });
        Ok(answer)
    }
}

async fn collect(body: Incoming) -> Result<String, Failure> {
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
        Failure::new(
            Stage::Call,
            format!("The answer broke off, or is longer than 16 MiB ({error})."),
            "Look into the service's log at this time.",
        )
    })?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}

/// The name on the wire of the operation that a request calls.
fn name_of(request: &Shape) -> &'static str {
    match request {
        Shape::Record { name, .. } => name,
        _ => unreachable!("a request is a record"),
    }
}

fn envelope(name: &str, parameters: impl FnOnce(&mut Writer)) -> String {
    let mut body = Writer::with_capacity(512);
    body.raw(&format!("<{name} xmlns=\"{NAMESPACE}\">"));
    parameters(&mut body);
    body.close(name);
    soap::seal(Version::Soap11, body.as_str())
}

/// Reads the response element of an answer.
fn read<T>(
    operation: &str,
    answer: &Answer,
    read: impl FnOnce(Node<'_, '_>) -> Result<T, Invalid>,
) -> Result<T, Failure> {
    let not_soap = |what: String| {
        Failure::new(
            Stage::Call,
            what,
            "Look at the answer with --raw: the URL may lead to another service, or through a proxy that answers itself.",
        )
    };
    let document = xml::read(&answer.body).map_err(|it| not_soap(format!("The answer is not XML: {it}")))?;
    let namespace = Version::Soap11.namespace();
    let body = xml::child(document.root_element(), namespace, "Body")
        .ok_or_else(|| not_soap("The answer is no SOAP envelope.".into()))?;
    if let Some(fault) = xml::child(body, namespace, "Fault") {
        let text =
            |name| fault.children().find(|it| it.has_tag_name(name)).and_then(|it| it.text()).unwrap_or_default();
        let (code, text) = (text("faultcode"), text("faultstring"));
        return Err(match is_about_the_group(text) {
            true => outside(text),
            false => Failure::new(
                Stage::Call,
                format!("The service answered with a fault, {code}: {text}"),
                "Look into the service's log. An unknown SOAPAction means that another service, or another version, answers.",
            ),
        });
    }
    let element = xml::child(body, NAMESPACE, &format!("{operation}Response"))
        .ok_or_else(|| not_soap(format!("The answer is not that of {operation}.")))?;
    read(element).map_err(|invalid| not_soap(format!("The answer does not fit the contract: {invalid}")))
}

/// What is worth reading as SOAP, or why not.
fn judge(target: &Target, answer: Answer) -> Result<Answer, Failure> {
    let is_xml = answer
        .header(header::CONTENT_TYPE)
        .starts_with(Version::Soap11.content_type().split(';').next().unwrap_or_default());
    let status = answer.status;
    let failure = |what: String, remedy: &str| Err(Failure::new(Stage::Call, what, remedy));
    match status {
        StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR if is_xml => Ok(answer),
        StatusCode::FORBIDDEN => Err(outside(&format!("{status}"))),
        StatusCode::NOT_FOUND => failure(
            format!("There is no service at {} ({status}).", target.path),
            "Correct the path in the URL: /MultiFactorAuthWebServiceSdk/PfWsSdk.asmx.",
        ),
        _ if status.is_redirection() => failure(
            format!(
                "The service sends callers on to {} ({status}), and a .NET client does not go there.",
                answer.header(header::LOCATION)
            ),
            "Write the address where it leads into the URL.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => failure(
            format!("The service is there and does not run ({status})."),
            "Start it. In IIS, look at its application pool. A locmfa answers so where a rule of its scenario says status: 503; its log names the rule.",
        ),
        StatusCode::OK => failure(
            format!("The answer is {:?}, not text/xml.", answer.header(header::CONTENT_TYPE)),
            "The URL leads to a page, not to the service. Correct its path: /MultiFactorAuthWebServiceSdk/PfWsSdk.asmx.",
        ),
        StatusCode::BAD_REQUEST if !target.is_secure => failure(
            format!("The service answered {status}."),
            "Write https:// in the URL if the service speaks TLS there. Otherwise look into its log at this time.",
        ),
        _ => failure(format!("The service answered {status}."), "Look into the service's log at this time."),
    }
}

fn is_about_the_group(text: &str) -> bool {
    text.contains("is not in the group") || text.contains("PhoneFactor Admins")
}

fn outside(text: &str) -> Failure {
    Failure::new(
        Stage::Group,
        format!("The account signed in and may not call: {}", text.trim()),
        "Put the account into the group PhoneFactor Admins: in Active Directory, or with locmfa in the scenario's accounts. A service that asks for client certificates answers 403 too.",
    )
}

fn unsigned_failure(unsigned: &Unsigned, answer: &Answer, offers: &[String]) -> Failure {
    if matches!(unsigned, Unsigned::Refused(_)) && is_about_the_group(&answer.body) {
        let text = answer.body.split(['<', '>']).find(|it| is_about_the_group(it)).unwrap_or_default();
        return outside(text);
    }
    let remedy = match unsigned {
        Unsigned::Refused(_) => {
            "Compare the account and its password with those of the service. A service may answer so, too, where the account is not in PhoneFactor Admins; its log tells."
        }
        Unsigned::NoNtlm => {
            "This client speaks NTLM, not Kerberos. MIM itself may get in; to test with this client, let the service offer NTLM or Basic too."
        }
        Unsigned::Malformed(_) | Unsigned::Changed => {
            "Look for a proxy or an inspection tool between here and the service."
        }
    };
    let offers = if offers.is_empty() { String::new() } else { format!(" (on offer: {})", names(offers)) };
    Failure::new(Stage::SignIn, format!("{}{offers}.", capital(&unsigned.to_string())), remedy)
}

fn nothing_to_take(offers: &[String]) -> Failure {
    Failure::new(
        Stage::SignIn,
        match offers {
            [] => "The service asks to sign in and does not say how.".into(),
            offers => format!("The service signs in by {} alone.", names(offers)),
        },
        "Let it offer Negotiate, NTLM or Basic: this client speaks no other, and MIM is set up for Windows authentication.",
    )
}

fn nobody(offers: &[String]) -> Failure {
    Failure::new(
        Stage::SignIn,
        format!("The service asks to sign in by {}, and there is no account to sign in as.", names(offers)),
        "Name one with --account 'DOMAIN\\user'. The password comes from LOCMFA_PASSWORD in the environment, from --password-file, or is asked for. MIM uses the Windows account that its service runs as.",
    )
}

/// The schemes on offer, without what goes with them.
pub(crate) fn names(offers: &[String]) -> String {
    let names: Vec<_> = offers.iter().map(|it| it.split(' ').next().unwrap_or_default()).collect();
    names.join(", ")
}

fn broken(error: &hyper::Error) -> Failure {
    let cause = std::error::Error::source(error);
    // That nothing more came is the sentence itself, and TLS adds advice for those who write programs.
    let cause = cause.filter(|it| {
        let io = it.downcast_ref::<std::io::Error>();
        io.is_none_or(|it| it.kind() != std::io::ErrorKind::UnexpectedEof)
    });
    let cause = cause.map(|it| format!(": {it}")).unwrap_or_default();
    Failure::new(
        Stage::Call,
        format!("The connection ended before the answer ({error}{cause})."),
        "Look into the service's log. Within a sign-in, a proxy without keep-alive does this; at the first request, a service that wants a client certificate, or another protocol.",
    )
}

fn tls_failure(error: &std::io::Error) -> Failure {
    let tls = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
    let (what, remedy) = match tls {
        Some(rustls::Error::AlertReceived(AlertDescription::ProtocolVersion))
        | Some(rustls::Error::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13)) => (
            "The service speaks no TLS 1.2 or newer.".into(),
            "Let the service's host offer TLS 1.2 (Schannel, Protocols, TLS 1.2, Server). MIM may still get in with an older version.",
        ),
        Some(rustls::Error::AlertReceived(AlertDescription::HandshakeFailure)) => (
            "The service shares no cipher suite with this client (handshake failure).".into(),
            "This client speaks ECDHE with AES-GCM. Windows before 2016 has that for ECDSA certificates only; MIM on such a host may still get in with CBC suites.",
        ),
        Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)) => (
            "The service requires a client certificate.".into(),
            "Let it accept certificates instead of requiring them.",
        ),
        Some(rustls::Error::InvalidMessage(_)) => (
            "What listens there does not speak TLS.".into(),
            "Write http:// in the URL if the service is meant to speak plain HTTP, or correct the port.",
        ),
        Some(other) => (format!("The TLS handshake failed: {other}."), "The service's log says more, if it is locmfa."),
        None => (
            format!("The connection ended during the TLS handshake ({error})."),
            "The service may offer TLS older than 1.2 alone, may have no certificate bound to its port, or another program listens there.",
        ),
    };
    Failure::new(Stage::Tls, what, remedy)
}

fn capital(text: &str) -> String {
    text.chars().take(1).flat_map(char::to_uppercase).chain(text.chars().skip(1)).collect()
}

fn now() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "sign-in runs on the world's time")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn shown_request(request: &Request<Full<Bytes>>, body: &str) -> String {
    let head = format!("{} {} HTTP/1.1", request.method(), request.uri());
    shown(head, request.headers(), body)
}

fn shown_answer(answer: &Answer) -> String {
    let is_page = answer.header(header::CONTENT_TYPE).starts_with("text/html");
    let page = format!("({} bytes of HTML left out)", answer.body.len());
    shown(format!("HTTP/1.1 {}", answer.status), &answer.headers, if is_page { &page } else { &answer.body })
}

/// A message as people read it, without what opens doors.
fn shown(head: String, headers: &HeaderMap, body: &str) -> String {
    let mut text = head + "\n";
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = match value.split_once(' ') {
            Some((scheme, token)) if *name == header::AUTHORIZATION => {
                format!("{scheme} ({} characters left out)", token.len())
            }
            _ => value.into_owned(),
        };
        text += &format!("{name}: {value}\n");
    }
    text + "\n" + &operations::without_secrets(body)
}

/// What the client offers. The handshake goes on whatever the certificate is, so that all that is wrong with it can
/// be told; nothing is sent before [`Client::check`].
fn config() -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the suites serve both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptAny::judged_later(&default_provider())))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
