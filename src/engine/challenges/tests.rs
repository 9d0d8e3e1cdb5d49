//! The indices of the open challenges agree with them, whatever people and callers do.

use std::time::Duration;

use proptest::prelude::*;

use super::ask::{Ask, Authentication};
use crate::contract::{AuthenticationType, FieldValue, Mode, SmsDirection, UserSettings, Value as ContractValue};
use crate::engine::act::Act;
use crate::engine::challenge_id::ChallengeId;
use crate::engine::{
    Answer, Bounds, Cache, CacheKey, Call, Conduct, Effect, Engine, Pattern, Rule, Script, Setup, Timestamp, User, When,
};

/// What happens in a space.
#[derive(Clone, Debug)]
enum Happening {
    Authenticate { username: &'static str, mode: Mode, phone: &'static str },
    Act { challenge: u64, act: Act },
    Passcode { username: &'static str, is_right: bool },
    OathCode { username: &'static str },
    Wait { seconds: u64 },
    Rename { username: &'static str, to: &'static str },
    Delete { username: &'static str },
    Unblock { username: &'static str },
    Fork,
}

const NAMES: [&str; 5] = ["anna", "ben", "carla", "MIM", "stranger"];
const PHONES: [&str; 4] = ["", "4255550100", "2065550111", "not a number"];

fn happening() -> impl Strategy<Value = Happening> {
    let name = || prop::sample::select(&NAMES[..]);
    let mode = prop::sample::select(&[Mode::Unspecified, Mode::VoiceCall, Mode::SmsText, Mode::PhoneApp][..]);
    let acts = [Act::Answer, Act::Press("#".into()), Act::EnterWrongPin, Act::EnterFraudCode, Act::HangUp];
    let acts = [acts, [Act::Voicemail, Act::ReplyRight, Act::ReplyWrong, Act::Deny, Act::LetRing]].concat();
    let phone = prop::sample::select(&PHONES[..]);
    prop_oneof![
        6 => (name(), mode, phone).prop_map(|(username, mode, phone)| Happening::Authenticate { username, mode, phone }),
        4 => (1_u64..40, prop::sample::select(acts)).prop_map(|(challenge, act)| Happening::Act { challenge, act }),
        2 => (name(), any::<bool>()).prop_map(|(username, is_right)| Happening::Passcode { username, is_right }),
        1 => name().prop_map(|username| Happening::OathCode { username }),
        3 => (0_u64..40).prop_map(|seconds| Happening::Wait { seconds }),
        1 => (name(), name()).prop_map(|(username, to)| Happening::Rename { username, to }),
        1 => name().prop_map(|username| Happening::Delete { username }),
        1 => name().prop_map(|username| Happening::Unblock { username }),
        1 => Just(Happening::Fork),
    ]
}

fn engine() -> Engine {
    let mut setup = Setup { seed: Some(7), ..Setup::default() };
    // Short codes meet often.
    setup.company.passcode.length = 1;
    setup.company.cache = Some(Cache { lasts: Duration::from_secs(60), by: CacheKey::User });
    for (at, (name, mode)) in
        [("anna", Mode::VoiceCall), ("ben", Mode::SmsText), ("carla", Mode::SmsText), ("mim", Mode::OathToken)]
            .into_iter()
            .enumerate()
    {
        let direction = if name == "ben" { SmsDirection::OneWay } else { SmsDirection::TwoWay };
        let settings = UserSettings {
            phone: Some(format!("425555010{at}")),
            backup_phone: Some("2065550111".into()),
            mode,
            sms_direction: direction,
            phone_app_activated: true,
            oath_token_secret_key: Some("GEZDGNBVGY3TQOJQ".into()),
            ..setup.company.new_user()
        };
        setup.users.push(User::new(name, settings));
    }
    // The scenario leaves carla's challenges to a caller of the API.
    let conduct = Conduct::Decides { within: Some(Duration::from_secs(30)), otherwise: Box::new(Conduct::Usual) };
    let effect = Effect::Proceed(Script { conduct, ..Script::default() });
    setup.rules.push(Rule {
        name: "carla decides".into(),
        is_named: true,
        when: When::User(vec![Pattern::new("carla")]),
        answers: Answer { effect, ..Answer::default() }.into(),
        written: "".into(),
    });
    Engine::new(setup, Timestamp::default(), 1, Bounds::default())
}

fn ask<'a>(username: &'a str, mode: Mode, phone_number: &'a str) -> Ask<'a> {
    Ask {
        operation: "PfAuthUser_5",
        space: "default",
        verdict: None,
        username,
        initiating_type: AuthenticationType::Unspecified,
        ip_address: "",
        application: "",
        require_user_match: false,
        mode,
        country_code: "",
        phone_number,
        extension: "",
        plays_event: false,
    }
}

fn play(engine: &mut Engine, now: &mut Timestamp, happening: &Happening) {
    match happening {
        Happening::Authenticate { username, mode, phone } => {
            let values = [FieldValue::new("username", ContractValue::Text(username))];
            let mut ask = ask(username, *mode, phone);
            let call = Call { operation: ask.operation, asks: true, space: ask.space, values: &values };
            let verdict = engine.receive(*now, &call).verdict;
            ask.verdict = verdict.as_deref();
            let open = engine.authenticate(*now, ask);
            if let Ok(Authentication::Open(id)) = open {
                assert!(engine.deadline(id).is_some_and(|it| it > *now), "what is open is due later");
            }
        }
        Happening::Act { challenge, act } => drop(engine.act(*now, ChallengeId(*challenge), act)),
        Happening::Passcode { username, is_right } => {
            let code = engine.open_challenges().find(|it| it.username == *username).and_then(|it| it.code.cloned());
            let code = code.filter(|_| *is_right).unwrap_or_else(|| "wrong".into());
            drop(engine.validate_passcode(*now, username, code.reveal()));
        }
        Happening::OathCode { username } => drop(engine.validate_oath_code(*now, username, "000000", "", false)),
        Happening::Wait { seconds } => {
            *now = *now + Duration::from_secs(*seconds);
            engine.tick(*now);
            assert!(engine.next_deadline().is_none_or(|it| it > *now), "nothing is overdue");
        }
        Happening::Rename { username, to } => drop(engine.rename_user(username, to)),
        Happening::Delete { username } => drop(engine.delete_user(username)),
        Happening::Unblock { username } => drop(engine.unblock(username)),
        Happening::Fork => {
            let fork = engine.fork();
            assert_eq!((fork.challenge_count(), fork.next_deadline()), (0, None));
            fork.challenges.check();
        }
    }
}

proptest! {
    #[test]
    fn the_indices_agree_with_the_open_challenges(happenings in prop::collection::vec(happening(), 1..80)) {
        let mut engine = engine();
        let mut now = Timestamp::default();
        for happening in &happenings {
            play(&mut engine, &mut now, happening);
            engine.challenges.check();
        }
        // All that is open ends by itself.
        now = now + Duration::from_hours(1);
        engine.tick(now);
        engine.challenges.check();
        prop_assert_eq!((engine.challenge_count(), engine.next_deadline()), (0, None));
    }
}
