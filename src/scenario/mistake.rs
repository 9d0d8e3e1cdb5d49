//! What is wrong in a scenario file: where, and what to do.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::text::{counted, is_plain};

/// Declares the kinds of mistakes: `Name => "code", Severity, "name", "what it means", "wrong" => "right";`, the last
/// two an example with the mistake and the same without.
macro_rules! codes {
    ($($name:ident => $code:literal, $severity:ident, $word:literal, $about:literal, $wrong:literal => $right:literal;)*) => {
        /// The kind of a mistake. Codes keep their meaning from version to version.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Code { $($name,)* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Such as `S001`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// Such as `unknown-key`.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What mistakes of this kind have in common, in a sentence.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)* }
            }

            /// A scenario with such a mistake, and the same without.
            #[must_use]
            pub const fn example(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($wrong, $right),)* }
            }
        }
    };
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Note,
    /// It may fail, or should not be so.
    Warning,
    /// It will not work: a scenario does not serve.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// How many there are of each, such as `2 errors, 1 note`; empty where there are none.
#[must_use]
pub fn summary(severities: impl IntoIterator<Item = Severity>) -> String {
    let mut counts = [0; 3];
    severities.into_iter().for_each(|it| counts[it as usize] += 1);
    of_counts(counts)
}

fn of_counts(counts: [usize; 3]) -> String {
    let told = [Severity::Error, Severity::Warning, Severity::Note].map(|it| match counts[it as usize] {
        0 => None,
        count => Some(counted(count, &it.to_string())),
    });
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

codes! {
    UnknownKey => "S001", Error, "unknown-key", "A key that has no meaning in its place.",
        "users:\n  - {username: anna, phon: \"+1 425 555 0100\"}\n" =>
        "users:\n  - {username: anna, phone: \"+1 425 555 0100\"}\n";
    MissingKey => "S002", Error, "missing-key", "A key that must be there and is not.",
        "users:\n  - {phone: \"+1 425 555 0100\"}\n" =>
        "users:\n  - {username: anna, phone: \"+1 425 555 0100\"}\n";
    DuplicateKey => "S003", Error, "duplicate-key", "A key that stands twice in one mapping.",
        "users: [anna]\nusers: [ben]\n" =>
        "users: [anna, ben]\n";
    WrongType => "S004", Error, "wrong-type", "A list, mapping or single value where another of them is needed.",
        "users: anna\n" =>
        "users: [anna]\n";
    BadValue => "S005", Error, "bad-value", "A value that cannot be read, or that is out of its range.",
        "company: {ring: 4 parsecs}\n" =>
        "company: {ring: 4s}\n";
    UnknownWord => "S006", Error, "unknown-word", "A word that is none of those allowed in its place.",
        "users: [anna]\nrules:\n  - outcome: bussy\n" =>
        "users: [anna]\nrules:\n  - outcome: busy\n";
    DuplicateName => "S007", Error, "duplicate-name", "A name or identifier that is there already, where each can stand once.",
        "users: [anna, Anna]\n" =>
        "users: [anna, ben]\n";
    NotANumber => "S008", Error, "not-a-number", "A text that is no telephone number.",
        "users:\n  - {username: anna, phone: none}\n" =>
        "users:\n  - {username: anna, phone: \"\"}\n";
    UnknownOperation => "S009", Error, "unknown-operation", "A name or pattern that fits no operation of the service.",
        "users: [anna]\nrules:\n  - {when: {operation: PfAuthUsr*}, outcome: busy}\n" =>
        "users: [anna]\nrules:\n  - {when: {operation: PfAuthUser*}, outcome: busy}\n";
    NeverApplies => "S010", Error, "never-applies", "A setting that can have no effect.",
        "server: {sign_in: basic}\naccounts: [{name: portal}]\n" =>
        "server: {sign_in: basic}\naccounts: [{name: portal, password: Passw0rd-for-tests}]\n";
    NotYaml => "S011", Error, "not-yaml", "A file that is not YAML, and so not JSON either.",
        "accounts:\n  - name: \"CONTOSO\\mimservice\"\n" =>
        "accounts:\n  - name: 'CONTOSO\\mimservice'\n";
    TooLarge => "S012", Error, "too-large", "A file that is longer, deeper or more repetitive than a scenario may be.",
        "users: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[anna]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n" =>
        "users: [anna]\n";
    Unreadable => "S013", Error, "unreadable", "A file that cannot be opened, or that is no text.",
        "use: no-such-file.yaml\n" =>
        "users: [anna]\n";
    Circular => "S014", Error, "circular-use", "A file that uses itself, by way of others or not.",
        "use: my.yaml\n" =>
        "users: [anna]\n";
    MissingVariable => "S015", Error, "missing-variable", "A variable that the scenario declares and the environment does not have.",
        "environment: [NO_SUCH_VARIABLE]\nusers: [{username: anna, password: \"${NO_SUCH_VARIABLE}\"}]\n" =>
        "environment: {NO_SUCH_VARIABLE: for-tests}\nusers: [{username: anna, password: \"${NO_SUCH_VARIABLE}\"}]\n";
    Undeclared => "S016", Warning, "undeclared-variable", "A variable that is not declared, and so stays as it is written.",
        "users: [{username: anna, password: \"${ANNAS_PASSWORD}\"}]\n" =>
        "environment: {ANNAS_PASSWORD: for-tests}\nusers: [{username: anna, password: \"${ANNAS_PASSWORD}\"}]\n";
    Shadowed => "S017", Warning, "shadowed-rule", "A rule that never matches, since an earlier one takes all of its calls.",
        "users: [anna]\nrules:\n  - {name: everybody, outcome: deny}\n  - {name: anna, when: {user: anna}, outcome: busy}\n" =>
        "users: [anna]\nrules:\n  - {name: anna, when: {user: anna}, outcome: busy}\n  - {name: everybody, outcome: deny}\n";
    Impossible => "S018", Warning, "impossible-outcome", "An outcome that does not come of the way in which the person is asked.",
        "users: [{username: anna, mode: voiceCall}]\nrules:\n  - {when: {user: anna}, outcome: app-denied}\n" =>
        "users: [{username: anna, mode: voiceCall}]\nrules:\n  - {when: {user: anna}, outcome: deny}\n";
    TooLate => "S019", Warning, "too-late", "An act comes after the phone has stopped ringing.",
        "users: [anna]\nrules:\n  - {outcome: deny, after: 2m}\n" =>
        "users: [anna]\nrules:\n  - {outcome: deny, after: 20s}\n";
    UnknownUser => "S020", Warning, "unknown-user", "A rule for a user that the scenario does not know.",
        "users: [anna]\nrules:\n  - {when: {user: ana}, outcome: busy}\n" =>
        "users: [anna]\nrules:\n  - {when: {user: anna}, outcome: busy}\n";
    MissingPin => "S021", Warning, "missing-pin", "A user who is asked for a PIN and has none.",
        "users: [{username: anna, pin_mode: pin}]\n" =>
        "users: [{username: anna, pin_mode: pin, pin: \"2580\"}]\n";
    MissingNumber => "S022", Note, "missing-number", "A user who gets text messages and has no number.",
        "users: [{username: anna, mode: smsText}]\n" =>
        "users: [{username: anna, mode: smsText, phone: \"+1 425 555 0100\"}]\n";
    Unreached => "S023", Note, "unreached-user", "A user that no rule concerns, where each rule concerns certain users.",
        "users: [anna, ben]\nrules:\n  - {when: {user: anna}, outcome: busy}\n" =>
        "users: [anna]\nrules:\n  - {when: {user: anna}, outcome: busy}\n";
    RealNumber => "S024", Warning, "real-number", "A telephone number that may belong to a real person.",
        "users: [{username: anna, phone: \"+1 425 882 8080\"}]\n" =>
        "users: [{username: anna, phone: \"+1 425 555 0100\"}]\n";
    SecretInClear => "S025", Warning, "secret-in-clear", "A password that anybody can read who reads the scenario.",
        "users: [{username: anna, password: swordfish}]\n" =>
        "environment: {PASSWORD: for-tests}\nusers: [{username: anna, password: \"${PASSWORD}\"}]\n";
    Empty => "S026", Error, "empty", "A scenario without a key: an empty file, one of comments alone, or one with nothing below users, as a half-written file has.",
        "# users: [anna]\n" =>
        "users: []\n";
    AmbiguousName => "S027", Warning, "ambiguous-name", "Users that differ in the domain of their names alone.",
        "users: [anna@fabrikam.com, anna@contoso.com]\n" =>
        "users: [anna@fabrikam.com, anne@contoso.com]\n";
    SubjectForm => "S028", Note, "subject-form", "A certificate's subject that is written in another form than the one in which it is read. Both mean the same.",
        "server: {sign_in: certificate}\naccounts: [{name: portal, certificate: \"emailAddress = portal@contoso.com, CN = portal\"}]\n" =>
        "server: {sign_in: certificate}\naccounts: [{name: portal, certificate: \"E=portal@contoso.com, CN=portal\"}]\n";
}

impl Code {
    /// The code that a text names, by code or name.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|it| it.code().eq_ignore_ascii_case(text) || it.word().eq_ignore_ascii_case(text))
    }

    /// What the code means, with its example, over several lines.
    #[must_use]
    pub fn explained(self) -> String {
        let indented = |text: &str| text.lines().map(|it| format!("    {it}\n")).collect::<String>();
        let (wrong, right) = self.example();
        format!(
            "{} {} {}\n{}\n\n  wrong:\n{}\n  right:\n{}",
            self.severity(),
            self.code(),
            self.word(),
            self.about(),
            indented(wrong),
            indented(right),
        )
    }
}

