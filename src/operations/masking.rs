//! Requests and answers for the log and the admin API, without the secrets in them.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::Value;

use crate::contract::Field;
use crate::text::{counted, in_one_line};

/// The parameters of every operation, with the fields of their records.
fn parameters() -> impl Iterator<Item = &'static Field> {
    let parameters =
        || super::all().flat_map(|it| it.signature.request.fields().iter().chain(it.signature.out.fields()));
    parameters().chain(parameters().flat_map(|it| it.shape.inner().fields()))
}

/// The wire names of secret parameters in lower case, and names of WS-Security.
static SECRETS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let names = parameters().filter(|it| it.secret).map(|it| it.name.to_lowercase());
    names.chain(["binarysecuritytoken", "nonce", "passphrase", "pwd"].map(Into::into)).collect()
});

/// The wire names that no operation uses for a secret.
static HARMLESS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| parameters().map(|it| it.name).filter(|it| !is_secret(it)).collect());

/// Whether a parameter of that name is a secret, in any letter case.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    SECRETS.contains(name) || SECRETS.contains(&name.to_lowercase())
}

/// A request as it came, with what stands in elements of secret parameters left out. It need not be XML.
#[must_use]
pub fn without_secrets(request: &str) -> String {
    let mut out = String::with_capacity(request.len());
    let mut rest = request;
    while let Some(start) = rest.find('<') {
        let name = rest[start + 1..].split(|c: char| c.is_whitespace() || matches!(c, '>' | '/' | '<')).next();
        let end = rest[start..].find('>').map_or(rest.len(), |it| start + it + 1);
        // The code of a result says how a call ended; `code` elsewhere is a passcode.
        let is_result = start == 0 && ["<callResult>", "<error>"].iter().any(|it| out.ends_with(it));
        out.push_str(&rest[..end]);
        rest = &rest[end..];
        if !is_result && is_secret(local(name.unwrap_or_default())) && !out.ends_with("/>") {
            out.push_str("(secret)");
            // Up to its own end tag: what a secret holds may look like markup.
            let close = format!("</{}", name.unwrap_or_default());
            rest = &rest[rest.find(&close).unwrap_or(rest.len())..];
        }
    }
    out.push_str(rest);
    out
}

/// A request or an answer as the journal keeps it, for people: XML [`without_secrets`], and anything else [`masked`].
#[must_use]
pub fn kept_without_secrets(text: &str) -> String {
    match is_xml(text) {
        true => without_secrets(text),
        false => masked(FORM, text),
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn is_xml(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

/// A request that the server does not understand: its fields by name, with the lengths of their values. The values of
/// parameters that no operation uses for a secret stay, where they stand in XML.
#[must_use]
pub fn masked(content_type: &str, body: &str) -> String {
    if is_xml(body) {
        return Xml::default().masked(body);
    }
    if let Ok(mut json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(body) {
        mask(&mut json);
        return json.to_string();
    }
    let is_form = content_type.to_ascii_lowercase().starts_with(FORM);
    is_form.then(|| masked_form(body)).flatten().unwrap_or_else(|| length(body))
}

fn length(text: &str) -> String {
    format!("({})", counted(text.chars().count(), "character"))
}

fn mask(json: &mut Value) {
    match json {
        Value::Object(map) => map.values_mut().for_each(mask),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::String(text) => *json = length(text).into(),
        Value::Number(number) => *json = length(&number.to_string()).into(),
        Value::Null | Value::Bool(_) => (),
    }
}

/// `None`: the body is no form, and what looks like a name may be a value.
fn masked_form(body: &str) -> Option<String> {
    let is_name = |it: &str| is_name(it) && it.len() <= NAME;
    let pair = |it: &str| {
        let (name, value) = it.split_once('=')?;
        (is_name(name) && !value.is_empty() && !value.starts_with('=')).then(|| format!("{name}={}", length(value)))
    };
    body.trim_end().split('&').map(pair).collect::<Option<Vec<_>>>().map(|it| it.join("&"))
}

/// The longest name that is shown, in bytes.
const NAME: usize = 128;

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | '-' | '.' | ':'))
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}

/// XML, or something like it, as far as it is masked.
#[derive(Default)]
struct Xml<'a> {
    out: String,
    /// The local names of the elements that are open.
    open: Vec<&'a str>,
    /// How many elements are open around a header of WS-Security, in which nothing is shown.
    security: Option<usize>,
}

