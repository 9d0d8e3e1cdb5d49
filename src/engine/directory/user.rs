//! Users, and finding them by name or number.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::contract::{Secret, UserAdministrator, UserSecurityQuestions, UserSettings};
use crate::engine::directory::index::Index;
use crate::engine::directory::slots::{Key, Lookup};
use crate::engine::{Device, Number, Query, Timestamp};

/// One user of the emulated server.
#[derive(Clone, Debug)]
pub struct User {
    /// As stored; compared without regard to letter case.
    pub username: String,
    /// What the contract tells of a user, the secrets included.
    pub settings: UserSettings,
    /// For `PrimaryAuthUser`.
    pub password: Option<Secret>,
    pub block: Option<Block>,
    pub bypass: Option<Bypass>,
    /// When the PIN was set; the scenario's start where it says nothing.
    pub pin_changed: Timestamp,
    /// The last time step whose code of the token was accepted: no code of it or before is accepted again.
    pub oath_step: Option<u64>,
    /// The identifiers of the user's tags.
    pub tags: Vec<String>,
    /// The phones with the mobile app.
    pub devices: Vec<Device>,
    pub questions: Option<Box<UserSecurityQuestions>>,
    /// What the user may do as an administrator of the user portal; none: is none.
    pub administrator: Option<Box<UserAdministrator>>,
}

/// Why a user or a person is blocked.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub since: Timestamp,
    pub reason: String,
}

/// A one-time bypass.
#[derive(Clone, Debug, PartialEq)]
pub struct Bypass {
    pub until: Timestamp,
    pub reason: String,
}

impl User {
    /// A user with nothing but a name.
    #[must_use]
    pub fn new(username: &str, settings: UserSettings) -> Self {
        Self {
            username: username.into(),
            settings,
            password: None,
            block: None,
            bypass: None,
            pin_changed: Timestamp::default(),
            oath_step: None,
            tags: Vec::new(),
            devices: Vec::new(),
            questions: None,
            administrator: None,
        }
    }

    /// Lets a user of a scenario begin: what the scenario says by its age gets its time.
    pub(in crate::engine) fn begin(&mut self, now: Timestamp) {
        if self.pin_changed == Timestamp::default() {
            let ago = Duration::try_from_secs_f64(self.settings.seconds_since_pin_change).unwrap_or_default();
            self.pin_changed = Timestamp::from_unix(now.unix().saturating_sub(ago));
        }
        if let Some(block) = self.block.as_mut().filter(|it| it.since == Timestamp::default()) {
            block.since = now;
        }
    }

    /// Whether a scenario says the same of both.
    pub(in crate::engine) fn is_written_as(&self, other: &Self) -> bool {
        let reason = |it: &Self| it.block.as_ref().map(|it| it.reason.clone());
        let rest = |it: &Self| (it.password.clone(), reason(it), it.questions.clone(), it.administrator.clone());
        self.username == other.username
            && self.settings == other.settings
            && self.tags == other.tags
            && self.devices == other.devices
            && rest(self) == rest(other)
    }

    /// The stored number, if it can be read.
    #[must_use]
    pub fn number(&self, default_country: &str) -> Option<Number> {
        let it = &self.settings;
        read(&it.phone, &it.country_code, &it.extension, default_country)
    }

    /// The number that is called where nobody answers the first.
    #[must_use]
    pub fn backup_number(&self, default_country: &str) -> Option<Number> {
        let it = &self.settings;
        read(&it.backup_phone, &it.backup_country_code, &it.backup_extension, default_country)
    }

    /// Whether the PIN is to be changed before it is accepted again.
    #[must_use]
    pub fn pin_is_stale(&self, now: Timestamp) -> bool {
        let days = u64::try_from(self.settings.pin_expiration_days).unwrap_or_default();
        let expired = days > 0 && now.since(self.pin_changed) > Duration::from_hours(24 * days);
        self.settings.pin_change_required || expired
    }

    /// The settings as the service tells them: without secrets, unless the scenario reveals them.
    #[must_use]
    pub fn told(&self, now: Timestamp, reveal_secrets: bool) -> UserSettings {
        let mut settings = self.settings.clone();
        settings.seconds_since_pin_change = now.since(self.pin_changed).as_secs() as f64;
        settings.oath_token_exists = self.settings.oath_token_secret_key.is_some();
        if !reveal_secrets {
            let hidden = || Some(Secret::default());
            settings.pin = hidden();
            settings.historical_pin_values = hidden();
            settings.oath_token_secret_key = hidden();
            settings.static_token = hidden();
        }
        settings
    }
}

