//! The store of users as a whole: every operation is shown, changes leave their trail, and nothing that callers send
//! in whatever order breaks it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use locmfa::contract::{AddUserSettings, UserPhone, UserPin};
use locmfa::engine::{
    Bounds, Change, Engine, EventKind, Number, Pattern, PhonePattern, Query, Setup, Timestamp, User, What,
};
use locmfa::operations;
use proptest::prelude::*;

use crate::site;

#[test]
fn every_operation_is_called_by_a_transcript() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut called = BTreeSet::new();
    for subject in folder.read_dir().unwrap() {
        for file in subject.unwrap().path().read_dir().unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let calls = text.lines().filter_map(|it| it.strip_prefix("> ").or_else(|| it.strip_prefix("& ")));
            called.extend(calls.filter_map(|it| it.split(' ').next()).map(String::from));
        }
    }
    let all: BTreeSet<String> = operations::all().map(|it| it.signature.name.into()).collect();
    assert_eq!(all.len(), 105);
    assert_eq!(all.difference(&called).collect::<Vec<_>>(), Vec::<&String>::new(), "no transcript calls these");
    assert_eq!(called.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new(), "these are no operations");
}

#[tokio::test(start_paused = true)]
async fn changes_are_kept_and_mails_go_out() {
    let site = site(
        "company: {mail: {templates: [{kind: smsText, from: mfa@contoso.com, subject: 'Hello {first_name}', body: '{username} at {phone}'}]}}
users: [{username: anna@contoso.com, first_name: Anna, email_address: a@contoso.com, phone: '+1 425 555 0100'}, ben]",
    );
    let call = async |operation: &str, body: &str| {
        let body = format!(
            "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Body><{operation} xmlns=\"{}\">{body}</{operation}></Body></Envelope>",
            locmfa::contract::NAMESPACE
        );
        let answer = site.request("POST", "").header("content-type", "text/xml").body(body).send().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    let who = "<modifyUsername>admin</modifyUsername><sendEmail>true</sendEmail>";
    call("ChangeMode_2", &format!("<username>anna</username><mode>smsText</mode>{who}")).await;
    call("BlockUser", &format!("<username>anna</username><reason>Lost phone</reason>{who}")).await;
    call("ChangeUsername", &format!("<oldUsername>anna</oldUsername><newUsername>zoe</newUsername>{who}")).await;
    // Neither a refusal nor a user without an address leaves anything behind.
    call("DeleteUser", &format!("<username>nobody</username>{who}")).await;
    call("Enable", &format!("<username>ben</username>{who}")).await;

    site.0.spaces.default_space().update(|engine, at| {
        let told = engine.journal.of(EventKind::Changed).map(|it| match &it.what {
            What::Changed(it) => (it.operation, &*it.username, &*it.by, &*it.detail),
            other => panic!("{other:?}"),
        });
        let told: Vec<_> = told.collect();
        let expected = [
            ("ChangeMode_2", "anna@contoso.com", "admin", ""),
            ("BlockUser", "anna@contoso.com", "admin", "Lost phone"),
            ("ChangeUsername", "anna@contoso.com", "admin", "zoe"),
            ("Enable", "ben", "admin", ""),
        ];
        assert_eq!(told, expected);
        let mails: Vec<_> = engine.journal.of(EventKind::Message).collect();
        let [mail] = mails.as_slice() else { panic!("{mails:?}") };
        let What::Message(mail) = &mail.what else { panic!("{mail:?}") };
        assert_eq!((&*mail.to, &*mail.subject), ("a@contoso.com", "Hello Anna"));
        assert_eq!(mail.text.reveal(), "anna@contoso.com at 4255550100");

        let asked = Change { username: "ben", sends_mail: true, ..Change::default() };
        let (_, warning) = engine.change(at, asked, |_| Ok(())).unwrap();
        assert_eq!(warning, Some("no mail went out: the user has no number, no activated app and no token"));
    });
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_refused_and_changes_nothing() {
    let site = site("users: [anna]");
    let call = async |operation: &str, body: &str| {
        let body = format!(
            "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Body><{operation} xmlns=\"{}\">{body}</{operation}></Body></Envelope>",
            locmfa::contract::NAMESPACE
        );
        site.request("POST", "").header("content-type", "text/xml").body(body).send().await.body
    };
    let long = "7".repeat(5000);
    let cases = [
        (9008, "AddUser_3", format!("<username>{long}</username><addUserSettings />")),
        (
            9008,
            "AddUser_3",
            format!("<username>ben</username><addUserSettings><FirstName>{long}</FirstName></addUserSettings>"),
        ),
        (9008, "AddUser_3", format!("<username>ben</username><addUserSettings><Pin>{long}</Pin></addUserSettings>")),
        (
            9008,
            "AddUser_3",
            format!("<username>ben</username><addUserSettings /><modifyUsername>{long}</modifyUsername>"),
        ),
        (9009, "AddUser_3", "<username>b&#10;n</username><addUserSettings />".into()),
        (9008, "ChangeStaticToken", format!("<username>anna</username><staticToken>{long}</staticToken>")),
        (9008, "ChangeOathToken", format!("<username>anna</username><secretKey>{long}</secretKey>")),
        (9008, "BlockUser", format!("<username>anna</username><reason>{long}</reason>")),
        (9008, "FindUsers_4", format!("<usernameFilter>{long}</usernameFilter>")),
        (9008, "EventConfirmationInitiateCall", format!("<username>anna</username><eventName>{long}</eventName>")),
    ];
    for (code, operation, body) in cases {
        let answer = call(operation, &body).await;
        let refused = [format!("<{operation}Result>false<"), format!("<error><Code>{code}<")];
        assert!(refused.iter().all(|it| answer.contains(it)), "{operation} {code} {answer}");
    }
    site.0.spaces.default_space().update(|engine, _| {
        assert_eq!(engine.directory().len(), 1);
        let user = engine.directory().user("anna").unwrap();
        assert!(user.block.is_none() && user.settings.static_token.is_none());
    });
}

/// What a caller may do to the store.
#[derive(Clone, Debug)]
enum Act {
    Add(String, String),
    Delete(String),
    Rename(String, String),
    Phone(String, String),
    Pin(String, String),
}

fn act() -> impl Strategy<Value = Act> {
    let name = || "([a-c]|[A-C]|[ab]@x|x\\\\[ab]| |)";
    let phone = || "(425555010[0-3]|\\+44 163296000[0-2]||12|x)";
    let pin = "([0-9]{1,6}|abc|)";
    prop_oneof![
        (name(), phone()).prop_map(|(a, b)| Act::Add(a, b)),
        name().prop_map(Act::Delete),
        (name(), name()).prop_map(|(a, b)| Act::Rename(a, b)),
        (name(), phone()).prop_map(|(a, b)| Act::Phone(a, b)),
        (name(), pin).prop_map(|(a, b)| Act::Pin(a, b)),
    ]
}

/// All that can be seen of the store.
fn seen(engine: &Engine) -> BTreeMap<String, String> {
    engine.directory().iter().map(|it| (it.username.clone(), format!("{:?}", it.settings))).collect()
}

/// Queries that the index answers, that it helps with, and that it has nothing for.
fn queries() -> [Query; 6] {
    let name = |pattern| Query { username: Some(pattern), ..Query::default() };
    let phone = |text| Query { phone: Some(PhonePattern::new(text).unwrap()), ..Query::default() };
    [
        Query::default(),
        name(Pattern::new("A*")),
        name(Pattern::exact("*A*")),
        phone("*0100"),
        phone("+44*"),
        Query { enabled: Some(true), ..name(Pattern::new("*x*")) },
    ]
}

/// What a query asks, user by user.
fn fits(query: &Query, user: &User) -> bool {
    let it = &user.settings;
    let digits = |it: &Option<String>| it.clone().unwrap_or_default();
    let phone = query.phone.as_ref().map(|it| format!("{it:?}"));
    let phone = match phone.as_deref() {
        None => true,
        Some(text) if text.contains("*0100") => digits(&it.phone).ends_with("0100"),
        Some(_) => (digits(&it.country_code) + &digits(&it.phone)).starts_with("44"),
    };
    query.username.as_ref().is_none_or(|it| it.matches(&user.username))
        && query.enabled.is_none_or(|enabled| enabled == it.enabled)
        && phone
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_sequence_of_changes_leaves_the_store_whole(acts in prop::collection::vec(act(), 1..40)) {
        let mut engine = Engine::new(Setup::default(), Timestamp::from_unix(Duration::from_secs(1)), 1, Bounds::default());
        let now = Timestamp::from_unix(Duration::from_secs(2));
        for act in acts {
            let before = seen(&engine);
            let changed = engine.change(now, Change::default(), |engine| match &act {
                Act::Add(name, phone) => {
                    let settings = AddUserSettings { phone: Some(phone.clone()), ..AddUserSettings::default() };
                    engine.add_user(now, name, settings)
                }
                Act::Delete(name) => engine.delete_user(name),
                Act::Rename(name, new) => engine.rename_user(name, new),
                Act::Phone(name, phone) => {
                    engine.change_phone(name, &UserPhone { phone: Some(phone.clone()), ..UserPhone::default() })
                }
                Act::Pin(name, pin) => {
                    let pin = UserPin { pin: Some(pin.as_str().into()), pin_change_required: false };
                    engine.change_pin(now, name, &pin)
                }
            });
            if changed.is_err() {
                prop_assert_eq!(&before, &seen(&engine), "{:?} was refused and changed something", act);
            }
            for query in queries() {
                let names = |it: &User| it.username.clone();
                let expected: Vec<_> = engine.directory().iter().filter(|it| fits(&query, it)).map(names).collect();
                let mut search = engine.directory().search(query.clone());
                search.compare();
                let found = engine.directory_mut().found(&search, None, usize::MAX);
                let found: Vec<_> = search.matching(found, usize::MAX).iter().map(|it| names(it)).collect();
                prop_assert_eq!(found, expected, "{:?}", query);
            }
            let users = engine.directory();
            let names: BTreeSet<String> = users.iter().map(|it| it.username.to_lowercase()).collect();
            prop_assert_eq!(names.len(), users.len());
            for user in users.iter() {
                let found = users.find(&user.username).map(|it| &it.username);
                prop_assert_eq!(found, Some(&user.username));
                if let Some(number) = user.number("1") {
                    let owner = users.owner(&number).and_then(|it| it.number("1"));
                    prop_assert_eq!(owner.as_ref().map(Number::digits), Some(number.digits()));
                }
            }
        }
    }
}
