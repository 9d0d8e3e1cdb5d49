//! The help pages: one that lists the operations, and one for each of them.
//!
//! They are plain HTML that is well-formed XML too, need nothing from elsewhere, and take their words from the
//! documentation of the operations, records and fields.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Indented, Particle, collect_types, escape, present, reply, request};
use crate::contract::{Field, NAMESPACE, SERVICE, Shape, Signature};
use crate::operations::{self, Operation};
use crate::soap::Version;

const STYLE: &str = include_str!("help.css");

/// The page at the service's address without a query: what this is, how to use it, and every operation.
#[must_use]
pub fn help_page(address: &str) -> String {
    let mut body = format!(
        "<p class=\"kicker\">locmfa</p>\n\
         <h1>{SERVICE}</h1>\n\
         <p class=\"lead\">An imitation of the Web Service SDK of Azure Multi-Factor Authentication Server, by locmfa. \
         It is made for tests: it rings no telephone and sends no message.</p>\n\
         <p>You see this page, so the service answers and lets you in.</p>\n\
         <dl class=\"facts\">\n\
         <div><dt>Address</dt><dd><code>{address}</code></dd></div>\n\
         <div><dt>Description</dt><dd><a href=\"?WSDL\">WSDL</a>, <a href=\"?disco\">DISCO</a></dd></div>\n\
         <div><dt>MfaSettings.xml</dt><dd><code>&lt;LOCMFASRV&gt;{address}&lt;/LOCMFASRV&gt;</code></dd></div>\n\
         <div><dt>PowerShell</dt><dd><code>New-WebServiceProxy -UseDefaultCredential -Uri {address}</code></dd></div>\n\
         </dl>\n<h2 id=\"operations\">Operations</h2>\n",
        address = escape(address),
    );

    let mut methods: BTreeMap<&str, Vec<&Signature>> = BTreeMap::new();
    for Operation { signature, .. } in operations::all() {
        methods.entry(signature.overload_of.unwrap_or(signature.name)).or_default().push(signature);
    }
    body += "<dl>\n";
    for it in methods.values().flatten() {
        body += &entry(it);
    }
    body += "</dl>\n";
    page(SERVICE, address, &body)
}

/// An operation's line in the list.
fn entry(signature: &Signature) -> String {
    let name = signature.name;
    let (class, text) = match signature.overload_of {
        Some(method) => (" class=\"overload\"", overload_note(method, name)),
        None => ("", prose(first_sentence(signature.about))),
    };
    format!(
        "<div{class}><dt><a href=\"?op={name}\"><code>{name}</code></a></dt><dd class=\"about\">{text}</dd></div>\n"
    )
}

fn overload_note(method: &str, name: &str) -> String {
    format!("Overload of <code>{method}</code> with the message name <code>{name}</code>.")
}

/// The page of one operation. `local` tells that the client sits on this machine: only such a client may call by
/// HTTP POST, so only it gets the form.
#[must_use]
pub fn operation_page(address: &str, operation: &Operation, local: bool) -> String {
    let signature = &operation.signature;
    let name = signature.name;
    let mut body = format!(
        "<p class=\"kicker\"><a href=\"{}\">← All operations</a></p>\n<h1>{name}</h1>\n<p class=\"lead\">{}</p>\n",
        escape(address),
        prose(signature.about),
    );
    if let Some(method) = signature.overload_of {
        body += &format!("<p>{}</p>\n", overload_note(method, name));
    }
    let others: String = forms(signature)
        .filter(|it| it.name != name)
        .map(|it| format!("<li><a href=\"?op={0}\"><code>{0}</code></a></li>", it.name))
        .collect();
    if !others.is_empty() {
        body += &format!("<p class=\"quiet\">Other forms of this operation:</p>\n<ul class=\"forms\">{others}</ul>\n");
    }

    let (request, reply) = (request(signature), reply(signature));
    body += "<h2>Parameters</h2>\n";
    body += &match request.is_empty() {
        true => "<p>None.</p>\n".into(),
        false => fields(&request, signature),
    };
    body += &format!("<h2>Answer</h2>\n{}", fields(&reply, signature));
    if signature.is_plain() {
        body += &http_post(address, name, local);
    }
    body +=
        "<h2>Messages</h2>\n<p>The name of a type stands where a value goes. On the wire an answer is one line.</p>\n";
    for version in [Version::Soap11, Version::Soap12] {
        body += &samples(address, version, name, &request, &reply);
    }
    body += &types(&request, &reply);
    page(&format!("{name} – {SERVICE}"), address, &body)
}

