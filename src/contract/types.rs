//! The records and enumerations of the contract, in schema order, with their older views.

use super::recast::Recast;
use super::value::Secret;

message! {
    /// Why the service refused; `Code` is 0 where it did not.
    Error = "Error" {
        /// 0: no error. Codes from 9000 are this project's own.
        "Code" => code: i32,
        "Description" => description: Option<String>,
    }
}

choice! {
    /// Who initiated an authentication, or how a password is checked.
    AuthenticationType = "AuthenticationType", absent Unspecified {
        "adfs" => Adfs,
        "iso8583" => Iso8583,
        "user_enrollment" => UserEnrollment,
        "activation" => Activation,
        "ldap" => Ldap,
        "terminal_services" => TerminalServices,
        "logmein" => Logmein,
        "userportal" => Userportal,
        "pfsdk" => Pfsdk,
        "pfwebui" => Pfwebui,
        "isapi" => Isapi,
        "radius" => Radius,
        "mswin" => Mswin,
        "test" => Test,
        "invalid" => Invalid,
        "unspecified" => Unspecified,
    }
}

message! {
    /// How a second factor ended. By itself it does not say success: some codes deny, some wait for a second call.
    CallResult = "CallResult" {
        /// A code of the table of outcomes.
        "Code" => code: i32,
        "Description" => description: Option<String>,
    }
}

choice! {
    /// How the second factor reaches the user.
    Mode = "Mode3", absent Unspecified {
        "oathToken" => OathToken,
        "phoneApp" => PhoneApp,
        "smsText" => SmsText,
        "voiceCall" => VoiceCall,
        "invalid" => Invalid,
        "unspecified" => Unspecified,
    }
}

form! {
    /// [`AddUserSettings3`](AddUserSettings) before user groups and the mobile app.
    AddUserSettingsV1 = "AddUserSettings" into AddUserSettings {
        "FirstName" => first_name: Option<String>,
        "LastName" => last_name: Option<String>,
        "EmailAddress" => email_address: Option<String>,
        "CountryCode" => country_code: Option<String>,
        "Phone" => phone: Option<String>,
        "Extension" => extension: Option<String>,
        "BackupCountryCode" => backup_country_code: Option<String>,
        "BackupPhone" => backup_phone: Option<String>,
        "BackupExtension" => backup_extension: Option<String>,
        "Mode" => mode: ModeV1,
        "PinMode" => pin_mode: PinMode,
        "SmsDirection" => sms_direction: SmsDirection,
        "SmsMode" => sms_mode: SmsMode,
        "Pin" => pin: Option<Secret>,
        "Enabled" => enabled: bool,
        "PinChangeRequired" => pin_change_required: bool,
    }
}

choice! {
    /// [`Mode3`](Mode) before the mobile app and OATH tokens.
    ModeV1 = "Mode", absent VoiceCall {
        "smsText" => SmsText,
        "voiceCall" => VoiceCall,
    }
}

choice! {
    /// What a phone call asks of the user: `standard` wants `#`, `pin` and `returnPin` the PIN and `#`.
    PinMode = "PinMode2", absent Standard {
        "voiceprint" => Voiceprint,
        "returnPin" => ReturnPin,
        "pin" => Pin,
        "standard" => Standard,
    }
}

choice! {
    /// Whether the user replies to the text message, or types its code at the sign-in.
    SmsDirection = "SmsDirection", absent Unspecified {
        "twoWay" => TwoWay,
        "oneWay" => OneWay,
        "invalid" => Invalid,
        "unspecified" => Unspecified,
    }
}

choice! {
    /// What the user sends back: the code, or the code followed by the PIN.
    SmsMode = "SmsMode", absent Unspecified {
        "otpPlusPin" => OtpPlusPin,
        "otp" => Otp,
        "invalid" => Invalid,
        "unspecified" => Unspecified,
    }
}

form! {
    /// [`AddUserSettings3`](AddUserSettings) before OATH tokens.
    AddUserSettingsV2 = "AddUserSettings2" into AddUserSettings {
        "FirstName" => first_name: Option<String>,
        "LastName" => last_name: Option<String>,
        "EmailAddress" => email_address: Option<String>,
        "UserGroup" => user_group: Option<String>,
        "CountryCode" => country_code: Option<String>,
        "Phone" => phone: Option<String>,
        "Extension" => extension: Option<String>,
        "BackupCountryCode" => backup_country_code: Option<String>,
        "BackupPhone" => backup_phone: Option<String>,
        "BackupExtension" => backup_extension: Option<String>,
        "Mode" => mode: ModeV2,
        "PinMode" => pin_mode: PinMode,
        "SmsDirection" => sms_direction: SmsDirection,
        "SmsMode" => sms_mode: SmsMode,
        "PhoneAppMode" => phone_app_mode: PhoneAppMode,
        "Pin" => pin: Option<Secret>,
        "Enabled" => enabled: bool,
        "PinChangeRequired" => pin_change_required: bool,
    }
}

