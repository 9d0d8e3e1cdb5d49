//! `docs/troubles.md`, for people who search for a line of the log.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use locmfa::trouble::{Row, Scope, Trouble};

/// A text of a table, with … for what is filled in.
pub(crate) fn plain(text: &str) -> String {
    let (open, close) = ("\u{1}", "\u{2}");
    let text = text.replace("{{", open).replace("}}", close);
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| text + "…" + part.split_once('}').unwrap().1);
    text.replace(open, "{").replace(close, "}")
}

/// The table of a scope. The first row of each kind has the anchor that the log names.
fn table(scope: Scope) -> String {
    let mut table = String::from("| trouble | what | what to do |\n|---|---|---|\n");
    let mut last = "";
    for Row { kind, what, remedy, .. } in Trouble::TABLE.iter().filter(|it| it.scope == scope) {
        let anchor = if *kind == last { String::new() } else { format!("<a id=\"{kind}\"></a>") };
        writeln!(table, "| {anchor}`{kind}` | {} | {} |", plain(what), plain(remedy)).unwrap();
        last = kind;
    }
    table
}

#[test]
fn the_page_of_troubles_has_the_rows_of_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/troubles.md");
    for (scope, heading) in [
        (Scope::Connection, "## `connection failed`"),
        (Scope::Request, "## `request refused`"),
        (Scope::SignIn, "## `sign-in failed`"),
    ] {
        let page = fs::read_to_string(&file).unwrap();
        let section = page.find(heading).unwrap_or_else(|| panic!("docs/troubles.md lacks {heading}"));
        let start = section + page[section..].find("| trouble |").expect("the section has a table");
        let end = start + page[start..].find("\n\n").map_or(page.len() - start, |it| it + 1);
        let fresh = table(scope);
        #[expect(clippy::disallowed_methods, reason = "UPDATE=1 rewrites the tables")]
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, format!("{}{fresh}{}", &page[..start], &page[end..])).unwrap();
        } else {
            assert!(
                page[start..end] == fresh,
                "docs/troubles.md is stale below {heading}: UPDATE=1 cargo test writes it"
            );
        }
    }
}

#[test]
fn every_anchor_that_the_log_names_is_on_the_page_once() {
    let page = include_str!("../../docs/troubles.md");
    for Row { kind, .. } in Trouble::TABLE {
        assert_eq!(page.matches(&format!("<a id=\"{kind}\"></a>")).count(), 1, "{kind}");
    }
}