/// The signatures of the operation that this is one of: they share its documentation.
fn forms(signature: &Signature) -> impl Iterator<Item = &'static Signature> {
    operations::all().map(|it| &it.signature).filter(|it| it.about == signature.about)
}

/// The parameters or the parts of the answer: name, type, meaning.
fn fields(particles: &[Particle], signature: &Signature) -> String {
    let others = || forms(signature).flat_map(|it| [it.request, it.out]).flat_map(Shape::fields);
    let rows = particles.iter().map(|it| row(it, meaning(it, others())));
    format!("<dl class=\"fields\">\n{}</dl>\n", rows.collect::<String>())
}

/// The meaning of a particle: its own text, else that of the same field in another form, else that of its type.
fn meaning(particle: &Particle, others: impl Iterator<Item = &'static Field>) -> &'static str {
    let elsewhere = others.filter(|it| it.name == particle.name).map(|it| it.about);
    let mut words = std::iter::once(particle.about).chain(elsewhere).chain([about(present(particle.shape))]);
    words.find(|it| !it.is_empty()).unwrap_or_default()
}

const fn about(shape: &'static Shape) -> &'static str {
    match shape {
        Shape::Record { about, .. } | Shape::Choice { about, .. } => about,
        _ => "",
    }
}

/// The fields of all views of a record: `UserSettings`, `UserSettings2`, `UserSettings3`.
fn views(record: &Shape) -> impl Iterator<Item = &'static Field> {
    let stem = |it: &Shape| it.name().trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let of = stem(record);
    let parameters = operations::all().flat_map(|it| [it.signature.request, it.signature.out]).flat_map(Shape::fields);
    parameters.map(|it| it.shape.inner()).filter(move |it| stem(it) == of).flat_map(Shape::fields)
}

fn row(particle: &Particle, about: &str) -> String {
    let (name, ty, about) = (&particle.name, type_link(particle.shape), prose(about));
    format!("<div><dt><code>{name}</code></dt><dd class=\"type\">{ty}</dd><dd class=\"about\">{about}</dd></div>\n")
}

/// The name of a type; the contract's own types lead to their definition on the page.
fn type_link(shape: &'static Shape) -> String {
    match present(shape) {
        Shape::Simple(primitive) => format!("<code>{primitive}</code>"),
        Shape::Array(of) => format!("array of {}", type_link(of)),
        named => format!("<a href=\"#{0}\"><code>{0}</code></a>", named.name()),
    }
}

/// The records and enumerations that an operation uses.
fn types(request: &[Particle], reply: &[Particle]) -> String {
    let mut types = Vec::new();
    request.iter().chain(reply).for_each(|it| collect_types(it.shape, &mut types));
    types.retain(|it| !matches!(it, Shape::Array(_)));
    let mut html = String::new();
    if !types.is_empty() {
        html += "<h2>Types</h2>\n";
    }
    for shape in types {
        html += &format!("<h3 id=\"{0}\"><code>{0}</code></h3>\n", shape.name());
        match shape {
            Shape::Choice { values, .. } => {
                let values: Vec<String> = values.iter().map(|it| format!("<code>{it}</code>")).collect();
                html += &format!("<p>{} One of {}.</p>\n", prose(about(shape)), values.join(", "));
            }
            record => {
                let rows = record.fields().iter().map(Particle::from).map(|it| row(&it, meaning(&it, views(record))));
                let (about, rows) = (prose(about(record)), rows.collect::<String>());
                html += &format!("<p>{about}</p>\n<dl class=\"fields\">\n{rows}</dl>\n");
            }
        }
    }
    html
}

/// How to call by HTTP POST, with a form that does.
fn http_post(address: &str, name: &str, local: bool) -> String {
    if !local {
        return "<h2>HTTP POST</h2>\n<p>This operation can be called by HTTP POST too, from the machine that the \
                service runs on. Open this page there to get a form that calls it.</p>\n"
            .into();
    }
    let (host, path) = host_and_path(address);
    let request = format!(
        "POST {path}/{name} HTTP/1.1\nHost: {host}\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 0"
    );
    let mut answer = Indented::default();
    answer.line("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    answer.line(&format!("<string xmlns=\"{NAMESPACE}\">string</string>"));
    let reply = format!("{}\n\n{}", reply_head("text/xml; charset=utf-8"), answer.out);
    format!(
        "<h2>HTTP POST</h2>\n<p>This operation can be called by HTTP POST too, from this machine only. \
         The button does it.</p>\n\
         <form method=\"post\" action=\"{}/{name}\" target=\"_blank\"><button type=\"submit\">Invoke</button></form>\n{}{}",
        escape(address),
        sample("Request", &request),
        sample("Answer", &reply),
    )
}

