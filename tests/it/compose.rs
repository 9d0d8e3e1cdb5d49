//! Scenarios of several files, of patterns, and of what the environment says.

use std::fs;
use std::path::{Path, PathBuf};

use locmfa::scenario::{self, Code, Mistake, Mistakes, Scenario, Severity};
use tempfile::TempDir;

/// Files in a folder of their own; `my.yaml` is the scenario.
fn written(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

fn load(folder: &Path, variables: &[(&str, &str)]) -> Result<Scenario, Mistakes> {
    let variable = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
    scenario::load_file_where(&folder.join("my.yaml"), &variable)
}

fn loaded(files: &[(&str, &str)]) -> Scenario {
    let folder = written(files);
    let scenario = load(folder.path(), &[]).unwrap_or_else(|it| panic!("{}", told(&it)));
    assert!(scenario.warnings.iter().all(|it| it.severity == Severity::Note), "{}", told(&scenario.warnings));
    scenario
}

fn told(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|it| format!("{it}\n\n")).collect()
}

/// The mistakes of files, as code, file, line and message.
fn mistakes(files: &[(&str, &str)]) -> Vec<(Code, String, usize, String)> {
    let folder = written(files);
    let short = |it: Mistake| {
        let source =
            Path::new(&it.source).strip_prefix(folder.path()).unwrap_or_else(|_| Path::new(&it.source)).to_owned();
        let message = it.message.replace(&folder.path().display().to_string(), "");
        (it.code, source.display().to_string(), it.place.map_or(0, |it| it.line), message)
    };
    load(folder.path(), &[]).map_or_else(|it| it, |it| it.warnings).into_iter().map(short).collect()
}

fn names(scenario: &Scenario) -> Vec<&str> {
    scenario.setup.users.iter().map(|it| it.username.as_str()).collect()
}

