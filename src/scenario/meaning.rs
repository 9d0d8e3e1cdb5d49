//! The grammar of scenario files, and what each part means. `docs/scenarios.md` is its reference.

use std::collections::HashMap;
use std::sync::Arc;

use crate::contract::{Secret, UserSettings};
use crate::engine::{
    Block, Cache, CacheKey, Company, Number, OnReload, Pace, PasscodeRules, Setup, Start, Timestamp, User, oath,
};

use super::mistake::{Code, quoted};
use super::reader::{Fields, Written};
use super::{Outsider, Scenario, Server};
use super::{lint, portal, rules};
use crate::sign_in::{self, Account, AccountName, CertificateName, ChannelBinding, Policy, Scheme, Trust};

/// The whole file.
pub(super) fn scenario(source: &str, written: Written<'_>) -> Option<Scenario> {
    let scenario = written.mapping("a scenario", |fields| {
        // Both are read before anything else is: see `compose`.
        let _ = (fields.take("use"), fields.take("environment"));
        let mut seed = None;
        fields.set("seed", &mut seed, |it| it.whole(0..=i64::MAX).map(Some));
        let mut on_reload = OnReload::default();
        let words = [("keep", OnReload::Keep), ("reset", OnReload::Reset)];
        fields.set("on_reload", &mut on_reload, |it| it.word(&words));
        let clock = fields.take("clock").and_then(clock).unwrap_or_default();
        let accounts = fields.take("accounts").map(accounts);
        let server = fields.take("server").and_then(|it| server(it, &accounts)).unwrap_or_else(|| Server {
            sign_in: Policy { accounts: listed(&accounts), ..Server::default().sign_in },
            ..Server::default()
        });
        let company = fields.take("company").and_then(company).unwrap_or_default();
        let defaults = fields.take("user_defaults");
        if let Some(it) = defaults {
            let mut nobody = User::new("", company.new_user());
            let said = |fields: &mut Fields<'_>| said(fields, &mut nobody, &company, &mut Names::new("device"));
            it.mapping("user_defaults", said);
        }
        let users = fields.take("users").map(|it| users(it, defaults, &company)).unwrap_or_default();
        let (rules, states) = rules::of(fields, &company, &users);
        let mut magic_numbers = true;
        fields.set("magic_numbers", &mut magic_numbers, Written::truth);
        let sessions = fields.take("sessions").map(portal::sessions).unwrap_or_default();
        Scenario {
            name: source.into(),
            server,
            setup: Setup { company, users, rules, states, magic_numbers, sessions, seed, clock, ..Setup::default() },
            on_reload,
            files: Vec::new(),
            warnings: Vec::new(),
        }
    })?;
    if !written.has_errors() {
        lint::look(written, &scenario.setup);
    }
    Some(scenario)
}

/// The clock: a word for how time passes, or with the time at the start.
fn clock(written: Written<'_>) -> Option<Start> {
    let words = [("real", Pace::Real), ("frozen", Pace::Frozen), ("auto", Pace::Auto)];
    if written.is_text() {
        return written.word(&words).map(|pace| Start { at: None, pace });
    }
    written.mapping("clock", |fields| {
        let mut start = Start::default();
        fields.set("start", &mut start.at, |it| moment(it).map(Some));
        fields.set("pace", &mut start.pace, |it| it.word(&words));
        if let Some(rate) = fields.take("rate") {
            match rate.text().and_then(|it| it.parse::<f64>().ok()).filter(|it| (0.001..=1e6).contains(it)) {
                _ if start.pace != Pace::Real => {
                    let help = "Leave one of them out.".into();
                    rate.report(Code::NeverApplies, "rate goes with the pace real alone".into(), [help]);
                }
                Some(rate) => start.pace = Pace::Rate(rate),
                None => rate.report(Code::BadValue, "rate must be a number from 0.001 to 1000000".into(), []),
            }
        }
        start
    })
}

fn moment(written: Written<'_>) -> Option<Timestamp> {
    let text = written.text()?;
    let help = "Write it with date, time and zone: 2026-11-24T08:00:00Z.".into();
    Timestamp::of_text(text).or_else(|| written.wrong(Code::BadValue, format!("{} is no moment", quoted(text)), [help]))
}

/// Who may sign in: everybody, or those who are listed.
type Accounts = Option<Vec<Arc<Account>>>;

