//! What the user portal and the AD FS adapter ask for.

use crate::contract::{AdfsSettings, PassedSession, UserPortalSettings, UserPortalWhitelistIp};

operation! {
    /// Reads a session that another site handed over.
    "GetPassedSession" => GetPassedSession {
        "passedSessionId" => passed_session_id: Option<String>,
    } -> GetPassedSessionOut {
        "passedSession" => passed_session: Option<PassedSession>,
    }
}

operation! {
    /// Marks the second factor of a handed-over session as passed.
    "SetPassedSessionSecondaryAuthSuccess" => SetPassedSessionSecondaryAuthSuccess {
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

later! {
    GetPassedSession -> GetPassedSessionOut,
    SetPassedSessionSecondaryAuthSuccess -> SetPassedSessionSecondaryAuthSuccessOut,
    GetUserPortalSettings -> GetUserPortalSettingsOut,
    GetUserPortalWhitelistIps -> GetUserPortalWhitelistIpsOut,
    GetAdfsSettings -> GetAdfsSettingsOut,
}
