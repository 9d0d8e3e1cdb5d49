//! The company's settings: defaults, switches, time-outs.

use std::time::Duration;

use crate::contract::{
    AdfsSettings, AuthResult, AuthenticationType, CustomerDefaults, Email, Features, Mode, PhoneAppMode, PinMode,
    Secret, SecurityQuestion, SmsDirection, SmsMode, Tag, UserPortalSettings, UserPortalWhitelistIp, UserSettings,
};

/// The company's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    /// The settings of a user that the scenario leaves open.
    pub defaults: CustomerDefaults,
    pub features: Features,
    /// The country code of numbers that are written without one.
    pub country_code: String,
    /// How long the phone rings before the person acts, if the rule does not say.
    pub ring: Duration,
    /// How long a call may ring in all, the backup number included.
    pub ring_timeout: Duration,
    /// What a person enters before `#` to report fraud.
    pub fraud_code: String,
    /// Wrong entries in one call, after which it ends.
    pub pin_attempts: u32,
    pub passcode: PasscodeRules,
    /// How long a one-time bypass is valid if the call does not say.
    pub bypass: Duration,
    pub cache: Option<Cache>,
    /// Whether `pfsdk` may initiate authentications; otherwise they are denied with 149.
    pub direct_sdk: bool,
    /// Whether an answer without an error carries `error` with code 0.
    pub error_on_success: bool,
    /// Whether answers with a user's settings carry PINs, tokens and keys.
    pub reveal_secrets: bool,
    /// Whether the master server is away: changes are refused, and authentication goes on.
    pub master_away: bool,
    pub tags: Vec<Tag>,
    pub languages: Languages,
    /// The security questions to choose from.
    pub questions: Vec<SecurityQuestion>,
    pub portal: UserPortalSettings,
    /// The addresses that need no second factor in the user portal.
    pub whitelist: Vec<UserPortalWhitelistIp>,
    pub adfs: AdfsSettings,
    pub mail: Mailing,
    /// The OATH tokens that are known by their serial numbers.
    pub tokens: Vec<Token>,
}

/// The languages to choose from, as codes such as `en`.
#[derive(Clone, Debug, PartialEq)]
pub struct Languages {
    pub sms_text: Vec<String>,
    pub phone_app: Vec<String>,
    pub oath_token: Vec<String>,
}

/// The server and the templates of mails.
#[derive(Clone, Debug, PartialEq)]
pub struct Mailing {
    pub server: String,
    pub enabled: bool,
    /// One for each mode, by its word; `{username}`, `{first_name}`, `{last_name}` and `{phone}` are filled in.
    pub templates: Vec<Email>,
}

/// An OATH token that can be assigned by its serial number.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub serial_number: String,
    /// Base32.
    pub secret_key: Secret,
    /// Seconds for which one code holds.
    pub time_interval: i32,
}

/// The codes of text messages.
#[derive(Clone, Debug, PartialEq)]
pub struct PasscodeRules {
    /// Digits.
    pub length: u32,
    pub lifetime: Duration,
    /// The number of wrong codes after which the right one is refused too.
    pub attempts: u32,
    /// The code of every message. `None`: each message draws its own.
    pub code: Option<Secret>,
    /// The text of a message, with placeholders in braces.
    pub message: String,
}

/// Passing again without being asked, for a while after a success.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cache {
    pub lasts: Duration,
    pub by: CacheKey,
}

/// What must be equal for the cache to apply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CacheKey {
    /// The user; call result 6.
    User,
    /// The user, the initiating type, the application and the address; 8.
    Ip,
    /// The user, the initiating type and the application; 9.
    Application,
}

impl Default for Company {
    fn default() -> Self {
        Self {
            defaults: CustomerDefaults {
                mode: Mode::VoiceCall,
                pin_mode: PinMode::Standard,
                sms_direction: SmsDirection::OneWay,
                sms_mode: SmsMode::Otp,
                phone_app_mode: PhoneAppMode::Standard,
                enable_global_services: true,
                user_can_change_phone: true,
                keep_phone_synchronized: false,
                disabled_behavior: AuthResult::Succeed,
                voice_call_language: language(),
                sms_text_language: language(),
                phone_app_language: language(),
                oath_token_language: language(),
                user_can_change_pin: true,
                minimum_pin_length: 4,
                prevent_weak_pins: true,
                pin_expiration_days: 0,
                historical_pins: 0,
            },
            features: Features {
                international: true,
                pin_mode: true,
                welcome_email: true,
                fraud_alert: true,
                user_portal: true,
                extension_dialing: true,
                user_portal_administrators: true,
                change_phone: true,
                call_rollover: true,
                user_information: true,
                web_service_sdk: true,
                voiceprint: true,
                sms: true,
                localization: true,
                static_token: true,
                phone_app: true,
                tags: true,
                oath_token: true,
                adfs: true,
            },
            country_code: "1".into(),
            ring: Duration::from_secs(2),
            ring_timeout: Duration::from_secs(60),
            fraud_code: "0".into(),
            pin_attempts: 3,
            passcode: PasscodeRules {
                length: 6,
                lifetime: Duration::from_secs(300),
                attempts: 3,
                code: None,
                message: "Your verification code is {code}.".into(),
            },
            bypass: Duration::from_secs(300),
            cache: None,
            direct_sdk: true,
            error_on_success: true,
            reveal_secrets: false,
            master_away: false,
            tags: Vec::new(),
            languages: Languages::default(),
            questions: questions(),
            portal: portal(),
            whitelist: Vec::new(),
            adfs: adfs(),
            mail: Mailing::default(),
            tokens: Vec::new(),
        }
    }
}