choice! {
    /// [`Mode3`](Mode) before OATH tokens.
    ModeV2 = "Mode2", absent Unspecified {
        "phoneApp" => PhoneApp,
        "smsText" => SmsText,
        "voiceCall" => VoiceCall,
        "invalid" => Invalid,
        "unspecified" => Unspecified,
    }
}

choice! {
    /// What the mobile app asks of the user.
    PhoneAppMode = "PhoneAppMode", absent Unspecified {
        "voiceprint" => Voiceprint,
        "pin" => Pin,
        "standard" => Standard,
        "invalid" => Invalid,
        "unspecified" => Unspecified,
    }
}

message! {
    /// A user to be added.
    AddUserSettings = "AddUserSettings3" {
        "FirstName" => first_name: Option<String>,
        "LastName" => last_name: Option<String>,
        "EmailAddress" => email_address: Option<String>,
        "UserGroup" => user_group: Option<String>,
        "CountryCode" => country_code: Option<String>,
        "Phone" => phone: Option<String>,
        "Extension" => extension: Option<String>,
        "BackupCountryCode" => backup_country_code: Option<String>,
        "BackupPhone" => backup_phone: Option<String>,
        "BackupExtension" => backup_extension: Option<String>,
        /// `unspecified` and `invalid`: as the company's default.
        "Mode" => mode: Mode,
        "PinMode" => pin_mode: PinMode,
        /// `unspecified` and `invalid`: as the company's default.
        "SmsDirection" => sms_direction: SmsDirection,
        /// `unspecified` and `invalid`: as the company's default.
        "SmsMode" => sms_mode: SmsMode,
        /// `unspecified` and `invalid`: as the company's default.
        "PhoneAppMode" => phone_app_mode: PhoneAppMode,
        /// Digits, by the rules of the company; missing or empty: no PIN.
        "Pin" => pin: Option<Secret>,
        /// Whether the user is asked for the second factor.
        "Enabled" => enabled: bool,
        "PinChangeRequired" => pin_change_required: bool,
    }
}

message! {
    /// A user in a list.
    UserRow = "UserRow" {
        "Username" => username: Option<String>,
        "FirstName" => first_name: Option<String>,
        "LastName" => last_name: Option<String>,
        "EmailAddress" => email_address: Option<String>,
        "UserGroup" => user_group: Option<String>,
        "CountryCode" => country_code: Option<String>,
        "Phone" => phone: Option<String>,
        "Extension" => extension: Option<String>,
    }
}

choice! {
    /// How a list of tags is compared with the tags of a user.
    TagMatchType = "TagMatchType", absent AllUsers {
        "exactTags" => ExactTags,
        "allTags" => AllTags,
        "anyTags" => AnyTags,
        "allUsers" => AllUsers,
    }
}

view! {
    /// [`UserSettings3`](UserSettings) before user groups, the mobile app and OATH tokens.
    UserSettingsV1 = "UserSettings" of UserSettings {
        "FirstName" => first_name: Option<String>,
        "LastName" => last_name: Option<String>,
        "EmailAddress" => email_address: Option<String>,
        "CountryCode" => country_code: Option<String>,
        "Phone" => phone: Option<String>,
        "Extension" => extension: Option<String>,
        "BackupCountryCode" => backup_country_code: Option<String>,
        "BackupPhone" => backup_phone: Option<String>,
        "BackupExtension" => backup_extension: Option<String>,
        "Mode" => mode: ModeV1,
        "PinMode" => pin_mode: PinMode,
        "SmsDirection" => sms_direction: SmsDirection,
        "SmsMode" => sms_mode: SmsMode,
        "Pin" => pin: Option<Secret>,
        "PinFormat" => pin_format: Option<String>,
        "SecondsSincePinChange" => seconds_since_pin_change: f64,
        "Enabled" => enabled: bool,
        "PinChangeRequired" => pin_change_required: bool,
        "DisabledBehavior" => disabled_behavior: AuthResult,
        "VoiceCallLanguage" => voice_call_language: Option<String>,
        "SmsTextLanguage" => sms_text_language: Option<String>,
        "EnableGlobalServices" => enable_global_services: bool,
        "UserCanChangePhone" => user_can_change_phone: bool,
        "KeepPhoneSynchronized" => keep_phone_synchronized: bool,
        "OverridePinRules" => override_pin_rules: bool,
        "UserCanChangePin" => user_can_change_pin: bool,
        "MinimumPinLength" => minimum_pin_length: i32,
        "PreventWeakPins" => prevent_weak_pins: bool,
        "PinExpirationDays" => pin_expiration_days: i32,
        "HistoricalPins" => historical_pins: i32,
        "HistoricalPinValues" => historical_pin_values: Option<Secret>,
        "EnableStaticToken" => enable_static_token: bool,
        "StaticToken" => static_token: Option<Secret>,
    }
}

