//! Event confirmation: a call that plays events and returns the digits.

use super::authentication::note;
use super::{Answer, Answers, Context, Note, Rejection, bounded, text};
use crate::contract::{
    AuthenticationType, EventParameter, Mode, PhoneCallResult, Secret, TemplateResult, TerminateResult,
};
use crate::engine::{Ask, Refusal, Settlement};

operation! {
    /// Calls a user and plays an event.
    "EventConfirmationInitiateCall" => InitiateCall {
        "username" => username: Option<String>,
        "initiatingIpAddress" => initiating_ip_address: Option<String>,
        /// Which event is played. Rules see it as the application.
        "eventName" => event_name: Option<String>,
        /// What the event plays to the user. It is ignored.
        "eventParameters" => event_parameters: Option<Vec<EventParameter>>,
    } -> InitiateCallOut {
        /// Whether there is such a user.
        "userExists" => user_exists: bool,
        /// How the call went.
        "phoneCallResult" => phone_call_result: Option<PhoneCallResult>,
        /// There where the event was played.
        "templateResult" => template_result: Option<TemplateResult>,
        /// What the user pressed.
        "digitsEntered" => digits_entered: Option<Secret>,
        /// Names the call for the other two operations. It stays open for five minutes after an event.
        "callIdentifier" => call_identifier: Option<String>,
    }
}

operation! {
    /// Plays a further event on an open call.
    "EventConfirmationRunTemplate" => RunTemplate {
        /// Of `EventConfirmationInitiateCall`.
        "callIdentifier" => call_identifier: Option<String>,
        /// Which event is played. Rules see it as the application.
        "eventName" => event_name: Option<String>,
        /// What the event plays to the user. It is ignored.
        "eventParameters" => event_parameters: Option<Vec<EventParameter>>,
    } -> RunTemplateOut {
        "templateResult" => template_result: Option<TemplateResult>,
        /// What the user pressed.
        "digitsEntered" => digits_entered: Option<Secret>,
    }
}

operation! {
    /// Ends a call.
    "EventConfirmationTerminateCall" => TerminateCall {
        /// Of `EventConfirmationInitiateCall`.
        "callIdentifier" => call_identifier: Option<String>,
    } -> TerminateCallOut {
        "terminateResult" => terminate_result: Option<TerminateResult>,
    }
}

impl Answers for InitiateCall {
    type Out = InitiateCallOut;

    const ASKS: bool = true;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let user = context.space.update(|engine, _| engine.directory().user(username).map(|it| it.username.clone()))?;
        let out = InitiateCallOut { user_exists: true, ..InitiateCallOut::default() };
        let refused = |refusal, note| Ok(Answer { out: out.clone(), refusal: Some(refusal), note });
        if let Err(refusal) = checked(&self.event_name, &self.event_parameters) {
            return refused(refusal, Note::default());
        }
        let ip_address = text(&self.initiating_ip_address);
        let settlement = match play(context, &user, ip_address, text(&self.event_name)).await {
            Ok(settlement) => settlement,
            Err(Rejection::Refused(refusal)) => return refused(refusal, Note::default()),
            Err(failed) => return Err(failed),
        };
        let result = PhoneCallResult {
            code: settlement.ending.code(),
            description: Some(settlement.ending.description().into()),
        };
        let note = note(&settlement);
        let out = InitiateCallOut { phone_call_result: Some(result), ..out };
        if !settlement.succeeds {
            return Ok(Answer { out, refusal: Some(Refusal::Denied {}), note });
        }
        let id = context.space.update(|engine, now| engine.open_call(now, &user));
        let out = InitiateCallOut {
            template_result: Some(played()),
            digits_entered: settlement.digits,
            call_identifier: Some(id),
            ..out
        };
        Ok(Answer { out, refusal: None, note })
    }
}

impl Answers for RunTemplate {
    type Out = RunTemplateOut;

    const ASKS: bool = true;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let id = text(&self.call_identifier);
        let user = context.space.update(|engine, now| engine.call(now, id))?;
        checked(&self.event_name, &self.event_parameters)?;
        let settlement = play(context, &user, "", text(&self.event_name)).await?;
        let note = note(&settlement);
        if !settlement.succeeds {
            // A user who does not answer the event has left the line. The call may also have ended meanwhile.
            let _ = context.space.update(|engine, now| engine.end_call(now, id));
            let (code, description) = (settlement.ending.code(), settlement.ending.description().into());
            let result = TemplateResult { code, description: Some(description) };
            let out = RunTemplateOut { template_result: Some(result), digits_entered: None };
            return Ok(Answer { out, refusal: Some(Refusal::Denied {}), note });
        }
        let out = RunTemplateOut { template_result: Some(played()), digits_entered: settlement.digits };
        Ok(Answer { out, refusal: None, note })
    }
}

impl Answers for TerminateCall {
    type Out = TerminateCallOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, now| engine.end_call(now, text(&self.call_identifier)))?;
        let result = TerminateResult { code: 0, description: Some("Call Ended".into()) };
        Ok(TerminateCallOut { terminate_result: Some(result) }.into())
    }
}

/// Rings the user's phone and plays the event.
async fn play(context: Context<'_>, user: &str, ip_address: &str, event: &str) -> Result<Settlement, Rejection> {
    let ask = Ask {
        operation: context.operation,
        space: context.space.name(),
        verdict: context.verdict,
        username: user,
        initiating_type: AuthenticationType::Unspecified,
        ip_address,
        application: event,
        require_user_match: true,
        mode: Mode::VoiceCall,
        country_code: "",
        phone_number: "",
        extension: "",
        plays_event: true,
    };
    super::authentication::ask(context, ask).await
}

fn checked(event: &Option<String>, parameters: &Option<Vec<EventParameter>>) -> Result<(), Refusal> {
    bounded("eventName", text(event))?;
    for it in parameters.iter().flatten() {
        bounded("eventParameters", text(&it.name))?;
        bounded("eventParameters", text(&it.value))?;
    }
    match text(event).trim().is_empty() {
        true => Err(Refusal::NoEvent {}),
        false => Ok(()),
    }
}

fn played() -> TemplateResult {
    TemplateResult { code: 0, description: Some("Event Played".into()) }
}
