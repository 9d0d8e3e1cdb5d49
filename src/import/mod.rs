//! Users from elsewhere as a scenario: the product's own export, an Active Directory export as CSV or LDIF, and the
//! text file of Microsoft's sample phone provider. Pure: text in, text out, and the rows that could not be read.

mod directory;
mod numbers;
mod product;
mod provider;
mod table;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::scenario::edit::{insert, remove_users, scalar};
use crate::scenario::{self, Code, Mistakes, Scenario, Severity};
use numbers::Numbers;

/// What came of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// The users, a line each.
    users: Vec<Item>,
    rules: Vec<String>,
    tags: BTreeSet<String>,
    /// The rows that could not be read, in the order of their lines.
    pub left_out: Vec<LeftOut>,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// How many numbers may belong to real people.
    pub real_numbers: usize,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// From 1.
    pub line: usize,
    pub reason: String,
}

/// A user as a line of a scenario.
#[derive(Debug)]
struct Item {
    /// Where the row stood.
    line: usize,
    username: String,
    yaml: String,
}

/// A row: what is said of a user, by the keys of a scenario.
#[derive(Debug, Default)]
struct Row {
    line: usize,
    fields: Vec<(&'static str, String)>,
    tags: Vec<String>,
    administrator: Vec<(&'static str, String)>,
    /// The provider's file says how a challenge ends.
    outcome: Option<&'static str>,
}

/// Reads users. `fictional` replaces each number that may belong to a real person by one that is not assigned,
/// the same for the same.
///
/// # Errors
/// What is wrong where nothing can be read at all.
pub fn read(text: &str, fictional: bool) -> Result<Imported, String> {
    let text = &text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut imported = Imported::default();
    let rows = match Form::of(text)? {
        Form::Ldif => directory::ldif(text, &mut imported),
        Form::Table(header) => table::rows(text, header, &mut imported)?,
        Form::Provider => provider::rows(text, &mut imported),
    };
    let mut numbers = Numbers { fictional, ..Numbers::default() };
    for row in rows {
        imported.take(row, &mut numbers);
    }
    imported.real_numbers = numbers.real.len();
    imported.check();
    imported.left_out.sort_by_key(|it| it.line);
    Ok(imported)
}

/// What a file holds, by its first line that says something.
enum Form {
    Ldif,
    /// A table, with the number of the line that names its columns.
    Table(usize),
    Provider,
}

impl Form {
    fn of(text: &str) -> Result<Self, String> {
        let says = |(_, it): &(usize, &str)| !it.trim().is_empty() && !it.starts_with('#');
        let Some((at, first)) = text.lines().enumerate().find(says) else { return Err("the file is empty".into()) };
        let plain: Vec<String> = first.split([',', ';', '\t']).map(plain).collect();
        let has = |name: &str| plain.iter().any(|it| it == name);
        if ["dn:", "version:"].iter().any(|it| first.to_ascii_lowercase().starts_with(it)) {
            return Ok(Self::Ldif);
        }
        if has("username") || has("samaccountname") || has("userprincipalname") {
            return Ok(Self::Table(at));
        }
        match first.split(';').count() {
            3 => Ok(Self::Provider),
            _ => Err(
                "this is no export that can be read. Known are: the product's user export (CSV with a column Username), an Active Directory export (CSV or LDIF with sAMAccountName or userPrincipalName), and lines id;phone;status".into(),
            ),
        }
    }
}

impl Imported {
    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// A scenario of its own.
    #[must_use]
    pub fn scenario(&self) -> String {
        let mut text = String::new();
        if !self.tags.is_empty() {
            let tags: Vec<String> = self.tags.iter().map(|it| scalar(it)).collect();
            text += &format!("company:\n  tags: [{}]\n\n", tags.join(", "));
        }
        text += "users:\n";
        for it in &self.users {
            text += &format!("  - {}\n", it.yaml);
        }
        if !self.rules.is_empty() {
            text += "\nrules:\n";
            for it in &self.rules {
                text += &format!("  - {it}\n");
            }
        }
        text
    }

    /// An existing scenario with the users in it; `load` reads it. Those that it has already stay as they are and are left out here,
    /// unless `force` replaces them.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn into_scenario(
        mut self,
        existing: &str,
        force: bool,
        load: &dyn Fn(&str) -> Result<Scenario, Mistakes>,
    ) -> Result<(String, Self), String> {
        let wrong = |mistakes: Mistakes| match mistakes.iter().find(|it| it.severity == Severity::Error) {
            Some(first) => format!("the scenario has mistakes; nothing was written. The first:\n{first}"),
            None => "the scenario has mistakes; nothing was written".into(),
        };
        let before = match load(existing) {
            // A file that has no key yet is one to begin with.
            Err(mistakes) if mistakes.iter().any(|it| it.code == Code::Empty) => load("users: []"),
            read => read,
        };
        let before = before.map_err(wrong)?;
        let taken: HashSet<String> = before.setup.users.iter().map(|it| it.username.to_lowercase()).collect();
        let mut lines: Vec<String> = existing.lines().map(Into::into).collect();
        let (new, present): (Vec<Item>, Vec<Item>) =
            self.users.into_iter().partition(|it| !taken.contains(&it.username.to_lowercase()));
        self.users = new;
        match force {
            true => {
                let names: HashSet<String> = present.iter().map(|it| it.username.to_lowercase()).collect();
                remove_users(&mut lines, &names)?;
                self.users.extend(present);
                self.users.sort_by_key(|it| it.line);
            }
            false => self.left_out.extend(present.into_iter().map(|it| LeftOut {
                line: it.line,
                reason: format!("the scenario has a user \"{}\" already; --force replaces it", it.username),
            })),
        }
        let have: HashSet<&str> = before.setup.company.tags.iter().filter_map(|it| it.name.as_deref()).collect();
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).filter(|it| !have.contains(it)).collect();
        if !tags.is_empty() {
            return Err(format!(
                "the scenario lacks tags that the users have. Add them first: company: {{tags: [{}]}}",
                tags.join(", ")
            ));
        }
        let users: Vec<String> = self.users.iter().map(|it| it.yaml.clone()).collect();
        insert(&mut lines, "users", &users)?;
        insert(&mut lines, "rules", &self.rules)?;
        let text = lines.join("\n") + "\n";
        load(&text).map_err(wrong)?;
        self.left_out.sort_by_key(|it| it.line);
        Ok((text, self))
    }