/// One mistake in a scenario. `Display` tells all of it, over several lines; in JSON it is one flat object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mistake {
    pub code: Code,
    pub severity: Severity,
    /// `code`'s name.
    pub kind: &'static str,
    /// The file, as its reader named it.
    pub source: String,
    /// None: the whole file.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do: what is allowed, what was probably meant.
    pub help: Vec<String>,
}

/// Where a mistake is, and how it looks there.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// How many characters of the line are meant.
    pub length: usize,
    /// The line, or what is near in a long one. Passwords, PINs and keys in it are starred out.
    pub text: String,
    /// Where in `text` the meant part begins, in characters, from 0.
    pub mark: usize,
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl Mistake {
    /// The mistake that its JSON tells, in a file that is named so here.
    #[must_use]
    pub fn of_json(it: &Value, source: &str) -> Option<Self> {
        let text = |it: &Value| it.as_str().map(ToOwned::to_owned);
        let code = Code::named(it["code"].as_str()?)?;
        Some(Self {
            code,
            severity: code.severity(),
            kind: code.word(),
            source: source.into(),
            place: Place::deserialize(it).ok(),
            message: text(&it["message"])?,
            help: it["help"].as_array().into_iter().flatten().filter_map(text).collect(),
        })
    }

    /// A mistake that concerns a whole file.
    pub(crate) fn of_file(code: Code, source: &str, message: String, help: &str) -> Self {
        let (severity, kind) = (code.severity(), code.word());
        Self { code, severity, kind, source: source.into(), place: None, message, help: vec![help.into()] }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} {}: {}", self.severity, self.code.code(), self.kind, self.message)?;
        point(f, &self.source, self.place.as_ref(), &self.help)
    }
}

