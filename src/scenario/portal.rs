//! The grammar of what the user portal, the AD FS adapter, the mobile app and administrators meet.

use std::net::IpAddr;

use crate::contract::{
    AuthResult, Email, PassedSession, Secret, SecurityQuestion, Tag, TagMatchType, UserAdministrator,
    UserPortalWhitelistIp, UserSecurityQuestions,
};
use crate::engine::{Company, Device, Languages, Mailing, Session, Token, User, oath};

use super::meaning::{Names, any_of};
use super::mistake::{Code, closest};
use super::reader::{Fields, Written};

/// The keys of the company.
pub(super) fn company(fields: &mut Fields<'_>, company: &mut Company) {
    fields.set("master", &mut company.master_away, |it| it.word(&[("answers", false), ("away", true)]));
    fields.set("tags", &mut company.tags, |it| Some(tags(it)));
    fields.set("languages", &mut company.languages, languages);
    fields.set("questions", &mut company.questions, |it| Some(questions(it)));
    fields.set("tokens", &mut company.tokens, |it| Some(tokens(it)));
    fields.set("whitelist", &mut company.whitelist, |it| {
        Some(it.one_or_more().into_iter().filter_map(|it| whitelisted(it.called("an address"))).collect())
    });
    fields.set("mail", &mut company.mail, mail);
    if let Some(it) = fields.take("portal") {
        it.mapping("portal", |it| it.record(&mut company.portal));
    }
    if let Some(it) = fields.take("adfs") {
        it.mapping("adfs", |it| it.record(&mut company.adfs));
    }
}

/// Tags; one that is a name alone has its place in the list for its identifier.
fn tags(written: Written<'_>) -> Vec<Tag> {
    let (mut ids, mut names) = (Names::new("tag with the identifier"), Names::new("tag"));
    let tag = |(place, it): (usize, Written<'_>)| {
        let it = it.called("a tag");
        let mut id = place.to_string();
        if it.is_text() {
            return Some(Tag { tag_id: Some(ids.add(it, &id)?), name: Some(names.add(it, it.name()?)?) });
        }
        it.mapping("a tag", |fields| {
            let name = fields.need("name").and_then(|it| names.add(it, it.name()?));
            fields.set("tag_id", &mut id, |it| it.name().map(Into::into));
            Some(Tag { tag_id: Some(ids.add(it, &id)?), name: Some(name?) })
        })?
    };
    (1..).zip(written.list()).filter_map(tag).collect()
}

/// One list for every way, or a list for each.
fn languages(written: Written<'_>) -> Option<Languages> {
    let list = |it: Written<'_>| -> Vec<String> {
        it.one_or_more().into_iter().filter_map(|it| it.called("a language").name().map(Into::into)).collect()
    };
    if !written.is_mapping() {
        let all = list(written);
        return Some(Languages { sms_text: all.clone(), phone_app: all.clone(), oath_token: all });
    }
    written.mapping("languages", |fields| {
        let mut languages = Languages::default();
        fields.set("sms_text", &mut languages.sms_text, |it| Some(list(it)));
        fields.set("phone_app", &mut languages.phone_app, |it| Some(list(it)));
        fields.set("oath_token", &mut languages.oath_token, |it| Some(list(it)));
        languages
    })
}

/// The questions to choose from, each a text or a record.
fn questions(written: Written<'_>) -> Vec<SecurityQuestion> {
    let question = |(sequence, it): (i32, Written<'_>)| {
        let it = it.called("a question");
        let mut question = SecurityQuestion { language: Some("en".into()), question: None, sequence };
        if it.is_text() {
            question.question = Some(it.name()?.into());
            return Some(question);
        }
        it.mapping("a question", |fields| {
            fields.need("question");
            fields.record(&mut question);
            question
        })
    };
    (1..).zip(written.list()).filter_map(question).collect()
}

