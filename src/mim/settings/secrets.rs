//! What of a settings file must not be shown.

use std::ops::Range;

use super::{Key, is_name};

/// What must not be shown: every value but those of the entries in `HARMLESS`; that is text under any other name, between
/// entries and in comments, attributes, what stands before the `@` of a URL, and what looks like a tag within a value. A text
/// that is no XML is treated alike. In order, in bytes.
#[must_use]
pub fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    let mut at = 0;
    // The harmless entry whose value comes next.
    let mut harmless: Option<&str> = None;
    // The names of the elements that are open.
    let mut open: Vec<&str> = Vec::new();
    while at < text.len() {
        if !text[at..].starts_with('<') {
            let end = text[at..].find('<').map_or(text.len(), |it| at + it);
            let value = at..end;
            let is_closed = |name: &str| text[end..].strip_prefix("</").is_some_and(|it| it.starts_with(name));
            match harmless.take().filter(|name| is_closed(name) && !text[value.clone()].trim().contains(['\r', '\n'])) {
                Some(_) => secrets.extend(user_of_url(text, value)),
                None => hide(text, value, &mut secrets),
            }
            at = end;
            continue;
        }
        let rest = &text[at..];
        let mark = ["<!--", "<![CDATA[", "</", "<?xml", "<"].into_iter().find(|it| rest.starts_with(it)).unwrap_or("<");
        let name_start = at + mark.len();
        if mark.starts_with("<!") {
            let end_mark = if mark == "<!--" { "-->" } else { "]]>" };
            let end = text[name_start..].find(end_mark).map_or(text.len(), |it| name_start + it);
            hide(text, name_start..end, &mut secrets);
            harmless = None;
            at = text.len().min(end + end_mark.len());
            continue;
        }
        let name = &text[name_start..];
        let name = &name[..name.find(|it| !is_name(it)).unwrap_or(name.len())];
        let start = name_start + name.len();
        // A tag that another one follows is broken.
        let tag_end = text[start..].find(['>', '<']).map_or(text.len(), |it| start + it);
        let inside = &text[start..tag_end];
        let is_declaration =
            mark == "<?xml" && inside.chars().all(|it| it.is_ascii_alphanumeric() || " =\"'.-?".contains(it));
        let inside_end = start + inside.trim_end_matches('/').len();
        if !is_declaration {
            // What looks like the name of a broken tag, or of one in a value, may be a value with a `<` in it.
            let is_broken = !text[tag_end..].starts_with('>');
            let is_hidden = is_broken || (!is_like_a_key(name) && is_in_value(&open, name, mark));
            hide(text, if is_hidden { name_start } else { start }..inside_end, &mut secrets);
            match mark {
                "</" => open.truncate(open.iter().rposition(|it| *it == name).unwrap_or(open.len())),
                _ if !is_broken && !inside.ends_with('/') => open.push(name),
                _ => (),
            }
        }
        let opens = mark == "<" && inside.is_empty() && text[tag_end..].starts_with('>');
        harmless = Some(name).filter(|name| opens && HARMLESS.iter().any(|it| it.name().eq_ignore_ascii_case(name)));
        at = if text[tag_end..].starts_with('>') { tag_end + 1 } else { tag_end };
    }
    secrets
}

/// Whether a name is that of an entry, or one of them that is misspelt.
fn is_like_a_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_like = |key: &&Key| strsim::damerau_levenshtein(&key.name().to_ascii_lowercase(), &name) <= 2;
    Key::named(&name).is_some() || Key::ALL.iter().any(|it| is_like(&it))
}

/// Whether a tag stands in the value of an entry. The tags of the root and of the entries themselves do not.
fn is_in_value(open: &[&str], name: &str, mark: &str) -> bool {
    let around = match (mark, open.iter().rposition(|it| *it == name)) {
        ("</", Some(at)) => &open[..at],
        _ => open,
    };
    around.len() > 1 || around.iter().any(|it| Key::named(it).is_some())
}

/// The entries whose values are shown.
const HARMLESS: &[Key] =
    &[Key::CertFilePath, Key::Username, Key::Locmfa, Key::Locmfasrv, Key::DefaultCountryCode, Key::CustomPhoneProvider];

/// Hides what is no white space, and the ends of comments and of CDATA sections.
fn hide(text: &str, range: Range<usize>, secrets: &mut Vec<Range<usize>>) {
    let inner = &text[range.clone()];
    let end = inner.trim_end().trim_end_matches("-->").trim_end_matches("]]>").trim_end().len();
    let start = inner.len() - inner.trim_start().len();
    if start < end {
        secrets.push(range.start + start..range.start + end);
    }
}

/// What stands before the `@` of a URL.
fn user_of_url(text: &str, value: Range<usize>) -> Option<Range<usize>> {
    let authority = value.start + text[value.clone()].find("://")? + "://".len();
    let end = text[authority..value.end].find(['/', '?', '#']).map_or(value.end, |it| authority + it);
    let length = text[authority..end].rfind('@')?;
    Some(authority..authority + length)
}
