//! Asking a user for the first and the second factor.

use super::{Answer, Answers, Context, Note, Rejection, text};
use crate::contract::{AuthenticationType, CallResult, Mode, Secret, Wire};
use crate::engine::{Ask, Ending, Refusal, Settlement};
use crate::switchboard::Unsettled;

operation! {
    /// Checks a user's password.
    "PrimaryAuthUser" => PrimaryAuthUser {
        "username" => username: Option<String>,
        "password" => password: Option<Secret>,
        "authenticationType" => authentication_type: AuthenticationType,
        "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
        "initiatingIpAddress" => initiating_ip_address: Option<String>,
    } -> PrimaryAuthUserOut {}
}

operation! {
    /// Asks a user for the second factor and waits for the outcome. Mode and number can be given for this call alone.
    /// After `callResult` 20 the code of the text message goes to `ValidatePasscode`, after 22 the code of the token to `ValidateOathCode`.
    "PfAuthUser_5" => PfAuthUser {
        "username" => username: Option<String>,
        "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
        "initiatingIpAddress" => initiating_ip_address: Option<String>,
        "applicationName" => application_name: Option<String>,
        "requireUserMatch" => require_user_match: bool,
        /// How to reach the user this time; `unspecified`: as stored.
        "mode" => mode: Mode,
        /// The country code of `phoneNumber`; empty: as stored.
        "countryCode" => country_code: Option<String>,
        /// The number to reach this time; empty: as stored.
        "phoneNumber" => phone_number: Option<String>,
        /// The extension of `phoneNumber`.
        "extension" => extension: Option<String>,
    } -> PfAuthUserOut {
        "callResult" => call_result: Option<CallResult>,
        "authenticationRequestId" => authentication_request_id: Option<String>,
    }
}

operation! {
    /// Checks a user's password and, where it is right, asks for the second factor.
    "CombinedAuthUser_4" => CombinedAuthUser {
        "username" => username: Option<String>,
        "password" => password: Option<Secret>,
        "authenticationType" => authentication_type: AuthenticationType,
        "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
        "initiatingIpAddress" => initiating_ip_address: Option<String>,
        "applicationName" => application_name: Option<String>,
        "requireUserMatch" => require_user_match: bool,
    } -> CombinedAuthUserOut {
        /// Whether the password is right. If not, no person is asked.
        "primaryAuthSucceeded" => primary_auth_succeeded: bool,
        /// Whether the second factor was passed.
        "pfAuthSucceeded" => pf_auth_succeeded: bool,
        "callResult" => call_result: Option<CallResult>,
        "authenticationRequestId" => authentication_request_id: Option<String>,
    }
}

impl Answers for PrimaryAuthUser {
    type Out = PrimaryAuthUserOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        check_password(context, &self.username, &self.password)?;
        Ok(PrimaryAuthUserOut {}.into())
    }
}

impl Answers for PfAuthUser {
    type Out = PfAuthUserOut;

    const ASKS: bool = true;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let settlement = challenge(context, &self).await?;
        let note = note(&settlement);
        let refusal = (!settlement.succeeds).then_some(Refusal::Denied {});
        let out = PfAuthUserOut {
            call_result: Some(call_result(&settlement)),
            authentication_request_id: Some(settlement.request_id),
        };
        Ok(Answer { out, refusal, note })
    }
}

impl Answers for CombinedAuthUser {
    type Out = CombinedAuthUserOut;

    const ASKS: bool = true;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        check_password(context, &self.username, &self.password)?;
        let passed = CombinedAuthUserOut { primary_auth_succeeded: true, ..CombinedAuthUserOut::default() };
        let second = PfAuthUser {
            username: self.username,
            initiating_authentication_type: self.initiating_authentication_type,
            initiating_ip_address: self.initiating_ip_address,
            application_name: self.application_name,
            require_user_match: self.require_user_match,
            ..PfAuthUser::absent()
        };
        let settlement = match challenge(context, &second).await {
            Ok(settlement) => settlement,
            Err(Rejection::Refused(refusal)) => {
                return Ok(Answer { out: passed, refusal: Some(refusal), note: Note::default() });
            }
            Err(failed) => return Err(failed),
        };
        let note = note(&settlement);
        let refusal = (!settlement.succeeds).then_some(Refusal::Denied {});
        let out = CombinedAuthUserOut {
            pf_auth_succeeded: settlement.succeeds,
            call_result: Some(call_result(&settlement)),
            authentication_request_id: Some(settlement.request_id),
            ..passed
        };
        Ok(Answer { out, refusal, note })
    }
}