fn tokens(written: Written<'_>) -> Vec<Token> {
    let mut names = Names::new("token");
    let token = |it: Written<'_>| {
        it.mapping("a token", |fields| {
            let serial_number = fields.need("serial_number").and_then(|it| names.add(it, it.name()?));
            let secret_key = fields.need("secret_key").and_then(base32);
            let mut time_interval = 30;
            fields.set("time_interval", &mut time_interval, |it| it.whole(1..=86_400));
            Some(Token { serial_number: serial_number?, secret_key: secret_key?, time_interval })
        })?
    };
    written.list().into_iter().map(|it| it.called("a token")).filter_map(token).collect()
}

fn base32(written: Written<'_>) -> Option<Secret> {
    let text = written.secret()?;
    match oath::key(text) {
        Some(_) => Some(text.into()),
        None => {
            let help = "Base32 has the letters A to Z and the digits 2 to 7: JBSWY3DPEHPK3PXP.".into();
            written.wrong(Code::BadValue, "the key is no Base32".into(), [help])
        }
    }
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

fn mail(written: Written<'_>) -> Option<Mailing> {
    written.mapping("mail", |fields| {
        let mut mail = Mailing::default();
        fields.set("server", &mut mail.server, |it| it.text().map(Into::into));
        fields.set("enabled", &mut mail.enabled, Written::truth);
        let template = |it: Written<'_>| {
            let mut template = Email::default();
            it.mapping("a template", |fields| {
                fields.need("kind");
                fields.record(&mut template);
            })?;
            Some(template)
        };
        fields.set("templates", &mut mail.templates, |it| {
            Some(it.list().into_iter().map(|it| it.called("a template")).filter_map(template).collect())
        });
        mail
    })
}

/// The keys of a user beyond his settings, and what the settings mean beyond their types.
pub(super) fn user(fields: &mut Fields<'_>, user: &mut User, company: &Company, device_ids: &mut Names) {
    user.tags = any_of(fields, "tags", |it| tag_of(it.called("a tag"), company));
    fields.set("devices", &mut user.devices, |it| {
        Some(it.one_or_more().into_iter().filter_map(|it| device(it.called("a device"), device_ids)).collect())
    });
    fields.set("questions", &mut user.questions, |it| own_questions(it).map(|it| Some(Box::new(it))));
    fields.set("administrator", &mut user.administrator, administrator);

    let it = &mut user.settings;
    it.phone_app_activated |= !user.devices.is_empty();
    let rules = ["minimum_pin_length", "prevent_weak_pins", "pin_expiration_days", "historical_pins"];
    let own_rules = rules.map(|it| fields.take(it)).iter().any(Option::is_some);
    if own_rules && fields.take("override_pin_rules").is_none() {
        it.override_pin_rules = true;
    }
    if it.static_token.is_some() && fields.take("enable_static_token").is_none() {
        it.enable_static_token = true;
    }
    if let Some(written) = fields.take("historical_pin_values")
        && written.secret().is_some_and(|it| it.contains(|it: char| !it.is_ascii_digit() && !", ".contains(it)))
    {
        let help = "The newest first: \"2580,1470\".".into();
        let _: Option<()> = written.wrong(Code::BadValue, "former PINs are digits, with commas between".into(), [help]);
    }
    if let Some(written) = fields.take("oath_token_serial_number")
        && it.oath_token_secret_key.is_none()
        && let Some(serial) = it.oath_token_serial_number.as_deref().filter(|it| !it.trim().is_empty())
    {
        match company.tokens.iter().find(|it| it.serial_number == serial) {
            Some(token) => {
                it.oath_token_secret_key = Some(token.secret_key.clone());
                it.oath_token_time_interval = token.time_interval;
            }
            None => {
                let known = company.tokens.iter().map(|it| it.serial_number.as_str());
                let meant = closest(serial, known).map(|it| format!("Did you mean {it}?")).into_iter();
                let help = meant.chain(["Add it under company: tokens, or give oath_token_secret_key.".into()]);
                let message = format!("there is no token {serial:?}");
                let _: Option<()> = written.wrong(Code::UnknownWord, message, help.collect::<Vec<_>>());
            }
        }
    }
}

