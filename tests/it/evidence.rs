//! Evidence: what the server says happened, and what it says when it does not know.

use std::fs;

use serde_json::{Value, json};

use crate::admin::ANNA;
use crate::api::Api;
use crate::process::run;

const SCENARIO: &str = "users:
  - {username: anna, phone: '+1 425 555 0100', pin: '2580'}
  - {username: ben, phone: '+1 425 555 0101', mode: smsText}
rules:
  - {when: {user: ben}, after: 0s, code: '864209'}
";

impl Api {
    /// Verifies expectations: the status, and the answer.
    fn verify(&self, expect: &Value) -> (u16, Value) {
        self.send("POST", "/verify", &json!({"expect": expect}))
    }
}

#[test]
fn evicted_calls_count_where_enough_is_known_of_them_and_make_the_verdict_unknown_elsewhere() {
    let api = Api::start(SCENARIO, &["--journal-entries", "3"]);
    for _ in 0..5 {
        api.server.call("UserExists", ANNA);
    }
    let by_result = json!({"operation": "userexists", "username": "ANNA", "outcome": "true*", "status": 200});
    let by_field = json!({"fields.username": "anna"});

    let (status, told) = api.verify(&json!([
        {"where": by_result, "exactly": 5},
        {"where": {"operation": "PfAuthUser*"}, "exactly": 0},
        {"where": {"username": "anna", "error": null}, "at_least": 4},
        {"where": by_field, "at_least": 3},
        {"kind": "message", "exactly": 0},
        {"exactly": 5},
    ]));
    assert_eq!(
        (status, &told["verdict"], &told["counts"]),
        (200, &json!("passed"), &json!([5, 0, 5, 3, 0, 5])),
        "{told}"
    );
    assert_eq!(told["forgotten"], 2);

    let (status, told) = api.verify(&json!([{"where": by_result, "at_most": 4}]));
    assert_eq!((status, &told["verdict"], &told["failures"][0]["found"]), (409, &json!("failed"), &json!(5)), "{told}");
    for unknown in [
        json!({"where": {"fields.username": "zoe"}, "exactly": 0}),
        json!({"where": by_field, "at_most": 3}),
        json!({"where": by_field, "at_least": 4}),
        json!({"where": by_result, "within": "1h"}),
    ] {
        let (status, told) = api.verify(&json!([unknown]));
        assert_eq!((status, &told["type"]), (409, &json!("urn:locmfa:problem:verify-unknown")), "{unknown}: {told}");
        assert_eq!(
            (&told["verdict"], &told["failures"][0]["verdict"]),
            (&json!("unknown"), &json!("unknown")),
            "{told}"
        );
        assert!(told["remedy"].as_str().unwrap().contains("--journal-entries"), "{told}");
    }
    // What failed for sure is a failure, whatever else is unknown.
    let (_, told) = api.verify(&json!([{"where": by_result, "within": "1h"}, {"where": by_result, "exactly": 0}]));
    assert_eq!(told["verdict"], "failed", "{told}");
    // Whether some came after the cursor is not known of those that are evicted.
    let (_, told) = api.send("POST", "/verify", &json!({"after": 1, "expect": [{"where": by_result, "exactly": 4}]}));
    assert_eq!(told["verdict"], "unknown", "{told}");
    let (status, told) = api.send(
        "POST",
        "/verify",
        &json!({"after": 1, "expect": [{"where": {"operation": "PfAuthUser*"}, "exactly": 0}]}),
    );
    assert_eq!(status, 200, "{told}");
}

#[test]
fn an_order_of_which_a_part_is_evicted_is_unknown() {
    let api = Api::start(SCENARIO, &["--journal-entries", "2"]);
    let calls = ["ValidatePin", "UserExists", "UserExists"];
    calls.iter().for_each(|it| drop(api.server.call(it, ANNA)));
    let verify = |expect: Value| {
        let (_, told) = api.send("POST", "/verify", &json!({"in_order": true, "expect": expect}));
        told["verdict"].clone()
    };
    let (pin, exists) = (json!({"where": {"operation": "ValidatePin"}}), json!({"where": {"operation": "UserExists"}}));
    assert_eq!(verify(json!([pin, exists])), "unknown");
    assert_eq!(verify(json!([exists, exists])), "passed");
    assert_eq!(verify(json!([exists, exists, exists])), "failed");
}

