//! Users from elsewhere as a scenario: the product's own export, exports of Active Directory, Entra and PowerShell as CSV
//! or LDIF, and the text file of Microsoft's sample phone provider. Pure: text in, text out, and the rows that could not
//! be read.

mod columns;
mod directory;
mod numbers;
mod provider;
mod table;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use crate::file::{self, NotText};
use crate::scenario::edit::{insert, remove_users, scalar};
use crate::scenario::{self, Code, Mistakes, Scenario, Severity};
use numbers::Numbers;

/// What came of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// The users, a line each.
    users: Vec<Item>,
    tags: BTreeSet<String>,
    /// The rows that could not be read, in the order of their lines.
    pub left_out: Vec<LeftOut>,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// How many numbers may belong to real people.
    pub real_numbers: usize,
    /// The columns that say nothing of a user, in the order of the file.
    unread: Vec<String>,
    /// Where the users of the sample provider's file stand, by name.
    by_number: HashMap<String, usize>,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// From 1.
    pub line: usize,
    pub reason: String,
}

/// A user as a line of a scenario.
#[derive(Debug)]
struct Item {
    /// Where the row stood.
    line: usize,
    username: String,
    yaml: String,
    /// The rule that says how a challenge of the user ends.
    rule: Option<String>,
}

/// A row: what is said of a user, by the keys of a scenario.
#[derive(Debug, Default)]
struct Row {
    line: usize,
    fields: Vec<(&'static str, String)>,
    tags: Vec<String>,
    administrator: Vec<(&'static str, String)>,
    /// The provider's file says how a challenge ends.
    outcome: Option<String>,
}

/// The text of an export, and what a person should know of its encoding: UTF-8, UTF-16, or the code page of older Windows
/// programs.
///
/// # Errors
/// What the file is, where it is no text.
pub fn text_of(bytes: &[u8]) -> Result<(String, Option<&'static str>), String> {
    for (magic, what) in BINARY {
        if bytes.starts_with(magic) {
            return Err((*what).into());
        }
    }
    match file::decode(bytes) {
        // UTF-16 without its mark is valid UTF-8 as long as it is English.
        Ok(text) if !text.contains('\0') => Ok((text, None)),
        Err(NotText(encoding)) if encoding != "UTF-8" => {
            Err(format!("the file is not text in {encoding}, which it announces; export it once more"))
        }
        _ if bytes.contains(&0) => {
            let (text, is_wrong) = encoding_rs::UTF_16LE.decode_without_bom_handling(bytes);
            match is_wrong || text.contains('\0') {
                true => Err("this is no text file; save the export as CSV".into()),
                false => Ok((text.into_owned(), Some("The file is UTF-16 without a byte-order mark."))),
            }
        }
        _ => {
            let text = encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned();
            Ok((
                text,
                Some(
                    "The file is not UTF-8; it was read as Windows-1252 (Western European). Export it with -Encoding utf8 if names look wrong.",
                ),
            ))
        }
    }
}

/// How files begin that are no text.
const BINARY: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "this is an Excel workbook (.xlsx) or another ZIP file; save it as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "this is an Excel workbook (.xls) or another Office file; save it as CSV UTF-8"),
    (b"%PDF", "this is a PDF; save the export itself, as CSV"),
    (b"ElfFile", "this is an event log (.evtx)"),
    (b"MZ", "this is a program"),
];

/// Reads users. `fictional` replaces each number that may belong to a real person by one that is not assigned,
/// the same for the same. `country_code` is that of numbers that are written without one.
///
/// # Errors
/// What is wrong where nothing can be read at all.
pub fn read(text: &str, fictional: bool, country_code: &str) -> Result<Imported, String> {
    let text = &text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut imported = Imported::default();
    let rows = match Form::of(text)? {
        Form::Ldif => directory::rows(text, &mut imported),
        Form::Table { header, delimiter } => table::rows(text, header, delimiter, &mut imported)?,
        Form::Provider => provider::rows(text, &mut imported),
    };
    let mut numbers = Numbers { fictional, country_code: country_code.into(), ..Numbers::default() };
    for row in rows {
        imported.take(row, &mut numbers);
    }
    if !imported.unread.is_empty() {
        imported.notes.push(format!("These columns were not read: {}.", imported.unread.join(", ")));
    }
    imported.real_numbers = numbers.real.len();
    imported.check();
    imported.left_out.sort_by_key(|it| it.line);
    Ok(imported)
}

/// What a file holds, by its first line that says something.
enum Form {
    Ldif,
    Table {
        /// The index of the line that names the columns.
        header: usize,
        /// What the line `sep=;` before it says, which Excel obeys.
        delimiter: Option<u8>,
    },
    Provider,
}

impl Form {
    fn of(text: &str) -> Result<Self, String> {
        let says = |(_, it): &(usize, &str)| !it.trim().is_empty() && !it.starts_with('#');
        let mut lines = text.lines().enumerate().filter(says);
        let Some((mut header, mut first)) = lines.next() else { return Err("the file is empty".into()) };
        let separator = first.trim().trim_matches('"');
        let separator = separator.strip_prefix("sep=").or_else(|| separator.strip_prefix("SEP="));
        let delimiter = separator.and_then(|it| it.bytes().next());
        if separator.is_some() {
            (header, first) = lines.next().ok_or("the file is empty behind its line sep=")?;
        }
        if ["dn:", "version:"].iter().any(|it| first.to_ascii_lowercase().starts_with(it)) {
            return Ok(Self::Ldif);
        }
        let own = delimiter.map(char::from);
        let columns = first.split(|it| own.map_or_else(|| [',', ';', '\t'].contains(&it), |own| it == own));
        if columns.map(plain).any(|it| columns::names_users(&it)) {
            return Ok(Self::Table { header, delimiter });
        }
        match provider::is_line(first) {
            true => Ok(Self::Provider),
            false => Err(format!(
                "{}. Known are: the product's user export (CSV with a column Username), exports of Active Directory, Entra and PowerShell (CSV or LDIF with sAMAccountName or userPrincipalName), and lines requestGuid;phone;status;message",
                what_it_is(text)
            )),
        }
    }
}

/// What a text is that is no export, where that is plain to see.
fn what_it_is(text: &str) -> &'static str {
    let first = text.trim_start();
    let begins = |with: &str| first.get(..with.len()).is_some_and(|it| it.eq_ignore_ascii_case(with));
    let has_line = |with: &str| text.lines().any(|it| it.starts_with(with));
    if begins("<!doctype html") || begins("<html") {
        "this is a web page; save the export itself"
    } else if begins("<objs") {
        "this is an export of Export-Clixml; write it with Export-Csv"
    } else if begins("<") {
        "this is XML"
    } else if begins("{") || begins("[") {
        "this is JSON; a list of users in JSON is a scenario already: {\"users\": [...]}"
    } else if has_line("users:") || has_line("rules:") {
        "this is a scenario already; `use: FILE` in another scenario takes it in"
    } else if text.lines().any(|it| it.contains("----") && !it.contains(|it: char| it.is_alphanumeric())) {
        "this is a table for the eye, as PowerShell prints it; write it with Export-Csv -NoTypeInformation -Encoding utf8"
    } else if text.lines().take(20).filter(|it| it.contains(" : ")).count() > 1 {
        "this is a list for the eye, as PowerShell prints it; write it with Export-Csv -NoTypeInformation -Encoding utf8"
    } else {
        "this is no export that can be read"
    }
}

