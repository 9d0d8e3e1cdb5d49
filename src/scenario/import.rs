//! Users from elsewhere as a scenario: the product's own export, an Active Directory export as CSV or LDIF, and the
//! text file of Microsoft's sample phone provider. Pure: text in, text out, and the rows that could not be read.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Scenario;
use super::mistake::{Mistake, Severity, closest};
use crate::contract::{Record, UserAdministrator, Value, Wire};
use crate::engine::{Company, NotANumber, Number, Outcome, Reaction};

/// What came of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// The users, a line each.
    users: Vec<Item>,
    rules: Vec<String>,
    tags: BTreeSet<String>,
    /// The rows that could not be read, in the order of their lines.
    pub left_out: Vec<LeftOut>,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// How many numbers may belong to somebody.
    pub real_numbers: usize,
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
}

/// A row: what is said of a user, by the keys of a scenario.
#[derive(Debug, Default)]
struct Row {
    line: usize,
    fields: Vec<(&'static str, String)>,
    tags: Vec<String>,
    administrator: Vec<(&'static str, String)>,
    /// The provider's file says how a challenge ends.
    outcome: Option<&'static str>,
}

/// How a cell becomes a value.
#[derive(Clone, Copy)]
enum Cell {
    Text,
    Truth,
    Number,
    Word(&'static [(&'static str, &'static str)]),
}

const MODES: Cell = Cell::Word(&[
    ("phonecall", "voiceCall"),
    ("textmessage", "smsText"),
    ("mobileapp", "phoneApp"),
    ("oathtoken", "oathToken"),
]);
const CALLS: Cell =
    Cell::Word(&[("standard", "standard"), ("pin", "pin"), ("voiceprint", "voiceprint"), ("returnpin", "returnPin")]);
const DIRECTIONS: Cell = Cell::Word(&[("oneway", "oneWay"), ("twoway", "twoWay")]);
const TEXTS: Cell = Cell::Word(&[("otp", "otp"), ("otppin", "otpPlusPin"), ("otppluspin", "otpPlusPin")]);
const APPS: Cell = Cell::Word(&[("standard", "standard"), ("pin", "pin"), ("voiceprint", "voiceprint")]);
const DISABLED: Cell = Cell::Word(&[
    ("failauthentication", "fail"),
    ("fail", "fail"),
    ("succeedauthentication", "succeed"),
    ("succeed", "succeed"),
]);

/// The columns of the product's export, without blanks and in lower case.
const PRODUCT: &[(&str, &str, Cell)] = &[
    ("username", "username", Cell::Text),
    ("firstname", "first_name", Cell::Text),
    ("lastname", "last_name", Cell::Text),
    ("emailaddress", "email_address", Cell::Text),
    ("usergroup", "user_group", Cell::Text),
    ("primarycountrycode", "country_code", Cell::Text),
    ("primaryphone", "phone", Cell::Text),
    ("primaryextension", "extension", Cell::Text),
    ("backupcountrycode", "backup_country_code", Cell::Text),
    ("backupphone", "backup_phone", Cell::Text),
    ("backupextension", "backup_extension", Cell::Text),
    ("mode", "mode", MODES),
    ("phonecallmode", "pin_mode", CALLS),
    ("smsdirection", "sms_direction", DIRECTIONS),
    ("smsmode", "sms_mode", TEXTS),
    ("mobileappmode", "phone_app_mode", APPS),
    ("pin", "pin", Cell::Text),
    ("userdisabled", "disabled_behavior", DISABLED),
    ("enabled", "enabled", Cell::Truth),
    ("enableglobalservices", "enable_global_services", Cell::Truth),
    ("usercanchangephone", "user_can_change_phone", Cell::Truth),
    ("keepphonesynchronized", "keep_phone_synchronized", Cell::Truth),
    ("usermustchangepin", "pin_change_required", Cell::Truth),
    ("overridepinrules", "override_pin_rules", Cell::Truth),
    ("usercanchangepin", "user_can_change_pin", Cell::Truth),
    ("minimumpinlength", "minimum_pin_length", Cell::Number),
    ("preventweakpins", "prevent_weak_pins", Cell::Truth),
    ("pinexpirationdays", "pin_expiration_days", Cell::Number),
    ("historicalpins", "historical_pins", Cell::Number),
    ("phonecalllanguage", "voice_call_language", Cell::Text),
    ("textmessagelanguage", "sms_text_language", Cell::Text),
    ("mobileapplanguage", "phone_app_language", Cell::Text),
    ("oathtokenlanguage", "oath_token_language", Cell::Text),
];

/// The attributes of a directory, in lower case.
const DIRECTORY: &[(&str, &str)] = &[("givenname", "first_name"), ("sn", "last_name"), ("mail", "email_address")];

/// Who an administrator administers.
const ADMINISTERS: &[(&str, &str)] =
    &[("allusers", "allUsers"), ("anytags", "anyTags"), ("alltags", "allTags"), ("exacttags", "exactTags")];

/// Reads users. `fictional` puts a number that belongs to nobody in the place of each that may belong to somebody,
/// the same for the same.
///
/// # Errors
/// What is wrong where nothing can be read at all.
pub fn read(text: &str, fictional: bool) -> Result<Imported, String> {
    let text = &text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut imported = Imported::default();
    let rows = match Form::of(text)? {
        Form::Ldif => ldif(text, &mut imported),
        Form::Table(header) => table(text, header, &mut imported)?,
        Form::Provider => provider(text, &mut imported),
    };
    let mut numbers = Numbers { fictional, ..Numbers::default() };
    for row in rows {
        imported.take(row, &mut numbers);
    }
    imported.real_numbers = numbers.real.len();
    imported.check();
    imported.left_out.sort_by_key(|it| it.line);
    Ok(imported)
}

/// What a file holds, by its first line that says something.
enum Form {
    Ldif,
    /// A table, with the number of the line that names its columns.
    Table(usize),
    Provider,
}

impl Form {
    fn of(text: &str) -> Result<Self, String> {
        let says = |(_, it): &(usize, &str)| !it.trim().is_empty() && !it.starts_with('#');
        let Some((at, first)) = text.lines().enumerate().find(says) else { return Err("the file is empty".into()) };
        let plain: Vec<String> = first.split([',', ';', '\t']).map(plain).collect();
        let has = |name: &str| plain.iter().any(|it| it == name);
        if ["dn:", "version:"].iter().any(|it| first.to_ascii_lowercase().starts_with(it)) {
            return Ok(Self::Ldif);
        }
        if has("username") || has("samaccountname") || has("userprincipalname") {
            return Ok(Self::Table(at));
        }
        match first.split(';').count() {
            3 => Ok(Self::Provider),
            _ => Err(
                "this is no export that can be read. Known are: the product's user export (CSV with a column Username), an Active Directory export (CSV or LDIF with sAMAccountName or userPrincipalName), and lines id;phone;status".into(),
            ),
        }
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
        if !self.rules.is_empty() {
            text += "\nrules:\n";
            for it in &self.rules {
                text += &format!("  - {it}\n");
            }
        }
        text
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
        load: &dyn Fn(&str) -> Result<Scenario, Vec<Mistake>>,
    ) -> Result<(String, Self), String> {
        let wrong = |mistakes: Vec<Mistake>| match mistakes.iter().find(|it| it.severity == Severity::Error) {
            Some(first) => format!("the scenario has mistakes; nothing was written. The first:\n{first}"),
            None => "the scenario has mistakes; nothing was written".into(),
        };
        let before = load(existing).map_err(wrong)?;
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
        insert(&mut lines, "rules", &self.rules)?;
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
        let username = row.fields.iter().find(|it| it.0 == "username").map(|it| it.1.clone()).unwrap_or_default();
        if username.is_empty() {
            return self.leave_out(row.line, "it names no user");
        }
        for keys in
            [["country_code", "phone", "extension"], ["backup_country_code", "backup_phone", "backup_extension"]]
        {
            if let Err(why) = numbers.settle(&mut row.fields, keys) {
                let phone = row.fields.iter().find(|it| it.0 == keys[1]).map(|it| it.1.clone()).unwrap_or_default();
                return self.leave_out(row.line, format!("{phone:?} is no telephone number: {why}"));
            }
        }
        if let (Some(outcome), Some((_, phone))) = (row.outcome, row.fields.iter().find(|it| it.0 == "phone")) {
            self.rules.push(format!("{{when: {{phone: {}}}, outcome: {outcome}}}", scalar(phone)));
        }
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
        self.users.push(Item { line: row.line, username, yaml });
    }

    /// Leaves out what is a mistake in a scenario: the grammar is the check.
    fn check(&mut self) {
        while let Err(mistakes) = super::load("import", &self.scenario()) {
            let first = self.scenario().lines().position(|it| it == "users:").unwrap_or_default() + 2;
            let mut wrong: HashMap<usize, String> = HashMap::new();
            for mistake in mistakes.into_iter().filter(|it| it.severity == Severity::Error) {
                let at = mistake.place.as_ref().map_or(usize::MAX, |it| it.line).wrapping_sub(first);
                let more = mistake.help.first().map(|it| format!(". {it}")).unwrap_or_default();
                let more = if mistake.code == super::Code::DuplicateName { String::new() } else { more };
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

/// A table with a header.
fn table(text: &str, header: usize, imported: &mut Imported) -> Result<Vec<Row>, String> {
    let body: usize = text.split_inclusive('\n').take(header).map(str::len).sum();
    let first = text[body..].lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|it| first.bytes().filter(|b| b == it).count());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(&text.as_bytes()[body..]);
    let columns: Vec<String> = reader
        .headers()
        .map_err(|error| format!("the header cannot be read: {error}"))?
        .iter()
        .map(Into::into)
        .collect();
    let names: Vec<String> = columns.iter().map(|it| plain(it)).collect();
    let is_product = names.iter().any(|it| it == "username");
    if is_product {
        let unread: Vec<&str> =
            columns.iter().zip(&names).filter(|(_, it)| !is_known(it)).map(|(it, _)| it.as_str()).collect();
        if !unread.is_empty() {
            imported.notes.push(format!("These columns were not read: {}.", unread.join(", ")));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, |it| line_of(it.line(), header));
                imported.leave_out(line, format!("it cannot be read: {error}"));
                continue;
            }
        };
        let line = record.position().map_or(0, |it| line_of(it.line(), header));
        if record.len() > columns.len() {
            imported.leave_out(line, format!("it has {} cells, and there are {} columns", record.len(), columns.len()));
            continue;
        }
        let cells: Vec<(&str, &str)> =
            names.iter().map(String::as_str).zip(&record).filter(|it| !it.1.is_empty()).collect();
        if cells.is_empty() {
            continue;
        }
        match if is_product { product(line, &cells) } else { Ok(directory(line, &cells)) } {
            Ok(row) => rows.push(row),
            Err(reason) => imported.leave_out(line, reason),
        }
    }
    Ok(rows)
}

fn line_of(line: u64, header: usize) -> usize {
    usize::try_from(line).unwrap_or_default() + header
}

/// Whether a column of the product's export has a meaning.
fn is_known(name: &str) -> bool {
    let others = ["tags", "administrator", "administers", "admintags", "sid"];
    PRODUCT.iter().any(|it| it.0 == name) || others.contains(&name) || right(name).is_some()
}

/// The administrator's right that a column names.
fn right(name: &str) -> Option<&'static str> {
    let keys = UserAdministrator::SHAPE.fields().iter().map(|it| it.key);
    keys.skip(3).find(|it| plain(it) == name)
}

/// A row of the product's export.
fn product(line: usize, cells: &[(&str, &str)]) -> Result<Row, String> {
    let mut row = Row { line, ..Row::default() };
    let cell = |name: &str| cells.iter().find(|it| it.0 == name).map(|it| it.1);
    for (column, key, how) in PRODUCT {
        let Some(text) = cell(column) else { continue };
        let value = how.read(text).map_err(|allowed| format!("{key} cannot be {text:?}; {allowed}"))?;
        if !is_default(key, &value) {
            row.fields.push((key, value));
        }
    }
    let tags = cell("tags").unwrap_or_default().split([';', ',']).map(str::trim);
    row.tags = tags.filter(|it| !it.is_empty()).map(Into::into).collect();
    if cell("administrator").is_some_and(|it| truth(it) == Some(true)) {
        row.administrator.push(("is_administrator", "true".into()));
        if let Some(text) = cell("administers") {
            let word =
                word(text, ADMINISTERS).map_err(|allowed| format!("Administers cannot be {text:?}; {allowed}"))?;
            row.administrator.push(("tag_match_type", word));
        }
        if let Some(tags) = cell("admintags") {
            row.administrator.push(("tag_string", tags.into()));
        }
        let rights = cells.iter().filter_map(|(name, text)| right(name).filter(|_| truth(text) == Some(true)));
        row.administrator.extend(rights.map(|it| (it, "true".into())));
    }
    Ok(row)
}

/// An object of a directory: the mobile number first, the other one as its backup.
fn directory(line: usize, cells: &[(&str, &str)]) -> Row {
    let cell = |name: &str| cells.iter().find(|it| it.0 == name && !it.1.is_empty()).map(|it| String::from(it.1));
    let mut row = Row { line, ..Row::default() };
    let mut put = |key, value: Option<String>| row.fields.extend(value.map(|it| (key, it)));
    put("username", cell("userprincipalname").or_else(|| cell("samaccountname")));
    for (attribute, key) in DIRECTORY {
        put(key, cell(attribute));
    }
    let (mobile, desk) = (cell("mobile"), cell("telephonenumber"));
    match (mobile, desk) {
        (Some(mobile), desk) => {
            put("phone", Some(mobile));
            put("backup_phone", desk);
        }
        (None, desk) => put("phone", desk),
    }
    row
}

/// The objects of an LDIF file.
fn ldif(text: &str, imported: &mut Imported) -> Vec<Row> {
    // Long lines go on in lines that begin with a blank.
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix(' '), lines.last_mut()) {
            (Some(rest), Some(last)) => last.1 += rest,
            _ => lines.push((at + 1, line.into())),
        }
    }
    let mut rows = Vec::new();
    for object in lines.split(|it| it.1.trim().is_empty()) {
        let said = object.iter().filter(|it| !it.1.starts_with('#'));
        let said: Vec<_> = said.filter(|it| !it.1.to_ascii_lowercase().starts_with("version:")).collect();
        let Some((line, _)) = said.first() else { continue };
        let mut cells = Vec::new();
        let mut unreadable = None;
        for (line, text) in &said {
            match attribute(text) {
                Some(cell) => cells.push(cell),
                None => unreadable = unreadable.or(Some(*line)),
            }
        }
        if let Some(line) = unreadable {
            imported.leave_out(line, "the line is no attribute: value, or its Base64 is no text");
            continue;
        }
        let cells: Vec<(&str, &str)> = cells.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        rows.push(directory(*line, &cells));
    }
    rows
}

/// `name: value`, or `name:: ` and the value in Base64. Options such as `;lang-de` are let go.
fn attribute(line: &str) -> Option<(String, String)> {
    let (name, rest) = line.split_once(':')?;
    let name = plain(name.split(';').next().unwrap_or_default());
    match rest.strip_prefix(':') {
        None => Some((name, rest.trim().into())),
        // Only what is read has to be text: a directory holds pictures too.
        Some(coded) => match String::from_utf8(STANDARD.decode(coded.trim()).ok()?) {
            Ok(text) => Some((name, text.trim().into())),
            Err(_) if DIRECTORY.iter().any(|it| it.0 == name) => None,
            Err(_) => Some((name, String::new())),
        },
    }
}

/// `id;phone;status`, the file of the sample phone provider: a user and what comes of calling that number.
fn provider(text: &str, imported: &mut Imported) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|it| !it.1.trim().is_empty() && !it.1.starts_with('#')) {
        let cells: Vec<&str> = line.split(';').map(str::trim).collect();
        let [id, phone, status] = cells.as_slice() else {
            imported.leave_out(at + 1, "it is not id;phone;status");
            continue;
        };
        if at == 0 && plain(id) == "id" {
            continue;
        }
        let Some(outcome) = status_word(status) else {
            let words = Reaction::ALL.iter().map(|it| it.word()).chain(Outcome::ALL.iter().map(|it| it.word()));
            let meant = closest(status, words).map(|it| format!("; did you mean {it}?")).unwrap_or_default();
            imported.leave_out(at + 1, format!("the status {status:?} is no outcome{meant}"));
            continue;
        };
        let fields = vec![("username", (*id).into()), ("phone", (*phone).into())];
        rows.push(Row { line: at + 1, fields, outcome: Some(outcome), ..Row::default() });
    }
    rows
}

