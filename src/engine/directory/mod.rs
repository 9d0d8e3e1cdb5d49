//! The directory of a space: its users, the tables they are found by, and their phones with the mobile app.
//!
//! Its fields are private to this folder. Three things always hold:
//! - Names are unique, letter case aside, and every lookup and the order of names follow each change of a name or number.
//! - Copies of a directory share each user until one of them changes that user.
//! - Every phone has a number that no other phone of the directory has or had since the start.

mod accounts;
mod changes;
mod devices;
mod index;
mod pattern;
mod query;
mod search;
mod secrets;
mod slots;
mod user;

use std::collections::HashSet;
use std::sync::Arc;

use crate::contract::UserSettings;
use crate::engine::Refusal;

use crate::engine::number::Number;

pub(in crate::engine) use accounts::PhoneChange;
pub use devices::Device;
pub use pattern::Pattern;
pub use query::{PhonePattern, Query};
pub use search::{Candidate, Search};
pub(in crate::engine) use secrets::OathKey;
pub use user::{Block, Bypass, User, by_any_form, is_of_domain};

use devices::Devices;
use index::Index;
use slots::{Lookup, LookupKey, Slot, StoredUsers};
use user::split_domain;

/// The users, by name and by number, and their phones.
#[derive(Clone, Debug)]
pub struct Directory {
    users: StoredUsers,
    free: Vec<Slot>,
    /// In the order of their names in lower case.
    order: Vec<Slot>,
    by_name: Lookup,
    /// For callers that send `DOMAIN\name` or `name`.
    by_account: Lookup,
    by_number: Lookup,
    /// The texts of all users but those in `unindexed`.
    index: Arc<Index>,
    /// The users that changed since the index was built.
    unindexed: HashSet<Slot>,
    devices: Devices,
}

/// The index is rebuilt when more users changed than so many, and one in so many.
const STALE: (usize, usize) = (256, 16);

impl Directory {
    /// A directory of users. Of several with one name the first stays. Phones without a number get one.
    #[must_use]
    pub fn new(users: Vec<User>, country_code: &str) -> Self {
        let mut it = Self::of_shared(users.into_iter().map(Arc::new).collect(), country_code, Devices::default());
        it.number_devices();
        it
    }

    fn of_shared(users: Vec<Arc<User>>, country_code: &str, devices: Devices) -> Self {
        let mut it = Self {
            users: StoredUsers::with_capacity(users.len(), country_code),
            free: Vec::new(),
            order: Vec::new(),
            by_name: Lookup::new(LookupKey::Name),
            by_account: Lookup::new(LookupKey::Account),
            by_number: Lookup::new(LookupKey::Number),
            index: Arc::default(),
            unindexed: HashSet::new(),
            devices,
        };
        [&mut it.by_name, &mut it.by_account, &mut it.by_number].into_iter().for_each(|it| it.reserve(users.len()));
        let mut names = Vec::with_capacity(users.len());
        for user in users {
            if let Some(slot) = it.store(user) {
                names.push((it.users.name(slot), slot));
            }
        }
        names.sort_unstable();
        it.order = names.into_iter().map(|(_, slot)| slot).collect();
        it.rebuild_index();
        it
    }

    /// A user by any form of the name: `DOMAIN\name`, `name` and `name@domain` are the same, and letter case does
    /// not matter.
    #[must_use]
    pub fn find(&self, username: &str) -> Option<&User> {
        self.users.get(self.slot(username)?)
    }

    /// [`Self::find`], and the user's number.
    pub(in crate::engine) fn find_with_number(&self, username: &str) -> Option<(&User, Option<&Arc<Number>>)> {
        let slot = self.slot(username)?;
        Some((self.users.get(slot)?, self.users.number(slot)))
    }

    /// [`Self::find`], to be changed: all but what users are found by, which [`Self::change_settings`] and
    /// `rename` change.
    pub fn find_mut(&mut self, username: &str) -> Option<&mut User> {
        self.users.get_mut(self.slot(username)?)
    }

    /// [`Self::find`] for an operation.
    ///
    /// # Errors
    /// `NoUsername` for an empty name, `UserNotFound`.
    pub fn user(&self, username: &str) -> Result<&User, Refusal> {
        require_name(username)?;
        self.find(username).ok_or_else(|| Refusal::UserNotFound { username: username.into() })
    }

