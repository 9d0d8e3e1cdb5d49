//! Microsoft Identity Manager's side: its `MfaSettings.xml`, checked, changed and changed back; a client that calls as
//! it does, and what stands between it and the service.
//!
//! `settings` reads and edits the file, `check` says what is wrong in it, `backup` keeps what it was before. `client`
//! speaks to the service, `call` does what MIM does with it, `connect` goes along the chain from the name to the
//! challenge. `docs/mim.md` says what is known about MIM, and how.

mod backup;
pub mod call;
pub mod check;
pub mod configure;
pub mod connect;
pub mod settings;
pub mod step;

use std::path::Path;

use crate::client::Target;

/// What Identity Manager's settings say of the service. The default is a server of ours on this machine, and the
/// account of Microsoft's article.
#[derive(Clone, Debug)]
pub struct Service {
    /// `LOCMFASRV`
    pub target: Target,
    /// `Username`: the user of the service that MIM names in all its calls.
    pub username: String,
    /// `DefaultCountryCode`, empty where there is none.
    pub country_code: String,
    /// Why MIM would call no server with these settings.
    pub obstacle: Option<String>,
}

impl Default for Service {
    fn default() -> Self {
        let url = "https://localhost:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx";
        Self {
            target: url.parse().expect("it is a URL"),
            username: "mimservice@contoso.com".into(),
            country_code: String::new(),
            obstacle: None,
        }
    }
}

impl Service {
    /// What a settings file says, and the default for what it does not.
    ///
    /// # Errors
    /// The file cannot be read, or its URL is none that can be called.
    pub fn of_file(file: &Path) -> anyhow::Result<Self> {
        let (bytes, _) = check::read(file)?;
        let settings = settings::Settings::read(&bytes)
            .map_err(|_| anyhow::anyhow!("{} cannot be read; locmfa mim check says why", file.display()))?;
        let said = |key| settings.value(key).map(str::trim).filter(|it| !it.is_empty());
        let otherwise = Self::default();
        let obstacle = match (said(settings::Key::CustomPhoneProvider), said(settings::Key::Locmfa)) {
            (Some(library), _) => {
                Some(format!("CustomPhoneProvider is set: MIM calls the library {library}, and no server"))
            }
            (None, None) => Some("LOCMFA is missing or empty: MIM uses no local server".into()),
            (None, Some(it)) if !it.eq_ignore_ascii_case("true") => {
                Some(format!("LOCMFA is {it}, not true: MIM uses no local server"))
            }
            _ if said(settings::Key::Locmfasrv).is_none() => {
                Some("LOCMFASRV is missing or empty: MIM has no server to call".into())
            }
            _ => None,
        };
        Ok(Self {
            target: match said(settings::Key::Locmfasrv) {
                Some(url) => url.parse().map_err(anyhow::Error::msg)?,
                None => otherwise.target,
            },
            username: said(settings::Key::Username).map_or(otherwise.username, Into::into),
            country_code: said(settings::Key::DefaultCountryCode).unwrap_or_default().into(),
            obstacle,
        })
    }
}