fn check_password(context: Context<'_>, username: &Option<String>, password: &Option<Secret>) -> Result<(), Refusal> {
    let password = password.as_ref().map(Secret::reveal).unwrap_or_default();
    context.space.update(|engine, _| engine.directory().check_password(text(username), password))
}

async fn challenge(context: Context<'_>, asked: &PfAuthUser) -> Result<Settlement, Rejection> {
    let ask = Ask {
        operation: context.operation,
        space: context.space.name(),
        verdict: context.verdict,
        username: text(&asked.username),
        initiating_type: asked.initiating_authentication_type,
        ip_address: text(&asked.initiating_ip_address),
        application: text(&asked.application_name),
        require_user_match: asked.require_user_match,
        mode: asked.mode,
        country_code: text(&asked.country_code),
        phone_number: text(&asked.phone_number),
        extension: text(&asked.extension),
        plays_event: false,
    };
    self::ask(context, ask).await
}

/// Asks, and waits for how it ends.
pub(super) async fn ask(context: Context<'_>, ask: Ask<'_>) -> Result<Settlement, Rejection> {
    context.space.authenticate(ask).await.map_err(|unsettled| match unsettled {
        Unsettled::Refused(refusal) => Rejection::Refused(refusal),
        Unsettled::Ended(ended) => Rejection::Failed(context.fault(ended)),
    })
}

fn call_result(settlement: &Settlement) -> CallResult {
    CallResult { code: settlement.ending.code(), description: Some(settlement.ending.description().into()) }
}

pub(super) fn note(settlement: &Settlement) -> Note {
    Note {
        call_result: Some(settlement.ending.code()),
        description: Some(match &settlement.ending {
            Ending::Known(outcome) => outcome.description().into(),
            Ending::Custom(result) => result.text.clone().into(),
        }),
        rule: settlement.rule.clone(),
        incident: None,
        warning: settlement.warning.clone(),
    }
}

forms! {
    OLDER of PfAuthUser {
        "PfAuthUser" {
            "username" => username: Option<String>,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "callResult" => call_result: Option<CallResult>,
        }
        "PfAuthUser2", overloads "PfAuthUser" {
            "username" => username: Option<String>,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "callResult" => call_result: Option<CallResult>,
        }
        "PfAuthUser3", overloads "PfAuthUser" {
            "username" => username: Option<String>,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "callResult" => call_result: Option<CallResult>,
        }
        "PfAuthUser_3" {
            "username" => username: Option<String>,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "callResult" => call_result: Option<CallResult>,
        }
        "PfAuthUser_4" {
            "username" => username: Option<String>,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "callResult" => call_result: Option<CallResult>,
            "authenticationRequestId" => authentication_request_id: Option<String>,
        }
    }
}

forms! {
    MASTER of PfAuthUser {
        "PfAuthUserMaster" on_master {
            "username" => username: Option<String>,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "callResult" => call_result: Option<CallResult>,
        }
        "PfAuthUserMaster2" on_master, overloads "PfAuthUserMaster" {
            "username" => username: Option<String>,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "callResult" => call_result: Option<CallResult>,
        }
        "PfAuthUserMaster_2" on_master {
            "username" => username: Option<String>,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "callResult" => call_result: Option<CallResult>,
        }
        "PfAuthUserMaster_3" on_master {
            "username" => username: Option<String>,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "callResult" => call_result: Option<CallResult>,
            "authenticationRequestId" => authentication_request_id: Option<String>,
        }
        "PfAuthUserMaster_4" on_master {
            "username" => username: Option<String>,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
            "mode" => mode: Mode,
            "countryCode" => country_code: Option<String>,
            "phoneNumber" => phone_number: Option<String>,
            "extension" => extension: Option<String>,
        } -> {
            "callResult" => call_result: Option<CallResult>,
            "authenticationRequestId" => authentication_request_id: Option<String>,
        }
    }
}

