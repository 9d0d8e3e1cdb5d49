//! Finding users by what is known of them.

use super::{Directory, NotANumber, Pattern, User};
use crate::contract::{Mode, PhoneAppMode, PinMode, SmsDirection, SmsMode, TagMatchType};

/// What is known of the users to be found. What is `None` matches everybody.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub username: Option<Pattern>,
    pub first_name: Option<Pattern>,
    pub last_name: Option<Pattern>,
    pub email: Option<Pattern>,
    pub user_group: Option<Pattern>,
    pub phone: Option<PhonePattern>,
    pub mode: Option<Mode>,
    pub pin_mode: Option<PinMode>,
    pub sms_direction: Option<SmsDirection>,
    pub sms_mode: Option<SmsMode>,
    pub phone_app_mode: Option<PhoneAppMode>,
    pub enabled: Option<bool>,
    pub tags: Option<(TagMatchType, Vec<String>)>,
}

/// A telephone number with `*` in it, however it is grouped, with its country code or without.
#[derive(Clone, Debug)]
pub struct PhonePattern(Pattern);

impl PhonePattern {
    /// # Errors
    /// [`NotANumber::Character`] where it holds what belongs in no number.
    pub fn new(text: &str) -> Result<Self, NotANumber> {
        let belongs = |c: char| c.is_ascii_digit() || c == '*';
        match text.chars().find(|it| !belongs(*it) && !it.is_whitespace() && !"+-().".contains(*it)) {
            Some(stranger) => Err(NotANumber::Character(stranger)),
            None => Ok(Self(Pattern::exact(&text.chars().filter(|it| belongs(*it)).collect::<String>()))),
        }
    }

    /// `whole` is a buffer, so that looking at many users allocates once.
    fn matches(&self, user: &User, whole: &mut String) -> bool {
        let it = &user.settings;
        let phone = it.phone.as_deref().unwrap_or_default();
        whole.clear();
        whole.push_str(it.country_code.as_deref().unwrap_or_default());
        whole.push_str(phone);
        self.0.matches(phone) || self.0.matches(whole)
    }
}

impl Query {
    fn matches(&self, user: &User, whole: &mut String) -> bool {
        let it = &user.settings;
        let text = |pattern: &Option<Pattern>, text: &Option<String>| {
            pattern.as_ref().is_none_or(|it| it.matches(text.as_deref().unwrap_or_default()))
        };
        self.username.as_ref().is_none_or(|it| it.matches(&user.username))
            && same(self.enabled, it.enabled)
            && same(self.mode, it.mode)
            && same(self.pin_mode, it.pin_mode)
            && same(self.sms_direction, it.sms_direction)
            && same(self.sms_mode, it.sms_mode)
            && same(self.phone_app_mode, it.phone_app_mode)
            && self.phone.as_ref().is_none_or(|it| it.matches(user, whole))
            && text(&self.first_name, &it.first_name)
            && text(&self.last_name, &it.last_name)
            && text(&self.email, &it.email_address)
            && text(&self.user_group, &it.user_group)
            && self.tags.as_ref().is_none_or(|(how, tags)| tagged(*how, tags, &user.tags))
    }
}

fn same<T: Copy + PartialEq>(asked: Option<T>, stored: T) -> bool {
    asked.is_none_or(|it| it == stored)
}

/// Whether a user's tags are as asked.
fn tagged(how: TagMatchType, asked: &[String], tags: &[String]) -> bool {
    match how {
        TagMatchType::AllUsers => true,
        TagMatchType::AnyTags => asked.iter().any(|it| tags.contains(it)),
        TagMatchType::AllTags => asked.iter().all(|it| tags.contains(it)),
        TagMatchType::ExactTags => asked.iter().all(|it| tags.contains(it)) && tags.iter().all(|it| asked.contains(it)),
    }
}

impl Directory {
    /// The users that fit, in the order of their names.
    pub fn search<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = &'a User> {
        let prefix = query.username.as_ref().map(|it| it.prefix().to_lowercase()).unwrap_or_default();
        let mut whole = String::new();
        self.beginning_with(prefix).filter(move |it| query.matches(it, &mut whole))
    }
}