choice! {
    /// How the authentication of a disabled user ends.
    AuthResult = "AuthResult", absent Fail {
        "fail" => Fail,
        "succeed" => Succeed,
    }
}

view! {
    /// [`UserSettings3`](UserSettings) before OATH tokens.
    UserSettingsV2 = "UserSettings2" of UserSettings {
        "FirstName" => first_name: Option<String>,
        "LastName" => last_name: Option<String>,
        "EmailAddress" => email_address: Option<String>,
        "UserGroup" => user_group: Option<String>,
        "CountryCode" => country_code: Option<String>,
        "Phone" => phone: Option<String>,
        "Extension" => extension: Option<String>,
        "BackupCountryCode" => backup_country_code: Option<String>,
        "BackupPhone" => backup_phone: Option<String>,
        "BackupExtension" => backup_extension: Option<String>,
        "Mode" => mode: ModeV2,
        "PinMode" => pin_mode: PinMode,
        "SmsDirection" => sms_direction: SmsDirection,
        "SmsMode" => sms_mode: SmsMode,
        "PhoneAppMode" => phone_app_mode: PhoneAppMode,
        "Pin" => pin: Option<Secret>,
        "PinFormat" => pin_format: Option<String>,
        "SecondsSincePinChange" => seconds_since_pin_change: f64,
        "Enabled" => enabled: bool,
        "PinChangeRequired" => pin_change_required: bool,
        "DisabledBehavior" => disabled_behavior: AuthResult,
        "VoiceCallLanguage" => voice_call_language: Option<String>,
        "SmsTextLanguage" => sms_text_language: Option<String>,
        "PhoneAppLanguage" => phone_app_language: Option<String>,
        "EnableGlobalServices" => enable_global_services: bool,
        "UserCanChangePhone" => user_can_change_phone: bool,
        "KeepPhoneSynchronized" => keep_phone_synchronized: bool,
        "OverridePinRules" => override_pin_rules: bool,
        "UserCanChangePin" => user_can_change_pin: bool,
        "MinimumPinLength" => minimum_pin_length: i32,
        "PreventWeakPins" => prevent_weak_pins: bool,
        "PinExpirationDays" => pin_expiration_days: i32,
        "HistoricalPins" => historical_pins: i32,
        "HistoricalPinValues" => historical_pin_values: Option<Secret>,
        "EnableStaticToken" => enable_static_token: bool,
        "StaticToken" => static_token: Option<Secret>,
        "PhoneAppActivated" => phone_app_activated: bool,
    }
}

