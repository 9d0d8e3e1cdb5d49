//! What the user portal and the AD FS adapter ask for.

use super::{Answer, Answers, Context, Rejection, text};
use crate::contract::{AdfsSettings, PassedSession, UserPortalSettings, UserPortalWhitelistIp};
use crate::engine::{Change, Refusal};

operation! {
    /// Reads a session that another site handed over.
    "GetPassedSession" => GetPassedSession {
        /// The identifier of a session of the scenario.
        "passedSessionId" => passed_session_id: Option<String>,
    } -> GetPassedSessionOut {
        "passedSession" => passed_session: Option<PassedSession>,
    }
}

operation! {
    /// Marks the second factor of a handed-over session as passed.
    "SetPassedSessionSecondaryAuthSuccess" => SetPassedSessionSecondaryAuthSuccess {
        /// Of the session.
        "cookieId" => cookie_id: Option<String>,
    } -> SetPassedSessionSecondaryAuthSuccessOut {}
}

operation! {
    /// Reads how the user portal behaves.
    "GetUserPortalSettings" => GetUserPortalSettings {} -> GetUserPortalSettingsOut {
        "userPortalSettings" => user_portal_settings: Option<UserPortalSettings>,
    }
}

operation! {
    /// Lists the addresses that need no second factor in the user portal.
    "GetUserPortalWhitelistIps" => GetUserPortalWhitelistIps {} -> GetUserPortalWhitelistIpsOut {
        "userPortalWhitelistIps" => user_portal_whitelist_ips: Option<Vec<UserPortalWhitelistIp>>,
    }
}

operation! {
    /// Reads how the AD FS adapter behaves.
    "GetAdfsSettings" => GetAdfsSettings {} -> GetAdfsSettingsOut {
        "adfsSettings" => adfs_settings: Option<AdfsSettings>,
    }
}

impl Answers for GetPassedSession {
    type Out = GetPassedSessionOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| {
            Refusal::unless(engine.company().features.user_portal, "UserPortal")?;
            let session = engine.sessions.get(text(&self.passed_session_id))?;
            Ok(GetPassedSessionOut { passed_session: Some(session.clone()) }.into())
        })
    }
}

impl Answers for SetPassedSessionSecondaryAuthSuccess {
    type Out = SetPassedSessionSecondaryAuthSuccessOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let id = text(&self.cookie_id);
        context.change(Change { detail: id, ..Change::default() }, |engine, _| {
            Refusal::unless(engine.company().features.user_portal, "UserPortal")?;
            engine.sessions.pass(id).map(|()| SetPassedSessionSecondaryAuthSuccessOut {})
        })
    }
}

impl Answers for GetUserPortalSettings {
    type Out = GetUserPortalSettingsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| {
            let company = engine.company();
            Refusal::unless(company.features.user_portal, "UserPortal")?;
            Ok(GetUserPortalSettingsOut { user_portal_settings: Some(company.portal.clone()) }.into())
        })
    }
}

impl Answers for GetUserPortalWhitelistIps {
    type Out = GetUserPortalWhitelistIpsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| {
            let company = engine.company();
            Refusal::unless(company.features.user_portal, "UserPortal")?;
            Ok(GetUserPortalWhitelistIpsOut { user_portal_whitelist_ips: Some(company.whitelist.clone()) }.into())
        })
    }
}

impl Answers for GetAdfsSettings {
    type Out = GetAdfsSettingsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| {
            let company = engine.company();
            Refusal::unless(company.features.adfs, "Adfs")?;
            Ok(GetAdfsSettingsOut { adfs_settings: Some(company.adfs.clone()) }.into())
        })
    }
}