fn listed(accounts: &Option<Accounts>) -> Vec<Arc<Account>> {
    accounts.clone().flatten().unwrap_or_default()
}

/// `accounts` is nothing where the file has none, and holds nothing where it says `any`.
fn server(written: Written<'_>, accounts: &Option<Accounts>) -> Option<Server> {
    written.mapping("server", |fields| {
        let mut server = Server::default();
        server.sign_in.accounts = listed(accounts);
        let any_account = matches!(accounts, Some(None));
        let policy = &mut server.sign_in;
        let trust = fields.take("trust");
        let words = [("passwords", false), ("any-password", true)];
        let any_password = trust.and_then(|it| it.word(&words)).unwrap_or_default();
        policy.trust = match (any_password, any_account) {
            (false, _) => Trust::Passwords,
            (true, false) => Trust::AnyPassword,
            (true, true) => Trust::Anybody,
        };
        if let Some(it) = fields.take("sign_in") {
            policy.schemes = schemes(it, any_password, any_account, &policy.accounts);
        }
        fields.set("ntlm_v1", &mut policy.ntlm_v1, Written::truth);
        let bindings =
            [("none", ChannelBinding::None), ("lenient", ChannelBinding::Lenient), ("strict", ChannelBinding::Strict)];
        fields.set("channel_binding", &mut policy.channel_binding, |it| it.word(&bindings));
        if let Some(it) = fields.take("kerberos") {
            policy.kerberos_as = kerberos(it, policy);
        }
        if let Some(it) = fields.take("names") {
            policy.names = server_names(it).unwrap_or_default();
        }
        fields.set("group", &mut server.group, |it| it.name().map(Into::into));
        let outsiders = [("401", Outsider::Unauthorized), ("403", Outsider::Forbidden), ("fault", Outsider::Fault)];
        fields.set("outsider", &mut server.outsider, |it| it.word(&outsiders));
        server.client_authorities = any_of(fields, "client_authorities", Written::file);
        server.paths = any_of(fields, "paths", path);
        server
    })
}

fn schemes(written: Written<'_>, any_password: bool, any_account: bool, accounts: &[Arc<Account>]) -> Vec<Scheme> {
    const WORDS: [(&str, Scheme); 5] = [
        ("anonymous", Scheme::Anonymous),
        ("basic", Scheme::Basic),
        ("ntlm", Scheme::Ntlm),
        ("negotiate", Scheme::Negotiate),
        ("certificate", Scheme::Certificate),
    ];
    let mut schemes = Vec::new();
    for it in written.one_or_more() {
        let Some(scheme) = it.called("sign_in").word(&WORDS) else { continue };
        let takes_password = matches!(scheme, Scheme::Basic | Scheme::Ntlm | Scheme::Negotiate);
        if schemes.contains(&scheme) {
            let message = format!("{} is offered twice", scheme.word());
            it.report(Code::DuplicateName, message, ["Take one of them out.".into()]);
        } else if scheme == Scheme::Negotiate && any_password {
            let help = "Write [ntlm, basic], or trust: passwords with the password of each account.".into();
            let message = "negotiate needs the password to make its integrity codes, and trust: any-password has none";
            it.report(Code::NeverApplies, message.into(), [help]);
        } else if takes_password && !any_password && accounts.iter().all(|it| it.password.is_none()) {
            let help = r#"Add one: accounts: [{name: CONTOSO\mimservice, password: "...", groups: [PhoneFactor Admins]}]; or let any password do: trust: any-password"#;
            it.report(Code::NeverApplies, "nobody can sign in: no account has a password".into(), [help.into()]);
        } else if takes_password && any_password && !any_account && accounts.is_empty() {
            let help = r"Add one: accounts: [{name: CONTOSO\mimservice, groups: [PhoneFactor Admins]}]; or let anybody in: accounts: any";
            it.report(Code::NeverApplies, "nobody can sign in: there is no account".into(), [help.into()]);
        } else if scheme == Scheme::Certificate && accounts.iter().all(|it| it.certificates.is_empty()) {
            let help = r"Add one: accounts: [{name: CONTOSO\mimservice, certificate: CN=mimservice}]";
            it.report(Code::NeverApplies, "nobody can sign in: no account has a certificate".into(), [help.into()]);
        }
        schemes.push(scheme);
    }
    schemes
}

/// The account for which Kerberos tickets are taken.
fn kerberos(written: Written<'_>, policy: &Policy) -> Option<Arc<Account>> {
    let written = written.mapping("kerberos", |fields| fields.need("as"))??;
    let name = AccountName::from(written.name()?);
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
}

