//! `server`: how the service is reached, and how callers sign in.

use std::sync::Arc;

use crate::sign_in::{self, Account, AccountName, ChannelBinding, Policy, Scheme, Trust};

use super::accounts::Accounts;
use super::fields::{Reader, mapping};
use super::mistake::{Code, quoted};
use super::values::{File, Item, Name, OneOrList, OneOrMore, Placed, Truth, Word, text_as};
use super::written::Written;
use super::{Outsider, Server};

const SCHEMES: [(&str, Scheme); 5] = [
    ("anonymous", Scheme::Anonymous),
    ("basic", Scheme::Basic),
    ("ntlm", Scheme::Ntlm),
    ("negotiate", Scheme::Negotiate),
    ("certificate", Scheme::Certificate),
];
const BINDINGS: [(&str, ChannelBinding); 3] =
    [("none", ChannelBinding::None), ("lenient", ChannelBinding::Lenient), ("strict", ChannelBinding::Strict)];
const OUTSIDERS: [(&str, Outsider); 3] =
    [("401", Outsider::Unauthorized), ("403", Outsider::Forbidden), ("fault", Outsider::Fault)];

/// The accounts that are listed.
pub(super) fn listed(accounts: Option<&Accounts>) -> Vec<Arc<Account>> {
    accounts.cloned().flatten().unwrap_or_default()
}

/// `accounts` is `None` where the file has none, and `Some(None)` where any account will do.
pub(super) fn server<'a>(accounts: Option<&Accounts>) -> impl Reader<'a, Value = Server> {
    mapping("server", "server", move |fields| {
        let mut server = Server::default();
        server.sign_in.accounts = listed(accounts);
        let any_account = matches!(accounts, Some(None));
        let policy = &mut server.sign_in;
        let schemes = fields.get("sign_in", OneOrList(Item("sign_in", Placed(Word(&SCHEMES)))));
        let mut any_password = false;
        fields.set("trust", &mut any_password, Word(&[("passwords", false), ("any-password", true)]));
        policy.trust = match (any_password, any_account) {
            (false, _) => Trust::Passwords,
            (true, false) => Trust::AnyPassword,
            (true, true) => Trust::Anybody,
        };
        if let Some(schemes) = schemes {
            let takes_tickets = fields.written().under("kerberos").is_some();
            check_schemes(&schemes, any_password, any_account, takes_tickets, &policy.accounts);
            policy.schemes = schemes.into_iter().map(|it| it.1).collect();
        }
        fields.set("ntlm_v1", &mut policy.ntlm_v1, Truth);
        fields.set("channel_binding", &mut policy.channel_binding, Word(&BINDINGS));
        policy.kerberos_as = fields.get("kerberos", kerberos(policy));
        if let Some(names) = fields.get("names", server_names()) {
            policy.names = names;
        }
        fields.set("group", &mut server.group, Name);
        fields.set("outsider", &mut server.outsider, Word(&OUTSIDERS));
        server.client_authorities = fields.get("client_authorities", OneOrMore(File)).unwrap_or_default();
        server.paths = fields.get("paths", OneOrMore(path())).unwrap_or_default();
        Some(server)
    })
}

/// Reports ways of signing in that no caller can use.
fn check_schemes(
    schemes: &[(Written<'_>, Scheme)],
    any_password: bool,
    any_account: bool,
    takes_tickets: bool,
    accounts: &[Arc<Account>],
) {
    for (at, (written, scheme)) in schemes.iter().enumerate() {
        let takes_password = matches!(scheme, Scheme::Basic | Scheme::Ntlm | Scheme::Negotiate);
        if schemes[..at].iter().any(|it| it.1 == *scheme) {
            let message = format!("{} is offered twice", scheme.word());
            written.report(Code::DuplicateName, message, ["Take one of them out.".into()]);
        } else if *scheme == Scheme::Negotiate && any_password {
            let help = "Write [ntlm, basic], or trust: passwords with the password of each account.".into();
            let message = "negotiate needs the password to make its MIC, and trust: any-password has none";
            written.report(Code::NeverApplies, message.into(), [help]);
        } else if takes_password && !any_password && !takes_tickets && accounts.iter().all(|it| it.password.is_none()) {
            let help = r#"Add one: accounts: [{name: CONTOSO\mimservice, password: "...", groups: [PhoneFactor Admins]}]; or accept any password: trust: any-password"#;
            written.report(
                Code::NeverApplies,
                "no caller can sign in: no account has a password".into(),
                [help.into()],
            );
        } else if takes_password && any_password && !any_account && accounts.is_empty() {
            let help = r"Add one: accounts: [{name: CONTOSO\mimservice, groups: [PhoneFactor Admins]}]; or accept any account: accounts: any";
            written.report(Code::NeverApplies, "no caller can sign in: there is no account".into(), [help.into()]);
        } else if *scheme == Scheme::Certificate && accounts.iter().all(|it| it.certificates.is_empty()) {
            let help = r"Add one: accounts: [{name: CONTOSO\mimservice, certificate: CN=mimservice}]";
            written.report(
                Code::NeverApplies,
                "no caller can sign in: no account has a certificate".into(),
                [help.into()],
            );
        }
    }
}

/// The account for which Kerberos tickets are taken.
fn kerberos<'a>(policy: &Policy) -> impl Reader<'a, Value = Arc<Account>> {
    mapping("kerberos", "kerberos", move |fields| {
        let (written, name) = fields.need("as", Placed(Name))?;
        let name = AccountName::from(name.as_str());
        let account = policy.accounts.iter().find(|it| it.name == name).cloned();
        if account.is_none() {
            let help = "Name one of the accounts, as it is written there.".into();
            return written.wrong(Code::NeverApplies, format!("there is no account {name}"), [help]);
        }
        if !policy.schemes.contains(&Scheme::Negotiate) {
            let help = "Add negotiate to sign_in.".into();
            return written.wrong(Code::NeverApplies, "tickets come by negotiate, which is not offered".into(), [help]);
        }
        account
    })
}

fn server_names<'a>() -> impl Reader<'a, Value = sign_in::Names> {
    mapping("names", "names", |fields| {
        let mut names = sign_in::Names::default();
        for (key, name) in [
            ("domain", &mut names.domain),
            ("computer", &mut names.computer),
            ("dns_domain", &mut names.dns_domain),
            ("dns_computer", &mut names.dns_computer),
        ] {
            fields.set(key, name, Name);
        }
        Some(names)
    })
}

fn path<'a>() -> impl Reader<'a, Value = String> {
    text_as("path of a URL", |written: Written<'a>| {
        let path = written.name()?;
        let help = |text: &str| [format!("{text} Such as /MultiFactorAuthWebServiceSdk/PfWsSdk.asmx.")];
        if !path.starts_with('/') || path.contains(['?', '#', ' ', '\\']) {
            let message = format!("{} is no path of a URL", quoted(path));
            return written.wrong(
                Code::BadValue,
                message,
                help("A path begins with / and has no host, blanks, ? or #."),
            );
        }
        if path.starts_with("/~") {
            return written.wrong(Code::BadValue, "a path cannot begin with /~".into(), help("That names a space."));
        }
        Some(path.into())
    })
}