/// What a status of the provider's file means here.
fn status_word(status: &str) -> Option<&'static str> {
    let known = [
        ("success", "approve"),
        ("succeeded", "approve"),
        ("authenticated", "approve"),
        ("ok", "approve"),
        ("true", "approve"),
        ("failed", "deny"),
        ("failure", "deny"),
        ("false", "deny"),
        ("inprogress", "no-answer"),
        ("pending", "no-answer"),
        ("timeout", "no-answer"),
    ];
    let status = plain(status);
    let words = Reaction::ALL.iter().map(|it| it.word()).chain(Outcome::ALL.iter().map(|it| it.word()));
    let known = known.into_iter().chain(words.map(|it| (it, it)));
    known.into_iter().find(|it| plain(it.0) == status).map(|it| it.1)
}

impl Cell {
    fn read(self, text: &str) -> Result<String, String> {
        match self {
            Self::Text => Ok(text.into()),
            Self::Truth => truth(text).map(|it| it.to_string()).ok_or_else(|| "allowed: True, False".into()),
            Self::Number => {
                text.parse::<u32>().map(|it| it.to_string()).map_err(|_| "it must be a whole number".into())
            }
            Self::Word(words) => word(text, words),
        }
    }
}

fn word(text: &str, words: &[(&str, &str)]) -> Result<String, String> {
    let known = words.iter().find(|it| it.0 == plain(text) || it.1 == text);
    let allowed = || words.iter().map(|it| it.1).collect::<Vec<_>>().join(", ");
    known.map(|it| it.1.into()).ok_or_else(|| format!("known: {}", allowed()))
}

