//! What a user knows or holds: PINs, codes, tokens, security questions.

use super::{Answer, Answers, Context, No, text};
use crate::contract::{Secret, UserPin, UserSecurityAnswerResults, UserSecurityQuestions};

operation! {
    /// Reads the security questions of a user.
    "GetSecurityQuestions" => GetSecurityQuestions {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
    } -> GetSecurityQuestionsOut {
        "userSecurityQuestions" => user_security_questions: Option<UserSecurityQuestions>,
    }
}

forms! {
    MASTER of GetSecurityQuestions {
        "GetSecurityQuestionsMaster" {
            "username" => username: Option<String>,
        } -> {
            "userSecurityQuestions" => user_security_questions: Option<UserSecurityQuestions>,
        }
    }
}

operation! {
    /// Changes the PIN of a user.
    "ChangePin" => ChangePin {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "userPin" => user_pin: Option<UserPin>,
        /// Whether the user is told by mail.
        "sendEmail" => send_email: bool,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangePinOut {}
}

operation! {
    /// Changes the security questions of a user.
    "ChangeSecurityQuestions" => ChangeSecurityQuestions {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "userSecurityQuestions" => user_security_questions: Option<UserSecurityQuestions>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeSecurityQuestionsOut {}
}

operation! {
    /// Gives a user an OATH token, once a code proves its secret.
    "ChangeOathToken" => ChangeOathToken {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "secretKey" => secret_key: Option<Secret>,
        "code" => code: Option<Secret>,
        /// Seconds for which one code holds.
        "timeInterval" => time_interval: i32,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeOathTokenOut {}
}

operation! {
    /// Gives a user the OATH token of a known serial number, once a code proves it.
    "ChangeOathToken_2" => AssignOathToken {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "serialNumber" => serial_number: Option<String>,
        "code" => code: Option<Secret>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> AssignOathTokenOut {
        "associatedUsername" => associated_username: Option<String>,
    }
}

operation! {
    /// Changes the static token of a user.
    "ChangeStaticToken" => ChangeStaticToken {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "staticToken" => static_token: Option<Secret>,
        /// Who makes the change.
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeStaticTokenOut {}
}

operation! {
    /// Checks the PIN of a user.
    "ValidatePin" => ValidatePin {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "pin" => pin: Option<Secret>,
    } -> ValidatePinOut {}
}

operation! {
    /// Checks the code of a text message that is outstanding for a user. Each code is accepted once.
    "ValidatePasscode" => ValidatePasscode {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "passcode" => passcode: Option<Secret>,
    } -> ValidatePasscodeOut {}
}

forms! {
    MASTER of ValidatePasscode {
        "ValidatePasscodeMaster" {
            "username" => username: Option<String>,
            "passcode" => passcode: Option<Secret>,
        } -> {}
    }
}

operation! {
    /// Checks a code of a user's OATH token (RFC 6238), for an authentication that waits for it or as its fallback.
    "ValidateOathCode" => ValidateOathCode {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "code" => code: Option<Secret>,
        /// 32 upper-case hexadecimal digits that name this authentication.
        "authenticationRequestId" => authentication_request_id: Option<String>,
        /// Whether the code stands in for a second factor that failed.
        "fallback" => fallback: bool,
    } -> ValidateOathCodeOut {}
}

forms! {
    MASTER of ValidateOathCode {
        "ValidateOathCodeMaster" {
            "username" => username: Option<String>,
            "code" => code: Option<Secret>,
            "authenticationRequestId" => authentication_request_id: Option<String>,
            "fallback" => fallback: bool,
        } -> {}
    }
}

operation! {
    /// Checks the answers to the security questions of a user.
    "ValidateSecurityQuestionAnswers" => ValidateSecurityQuestionAnswers {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "userSecurityQuestions" => user_security_questions: Option<UserSecurityQuestions>,
        /// 32 upper-case hexadecimal digits that name this authentication.
        "authenticationRequestId" => authentication_request_id: Option<String>,
    } -> ValidateSecurityQuestionAnswersOut {
        "userSecurityAnswerResults" => user_security_answer_results: Option<UserSecurityAnswerResults>,
    }
}

operation! {
    /// Checks the static token of a user.
    "ValidateStaticToken" => ValidateStaticToken {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        "staticToken" => static_token: Option<Secret>,
    } -> ValidateStaticTokenOut {}
}

impl Answers for ValidatePasscode {
    type Out = ValidatePasscodeOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        let passcode = secret(&self.passcode);
        context.space.update(|engine, now| engine.validate_passcode(now, text(&self.username), passcode))?;
        Ok(ValidatePasscodeOut {}.into())
    }
}

impl Answers for ValidateOathCode {
    type Out = ValidateOathCodeOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, No> {
        let (username, request) = (text(&self.username), text(&self.authentication_request_id));
        context.space.update(|engine, now| {
            engine.validate_oath_code(now, username, secret(&self.code), request, self.fallback)
        })?;
        Ok(ValidateOathCodeOut {}.into())
    }
}

fn secret(field: &Option<Secret>) -> &str {
    field.as_ref().map(Secret::reveal).unwrap_or_default()
}

later! {
    GetSecurityQuestions -> GetSecurityQuestionsOut,
    ChangePin -> ChangePinOut,
    ChangeSecurityQuestions -> ChangeSecurityQuestionsOut,
    ChangeOathToken -> ChangeOathTokenOut,
    AssignOathToken -> AssignOathTokenOut,
    ChangeStaticToken -> ChangeStaticTokenOut,
    ValidatePin -> ValidatePinOut,
    ValidateSecurityQuestionAnswers -> ValidateSecurityQuestionAnswersOut,
    ValidateStaticToken -> ValidateStaticTokenOut,
}
