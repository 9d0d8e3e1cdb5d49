//! The operations: each one's parameters, out parameters and behaviour, and the table that lists them.

#[macro_use]
mod declare;
mod authentication;
mod blocks;
mod connection;
mod devices;
mod events;
mod phones;
mod portal;
mod secrets;
mod settings;
mod users;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use declare::{Answer, Answers, Context, No, Note, Operation, Pending, Reply, Request, Says, response};

use authentication::{CombinedAuthUser, PfAuthUser, PrimaryAuthUser};
use blocks::{BlockUser, OneTimeBypass, UnblockUser, UserIsBlocked};
use connection::{TestMasterConnection, TestMasterConnectionText, TestSecurity};
use devices::{Activate, ActivateNew, ConfirmActivation, DeleteUserDevice, GenerateActivationCode, GetUserDevices};
use events::{InitiateCall, RunTemplate, TerminateCall};
use phones::{ChangeMode, ChangePhone, ChangePhoneAppMode, ChangePinMode, ChangeSmsMode, GetPhone, ResetVoiceprint};
use portal::{
    GetAdfsSettings, GetPassedSession, GetUserPortalSettings, GetUserPortalWhitelistIps,
    SetPassedSessionSecondaryAuthSuccess,
};
use secrets::{
    AssignOathToken, ChangeOathToken, ChangePin, ChangeSecurityQuestions, ChangeStaticToken, GetSecurityQuestions,
    ValidateOathCode, ValidatePasscode, ValidatePin, ValidateSecurityQuestionAnswers, ValidateStaticToken,
};
use settings::{
    GetCustomerDefaults, GetEmail, GetFeatures, GetOathTokenLanguageOptions, GetPhoneAppLanguageOptions,
    GetSecurityQuestionOptions, GetSmsTextLanguageOptions, GetTags,
};
use users::{
    AddUser, CanonicalizeUser, ChangeLanguage, ChangeUserInformation, ChangeUsername, DeleteUser, Disable,
    DisabledBehavior, Enable, FindUsers, GetAdministrator, GetUserSettings, UserExists,
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

/// A text parameter; one that is missing is like one that is empty.
fn text(field: &Option<String>) -> &str {
    field.as_deref().unwrap_or_default()
}
