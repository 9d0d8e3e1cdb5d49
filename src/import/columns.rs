//! The columns of tables and the attributes of directories, and what each says of a user.

use std::collections::HashMap;

use super::{Row, plain};
use crate::contract::{Primitive, Record, Shape, UserAdministrator, UserSettings, Value, Wire};
use crate::engine::Company;

/// What a column says of a user.
#[derive(Clone, Copy)]
enum Column {
    /// A key of the scenario.
    Key(&'static str, Cell),
    /// The name before Windows 2000: the username where no column says it.
    Account,
    /// The username where no other column says it.
    Principal,
    /// First and last name, where they have no columns of their own.
    DisplayName,
    /// The number, before that of the desk.
    Mobile,
    Desk,
    /// Flags of a directory, of which one disables the account.
    AccountControl,
    Tags,
    Administrator,
    Administers,
    AdministeredTags,
    Right(&'static str),
    /// Nothing that a scenario could say.
    Meaningless,
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
    ("voicecall", "voiceCall"),
    ("textmessage", "smsText"),
    ("smstext", "smsText"),
    ("mobileapp", "phoneApp"),
    ("phoneapp", "phoneApp"),
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

/// Names of columns: the product's export, then directories and PowerShell. Blanks and letter case make no difference.
/// The keys of a user in a scenario and the administrator's rights are columns, too.
const COLUMNS: &[(&str, Column)] = &[
    ("Username", Column::Key("username", Cell::Text)),
    ("First Name", Column::Key("first_name", Cell::Text)),
    ("Last Name", Column::Key("last_name", Cell::Text)),
    ("Email Address", Column::Key("email_address", Cell::Text)),
    ("User Group", Column::Key("user_group", Cell::Text)),
    ("Primary Country Code", Column::Key("country_code", Cell::Text)),
    ("Primary Phone", Column::Key("phone", Cell::Text)),
    ("Primary Extension", Column::Key("extension", Cell::Text)),
    ("Backup Country Code", Column::Key("backup_country_code", Cell::Text)),
    ("Backup Phone", Column::Key("backup_phone", Cell::Text)),
    ("Backup Extension", Column::Key("backup_extension", Cell::Text)),
    ("Mode", Column::Key("mode", MODES)),
    ("Phone Call Mode", Column::Key("pin_mode", CALLS)),
    ("SMS Direction", Column::Key("sms_direction", DIRECTIONS)),
    ("SMS Mode", Column::Key("sms_mode", TEXTS)),
    ("Mobile App Mode", Column::Key("phone_app_mode", APPS)),
    ("PIN", Column::Key("pin", Cell::Text)),
    ("User Disabled", Column::Key("disabled_behavior", DISABLED)),
    ("Enabled", Column::Key("enabled", Cell::Truth)),
    ("Enable Global Services", Column::Key("enable_global_services", Cell::Truth)),
    ("User Can Change Phone", Column::Key("user_can_change_phone", Cell::Truth)),
    ("Keep Phone Synchronized", Column::Key("keep_phone_synchronized", Cell::Truth)),
    ("User Must Change PIN", Column::Key("pin_change_required", Cell::Truth)),
    ("Override PIN Rules", Column::Key("override_pin_rules", Cell::Truth)),
    ("User Can Change PIN", Column::Key("user_can_change_pin", Cell::Truth)),
    ("Minimum PIN Length", Column::Key("minimum_pin_length", Cell::Number)),
    ("Prevent Weak PINs", Column::Key("prevent_weak_pins", Cell::Truth)),
    ("PIN Expiration Days", Column::Key("pin_expiration_days", Cell::Number)),
    ("Historical PINs", Column::Key("historical_pins", Cell::Number)),
    ("Phone Call Language", Column::Key("voice_call_language", Cell::Text)),
    ("Text Message Language", Column::Key("sms_text_language", Cell::Text)),
    ("Mobile App Language", Column::Key("phone_app_language", Cell::Text)),
    ("OATH Token Language", Column::Key("oath_token_language", Cell::Text)),
    ("Tags", Column::Tags),
    ("Administrator", Column::Administrator),
    ("Administers", Column::Administers),
    ("Admin Tags", Column::AdministeredTags),
    ("SID", Column::Meaningless),
    ("sAMAccountName", Column::Account),
    ("userPrincipalName", Column::Principal),
    ("displayName", Column::DisplayName),
    ("givenName", Column::Key("first_name", Cell::Text)),
    ("sn", Column::Key("last_name", Cell::Text)),
    ("Surname", Column::Key("last_name", Cell::Text)),
    ("mail", Column::Key("email_address", Cell::Text)),
    ("mobile", Column::Mobile),
    ("MobilePhone", Column::Mobile),
    ("telephoneNumber", Column::Desk),
    ("OfficePhone", Column::Desk),
    ("userAccountControl", Column::AccountControl),
    ("accountEnabled", Column::Key("enabled", Cell::Truth)),
    ("password", Column::Key("password", Cell::Text)),
    ("blocked", Column::Key("blocked", Cell::Text)),
];

/// The rights of an administrator whose columns have the words of the product's screens, behind `Admin`.
const RIGHTS: &[(&str, &str)] = &[
    ("Admin Change Method", "change_mode"),
    ("Admin Change Mode", "change_submode"),
    ("Admin Activate Mobile App", "activate_phone_app"),
    ("Admin Deactivate Mobile App", "deactivate_phone_app"),
];

/// Who an administrator administers.
const ADMINISTERS: &[(&str, &str)] =
    &[("allusers", "allUsers"), ("anytags", "anyTags"), ("alltags", "allTags"), ("exacttags", "exactTags")];

/// The flag ACCOUNTDISABLE of `userAccountControl`.
const DISABLED_FLAG: i64 = 2;

impl Column {
    /// The meaning of a column with that plain name.
    fn named(name: &str) -> Option<Self> {
        thread_local! {
            static BY_NAME: HashMap<String, Column> = by_name();
        }
        BY_NAME.with(|it| it.get(name).copied())
    }
}

fn by_name() -> HashMap<String, Column> {
    let mut names: HashMap<String, Column> = HashMap::new();
    let rights = || UserAdministrator::SHAPE.fields().iter().map(|it| it.key).skip(3);
    names.extend(rights().map(|it| (plain(it), Column::Right(it))));
    names.extend(rights().map(|it| (plain(&format!("Admin {it}")), Column::Right(it))));
    names.extend(RIGHTS.iter().map(|(name, key)| (plain(name), Column::Right(key))));
    let keys = UserSettings::SHAPE.fields().iter().map(|it| {
        let own = COLUMNS.iter().find_map(|(_, column)| match column {
            Column::Key(key, cell) if *key == it.key => Some(*cell),
            _ => None,
        });
        let cell = own.unwrap_or_else(|| match it.shape.inner() {
            Shape::Simple(Primitive::Boolean) => Cell::Truth,
            _ => Cell::Text,
        });
        (plain(it.key), Column::Key(it.key, cell))
    });
    names.extend(keys);
    names.extend(COLUMNS.iter().map(|(name, column)| (plain(name), *column)));
    names
}

/// Whether a column of that plain name says something of a user.
pub(super) fn is_known(name: &str) -> bool {
    Column::named(name).is_some()
}

/// Whether a column of that plain name tells users apart: a table without one is no table of users.
pub(super) fn names_users(name: &str) -> bool {
    matches!(Column::named(name), Some(Column::Account | Column::Principal | Column::Key("username", _)))
}

/// What a row says of a user. A cell has the plain name of its column, and is not empty.
///
/// # Errors
/// The column whose cell cannot be read.
pub(super) fn row(line: usize, cells: &[(&str, &str)]) -> Result<Row, String> {
    let mut row = Row { line, ..Row::default() };
    let mut fields: HashMap<&'static str, String> = HashMap::new();
    let (mut account, mut principal, mut display_name) = (None, None, None);
    let (mut mobile, mut desk, mut is_administrator) = (None, None, false);
    let mut administrator: Vec<(&'static str, String)> = Vec::new();
    for (name, text) in cells {
        let wrong = |allowed: String| format!("{name} cannot be {text:?}; {allowed}");
        match Column::named(name) {
            Some(Column::Key(key, cell)) => {
                let value = cell.read(text).map_err(|it| format!("{key} cannot be {text:?}; {it}"))?;
                fields.entry(key).or_insert(value);
            }
            Some(Column::Account) => account = Some(*text),
            Some(Column::Principal) => principal = Some(*text),
            Some(Column::DisplayName) => display_name = Some(*text),
            Some(Column::Mobile) => mobile = Some(*text),
            Some(Column::Desk) => desk = Some(*text),
            Some(Column::AccountControl) => {
                if flags(text).ok_or_else(|| wrong("it must be a whole number".into()))? & DISABLED_FLAG != 0 {
                    fields.insert("enabled", "false".into());
                }
            }
            Some(Column::Tags) => {
                let tags = text.split([';', ',']).map(str::trim);
                row.tags.extend(tags.filter(|it| !it.is_empty()).map(Into::into));
            }
            Some(Column::Administrator) => is_administrator = truth(text).map_err(wrong)?,
            Some(Column::Administers) => {
                administrator.insert(0, ("tag_match_type", word(text, ADMINISTERS).map_err(wrong)?));
            }
            Some(Column::AdministeredTags) => administrator.push(("tag_string", (*text).into())),
            Some(Column::Right(key)) => {
                if truth(text).map_err(wrong)? {
                    administrator.push((key, "true".into()));
                }
            }
            Some(Column::Meaningless) | None => (),
        }
    }
    if let Some(name) = account.or(principal) {
        fields.entry("username").or_insert_with(|| name.into());
    }
    let numbers = [fields.remove("phone"), mobile.map(Into::into), desk.map(Into::into)];
    let mut numbers = numbers.into_iter().flatten();
    for key in ["phone", "backup_phone"] {
        if !fields.contains_key(key)
            && let Some(number) = numbers.next()
        {
            fields.insert(key, number);
        }
    }
    if let Some(name) = display_name.filter(|_| !["first_name", "last_name"].iter().any(|it| fields.contains_key(it))) {
        let (first, last) = match name.split_once(',') {
            Some((last, first)) => (first, last),
            None => name.rsplit_once(' ').unwrap_or((name, "")),
        };
        let names = [("first_name", first), ("last_name", last)].map(|(key, name)| (key, name.trim().to_owned()));
        fields.extend(names.into_iter().filter(|it| !it.1.is_empty()));
    }
    // The order of the contract: it begins with the name.
    let mut order = vec!["username", "password", "blocked"];
    order.extend(UserSettings::SHAPE.fields().iter().map(|it| it.key));
    for key in order {
        if let Some(value) = fields.remove(key).filter(|it| !is_default(key, it)) {
            row.fields.push((key, value));
        }
    }
    if is_administrator {
        row.administrator.push(("is_administrator", "true".into()));
        row.administrator.extend(administrator);
    }
    Ok(row)
}

impl Cell {
    fn read(self, text: &str) -> Result<String, String> {
        match self {
            Self::Text => Ok(text.into()),
            Self::Truth => truth(text).map(|it| it.to_string()),
            Self::Number => {
                text.parse::<u32>().map(|it| it.to_string()).map_err(|_| "it must be a whole number".into())
            }
            Self::Word(words) => word(text, words),
        }
    }
}

fn word(text: &str, words: &[(&str, &str)]) -> Result<String, String> {
    let known = words.iter().find(|it| it.0 == plain(text));
    let allowed = || {
        let mut allowed: Vec<&str> = words.iter().map(|it| it.1).collect();
        allowed.dedup();
        allowed.join(", ")
    };
    known.map(|it| it.1.into()).ok_or_else(|| format!("known: {}", allowed()))
}

/// True and false as Excel and PowerShell write them in the languages of Windows.
const TRUTHS: [(bool, &[&str]); 2] = [
    (
        true,
        &[
            "true",
            "yes",
            "1",
            "y",
            "wahr",
            "ja",
            "vrai",
            "oui",
            "verdadero",
            "sí",
            "si",
            "vero",
            "verdadeiro",
            "sim",
            "waar",
            "sant",
            "sand",
            "sann",
            "tosi",
            "prawda",
            "pravda",
            "igaz",
            "adevărat",
            "doğru",
            "истина",
            "да",
        ],
    ),
    (
        false,
        &[
            "false", "no", "0", "n", "falsch", "nein", "faux", "non", "falso", "falso", "não", "onwaar", "nee",
            "falskt", "nej", "falsk", "nei", "usann", "epätosi", "fałsz", "nepravda", "hamis", "fals", "yanlış",
            "ложь", "нет",
        ],
    ),
];

fn truth(text: &str) -> Result<bool, String> {
    let word = plain(text);
    let found = TRUTHS.iter().find(|it| it.1.contains(&word.as_str()));
    found.map(|it| it.0).ok_or_else(|| "known: True, False, and the words for them in other languages".into())
}

/// A whole number, decimal or hexadecimal.
fn flags(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Whether a user has that value where the scenario says nothing.
fn is_default(key: &str, value: &str) -> bool {
    thread_local! {
        static DEFAULTS: HashMap<&'static str, String> = {
            let user = Company::default().new_user();
            let fields = UserSettings::SHAPE.fields().iter().map(|it| it.key);
            let text = |value: Value<'_>| match value {
                Value::Text(text) => text.to_owned(),
                other => other.to_string(),
            };
            fields.zip(user.values().into_iter().map(|it| text(it.value))).collect()
        };
    }
    // A country code says what the number beside it means.
    !key.ends_with("country_code") && DEFAULTS.with(|it| it.get(key).is_some_and(|it| it == value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_in_the_documentation() {
        let page = include_str!("../../docs/import.md");
        for (name, _) in COLUMNS {
            assert!(page.contains(&format!("`{name}`")), "docs/import.md lacks {name}");
        }
        for (name, _) in RIGHTS {
            assert!(page.contains(&format!("`{name}`")), "docs/import.md lacks {name}");
        }
    }

    #[test]
    fn no_two_columns_have_one_plain_name() {
        let mut names: Vec<String> = COLUMNS.iter().map(|it| plain(it.0)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COLUMNS.len());
    }
}