#[test]
fn the_nearer_file_holds_and_rules_stand_in_order() {
    let scenario = loaded(&[
        (
            "my.yaml",
            "use: [people.yaml, rules/late.yaml]\nseed: 1\ncompany: {ring: 1s, passcode: {length: 4}}\nusers: [{username: Anna, first_name: mine}]\nrules: [{name: mine, when: {application: mine}, outcome: busy}]",
        ),
        (
            "people.yaml",
            "seed: 2\ncompany: {ring: 9s, ring_timeout: 30s, passcode: {length: 8, attempts: 1}}\nusers: [{username: anna, first_name: theirs}, ben, {username: carla, first_name: early}]\nrules: [{name: theirs, when: {application: theirs}, outcome: deny}]",
        ),
        (
            "rules/late.yaml",
            "use: ../shared.yaml\ncompany: {ring_timeout: 40s}\nusers: [{username: CARLA, first_name: late}]\nrules: [{name: late, when: {application: late}, outcome: deny}]",
        ),
        ("shared.yaml", "company: {bypass: 1m}\nrules: [{name: shared, outcome: deny}]"),
    ]);
    let setup = &scenario.setup;
    assert_eq!(setup.seed, Some(1));
    let company = &setup.company;
    let seconds = [company.ring, company.ring_timeout, company.bypass].map(|it| it.as_secs());
    assert_eq!(seconds, [1, 40, 60]);
    assert_eq!((company.passcode.length, company.passcode.attempts), (4, 1));
    let users: Vec<_> =
        setup.users.iter().map(|it| (&*it.username, it.settings.first_name.as_deref().unwrap_or_default())).collect();
    assert_eq!(users, [("Anna", "mine"), ("CARLA", "late"), ("ben", "")]);
    let rules: Vec<_> = setup.rules.iter().map(|it| &*it.name).collect();
    assert_eq!(rules, ["mine", "theirs", "late", "shared"]);
    let files: Vec<_> = scenario.files.iter().map(|it| it.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(files, ["my.yaml", "people.yaml", "late.yaml", "shared.yaml"]);
}

#[test]
fn a_file_that_two_use_is_read_once() {
    let scenario = loaded(&[
        ("my.yaml", "use: [a.yaml, b.yaml]"),
        ("a.yaml", "use: common.yaml"),
        ("b.yaml", r"use: .\common.yaml"),
        ("common.yaml", "users: [anna]\nrules: [{name: one, outcome: busy}]"),
    ]);
    assert_eq!((names(&scenario), scenario.setup.rules.len()), (vec!["anna"], 1));
}

#[test]
fn files_that_a_used_file_names_lie_beside_it() {
    let folder = written(&[
        ("my.yaml", "use: parts/server.yaml"),
        ("parts/server.yaml", "server: {client_authorities: ca.pem}"),
    ]);
    let scenario = load(folder.path(), &[]).unwrap();
    assert_eq!(scenario.server.client_authorities, [folder.path().join("parts/ca.pem")]);
}

#[test]
fn mistakes_name_the_file_that_they_are_in() {
    let found = mistakes(&[
        ("my.yaml", "# mine\nuse: [people.yaml, more.yaml]\nrules: [{name: a, outcome: bussy}]"),
        ("people.yaml", "users:\n  - {username: anna, phon: 1}\nrules: [{name: A, outcome: busy}]"),
        ("more.yaml", "users: [ben, Ben]"),
    ]);
    let expected = [
        (Code::UnknownWord, "my.yaml".into(), 3, "outcome cannot be \"bussy\"".into()),
        (Code::UnknownKey, "people.yaml".into(), 2, "a user has no key \"phon\"".into()),
        (Code::DuplicateName, "people.yaml".into(), 3, "there is another rule \"A\"".into()),
        (Code::DuplicateName, "more.yaml".into(), 1, "there is another user \"Ben\"".into()),
    ];
    assert_eq!(found, expected);

    let folder = written(&[("my.yaml", "use: b.yaml\nrules: [{name: a}]"), ("b.yaml", "rules:\n- {name: a}")]);
    let found = load(folder.path(), &[]).unwrap_err();
    let mine = folder.path().join("my.yaml");
    let help = format!("The first stands in line 2 of {}. Letter case makes no difference.", mine.display());
    assert_eq!(found[0].help, [help]);
}

#[test]
fn what_cannot_be_used_is_told_where_it_is_named() {
    let one = |files: &[(&str, &str)]| {
        let mut found = mistakes(files);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    };
    let cycle = one(&[("my.yaml", "use: a.yaml"), ("a.yaml", "users: [a]\nuse: [sub/../my.yaml]"), ("sub/x", "")]);
    assert_eq!((cycle.0, &*cycle.1, cycle.2), (Code::Circular, "a.yaml", 2));
    let missing = one(&[("my.yaml", "users: [a]\nuse: nobody.yaml")]);
    assert_eq!((missing.0, missing.2), (Code::Unreadable, 2));
    assert!(missing.3.contains("nobody.yaml cannot be read"), "{}", missing.3);
    let absolute = one(&[("my.yaml", "use: /etc/passwd")]);
    assert_eq!(absolute.0, Code::BadValue);
    assert_eq!(one(&[("my.yaml", "use: [{a: b}]")]).0, Code::WrongType);
    assert_eq!(one(&[("my.yaml", "use: a.yaml"), ("a.yaml", "- a")]).0, Code::WrongType);
    let found = scenario::load("text", "use: a.yaml").unwrap_err();
    assert_eq!((found[0].code, found.len()), (Code::Unreadable, 1));

    let many: String = (0..200).map(|it| format!("- f{it}.yaml\n")).collect();
    let many: Vec<(String, String)> = std::iter::once(("my.yaml".into(), format!("use:\n{many}")))
        .chain((0..200).map(|it| (format!("f{it}.yaml"), format!("users: [u{it}]"))))
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|it| (&*it.0, &*it.1)).collect();
    let found = mistakes(&many);
    assert_eq!((found.len(), found[0].0, found[0].2), (101, Code::TooLarge, 101));
}

#[test]
fn files_that_are_too_much_or_no_text_are_refused_where_they_are_used() {
    let folder = written(&[("my.yaml", "use: [long.yaml, latin.yaml]"), ("latin.yaml", "")]);
    let long = fs::File::create(folder.path().join("long.yaml")).unwrap();
    long.set_len(100 << 20).unwrap();
    fs::write(folder.path().join("latin.yaml"), b"users: [\xc5nna]").unwrap();
    let codes: Vec<_> = load(folder.path(), &[]).unwrap_err().iter().map(|it| it.code).collect();
    assert_eq!(codes, [Code::TooLarge, Code::Unreadable]);
    let alone = scenario::load_file(&folder.path().join("long.yaml")).unwrap_err();
    assert_eq!((alone[0].code, &alone[0].place), (Code::TooLarge, &None));
    let missing = scenario::load_file(&PathBuf::from("nobody.yaml")).unwrap_err();
    assert_eq!((missing[0].code, missing.len()), (Code::Unreadable, 1));
}

#[test]
fn a_pattern_makes_users() {
    let scenario = loaded(&[(
        "my.yaml",
        "users:\n  - anna\n  - {username: \"user{n}\", count: 100, phone: \"+1 425 555 {n+99:04}\", devices: [{device_id: \"d{n}\"}]}\n  - {username: \"late{n:03}\", count: 2, from: 9}",
    )]);
    let names = names(&scenario);
    assert_eq!((names.len(), names[1], names[100]), (103, "user1", "user100"));
    assert_eq!(names[101..], ["late009", "late010"]);
    let last = &scenario.setup.users[100];
    assert_eq!(last.settings.phone.as_deref(), Some("4255550199"));
    assert_eq!(last.devices[0].id, "d100");
}

