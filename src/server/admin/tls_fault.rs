//! The faults of TLS: switched on for a time, and off.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use super::input::{Asked, Body, duration, text};
use super::problem::{Kind, Problem};
use super::{BY, Json, Shared};
use crate::server::tls_faults::{NoTlsFault, TlsFaults};
use crate::text::listed;
use crate::tls::{Faulty, TlsFault};

/// The fault of TLS that is on; without members: none is.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct TlsFaultNow {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "expired")]
    fault: Option<&'static str>,
    /// What a client meets.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<&'static str>,
    /// Who switched it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// When it ends by itself, in the world's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// A fault of TLS to switch on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetTlsFault {
    /// `refused`, `expired`, `wrong-name`, `unknown-authority`, `protocol-version` or `reset`.
    #[schema(example = "expired")]
    fault: String,
    /// When it ends by itself: from 1 second to 24 hours; 15 minutes where nothing is said.
    #[serde(default, deserialize_with = "text")]
    #[schema(example = "15m")]
    lasts: Option<String>,
}

impl TlsFaultNow {
    fn of(faulty: Option<&Faulty>) -> Self {
        let Some(Faulty { fault, by, until, .. }) = faulty else { return Self::default() };
        let until = until.replace_nanosecond(0).unwrap_or(*until).format(&Rfc3339).ok();
        Self { fault: Some(fault.word()), about: Some(fault.about()), by: Some(by.to_string()), until }
    }
}

impl From<NoTlsFault> for Problem {
    fn from(no: NoTlsFault) -> Self {
        let kind = match no {
            NoTlsFault::PlainHttp => Kind::Refused,
            NoTlsFault::BadTime => Kind::BadBody,
            NoTlsFault::Certificate(_) => Kind::Failed,
        };
        Self::new(kind, super::problem::sentence(&no.to_string()), no.remedy())
    }
}

/// Tells the fault of TLS that is on.
#[utoipa::path(get, path = "/tls-fault", tag = "server", responses((status = 200, body = TlsFaultNow)))]
pub(super) async fn get(State(admin): Shared, asked: Asked) -> Result<Json<TlsFaultNow>, Problem> {
    asked.finish()?;
    Ok(Json::ok(TlsFaultNow::of(admin.tls_faults.now().as_deref())))
}

/// Switches a fault of TLS on for the whole service, in place of the one that is on. New connections meet it; those that are
/// open end after their call. This API has no TLS, and goes on. The default space's `/changes` have the switching.
#[utoipa::path(put, path = "/tls-fault", tag = "server", request_body = SetTlsFault, responses((status = 200, body = TlsFaultNow)))]
pub(super) async fn set(
    State(admin): Shared,
    asked: Asked,
    Body(it): Body<SetTlsFault>,
) -> Result<Json<TlsFaultNow>, Problem> {
    asked.finish()?;
    let no = |field: &str, what: String, remedy: String| Problem::new(Kind::BadBody, what, remedy).with("field", field);
    let fault = TlsFault::of(&it.fault).ok_or_else(|| {
        let words = TlsFault::ALL.iter().map(|it| it.word());
        no("fault", format!("fault: {:?} is no fault of TLS.", it.fault), format!("Give one of {}.", listed(words)))
    })?;
    let lasts = match it.lasts {
        None => TlsFaults::USUAL_TIME,
        Some(lasts) => {
            duration(&lasts).map_err(|why| no("lasts", format!("lasts: {why}."), "Write 30s, 15m or 1h.".into()))?
        }
    };
    let faulty = admin.tls_faults.start(fault, lasts, BY).await?;
    Ok(Json::ok(TlsFaultNow::of(Some(&faulty))))
}

/// Ends the fault of TLS, if one is on.
#[utoipa::path(delete, path = "/tls-fault", tag = "server", responses((status = 204, description = "None is on.")))]
pub(super) async fn end(State(admin): Shared, asked: Asked) -> Result<StatusCode, Problem> {
    asked.finish()?;
    admin.tls_faults.stop(BY);
    Ok(StatusCode::NO_CONTENT)
}
