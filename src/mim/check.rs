//! What is wrong in an `MfaSettings.xml`: one row for each kind of finding, and the rules that find them.
//!
//! Only the file is examined. A caller that wants to know whether the server answers and knows the account uses
//! [`Checked::service`] and [`Checked::username`].

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;
use std::{fmt, iter};

use axum::http::Uri;
use serde::Serialize;

use super::settings::{self, Broken, Entry, Key, Reason, Settings};
use crate::scenario::{Place, Severity, point, quoted};

/// Declares the findings: `Name { fields } => "code", "name", Severity, "what is wrong", "what to do"`.
macro_rules! problems {
    ($($name:ident { $($field:ident: $ty:ty),* } =>
        $code:literal, $word:literal, $severity:ident, $what:literal, $remedy:literal;)*) => {
        /// What can be wrong. Codes keep their meaning from version to version.
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub enum Problem { $($name { $($field: $ty),* },)* }

        impl Problem {
            /// Such as `M001`.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => $code,)* }
            }

            /// Such as `not-xml`.
            #[must_use]
            pub const fn word(&self) -> &'static str {
                match self { $(Self::$name { .. } => $word,)* }
            }

            #[must_use]
            pub const fn severity(&self) -> Severity {
                match self { $(Self::$name { .. } => Severity::$severity,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(&self) -> &'static str {
                match self { $(Self::$name { .. } => $remedy,)* }
            }

            /// Code, name, severity, text and remedy of every kind, for the documentation and its test.
            pub const TABLE: &[(&str, &str, Severity, &str, &str)] =
                &[$(($code, $word, Severity::$severity, $what, $remedy),)*];
        }

        impl fmt::Display for Problem {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$name { $($field),* } => write!(f, $what),)* }
            }
        }
    };
}