message! {
    /// All that the service tells about a user.
    UserSettings = "UserSettings3" {
        "FirstName" => first_name: Option<String>,
        "LastName" => last_name: Option<String>,
        "EmailAddress" => email_address: Option<String>,
        "UserGroup" => user_group: Option<String>,
        "CountryCode" => country_code: Option<String>,
        "Phone" => phone: Option<String>,
        "Extension" => extension: Option<String>,
        "BackupCountryCode" => backup_country_code: Option<String>,
        "BackupPhone" => backup_phone: Option<String>,
        "BackupExtension" => backup_extension: Option<String>,
        /// How the second factor reaches the user.
        "Mode" => mode: Mode,
        "PinMode" => pin_mode: PinMode,
        "SmsDirection" => sms_direction: SmsDirection,
        "SmsMode" => sms_mode: SmsMode,
        "PhoneAppMode" => phone_app_mode: PhoneAppMode,
        /// Empty unless the scenario reveals secrets.
        "Pin" => pin: Option<Secret>,
        /// As the scenario says; it has no effect.
        "PinFormat" => pin_format: Option<String>,
        /// Seconds since the PIN was set.
        "SecondsSincePinChange" => seconds_since_pin_change: f64,
        /// Whether the user is asked for the second factor; if not, `DisabledBehavior` decides.
        "Enabled" => enabled: bool,
        "PinChangeRequired" => pin_change_required: bool,
        "DisabledBehavior" => disabled_behavior: AuthResult,
        "VoiceCallLanguage" => voice_call_language: Option<String>,
        "SmsTextLanguage" => sms_text_language: Option<String>,
        "PhoneAppLanguage" => phone_app_language: Option<String>,
        "OathTokenLanguage" => oath_token_language: Option<String>,
        "EnableGlobalServices" => enable_global_services: bool,
        "UserCanChangePhone" => user_can_change_phone: bool,
        "KeepPhoneSynchronized" => keep_phone_synchronized: bool,
        /// Whether the PIN rules that follow are the user's own. They are the company's if not.
        "OverridePinRules" => override_pin_rules: bool,
        "UserCanChangePin" => user_can_change_pin: bool,
        "MinimumPinLength" => minimum_pin_length: i32,
        "PreventWeakPins" => prevent_weak_pins: bool,
        "PinExpirationDays" => pin_expiration_days: i32,
        "HistoricalPins" => historical_pins: i32,
        /// The former PINs, with commas between. Empty unless the scenario reveals secrets.
        "HistoricalPinValues" => historical_pin_values: Option<Secret>,
        /// Whether there is a secret key.
        "OathTokenExists" => oath_token_exists: bool,
        "OathTokenSerialNumber" => oath_token_serial_number: Option<String>,
        /// Base32. Empty unless the scenario reveals secrets.
        "OathTokenSecretKey" => oath_token_secret_key: Option<Secret>,
        /// Seconds for which one code holds.
        "OathTokenTimeInterval" => oath_token_time_interval: i32,
        /// Whether the static token is accepted.
        "EnableStaticToken" => enable_static_token: bool,
        /// Empty unless the scenario reveals secrets.
        "StaticToken" => static_token: Option<Secret>,
        /// Whether the user has a phone with the mobile app.
        "PhoneAppActivated" => phone_app_activated: bool,
    }
}

message! {
    /// A user's telephone numbers.
    UserPhone = "UserPhone" {
        "CountryCode" => country_code: Option<String>,
        "Phone" => phone: Option<String>,
        "Extension" => extension: Option<String>,
        "BackupCountryCode" => backup_country_code: Option<String>,
        "BackupPhone" => backup_phone: Option<String>,
        "BackupExtension" => backup_extension: Option<String>,
    }
}

view! {
    /// [`UserAdministrator2`](UserAdministrator) with the earlier name of the permission for security questions.
    UserAdministratorV1 = "UserAdministrator" of UserAdministrator {
        "IsAdministrator" => is_administrator: bool,
        "TagMatchType" => tag_match_type: TagMatchType,
        "TagString" => tag_string: Option<String>,
        "AddUser" => add_user: bool,
        "OneTimeBypass" => one_time_bypass: bool,
        "BypassSeconds" => bypass_seconds: bool,
        "ChangeMode" => change_mode: bool,
        "ChangeSubmode" => change_submode: bool,
        "ChangePhone" => change_phone: bool,
        "ChangePin" => change_pin: bool,
        "ChangeLanguage" => change_language: bool,
        "ResetVoiceprint" => reset_voiceprint: bool,
        "UserInformation" => user_information: bool,
        "OathToken" => oath_token: bool,
        "EnableDisable" => enable_disable: bool,
        "BlockUnblockUser" => block_unblock_user: bool,
        "RemoveUser" => remove_user: bool,
        "TestAuthentication" => test_authentication: bool,
        "ActivatePhoneApp" => activate_phone_app: bool,
        "DeactivatePhoneApp" => deactivate_phone_app: bool,
        "ViewSecurityQuestions" => verify_security_questions: bool,
        "ChangeStaticToken" => change_static_token: bool,
    }
}

