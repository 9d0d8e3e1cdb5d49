//! Windows accounts, the names that clients give them, and the certificates that stand for them.

use std::fmt;
use std::str::FromStr;

use super::subject::SubjectName;
use crate::contract::Secret;

/// A Windows account that the server knows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    pub name: AccountName,
    /// Without one the account signs in only where no password is checked.
    pub password: Option<Secret>,
    pub groups: Vec<String>,
    /// The certificates that sign in as this account.
    pub certificates: Vec<CertificateName>,
}

impl Account {
    /// Whether the account is in a group. Letter case does not matter.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|it| same(it, group))
    }
}

/// What an account is called: `CONTOSO\mimservice`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountName {
    /// NetBIOS or DNS name of the domain. Empty where the name says none: such a listed account is found
    /// whatever domain the client names.
    pub domain: String,
    pub user: String,
}

impl From<&str> for AccountName {
    /// Reads `DOMAIN\user`, `user@domain` or `user`.
    fn from(text: &str) -> Self {
        let (domain, user) = text
            .split_once('\\')
            .or_else(|| text.rsplit_once('@').map(|(user, domain)| (domain, user)))
            .unwrap_or(("", text));
        Self { domain: domain.into(), user: user.into() }
    }
}

impl AccountName {
    /// What a client claims to be. Some give the domain in a field of its own, some in front of or behind the
    /// user's name, and `.` means the server's own accounts.
    pub(super) fn claimed(domain: &str, user: &str) -> Self {
        let name = Self::from(user);
        let domain = if name.domain.is_empty() { domain } else { &name.domain };
        let domain = if domain == "." { "" } else { domain };
        Self { domain: domain.into(), user: name.user }
    }

    /// Whether this claim means that listed account.
    pub(super) fn means(&self, listed: &Self, names: &Names) -> bool {
        same(&self.user, &listed.user)
            && (self.domain.is_empty() || listed.domain.is_empty() || names.same_domain(&self.domain, &listed.domain))
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.domain.as_str() {
            "" => f.write_str(&self.user),
            domain => write!(f, "{domain}\\{}", self.user),
        }
    }
}

/// What the server calls itself and its domain in an NTLM challenge. A name that is empty is left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Names {
    /// The domain's NetBIOS name, `CONTOSO`.
    pub domain: String,
    /// The server's NetBIOS name, `MFA01`.
    pub computer: String,
    /// The domain's DNS name, `contoso.com`.
    pub dns_domain: String,
    /// The server's DNS name, `mfa01.contoso.com`. It is the realm of Basic too.
    pub dns_computer: String,
}

impl Names {
    /// Whether two names are the same domain's: equal, or NetBIOS and DNS name of ours, or such that one is the
    /// other's first label.
    fn same_domain(&self, one: &str, other: &str) -> bool {
        let is_ours = |name| same(name, &self.domain) || same(name, &self.dns_domain);
        let starts = |long: &str, short| long.split_once('.').is_some_and(|(label, _)| same(label, short));
        same(one, other) || is_ours(one) && is_ours(other) || starts(one, other) || starts(other, one)
    }
}

/// How an account's certificate is told from others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateName {
    Subject(SubjectName),
    Thumbprint(Thumbprint),
}

/// The SHA-1 hash of a certificate, as Windows shows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Thumbprint(pub [u8; 20]);

impl FromStr for Thumbprint {
    type Err = &'static str;

    /// Reads 40 hexadecimal digits. Whatever stands between them is skipped: Windows shows blanks, others
    /// colons, and a copy from the Windows dialog begins with an invisible mark.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        data_encoding::HEXUPPER_PERMISSIVE
            .decode(digits.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or("a thumbprint has 40 hexadecimal digits")
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXUPPER.encode(&self.0))
    }
}

/// The certificate that a client presented, and what the TLS layer found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientCertificate {
    /// The text of its [`SubjectName`].
    pub subject: String,
    pub thumbprint: Thumbprint,
    /// Why it is not valid, as the end of a sentence; `None` where it is.
    pub problem: Option<String>,
}

impl ClientCertificate {
    pub(super) fn is(&self, name: &CertificateName) -> bool {
        match name {
            CertificateName::Subject(subject) => self.subject.parse().is_ok_and(|it: SubjectName| it == *subject),
            CertificateName::Thumbprint(thumbprint) => self.thumbprint == *thumbprint,
        }
    }
}

/// Whether two names are one to Windows, which ignores letter case.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.chars().flat_map(char::to_lowercase).eq(other.chars().flat_map(char::to_lowercase))
}
