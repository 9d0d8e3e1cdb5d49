//! `docs/troubles.md`, for people who search for a line of the log.

use locmfa::server::trouble::{SuiteRemedy, Trouble as Connection};
use locmfa::sign_in::Trouble;

const PAGE: &str = include_str!("../../docs/troubles.md");

fn row(kind: &str) -> &'static str {
    let start = format!("| `{kind}` | ");
    PAGE.lines().find(|it| it.starts_with(&start)).unwrap_or_else(|| panic!("docs/troubles.md lacks {kind}"))
}

/// A text of a table, with … for what is filled in.
pub(crate) fn plain(text: &str) -> String {
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "…" + part.split_once('}').unwrap().1)
}

#[test]
fn the_page_of_troubles_has_every_failed_sign_in() {
    for (kind, what, hint) in Trouble::TABLE {
        assert_eq!(row(kind), format!("| `{kind}` | {} | {hint} |", plain(what)));
    }
}

#[test]
fn the_page_of_troubles_has_every_failed_connection() {
    let source = include_str!("../../src/server/trouble.rs");
    let kinds = source.split("pub fn kind").nth(1).unwrap().split("pub fn").next().unwrap();
    let kinds: Vec<_> = kinds.split('"').skip(1).step_by(2).collect();
    assert!(kinds.len() >= 15, "{kinds:?}");
    kinds.iter().for_each(|it| assert!(!row(it).is_empty()));
}

#[test]
fn the_page_of_troubles_says_what_the_log_says() {
    let suite = |remedy| Connection::NoSharedSuite { offered: Vec::new(), remedy };
    let troubles = [
        Connection::OldVersion { newest: "…".into() },
        Connection::Ssl2,
        suite(SuiteRemedy::OfferRsa),
        suite(SuiteRemedy::AllowNewer),
        Connection::UnknownAuthority,
        Connection::NameMismatch { asked: "…".into(), names: vec!["…".into()] },
        Connection::CertificateRefused { alert: None, names: vec!["…".into()] },
        Connection::PlainHttp { request: "…".into() },
        Connection::TlsOnPlainPort,
        Connection::BadRequest { reason: "…".into() },
        Connection::NotTls { first: "…".into() },
        Connection::Probe,
        Connection::Slow { what: "…" },
        Connection::Broken { reason: "…".into() },
    ];
    for it in troubles {
        let row = row(it.kind());
        assert!(row.contains(&it.to_string()), "{it}: {row}");
        assert!(it.hint().is_none_or(|hint| row.contains(&hint)), "{it}: {row}");
    }
}