impl<'a> Xml<'a> {
    fn masked(mut self, body: &'a str) -> String {
        let mut rest = body;
        loop {
            let (text, markup) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            self.text(text);
            if markup.is_empty() {
                return self.out;
            }
            match self.markup(markup) {
                Some(after) => rest = after,
                None => {
                    self.out += &length(markup);
                    return self.out;
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        let is_known = || self.security.is_none() && self.open.last().is_some_and(|it| HARMLESS.contains(it));
        let is_shown = text.trim().is_empty() || is_known();
        self.out += &if is_shown { text.into() } else { length(text) };
    }

    /// Masks what begins with `<`. `None`: it is no XML, so no part of it is shown.
    fn markup(&mut self, markup: &'a str) -> Option<&'a str> {
        for (start, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">")] {
            let Some(inside) = markup.strip_prefix(start) else { continue };
            let (inside, after) = inside.split_once(end)?;
            let is_declaration = start == "<?" && inside.starts_with("xml ");
            self.out += start;
            match is_declaration {
                true => self.out += &in_one_line(inside),
                false => self.out += &length(inside),
            }
            self.out += end;
            return Some(after);
        }
        if let Some(after) = markup.strip_prefix("</") {
            let (name, after) = after.split_once('>')?;
            if !is_name(name.trim_end()) || name.len() > NAME {
                return None;
            }
            self.open.pop();
            self.security = self.security.filter(|it| *it < self.open.len());
            self.out += &format!("</{name}>");
            return Some(after);
        }
        self.start_tag(&markup[1..])
    }

    fn start_tag(&mut self, tag: &'a str) -> Option<&'a str> {
        let end = tag.find(|it: char| it.is_whitespace() || matches!(it, '>' | '/' | '<'))?;
        let (name, mut rest) = tag.split_at(end);
        if !is_name(name) || name.len() > NAME {
            return None;
        }
        let mut out = format!("<{name}");
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix("/>") {
                self.out += &(out + "/>");
                return Some(after);
            }
            if let Some(after) = rest.strip_prefix('>') {
                self.out += &(out + ">");
                if !is_secret(local(name)) {
                    if local(name) == "Security" {
                        self.security = self.security.or(Some(self.open.len()));
                    }
                    self.open.push(local(name));
                    return Some(after);
                }
                // Up to its own end tag: what a secret holds may look like markup.
                let (inside, close) = after.split_at(after.find(&format!("</{name}"))?);
                self.out += &length(inside);
                self.open.push(local(name));
                return Some(close);
            }
            let (attribute, after) = rest.split_once('=')?;
            let attribute = attribute.trim_end();
            let after = after.trim_start();
            let quote = after.chars().next().filter(|it| matches!(it, '"' | '\''))?;
            let (value, after) = after[1..].split_once(quote)?;
            if !is_name(attribute) || attribute.len() > NAME {
                return None;
            }
            let is_shown = attribute == "xmlns" || attribute.starts_with("xmlns:") || SHOWN.contains(&local(attribute));
            let value = if is_shown { in_one_line(value) } else { length(value).into() };
            out += &format!(" {attribute}={quote}{value}{quote}");
            rest = after;
        }
    }
}

/// The attributes of SOAP and of XML Schema instances, whose values say how a request is built.
const SHOWN: [&str; 6] = ["actor", "encodingStyle", "mustUnderstand", "nil", "role", "type"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_of_what_is_kept() {
        let masked = |text| without_secrets(text);
        assert_eq!(
            masked("<p:password>a<b</p:password><username>anna</username>"),
            "<p:password>(secret)</p:password><username>anna</username>"
        );
        assert_eq!(masked("<Pin a=\"1\">1234"), "<Pin a=\"1\">(secret)");
        assert_eq!(masked("<PASSWORD>x</PASSWORD>"), "<PASSWORD>(secret)</PASSWORD>");
        assert_eq!(masked("<pin/>x < y"), "<pin/>x < y");
        let answer = "<callResult><Code>101</Code></callResult><error><Code>12</Code></error>";
        assert_eq!(masked(answer), answer);
        assert_eq!(masked("<code>864209</code><Code>864209</Code>"), "<code>(secret)</code><Code>(secret)</Code>");
        assert_eq!(masked("hello"), "hello");
    }

    #[test]
    fn a_request_that_is_not_understood_is_masked_whatever_it_is() {
        let soap = "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"urn:x\"><s:Header><wsse:Security s:mustUnderstand=\"1\"><wsse:Username>hunter2</wsse:Username><wsse:Password Type='hunter2'>a<hunter2>b</wsse:Password></wsse:Security></s:Header>\n<PfAuthUser><username>anna</username><Kennwort>hunter2</Kennwort><!--hunter2--><pin>hunter2</pin><a><![CDATA[hunter2]]></a></PfAuthUser>";
        let told = masked("text/xml", soap);
        for part in [
            "<wsse:Username>(7 characters)</wsse:Username>",
            "<username>anna</username>",
            "<Kennwort>(7 characters)</Kennwort>",
            "<!--(7 characters)-->",
            "<pin>(7 characters)</pin>",
            "xmlns:s=\"urn:x\"",
            "<![CDATA[(7 characters)]]>",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let cases = [
            ("text/xml", soap),
            ("text/xml", "<a>x</a><b hunter2=1>"),
            ("text/xml", "<a b='1' c=hunter2><hunter2"),
            ("text/xml", "<password>hunter2<"),
            ("text/xml", "<pin>hunter2"),
            ("text/plain", "hunter2"),
            ("text/plain", "secret=hunter2"),
            ("application/x-www-form-urlencoded", "user=anna&pass=hunter2"),
            ("application/x-www-form-urlencoded", "hunter2=="),
            ("application/json", r#"{"login": {"secret": "hunter2", "list": ["hunter2", 1]}}"#),
            ("application/json", r#"{"login": "hunter2""#),
            ("", "<!DOCTYPE a [<!ENTITY x 'hunter2'>]><a>&x;</a>"),
        ];
        for (kind, body) in cases {
            let told = masked(kind, body);
            assert!(!told.contains("hunter2"), "{body}: {told}");
        }
        assert_eq!(masked(cases[7].0, cases[7].1), "user=(4 characters)&pass=(7 characters)");
        assert_eq!(masked("text/plain", "hunter2"), "(7 characters)");
        assert_eq!(kept_without_secrets("user=anna&pass=hunter2"), "user=(4 characters)&pass=(7 characters)");
        assert_eq!(kept_without_secrets("<a>x</a><Pin>hunter2</Pin>"), "<a>x</a><Pin>(secret)</Pin>");
    }
}
