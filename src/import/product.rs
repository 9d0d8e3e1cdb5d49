//! The product's own export: a table whose columns are its own names for a user's settings.

use std::collections::HashMap;

use super::{Row, plain};
use crate::contract::{Record, UserAdministrator, UserSettings, Value, Wire};
use crate::engine::Company;

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

/// Who an administrator administers.
const ADMINISTERS: &[(&str, &str)] =
    &[("allusers", "allUsers"), ("anytags", "anyTags"), ("alltags", "allTags"), ("exacttags", "exactTags")];

/// Whether a column of the product's export has a meaning.
pub(super) fn is_known(name: &str) -> bool {
    let others = ["tags", "administrator", "administers", "admintags", "sid"];
    PRODUCT.iter().any(|it| it.0 == name) || others.contains(&name) || right(name).is_some()
}

/// The administrator's right that a column names.
fn right(name: &str) -> Option<&'static str> {
    let keys = UserAdministrator::SHAPE.fields().iter().map(|it| it.key);
    keys.skip(3).find(|it| plain(it) == name)
}

/// A row of the product's export.
pub(super) fn row(line: usize, cells: &[(&str, &str)]) -> Result<Row, String> {
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
