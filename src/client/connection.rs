//! One connection to the service: sign-in and calls.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{self, HeaderMap};
use hyper::{Request, StatusCode};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::failure::{CallStage, Failure, by};
use super::target::Target;
use super::{Client, http};
use crate::contract::{self, NAMESPACE, Record, Seen, Shape, Unread, Wire, read_fields};
use crate::operations::{self, Answers, AnswersText};
use crate::sign_in::{Scheme, SignIn, Surroundings, Unsigned, offered};
use crate::soap::{self, BodyError, Version};
use crate::text::counted;
use crate::xml::{Malformed, Node, Reader, Writer};

/// How long the parts of a call take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub connect: Duration,
    pub tls: Duration,
    /// From the first request to the one that carries the call: the first 401, and all NTLM messages but the last.
    pub sign_in: Duration,
    pub call: Duration,
}

impl Times {
    /// The whole time.
    #[must_use]
    pub fn total(self) -> Duration {
        self.connect + self.tls + self.sign_in + self.call
    }
}

/// A request and its answer, without secrets and credentials.
#[derive(Clone, Debug, Serialize)]
pub struct Exchange {
    pub request: String,
    pub response: String,
}

/// The answer of an operation.
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
    /// The `Authorization` of each request: Basic needs it every time.
    authorization: Option<String>,
    /// When the client stops waiting for an answer.
    pub deadline: Instant,
    /// How the client signed in. `None`: not yet, or the service did not ask.
    pub signed_in: Option<Scheme>,
    /// The sign-in offers of the service, unchanged.
    pub offers: Vec<String>,
    pub times: Times,
    pub exchanges: Vec<Exchange>,
}

/// The longest answer that is read, in bytes.
const MAX_BODY: usize = 16 << 20;

const AGENT: &str = concat!("locmfa/", env!("CARGO_PKG_VERSION"));

impl Client {
    /// Begins HTTP on a stream. `end_point` is the hash of the server's certificate for channel bindings.
    ///
    /// # Errors
    /// [`CallStage::Call`]
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
        let sender = http::begin(stream).await.map_err(|error| broken(&error))?;
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
    /// [`Failure`]: there is no answer. A refusal is an answer.
    pub async fn call<T: Answers>(&mut self, request: &T) -> Result<Replied<T::Out>, Failure> {
        let name = name_of(T::SHAPE);
        let answer = self.post(name, &envelope(name, |out| request.write_fields(out))).await?;
        let result = format!("{name}Result");
        let (mut succeeded, mut out, mut error) = (false, T::Out::default(), None);
        read(name, &answer, |reader, seen| {
            match reader.local_name() {
                it if it == result => succeeded = bool::read(reader)?,
                "error" => error = Option::read(reader)?,
                _ => return out.read_field(reader, seen),
            }
            Ok(true)
        })?;
        Ok(Replied { succeeded, out, error })
    }

    /// Calls an operation that answers a text.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn ask<T: AnswersText>(&mut self, request: &T) -> Result<String, Failure> {
        let name = name_of(T::SHAPE);
        let answer = self.post(name, &envelope(name, |out| request.write_fields(out))).await?;
        let result = format!("{name}Result");
        let mut text = String::new();
        read(name, &answer, |reader, _| {
            let is_result = reader.local_name() == result;
            if is_result {
                text = String::read(reader)?;
            }
            Ok(is_result)
        })?;
        Ok(text)
    }

    /// Posts a body, and signs in where the service asks for it.
    async fn post(&mut self, operation: &str, body: &str) -> Result<Answer, Failure> {
        let client = self.client;
        let mut started = Instant::now();
        let mut sign_in: Option<SignIn<'_>> = None;
        let answer = loop {
            // Before the last message of the sign-in, .NET does not send the body.
            let is_last = sign_in.as_ref().is_none_or(SignIn::is_said);
            if is_last && sign_in.is_some() {
                self.times.sign_in += started.elapsed();
                started = Instant::now();
            }
            let (body, stage) = if is_last { (body, CallStage::Call) } else { ("", CallStage::SignIn) };
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
                    let credentials = client.credentials.as_ref().ok_or_else(|| no_account(&offers))?;
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
            // NTLM and Negotiate sign in the connection, not each request.
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
                CallStage::Call,
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
            CallStage::Call,
            format!("The answer broke off, or is longer than 16 MiB ({error})."),
            "Look into the service's log at this time.",
        )
    })?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}

/// The wire name of the operation that a request calls.
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
    soap::seal(Version::Soap11, &[body.as_str()])
}