message! {
    /// What an administrator of the user portal may do.
    UserAdministrator = "UserAdministrator2" {
        /// False for a user without rights.
        "IsAdministrator" => is_administrator: bool,
        /// Of which users, by their tags.
        "TagMatchType" => tag_match_type: TagMatchType,
        /// The tags, for `TagMatchType`.
        "TagString" => tag_string: Option<String>,
        "AddUser" => add_user: bool,
        "OneTimeBypass" => one_time_bypass: bool,
        /// Whether the administrator may say how long a bypass holds.
        "BypassSeconds" => bypass_seconds: bool,
        "ChangeMode" => change_mode: bool,
        /// Whether the administrator may change what a call, a message or the app asks for.
        "ChangeSubmode" => change_submode: bool,
        "ChangePhone" => change_phone: bool,
        "ChangePin" => change_pin: bool,
        "ChangeLanguage" => change_language: bool,
        "ResetVoiceprint" => reset_voiceprint: bool,
        "UserInformation" => user_information: bool,
        "OathToken" => oath_token: bool,
        "EnableDisable" => enable_disable: bool,
        "BlockUnblockUser" => block_unblock_user: bool,
        "RemoveUser" => remove_user: bool,
        "TestAuthentication" => test_authentication: bool,
        "ActivatePhoneApp" => activate_phone_app: bool,
        "DeactivatePhoneApp" => deactivate_phone_app: bool,
        "VerifySecurityQuestions" => verify_security_questions: bool,
        "ChangeStaticToken" => change_static_token: bool,
    }
}

message! {
    /// Four questions with their answers. What the service tells has no answers unless the scenario reveals secrets.
    UserSecurityQuestions = "UserSecurityQuestions" {
        "SecurityQuestion1" => security_question1: Option<String>,
        "SecurityAnswer1" => security_answer1: Option<Secret>,
        "SecurityQuestion2" => security_question2: Option<String>,
        "SecurityAnswer2" => security_answer2: Option<Secret>,
        "SecurityQuestion3" => security_question3: Option<String>,
        "SecurityAnswer3" => security_answer3: Option<Secret>,
        "SecurityQuestion4" => security_question4: Option<String>,
        "SecurityAnswer4" => security_answer4: Option<Secret>,
    }
}

message! {
    /// A phone with the mobile app.
    UserDevice = "UserDevice" {
        /// What `DeleteUserDevice` names.
        "UserDeviceId" => user_device_id: Option<String>,
        /// Where notifications go.
        "DeviceToken" => device_token: Option<Secret>,
        "DeviceName" => device_name: Option<String>,
        "PhoneAppVersion" => phone_app_version: Option<String>,
    }
}

message! {
    /// A user's PIN.
    UserPin = "UserPin" {
        /// Digits; missing: as before.
        "Pin" => pin: Option<Secret>,
        /// Whether the user must change the PIN at the next opportunity.
        "PinChangeRequired" => pin_change_required: bool,
    }
}

message! {
    /// A user's languages, as codes such as `en`.
    UserLanguage = "UserLanguage" {
        "VoiceCallLanguage" => voice_call_language: Option<String>,
        "SmsTextLanguage" => sms_text_language: Option<String>,
        "PhoneAppLanguage" => phone_app_language: Option<String>,
        "OathTokenLanguage" => oath_token_language: Option<String>,
    }
}

message! {
    /// Who the user is.
    UserInformation = "UserInformation" {
        "FirstName" => first_name: Option<String>,
        "LastName" => last_name: Option<String>,
        "EmailAddress" => email_address: Option<String>,
        "UserGroup" => user_group: Option<String>,
    }
}

message! {
    /// A session that another site handed to the user portal.
    PassedSession = "PassedSession" {
        /// What `SetPassedSessionSecondaryAuthSuccess` names.
        "CookieId" => cookie_id: Option<String>,
        "Username" => username: Option<String>,
        /// `succeed` once the second factor was passed.
        "SecondaryAuthStatus" => secondary_auth_status: AuthResult,
        "AuthenticationRequestId" => authentication_request_id: Option<String>,
        "FallbackEnabled" => fallback_enabled: bool,
    }
}

