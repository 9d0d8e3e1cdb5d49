//! What Microsoft's own SOAP stack answers on this contract, request by request: `tests/golden/asmx.json` and
//! `tests/golden/asmx-more.json`.
//!
//! Each case has a server of its own, without sign-in and with the user `nobody@contoso.com`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use crate::{Answered, Served, site};

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    kind: Option<String>,
    name: String,
    #[serde(flatten)]
    sent: Sent,
    encoding: String,
    /// Requests that are sent first. Their answers do not matter.
    #[serde(default)]
    before: Vec<Earlier>,
    /// The sizes of the chunks, in turn.
    #[serde(default)]
    chunks: Vec<usize>,
    compare: String,
    expect: Expected,
}

#[derive(Deserialize)]
struct Sent {
    method: String,
    suffix: String,
    headers: BTreeMap<String, String>,
    body: String,
}

#[derive(Deserialize)]
struct Earlier {
    #[serde(flatten)]
    sent: Sent,
    enc: String,
}

#[derive(Deserialize)]
struct Expected {
    status: u16,
    ct: Option<String>,
    cache: Option<String>,
    body: String,
}

#[tokio::test(start_paused = true)]
async fn every_case_of_the_reference_stack_is_answered_alike() {
    let mut cases: Vec<Case> = serde_json::from_str(include_str!("../golden/asmx.json")).unwrap();
    cases.extend(serde_json::from_str::<Vec<Case>>(include_str!("../golden/asmx-more.json")).unwrap());
    assert!(cases.len() >= 296);
    let mut kinds: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let mut wrong = String::new();
    for case in cases {
        let served = site("users: [nobody@contoso.com]");
        for earlier in &case.before {
            send(&served, &earlier.sent, &earlier.enc, &[]).await;
        }
        let answer = send(&served, &case.sent, &case.encoding, &case.chunks).await;
        let passes = passes(&case, &answer);
        kinds.entry(case.kind.clone().unwrap_or_else(|| "first 25".into())).or_default()[usize::from(!passes)] += 1;
        if !passes {
            let Case { name, compare, expect, .. } = &case;
            let content_type = answer.header("content-type");
            write!(
                wrong,
                "{name} ({compare}): answered {} {content_type}\n{}\nexpected {} {:?}\n{}\n\n",
                answer.status, answer.body, expect.status, expect.ct, expect.body
            )
            .unwrap();
        }
    }
    let table: String =
        kinds.iter().map(|(kind, [passed, failed])| format!("{kind:16} {passed:4} {failed:4}\n")).collect();
    eprintln!("kind           passed failed\n{table}");
    assert!(wrong.is_empty(), "{wrong}\nkind           passed failed\n{table}");
}

async fn send(served: &Served, sent: &Sent, encoding: &str, chunks: &[usize]) -> Answered {
    let mut request = served.request(&sent.method, &sent.suffix).body(encoded(&sent.body, encoding));
    for (name, value) in &sent.headers {
        request = request.header(name, value);
    }
    if chunks.is_empty() { request.send().await } else { request.send_in_chunks(chunks).await }
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "utf-8" => text.into(),
        "utf-16-le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-32-le" => text.chars().flat_map(|it| u32::from(it).to_le_bytes()).collect(),
        "latin-1" => text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect(),
        other => panic!("an encoding that no case had before: {other}"),
    }
}

fn passes(case: &Case, answer: &Answered) -> bool {
    let expect = &case.expect;
    let same_status = answer.status == expect.status;
    let same_type = expect.ct.as_deref() == Some(answer.header("content-type"));
    let same_cache = expect.cache.as_deref() == Some(answer.header("cache-control"));
    // A carriage return within a line is part of the text.
    let one_end = |text: &str| text.replace("\r\n", "\n");
    let same = |cut: fn(&str) -> &str| {
        same_status && same_type && same_cache && one_end(cut(&answer.body)) == one_end(cut(&expect.body))
    };
    match case.compare.split_once(':').unwrap_or((&case.compare, "")) {
        ("all", _) => same(|it| it),
        ("head", _) => same(|it| up_to(it, it.find("Result>").map(|at| at + "Result>".len()))),
        ("value", _) => same(|it| up_to(it, it.match_indices("Result>").nth(1).map(|(at, _)| at + "Result>".len()))),
        ("status", _) => same_status && same_type,
        ("code", _) => same_status,
        ("field", name) => same_status && field(&answer.body, name) == field(&expect.body, name),
        ("has", text) => same_status && same_type && answer.body.contains(text),
        (other, _) => panic!("{}: how to compare {other:?}?", case.name),
    }
}

fn up_to(text: &str, end: Option<usize>) -> &str {
    &text[..end.unwrap_or(text.len())]
}

/// The content of the first element of that name.
fn field<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}
