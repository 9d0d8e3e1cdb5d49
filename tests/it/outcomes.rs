//! Every row of the table of call results, and every act, through the service.

use locmfa::engine::{Ending, Outcome, Reaction};

use crate::{Served, site};

async fn authenticate(served: &Served) -> String {
    let body = concat!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>",
        "<PfAuthUser_4 xmlns=\"http://www.phonefactor.com/PfWsSdk\"><username>anna</username></PfAuthUser_4></s:Body></s:Envelope>"
    );
    let request = served.request("POST", "").header("content-type", "text/xml; charset=utf-8");
    request.header("soapaction", "http://www.phonefactor.com/PfWsSdk/PfAuthUser_4").body(body).send().await.body
}

#[tokio::test(start_paused = true)]
async fn a_rule_brings_about_every_outcome_of_the_table() {
    for outcome in Outcome::ALL {
        let served = site(&format!(
            "users: [{{username: anna, phone: '+1 425 555 0100'}}]\nrules: [{{outcome: {}}}]",
            outcome.word()
        ));
        let answer = authenticate(&served).await;
        let result = Ending::from(*outcome).succeeds(None);
        for part in [
            format!("<PfAuthUser_4Result>{result}</PfAuthUser_4Result>"),
            format!("<callResult><Code>{}</Code><Description>{}</Description>", outcome.code(), outcome.description()),
            format!("<error><Code>{}</Code>", if result { 0 } else { 12 }),
        ] {
            assert!(answer.contains(&part), "{outcome:?} lacks {part}: {answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_act_has_an_outcome_for_every_method() {
    let methods = [
        "mode: voiceCall",
        "mode: voiceCall, pin_mode: pin, pin: '1357'",
        "mode: smsText, sms_direction: twoWay",
        "mode: smsText",
        "mode: phoneApp, phone_app_activated: true",
        "mode: oathToken, oath_token_secret_key: JBSWY3DPEHPK3PXP",
    ];
    for reaction in Reaction::ALL {
        for method in methods {
            let served = site(&format!(
                "users: [{{username: anna, phone: '+1 425 555 0100', {method}}}]\nrules: [{{outcome: {}}}]",
                reaction.word()
            ));
            let answer = authenticate(&served).await;
            assert!(answer.contains("<callResult><Code>"), "{reaction:?} by {method}: {answer}");
            let approves = answer.contains("Result>true");
            let later = method.contains("oath") || method == "mode: smsText";
            assert!(approves == (*reaction == Reaction::Approve) || later, "{reaction:?} by {method}: {answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_challenges_are_open_at_once() {
    let served = site("users: [mimservice]\nrules: [{after: 30s}]");
    let call = |number| tokio::spawn(served.challenge(number));
    let start = tokio::time::Instant::now();
    let open: Vec<_> = (0..10_000).map(call).collect();
    for answer in open {
        assert!(answer.await.unwrap().body.contains("<Code>2</Code>"));
    }
    // They rang side by side.
    assert_eq!(start.elapsed().as_secs(), 30);
}