message! {
    /// How the user portal behaves. The portal applies it; the service itself uses only `DeviceLimit` and `SecurityQuestionsToAnswer`.
    UserPortalSettings = "UserPortalSettings" {
        "Url" => url: Option<String>,
        /// How the portal checks passwords.
        "PrimaryAuth" => primary_auth: AuthenticationType,
        "AllowUserLogIn" => allow_user_log_in: bool,
        "AllowUserEnrollment" => allow_user_enrollment: bool,
        "PromptForBackupPhone" => prompt_for_backup_phone: bool,
        "PromptForOathToken" => prompt_for_oath_token: bool,
        "AllowOneTimeBypass" => allow_one_time_bypass: bool,
        "AllowBypassSeconds" => allow_bypass_seconds: bool,
        "UsersCanSwitchMode" => users_can_switch_mode: bool,
        "UsersCanSwitchModeToVoiceCall" => users_can_switch_mode_to_voice_call: bool,
        "UsersCanSwitchModeToSmsText" => users_can_switch_mode_to_sms_text: bool,
        "UsersCanSwitchModeToPhoneApp" => users_can_switch_mode_to_phone_app: bool,
        "UsersCanSwitchModeToOathToken" => users_can_switch_mode_to_oath_token: bool,
        "UsersCanSelectLanguage" => users_can_select_language: bool,
        "UsersCanActivatePhoneApp" => users_can_activate_phone_app: bool,
        /// How many phones with the mobile app a user can have; 0: any number.
        "DeviceLimit" => device_limit: i32,
        "EnableSecurityQuestions" => enable_security_questions: bool,
        /// How many right answers `ValidateSecurityQuestionAnswers` requires.
        "SecurityQuestionsToAnswer" => security_questions_to_answer: i32,
        "UsersCanEnrollOathToken" => users_can_enroll_oath_token: bool,
        "UseOathTokenForFallback" => use_oath_token_for_fallback: bool,
        "EnableLogging" => enable_logging: bool,
        "SessionTimeoutMinutes" => session_timeout_minutes: i32,
        /// Whether the portal adds unknown users that another site hands over.
        "PassedSessionAddUser" => passed_session_add_user: bool,
        "UserSetupCompletionUrl" => user_setup_completion_url: Option<String>,
        "SecurityQuestionsAnsweredUrl" => security_questions_answered_url: Option<String>,
        "OathTokenVerifiedUrl" => oath_token_verified_url: Option<String>,
        "ReturnLinkText" => return_link_text: Option<String>,
        "ReturnLinkUrl" => return_link_url: Option<String>,
        "LogOutUrl" => log_out_url: Option<String>,
        "SessionTimeoutRedirectUrl" => session_timeout_redirect_url: Option<String>,
        "StaticTokenVerifiedUrl" => static_token_verified_url: Option<String>,
        "SamlEnabled" => saml_enabled: bool,
        "SamlSessionTimeoutMinutes" => saml_session_timeout_minutes: i32,
        "SamlVerificationCertificateThumbprint" => saml_verification_certificate_thumbprint: Option<String>,
        "SamlLogOutRedirectUrl" => saml_log_out_redirect_url: Option<String>,
        "PhoneAppWebServiceUrl" => phone_app_web_service_url: Option<String>,
    }
}

message! {
    /// An address, a range or a subnet whose users need no second factor in the user portal.
    UserPortalWhitelistIp = "UserPortalWhitelistIp" {
        /// One address.
        "SingleIp" => single_ip: Option<String>,
        /// The first address of a range.
        "FromIp" => from_ip: Option<String>,
        /// The last address of a range.
        "ToIp" => to_ip: Option<String>,
        /// The address of a subnet.
        "Subnet" => subnet: Option<String>,
        /// The mask of `Subnet`.
        "Netmask" => netmask: Option<String>,
        /// The length of the prefix of `Subnet`, in bits.
        "Netslash" => netslash: i32,
    }
}

message! {
    /// How the AD FS adapter behaves. The adapter applies it; the service itself ignores all of it.
    AdfsSettings = "AdfsSettings" {
        "AllowUserEnrollment" => allow_user_enrollment: bool,
        "PromptForBackupPhone" => prompt_for_backup_phone: bool,
        "PromptForOathToken" => prompt_for_oath_token: bool,
        "UsersCanSwitchMode" => users_can_switch_mode: bool,
        "UsersCanSwitchModeToVoiceCall" => users_can_switch_mode_to_voice_call: bool,
        "UsersCanSwitchModeToSmsText" => users_can_switch_mode_to_sms_text: bool,
        "UsersCanSwitchModeToPhoneApp" => users_can_switch_mode_to_phone_app: bool,
        "UsersCanSwitchModeToOathToken" => users_can_switch_mode_to_oath_token: bool,
        "EnableSecurityQuestions" => enable_security_questions: bool,
        "SecurityQuestionsToAnswer" => security_questions_to_answer: i32,
        "UseOathTokenForFallback" => use_oath_token_for_fallback: bool,
        "EnableLogging" => enable_logging: bool,
        "PhoneAppWebServiceUrl" => phone_app_web_service_url: Option<String>,
    }
}

message! {
    /// A label on users.
    Tag = "Tag" {
        /// What `tagIds` of `FindUsers_4` names.
        "TagId" => tag_id: Option<String>,
        "Name" => name: Option<String>,
    }
}

message! {
    /// A language that a user can choose.
    Language = "Language" {
        /// A code such as `en`.
        "Name" => name: Option<String>,
    }
}