/// Finds somebody by any form of a name: `named` knows whole names, `by_account` the parts before `@`, both in lower
/// case. `DOMAIN\name`, `name` and `name@domain` are the same.
pub fn by_any_form<T>(
    username: &str,
    named: impl Fn(&str) -> Option<T>,
    by_account: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let name = username.trim().to_lowercase();
    if let Some(found) = named(&name) {
        return Some(found);
    }
    let bare = name.rsplit('\\').next().unwrap_or_default();
    if let Some(found) = named(bare) {
        return Some(found);
    }
    // `anna@fabrikam.com` is not `anna@contoso.com`: only a name without a domain stands for one with it.
    match bare.split_once('@') {
        Some((account, _)) => named(account),
        None => by_account(bare),
    }
}

fn read(
    number: &Option<String>,
    country: &Option<String>,
    extension: &Option<String>,
    default: &str,
) -> Option<Number> {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    Number::read(&text(number), &text(country), &text(extension), default).ok()
}

/// Where a user is kept.
pub(in crate::engine) type Slot = u32;

/// The users in their slots. Copies share each user until one of them changes it.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Stored {
    slots: Vec<Option<Arc<User>>>,
    /// The code of numbers that are written without one.
    pub country_code: String,
}

/// The users, by name and by number. What they are found by follows every change.
#[derive(Clone, Debug)]
pub struct Directory {
    users: Stored,
    free: Vec<Slot>,
    /// In the order of their names in lower case.
    order: Vec<Slot>,
    by_name: Lookup,
    /// For callers that say `DOMAIN\name` or `name`.
    by_account: Lookup,
    by_number: Lookup,
    /// What users are looked for in, but for those that changed since it was made.
    index: Index,
    changed: HashSet<Slot>,
}

/// How many users may have changed before the index is made anew: so many, and one in so many.
const STALE: (usize, usize) = (256, 16);

impl Stored {
    pub(in crate::engine) fn at(&self, slot: Slot) -> Option<&User> {
        self.slots[slot as usize].as_deref()
    }

    /// A user's name in lower case.
    fn name(&self, slot: Slot) -> String {
        self.at(slot).map(|it| it.username.to_lowercase()).unwrap_or_default()
    }

    fn take(&mut self, slot: Slot) -> Arc<User> {
        self.slots[slot as usize].take().expect("what is looked up leads to a user")
    }
}

impl Directory {
    /// A directory of users. Of several with one name the first stays.
    #[must_use]
    pub fn of(users: Vec<User>, country_code: &str) -> Self {
        Self::of_shared(users.into_iter().map(Arc::new).collect(), country_code)
    }

    /// A directory of users that others may have too.
    pub(in crate::engine) fn of_shared(users: Vec<Arc<User>>, country_code: &str) -> Self {
        let mut it = Self {
            users: Stored { slots: Vec::with_capacity(users.len()), country_code: country_code.into() },
            free: Vec::new(),
            order: Vec::new(),
            by_name: Lookup::new(Key::Name),
            by_account: Lookup::new(Key::Account),
            by_number: Lookup::new(Key::Number),
            index: Index::default(),
            changed: HashSet::new(),
        };
        it.lookups().into_iter().for_each(|it| it.reserve(users.len()));
        let mut names = Vec::with_capacity(users.len());
        for user in users {
            if let Some(slot) = it.keep(user) {
                names.push((it.users.name(slot), slot));
            }
        }
        names.sort_unstable();
        it.order = names.into_iter().map(|(_, slot)| slot).collect();
        it.make_index();
        it
    }

    /// Adds a user; `false` where the name is taken.
    pub fn add(&mut self, user: User) -> bool {
        self.add_shared(Arc::new(user))
    }

    /// [`Self::add`] of a user that others may have too.
    pub(in crate::engine) fn add_shared(&mut self, user: Arc<User>) -> bool {
        let Some(slot) = self.keep(user) else { return false };
        self.order.insert(self.place(&self.users.name(slot)), slot);
        self.changed.insert(slot);
        true
    }

    /// Takes a user out.
    pub fn remove(&mut self, username: &str) -> Option<User> {
        self.remove_from(self.slot(username)?)
    }