/// What goes over the wire in a version of SOAP, with the names of types in place of values.
fn samples(address: &str, version: Version, name: &str, request: &[Particle], reply: &[Particle]) -> String {
    let content_type = version.content_type();
    let action = format!("\"{NAMESPACE}/{name}\"");
    let (title, routing) = match version {
        Version::Soap11 => {
            ("SOAP 1.1", format!("Content-Type: {content_type}\nContent-Length: length\nSOAPAction: {action}"))
        }
        Version::Soap12 => {
            ("SOAP 1.2", format!("Content-Type: {content_type}; action={action}\nContent-Length: length"))
        }
    };
    let (host, path) = host_and_path(address);
    let asked = envelope(version, name, request);
    let answered = envelope(version, &format!("{name}Response"), reply);
    let request = format!("POST {path} HTTP/1.1\nHost: {host}\n{routing}\n\n{asked}");
    let reply = format!("{}\n\n{answered}", reply_head(content_type));
    sample(&format!("{title} request"), &request) + &sample(&format!("{title} answer"), &reply)
}

fn reply_head(content_type: &str) -> String {
    format!("HTTP/1.1 200 OK\nContent-Type: {content_type}\nContent-Length: length")
}

/// A scrolling box, which the keyboard reaches too.
fn sample(title: &str, text: &str) -> String {
    let text = escape(text);
    format!("<h3>{title}</h3>\n<pre tabindex=\"0\"><code>{text}</code></pre>\n")
}

fn envelope(version: Version, element: &str, particles: &[Particle]) -> String {
    let mut out = Indented::default();
    out.line("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    out.nest(&format!("soap:Envelope xmlns:soap=\"{}\"", version.namespace()), |out| {
        out.nest("soap:Body", |out| {
            out.nest(&format!("{element} xmlns=\"{NAMESPACE}\""), |out| {
                particles.iter().for_each(|it| placeholder(&it.name, it.shape, out));
            });
        });
    });
    out.out
}

/// An element with the name of its type, or with the values that it may have.
fn placeholder(name: &str, shape: &Shape, out: &mut Indented) {
    match shape {
        Shape::Simple(primitive) => out.line(&format!("<{name}>{primitive}</{name}>")),
        Shape::Choice { values, .. } => out.line(&format!("<{name}>{}</{name}>", values.join(" or "))),
        Shape::Record { fields, .. } => {
            out.nest(name, |out| fields.iter().for_each(|it| placeholder(it.name, it.shape, out)));
        }
        Shape::Optional(of) => placeholder(name, of, out),
        Shape::Array(of) => out.nest(name, |out| (0..2).for_each(|_| placeholder(&of.name(), of, out))),
    }
}

/// The parts of an address that stand in the head of a request.
fn host_and_path(address: &str) -> (&str, &str) {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

fn first_sentence(about: &str) -> &str {
    about.split_inclusive('.').next().unwrap_or(about)
}

/// A documentation comment as HTML: code in back-quotes, links without their brackets and targets.
fn prose(about: &str) -> String {
    let text = about.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut html = String::with_capacity(text.len());
    for (at, piece) in text.split('`').enumerate() {
        if at % 2 == 1 {
            write!(html, "<code>{}</code>", escape(piece)).expect("a String does not fail");
            continue;
        }
        let piece = piece.strip_suffix('[').unwrap_or(piece);
        let piece = match piece.strip_prefix(']') {
            Some(link) if link.starts_with('(') => link.split_once(')').map_or(link, |(_, rest)| rest),
            Some(link) => link,
            None => piece,
        };
        html += &escape(piece);
    }
    html
}

fn page(title: &str, address: &str, body: &str) -> String {
    // New-WebServiceProxy looks for the link and knows only simple markup, so the link comes before everything else.
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n\
         <link rel=\"alternate\" type=\"text/xml\" href=\"{address}?disco\" />\n\
         <meta charset=\"utf-8\" />\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        address = escape(address),
    )
}

/// A page of one sentence: why there is no other page. It is short, because clients print it whole in their errors.
#[must_use]
pub fn notice(title: &str, text: &str) -> String {
    let (title, text) = (escape(title), escape(text));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\" /><title>{title}</title></head>\n\
         <body style=\"font: 1rem/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 40rem; padding: 0 1rem\">\n\
         <h1>{title}</h1>\n<p>{text}</p>\n<p>locmfa</p>\n</body>\n</html>\n"
    )
}