impl Company {
    /// The settings of a user without any of its own: the company's defaults.
    #[must_use]
    pub fn new_user(&self) -> UserSettings {
        let it = self.defaults.clone();
        let empty = || Some(String::new());
        UserSettings {
            first_name: empty(),
            last_name: empty(),
            email_address: empty(),
            user_group: empty(),
            country_code: Some(self.country_code.clone()),
            phone: empty(),
            extension: empty(),
            backup_country_code: Some(self.country_code.clone()),
            backup_phone: empty(),
            backup_extension: empty(),
            mode: it.mode,
            pin_mode: it.pin_mode,
            sms_direction: it.sms_direction,
            sms_mode: it.sms_mode,
            phone_app_mode: it.phone_app_mode,
            pin: None,
            pin_format: empty(),
            seconds_since_pin_change: 0.0,
            enabled: true,
            pin_change_required: false,
            disabled_behavior: it.disabled_behavior,
            voice_call_language: it.voice_call_language,
            sms_text_language: it.sms_text_language,
            phone_app_language: it.phone_app_language,
            oath_token_language: it.oath_token_language,
            enable_global_services: it.enable_global_services,
            user_can_change_phone: it.user_can_change_phone,
            keep_phone_synchronized: it.keep_phone_synchronized,
            override_pin_rules: false,
            user_can_change_pin: it.user_can_change_pin,
            minimum_pin_length: it.minimum_pin_length,
            prevent_weak_pins: it.prevent_weak_pins,
            pin_expiration_days: it.pin_expiration_days,
            historical_pins: it.historical_pins,
            historical_pin_values: None,
            oath_token_exists: false,
            oath_token_serial_number: empty(),
            oath_token_secret_key: None,
            oath_token_time_interval: 30,
            enable_static_token: false,
            static_token: None,
            phone_app_activated: false,
        }
    }
}

fn language() -> Option<String> {
    Some("en".into())
}

impl Default for Languages {
    fn default() -> Self {
        let all = || ["en", "da", "de", "es", "fi", "fr", "it", "ja", "nl", "pt", "sv", "zh"].map(Into::into).to_vec();
        Self { sms_text: all(), phone_app: all(), oath_token: all() }
    }
}

impl Default for Mailing {
    fn default() -> Self {
        let template = |kind: Mode, how: &str| Email {
            kind: Some(kind.word().into()),
            from: Some("mfa@contoso.com".into()),
            cc: Some(String::new()),
            subject: Some("Multi-Factor Authentication".into()),
            attachment: Some(String::new()),
            body: Some(format!("Hello {{first_name}}, your sign-in as {{username}} is now confirmed {how}.")),
        };
        Self {
            server: "mail.contoso.com".into(),
            enabled: true,
            templates: vec![
                template(Mode::VoiceCall, "by a phone call to {phone}"),
                template(Mode::SmsText, "by a text message to {phone}"),
                template(Mode::PhoneApp, "by the mobile app"),
                template(Mode::OathToken, "by a code of your token"),
            ],
        }
    }
}

fn questions() -> Vec<SecurityQuestion> {
    let texts = [
        "What was the name of your first pet?",
        "In which town did your parents meet?",
        "What was your first car?",
        "What did you want to become as a child?",
        "What is your favourite dish?",
    ];
    let question = |(sequence, text): (i32, &str)| SecurityQuestion {
        language: language(),
        question: Some(text.into()),
        sequence,
    };
    (1..).zip(texts).map(question).collect()
}

fn portal() -> UserPortalSettings {
    let empty = || Some(String::new());
    UserPortalSettings {
        url: Some("https://localhost/MultiFactorAuth".into()),
        primary_auth: AuthenticationType::Mswin,
        allow_user_log_in: true,
        allow_user_enrollment: true,
        prompt_for_backup_phone: true,
        prompt_for_oath_token: true,
        allow_one_time_bypass: true,
        allow_bypass_seconds: true,
        users_can_switch_mode: true,
        users_can_switch_mode_to_voice_call: true,
        users_can_switch_mode_to_sms_text: true,
        users_can_switch_mode_to_phone_app: true,
        users_can_switch_mode_to_oath_token: true,
        users_can_select_language: true,
        users_can_activate_phone_app: true,
        device_limit: 5,
        enable_security_questions: true,
        security_questions_to_answer: 2,
        users_can_enroll_oath_token: true,
        use_oath_token_for_fallback: true,
        enable_logging: false,
        session_timeout_minutes: 20,
        passed_session_add_user: false,
        user_setup_completion_url: empty(),
        security_questions_answered_url: empty(),
        oath_token_verified_url: empty(),
        return_link_text: empty(),
        return_link_url: empty(),
        log_out_url: empty(),
        session_timeout_redirect_url: empty(),
        static_token_verified_url: empty(),
        saml_enabled: false,
        saml_session_timeout_minutes: 20,
        saml_verification_certificate_thumbprint: empty(),
        saml_log_out_redirect_url: empty(),
        phone_app_web_service_url: empty(),
    }
}

fn adfs() -> AdfsSettings {
    AdfsSettings {
        allow_user_enrollment: true,
        prompt_for_backup_phone: true,
        prompt_for_oath_token: true,
        users_can_switch_mode: true,
        users_can_switch_mode_to_voice_call: true,
        users_can_switch_mode_to_sms_text: true,
        users_can_switch_mode_to_phone_app: true,
        users_can_switch_mode_to_oath_token: true,
        enable_security_questions: true,
        security_questions_to_answer: 2,
        use_oath_token_for_fallback: true,
        enable_logging: false,
        phone_app_web_service_url: Some(String::new()),
    }
}