#[test]
fn what_a_reset_has_removed_is_unknown_to_who_asks_from_before_it() {
    let api = Api::start(SCENARIO, &[]);
    api.server.call("UserExists", ANNA);
    let before = api.get("/calls?after=now")["next"].clone();
    api.server.call("UserExists", ANNA);
    api.send("POST", "/spaces/default/reset", &json!({}));
    let none = json!([{"where": {"operation": "UserExists"}, "exactly": 0}]);
    assert_eq!(api.verify(&none).0, 200);
    let (status, told) = api.send("POST", "/verify", &json!({"after": before, "expect": none}));
    assert_eq!((status, &told["verdict"]), (409, &json!("unknown")), "{told}");
}

#[test]
fn fields_beyond_what_is_kept_of_a_request_are_unknown() {
    let api = Api::start(SCENARIO, &[]);
    api.server.call("UserExists", &format!("<!--{}-->{ANNA}", "x".repeat(100_000)));
    let (_, told) = api.verify(&json!([{"where": {"fields.username": "anna"}, "exactly": 0}]));
    assert_eq!(told["verdict"], "unknown", "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("64 KiB"), "{told}");
    let (status, told) = api.verify(&json!([{"where": {"operation": "UserExists", "username": "anna"}, "exactly": 1}]));
    assert_eq!(status, 200, "{told}");
}

#[test]
fn an_expectation_that_cannot_fail_or_cannot_be_compared_never_passes() {
    let api = Api::start(SCENARIO, &[]);
    for (expect, remedy) in [
        (json!([]), "Write one expectation"),
        (json!([{"at_least": 0}]), "Give 1 or more"),
        (json!([{"where": {"fields.requireUserMtch": true}, "exactly": 0}]), "Did you mean fields.requireUserMatch?"),
        (
            json!([{"where": {"operation": "PfAuthUser*", "fields.passcode": 1}, "exactly": 0}]),
            "shows the fields of a call",
        ),
        (json!([{"where": {"fields.userSettings.Phne": 1}, "exactly": 0}]), "shows the fields of a call"),
        (json!([{"where": {"operation": "PfAutUser_5"}, "exactly": 0}]), "Did you mean PfAuthUser_5?"),
        (json!([{"where": {"operation": "ValidatePin", "fields.pin": "2580"}, "exactly": 0}]), "Use the outcome"),
        (json!([{"where": {"usrname": "x"}, "exactly": 0}]), "Did you mean username?"),
    ] {
        let (status, told) = api.verify(&expect);
        assert_eq!(status, 400, "{expect}: {told}");
        assert!(told["remedy"].as_str().unwrap().contains(remedy), "{expect}: {told}");
    }
    assert_eq!(api.ask("GET", "/calls?operation=PfAutUser_5", "", "").status, 400);
    assert_eq!(api.verify(&json!([{"where": {"fields.pin": "*"}, "exactly": 0}])).0, 200);
}

#[test]
fn verify_ends_with_1_where_it_does_not_know_and_where_the_file_says_nothing() {
    let api = Api::start(SCENARIO, &["--journal-entries", "1"]);
    (0..2).for_each(|_| drop(api.server.call("UserExists", ANNA)));
    let verify = |text: &str| {
        fs::write(api.folder.path().join("e.yaml"), text).unwrap();
        run(api.folder.path(), &["verify", "e.yaml", "--admin", &format!("http://{}", api.address)])
    };
    let (code, text) = verify("- {where: {fields.username: anna}, exactly: 1}");
    assert_eq!(code, 1, "{text}");
    assert!(text.starts_with("Unknown: expected exactly 1 call with fields.username anna; 1 fitted, and 1 "), "{text}");
    assert!(text.contains("--journal-entries"), "{text}");
    let (code, text) = verify("# nothing\n");
    assert!(code == 1 && text.contains("e.yaml is empty; it needs a list `expect`"), "{text}");
    let (code, text) = verify("expect: []");
    assert!(code == 1 && text.contains("nothing is verified"), "{text}");
}