    /// Takes the user of that very name out, letter case aside.
    pub(in crate::engine) fn remove_named(&mut self, username: &str) -> Option<User> {
        self.remove_from(self.named(&username.to_lowercase())?)
    }

    fn remove_from(&mut self, slot: Slot) -> Option<User> {
        self.order.remove(self.place(&self.users.name(slot)));
        let user = self.take(slot);
        self.free.push(slot);
        Some(Arc::unwrap_or_clone(user))
    }

    /// Gives a user another name; `false` where it is taken.
    pub fn rename(&mut self, username: &str, new: &str) -> bool {
        let Some(slot) = self.slot(username) else { return false };
        if self.named(&new.to_lowercase()).is_some_and(|it| it != slot) {
            return false;
        }
        self.order.remove(self.place(&self.users.name(slot)));
        let mut user = self.take(slot);
        Arc::make_mut(&mut user).username = new.into();
        self.put(slot, user);
        self.order.insert(self.place(&self.users.name(slot)), slot);
        self.changed.insert(slot);
        true
    }

    /// Changes what a user is found by: numbers, names, mail address, group.
    pub fn change_settings(&mut self, username: &str, change: impl FnOnce(&mut UserSettings)) {
        let Some(slot) = self.slot(username) else { return };
        let mut user = self.take(slot);
        change(&mut Arc::make_mut(&mut user).settings);
        self.put(slot, user);
        self.changed.insert(slot);
    }

    /// The users that fit, in the order of their names.
    pub fn search<'a>(&'a mut self, query: &'a Query) -> impl Iterator<Item = &'a User> {
        if self.changed.len() > STALE.0 + self.order.len() / STALE.1 {
            self.make_index();
        }
        let this = &*self;
        let candidates = query.candidates(&this.index, this.users.slots.len());
        let is_indexed = query.is_indexed();
        let fits = move |slot: &Slot| {
            let changed = this.changed.contains(slot);
            let user = (candidates.has(*slot) || changed).then(|| this.users.at(*slot)).flatten()?;
            ((is_indexed && !changed) || query.matches(user)).then_some(user)
        };
        this.order.iter().filter_map(fits)
    }

    fn make_index(&mut self) {
        self.index = Index::of(self.users.slots.iter().map(Option::as_deref));
        self.changed.clear();
    }

