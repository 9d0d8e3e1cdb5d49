//! Microsoft Identity Manager's side: a client that calls as it does, and what stands between it and the service.

pub mod access;
pub mod call;
pub mod client;
pub mod connect;
pub mod step;
pub mod trust;

/// What Identity Manager's settings say of the service. The default is a server of ours on this machine, and the
/// account of Microsoft's article.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `LOCMFASRV`
    pub target: client::Target,
    /// `Username`: the user of the service as whom everybody is asked for.
    pub username: String,
    /// `DefaultCountryCode`, empty where there is none.
    pub country_code: String,
}

impl Default for Settings {
    fn default() -> Self {
        let url = "https://localhost:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx";
        Self {
            target: url.parse().expect("it is a URL"),
            username: "mimservice@contoso.com".into(),
            country_code: String::new(),
        }
    }
}
