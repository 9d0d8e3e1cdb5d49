//! `company`: what the company's administrator sets.

use crate::engine::{Cache, CacheKey, Company, PasscodeRules};

use super::fields::{Fields, Reader, mapping};
use super::mistake::Code;
use super::number::country_code;
use super::texts::{code, template};
use super::values::{Lasting, ReaderExt, Time, Truth, Whole, Word, record, text_as};
use super::written::Written;
use super::{portal, tags};

const CACHE_KEYS: [(&str, CacheKey); 3] =
    [("user", CacheKey::User), ("ip", CacheKey::Ip), ("application", CacheKey::Application)];

/// Whether the master server is away.
pub(super) const MASTER: [(&str, bool); 2] = [("answers", false), ("away", true)];

pub(super) fn company<'a>() -> impl Reader<'a, Value = Company> {
    mapping("company", "company", |fields| {
        let mut company = Company::default();
        fields.set("country_code", &mut company.country_code, country_code());
        fields.set("ring", &mut company.ring, Time);
        fields.set("ring_timeout", &mut company.ring_timeout, Lasting);
        check_ring(fields, &company);
        fields.set("fraud_code", &mut company.fraud_code, fraud_code());
        fields.set("pin_attempts", &mut company.pin_attempts, Whole(1..=100));
        fields.set("bypass", &mut company.bypass, Lasting);
        fields.set("direct_sdk", &mut company.direct_sdk, Truth);
        fields.set("error_on_success", &mut company.error_on_success, Truth);
        fields.set("reveal_secrets", &mut company.reveal_secrets, Truth);
        fields.set("passcode", &mut company.passcode, passcode());
        company.cache = fields.get("cache", cache());
        fields.set("defaults", &mut company.defaults, record("defaults", Company::default().defaults));
        fields.set("features", &mut company.features, record("features", Company::default().features));
        fields.set("master", &mut company.master_away, Word(&MASTER));
        fields.set("tags", &mut company.tags, tags::tags());
        portal::company(fields, &mut company);
        Some(company)
    })
}

fn check_ring(fields: &Fields<'_>, company: &Company) {
    if company.ring > company.ring_timeout
        && let Some(it) = fields.at("ring").or_else(|| fields.at("ring_timeout"))
    {
        let [ring, timeout] = [company.ring, company.ring_timeout].map(humantime::format_duration);
        let message = format!("ring, {ring}, is longer than ring_timeout, {timeout}");
        it.report(Code::BadValue, message, ["No person would ever answer. Set the other one too.".into()]);
    }
}

fn fraud_code<'a>() -> impl Reader<'a, Value = String> {
    text_as("digits", |it: Written<'a>| it.digits().map(Into::into)).shown_as(|it: &String| format!("`{it}`"))
}

fn passcode<'a>() -> impl Reader<'a, Value = PasscodeRules> {
    mapping("passcode", "passcode", |fields| {
        let mut it = Company::default().passcode;
        fields.set("length", &mut it.length, Whole(4..=10));
        fields.set("lifetime", &mut it.lifetime, Lasting);
        fields.set("attempts", &mut it.attempts, Whole(1..=100));
        it.code = fields.get("code", code(it.length));
        fields.set("message", &mut it.message, template());
        Some(it)
    })
}

fn cache<'a>() -> impl Reader<'a, Value = Cache> {
    mapping("cache", "cache", |fields| {
        let lasts = fields.need("lasts", Lasting);
        let mut by = CacheKey::User;
        fields.set("by", &mut by, Word(&CACHE_KEYS));
        lasts.map(|lasts| Cache { lasts, by })
    })
}
