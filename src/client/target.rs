//! Where the service is.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;

/// The parts of a URL such as that of `LOCMFASRV`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    pub is_secure: bool,
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
    /// The path, and the query if there is one.
    pub path: String,
    url: String,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let wrong = |what: &str| {
            format!(
                "{url:?} {what}; write it like https://mfa.contoso.com:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx"
            )
        };
        let uri: Uri = url.trim().parse().map_err(|_| wrong("is not a URL"))?;
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("begins with neither https:// nor http://")),
        };
        let host = uri.host().filter(|it| !it.is_empty()).ok_or_else(|| wrong("names no host"))?;
        if uri.authority().is_some_and(|it| it.as_str().contains('@')) {
            return Err(wrong("has a user name in it, which no .NET client sends"));
        }
        Ok(Self {
            is_secure,
            host: host.trim_matches(['[', ']']).into(),
            port: uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            path: uri.path_and_query().map_or("/", |it| it.as_str()).into(),
            url: url.trim().into(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}
