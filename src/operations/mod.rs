//! The operations: each one's parameters, out parameters and behaviour, and the table that lists them.

#[macro_use]
mod declare;
mod answer;
mod authentication;
mod blocks;
mod connection;
mod context;
mod devices;
mod events;
mod masking;
mod operation;
mod phones;
mod portal;
mod reply;
mod secrets;
mod settings;
mod users;
mod verdict;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::contract::{FieldValue, Record, Secret, Value};
use crate::engine::Refusal;

pub use answer::{Answer, Note, Rejection, Substitute, Unanswered};
pub use context::{Context, Trace};
pub use masking::{is_secret, kept_without_secrets, masked, without_secrets};
pub use operation::{Answers, AnswersText, Operation, Pending, Request, answered};
pub use reply::{Reply, response};

pub use authentication::{PfAuthUser, PfAuthUserOut};
pub use connection::{TestMasterConnection, TestSecurity};
pub use secrets::ValidatePasscode;
pub use users::{GetUserSettings, UserExists};

use authentication::{CombinedAuthUser, PrimaryAuthUser};
use blocks::{BlockUser, OneTimeBypass, UnblockUser, UserIsBlocked};
use connection::TestMasterConnectionText;
use devices::{Activate, ActivateNew, ConfirmActivation, DeleteUserDevice, GenerateActivationCode, GetUserDevices};
use events::{InitiateCall, RunTemplate, TerminateCall};
use phones::{ChangeMode, ChangePhone, ChangePhoneAppMode, ChangePinMode, ChangeSmsMode, GetPhone, ResetVoiceprint};
use portal::{
    GetAdfsSettings, GetPassedSession, GetUserPortalSettings, GetUserPortalWhitelistIps,
    SetPassedSessionSecondaryAuthSuccess,
};
use secrets::{
    AssignOathToken, ChangeOathToken, ChangePin, ChangeSecurityQuestions, ChangeStaticToken, GetSecurityQuestions,
    ValidateOathCode, ValidatePin, ValidateSecurityQuestionAnswers, ValidateStaticToken,
};
use settings::{
    GetCustomerDefaults, GetEmail, GetFeatures, GetOathTokenLanguageOptions, GetPhoneAppLanguageOptions,
    GetSecurityQuestionOptions, GetSmsTextLanguageOptions, GetTags,
};
use users::{
    AddUser, CanonicalizeUser, ChangeLanguage, ChangeUserInformation, ChangeUsername, DeleteUser, Disable,
    DisabledBehavior, Enable, FindUsers, GetAdministrator,
};

/// Every operation under every signature, in the order of the service description.
pub static OPERATIONS: &[&[Operation]] = &[
    TestSecurity::OPERATION,
    TestMasterConnectionText::OPERATION,
    TestMasterConnection::OPERATION,
    PrimaryAuthUser::OPERATION,
    PfAuthUser::OLDER,
    PfAuthUser::OPERATION,
    PfAuthUser::MASTER,
    CombinedAuthUser::OLDER,
    CombinedAuthUser::OPERATION,
    CombinedAuthUser::MASTER,
    CanonicalizeUser::OPERATION,
    UserExists::OPERATION,
    AddUser::OLDER,
    AddUser::OPERATION,
    DeleteUser::OPERATION,
    FindUsers::OLDER,
    FindUsers::OPERATION,
    GetUserSettings::OLDER,
    GetUserSettings::OPERATION,
    GetUserSettings::MASTER,
    GetPhone::OPERATION,
    GetAdministrator::OLDER,
    GetAdministrator::OPERATION,
    GetAdministrator::MASTER,
    GetSecurityQuestions::OPERATION,
    GetSecurityQuestions::MASTER,
    GetUserDevices::OPERATION,
    ChangePhone::OPERATION,
    ChangePin::OPERATION,
    ResetVoiceprint::OPERATION,
    ChangeMode::OLDER,
    ChangeMode::OPERATION,
    ChangePinMode::OPERATION,
    ChangeSmsMode::OPERATION,
    ChangePhoneAppMode::OPERATION,
    ChangeLanguage::OPERATION,
    ChangeUserInformation::OPERATION,
    ChangeSecurityQuestions::OPERATION,
    ChangeUsername::OPERATION,
    ChangeOathToken::OPERATION,
    AssignOathToken::OPERATION,
    ChangeStaticToken::OPERATION,
    Enable::OPERATION,
    Disable::OPERATION,
    DisabledBehavior::OPERATION,
    UserIsBlocked::OPERATION,
    BlockUser::OPERATION,
    UnblockUser::OPERATION,
    DeleteUserDevice::OPERATION,
    OneTimeBypass::OLDER,
    OneTimeBypass::OPERATION,
    GetPassedSession::OPERATION,
    SetPassedSessionSecondaryAuthSuccess::OPERATION,
    GetUserPortalSettings::OPERATION,
    GetUserPortalWhitelistIps::OPERATION,
    GetAdfsSettings::OPERATION,
    GetTags::OPERATION,
    GetSmsTextLanguageOptions::OPERATION,
    GetPhoneAppLanguageOptions::OPERATION,
    GetOathTokenLanguageOptions::OPERATION,
    GetSecurityQuestionOptions::OPERATION,
    GetCustomerDefaults::OLDER,
    GetCustomerDefaults::OPERATION,
    GetEmail::OPERATION,
    GetFeatures::OPERATION,
    ValidatePin::OPERATION,
    ValidatePasscode::OPERATION,
    ValidatePasscode::MASTER,
    ValidateOathCode::OPERATION,
    ValidateOathCode::MASTER,
    ValidateSecurityQuestionAnswers::OPERATION,
    ValidateStaticToken::OPERATION,
    InitiateCall::OPERATION,
    RunTemplate::OPERATION,
    TerminateCall::OPERATION,
    GenerateActivationCode::OPERATION,
    Activate::OPERATION,
    ActivateNew::OPERATION,
    ConfirmActivation::OPERATION,
];

/// Every operation, in the order of the service description.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().copied().flatten()
}

/// The operation of that wire name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Operation> {
    static BY_NAME: LazyLock<HashMap<&str, &Operation>> =
        LazyLock::new(|| all().map(|it| (it.signature.name, it)).collect());
    BY_NAME.get(name).copied()
}

/// The longest text that is kept, in bytes.
const TEXT: usize = 1024;

/// Refuses a text above the limit.
fn bounded(field: &str, text: &str) -> Result<(), Refusal> {
    match text.len() > TEXT {
        true => Err(Refusal::TooLong { field: field.into(), limit: TEXT }),
        false => Ok(()),
    }
}

/// A record that must be there, and whose texts must not be too long.
fn record<T: Record>(name: &'static str, record: Option<T>) -> Result<T, Refusal> {
    let record = record.ok_or(Refusal::NoRecord { record: name })?;
    for FieldValue { name, value, .. } in record.values() {
        if let Value::Text(text) = value {
            bounded(name, text)?;
        }
    }
    Ok(record)
}

/// A secret parameter; one that is missing is like one that is empty.
fn secret(field: &Option<Secret>) -> &str {
    field.as_ref().map(Secret::reveal).unwrap_or_default()
}

/// A text parameter; one that is missing is like one that is empty.
fn text(field: &Option<String>) -> &str {
    field.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_that_name_the_master_run_on_it() {
        for it in all() {
            assert_eq!(it.on_master, it.signature.name.contains("Master"), "{}", it.signature.name);
        }
    }
}
