//! The calls that Identity Manager most likely makes for one authentication. What is known of them and what is inferred
//! is in `docs/mim-call.md`.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::Client;
use super::connection::{Connection, Exchange, Replied, Times};
use super::failure::{CallStage, Failure};
use crate::contract::{AuthenticationType, CallResult, Mode, Secret};
use crate::operations::{PfAuthUser, ValidatePasscode};
use crate::sign_in::Scheme;

/// +1 425 555 0100: a number that is reserved for fiction, so that no phone has it.
pub const FICTIONAL: &str = "1 4255550100";

/// What in Identity Manager asks for a second factor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// Password reset by phone call.
    Phone,
    /// Password reset by text message.
    Text,
    /// The activation of a role (PAM), whose numbers are digits alone.
    Pam,
}

/// One authentication to make.
#[derive(Clone, Debug)]
pub struct Plan {
    pub gate: Gate,
    /// As the user wrote it.
    pub number: String,
    pub username: String,
    /// For numbers without a country code; empty where there is none.
    pub country_code: String,
    /// The codes to enter for a text message, in this order until one is right. Empty: `place` asks for it.
    pub codes: Vec<Secret>,
    /// How long to wait for each answer.
    pub wait: Duration,
}

/// One authentication, with all answers.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    /// As the user wrote it.
    pub number: String,
    pub outcome: Outcome,
    pub answers: Vec<Answered>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How the client signed in.
    #[serde(serialize_with = "word")]
    pub signed_in: Option<Scheme>,
    /// In milliseconds, over all connections of the round.
    #[serde(serialize_with = "milliseconds", rename = "milliseconds")]
    pub times: Times,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// From best to worst.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Passed,
    Denied,
    /// There was no answer.
    Failed,
}

/// The answer of one operation.
#[derive(Clone, Debug, Serialize)]
pub struct Answered {
    pub operation: &'static str,
    pub result: bool,
    pub call_result: Option<Coded>,
    pub error: Option<Coded>,
}

/// A code with its text.
#[derive(Clone, Debug, Serialize)]
pub struct Coded {
    pub code: i32,
    pub text: String,
}

/// Call results without a decision: pending, text message sent, OATH code pending.
const WAITING: [i32; 3] = [15, 20, 22];
const TEXT_MESSAGE_SENT: i32 = 20;

impl Plan {
    /// The request that asks for the second factor.
    #[must_use]
    pub fn request(&self) -> PfAuthUser {
        let (country_code, number) = self.dialled();
        let some = |text: String| Some(text).filter(|it| !it.is_empty());
        PfAuthUser {
            username: Some(self.username.clone()),
            initiating_authentication_type: AuthenticationType::Pfsdk,
            require_user_match: true,
            mode: match self.gate {
                Gate::Phone | Gate::Pam => Mode::VoiceCall,
                Gate::Text => Mode::SmsText,
            },
            country_code: some(country_code),
            phone_number: some(number),
            ..PfAuthUser::default()
        }
    }

    /// The country code and the number on the wire: separate where the user wrote a blank between them. PAM sends
    /// digits alone.
    #[must_use]
    pub fn dialled(&self) -> (String, String) {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let number = self.number.trim();
        if self.gate == Gate::Pam {
            return (String::new(), digits(number));
        }
        match number.split_once(char::is_whitespace) {
            Some((country, rest)) => (digits(country), digits(rest)),
            None if number.starts_with('+') => (String::new(), number.into()),
            None => (self.country_code.clone(), number.into()),
        }
    }
}

/// Makes the calls of one authentication, each over a connection of its own, as .NET makes them where Windows signs
/// in. `code` gives the code of a text message, or says why there is none; it is awaited only where a code is needed.
pub async fn place(client: &Client, plan: &Plan, code: impl Future<Output = Result<Secret, String>>) -> Round {
    let mut round = Round {
        number: plan.number.clone(),
        outcome: Outcome::Failed,
        answers: Vec::new(),
        failure: None,
        signed_in: None,
        times: Times::default(),
        exchanges: Vec::new(),
    };
    match round.run(client, plan, code).await {
        Ok(outcome) => round.outcome = outcome,
        Err(failure) => round.failure = Some(failure),
    }
    round
}

impl Round {
    async fn run(
        &mut self,
        client: &Client,
        plan: &Plan,
        code: impl Future<Output = Result<Secret, String>>,
    ) -> Result<Outcome, Failure> {
        let mut connection = client.connect(Instant::now() + plan.wait).await?;
        let replied = connection.call(&plan.request()).await;
        self.keep(connection);
        let replied = replied?;
        let call_result = replied.out.call_result.clone();
        let code_of_result = call_result.as_ref().map_or(0, |it| it.code);
        self.answered("PfAuthUser_5", &replied, call_result);
        if !replied.succeeded || code_of_result != TEXT_MESSAGE_SENT {
            let is_decided = !WAITING.contains(&code_of_result);
            return Ok(if replied.succeeded && is_decided { Outcome::Passed } else { Outcome::Denied });
        }

        let codes = match plan.codes.as_slice() {
            [] => {
                vec![code.await.map_err(|why| Failure::new(CallStage::Call, format!("There is no code: {why}."), ""))?]
            }
            codes => codes.into(),
        };
        for passcode in codes {
            let mut connection = client.connect(Instant::now() + plan.wait).await?;
            let request = ValidatePasscode { username: Some(plan.username.clone()), passcode: Some(passcode) };
            let replied = connection.call(&request).await;
            self.keep(connection);
            let replied = replied?;
            self.answered("ValidatePasscode", &replied, None);
            if replied.succeeded {
                return Ok(Outcome::Passed);
            }
        }
        Ok(Outcome::Denied)
    }

    fn keep(&mut self, connection: Connection<'_>) {
        let Times { connect, tls, sign_in, call } = connection.times;
        self.times.connect += connect;
        self.times.tls += tls;
        self.times.sign_in += sign_in;
        self.times.call += call;
        self.signed_in = self.signed_in.or(connection.signed_in);
        self.exchanges.extend(connection.exchanges);
    }

    fn answered<T>(&mut self, operation: &'static str, replied: &Replied<T>, call_result: Option<CallResult>) {
        let coded = |code, text: Option<String>| Coded { code, text: text.unwrap_or_default() };
        self.answers.push(Answered {
            operation,
            result: replied.succeeded,
            call_result: call_result.map(|it| coded(it.code, it.description)),
            error: replied.error.clone().map(|it| coded(it.code, it.description)),
        });
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.result)?;
        for (name, coded) in [("call result", &self.call_result), ("error", &self.error)] {
            if let Some(Coded { code, text }) = coded.as_ref().filter(|it| it.code != 0) {
                write!(f, ", {name} {code} {text}")?;
            }
        }
        Ok(())
    }
}

/// In milliseconds, to a hundredth: a clock measures no finer here.
#[must_use]
pub fn in_milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}

fn milliseconds<S: Serializer>(times: &Times, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Milliseconds {
        connect: f64,
        tls: f64,
        sign_in: f64,
        call: f64,
    }
    let Times { connect, tls, sign_in, call } = *times;
    let [connect, tls, sign_in, call] = [connect, tls, sign_in, call].map(in_milliseconds);
    Milliseconds { connect, tls, sign_in, call }.serialize(serializer)
}

fn word<S: Serializer>(scheme: &Option<Scheme>, serializer: S) -> Result<S::Ok, S::Error> {
    scheme.map(Scheme::word).serialize(serializer)
}