message! {
    /// A question that a user can choose.
    SecurityQuestion = "SecurityQuestion" {
        /// A code such as `en`.
        "Language" => language: Option<String>,
        "Question" => question: Option<String>,
        /// The place in the list.
        "Sequence" => sequence: i32,
    }
}

view! {
    /// [`CustomerDefaults3`](CustomerDefaults) before the mobile app and OATH tokens.
    CustomerDefaultsV1 = "CustomerDefaults" of CustomerDefaults {
        "Mode" => mode: ModeV1,
        "PinMode" => pin_mode: PinMode,
        "SmsDirection" => sms_direction: SmsDirection,
        "SmsMode" => sms_mode: SmsMode,
        "EnableGlobalServices" => enable_global_services: bool,
        "UserCanChangePhone" => user_can_change_phone: bool,
        "KeepPhoneSynchronized" => keep_phone_synchronized: bool,
        "DisabledBehavior" => disabled_behavior: AuthResult,
        "VoiceCallLanguage" => voice_call_language: Option<String>,
        "SmsTextLanguage" => sms_text_language: Option<String>,
        "UserCanChangePin" => user_can_change_pin: bool,
        "MinimumPinLength" => minimum_pin_length: i32,
        "PreventWeakPins" => prevent_weak_pins: bool,
        "PinExpirationDays" => pin_expiration_days: i32,
        "HistoricalPins" => historical_pins: i32,
    }
}

view! {
    /// [`CustomerDefaults3`](CustomerDefaults) before OATH tokens.
    CustomerDefaultsV2 = "CustomerDefaults2" of CustomerDefaults {
        "Mode" => mode: ModeV2,
        "PinMode" => pin_mode: PinMode,
        "SmsDirection" => sms_direction: SmsDirection,
        "SmsMode" => sms_mode: SmsMode,
        "PhoneAppMode" => phone_app_mode: PhoneAppMode,
        "EnableGlobalServices" => enable_global_services: bool,
        "UserCanChangePhone" => user_can_change_phone: bool,
        "KeepPhoneSynchronized" => keep_phone_synchronized: bool,
        "DisabledBehavior" => disabled_behavior: AuthResult,
        "VoiceCallLanguage" => voice_call_language: Option<String>,
        "SmsTextLanguage" => sms_text_language: Option<String>,
        "PhoneAppLanguage" => phone_app_language: Option<String>,
        "UserCanChangePin" => user_can_change_pin: bool,
        "MinimumPinLength" => minimum_pin_length: i32,
        "PreventWeakPins" => prevent_weak_pins: bool,
        "PinExpirationDays" => pin_expiration_days: i32,
        "HistoricalPins" => historical_pins: i32,
    }
}

message! {
    /// The defaults for new users.
    CustomerDefaults = "CustomerDefaults3" {
        /// How the second factor reaches the user.
        "Mode" => mode: Mode,
        "PinMode" => pin_mode: PinMode,
        "SmsDirection" => sms_direction: SmsDirection,
        "SmsMode" => sms_mode: SmsMode,
        "PhoneAppMode" => phone_app_mode: PhoneAppMode,
        "EnableGlobalServices" => enable_global_services: bool,
        "UserCanChangePhone" => user_can_change_phone: bool,
        "KeepPhoneSynchronized" => keep_phone_synchronized: bool,
        "DisabledBehavior" => disabled_behavior: AuthResult,
        "VoiceCallLanguage" => voice_call_language: Option<String>,
        "SmsTextLanguage" => sms_text_language: Option<String>,
        "PhoneAppLanguage" => phone_app_language: Option<String>,
        "OathTokenLanguage" => oath_token_language: Option<String>,
        "UserCanChangePin" => user_can_change_pin: bool,
        "MinimumPinLength" => minimum_pin_length: i32,
        "PreventWeakPins" => prevent_weak_pins: bool,
        "PinExpirationDays" => pin_expiration_days: i32,
        "HistoricalPins" => historical_pins: i32,
    }
}

message! {
    /// A template of a mail that the service sends.
    Email = "Email" {
        /// The mode whose users get it, such as `smsText`.
        "Type" => kind: Option<String>,
        "From" => from: Option<String>,
        "Cc" => cc: Option<String>,
        "Subject" => subject: Option<String>,
        "Attachment" => attachment: Option<String>,
        "Body" => body: Option<String>,
    }
}