#[test]
fn what_is_wrong_with_a_pattern_is_told_once() {
    let wrong = |user: &str| {
        let found = mistakes(&[("my.yaml", &format!("users: [{user}]"))]);
        assert_eq!(found.len(), 1, "{found:?}");
        (found[0].0, found[0].3.clone())
    };
    let range = "count must be a whole number from 1 to 100000".to_owned();
    assert_eq!(wrong("{username: 'u{n}', count: many}"), (Code::BadValue, range.clone()));
    assert_eq!(wrong("{username: 'u{n}', count: 1000000}"), (Code::BadValue, range));
    assert_eq!(wrong("{username: u, count: 2}").0, Code::BadValue);
    assert_eq!(wrong("{username: 'u{n}', from: 2}").0, Code::NeverApplies);
    assert_eq!(wrong("{username: 'u{n-1}', count: 2}").1, "\"{n-1}\" is no place for a number");
    assert_eq!(wrong("{username: 'u{n}', count: 100, phone: x}").0, Code::NotANumber);
    let tags = "x, ".repeat(30);
    assert_eq!(wrong(&format!("{{username: 'u{{n}}', count: 100000, tags: [{tags}]}}")).0, Code::TooLarge);
}

#[test]
fn defaults_of_users_hold_where_a_user_says_nothing() {
    let scenario = loaded(&[
        (
            "my.yaml",
            "use: common.yaml\nuser_defaults: {mode: smsText, enabled: false}\nusers: [anna, {username: ben, enabled: true}]",
        ),
        ("common.yaml", "user_defaults: {mode: oathToken, last_name: Hill, password: for-tests}\nusers: [carla]"),
    ]);
    let users: Vec<_> = scenario.setup.users.iter().map(|it| (it.settings.mode.word(), it.settings.enabled)).collect();
    assert_eq!(users, [("smsText", false), ("smsText", true), ("smsText", false)]);
    assert!(scenario.setup.users.iter().all(|it| it.settings.last_name.as_deref() == Some("Hill")));
    assert!(scenario.setup.users.iter().all(|it| it.password.is_some()));

    let text = "user_defaults: {mode: text, username: a}\nusers: [anna, ben]";
    let found: Vec<_> = mistakes(&[("my.yaml", text)]).into_iter().map(|it| it.0).collect();
    assert_eq!(found, [Code::UnknownWord, Code::UnknownKey]);
}

#[test]
fn variables_hold_where_they_are_declared_and_nowhere_else() {
    let folder = written(&[
        (
            "my.yaml",
            "environment: {CODE: \"123456\", PASS: }\nuse: other.yaml\ncompany: {passcode: {code: \"${CODE}\"}}\nusers: [{username: \"a-${CODE}-${HOME}\", password: \"${PASS}\"}]",
        ),
        ("other.yaml", "users: [{username: ben, password: \"${PASS}\"}]"),
    ]);
    let scenario = load(folder.path(), &[("PASS", "s3cret"), ("HOME", "/root")]).unwrap();
    let [a, ben] = scenario.setup.users.as_slice() else { panic!("two users") };
    assert_eq!(a.username, "a-123456-${HOME}");
    assert_eq!(a.password.as_ref().unwrap().reveal(), "s3cret");
    assert_eq!(ben.password.as_ref().unwrap().reveal(), "${PASS}");
    assert_eq!(scenario.setup.company.passcode.code.as_ref().unwrap().reveal(), "123456");
    let warned: Vec<_> = scenario.warnings.iter().map(|it| (it.code, it.help.len())).collect();
    assert_eq!(warned, [(Code::Undeclared, 1), (Code::Undeclared, 1)]);

    let found = load(folder.path(), &[]).unwrap_err();
    assert_eq!(found[0].code, Code::MissingVariable);
    assert!(!told(&found).contains("123456"), "{}", told(&found));
}

#[test]
fn a_variable_that_does_not_fit_is_shown_by_its_name() {
    let folder = written(&[(
        "my.yaml",
        "environment: [PHONE, 1A]\nusers: [{username: a, phone: \"+1 ${PHONE}\", mode: \"${PHONE}\"}]",
    )]);
    let found = load(folder.path(), &[("PHONE", "hunter2")]).unwrap_err();
    let messages: Vec<_> = found.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(messages[0], "\"1A\" is no name of a variable");
    assert!(messages[1].starts_with("\"+1 ${PHONE}\" is no telephone number"), "{}", messages[1]);
    assert_eq!(messages[2], "mode cannot be \"${PHONE}\"");
    assert!(!told(&found).contains("hunter2"), "{}", told(&found));
}