/// The identifier of a tag of the company, by its name or identifier.
fn tag_of(written: Written<'_>, company: &Company) -> Option<String> {
    let text = written.name()?;
    let is = |it: &&Tag| it.name.as_deref() == Some(text) || it.tag_id.as_deref() == Some(text);
    match company.tags.iter().find(is) {
        Some(tag) => tag.tag_id.clone(),
        None => {
            let names = || company.tags.iter().filter_map(|it| it.name.as_deref());
            let allowed = match company.tags.is_empty() {
                true => "none yet; name them under company: tags".into(),
                false => names().collect::<Vec<_>>().join(", "),
            };
            written.unknown_word(text, names(), &allowed)
        }
    }
}

/// A name, or a phone with all that is said of it.
fn device(written: Written<'_>, ids: &mut Names) -> Option<Device> {
    if written.is_text() {
        return Some(Device { name: written.name()?.into(), ..Device::default() });
    }
    written.mapping("a device", |fields| {
        let mut device = Device::default();
        fields.set("device_id", &mut device.id, |it| ids.add(it, it.name()?));
        fields.set("name", &mut device.name, |it| it.text().map(Into::into));
        fields.set("token", &mut device.token, |it| it.secret().map(Into::into));
        fields.set("version", &mut device.version, |it| it.text().map(Into::into));
        fields.set("oath_key", &mut device.oath_key, |it| base32(it).map(Some));
        device
    })
}

fn own_questions(written: Written<'_>) -> Option<UserSecurityQuestions> {
    let items = written.list();
    if items.len() > 4 {
        let message = format!("questions has {} questions, and a user has four at most", items.len());
        return written.wrong(Code::BadValue, message, []);
    }
    let mut questions = UserSecurityQuestions::default();
    let it = &mut questions;
    let places = [
        (&mut it.security_question1, &mut it.security_answer1),
        (&mut it.security_question2, &mut it.security_answer2),
        (&mut it.security_question3, &mut it.security_answer3),
        (&mut it.security_question4, &mut it.security_answer4),
    ];
    for ((question, answer), written) in places.into_iter().zip(items) {
        written.called("a question").mapping("a question", |fields| {
            *question = fields.need("question").and_then(|it| it.name().map(Into::into));
            *answer = fields.need("answer").and_then(|it| it.secret().map(Into::into));
        });
    }
    Some(questions)
}

/// `true` for every right, or the rights that are given.
fn administrator(written: Written<'_>) -> Option<Option<Box<UserAdministrator>>> {
    let all = UserAdministrator {
        is_administrator: true,
        tag_match_type: TagMatchType::AllUsers,
        tag_string: Some(String::new()),
        add_user: true,
        one_time_bypass: true,
        bypass_seconds: true,
        change_mode: true,
        change_submode: true,
        change_phone: true,
        change_pin: true,
        change_language: true,
        reset_voiceprint: true,
        user_information: true,
        oath_token: true,
        enable_disable: true,
        block_unblock_user: true,
        remove_user: true,
        test_authentication: true,
        activate_phone_app: true,
        deactivate_phone_app: true,
        verify_security_questions: true,
        change_static_token: true,
    };
    if !written.is_mapping() {
        return written.truth().map(|it| it.then(|| Box::new(all)));
    }
    let mut rights = UserAdministrator {
        is_administrator: true,
        tag_match_type: TagMatchType::AllUsers,
        tag_string: Some(String::new()),
        ..UserAdministrator::default()
    };
    written.mapping("administrator", |fields| fields.record(&mut rights))?;
    Some(Some(Box::new(rights)))
}

/// The sessions that another site handed over.
pub(super) fn sessions(written: Written<'_>) -> Vec<Session> {
    let (mut ids, mut cookies) = (Names::new("session"), Names::new("session with the cookie"));
    let session = |it: Written<'_>| {
        it.mapping("a session", |fields| {
            let cookie = fields.need("cookie_id").and_then(|it| cookies.add(it, it.name()?));
            let mut passed = PassedSession { secondary_auth_status: AuthResult::Fail, ..PassedSession::default() };
            let username = fields.need("username").and_then(Written::name);
            fields.record(&mut passed);
            let id = match fields.take("session_id") {
                Some(it) => ids.add(it, it.name()?),
                None => cookie.as_deref().and_then(|cookie| ids.add(it, cookie)),
            };
            username?;
            Some(Session { id: id?, passed: PassedSession { cookie_id: Some(cookie?), ..passed } })
        })?
    };
    written.list().into_iter().map(|it| it.called("a session")).filter_map(session).collect()
}

