//! The keys of `company` that the user portal, the AD FS adapter and the mobile app meet.

use std::cell::Cell;
use std::net::IpAddr;

use crate::contract::{Email, SecurityQuestion, UserPortalWhitelistIp};
use crate::engine::{Company, Languages, Mailing, Token};

use super::fields::{Fields, Reader, mapping};
use super::mistake::Code;
use super::names::Names;
use super::values::{
    Item, List, Name, OneOrList, ReaderExt, Text, Truth, Whole, base32, or_mapping, record, text_as, text_or,
};
use super::written::Written;

/// Declares the keys.
pub(super) fn company(fields: &mut Fields<'_>, company: &mut Company) {
    fields.set("languages", &mut company.languages, languages());
    let place = Cell::new(0);
    fields.set("questions", &mut company.questions, List(Item("a question", question(&place))));
    fields.set("tokens", &mut company.tokens, tokens());
    let address = text_as("address, range or subnet", whitelisted);
    fields.set("whitelist", &mut company.whitelist, OneOrList(Item("an address", address)));
    fields.set("mail", &mut company.mail, mail());
    fields.set("portal", &mut company.portal, record("portal", Company::default().portal));
    fields.set("adfs", &mut company.adfs, record("adfs", Company::default().adfs));
}

/// One list for every way, or a list for each.
fn languages<'a>() -> impl Reader<'a, Value = Languages> {
    fn list<'a>() -> impl Reader<'a, Value = Vec<String>> {
        OneOrList(Item("a language", Name))
    }
    let all = |all: Vec<String>| Languages { sms_text: all.clone(), phone_app: all.clone(), oath_token: all };
    or_mapping(
        list().map(all),
        mapping("languages", "languages", |fields| {
            let mut languages = Languages::default();
            fields.set("sms_text", &mut languages.sms_text, list());
            fields.set("phone_app", &mut languages.phone_app, list());
            fields.set("oath_token", &mut languages.oath_token, list());
            Some(languages)
        }),
    )
}

/// A question to choose from, a text or a record. `place` counts them.
fn question<'a>(place: &Cell<i32>) -> impl Reader<'a, Value = SecurityQuestion> {
    let next = || {
        place.set(place.get() + 1);
        SecurityQuestion { language: Some("en".into()), question: None, sequence: place.get() }
    };
    text_or(
        Name.map(move |text: String| SecurityQuestion { question: Some(text), ..next() }),
        mapping("question", "a question", move |fields| {
            let mut question = next();
            fields.record_needing(&["question"], &mut question, |_, _| ());
            Some(question)
        }),
    )
}

fn tokens<'a>() -> impl Reader<'a, Value = Vec<Token>> {
    let mut names = Names::new("token");
    let token = mapping("token", "a token", move |fields| {
        let serial_number = fields.need("serial_number", Name.and_then(|name: String, it| names.add(it, &name)));
        let secret_key = fields.need("secret_key", base32());
        let mut time_interval = 30;
        fields.set("time_interval", &mut time_interval, Whole(1..=86_400));
        Some(Token { serial_number: serial_number?, secret_key: secret_key?, time_interval })
    });
    List(Item("a token", token))
}

/// `192.0.2.1`, `192.0.2.1-192.0.2.9`, `192.0.2.0/24` or `192.0.2.0/255.255.255.0`.
fn whitelisted(written: Written<'_>) -> Option<UserPortalWhitelistIp> {
    let text = written.name()?;
    let ip = |text: &str| text.trim().parse::<IpAddr>().ok().map(|it| Some(it.to_string()));
    let none = UserPortalWhitelistIp::default();
    let read = if let Some((from, to)) = text.split_once('-') {
        ip(from).zip(ip(to)).map(|(from_ip, to_ip)| UserPortalWhitelistIp { from_ip, to_ip, ..none })
    } else if let Some((subnet, mask)) = text.split_once('/') {
        let netslash = mask.trim().parse().ok().filter(|it| (0..=128).contains(it));
        match (ip(subnet), netslash) {
            (Some(subnet), Some(netslash)) => Some(UserPortalWhitelistIp { subnet, netslash, ..none }),
            (Some(subnet), None) => ip(mask).map(|netmask| UserPortalWhitelistIp { subnet, netmask, ..none }),
            (None, _) => None,
        }
    } else {
        ip(text).map(|single_ip| UserPortalWhitelistIp { single_ip, ..none })
    };
    read.or_else(|| {
        let help = "Such as 192.0.2.1, 192.0.2.1-192.0.2.9, 192.0.2.0/24 or 192.0.2.0/255.255.255.0.".into();
        written.wrong(Code::BadValue, format!("{text:?} is no address, range or subnet"), [help])
    })
}

fn mail<'a>() -> impl Reader<'a, Value = Mailing> {
    mapping("mail", "mail", |fields| {
        let mut mail = Mailing::default();
        fields.set("server", &mut mail.server, Text);
        fields.set("enabled", &mut mail.enabled, Truth);
        let template = mapping("template", "a template", |fields| {
            let mut template = Email::default();
            fields.record_needing(&["kind"], &mut template, |_, _| ());
            Some(template)
        });
        fields.set("templates", &mut mail.templates, List(Item("a template", template)));
        Some(mail)
    })
}
