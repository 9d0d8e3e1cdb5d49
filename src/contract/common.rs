//! What fields mean that several operations and records have: each text once.

use super::role::is_same;

/// By wire names: parameters, then fields of records.
const MEANINGS: &[(&str, &str)] = &[
    (
        "username",
        "The account; `DOMAIN\\name`, `name` and `name@domain` are the same user. Letter case does not matter.",
    ),
    ("sendEmail", "Whether the user gets a mail about it."),
    ("modifyUsername", "Who makes the change."),
    ("initiatingIpAddress", "The address that the user signs in from, for the cache and the log."),
    ("authenticationType", "How the password is checked. It makes no difference here."),
    ("initiatingAuthenticationType", "Who asks."),
    ("applicationName", "The application that the user signs in to."),
    ("requireUserMatch", "Whether an unknown user is refused (true) or let through without a challenge."),
    ("callResult", "How the second factor ended; there on a denial too."),
    ("authenticationRequestId", "32 upper-case hexadecimal digits that name this authentication."),
    ("reason", "Kept with the change."),
    ("CountryCode", "Digits without `+`; `1` for North America."),
    ("Phone", "The number without its country code."),
    ("Extension", "Digits dialled after the call is answered."),
    ("BackupCountryCode", "The country code of `BackupPhone`."),
    ("BackupPhone", "Called if the first number is not answered."),
    ("BackupExtension", "The extension of `BackupPhone`."),
    (
        "PinChangeRequired",
        "Whether the PIN must be changed: a phone call that asks for it then ends with `callResult` 5.",
    ),
    ("VoiceCallLanguage", "Of phone calls; a code such as `en`."),
    ("SmsTextLanguage", "Of text messages."),
    ("EnableGlobalServices", "As stored; it has no effect."),
    ("UserCanChangePhone", "Whether the user portal lets the user change the number; the service ignores it."),
    ("KeepPhoneSynchronized", "As stored; no directory is synchronized."),
    ("UserCanChangePin", "Whether the user portal lets the user change the PIN; the service ignores it."),
    ("MinimumPinLength", "Digits."),
    (
        "PreventWeakPins",
        "Whether a PIN may not have three equal or consecutive digits in a row, or four digits of a number of the user.",
    ),
    ("PinExpirationDays", "Days until a PIN expires; 0: never."),
    ("HistoricalPins", "How many former PINs may not be used again."),
    ("PhoneAppLanguage", "Of the mobile app."),
    ("OathTokenLanguage", "Of OATH tokens."),
];

/// The documentation of a field: its own, else the common one of its name; empty where there is neither.
pub(crate) const fn documentation(name: &str, own: &'static str) -> &'static str {
    let mut at = 0;
    while at < MEANINGS.len() && own.is_empty() {
        if is_same(MEANINGS[at].0, name) {
            return MEANINGS[at].1;
        }
        at += 1;
    }
    own
}