    /// [`Self::find_mut`] for an operation.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub fn user_mut(&mut self, username: &str) -> Result<&mut User, Refusal> {
        require_name(username)?;
        self.find_mut(username).ok_or_else(|| Refusal::UserNotFound { username: username.into() })
    }

    /// The other users that a name fits as well as the one that [`Self::find`] returns, who had the name first.
    fn others_of_name(&self, username: &str) -> Vec<&User> {
        let name = username.trim().to_lowercase();
        let (domain, bare) = split_domain(&name);
        let Some(found) = self.slot(&name).filter(|it| self.users.name(*it) != bare && !bare.contains('@')) else {
            return Vec::new();
        };
        let domain = domain.filter(|it| is_of_domain(&self.users.name(found), it));
        let others = self.slots_of_account(bare, domain).filter(|it| *it != found);
        others.filter_map(|it| self.users.get(it)).collect()
    }

    /// What a tester should know of a name that fits several users.
    #[must_use]
    pub fn ambiguity(&self, username: &str) -> Option<String> {
        let others = self.others_of_name(username);
        let (found, other) = (&self.find(username)?.username, &others.first()?.username);
        let more = if others.len() > 1 { format!(" and {} more", others.len() - 1) } else { String::new() };
        Some(format!(
            "the call names no domain of a user: it concerns {found}, the first that fits; {other}{more} would fit, too"
        ))
    }

    /// The user of that very name, letter case aside.
    #[must_use]
    pub fn find_exactly(&self, username: &str) -> Option<&User> {
        self.users.get(self.slot_of_name(&username.to_lowercase())?)
    }

    /// Whether that very name is taken, letter case aside.
    #[must_use]
    pub fn has(&self, username: &str) -> bool {
        self.find_exactly(username).is_some()
    }

    /// A user with that number.
    #[must_use]
    pub fn owner(&self, number: &Number) -> Option<&User> {
        self.users.get(self.by_number.find(number.digits(), &self.users)?)
    }

    /// Whether a user has the number of these digits.
    pub(in crate::engine) fn has_number(&self, digits: &str) -> bool {
        self.by_number.find(digits, &self.users).is_some()
    }

    /// [`Self::owner`], to be changed as by [`Self::find_mut`].
    pub fn owner_mut(&mut self, number: &Number) -> Option<&mut User> {
        self.users.get_mut(self.by_number.find(number.digits(), &self.users)?)
    }

    /// The users in the order of their names in lower case.
    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.shared().map(|it| &**it)
    }

    fn shared(&self) -> impl Iterator<Item = &Arc<User>> {
        self.order.iter().filter_map(|slot| self.users.get_shared(*slot))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The country code of numbers that are written without one.
    #[must_use]
    pub fn country_code(&self) -> &str {
        self.users.country_code()
    }

    /// Changes a user's settings, those that users are found by included. An unknown name changes nothing.
    pub fn change_settings(&mut self, username: &str, change: impl FnOnce(&mut UserSettings)) {
        let Some(slot) = self.slot(username) else { return };
        let mut user = self.take(slot);
        change(&mut Arc::make_mut(&mut user).settings);
        self.put(slot, user);
        self.unindexed.insert(slot);
    }

    /// Adds a user; `false` if the name is taken.
    fn add(&mut self, user: impl Into<Arc<User>>) -> bool {
        let Some(slot) = self.store(user.into()) else { return false };
        self.order.insert(self.place(&self.users.name(slot)), slot);
        self.unindexed.insert(slot);
        true
    }

    /// Removes the user of that very name, letter case aside.
    fn remove(&mut self, username: &str) -> Option<Arc<User>> {
        let slot = self.slot_of_name(&username.to_lowercase())?;
        self.order.remove(self.place(&self.users.name(slot)));
        self.free.push(slot);
        Some(self.take(slot))
    }

    /// Gives a user another name; `false` if it is taken.
    fn rename(&mut self, username: &str, new: &str) -> bool {
        let Some(slot) = self.slot(username) else { return false };
        if self.slot_of_name(&new.to_lowercase()).is_some_and(|it| it != slot) {
            return false;
        }
        self.order.remove(self.place(&self.users.name(slot)));
        let mut user = self.take(slot);
        Arc::make_mut(&mut user).username = new.into();
        self.put(slot, user);
        self.order.insert(self.place(&self.users.name(slot)), slot);
        self.unindexed.insert(slot);
        true
    }

    fn rebuild_index(&mut self) {
        self.index = Arc::new(Index::new(self.users.in_slots().map(|it| it.map(|it| &**it))));
        self.unindexed.clear();
    }

    /// Puts a user into a free slot; `None` if the name is taken.
    fn store(&mut self, user: Arc<User>) -> Option<Slot> {
        if self.has(&user.username) {
            return None;
        }
        let slot = self.free.pop().unwrap_or_else(|| self.users.add_slot());
        self.put(slot, user);
        Some(slot)
    }

    /// Puts a user into an empty slot and adds the slot to the lookups.
    fn put(&mut self, slot: Slot, user: Arc<User>) {
        let Self { users, by_name, by_account, by_number, .. } = self;
        [by_name, by_account, by_number].into_iter().for_each(|it| it.add(slot, &user, users));
        users.put(slot, user);
    }

    /// Takes a user out of a slot, and the slot out of the lookups.
    fn take(&mut self, slot: Slot) -> Arc<User> {
        let Self { users, by_name, by_account, by_number, .. } = self;
        let user = users.take(slot);
        [by_name, by_account, by_number].into_iter().for_each(|it| it.remove(slot, &user, users));
        user
    }

    /// The place in the order at which a name in lower case stands, or belongs.
    fn place(&self, name: &str) -> usize {
        self.order.partition_point(|it| *self.users.name(*it) < *name)
    }

    fn slot(&self, username: &str) -> Option<Slot> {
        by_any_form(
            username,
            |name| self.slot_of_name(name),
            |account, domain| self.slots_of_account(account, domain).next(),
        )
    }

    /// The slots of names with a part before `@`, those of a domain where there is one.
    fn slots_of_account<'a>(&'a self, account: &str, domain: Option<&'a str>) -> impl Iterator<Item = Slot> + 'a {
        let is_of = move |slot: &Slot| domain.is_none_or(|it| is_of_domain(&self.users.name(*slot), it));
        self.by_account.find_all(account, &self.users).filter(is_of)
    }

    /// The slot of a whole name in lower case.
    fn slot_of_name(&self, name: &str) -> Option<Slot> {
        self.by_name.find(name, &self.users)
    }
}