/// Writes what stands below the first line of a mistake: where it is, how it looks there, and what to do.
pub(crate) fn point(f: &mut fmt::Formatter<'_>, source: &str, place: Option<&Place>, help: &[String]) -> fmt::Result {
    let Some(place) = place else {
        write!(f, "--> {source}")?;
        return help.iter().try_for_each(|it| write!(f, "\n  = {it}"));
    };
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let before = place.text.chars().take(place.mark);
    let before: String = before.map(|it| if it == '\t' { '\t' } else { ' ' }).collect();
    writeln!(f, "{margin}--> {source}:{}:{}", place.line, place.column)?;
    writeln!(f, "{margin} |")?;
    writeln!(f, "{number} | {}", place.text)?;
    write!(f, "{margin} | {before}{}", "^".repeat(place.length.max(1)))?;
    help.iter().try_for_each(|it| write!(f, "\n{margin} = {it}"))
}

impl std::error::Error for Mistake {}

/// The first mistakes of a scenario, in the order of its files, errors before others, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mistakes {
    listed: Vec<Mistake>,
    /// Those that are not listed, by severity.
    more: [usize; 3],
}

impl Mistakes {
    /// How many mistakes a report lists. It counts the others.
    pub const LISTED: usize = 200;

    pub(super) const fn new(listed: Vec<Mistake>, more: [usize; 3]) -> Self {
        Self { listed, more }
    }