    fn leave_out(&mut self, line: usize, reason: impl Into<String>) {
        self.left_out.push(LeftOut { line, reason: reason.into() });
    }

    /// A row as a user, if it names one.
    fn take(&mut self, mut row: Row, numbers: &mut Numbers) {
        let username = row.fields.iter().find(|it| it.0 == "username").map(|it| it.1.clone()).unwrap_or_default();
        if username.is_empty() {
            return self.leave_out(row.line, "it names no user");
        }
        for keys in
            [["country_code", "phone", "extension"], ["backup_country_code", "backup_phone", "backup_extension"]]
        {
            if let Err(why) = numbers.settle(&mut row.fields, keys) {
                let phone = row.fields.iter().find(|it| it.0 == keys[1]).map(|it| it.1.clone()).unwrap_or_default();
                return self.leave_out(row.line, format!("{phone:?} is no telephone number: {why}"));
            }
        }
        if let (Some(outcome), Some((_, phone))) = (row.outcome, row.fields.iter().find(|it| it.0 == "phone")) {
            self.rules.push(format!("{{when: {{phone: {}}}, outcome: {outcome}}}", scalar(phone)));
        }
        let mut parts: Vec<String> =
            row.fields.iter().map(|(key, value)| format!("{key}: {}", scalar(value))).collect();
        if !row.tags.is_empty() {
            let tags: Vec<String> = row.tags.iter().map(|it| scalar(it)).collect();
            parts.push(format!("tags: [{}]", tags.join(", ")));
            self.tags.extend(row.tags);
        }
        if !row.administrator.is_empty() {
            let rights: Vec<_> =
                row.administrator.iter().map(|(key, value)| format!("{key}: {}", scalar(value))).collect();
            parts.push(format!("administrator: {{{}}}", rights.join(", ")));
        }
        let yaml = match (parts.len(), username == scalar(&username)) {
            (1, true) => username.clone(),
            _ => format!("{{{}}}", parts.join(", ")),
        };
        self.users.push(Item { line: row.line, username, yaml });
    }

    /// Leaves out what is a mistake in a scenario: the grammar is the check.
    fn check(&mut self) {
        while let Err(mistakes) = scenario::load_listing("import", &self.scenario(), usize::MAX) {
            let first = self.scenario().lines().position(|it| it == "users:").unwrap_or_default() + 2;
            let mut wrong: HashMap<usize, String> = HashMap::new();
            for mistake in mistakes.into_iter().filter(|it| it.severity == Severity::Error) {
                let at = mistake.place.as_ref().map_or(usize::MAX, |it| it.line).wrapping_sub(first);
                let more = mistake.help.first().map(|it| format!(". {it}")).unwrap_or_default();
                let more = if mistake.code == Code::DuplicateName { String::new() } else { more };
                wrong.entry(at).or_insert_with(|| mistake.message + &more);
            }
            let before = self.users.len();
            for (at, it) in std::mem::take(&mut self.users).into_iter().enumerate() {
                match wrong.remove(&at) {
                    Some(reason) => self.leave_out(it.line, reason),
                    None => self.users.push(it),
                }
            }
            if self.users.len() == before {
                // Not a user's fault: let what is left tell itself when the scenario is loaded.
                return;
            }
        }
    }
}