/// Reads the response element of an answer: each of its fields goes to `take`.
fn read(
    operation: &str,
    answer: &Answer,
    take: impl FnMut(&mut Reader<'_>, &mut Seen) -> Result<bool, Unread>,
) -> Result<(), Failure> {
    let not_soap = |what: String| {
        Failure::new(
            CallStage::Call,
            what,
            "Look at the answer with --raw: the URL may lead to another service, or through a proxy that answers itself.",
        )
    };
    let not_xml = |malformed: &Malformed| not_soap(format!("The answer is not XML: {malformed}"));
    let mut reader = match soap::body(&answer.body) {
        Ok((Version::Soap11, reader)) => reader,
        Err(BodyError::Malformed(malformed)) => return Err(not_xml(&malformed)),
        _ => return Err(not_soap("The answer is no SOAP envelope.".into())),
    };
    let content = content_of(&mut reader, operation, take).map_err(|unread| match unread {
        Unread::Malformed(malformed) => not_xml(&malformed),
        Unread::Invalid(invalid) => not_soap(format!("The answer does not fit the contract: {invalid}")),
    })?;
    match content {
        Content::Response => Ok(()),
        Content::Other => Err(not_soap(format!("The answer is not that of {operation}."))),
        Content::Fault { text, .. } if is_about_the_group(&text) => Err(outside(&text)),
        Content::Fault { code, text } => Err(Failure::new(
            CallStage::Call,
            format!("The service answered with a fault, {code}: {text}"),
            "Look into the service's log. An unknown SOAPAction means that another service, or another version, answers.",
        )),
    }
}

/// What the body of an answer holds.
enum Content {
    Response,
    Fault { code: String, text: String },
    Other,
}

/// Reads the body of an answer, and the rest of it.
fn content_of(
    reader: &mut Reader<'_>,
    operation: &str,
    take: impl FnMut(&mut Reader<'_>, &mut Seen) -> Result<bool, Unread>,
) -> Result<Content, Unread> {
    let response = format!("{operation}Response");
    reader.move_to_content()?;
    let content = if reader.is_element(Version::Soap11.namespace(), "Fault") {
        let (mut code, mut text) = (String::new(), String::new());
        reader.read()?;
        while !matches!(reader.move_to_content()?, Node::End | Node::Done) {
            match (reader.node(), reader.local_name()) {
                (Node::Element, "faultcode") => code = reader.element_text()?.into_owned(),
                (Node::Element, "faultstring") => text = reader.element_text()?.into_owned(),
                _ => drop(reader.skip()?),
            }
        }
        Content::Fault { code, text }
    } else if reader.is_element(NAMESPACE, &response) {
        if !reader.is_empty() {
            reader.read()?;
            read_fields(reader, take)?;
        }
        Content::Response
    } else {
        Content::Other
    };
    while reader.read()? != Node::Done {}
    Ok(content)
}

/// The answer, if it may be SOAP.
fn judge(target: &Target, answer: Answer) -> Result<Answer, Failure> {
    let is_xml = answer
        .header(header::CONTENT_TYPE)
        .starts_with(Version::Soap11.content_type().split(';').next().unwrap_or_default());
    let status = answer.status;
    let failure = |what: String, remedy: &str| Err(Failure::new(CallStage::Call, what, remedy));
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
        CallStage::Group,
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
    let offers = if offers.is_empty() { String::new() } else { format!(" (on offer: {})", schemes_of(offers)) };
    Failure::new(CallStage::SignIn, format!("{}{offers}.", capital(&unsigned.to_string())), remedy)
}

fn nothing_to_take(offers: &[String]) -> Failure {
    Failure::new(
        CallStage::SignIn,
        match offers {
            [] => "The service asks to sign in and does not say how.".into(),
            offers => format!("The service signs in by {} alone.", schemes_of(offers)),
        },
        "Let it offer Negotiate, NTLM or Basic: this client speaks no other, and MIM is set up for Windows authentication.",
    )
}

fn no_account(offers: &[String]) -> Failure {
    Failure::new(
        CallStage::SignIn,
        format!("The service asks to sign in by {}, and there is no account to sign in as.", schemes_of(offers)),
        "Name one with --account 'DOMAIN\\user'. The password comes from LOCMFA_PASSWORD in the environment, from --password-file, or is asked for. MIM uses the Windows account that its service runs as.",
    )
}

/// The schemes of offers, without their parameters.
pub fn schemes_of(offers: &[String]) -> String {
    let names: Vec<_> = offers.iter().map(|it| it.split(' ').next().unwrap_or_default()).collect();
    names.join(", ")
}

fn broken(error: &hyper::Error) -> Failure {
    let cause = std::error::Error::source(error);
    // An unexpected end is what the sentence says already, and TLS adds advice for programmers.
    let cause = cause.filter(|it| {
        let io = it.downcast_ref::<std::io::Error>();
        io.is_none_or(|it| it.kind() != std::io::ErrorKind::UnexpectedEof)
    });
    let cause = cause.map(|it| format!(": {it}")).unwrap_or_default();
    Failure::new(
        CallStage::Call,
        format!("The connection ended before the answer ({error}{cause})."),
        "Look into the service's log. Within a sign-in, a proxy without keep-alive does this; at the first request, a service that wants a client certificate, or another protocol.",
    )
}

fn capital(text: &str) -> String {
    text.chars().take(1).flat_map(char::to_uppercase).chain(text.chars().skip(1)).collect()
}

fn now() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "sign-in runs on the time of the world")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn shown_request(request: &Request<Full<Bytes>>, body: &str) -> String {
    let head = format!("{} {} HTTP/1.1", request.method(), request.uri());
    shown(head, request.headers(), body)
}

fn shown_answer(answer: &Answer) -> String {
    let is_page = answer.header(header::CONTENT_TYPE).starts_with("text/html");
    let page = format!("({} of HTML left out)", counted(answer.body.len(), "byte"));
    shown(format!("HTTP/1.1 {}", answer.status), &answer.headers, if is_page { &page } else { &answer.body })
}

/// A message as text, without credentials and secrets.
fn shown(head: String, headers: &HeaderMap, body: &str) -> String {
    let mut text = head + "\n";
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = match value.split_once(' ') {
            Some((scheme, token)) if *name == header::AUTHORIZATION => {
                format!("{scheme} ({} left out)", counted(token.len(), "character"))
            }
            _ => value.into_owned(),
        };
        text += &format!("{name}: {value}\n");
    }
    text + "\n" + &operations::without_secrets(body)
}