message! {
    /// What the company has licensed.
    Features = "Features" {
        /// Numbers outside the company's country.
        "International" => international: bool,
        "PinMode" => pin_mode: bool,
        "WelcomeEmail" => welcome_email: bool,
        /// Fraud codes and fraud reports.
        "FraudAlert" => fraud_alert: bool,
        "UserPortal" => user_portal: bool,
        /// Extensions.
        "ExtensionDialing" => extension_dialing: bool,
        "UserPortalAdministrators" => user_portal_administrators: bool,
        /// `ChangePhone`.
        "ChangePhone" => change_phone: bool,
        /// The backup number, called if the first is not answered.
        "CallRollover" => call_rollover: bool,
        "UserInformation" => user_information: bool,
        "WebServiceSdk" => web_service_sdk: bool,
        "Voiceprint" => voiceprint: bool,
        "Sms" => sms: bool,
        "Localization" => localization: bool,
        "StaticToken" => static_token: bool,
        "PhoneApp" => phone_app: bool,
        "Tags" => tags: bool,
        "OathToken" => oath_token: bool,
        "Adfs" => adfs: bool,
    }
}

message! {
    /// Which of the answers were right.
    UserSecurityAnswerResults = "UserSecurityAnswerResults" {
        "SecurityAnswer1Correct" => security_answer1_correct: bool,
        "SecurityAnswer2Correct" => security_answer2_correct: bool,
        "SecurityAnswer3Correct" => security_answer3_correct: bool,
        "SecurityAnswer4Correct" => security_answer4_correct: bool,
    }
}

message! {
    /// A value that an event plays to the user.
    EventParameter = "EventParameter" {
        "Name" => name: Option<String>,
        "Value" => value: Option<String>,
    }
}

message! {
    /// How the call of an event went.
    PhoneCallResult = "PhoneCallResult" {
        /// A code of `callResult`.
        "Code" => code: i32,
        "Description" => description: Option<String>,
    }
}

message! {
    /// How an event played.
    TemplateResult = "TemplateResult" {
        /// 0: played; else a code of `callResult`.
        "Code" => code: i32,
        "Description" => description: Option<String>,
    }
}

message! {
    /// How the end of a call went.
    TerminateResult = "TerminateResult" {
        /// 0: ended.
        "Code" => code: i32,
        "Description" => description: Option<String>,
    }
}

message! {
    /// What a newly activated mobile app receives.
    ActivationInfo = "ActivationInfo" {
        "Username" => username: Option<String>,
        /// The code that `ConfirmActivation` takes, within ten minutes.
        "ConfirmationCode" => confirmation_code: Option<Secret>,
        /// Base32. The app derives its codes from it.
        "OathTokenSecretKey" => oath_token_secret_key: Option<Secret>,
        /// Whether the company has OATH tokens.
        "OathTokenEnabled" => oath_token_enabled: bool,
    }
}

message! {
    /// What a mobile app says about itself when it activates.
    ActivationParams = "ActivationParams" {
        /// Of `GenerateActivationCode`.
        "ActivationCode" => activation_code: Option<Secret>,
        /// Where notifications go. A phone with the same one is replaced.
        "DeviceToken" => device_token: Option<Secret>,
        "DeviceName" => device_name: Option<String>,
        /// Ignored.
        "OathCounter" => oath_counter: i64,
        /// The version of the app.
        "Version" => version: Option<String>,
    }
}

impl Recast<ModeV2> for Mode {
    /// A client that does not know OATH tokens gets `voiceCall`.
    fn recast(self) -> ModeV2 {
        match self {
            Self::PhoneApp => ModeV2::PhoneApp,
            Self::SmsText => ModeV2::SmsText,
            Self::OathToken | Self::VoiceCall => ModeV2::VoiceCall,
            Self::Invalid => ModeV2::Invalid,
            Self::Unspecified => ModeV2::Unspecified,
        }
    }
}

impl Recast<ModeV1> for Mode {
    /// A client that knows only phone calls and text messages gets `voiceCall` for every other mode.
    fn recast(self) -> ModeV1 {
        match self {
            Self::SmsText => ModeV1::SmsText,
            _ => ModeV1::VoiceCall,
        }
    }
}

impl Recast<Mode> for ModeV2 {
    fn recast(self) -> Mode {
        match self {
            Self::PhoneApp => Mode::PhoneApp,
            Self::SmsText => Mode::SmsText,
            Self::VoiceCall => Mode::VoiceCall,
            Self::Invalid => Mode::Invalid,
            Self::Unspecified => Mode::Unspecified,
        }
    }
}

impl Recast<Mode> for ModeV1 {
    fn recast(self) -> Mode {
        match self {
            Self::SmsText => Mode::SmsText,
            Self::VoiceCall => Mode::VoiceCall,
        }
    }
}