#[cfg(test)]
mod tests {
    use crate::scenario::load;

    fn mistakes(text: &str) -> Vec<String> {
        load("test", text).unwrap_err().iter().map(|it| format!("{} {}", it.code.word(), it.message)).collect()
    }

    #[test]
    fn what_is_wrong_is_told() {
        let cases = [
            ("company: {master: gone}", "unknown-word master cannot be \"gone\""),
            ("company: {tags: [VIP, vip]}", "duplicate-name there is another tag \"vip\""),
            (
                "company: {tags: [VIP, {tag_id: '1', name: Staff}]}",
                "duplicate-name there is another tag with the identifier \"1\"",
            ),
            ("company: {tags: [VIP]}\nusers: [{username: a, tags: VPI}]", "unknown-word a tag cannot be \"VPI\""),
            ("company: {tokens: [{serial_number: GA-1}]}", "missing-key a token needs the key secret_key"),
            ("company: {tokens: [{serial_number: GA-1, secret_key: '0189'}]}", "bad-value the key is no Base32"),
            ("users: [{username: a, oath_token_serial_number: GA-1}]", "unknown-word there is no token \"GA-1\""),
            ("company: {whitelist: [10.0.0]}", "bad-value \"10.0.0\" is no address, range or subnet"),
            ("company: {portal: {device_limit: many}}", "bad-value device_limit must be a whole number, 0 or more"),
            ("company: {adfs: {url: x}}", "unknown-key adfs has no key \"url\""),
            ("company: {mail: {templates: [{subject: x}]}}", "missing-key a template needs the key kind"),
            (
                "users: [{username: a, historical_pin_values: '12a'}]",
                "bad-value former PINs are digits, with commas between",
            ),
            ("users: [{username: a, questions: [{question: Pet?}]}]", "missing-key a question needs the key answer"),
            ("users: [{username: a, administrator: {fly: true}}]", "unknown-key administrator has no key \"fly\""),
            ("users: [{username: a, devices: [{id: '1'}]}]", "unknown-key a device has no key \"id\""),
            (
                "users: [{username: a, devices: {device_id: '1'}}, {username: b, devices: {device_id: '1'}}]",
                "duplicate-name there is another device \"1\"",
            ),
            ("sessions: [{username: a}]", "missing-key a session needs the key cookie_id"),
            (
                "sessions: [{cookie_id: c, username: a}, {cookie_id: c, username: b}]",
                "duplicate-name there is another session with the cookie \"c\"",
            ),
            ("rules: [{digits: 12a}]", "bad-value keys are 0 to 9, * and #"),
        ];
        for (text, expected) in cases {
            assert_eq!(mistakes(text)[0], expected, "{text}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        for text in [
            "users: [{username: a, questions: [{question: Pet?, answer: hunter2, x: 1}]}]",
            "users: [{username: a, devices: [{token: hunter2, x: 1}]}]",
            "company: {tokens: [{serial_number: a, secret_key: hunter2}]}",
            "rules: [{digits: hunter2}]",
            "users: [{username: a, static_token: hunter2, x: 1}]",
        ] {
            let told: String = load("test", text).unwrap_err().iter().map(ToString::to_string).collect();
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn what_follows_from_what_is_said_need_not_be_said() {
        let text = "company: {tokens: [{serial_number: GA-1, secret_key: JBSWY3DPEHPK3PXP, time_interval: 60}]}\nusers: [{username: a, devices: Pixel, static_token: x, minimum_pin_length: 6, oath_token_serial_number: GA-1}]";
        let scenario = load("test", text).unwrap();
        let it = &scenario.setup.users[0].settings;
        assert!(it.phone_app_activated && it.enable_static_token && it.override_pin_rules);
        assert_eq!((it.oath_token_secret_key.is_some(), it.oath_token_time_interval), (true, 60));
    }
}