fn truth(text: &str) -> Option<bool> {
    match plain(text).as_str() {
        "true" | "yes" | "1" | "y" => Some(true),
        "false" | "no" | "0" | "n" => Some(false),
        _ => None,
    }
}

/// Letters and digits alone, in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a user has that value where the scenario says nothing.
fn is_default(key: &str, value: &str) -> bool {
    thread_local! {
        static DEFAULTS: HashMap<&'static str, String> = {
            let user = Company::default().new_user();
            let fields = crate::contract::UserSettings::SHAPE.fields().iter().map(|it| it.key);
            let text = |value: Value<'_>| match value {
                Value::Text(text) => text.to_owned(),
                other => other.to_string(),
            };
            fields.zip(user.values().into_iter().map(|it| text(it.1))).collect()
        };
    }
    // A country code says what the number beside it means.
    !key.ends_with("country_code") && DEFAULTS.with(|it| it.get(key).is_some_and(|it| it == value))
}

/// The numbers that were met.
#[derive(Default)]
struct Numbers {
    fictional: bool,
    /// Those that may belong to somebody, with their order.
    real: HashMap<String, usize>,
}

impl Numbers {
    /// Puts a number in its full spelling, and a fictional one in its place where that is asked.
    fn settle(&mut self, fields: &mut Vec<(&'static str, String)>, keys: [&'static str; 3]) -> Result<(), NotANumber> {
        let [country, phone, extension] = keys.map(|key| fields.iter().find(|it| it.0 == key).map(|it| it.1.clone()));
        let Some(phone) = phone else {
            fields.retain(|it| !keys.contains(&it.0));
            return Ok(());
        };
        let country_code = country.as_deref().unwrap_or_default().trim().trim_start_matches('+');
        let number = Number::read(&phone, country_code, extension.as_deref().unwrap_or_default(), "1")?;
        let mut text = number.to_string();
        if !number.is_fictional() {
            let next = self.real.len();
            let place = *self.real.entry(number.digits().into()).or_insert(next);
            if self.fictional {
                text = invented(place);
                if !number.extension().is_empty() {
                    text += &format!(" x{}", number.extension());
                }
            }
        }
        let at = fields.iter().position(|it| it.0 == keys[1]).expect("found above");
        fields[at].1 = text;
        fields.retain(|it| it.0 != keys[0] && it.0 != keys[2]);
        Ok(())
    }
}