fn require_name(username: &str) -> Result<(), Refusal> {
    match username.trim().is_empty() {
        true => Err(Refusal::NoUsername {}),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Timestamp;

    #[test]
    fn a_user_is_found_under_every_form_of_the_name() {
        let mut directory = Directory::new(Vec::new(), "1");
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
        assert!(directory.others_of_name("mimservice").is_empty());
    }

    #[test]
    fn the_domain_before_a_name_decides_where_it_is_that_of_a_user() {
        let names = ["anna@fabrikam.com", "anna@contoso.com", "Anna@corp.contoso.org", "ben", "ben@contoso.com"];
        let users = names.map(|it| User::new(it, UserSettings::default()));
        let directory = Directory::new(users.into(), "1");
        let find = |name| {
            let others = directory.others_of_name(name).into_iter().map(|it| it.username.as_str()).collect::<Vec<_>>();
            (directory.find(name).map_or("", |it| it.username.as_str()), others)
        };
        assert_eq!(find(r"contoso.com\anna"), ("anna@contoso.com", vec![]));
        assert_eq!(find(r"CONTOSO\ANNA"), ("anna@contoso.com", vec![]));
        assert_eq!(find(r"FABRIKAM\anna"), ("anna@fabrikam.com", vec![]));
        assert_eq!(find(r"corp\anna"), ("Anna@corp.contoso.org", vec![]));
        assert_eq!(find("anna@contoso.com"), ("anna@contoso.com", vec![]));
        assert_eq!(find("anna"), ("anna@fabrikam.com", vec!["anna@contoso.com", "Anna@corp.contoso.org"]));
        assert_eq!(find(r"OTHER\anna"), ("anna@fabrikam.com", vec!["anna@contoso.com", "Anna@corp.contoso.org"]));
        assert_eq!(find(r"CONTOSO\ben"), ("ben@contoso.com", vec![]));
        assert_eq!(find(r"OTHER\ben"), ("ben", vec![]));
        assert_eq!(find("stranger"), ("", vec![]));
    }

    #[test]
    fn names_and_numbers_follow_every_change() {
        let with_phone = |phone: &str| UserSettings { phone: Some(phone.into()), ..UserSettings::default() };
        let number = |text| Number::read(text, "", "", "1").unwrap();
        let mut directory = Directory::new(Vec::new(), "1");
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

    /// How many users two directories do not share.
    fn unshared(a: &Directory, b: &Directory) -> usize {
        a.shared().zip(b.shared()).filter(|(a, b)| !Arc::ptr_eq(a, b)).count()
    }

    #[test]
    fn copies_share_every_user_that_neither_changes() {
        let phone = |id: &str| Device { id: id.into(), ..Device::default() };
        let user = |at: usize| {
            let mut user = User::new(&format!("user{at}"), UserSettings::default());
            user.devices = if at == 7 { vec![phone("p7"), phone("")] } else { Vec::new() };
            user
        };
        let origin = Directory::new((0..100).map(user).collect(), "1");
        let mut copy = origin.clone();
        assert_eq!(unshared(&origin, &copy), 0);
        copy.delete_device("p7").unwrap();
        assert_eq!((unshared(&origin, &copy), copy.user("user7").unwrap().devices.len()), (1, 1));
        // A phone without a number comes with one user; the others are only looked at.
        copy.insert_user(
            Timestamp::default(),
            User { devices: vec![phone("")], ..User::new("zoe", UserSettings::default()) },
        )
        .unwrap();
        assert_eq!((unshared(&origin, &copy), &*copy.user("zoe").unwrap().devices[0].id), (1, "2"));
        copy.change_settings("user9", |it| it.phone = Some("4255550100".into()));
        assert_eq!(unshared(&origin, &copy), 2);
    }
}