fn server_names(written: Written<'_>) -> Option<sign_in::Names> {
    written.mapping("names", |fields| {
        let mut names = sign_in::Names::default();
        for (key, name) in [
            ("domain", &mut names.domain),
            ("computer", &mut names.computer),
            ("dns_domain", &mut names.dns_domain),
            ("dns_computer", &mut names.dns_computer),
        ] {
            fields.set(key, name, |it| it.name().map(Into::into));
        }
        names
    })
}

fn path(written: Written<'_>) -> Option<String> {
    let path = written.name()?;
    let help = |text: &str| [format!("{text} Such as /MultiFactorAuthWebServiceSdk/PfWsSdk.asmx.")];
    if !path.starts_with('/') || path.contains(['?', '#', ' ', '\\']) {
        let message = format!("{} is no path of a URL", quoted(path));
        return written.wrong(Code::BadValue, message, help("A path begins with / and has no host, blanks, ? or #."));
    }
    if path.starts_with("/~") {
        return written.wrong(Code::BadValue, "a path cannot begin with /~".into(), help("That names a space."));
    }
    Some(path.into())
}

fn accounts(written: Written<'_>) -> Accounts {
    if written.is_text() {
        written.word(&[("any", ())])?;
        return None;
    }
    let mut names = Names::new("account");
    let account = |it: Written<'_>| {
        it.mapping("an account", |fields| {
            let name = fields.need("name").and_then(|it| names.add(it, it.name()?));
            let password = fields.take("password").and_then(|it| it.secret().map(Into::into));
            let groups = any_of(fields, "groups", |it| it.name().map(Into::into));
            let certificates = any_of(fields, "certificate", certificate);
            Some(Arc::new(Account { name: AccountName::from(name?.as_str()), password, groups, certificates }))
        })?
    };
    Some(written.list().into_iter().map(|it| it.called("an account")).filter_map(account).collect())
}

/// A subject, `CN=…`, or a thumbprint.
fn certificate(written: Written<'_>) -> Option<CertificateName> {
    let text = written.name()?;
    if text.contains('=') {
        return Some(CertificateName::Subject(text.into()));
    }
    match text.parse() {
        Ok(thumbprint) => Some(CertificateName::Thumbprint(thumbprint)),
        Err(why) => {
            let help = "Write a subject such as CN=mimservice, or the thumbprint that Windows shows.".into();
            written.wrong(Code::BadValue, format!("{} names no certificate: {why}", quoted(text)), [help])
        }
    }
}

fn company(written: Written<'_>) -> Option<Company> {
    written.mapping("company", |fields| {
        let mut company = Company::default();
        fields.set("country_code", &mut company.country_code, country_code);
        fields.set("ring", &mut company.ring, Written::duration);
        fields.set("ring_timeout", &mut company.ring_timeout, Written::lasting);
        if company.ring > company.ring_timeout
            && let Some(it) = fields.take("ring").or_else(|| fields.take("ring_timeout"))
        {
            let [ring, timeout] = [company.ring, company.ring_timeout].map(humantime::format_duration);
            let message = format!("ring, {ring}, is longer than ring_timeout, {timeout}");
            it.report(Code::BadValue, message, ["Nobody would ever answer. Set the other one too.".into()]);
        }
        fields.set("fraud_code", &mut company.fraud_code, |it| it.digits().map(Into::into));
        fields.set("pin_attempts", &mut company.pin_attempts, |it| it.whole(1..=100));
        fields.set("bypass", &mut company.bypass, Written::lasting);
        fields.set("direct_sdk", &mut company.direct_sdk, Written::truth);
        fields.set("error_on_success", &mut company.error_on_success, Written::truth);
        fields.set("reveal_secrets", &mut company.reveal_secrets, Written::truth);
        fields.set("passcode", &mut company.passcode, passcode);
        fields.set("cache", &mut company.cache, cache);
        if let Some(it) = fields.take("defaults") {
            it.mapping("defaults", |it| it.record(&mut company.defaults));
        }
        if let Some(it) = fields.take("features") {
            it.mapping("features", |it| it.record(&mut company.features));
        }
        portal::company(fields, &mut company);
        company
    })
}