/// A number that belongs to nobody; another for each place.
fn invented(place: usize) -> String {
    // Area codes 201 to 998 without N11 and 555, a hundred numbers in each.
    static AREAS: LazyLock<Vec<u32>> = LazyLock::new(|| (201..999).filter(|it| it % 100 != 11 && *it != 555).collect());
    let (round, place) = (place / (AREAS.len() * 100), place % (AREAS.len() * 100));
    let extension = if round == 0 { String::new() } else { format!(" x{round}") };
    format!("+1 {} 555 01{:02}{extension}", AREAS[place / 100], place % 100)
}

/// A text as a value in a flow mapping, quoted where YAML would take it for something else.
pub(super) fn scalar(text: &str) -> String {
    let inside = |it: char| it.is_ascii_alphanumeric() || "_-.@ ".contains(it);
    let begins = text.starts_with(|it: char| it.is_ascii_alphabetic());
    // Words that some readers take for a truth or for nothing. What true and false say is what is meant.
    let special = ["null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    let number = text.len() < 6 && !text.starts_with('0') && text.bytes().all(|it| it.is_ascii_digit());
    match (begins && text.chars().all(inside) && !text.ends_with(' ') && !special) || (number && !text.is_empty()) {
        true => text.into(),
        false => serde_json::to_string(text).expect("a text is JSON"),
    }
}

/// The lines of a section's list: where its items begin, how far they are indented, and where the section ends.
fn section(lines: &[String], key: &str) -> Result<Option<(usize, usize, usize)>, String> {
    let Some(at) = lines.iter().position(|it| it.starts_with(&format!("{key}:"))) else { return Ok(None) };
    let rest = lines[at][key.len() + 1..].split('#').next().unwrap_or_default().trim();
    if !rest.is_empty() {
        return Err(format!("line {} has {key} in one line. Write one item a line, each with - before it.", at + 1));
    }
    let is_blank = |it: &String| it.trim().is_empty() || it.trim_start().starts_with('#');
    let first = (at + 1..lines.len()).find(|it| !is_blank(&lines[*it]));
    let indent = first.map(|it| lines[it].len() - lines[it].trim_start().len());
    let is_item = |it: &usize| lines[*it].trim_start().starts_with("- ");
    let Some((first, indent)) = first.filter(is_item).zip(indent) else { return Ok(Some((at + 1, 2, at + 1))) };
    let belongs = |it: &String| {
        let own = it.len() - it.trim_start().len();
        is_blank(it) || own > indent || (own == indent && it.trim_start().starts_with("- "))
    };
    let mut end = (first..lines.len()).find(|it| !belongs(&lines[*it])).unwrap_or(lines.len());
    while end > first && is_blank(&lines[end - 1]) {
        end -= 1;
    }
    Ok(Some((first, indent, end)))
}

/// Puts items at the end of the users, and at the beginning of the rules, where the first that matches wins.
fn insert(lines: &mut Vec<String>, key: &str, items: &[String]) -> Result<(), String> {
    if items.is_empty() {
        return Ok(());
    }
    let (at, indent) = match section(lines, key)? {
        Some((first, indent, _)) if key == "rules" => (first, indent),
        Some((_, indent, end)) => (end, indent),
        None => {
            lines.extend([String::new(), format!("{key}:")]);
            (lines.len(), 2)
        }
    };
    let items = items.iter().map(|it| format!("{}- {it}", " ".repeat(indent)));
    lines.splice(at..at, items);
    Ok(())
}

/// Takes users out of the text of a scenario.
fn remove_users(lines: &mut Vec<String>, names: &HashSet<String>) -> Result<(), String> {
    let Some((first, indent, end)) = section(lines, "users")? else { return Ok(()) };
    let is_item = |it: &String| it.len() - it.trim_start().len() == indent && it.trim_start().starts_with("- ");
    let starts: Vec<usize> = (first..end).filter(|it| is_item(&lines[*it])).collect();
    let mut gone = HashSet::new();
    for (at, start) in starts.iter().enumerate() {
        let stop = starts.get(at + 1).copied().unwrap_or(end);
        let item = lines[*start..stop].join("\n");
        let lower = item.to_lowercase();
        if !names.iter().any(|it| lower.contains(it.rsplit('\\').next().unwrap_or_default())) {
            continue;
        }
        // Mistakes that come of looking at the user alone do not matter: only the name does.
        if names.iter().any(|name| named(&item, name)) {
            gone.extend(*start..stop);
        }
    }
    let mut at = 0;
    lines.retain(|_| {
        at += 1;
        !gone.contains(&(at - 1))
    });
    Ok(())
}

/// Whether an item of the users is the one of that name.
fn named(item: &str, name: &str) -> bool {
    let text = format!("users:\n{item}\n  - {}\n", scalar(name));
    let indent = item.len() - item.trim_start().len();
    let text = text.replace("\n  - ", &format!("\n{}- ", " ".repeat(indent)));
    let is_twice = |it: &Mistake| it.code == super::Code::DuplicateName;
    super::load("import", &text).is_err_and(|mistakes| mistakes.iter().any(is_twice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Scenario, Vec<Mistake>> {
        crate::scenario::load("the scenario", text)
    }

    fn imported(text: &str) -> Imported {
        read(text, false).unwrap()
    }

    fn left_out(it: &Imported) -> Vec<(usize, &str)> {
        it.left_out.iter().map(|it| (it.line, it.reason.as_str())).collect()
    }

    #[test]
    fn the_products_export_is_read() {
        let text = "Username,First Name,Last Name,Primary Country Code,Primary Phone,Mode,Phone Call Mode,SMS Direction,SMS Mode,Mobile App Mode,PIN,User Disabled,Enabled,Minimum PIN Length,Text Message Language,Tags,Administrator,Administers,Change Phone,Add User,SID,Colour\r\n\
            CONTOSO\\anna,Anna,\"Hill, Dr.\",1,(425) 555-0100,Phone Call,Standard,One-Way,OTP,Standard,0258,Succeed Authentication,True,4,en,VIP;Staff,True,All Users,True,False,S-1-5,red\r\n\
            ben,,,44,1632 960001,Text Message,PIN,Two-Way,OTP + PIN,Standard,,Fail Authentication,False,6,de,,False,,,,,\r\n\
            ,,,,,,,,,,,,,,,,,,,,,\r\n\
            carla,,,1,call me,Phone Call,,,,,,,,,,,,,,,,\r\n\
            dario,,,,,Carrier Pigeon,,,,,,,,,,,,,,,,\r\n\
            BEN,,,,,,,,,,,,,,,,,,,,,\r\n\
            erin,,,,,,,,,,12ab,,,,,,,,,,,\r\n";
        let it = imported(text);
        let expected = "company:\n  tags: [Staff, VIP]\n\nusers:\n  - {username: \"CONTOSO\\\\anna\", first_name: Anna, last_name: \"Hill, Dr.\", phone: \"+1 4255550100\", pin: \"0258\", tags: [VIP, Staff], administrator: {is_administrator: true, tag_match_type: allUsers, change_phone: true}}\n  - {username: ben, phone: \"+44 1632960001\", mode: smsText, pin_mode: pin, sms_direction: twoWay, sms_mode: otpPlusPin, disabled_behavior: fail, enabled: false, minimum_pin_length: 6, sms_text_language: de}\n";
        assert_eq!(it.scenario(), expected);
        let expected = [
            (5, "\"call me\" is no telephone number: 'c' does not belong in it"),
            (6, "mode cannot be \"Carrier Pigeon\"; known: voiceCall, smsText, phoneApp, oathToken"),
            (7, "there is another user \"BEN\""),
            (8, "pin must be digits and nothing else"),
        ];
        assert_eq!(left_out(&it), expected);
        assert_eq!(it.notes, ["These columns were not read: Colour."]);
        assert_eq!(it.real_numbers, 0);
    }

    #[test]
    fn a_directorys_table_is_read() {
        let text = "#TYPE Microsoft.ActiveDirectory.Management.ADUser\nsAMAccountName;userPrincipalName;givenName;sn;mail;telephoneNumber;mobile\nanna;anna@contoso.com;Anna;Hill;anna@contoso.com;+1 425 555 0101;+1 425 555 0100\nben;;Ben;;;+1 425 555 0102;\n;;Nobody;;;;\n";
        let it = imported(text);
        let expected = "users:\n  - {username: anna@contoso.com, first_name: Anna, last_name: Hill, email_address: anna@contoso.com, phone: \"+1 4255550100\", backup_phone: \"+1 4255550101\"}\n  - {username: ben, first_name: Ben, phone: \"+1 4255550102\"}\n";
        assert_eq!(it.scenario(), expected);
        assert_eq!(left_out(&it), [(5, "it names no user")]);
    }

    #[test]
    fn ldif_is_read_with_base64_and_folded_lines() {
        let text = "version: 1\n\n# Anna\ndn: CN=Anna,DC=contoso,DC=com\nsAMAccountName: anna\ngivenName:: w4VzYQ==\nsn: Hi\n ll\nmobile: +1 425\n  555 0100\nthumbnailPhoto:: /9j/\n\ndn: OU=Sales,DC=contoso,DC=com\nobjectClass: organizationalUnit\n\ndn: CN=Ben\nsAMAccountName: ben\nnonsense\n";
        let it = imported(text);
        assert_eq!(
            it.scenario(),
            "users:\n  - {username: anna, first_name: \"Åsa\", last_name: Hill, phone: \"+1 4255550100\"}\n"
        );
        let expected = [(13, "it names no user"), (18, "the line is no attribute: value, or its Base64 is no text")];
        assert_eq!(left_out(&it), expected);
    }

    #[test]
    fn the_sample_providers_file_is_read_with_its_outcomes() {
        let text = "17;14255550100;Success\n18;14255550101;busy\n19;14255550102;bussy\nonly;two\n";
        let it = imported(text);
        let expected = "users:\n  - {username: 17, phone: \"+1 4255550100\"}\n  - {username: 18, phone: \"+1 4255550101\"}\n\nrules:\n  - {when: {phone: \"+1 4255550100\"}, outcome: approve}\n  - {when: {phone: \"+1 4255550101\"}, outcome: busy}\n";
        assert_eq!(it.scenario(), expected);
        let expected =
            [(3, "the status \"bussy\" is no outcome; did you mean busy?"), (4, "it is not id;phone;status")];
        assert_eq!(left_out(&it), expected);
    }

    #[test]
    fn real_numbers_are_counted_and_replaced_consistently() {
        let text = "Username,Primary Phone,Backup Phone\nanna,2125551234,425 555 0100\nben,2065550188,+1 212 555 1234\ncarla,2125559999,\n";
        assert_eq!(imported(text).real_numbers, 2);
        let it = read(text, true).unwrap();
        let expected = "users:\n  - {username: anna, phone: \"+1 201 555 0100\", backup_phone: \"+1 4255550100\"}\n  - {username: ben, phone: \"+1 2065550188\", backup_phone: \"+1 201 555 0100\"}\n  - {username: carla, phone: \"+1 201 555 0101\"}\n";
        assert_eq!(it.scenario(), expected);
    }

    #[test]
    fn what_is_only_a_warning_leaves_nobody_out() {
        let it = imported("Username,First Name,Primary Phone\nanna,${NAME},\nben,Ben,\nBEN,Ben,\n");
        assert_eq!((it.len(), it.left_out.len()), (2, 1));
    }

    #[test]
    fn an_existing_scenario_keeps_what_it_has_unless_forced() {
        let existing = "# Mine\nusers:\n- anna  # she stays\n- username: ben\n  phone: \"+1 425 555 0101\"\n\nrules:\n- {outcome: busy}\n";
        let text = "Username,First Name\nBEN,Ben\ncarla,Carla\n";
        let (merged, it) = imported(text).into_scenario(existing, false, &load).unwrap();
        let expected = "# Mine\nusers:\n- anna  # she stays\n- username: ben\n  phone: \"+1 425 555 0101\"\n- {username: carla, first_name: Carla}\n\nrules:\n- {outcome: busy}\n";
        assert_eq!((merged.as_str(), it.len()), (expected, 1));
        assert_eq!(left_out(&it), [(2, "the scenario has a user \"BEN\" already; --force replaces it")]);

        let (merged, it) = imported(text).into_scenario(existing, true, &load).unwrap();
        let expected = "# Mine\nusers:\n- anna  # she stays\n- {username: BEN, first_name: Ben}\n- {username: carla, first_name: Carla}\n\nrules:\n- {outcome: busy}\n";
        assert_eq!((merged.as_str(), it.len(), it.left_out.len()), (expected, 2, 0));

        let (merged, _) = imported("17;14255550100;busy").into_scenario(existing, false, &load).unwrap();
        assert!(merged.contains("rules:\n- {when: {phone: \"+1 4255550100\"}, outcome: busy}\n- {outcome: busy}\n"));
        let (merged, _) = imported(text).into_scenario("seed: 1\n", false, &load).unwrap();
        assert!(merged.starts_with("seed: 1\n\nusers:\n  - {username: BEN, first_name: Ben}\n"));
        assert!(imported(text).into_scenario("users: [anna]\n", false, &load).unwrap_err().contains("in one line"));
        assert!(imported(text).into_scenario("users: [anna, anna]\n", false, &load).unwrap_err().contains("mistakes"));
    }

    #[test]
    fn what_is_no_export_says_what_is() {
        assert!(read("hello", false).unwrap_err().contains("the product's user export"));
        assert_eq!(read("\n", false).unwrap_err(), "the file is empty");
    }
}
