//! Plays each transcript of `tests/transcripts/` through the whole server under paused time, and rewrites what the
//! server says where `UPDATE` is set.
//!
//! A transcript is a scenario, a line `---`, and then:
//!
//! ```text
//! > Operation name=value name="a value"    a call, and what came back after how long
//! > Operation record.field=value           a call with a record or an array
//! & Operation name=value                   a call that goes on in the background
//! =                                        what came back to those, in their order
//! + 5m                                     time passes
//! # a remark
//! ```

#![expect(clippy::disallowed_methods, reason = "a test may look at its environment")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use locmfa::contract::NAMESPACE;
use locmfa::engine::Timestamp;
use locmfa::scenario;
use locmfa::server::{Admission, BodyLimits, Cut, Site, app};
use locmfa::switchboard::{Limits, Switchboard};
use roxmltree::{Document, Node};
use tokio::task::JoinHandle;
use tokio::time::Instant;

datatest_stable::harness! {
    { test = play, root = "tests/transcripts", pattern = r"\.txt$" },
}

fn play(path: &Path) -> datatest_stable::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let expected = std::fs::read_to_string(path)?.replace("\r\n", "\n");
    let actual = runtime.block_on(replayed(&expected))?;
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &actual)?;
        return Ok(());
    }
    match actual == expected {
        true => Ok(()),
        false => Err(format!("expected:\n{expected}\nactual:\n{actual}").into()),
    }
}

/// 2026-01-01T00:00:00Z
const START: Duration = Duration::from_secs(1_767_225_600);

async fn replayed(transcript: &str) -> datatest_stable::Result<String> {
    let (setup, lines) = transcript.split_once("\n---\n").ok_or("a scenario ends with a line ---")?;
    let scenario = scenario::load("transcript", setup)
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let mut engine_setup = scenario.setup;
    engine_setup.seed.get_or_insert(1);
    engine_setup.clock.at.get_or_insert_with(|| Timestamp::from_unix(START));
    let spaces = Switchboard::new(engine_setup, Limits::default());
    let server = scenario.server;
    let admission = Admission::new(server.sign_in, &server.group, server.outsider, "localhost");
    let site = Arc::new(Site::new(spaces, admission, server.paths, BodyLimits::default()));

    let mut actual = format!("{setup}\n---\n");
    let mut background = Vec::<JoinHandle<String>>::new();
    for line in lines.lines() {
        let (sign, rest) = line.split_once(' ').unwrap_or((line, ""));
        match sign {
            ">" => {
                let response = call(site.clone(), rest.to_owned()).await;
                actual += &format!("{line}\n{response}");
            }
            "&" => {
                background.push(tokio::spawn(call(site.clone(), rest.to_owned())));
                // The call arrives before the next line is played.
                tokio::task::yield_now().await;
                actual += &format!("{line}\n");
            }
            "=" => {
                actual += "=\n";
                for answer in background.drain(..) {
                    actual += &answer.await?;
                }
            }
            "+" => {
                tokio::time::sleep(humantime::parse_duration(rest)?).await;
                actual += &format!("{line}\n");
            }
            "#" => actual += &format!("{line}\n"),
            // What came back the last time.
            _ => assert!(line.starts_with("    "), "what is {line:?}?"),
        }
    }
    Ok(actual)
}

async fn call(site: Arc<Site>, line: String) -> String {
    let (operation, parameters) = line.split_once(' ').unwrap_or((&line, ""));
    let body = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><{operation} xmlns=\"{NAMESPACE}\">{}</{operation}></s:Body></s:Envelope>",
        elements(parameters)
    );
    let request = Request::post("/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx")
        .header("content-type", "text/xml; charset=utf-8")
        .header("content-length", body.len())
        .header("soapaction", format!("\"{NAMESPACE}/{operation}\""))
        .body(Body::from(body))
        .expect("a request");
    let start = Instant::now();
    let response = app(site).answer(request).await;
    let took = || humantime::format_duration(Duration::from_millis(start.elapsed().as_millis() as u64));
    if response.extensions().get::<Cut>().is_some() {
        return format!("    cut off after {}\n", took());
    }
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.expect("a whole body").to_bytes();
    let head = format!("    {status} after {}\n", took());
    let text = String::from_utf8_lossy(&bytes);
    let Ok(document) = Document::parse(&text) else {
        let end: String = text.chars().rev().take(30).collect();
        let end: String = end.chars().rev().collect();
        return if text.is_empty() { head } else { format!("{head}    no XML, which ends in: {end}\n") };
    };
    let body = document.descendants().find(|it| it.tag_name().name() == "Body").expect("a body");
    let mut shown = String::new();
    body.children().for_each(|it| show(it, 1, &mut shown));
    head + &shown
}

/// `a=b c="d e"` as elements; `a.b=1 a.c=2` as a record, `a.b=1 a.b=2` as an array.
fn elements(mut text: &str) -> String {
    let mut out = String::new();
    let mut open: Vec<&str> = Vec::new();
    while let Some((name, rest)) = text.trim_start().split_once('=') {
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("a quote ends"),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        let (path, leaf) = name.rsplit_once('.').unwrap_or(("", name));
        let path: Vec<&str> = path.split('.').filter(|it| !it.is_empty()).collect();
        let shared = open.iter().zip(&path).take_while(|(a, b)| a == b).count();
        open.drain(shared..).rev().for_each(|it| out += &format!("</{it}>"));
        path[shared..].iter().for_each(|it| out += &format!("<{it}>"));
        open = path;
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        out += &format!("<{leaf}>{value}</{leaf}>");
        text = rest;
    }
    open.iter().rev().for_each(|it| out += &format!("</{it}>"));
    out
}

fn show(node: Node<'_, '_>, depth: usize, out: &mut String) {
    let indent = "    ".repeat(depth);
    let name = node.tag_name().name();
    match node.first_element_child() {
        Some(_) => {
            *out += &format!("{indent}{name}\n");
            node.children().filter(Node::is_element).for_each(|it| show(it, depth + 1, out));
        }
        None => *out += format!("{indent}{name}: {}", node.text().unwrap_or_default()).trim_end(),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
}