    /// How many more mistakes there are than are listed.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more.iter().sum()
    }

    /// The same without the mistakes below a severity.
    #[must_use]
    pub fn from_severity(mut self, least: Severity) -> Self {
        self.listed.retain(|it| it.severity >= least || it.code == Code::SubjectForm);
        self.more[..least as usize].fill(0);
        self
    }

    /// The highest severity of all.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        let more = [Severity::Note, Severity::Warning, Severity::Error].into_iter();
        self.listed.iter().map(|it| it.severity).chain(more.filter(|it| self.more[*it as usize] > 0)).max()
    }

    /// How many there are of each severity, as [`summary`] says it.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut counts = self.more;
        self.listed.iter().for_each(|it| counts[it.severity as usize] += 1);
        of_counts(counts)
    }
}

impl From<Mistake> for Mistakes {
    fn from(it: Mistake) -> Self {
        Self { listed: vec![it], more: [0; 3] }
    }
}

impl Deref for Mistakes {
    type Target = [Mistake];

    fn deref(&self) -> &[Mistake] {
        &self.listed
    }
}

impl DerefMut for Mistakes {
    fn deref_mut(&mut self) -> &mut [Mistake] {
        &mut self.listed
    }
}

impl IntoIterator for Mistakes {
    type Item = Mistake;
    type IntoIter = std::vec::IntoIter<Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.listed.into_iter()
    }
}

/// In JSON: those that are listed.
impl Serialize for Mistakes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.listed.serialize(to)
    }
}

impl Place {
    /// How far behind the begin of a mistake its place shows the text at most, in bytes.
    pub(super) const LONGEST: usize = 4 * WIDTH;

    /// The place of some bytes of a text: the line that they begin in, and as much of them as stands in it. `lines`
    /// are the bytes where lines begin; `secrets`, in order, are starred out.
    pub(crate) fn of(span: &Range<usize>, text: &str, lines: &[usize], secrets: &[Range<usize>]) -> Self {
        let line = lines.partition_point(|it| *it <= span.start);
        let start = lines[line - 1];
        let end = lines.get(line).map_or(text.len(), |it| it - 1);
        let hidden =
            |at: usize| secrets[..secrets.partition_point(|it| it.start <= at)].last().is_some_and(|it| at < it.end);
        let star = |(at, c): (usize, char)| match c {
            _ if hidden(at) => '*',
            c if !is_plain(c) && c != '\t' => char::REPLACEMENT_CHARACTER,
            c => c,
        };
        let before = text[start..span.start].chars().count();
        // A line may be long: no more than what is shown is looked at one by one.
        let meant: String = text[span.start..span.end.clamp(span.start, end)].chars().take(WIDTH).collect();
        let mark = before.min(WIDTH / 2);
        let first = text[..span.start].char_indices().rev().take(mark).last().map_or(span.start, |it| it.0);
        let last = text[first..end].char_indices().nth(WIDTH).map_or(end, |it| first + it.0);
        let shown = text[first..last].trim_end().char_indices().map(|(at, c)| star((first + at, c)));
        let shown = shown.collect();
        let length = meant.trim_end().chars().count().min(WIDTH / 2);
        Self { line, column: before + 1, length, text: shown, mark }
    }
}