problems! {
    NotXml { reason: String } => "M001", "not-xml", Error, "{reason}", "Correct the place, or restore a backup: `locmfa mim revert` finds those that `configure` made.";
    DocumentType {} => "M002", "document-type", Error, "The file has a document type, with which come entities. They are not read here, and whether MIM reads them is not known.", "Delete it, from `<!DOCTYPE` to its closing `>`.";
    Encoding { reason: String } => "M003", "encoding", Error, "The file's characters cannot be read: {reason}.", "Save the file as UTF-8, and let the first line say encoding=\"utf-8\" or nothing.";
    NoEntries {} => "M004", "no-entries", Error, "None of the entries of MfaSettings.xml is in this file.", "Look whether it is the right file. It is in the folder of the MIM Service, and has at least entries such as LOCMFA or LICENSE_KEY below its root.";
    Duplicate { name: &'static str, lines: String } => "M005", "duplicate-entry", Error, "{name} is there more than once, in lines {lines}. Which one MIM takes is not known.", "Delete all but one. Names in another letter case count as the same.";
    NotText { name: &'static str } => "M006", "not-text", Error, "{name} holds elements where a plain text belongs.", "Write the value between its tags, without markup.";
    Missing { name: &'static str } => "M007", "missing-entry", Error, "{name} is missing or empty.", "Write it, or let `locmfa mim configure` do it.";
    InComment { name: &'static str } => "M008", "in-comment", Warning, "{name} stands in a comment only, which MIM does not read.", "Take it out of the comment.";
    Misspelt { name: String, meant: &'static str } => "M009", "misspelt-entry", Warning, "{name} has no known meaning, and {meant} is missing.", "Correct the name, if it was meant to be that one.";
    Padded { name: &'static str } => "M010", "padded-value", Warning, "There are spaces or line ends around the value of {name}. MIM may take them for a part of it.", "Write the value directly between the tags.";
    Leftover { name: &'static str } => "M011", "cloud-leftover", Error, "{name} still holds what the cloud service needed.", "Clear it, as Microsoft's article says, or let `locmfa mim configure` do it.";
    QuotedPath {} => "M012", "quoted-path", Error, "CertFilePath is in quotation marks. MIM takes them for a part of the path and fails.", "Clear it: a local server needs no certificate of the cloud service. Where the cloud service is meant, delete the quotation marks.";
    LocalOff { value: String } => "M013", "local-off", Error, "LOCMFA is {value}, not true, so MIM does not use a local server.", "Write true, or let `locmfa mim configure` do it.";
    LetterCase { value: String } => "M014", "letter-case", Warning, "LOCMFA is {value}. Microsoft's article writes true, and whether MIM takes another letter case is not known.", "Write true.";
    NotUrl { reason: &'static str } => "M015", "not-a-url", Error, "LOCMFASRV is no URL that can be called: {reason}.", "Write it like https://mfa.contoso.com:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx.";
    NotHttps {} => "M016", "not-https", Warning, "LOCMFASRV is plain http. Numbers and codes travel unprotected, and Microsoft's article has https.", "Write https://. With locmfa, plain http works only where it was started with --http.";
    Address { host: String } => "M017", "address-for-name", Warning, "LOCMFASRV names the address {host}. The certificate must then be for that address, which is rare.", "Write the host's name, as it stands in the certificate.";
    MissingAsmx {} => "M018", "missing-asmx", Error, "The path of LOCMFASRV does not end in PfWsSdk.asmx.", "Add the file's name: .../MultiFactorAuthWebServiceSdk/PfWsSdk.asmx.";
    WrongPath { path: String } => "M019", "wrong-path", Error, "LOCMFASRV calls {path}, which is not the Web Service SDK.", "Let the path be /MultiFactorAuthWebServiceSdk/PfWsSdk.asmx.";
    OtherFolder { path: String } => "M020", "other-folder", Note, "LOCMFASRV calls {path}. MFA Server's own folder is /MultiFactorAuthWebServiceSdk.", "No action needed if the service is installed there. locmfa answers in every folder.";
    Suffix {} => "M021", "url-suffix", Warning, "LOCMFASRV goes on after the path, with ? or #. That is for browsers, such as ?WSDL.", "Let it end with PfWsSdk.asmx.";
    CustomProvider {} => "M022", "custom-provider", Error, "CustomPhoneProvider is set, so MIM calls that library and not the server of LOCMFASRV.", "Clear it to use the server. To use the library, clear the other entries.";
    NoCountryCode {} => "M023", "no-country-code", Note, "DefaultCountryCode is missing or empty. Numbers without a country code may then not be understood.", "Write it in digits, such as 1, or keep all numbers with their country codes.";
    BadCountryCode {} => "M024", "bad-country-code", Warning, "DefaultCountryCode is not one to three digits.", "Write the country code in digits, such as 1 or 49.";
    OpenToAll { mode: String } => "M025", "open-to-all", Warning, "Everybody on this machine may read or change the file (mode {mode}).", "Take it from the others: chmod o-rwx, with the file's name.";
    AccessUnseen {} => "M026", "access-unseen", Note, "Who may read and change the file was not looked at.", "Look with icacls \"MfaSettings.xml\" in its folder. Everyone and BUILTIN\\Users should not be able to change it, nor to read it while it holds keys.";
    Namespace { name: String } => "M027", "namespace", Warning, "{name} has a namespace or a prefix, and the entries of Microsoft's article have none. Whether MIM finds them is not known.", "Delete xmlns=\"...\" and the prefixes.";
    TextBetween {} => "M028", "text-between", Warning, "There is text between the entries, which MIM does not read as an entry.", "Delete it. If it is an entry that was pasted from a web page, write < for &lt;, > for &gt;, and no backslash before them.";
    Unknown { name: String } => "M029", "unknown-entry", Note, "{name} is no entry that MIM is known to read.", "No action needed if your version of MIM wrote it. An entry whose name was translated or misspelt does nothing.";
    Attributes { name: String } => "M030", "attributes", Error, "{name} has attributes. MIM reads elements: what is written as an attribute does nothing.", "Write each setting as an element: <LOCMFA>true</LOCMFA>.";
    Markup {} => "M031", "markup-in-username", Warning, "Username holds < or >, which no user name has.", "Write the name alone: mimservice@contoso.com.";
    Invisible { name: &'static str, character: String, column: u32 } => "M032", "invisible-character", Error, "{name} holds {character} in column {column}, which cannot be seen. MIM takes it for a part of the value.", "Delete the value and type it again, or let `locmfa mim configure` write it.";
    Quotes { name: &'static str } => "M033", "typographic-quotes", Error, "{name} holds typographic quotes (\u{201c} \u{201d}). MIM takes them for a part of the value.", "Delete them: values stand without quotation marks.";
}

/// One thing that is wrong. `Display` tells all of it, over several lines; in JSON it is one flat object, with the
/// same names as a mistake in a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub code: &'static str,
    /// `code`'s name.
    pub kind: &'static str,
    pub severity: Severity,
    /// The file, as it was named.
    pub source: String,
    /// None: the whole file.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Vec<String>,
}

/// A file that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// In the order of the file; what concerns all of it comes first.
    pub findings: Vec<Finding>,
    /// The URL of `LOCMFASRV`, where it can be called: from here a check of the connection goes on.
    pub service: Option<Uri>,
    /// The account that MIM names in its calls.
    pub username: Option<String>,
}

/// Looks at a file.
///
/// # Errors
/// The sentence that says why it cannot be read: it is not there, too large, or not for this account.
pub fn file(path: &Path) -> Result<Checked, Unreadable> {
    let (bytes, file) = read(path)?;
    let mut checked = text(&path.display().to_string(), &bytes);
    if let Some(problem) = access(&file) {
        checked.findings.insert(0, Finding::new(&problem, &path.display().to_string(), None));
    }
    Ok(checked)
}

/// Looks at the bytes of a file that people know as `source`.
#[must_use]
pub fn text(source: &str, bytes: &[u8]) -> Checked {
    match Settings::read(bytes) {
        Err(broken) => Checked { findings: vec![Finding::of_broken(source, broken)], service: None, username: None },
        Ok(settings) => {
            let found = structure(&settings).into_iter().chain(meaning(&settings));
            Checked {
                findings: Finding::all(source, settings.text(), found.collect()),
                service: settings.value(Key::Locmfasrv).and_then(|it| uri(it).ok()),
                username: settings.value(Key::Username).map(ToOwned::to_owned),
            }
        }
    }
}

/// A file that cannot be read. Its text is a sentence with a remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// The bytes of a file, of bounded length, and the file that they are from.
pub fn read(path: &Path) -> Result<(Vec<u8>, File), Unreadable> {
    let name = path.display();
    let failed = |error: io::Error| {
        Unreadable(match error.kind() {
            io::ErrorKind::NotFound => format!(
                "{name} does not exist. MIM keeps MfaSettings.xml in the Service folder of its installation; name the file where it is."
            ),
            io::ErrorKind::PermissionDenied => format!(
                "{name} may not be read by this account ({error}). On Windows, start the program as administrator."
            ),
            _ => format!("{name} cannot be read ({error}). Name the file itself, and close programs that lock it."),
        })
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    (&file).take(settings::LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > settings::LENGTH {
        return Err(Unreadable(format!(
            "{name} is larger than {} MB, and a settings file has a few thousand bytes. Name the right file.",
            settings::LENGTH >> 20
        )));
    }
    Ok((bytes, file))
}

/// A problem, and the bytes that it is about.
pub type Found = (Problem, Option<Range<usize>>);

/// What makes it unclear which entry is meant. A file with any of these is not edited.
pub fn structure(settings: &Settings) -> Vec<Found> {
    if settings.entries().iter().all(|it| it.key.is_none()) {
        return vec![(Problem::NoEntries {}, None)];
    }
    let line = |entry: &Entry| crate::xml::Position::of(settings.text(), entry.element.start).line.to_string();
    let mut found = Vec::new();
    for key in Key::ALL {
        let name = key.name();
        if let Some(second) = settings.all(*key).nth(1) {
            let lines: Vec<String> = settings.all(*key).take(3).map(line).collect();
            found.push((Problem::Duplicate { name, lines: lines.join(", ") }, Some(second.element.clone())));
        }
        let with_children = settings.all(*key).find(|it| it.has_children);
        found.extend(with_children.map(|it| (Problem::NotText { name }, Some(it.span(settings.text())))));
    }
    found
}

/// What the values mean to MIM. Of an entry that stands twice, the first counts.
fn meaning(settings: &Settings) -> Vec<Found> {
    if settings.entries().iter().all(|it| it.key.is_none()) {
        return Vec::new();
    }
    let mut found = form(settings);
    for key in Key::ALL {
        let value = settings.value(*key);
        let entry = settings.all(*key).next();
        let span = entry.map(|it| it.span(settings.text()));
        let problems = match (key, value) {
            (Key::LicenseKey | Key::GroupKey | Key::CertPassword | Key::CertFilePath, None) => vec![],
            (Key::CertFilePath, Some(path))
                if path
                    .starts_with(['"', '\'', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{ab}']) =>
            {
                vec![Problem::QuotedPath {}]
            }
            (Key::LicenseKey | Key::GroupKey | Key::CertPassword | Key::CertFilePath, Some(_)) => {
                vec![Problem::Leftover { name: key.name() }]
            }
            (Key::Username | Key::Locmfa | Key::Locmfasrv, None) => vec![Problem::Missing { name: key.name() }],
            (Key::Username, Some(name)) if name.contains(['<', '>']) => vec![Problem::Markup {}],
            (Key::Username, Some(_)) => vec![],
            (Key::Locmfa, Some("true")) => vec![],
            (Key::Locmfa, Some(value)) if value.eq_ignore_ascii_case("true") => {
                vec![Problem::LetterCase { value: quoted(value) }]
            }
            (Key::Locmfa, Some(value)) => vec![Problem::LocalOff { value: quoted(value) }],
            (Key::Locmfasrv, Some(value)) => url(value),
            (Key::DefaultCountryCode, None) => vec![Problem::NoCountryCode {}],
            (Key::DefaultCountryCode, Some(value)) => {
                let is_good = (1..=3).contains(&value.len()) && value.bytes().all(|it| it.is_ascii_digit());
                if is_good { vec![] } else { vec![Problem::BadCountryCode {}] }
            }
            (Key::CustomPhoneProvider, None) => vec![],
            (Key::CustomPhoneProvider, Some(_)) => vec![Problem::CustomProvider {}],
        };
        found.extend(problems.into_iter().zip(iter::repeat(span.clone())));
        if *key != Key::CertFilePath && value.is_some_and(has_quotes) {
            found.push((Problem::Quotes { name: key.name() }, span.clone()));
        }
        match (entry, value) {
            (Some(entry), Some(value)) if entry.value != value => {
                found.push((Problem::Padded { name: key.name() }, span));
            }
            (None, _) => found.extend(elsewhere(settings, *key)),
            _ => (),
        }
    }
    found
}

/// What is unlike Microsoft's article in the form of the file, whatever the values are.
fn form(settings: &Settings) -> Vec<Found> {
    let mut found = Vec::new();
    let elements = || settings.root().into_iter().chain(settings.entries());
    let tag = |it: &Entry| {
        let start = it.element.start;
        let length = settings.text()[start..].find('>').map_or(0, |it| it + 1);
        start..start + length
    };
    let is_namespaced = |it: &&Entry| it.name.contains(':') || settings.text()[tag(it)].contains("xmlns");
    let ours = settings.root().into_iter().chain(settings.entries().iter().filter(|it| it.key.is_some()));
    let mut ours = ours.filter(|it| is_namespaced(it));
    if let Some(first) = ours.next() {
        found.push((Problem::Namespace { name: quoted(&first.name) }, Some(tag(first))));
    }
    let names_an_entry = |it: &&Entry| {
        let tag = settings.text()[tag(it)][it.name.len() + 1..].to_ascii_lowercase();
        it.has_attributes && Key::ALL.iter().any(|key| tag.contains(&key.name().to_ascii_lowercase()))
    };
    if let Some(first) = elements().find(names_an_entry) {
        found.push((Problem::Attributes { name: quoted(&first.name) }, Some(tag(first))));
    }
    found.extend(settings.entries().iter().filter_map(|it| invisible(settings, it)));
    if let Some(root) = settings.root().filter(|it| !it.value.trim().is_empty()) {
        let text = root.pieces().iter().find(|it| !settings.text()[(*it).clone()].trim().is_empty());
        found.push((Problem::TextBetween {}, text.map(|it| first_word(settings.text(), it))));
    }
    let is_missing = |key: &Key| settings.all(*key).next().is_none();
    let is_within = |it: &Entry| {
        settings
            .entries()
            .iter()
            .any(|other| other.element.start < it.element.start && it.element.end < other.element.end)
    };
    let unknown = settings.entries().iter().filter(|it| it.key.is_none() && !is_within(it));
    let misspelt: Vec<_> =
        Key::ALL.iter().filter(|it| is_missing(it)).filter_map(|it| elsewhere(settings, *it)).collect();
    for it in unknown.filter(|it| !misspelt.iter().any(|(_, span)| span.as_ref() == Some(&it.element))) {
        found.push((Problem::Unknown { name: quoted(&it.name) }, Some(it.element.clone())));
    }
    found
}

/// Where the first word of a piece of text stands.
fn first_word(text: &str, piece: &Range<usize>) -> Range<usize> {
    let inner = &text[piece.clone()];
    let start = piece.start + (inner.len() - inner.trim_start().len());
    let length = text[start..piece.end].find(char::is_whitespace).unwrap_or(piece.end - start);
    start..start + length
}

/// The first character of a value that cannot be seen.
fn invisible(settings: &Settings, entry: &Entry) -> Option<Found> {
    let name = entry.key?.name();
    let is_invisible = |it: &(usize, char)| settings::INVISIBLE.iter().any(|known| known.0 == it.1);
    let found = |piece: &Range<usize>| {
        let (at, c) = settings.text()[piece.clone()].char_indices().find(is_invisible)?;
        Some((piece.start + at, c))
    };
    let (at, c) = entry.pieces().iter().find_map(found)?;
    let column = crate::xml::Position::of(settings.text(), at).column;
    Some((Problem::Invisible { name, character: settings::character(c), column }, Some(at..at + c.len_utf8())))
}

/// Whether a value has quotation marks of typography.
fn has_quotes(value: &str) -> bool {
    value.contains(['\u{201c}', '\u{201d}', '\u{201e}', '\u{ab}', '\u{bb}'])
}

/// Where a missing entry may be: in a comment, or under another name.
fn elsewhere(settings: &Settings, key: Key) -> Option<Found> {
    let name = key.name();
    if let Some(comment) = settings.commented(key) {
        return Some((Problem::InComment { name }, Some(comment.clone())));
    }
    let name_of = |it: &Entry| it.name.to_ascii_uppercase();
    let near = |it: &&Entry| strsim::damerau_levenshtein(&name_of(it), &name.to_ascii_uppercase()) <= name.len() / 4;
    let unknown = settings.entries().iter().filter(|it| it.key.is_none() && it.name.len() < 2 * name.len());
    let entry = unknown.into_iter().find(near)?;
    Some((Problem::Misspelt { name: quoted(&entry.name), meant: name }, Some(entry.element.clone())))
}

/// What is wrong with a value of `LOCMFASRV`.
pub fn url(value: &str) -> Vec<Problem> {
    let uri = match uri(value) {
        Ok(uri) => uri,
        Err(reason) => return vec![Problem::NotUrl { reason }],
    };
    let mut problems = Vec::new();
    if uri.scheme_str() == Some("http") {
        problems.push(Problem::NotHttps {});
    }
    let host = uri.host().unwrap_or_default();
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        problems.push(Problem::Address { host: host.to_owned() });
    }
    let path = uri.path();
    let (folder, file) = path.rsplit_once('/').unwrap_or_default();
    if file.eq_ignore_ascii_case("PfWsSdk.asmx") {
        let last = folder.rsplit('/').next().unwrap_or_default();
        if !last.eq_ignore_ascii_case("MultiFactorAuthWebServiceSdk") {
            problems.push(Problem::OtherFolder { path: quoted(path) });
        }
    } else if path.trim_end_matches('/').to_ascii_lowercase().ends_with("multifactorauthwebservicesdk")
        || file.eq_ignore_ascii_case("PfWsSdk")
    {
        problems.push(Problem::MissingAsmx {});
    } else {
        problems.push(Problem::WrongPath { path: quoted(path) });
    }
    if value.contains(['?', '#']) {
        problems.push(Problem::Suffix {});
    }
    problems
}

/// The URL that MIM would call.
fn uri(value: &str) -> Result<Uri, &'static str> {
    let uri: Uri = value.parse().map_err(|_| "it has characters that a URL cannot have, or parts that do not fit")?;
    match uri.scheme_str() {
        Some("http" | "https") => (),
        Some(_) => return Err("it begins with neither https:// nor http://"),
        None => return Err("it does not begin with https://"),
    }
    let authority = uri.authority().map(|it| it.as_str()).unwrap_or_default();
    if authority.contains('@') {
        return Err("it holds a user name or password before the host");
    }
    // What follows the host is a port, or nothing.
    let host = uri.host().unwrap_or_default();
    let rest = authority.strip_prefix(host).unwrap_or_default();
    let is_port = |it: &str| it.parse::<u16>().is_ok_and(|port| port > 0);
    match rest.strip_prefix(':') {
        _ if host.is_empty() => Err("it names no host"),
        None => Ok(uri),
        Some(port) if is_port(port) => Ok(uri),
        Some(_) => Err("its port is no number from 1 to 65535"),
    }
}

/// Whether others than the owner and the group may come to the file.
#[cfg(unix)]
fn access(file: &File) -> Option<Problem> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata().ok()?.mode() & 0o777;
    (mode & 0o006 != 0).then(|| Problem::OpenToAll { mode: format!("{mode:03o}") })
}

#[cfg(not(unix))]
fn access(_: &File) -> Option<Problem> {
    Some(Problem::AccessUnseen {})
}

impl Finding {
    fn new(problem: &Problem, source: &str, place: Option<Place>) -> Self {
        Self {
            code: problem.code(),
            kind: problem.word(),
            severity: problem.severity(),
            source: source.into(),
            place,
            message: problem.to_string(),
            help: vec![problem.remedy().into()],
        }
    }

    /// Findings with their places, in the order of the text.
    pub fn all(source: &str, text: &str, mut found: Vec<Found>) -> Vec<Self> {
        let lines = line_starts(text);
        let secrets = settings::secrets(text);
        found.sort_by_key(|(_, span)| span.as_ref().map(|it| it.start));
        let place = |span: Range<usize>| Place::of(&span, text, &lines, &secrets);
        found.into_iter().map(|(problem, span)| Self::new(&problem, source, span.map(place))).collect()
    }

    pub fn of_broken(source: &str, broken: Broken) -> Self {
        let Broken { reason, text, at } = broken;
        let (problem, span) = match reason {
            Reason::Encoding(reason) => (Problem::Encoding { reason }, None),
            Reason::DocumentType => (Problem::DocumentType {}, Some(at..at + "<!DOCTYPE".len())),
            Reason::Malformed(reason) => (Problem::NotXml { reason }, Some(at..at)),
        };
        Self::all(source, &text, vec![(problem, span)]).remove(0)
    }
}

/// The bytes where lines begin. `\n`, `\r\n` and a lone `\r` end lines, as in editors.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    iter::once(0).chain((0..bytes.len()).filter(ends).map(|at| at + 1)).collect()
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} {}: {}", self.severity, self.code, self.kind, self.message)?;
        point(f, &self.source, self.place.as_ref(), &self.help)
    }
}