fn passcode(written: Written<'_>) -> Option<PasscodeRules> {
    written.mapping("passcode", |fields| {
        let mut it = Company::default().passcode;
        fields.set("length", &mut it.length, |it| it.whole(4..=10));
        fields.set("lifetime", &mut it.lifetime, Written::lasting);
        fields.set("attempts", &mut it.attempts, |it| it.whole(1..=100));
        let length = it.length;
        fields.set("code", &mut it.code, |it| code(it, length).map(Some));
        fields.set("message", &mut it.message, rules::template);
        it
    })
}

/// The fixed code of text messages.
pub(super) fn code(written: Written<'_>, length: u32) -> Option<Secret> {
    let code = written.digits()?;
    if code.len() != length as usize {
        let message = format!("code has {} digits, and it must have {length}", code.len());
        return written.wrong(Code::BadValue, message, ["company: {passcode: {length: ...}} says how many.".into()]);
    }
    Some(code.into())
}

fn cache(written: Written<'_>) -> Option<Option<Cache>> {
    written.mapping("cache", |fields| {
        let lasts = fields.need("lasts").and_then(Written::lasting);
        let mut by = CacheKey::User;
        let words = [("user", CacheKey::User), ("ip", CacheKey::Ip), ("application", CacheKey::Application)];
        fields.set("by", &mut by, |it| it.word(&words));
        lasts.map(|lasts| Cache { lasts, by })
    })
}

/// A country code, without its `+`.
pub(super) fn country_code(written: Written<'_>) -> Option<String> {
    let text = written.text()?.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    match (1..=3).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit()) {
        true => Some(digits.into()),
        false => written.wrong(
            Code::BadValue,
            format!("{} is no country code", quoted(text)),
            ["A country code has 1 to 3 digits: \"1\" for North America.".into()],
        ),
    }
}

/// `defaults` are what a user has who does not say otherwise.
fn users(written: Written<'_>, defaults: Option<Written<'_>>, company: &Company) -> Vec<User> {
    let (mut names, mut device_ids) = (Names::new("user"), Names::new("device"));
    let list = written.list();
    // Users are large: one piece of memory for all of them, rather than ever larger ones.
    let mut users = Vec::with_capacity(list.len());
    let mut read = |it: Written<'_>| user(it.called("a user"), defaults, company, &mut names, &mut device_ids);
    users.extend(list.into_iter().filter_map(&mut read));
    users
}

/// A user alone.
pub(super) fn one_user(written: Written<'_>, company: &Company) -> Option<User> {
    user(written.called("a user"), None, company, &mut Names::new("user"), &mut Names::new("device"))
}

fn user(
    written: Written<'_>,
    defaults: Option<Written<'_>>,
    company: &Company,
    names: &mut Names,
    device_ids: &mut Names,
) -> Option<User> {
    if written.is_text() && defaults.is_none() {
        return Some(User::new(&names.add(written, written.name()?)?, company.new_user()));
    }
    written.mapping_over("a user", defaults, |fields| {
        // A pattern of users has become the users: see `compose`.
        fields.take("count");
        if let Some(it) = fields.take("from") {
            let help = "Add count: how many users there are of the pattern.".into();
            it.report(Code::NeverApplies, "from says where a pattern counts from, and this is none".into(), [help]);
        }
        let username = if written.is_text() { Some(written) } else { fields.need("username") };
        let username = username.and_then(|it| names.add(it, it.name()?));
        let mut user = User::new(&username.unwrap_or_default(), company.new_user());
        said(fields, &mut user, company, device_ids);
        user
    })
}

/// What is said of a user beside the name.
fn said(fields: &mut Fields<'_>, user: &mut User, company: &Company, device_ids: &mut Names) {
    fields.set("password", &mut user.password, |it| it.secret().map(|it| Some(it.into())));
    fields.set("blocked", &mut user.block, blocked);
    fields.record(&mut user.settings);
    settings(fields, &mut user.settings, company);
    portal::user(fields, user, company, device_ids);
}

