//! What the command line asks of the admin API. It knows nothing that another program could not know.

mod client;

use hyper::Method;
use serde_json::Value;

pub use client::{Api, No, Url, segment};

/// Why clients did not come through to a server that runs: of each kind of failure how often, and the newest.
///
/// # Errors
/// Nobody answers there, or not without a token.
pub async fn failures(url: &Url) -> anyhow::Result<Vec<Failures>> {
    let api = Api { url: url.clone(), space: String::new(), token: None };
    let told = api.json(Method::GET, "/failures", None).await?;
    let counts = told["counts"].as_object().into_iter().flatten();
    let items = told["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |item: Option<&Value>, key: &str| item.and_then(|it| it[key].as_str()).unwrap_or_default().to_owned();
    let of_kind = |(kind, count): (&String, &Value)| {
        let newest = items.iter().rev().find(|it| it["kind"] == **kind);
        let count = count.as_u64().unwrap_or_default();
        Failures { kind: kind.clone(), count, what: text(newest, "what"), remedy: text(newest, "remedy") }
    };
    Ok(counts.map(of_kind).collect())
}

/// Failures of one kind.
#[derive(Clone, Debug)]
pub struct Failures {
    /// As in docs/troubles.md.
    pub kind: String,
    pub count: u64,
    /// The newest, in a sentence.
    pub what: String,
    pub remedy: String,
}
