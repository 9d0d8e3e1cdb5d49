//! The settings of a user: the fields of the contract, and what they must be beyond their types.

use crate::contract::UserSettings;
use crate::engine::Company;

use super::fields::Fields;
use super::mistake::Code;
use super::number::{country_code, read_number};
use super::values::{Digits, base32};

/// The keys of the number that is called, and of the one that is called after it: country code, number, extension.
pub(super) const NUMBERS: [[&str; 3]; 2] =
    [["country_code", "phone", "extension"], ["backup_country_code", "backup_phone", "backup_extension"]];

/// Declares the settings; `and` gets each key and text that was set.
pub(super) fn settings(
    fields: &mut Fields<'_>,
    it: &mut UserSettings,
    company: &Company,
    and: impl FnMut(&'static str, String),
) {
    let codes = NUMBERS.map(|[code, ..]| fields.get(code, country_code()));
    fields.get("pin", Digits);
    fields.get("oath_token_secret_key", base32());
    fields.record_and(it, and);

    let stored = [
        [&mut it.country_code, &mut it.phone, &mut it.extension],
        [&mut it.backup_country_code, &mut it.backup_phone, &mut it.backup_extension],
    ];
    for ((keys, code), stored) in NUMBERS.into_iter().zip(codes).zip(stored) {
        store_number(fields, keys, code, stored, &company.country_code);
    }
    if let Some(written) = fields.at("oath_token_exists") {
        let message = "oath_token_exists follows from oath_token_secret_key".into();
        written.report(Code::NeverApplies, message, ["Take the key out.".into()]);
    }
}

/// Stores a number as the service does: country code, number, extension. `default` is the company's country code.
fn store_number(
    fields: &Fields<'_>,
    keys: [&'static str; 3],
    written_code: Option<String>,
    stored: [&mut Option<String>; 3],
    default: &str,
) {
    let [code, phone, extension] = stored;
    if written_code.is_some() {
        code.clone_from(&written_code);
    }
    if let Some(written) = fields.at(keys[2])
        && extension.as_ref().is_some_and(|it| it.contains(|it: char| !it.is_ascii_digit() && !"#*,".contains(it)))
    {
        let help = "An extension has digits, # and *; a comma waits.".into();
        written.report(Code::NotANumber, format!("{} is no extension", keys[2]), [help]);
        *extension = None;
    }
    let written = fields.at(keys[1]).filter(|it| it.is_text());
    let Some(written) = written.filter(|_| phone.as_ref().is_some_and(|it| !it.trim().is_empty())) else { return };
    let given = |it: &Option<String>| it.clone().unwrap_or_default();
    let country = written_code.clone().unwrap_or_default();
    let Some(number) = read_number(written, &given(phone), &country, &given(extension), default) else { return };
    let (own, rest, own_extension) = number.kept(default);
    if written_code.is_some_and(|it| it != own) {
        let message = format!("the number has the country code {own}, and {} says {country}", keys[0]);
        written.report(Code::BadValue, message, ["Leave one of them out.".into()]);
    }
    *code = Some(own.into());
    *phone = Some(rest.into());
    *extension = Some(own_extension.into());
}
