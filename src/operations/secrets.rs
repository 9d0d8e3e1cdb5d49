//! What a user knows or holds: PINs, codes, tokens, security questions.

use super::{Answer, Answers, Context, Note, Rejection, record, secret, text};
use crate::contract::{Secret, UserPin, UserSecurityAnswerResults, UserSecurityQuestions};
use crate::engine::{Change, Refusal};

operation! {
    /// Reads the security questions of a user.
    "GetSecurityQuestions" => GetSecurityQuestions {
        "username" => username: Option<String>,
    } -> GetSecurityQuestionsOut {
        "userSecurityQuestions" => user_security_questions: Option<UserSecurityQuestions>,
    }
}

operation! {
    /// Changes the PIN of a user.
    "ChangePin" => ChangePin {
        "username" => username: Option<String>,
        "userPin" => user_pin: Option<UserPin>,
        "sendEmail" => send_email: bool,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangePinOut {}
}

operation! {
    /// Changes the security questions of a user.
    "ChangeSecurityQuestions" => ChangeSecurityQuestions {
        "username" => username: Option<String>,
        "userSecurityQuestions" => user_security_questions: Option<UserSecurityQuestions>,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeSecurityQuestionsOut {}
}

operation! {
    /// Gives a user an OATH token, once a code proves its secret.
    "ChangeOathToken" => ChangeOathToken {
        "username" => username: Option<String>,
        /// Base32.
        "secretKey" => secret_key: Option<Secret>,
        /// A code that the token shows now.
        "code" => code: Option<Secret>,
        /// Seconds for which one code holds, up to 86400; 0: 30.
        "timeInterval" => time_interval: i32,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeOathTokenOut {}
}

operation! {
    /// Gives a user the OATH token of a known serial number, once a code proves it.
    "ChangeOathToken_2" => AssignOathToken {
        "username" => username: Option<String>,
        /// Of a token that the scenario lists.
        "serialNumber" => serial_number: Option<String>,
        /// A code that the token shows now.
        "code" => code: Option<Secret>,
        "modifyUsername" => modify_username: Option<String>,
    } -> AssignOathTokenOut {
        /// The user who has the token, if it is not this user.
        "associatedUsername" => associated_username: Option<String>,
    }
}

operation! {
    /// Changes the static token of a user.
    "ChangeStaticToken" => ChangeStaticToken {
        "username" => username: Option<String>,
        /// Empty: the user no longer has one.
        "staticToken" => static_token: Option<Secret>,
        "modifyUsername" => modify_username: Option<String>,
    } -> ChangeStaticTokenOut {}
}

operation! {
    /// Checks the PIN of a user.
    "ValidatePin" => ValidatePin {
        "username" => username: Option<String>,
        "pin" => pin: Option<Secret>,
    } -> ValidatePinOut {}
}

operation! {
    /// Checks the code of a text message that is outstanding for a user. Each code is accepted once.
    "ValidatePasscode" => ValidatePasscode {
        "username" => username: Option<String>,
        /// The code; in mode `otpPlusPin` with the PIN behind it.
        "passcode" => passcode: Option<Secret>,
    } -> ValidatePasscodeOut {}
}

operation! {
    /// Checks a code of a user's OATH token (RFC 6238), for an authentication that waits for it or as its fallback.
    "ValidateOathCode" => ValidateOathCode {
        "username" => username: Option<String>,
        /// A code of the token, or of a phone with the mobile app.
        "code" => code: Option<Secret>,
        "authenticationRequestId" => authentication_request_id: Option<String>,
        /// Whether the code stands in for a second factor that failed.
        "fallback" => fallback: bool,
    } -> ValidateOathCodeOut {}
}

operation! {
    /// Checks the answers to the security questions of a user.
    "ValidateSecurityQuestionAnswers" => ValidateSecurityQuestionAnswers {
        "username" => username: Option<String>,
        "userSecurityQuestions" => user_security_questions: Option<UserSecurityQuestions>,
        /// Ignored.
        "authenticationRequestId" => authentication_request_id: Option<String>,
    } -> ValidateSecurityQuestionAnswersOut {
        "userSecurityAnswerResults" => user_security_answer_results: Option<UserSecurityAnswerResults>,
    }
}

operation! {
    /// Checks the static token of a user.
    "ValidateStaticToken" => ValidateStaticToken {
        "username" => username: Option<String>,
        "staticToken" => static_token: Option<Secret>,
    } -> ValidateStaticTokenOut {}
}

impl Answers for ValidatePasscode {
    type Out = ValidatePasscodeOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let passcode = secret(&self.passcode);
        context.space.update(|engine, now| engine.validate_passcode(now, text(&self.username), passcode))?;
        Ok(ValidatePasscodeOut {}.into())
    }
}

impl Answers for ValidateOathCode {
    type Out = ValidateOathCodeOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, request) = (text(&self.username), text(&self.authentication_request_id));
        context.space.update(|engine, now| {
            engine.validate_oath_code(now, username, secret(&self.code), request, self.fallback)
        })?;
        Ok(ValidateOathCodeOut {}.into())
    }
}