/// Letters and digits alone, in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Scenario, Mistakes> {
        scenario::load("the scenario", text)
    }

    fn imported(text: &str) -> Imported {
        read(text, false).unwrap()
    }

    fn left_out(it: &Imported) -> Vec<(usize, &str)> {
        it.left_out.iter().map(|it| (it.line, it.reason.as_str())).collect()
    }

    #[test]
    fn the_products_export_is_read() {
        let text = "Username,First Name,Last Name,Primary Country Code,Primary Phone,Mode,Phone Call Mode,SMS Direction,SMS Mode,Mobile App Mode,PIN,User Disabled,Enabled,Minimum PIN Length,Text Message Language,Tags,Administrator,Administers,Change Phone,Add User,SID,Colour\r\n\
            CONTOSO\\anna,Anna,\"Hill, Dr.\",1,(425) 555-0100,Phone Call,Standard,One-Way,OTP,Standard,0258,Succeed Authentication,True,4,en,VIP;Staff,True,All Users,True,False,S-1-5,red\r\n\
            ben,,,44,1632 960001,Text Message,PIN,Two-Way,OTP + PIN,Standard,,Fail Authentication,False,6,de,,False,,,,,\r\n\
            ,,,,,,,,,,,,,,,,,,,,,\r\n\
            carla,,,1,call me,Phone Call,,,,,,,,,,,,,,,,\r\n\
            dario,,,,,Carrier Pigeon,,,,,,,,,,,,,,,,\r\n\
            BEN,,,,,,,,,,,,,,,,,,,,,\r\n\
            erin,,,,,,,,,,12ab,,,,,,,,,,,\r\n";
        let it = imported(text);
        let expected = "company:\n  tags: [Staff, VIP]\n\nusers:\n  - {username: \"CONTOSO\\\\anna\", first_name: Anna, last_name: \"Hill, Dr.\", phone: \"+1 4255550100\", pin: \"0258\", tags: [VIP, Staff], administrator: {is_administrator: true, tag_match_type: allUsers, change_phone: true}}\n  - {username: ben, phone: \"+44 1632960001\", mode: smsText, pin_mode: pin, sms_direction: twoWay, sms_mode: otpPlusPin, disabled_behavior: fail, enabled: false, minimum_pin_length: 6, sms_text_language: de}\n";
        assert_eq!(it.scenario(), expected);
        let expected = [
            (5, "\"call me\" is no telephone number: 'c' does not belong in it"),
            (6, "mode cannot be \"Carrier Pigeon\"; known: voiceCall, smsText, phoneApp, oathToken"),
            (7, "there is another user \"BEN\""),
            (8, "pin must be digits and nothing else"),
        ];
        assert_eq!(left_out(&it), expected);
        assert_eq!(it.notes, ["These columns were not read: Colour."]);
        assert_eq!(it.real_numbers, 0);
    }

    #[test]
    fn a_directorys_table_is_read() {
        let text = "#TYPE Microsoft.ActiveDirectory.Management.ADUser\nsAMAccountName;userPrincipalName;givenName;sn;mail;telephoneNumber;mobile\nanna;anna@contoso.com;Anna;Hill;anna@contoso.com;+1 425 555 0101;+1 425 555 0100\nben;;Ben;;;+1 425 555 0102;\n;;Unknown;;;;\n";
        let it = imported(text);
        let expected = "users:\n  - {username: anna@contoso.com, first_name: Anna, last_name: Hill, email_address: anna@contoso.com, phone: \"+1 4255550100\", backup_phone: \"+1 4255550101\"}\n  - {username: ben, first_name: Ben, phone: \"+1 4255550102\"}\n";
        assert_eq!(it.scenario(), expected);
        assert_eq!(left_out(&it), [(5, "it names no user")]);
    }

    #[test]
    fn ldif_is_read_with_base64_and_folded_lines() {
        let text = "version: 1\n\n# Anna\ndn: CN=Anna,DC=contoso,DC=com\nsAMAccountName: anna\ngivenName:: w4VzYQ==\nsn: Hi\n ll\nmobile: +1 425\n  555 0100\nthumbnailPhoto:: /9j/\n\ndn: OU=Sales,DC=contoso,DC=com\nobjectClass: organizationalUnit\n\ndn: CN=Ben\nsAMAccountName: ben\nnonsense\n";
        let it = imported(text);
        assert_eq!(
            it.scenario(),
            "users:\n  - {username: anna, first_name: \"Åsa\", last_name: Hill, phone: \"+1 4255550100\"}\n"
        );
        let expected = [(13, "it names no user"), (18, "the line is no attribute: value, or its Base64 is no text")];
        assert_eq!(left_out(&it), expected);
    }

    #[test]
    fn the_sample_providers_file_is_read_with_its_outcomes() {
        let text = "17;14255550100;Success\n18;14255550101;busy\n19;14255550102;bussy\nonly;two\n";
        let it = imported(text);
        let expected = "users:\n  - {username: 17, phone: \"+1 4255550100\"}\n  - {username: 18, phone: \"+1 4255550101\"}\n\nrules:\n  - {when: {phone: \"+1 4255550100\"}, outcome: approve}\n  - {when: {phone: \"+1 4255550101\"}, outcome: busy}\n";
        assert_eq!(it.scenario(), expected);
        let expected =
            [(3, "the status \"bussy\" is no outcome; did you mean busy?"), (4, "it is not id;phone;status")];
        assert_eq!(left_out(&it), expected);
    }

    #[test]
    fn real_numbers_are_counted_and_replaced_consistently() {
        let text = "Username,Primary Phone,Backup Phone\nanna,2125551234,425 555 0100\nben,2065550188,+1 212 555 1234\ncarla,2125559999,\n";
        assert_eq!(imported(text).real_numbers, 2);
        let it = read(text, true).unwrap();
        let expected = "users:\n  - {username: anna, phone: \"+1 201 555 0100\", backup_phone: \"+1 4255550100\"}\n  - {username: ben, phone: \"+1 2065550188\", backup_phone: \"+1 201 555 0100\"}\n  - {username: carla, phone: \"+1 201 555 0101\"}\n";
        assert_eq!(it.scenario(), expected);
    }

    #[test]
    fn what_is_only_a_warning_leaves_nobody_out() {
        let it = imported("Username,First Name,Primary Phone\nanna,${NAME},\nben,Ben,\nBEN,Ben,\n");
        assert_eq!((it.len(), it.left_out.len()), (2, 1));
    }

    #[test]
    fn an_existing_scenario_keeps_what_it_has_unless_forced() {
        let existing = "# Mine\nusers:\n- anna  # she stays\n- username: ben\n  phone: \"+1 425 555 0101\"\n\nrules:\n- {outcome: busy}\n";
        let text = "Username,First Name\nBEN,Ben\ncarla,Carla\n";
        let (merged, it) = imported(text).into_scenario(existing, false, &load).unwrap();
        let expected = "# Mine\nusers:\n- anna  # she stays\n- username: ben\n  phone: \"+1 425 555 0101\"\n- {username: carla, first_name: Carla}\n\nrules:\n- {outcome: busy}\n";
        assert_eq!((merged.as_str(), it.len()), (expected, 1));
        assert_eq!(left_out(&it), [(2, "the scenario has a user \"BEN\" already; --force replaces it")]);

        let (merged, it) = imported(text).into_scenario(existing, true, &load).unwrap();
        let expected = "# Mine\nusers:\n- anna  # she stays\n- {username: BEN, first_name: Ben}\n- {username: carla, first_name: Carla}\n\nrules:\n- {outcome: busy}\n";
        assert_eq!((merged.as_str(), it.len(), it.left_out.len()), (expected, 2, 0));

        let (merged, _) = imported("17;14255550100;busy").into_scenario(existing, false, &load).unwrap();
        assert!(merged.contains("rules:\n- {when: {phone: \"+1 4255550100\"}, outcome: busy}\n- {outcome: busy}\n"));
        let (merged, _) = imported(text).into_scenario("seed: 1\n", false, &load).unwrap();
        assert!(merged.starts_with("seed: 1\n\nusers:\n  - {username: BEN, first_name: Ben}\n"));
        assert!(imported(text).into_scenario("users: [anna]\n", false, &load).unwrap_err().contains("in one line"));
        assert!(imported(text).into_scenario("users: [anna, anna]\n", false, &load).unwrap_err().contains("mistakes"));
    }

    #[test]
    fn what_is_no_export_says_what_is() {
        assert!(read("hello", false).unwrap_err().contains("the product's user export"));
        assert_eq!(read("\n", false).unwrap_err(), "the file is empty");
    }
}
