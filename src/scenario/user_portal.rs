//! The keys of a user that the user portal and the mobile app meet, and what follows from settings.

use crate::contract::{TagMatchType, UserAdministrator, UserSecurityQuestions};
use crate::engine::{Company, Device, User};

use super::fields::{Fields, Reader, mapping};
use super::grammar::Values;
use super::mistake::{Code, closest};
use super::names::Names;
use super::tags::tag_of_user;
use super::values::{Hidden, Item, Name, OneOrList, OneOrMore, ReaderExt, Text, Truth, base32, described, or_mapping};
use super::written::Written;

/// Declares the keys, once the settings are read.
pub(super) fn user<'a>(fields: &mut Fields<'a>, user: &mut User, company: &Company, device_ids: &mut Names) {
    user.tags = fields.get("tags", OneOrMore(tag_of_user(company))).unwrap_or_default();
    fields.set("devices", &mut user.devices, OneOrList(device(device_ids)));
    user.questions = fields.get("questions", questions()).map(Box::new);
    fields.set("administrator", &mut user.administrator, administrator());
    follow(fields, user, company);
}

/// Sets what follows from other settings, and reports what cannot be.
fn follow(fields: &Fields<'_>, user: &mut User, company: &Company) {
    let it = &mut user.settings;
    it.phone_app_activated |= !user.devices.is_empty();
    let rules = ["minimum_pin_length", "prevent_weak_pins", "pin_expiration_days", "historical_pins"];
    if rules.iter().any(|it| fields.at(it).is_some()) && fields.at("override_pin_rules").is_none() {
        it.override_pin_rules = true;
    }
    if it.static_token.is_some() && fields.at("enable_static_token").is_none() {
        it.enable_static_token = true;
    }
    if let Some(written) = fields.at("historical_pin_values")
        && written.secret().is_some_and(|it| it.contains(|it: char| !it.is_ascii_digit() && !", ".contains(it)))
    {
        let help = "The newest first: \"2580,1470\".".into();
        written.report(Code::BadValue, "former PINs are digits, with commas between".into(), [help]);
    }
    if let Some(written) = fields.at("oath_token_serial_number")
        && it.oath_token_secret_key.is_none()
        && let Some(serial) = it.oath_token_serial_number.as_deref().filter(|it| !it.trim().is_empty())
    {
        match company.tokens.iter().find(|it| it.serial_number == serial) {
            Some(token) => {
                it.oath_token_secret_key = Some(token.secret_key.clone());
                it.oath_token_time_interval = token.time_interval;
            }
            None => written.report_with(Code::UnknownWord, || {
                let known = company.tokens.iter().map(|it| it.serial_number.as_str());
                let meant = closest(serial, known).map(|it| format!("Did you mean {it}?")).into_iter();
                let help = meant.chain(["Add it under company: tokens, or give oath_token_secret_key.".into()]);
                (format!("there is no token {serial:?}"), help.collect::<Vec<_>>())
            }),
        }
    }
}

/// A name, or a phone with all that is known of it.
fn device<'a>(ids: &mut Names) -> impl Reader<'a, Value = Device> {
    let section = move |fields: &mut Fields<'a>| {
        let mut device = Device::default();
        let written = fields.written();
        if written.is_text() {
            device.name = written.name()?.into();
        }
        fields.set("device_id", &mut device.id, Name.and_then(|name: String, it| ids.add(it, &name)));
        fields.set("name", &mut device.name, Text);
        fields.set("token", &mut device.token, Hidden);
        fields.set("version", &mut device.version, Text);
        device.oath_key = fields.get("oath_key", base32());
        Some(device)
    };
    Item("a device", mapping("device", "a device", section).or_text("name"))
}

/// Up to four questions with their answers.
fn questions<'a>() -> impl Reader<'a, Value = UserSecurityQuestions> {
    fn question<'a>() -> impl Reader<'a, Value = (Option<String>, Option<crate::contract::Secret>)> {
        mapping("own_question", "a question", |fields| {
            Some((fields.need("question", Name), fields.need("answer", Hidden)))
        })
    }
    let read = |written: Written<'a>| {
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
        for ((its_question, its_answer), written) in places.into_iter().zip(items) {
            if let Some(read) = Item("a question", question()).read(written) {
                (*its_question, *its_answer) = read;
            }
        }
        Some(questions)
    };
    described(|grammar| Values::list(&question().values(grammar)), read)
}

/// `true` for every right, or the rights that are given.
fn administrator<'a>() -> impl Reader<'a, Value = Option<Box<UserAdministrator>>> {
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
    or_mapping(
        Truth.map(move |it: bool| it.then(|| Box::new(all.clone()))),
        mapping("administrator", "administrator", |fields| {
            let mut rights = UserAdministrator {
                is_administrator: true,
                tag_match_type: TagMatchType::AllUsers,
                tag_string: Some(String::new()),
                ..UserAdministrator::default()
            };
            fields.record(&mut rights);
            Some(Some(Box::new(rights)))
        }),
    )
}
