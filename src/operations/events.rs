//! Event confirmation: a call that plays events and returns the digits.

use crate::contract::{EventParameter, PhoneCallResult, Secret, TemplateResult, TerminateResult};

operation! {
    /// Calls a user and plays an event.
    "EventConfirmationInitiateCall" => InitiateCall {
        /// The account; `DOMAIN\name`, `name` and `name@domain` are the same user. Letter case does not matter.
        "username" => username: Option<String>,
        /// The address that the user signs in from, for the cache and the log.
        "initiatingIpAddress" => initiating_ip_address: Option<String>,
        "eventName" => event_name: Option<String>,
        "eventParameters" => event_parameters: Option<Vec<EventParameter>>,
    } -> InitiateCallOut {
        "userExists" => user_exists: bool,
        "phoneCallResult" => phone_call_result: Option<PhoneCallResult>,
        "templateResult" => template_result: Option<TemplateResult>,
        "digitsEntered" => digits_entered: Option<Secret>,
        "callIdentifier" => call_identifier: Option<String>,
    }
}

operation! {
    /// Plays a further event on an open call.
    "EventConfirmationRunTemplate" => RunTemplate {
        "callIdentifier" => call_identifier: Option<String>,
        "eventName" => event_name: Option<String>,
        "eventParameters" => event_parameters: Option<Vec<EventParameter>>,
    } -> RunTemplateOut {
        "templateResult" => template_result: Option<TemplateResult>,
        "digitsEntered" => digits_entered: Option<Secret>,
    }
}

operation! {
    /// Ends a call.
    "EventConfirmationTerminateCall" => TerminateCall {
        "callIdentifier" => call_identifier: Option<String>,
    } -> TerminateCallOut {
        "terminateResult" => terminate_result: Option<TerminateResult>,
    }
}

later! {
    InitiateCall -> InitiateCallOut,
    RunTemplate -> RunTemplateOut,
    TerminateCall -> TerminateCallOut,
}
