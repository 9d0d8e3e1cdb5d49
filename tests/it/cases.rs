//! What Microsoft's own SOAP stack answers on this contract, request by request (`tests/golden/asmx.json`).

use serde::Deserialize;
use std::collections::BTreeMap;

use crate::site;

#[derive(Deserialize)]
struct Case {
    name: String,
    method: String,
    suffix: String,
    headers: BTreeMap<String, String>,
    body: String,
    compare: String,
    encoding: String,
    expect: Expected,
}

#[derive(Deserialize)]
struct Expected {
    status: u16,
    ct: String,
    cache: String,
    body: String,
}

#[tokio::test(start_paused = true)]
async fn every_case_of_the_reference_stack_is_answered_alike() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../golden/asmx.json")).unwrap();
    assert!(cases.len() >= 25);
    let site = site("seed: 1");
    let mut wrong = Vec::new();
    for case in cases {
        assert_eq!(case.encoding, "utf-8", "{}", case.name);
        let mut request = site.request(&case.method, &case.suffix).body(case.body.into_bytes());
        for (name, value) in &case.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await;
        let same_body = match case.compare.as_str() {
            "all" => answer.body.replace("\r\n", "\n") == case.expect.body.replace("\r\n", "\n"),
            "head" => answer.body.starts_with(case.expect.body.as_str()),
            other => panic!("{}: how to compare {other:?}?", case.name),
        };
        let same = same_body
            && answer.status == case.expect.status
            && answer.header("content-type") == case.expect.ct
            && answer.header("cache-control") == case.expect.cache;
        if !same {
            wrong.push(format!("{}: {answer:#?}\nexpected {} {}", case.name, case.expect.status, case.expect.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