forms! {
    OLDER of CombinedAuthUser {
        "CombinedAuthUser" {
            "username" => username: Option<String>,
            "password" => password: Option<Secret>,
            "authenticationType" => authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "primaryAuthSucceeded" => primary_auth_succeeded: bool,
            "pfAuthSucceeded" => pf_auth_succeeded: bool,
            "callResult" => call_result: Option<CallResult>,
        }
        "CombinedAuthUser2", overloads "CombinedAuthUser" {
            "username" => username: Option<String>,
            "password" => password: Option<Secret>,
            "authenticationType" => authentication_type: AuthenticationType,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "primaryAuthSucceeded" => primary_auth_succeeded: bool,
            "pfAuthSucceeded" => pf_auth_succeeded: bool,
            "callResult" => call_result: Option<CallResult>,
        }
        "CombinedAuthUser3", overloads "CombinedAuthUser" {
            "username" => username: Option<String>,
            "password" => password: Option<Secret>,
            "authenticationType" => authentication_type: AuthenticationType,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "primaryAuthSucceeded" => primary_auth_succeeded: bool,
            "pfAuthSucceeded" => pf_auth_succeeded: bool,
            "callResult" => call_result: Option<CallResult>,
        }
        "CombinedAuthUser_3" {
            "username" => username: Option<String>,
            "password" => password: Option<Secret>,
            "authenticationType" => authentication_type: AuthenticationType,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "primaryAuthSucceeded" => primary_auth_succeeded: bool,
            "pfAuthSucceeded" => pf_auth_succeeded: bool,
            "callResult" => call_result: Option<CallResult>,
        }
    }
}

forms! {
    MASTER of CombinedAuthUser {
        "CombinedAuthUserMaster" on_master {
            "username" => username: Option<String>,
            "password" => password: Option<Secret>,
            "authenticationType" => authentication_type: AuthenticationType,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "primaryAuthSucceeded" => primary_auth_succeeded: bool,
            "pfAuthSucceeded" => pf_auth_succeeded: bool,
            "callResult" => call_result: Option<CallResult>,
        }
        "CombinedAuthUserMaster2" on_master, overloads "CombinedAuthUserMaster" {
            "username" => username: Option<String>,
            "password" => password: Option<Secret>,
            "authenticationType" => authentication_type: AuthenticationType,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "primaryAuthSucceeded" => primary_auth_succeeded: bool,
            "pfAuthSucceeded" => pf_auth_succeeded: bool,
            "callResult" => call_result: Option<CallResult>,
        }
        "CombinedAuthUserMaster_2" on_master {
            "username" => username: Option<String>,
            "password" => password: Option<Secret>,
            "authenticationType" => authentication_type: AuthenticationType,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "primaryAuthSucceeded" => primary_auth_succeeded: bool,
            "pfAuthSucceeded" => pf_auth_succeeded: bool,
            "callResult" => call_result: Option<CallResult>,
        }
        "CombinedAuthUserMaster_3" on_master {
            "username" => username: Option<String>,
            "password" => password: Option<Secret>,
            "authenticationType" => authentication_type: AuthenticationType,
            "initiatingAuthenticationType" => initiating_authentication_type: AuthenticationType,
            "initiatingIpAddress" => initiating_ip_address: Option<String>,
            "applicationName" => application_name: Option<String>,
            "requireUserMatch" => require_user_match: bool,
        } -> {
            "primaryAuthSucceeded" => primary_auth_succeeded: bool,
            "pfAuthSucceeded" => pf_auth_succeeded: bool,
            "callResult" => call_result: Option<CallResult>,
            "authenticationRequestId" => authentication_request_id: Option<String>,
        }
    }
}