    /// Puts a user into a free slot, unless the name is taken.
    fn keep(&mut self, user: Arc<User>) -> Option<Slot> {
        if self.has(&user.username) {
            return None;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.users.slots.push(None);
            Slot::try_from(self.users.slots.len() - 1).expect("memory ends")
        });
        self.put(slot, user);
        Some(slot)
    }

    /// Puts a user into an empty slot, to be found there.
    fn put(&mut self, slot: Slot, user: Arc<User>) {
        let Self { users, by_name, by_account, by_number, .. } = self;
        [by_name, by_account, by_number].into_iter().for_each(|it| it.add(slot, &user, users));
        users.slots[slot as usize] = Some(user);
    }

    /// Takes a user out of a slot, no longer to be found there.
    fn take(&mut self, slot: Slot) -> Arc<User> {
        let Self { users, by_name, by_account, by_number, .. } = self;
        let user = users.take(slot);
        [by_name, by_account, by_number].into_iter().for_each(|it| it.remove(slot, &user, users));
        user
    }

    fn lookups(&mut self) -> [&mut Lookup; 3] {
        [&mut self.by_name, &mut self.by_account, &mut self.by_number]
    }

    /// Where a name in lower case stands in the order, or would.
    fn place(&self, name: &str) -> usize {
        self.order.partition_point(|it| *self.users.name(*it) < *name)
    }

    /// A user by any form of the name: `DOMAIN\name`, `name` and `name@domain` are the same, and letter case does
    /// not matter.
    #[must_use]
    pub fn find(&self, username: &str) -> Option<&User> {
        self.users.at(self.slot(username)?)
    }

    /// Whether that very name is taken, letter case aside.
    #[must_use]
    pub fn has(&self, username: &str) -> bool {
        self.named(&username.to_lowercase()).is_some()
    }

    /// A user to be changed: all but what users are found by, which [`Self::rename`] and [`Self::change_settings`]
    /// change.
    pub fn find_mut(&mut self, username: &str) -> Option<&mut User> {
        let slot = self.slot(username)?;
        self.users.slots[slot as usize].as_mut().map(Arc::make_mut)
    }

    /// The slot of a name in lower case.
    fn named(&self, name: &str) -> Option<Slot> {
        self.by_name.find(name, &self.users)
    }

    fn slot(&self, username: &str) -> Option<Slot> {
        by_any_form(username, |name| self.named(name), |account| self.by_account.find(account, &self.users))
    }

    /// A user with that number.
    #[must_use]
    pub fn owner(&self, number: &Number) -> Option<&User> {
        self.users.at(self.by_number.find(number.digits(), &self.users)?)
    }

    pub fn owner_mut(&mut self, number: &Number) -> Option<&mut User> {
        let slot = self.by_number.find(number.digits(), &self.users)?;
        self.users.slots[slot as usize].as_mut().map(Arc::make_mut)
    }

    /// The users in the order of their names in lower case.
    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.order.iter().filter_map(|slot| self.users.at(*slot))
    }

    /// The user of that very name, letter case aside.
    pub(in crate::engine) fn exactly(&self, username: &str) -> Option<&User> {
        self.users.at(self.named(&username.to_lowercase())?)
    }

    /// [`Self::iter`], as they are shared.
    pub(in crate::engine) fn shared(&self) -> impl Iterator<Item = &Arc<User>> {
        self.order.iter().filter_map(|slot| self.users.slots[*slot as usize].as_ref())
    }

    /// Every user, in no order, to be changed as by [`Self::find_mut`].
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut User> {
        self.users.slots.iter_mut().flatten().map(Arc::make_mut)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_under_every_form_of_the_name() {
        let mut directory = Directory::of(Vec::new(), "1");
        for name in ["mimservice@contoso.com", "Anna"] {
            assert!(directory.add(User::new(name, UserSettings::default())));
        }
        assert!(!directory.add(User::new("ANNA", UserSettings::default())));
        let find = |name| directory.find(name).map(|it| it.username.as_str());
        assert_eq!(find(r"CONTOSO\mimservice"), Some("mimservice@contoso.com"));
        assert_eq!(find("MIMSERVICE@contoso.com"), Some("mimservice@contoso.com"));
        assert_eq!(find("mimservice"), Some("mimservice@contoso.com"));
        assert_eq!(find("mimservice@fabrikam.com"), None);
        assert_eq!(find("anna@contoso.com"), Some("Anna"));
        assert_eq!(find(r"CONTOSO\ANNA"), Some("Anna"));
        assert_eq!(find("ann"), None);
    }

    #[test]
    fn names_and_numbers_follow_every_change() {
        let with_phone = |phone: &str| UserSettings { phone: Some(phone.into()), ..UserSettings::default() };
        let number = |text| Number::read(text, "", "", "1").unwrap();
        let mut directory = Directory::of(Vec::new(), "1");
        for (name, phone) in [("anna@contoso.com", "4255550100"), ("ben", "4255550100"), ("carla", "4255550102")] {
            directory.add(User::new(name, with_phone(phone)));
        }
        let owner = |it: &Directory, phone| it.owner(&number(phone)).map(|it| it.username.clone());

        assert!(!directory.rename("anna", "Ben"));
        assert!(directory.rename("anna", "Zoe@contoso.com"));
        assert_eq!(directory.find("zoe").map(|it| it.username.as_str()), Some("Zoe@contoso.com"));
        assert!(directory.find("anna").is_none());
        assert_eq!(owner(&directory, "4255550100").as_deref(), Some("ben"));

        directory.change_settings("carla", |it| it.phone = Some("4255550103".into()));
        assert_eq!(owner(&directory, "4255550103").as_deref(), Some("carla"));
        assert_eq!(owner(&directory, "4255550102"), None);

        assert!(directory.remove("ben").is_some());
        assert_eq!(owner(&directory, "4255550100").as_deref(), Some("Zoe@contoso.com"));
        directory.add(User::new("Dario", with_phone("4255550104")));
        let names: Vec<_> = directory.iter().map(|it| it.username.as_str()).collect();
        assert_eq!(names, ["carla", "Dario", "Zoe@contoso.com"]);
        assert_eq!(directory.len(), 3);
    }

    #[test]
    fn a_user_takes_less_than_a_kibibyte_beside_its_text() {
        // Two entries of a hash map and one of the order come on top, and the columns hold text alone.
        assert!(size_of::<User>() + 3 * 48 < 1024, "{}", size_of::<User>());
    }
}
