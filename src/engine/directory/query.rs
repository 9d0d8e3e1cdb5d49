//! Searching users.

use super::index::{Index, IndexedText, SlotSet, selectivity};
use super::pattern::Pattern;
use super::user::User;
use crate::contract::{Mode, PhoneAppMode, PinMode, SmsDirection, SmsMode, TagMatchType};
use crate::engine::number::{NotANumber, digits_and};

/// The criteria of a search. `None` matches every user.
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
        digits_and(text, '*').map(|it| Self(Pattern::exact(&it)))
    }

    fn matches(&self, user: &User) -> bool {
        let phone = user.settings.phone.as_deref().unwrap_or_default();
        self.0.matches(phone) || self.0.matches(&user.whole_phone().concat())
    }
}

impl Query {
    pub(super) fn matches(&self, user: &User) -> bool {
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
            && self.phone.as_ref().is_none_or(|it| it.matches(user))
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

impl Query {
    /// Whether the index alone decides which users match: the criteria are texts only, and letter case is ignored.
    pub(super) fn is_answered_by_index(&self) -> bool {
        let texts = [&self.username, &self.first_name, &self.last_name, &self.email, &self.user_group];
        let rest = self.mode.is_none()
            && self.pin_mode.is_none()
            && self.sms_direction.is_none()
            && self.sms_mode.is_none()
            && self.phone_app_mode.is_none()
            && self.enabled.is_none()
            && self.tags.is_none();
        rest && !texts.into_iter().flatten().any(Pattern::minds_case)
    }

    /// The slots that can match.
    pub(super) fn candidates(&self, index: &Index) -> SlotSet {
        let mut asked: Vec<(&[IndexedText], &Pattern)> = Vec::new();
        let texts = [
            (&[IndexedText::Username], &self.username),
            (&[IndexedText::FirstName], &self.first_name),
            (&[IndexedText::LastName], &self.last_name),
            (&[IndexedText::Email], &self.email),
            (&[IndexedText::UserGroup], &self.user_group),
        ];
        asked.extend(texts.iter().filter_map(|(text, pattern)| Some((text.as_slice(), pattern.as_ref()?))));
        asked.extend(self.phone.iter().map(|it| ([IndexedText::Phone, IndexedText::WholePhone].as_slice(), &it.0)));
        // The most selective criterion first: it leaves the fewest candidates for the others.
        asked.sort_by_key(|it| std::cmp::Reverse(selectivity(it.1)));
        let mut candidates = SlotSet::all(index.slots());
        for (texts, pattern) in asked {
            index.narrow(&mut candidates, texts, pattern);
        }
        candidates
    }
}