impl Answers for GetSecurityQuestions {
    type Out = GetSecurityQuestionsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let questions = context.space.update(|engine, _| engine.questions(text(&self.username)))?;
        Ok(GetSecurityQuestionsOut { user_security_questions: Some(questions) }.into())
    }
}

impl Answers for ChangeSecurityQuestions {
    type Out = ChangeSecurityQuestionsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let questions = record("userSecurityQuestions", self.user_security_questions)?;
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, _| {
            engine.directory_mut().change_questions(username, questions).map(|()| ChangeSecurityQuestionsOut {})
        })
    }
}

impl Answers for ValidateSecurityQuestionAnswers {
    type Out = ValidateSecurityQuestionAnswersOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let answers = record("userSecurityQuestions", self.user_security_questions)?;
        let (results, passed) =
            context.space.update(|engine, _| engine.check_answers(text(&self.username), answers))?;
        let out = ValidateSecurityQuestionAnswersOut { user_security_answer_results: Some(results) };
        Ok(Answer { out, refusal: passed.err(), note: Note::default() })
    }
}

impl Answers for ChangePin {
    type Out = ChangePinOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, by) = (text(&self.username), text(&self.modify_username));
        let pin = record("userPin", self.user_pin)?;
        let asked = Change { username, by, sends_mail: self.send_email, ..Change::default() };
        context.change(asked, |engine, now| engine.change_pin(now, username, &pin).map(|()| ChangePinOut {}))
    }
}

impl Answers for ValidatePin {
    type Out = ValidatePinOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| engine.directory().validate_pin(text(&self.username), secret(&self.pin)))?;
        Ok(ValidatePinOut {}.into())
    }
}

impl Answers for ChangeOathToken {
    type Out = ChangeOathTokenOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let (key, code) = (secret(&self.secret_key), secret(&self.code));
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, now| {
            engine.enroll_token(now, username, key, code, self.time_interval).map(|()| ChangeOathTokenOut {})
        })
    }
}

impl Answers for AssignOathToken {
    type Out = AssignOathTokenOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, serial) = (text(&self.username), text(&self.serial_number));
        let asked = Change { username, by: text(&self.modify_username), detail: serial, ..Change::default() };
        let changed = context.change(asked, |engine, now| {
            engine.assign_token(now, username, serial, secret(&self.code)).map(|()| AssignOathTokenOut::default())
        });
        match changed {
            Err(Rejection::Refused(Refusal::TokenTaken { serial_number, username })) => Ok(Answer {
                out: AssignOathTokenOut { associated_username: Some(username.clone()) },
                refusal: Some(Refusal::TokenTaken { serial_number, username }),
                note: Note::default(),
            }),
            changed => changed,
        }
    }
}

impl Answers for ChangeStaticToken {
    type Out = ChangeStaticTokenOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, token) = (text(&self.username), secret(&self.static_token));
        let asked = Change { username, by: text(&self.modify_username), ..Change::default() };
        context.change(asked, |engine, _| engine.change_static_token(username, token).map(|()| ChangeStaticTokenOut {}))
    }
}

impl Answers for ValidateStaticToken {
    type Out = ValidateStaticTokenOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let token = secret(&self.static_token);
        context.space.update(|engine, _| engine.validate_static_token(text(&self.username), token))?;
        Ok(ValidateStaticTokenOut {}.into())
    }
}

forms! {
    MASTER of GetSecurityQuestions {
        "GetSecurityQuestionsMaster" on_master {
            "username" => username: Option<String>,
        } -> {
            "userSecurityQuestions" => user_security_questions: Option<UserSecurityQuestions>,
        }
    }
}

forms! {
    MASTER of ValidatePasscode {
        "ValidatePasscodeMaster" on_master {
            "username" => username: Option<String>,
            "passcode" => passcode: Option<Secret>,
        } -> {}
    }
}

forms! {
    MASTER of ValidateOathCode {
        "ValidateOathCodeMaster" on_master {
            "username" => username: Option<String>,
            "code" => code: Option<Secret>,
            "authenticationRequestId" => authentication_request_id: Option<String>,
            "fallback" => fallback: bool,
        } -> {}
    }
}