impl Imported {
    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// The users as a list in YAML, for `POST /users`.
    #[must_use]
    pub fn users(&self) -> String {
        self.users.iter().map(|it| format!("- {}\n", it.yaml)).collect()
    }

    /// The rules of the users, a line of YAML each.
    pub fn rules(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.users.iter().filter_map(|it| it.rule.as_deref())
    }

    /// A scenario of its own.
    #[must_use]
    pub fn scenario(&self) -> String {
        let mut text = String::new();
        if !self.tags.is_empty() {
            let tags: Vec<String> = self.tags.iter().map(|it| scalar(it)).collect();
            text += &format!("company:\n  tags: [{}]\n\n", tags.join(", "));
        }
        text += "users:\n";
        for it in &self.users {
            text += &format!("  - {}\n", it.yaml);
        }
        let mut rules = self.rules().peekable();
        if rules.peek().is_some() {
            text += "\nrules:\n";
        }
        rules.fold(text, |text, it| text + "  - " + it + "\n")
    }

    /// Notes a column of the file.
    fn met(&mut self, name: &str) {
        if !name.is_empty() && !columns::is_known(&plain(name)) && !self.unread.iter().any(|it| it == name) {
            self.unread.push(name.into());
        }
    }

    /// An existing scenario with the users in it; `load` reads it. Those that it has already stay as they are and are left out here,
    /// unless `force` replaces them.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn into_scenario(
        mut self,
        existing: &str,
        force: bool,
        load: &dyn Fn(&str) -> Result<Scenario, Mistakes>,
    ) -> Result<(String, Self), String> {
        let wrong = |mistakes: Mistakes| match mistakes.iter().find(|it| it.severity == Severity::Error) {
            Some(first) => format!("the scenario has mistakes; nothing was written. The first:\n{first}"),
            None => "the scenario has mistakes; nothing was written".into(),
        };
        let before = match load(existing) {
            // A file that has no key yet is one to begin with.
            Err(mistakes) if mistakes.iter().any(|it| it.code == Code::Empty) => load("users: []"),
            read => read,
        };
        let before = before.map_err(wrong)?;
        let taken: HashSet<String> = before.setup.users.iter().map(|it| it.username.to_lowercase()).collect();
        let mut lines: Vec<String> = existing.lines().map(Into::into).collect();
        let (new, present): (Vec<Item>, Vec<Item>) =
            self.users.into_iter().partition(|it| !taken.contains(&it.username.to_lowercase()));
        self.users = new;
        match force {
            true => {
                let names: HashSet<String> = present.iter().map(|it| it.username.to_lowercase()).collect();
                remove_users(&mut lines, &names)?;
                self.users.extend(present);
                self.users.sort_by_key(|it| it.line);
            }
            false => self.left_out.extend(present.into_iter().map(|it| LeftOut {
                line: it.line,
                reason: format!("the scenario has a user \"{}\" already; --force replaces it", it.username),
            })),
        }
        let have: HashSet<&str> = before.setup.company.tags.iter().filter_map(|it| it.name.as_deref()).collect();
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).filter(|it| !have.contains(it)).collect();
        if !tags.is_empty() {
            return Err(format!(
                "the scenario lacks tags that the users have. Add them first: company: {{tags: [{}]}}",
                tags.join(", ")
            ));
        }
        let users: Vec<String> = self.users.iter().map(|it| it.yaml.clone()).collect();
        insert(&mut lines, "users", &users)?;
        let rules: Vec<String> = self.rules().map(Into::into).collect();
        insert(&mut lines, "rules", &rules)?;
        let text = lines.join("\n") + "\n";
        load(&text).map_err(wrong)?;
        self.left_out.sort_by_key(|it| it.line);
        Ok((text, self))
    }

    fn leave_out(&mut self, line: usize, reason: impl Into<String>) {
        self.left_out.push(LeftOut { line, reason: reason.into() });
    }

    /// A row as a user, if it names one.
    fn take(&mut self, mut row: Row, numbers: &mut Numbers) {
        let field =
            |row: &Row, key| row.fields.iter().find(|it| it.0 == key).map(|it| it.1.clone()).unwrap_or_default();
        if row.outcome.is_none() && field(&row, "username").is_empty() {
            return self.leave_out(row.line, "it names no user");
        }
        for keys in
            [["country_code", "phone", "extension"], ["backup_country_code", "backup_phone", "backup_extension"]]
        {
            if let Err(why) = numbers.settle(&mut row.fields, keys) {
                let phone = field(&row, keys[1]);
                return self.leave_out(row.line, format!("{phone:?} is no telephone number: {why}"));
            }
        }
        let phone = field(&row, "phone");
        let rule = row.outcome.take().map(|it| format!("{{when: {{phone: {}}}, outcome: {it}}}", scalar(&phone)));
        if rule.is_some() {
            if phone.is_empty() {
                return self.leave_out(row.line, "it has no number");
            }
            let username: String = phone.chars().filter(char::is_ascii_digit).collect();
            row.fields.insert(0, ("username", username));
        }
        let username = field(&row, "username");
        let mut parts: Vec<String> =
            row.fields.iter().map(|(key, value)| format!("{key}: {}", scalar(value))).collect();
        if !row.tags.is_empty() {
            let tags: Vec<String> = row.tags.iter().map(|it| scalar(it)).collect();
            parts.push(format!("tags: [{}]", tags.join(", ")));
            self.tags.extend(row.tags);
        }
        if !row.administrator.is_empty() {
            let rights: Vec<_> =
                row.administrator.iter().map(|(key, value)| format!("{key}: {}", scalar(value))).collect();
            parts.push(format!("administrator: {{{}}}", rights.join(", ")));
        }
        let yaml = match (parts.len(), username == scalar(&username)) {
            (1, true) => username.clone(),
            _ => format!("{{{}}}", parts.join(", ")),
        };
        let item = Item { line: row.line, username, yaml, rule };
        if item.rule.is_none() {
            return self.users.push(item);
        }
        match self.by_number.entry(item.username.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(self.users.len());
                self.users.push(item);
            }
            Entry::Occupied(entry) => {
                let line = item.line;
                let earlier = std::mem::replace(&mut self.users[*entry.get()], item).line;
                self.leave_out(
                    earlier,
                    format!("line {line} has the same number, and the last line of a number counts"),
                );
            }
        }
    }

    /// Leaves out what is a mistake in a scenario: the grammar is the check.
    fn check(&mut self) {
        while let Err(mistakes) = scenario::load_listing("import", &self.scenario(), usize::MAX) {
            let first = self.scenario().lines().position(|it| it == "users:").unwrap_or_default() + 2;
            let with_rule: Vec<usize> = (0..self.users.len()).filter(|it| self.users[*it].rule.is_some()).collect();
            let mut wrong: HashMap<usize, String> = HashMap::new();
            for mistake in mistakes.into_iter().filter(|it| it.severity == Severity::Error) {
                let at = mistake.place.as_ref().map_or(usize::MAX, |it| it.line).wrapping_sub(first);
                // A blank line and `rules:` stand between the users and their rules.
                let rule = at.checked_sub(self.users.len() + 2).and_then(|it| with_rule.get(it));
                let at = rule.copied().unwrap_or(at);
                let more = mistake.help.first().map(|it| format!(". {it}")).unwrap_or_default();
                let more = if mistake.code == Code::DuplicateName { String::new() } else { more };
                wrong.entry(at).or_insert_with(|| mistake.message + &more);
            }
            let before = self.users.len();
            for (at, it) in std::mem::take(&mut self.users).into_iter().enumerate() {
                match wrong.remove(&at) {
                    Some(reason) => self.leave_out(it.line, reason),
                    None => self.users.push(it),
                }
            }
            if self.users.len() == before {
                // Not a user's fault: let what is left tell itself when the scenario is loaded.
                return;
            }
        }
    }
}

/// Letters and digits alone, in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