/// How much of a line is shown, in characters.
const WIDTH: usize = 160;

/// A text as messages quote it: as it is written, within bounds.
pub(crate) fn quoted(text: &str) -> String {
    let clean = |it: char| if is_plain(it) { it } else { char::REPLACEMENT_CHARACTER };
    let rest = if text.chars().nth(WIDTH / 2).is_some() { "..." } else { "" };
    format!("\"{}{rest}\"", text.chars().take(WIDTH / 2).map(clean).collect::<String>())
}

/// How many candidates a word is compared with.
const CANDIDATES: usize = 10_000;

/// The candidate that a misspelt word was probably meant to be, or the only one of which it is a part.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |it: &str| it.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let word: String = plain(word);
    let length = word.chars().count();
    if length > WIDTH {
        return None;
    }
    let candidates = candidates.into_iter().take(CANDIDATES).filter(|it| it.len() <= 4 * WIDTH);
    let candidates: Vec<(&str, String)> = candidates.map(|it| (it, plain(it))).collect();
    // Words whose lengths differ more are farther apart than that.
    let is_near = |it: &&(&str, String)| it.1.chars().count().abs_diff(length) <= length / 3;
    let distances = candidates.iter().filter(is_near).map(|it| (strsim::damerau_levenshtein(&word, &it.1), it));
    let near = distances.min_by_key(|it| it.0).filter(|it| it.0 <= length / 3).map(|it| it.1);
    let mut whole = candidates.iter().filter(|it| length >= 3 && it.1.contains(&word));
    near.or_else(|| whole.next().filter(|_| whole.next().is_none())).map(|it| it.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_each_has_its_own() {
        for (at, it) in Code::ALL.iter().enumerate() {
            assert_eq!(it.code(), format!("S{:03}", at + 1));
            assert!(Code::ALL[..at].iter().all(|earlier| earlier.word() != it.word()));
        }
    }

    #[test]
    fn a_place_shows_its_line_without_secrets() {
        let text = "a: 1\r\n\tpin: 1234, é: x\r\nb: 2";
        let lines = [0, 6, 25];
        let pin = text.find("1234").map(|it| it..it + 4).unwrap();
        let place = Place::of(&(text.find('x').unwrap()..text.len()), text, &lines, std::slice::from_ref(&pin));
        assert_eq!(place, Place { line: 2, column: 16, length: 1, text: "\tpin: ****, é: x".into(), mark: 15 });
        let end = Place::of(&(text.len()..text.len()), text, &lines, &[]);
        assert_eq!((end.line, end.column, end.length), (3, 5, 0));
    }

    #[test]
    fn texts_are_quoted_as_they_are_written() {
        assert_eq!(quoted(r"CONTOSO\anna"), r#""CONTOSO\anna""#);
        assert_eq!(quoted("\u{1b}[2J"), "\"\u{fffd}[2J\"");
        assert_eq!(quoted(&"x".repeat(1000)).len(), 85);
    }

    #[test]
    fn letter_case_and_separators_are_no_difference() {
        assert_eq!(closest("FirstName", ["last_name", "first_name"]), Some("first_name"));
        assert_eq!(closest("no_anwser", ["no-answer", "busy"]), Some("no-answer"));
        assert_eq!(closest("bsy", ["no-answer", "busy"]), Some("busy"));
        assert_eq!(closest("elephant", ["no-answer", "busy"]), None);
        assert_eq!(closest("text", ["smsText", "voiceCall"]), Some("smsText"));
        assert_eq!(closest(&"busy".repeat(1000), ["busy"]), None);
        assert_eq!(closest("app", ["app-denied", "app-no-response"]), None);
    }
}