/// What a user's settings must be beyond their types.
pub(super) fn settings(fields: &mut Fields<'_>, it: &mut UserSettings, company: &Company) {
    let default = &company.country_code;
    let first = ["country_code", "phone", "extension"];
    number(fields, first, [&mut it.country_code, &mut it.phone, &mut it.extension], default);
    let backup = ["backup_country_code", "backup_phone", "backup_extension"];
    number(fields, backup, [&mut it.backup_country_code, &mut it.backup_phone, &mut it.backup_extension], default);
    fields.take("pin").and_then(Written::digits);
    if let Some(written) = fields.take("oath_token_secret_key")
        && written.secret().is_some_and(|it| oath::key(it).is_none())
    {
        let help = "Base32 has the letters A to Z and the digits 2 to 7: JBSWY3DPEHPK3PXP.".into();
        written.report(Code::BadValue, "oath_token_secret_key is no Base32".into(), [help]);
    }
    if let Some(written) = fields.take("oath_token_exists") {
        let message = "oath_token_exists follows from oath_token_secret_key".into();
        written.report(Code::NeverApplies, message, ["Take the key out.".into()]);
    }
}

/// Stores a number as the service does: country code, number, extension.
fn number(fields: &mut Fields<'_>, keys: [&'static str; 3], stored: [&mut Option<String>; 3], default: &str) {
    let [code, phone, extension] = stored;
    let written_code = fields.take(keys[0]).and_then(country_code);
    if written_code.is_some() {
        code.clone_from(&written_code);
    }
    if let Some(written) = fields.take(keys[2])
        && extension.as_ref().is_some_and(|it| it.contains(|it: char| !it.is_ascii_digit() && !"#*,".contains(it)))
    {
        let help = "An extension has digits, # and *; a comma waits.".into();
        written.report(Code::NotANumber, format!("{} is no extension", keys[2]), [help]);
    }
    let written = fields.take(keys[1]).filter(|it| it.is_text());
    let Some(written) = written.filter(|_| phone.as_ref().is_some_and(|it| !it.trim().is_empty())) else { return };
    let given = |it: &Option<String>| it.clone().unwrap_or_default();
    let country = written_code.clone().unwrap_or_default();
    let Some(number) = read_number(written, &given(phone), &country, &given(extension), default) else { return };
    let (own, rest, own_extension) = number.kept(default);
    if written_code.is_some_and(|it| it != own) {
        let message = format!("the number has the country code {own}, and {} says {country}", keys[0]);
        written.report(Code::BadValue, message, ["Leave one of them out.".into()]);
    }
    *code = Some(own.into());
    *phone = Some(rest.into());
    *extension = Some(own_extension.into());
}

pub(super) fn read_number(
    written: Written<'_>,
    text: &str,
    country: &str,
    extension: &str,
    default: &str,
) -> Option<Number> {
    Number::read(text, country, extension, default)
        .map_err(|why| {
            let help = "Any usual spelling will do: +1 425 555 0100, 1 4255550100, (425) 555-0100 ext. 42.".into();
            written.report(Code::NotANumber, format!("{} is no telephone number: {why}", quoted(text)), [help]);
        })
        .ok()
}

/// `true`, or the reason.
pub(super) fn blocked(written: Written<'_>) -> Option<Option<Block>> {
    let reason = match written.truth_or_text()? {
        Ok(false) => return Some(None),
        Ok(true) => "Blocked by the scenario.",
        Err(reason) => reason,
    };
    Some(Some(Block { since: Timestamp::default(), reason: reason.into() }))
}

/// The items of a list under a key, or the one that stands for it. A list without items is a slip: in `when` it
/// would match everything.
pub(super) fn any_of<'a, T>(
    fields: &mut Fields<'a>,
    key: &'static str,
    read: impl FnMut(Written<'a>) -> Option<T>,
) -> Vec<T> {
    let Some(written) = fields.take(key) else { return Vec::new() };
    let items = written.one_or_more();
    if items.is_empty() {
        let help = "Write what belongs there, or take the key out.".into();
        written.report(Code::BadValue, format!("{key} is an empty list"), [help]);
    }
    items.into_iter().filter_map(read).collect()
}

/// Names that must each be there once, whatever their letter case.
pub(super) struct Names {
    of: &'static str,
    /// Where each stands, by the name in lower case.
    places: HashMap<String, usize>,
}

impl Names {
    pub(super) fn new(of: &'static str) -> Self {
        Self { of, places: HashMap::new() }
    }

    pub(super) fn add(&mut self, written: Written<'_>, name: &str) -> Option<String> {
        if let Some(first) = self.places.get(&name.to_lowercase()) {
            let message = format!("there is another {} {}", self.of, quoted(name));
            let help = format!("The first stands in {}. Letter case makes no difference.", written.spot(*first));
            return written.wrong(Code::DuplicateName, message, [help]);
        }
        self.places.insert(name.to_lowercase(), written.at());
        Some(name.into())
    }
}
