//! Faults of TLS, switched by the API and the command line.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::api::Api;
use crate::process::{Server, run};

const SCENARIO: &str = "clock: auto\nusers: [{username: anna, phone: '+1 425 555 0100'}]";

#[test]
fn a_fault_of_tls_is_switched_by_the_command_line_and_leaves_the_admin_port_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), SCENARIO).unwrap();
    let mut server = Server::start_tls(folder.path(), &["s.yaml", "--admin", "127.0.0.1:0"], Stdio::null());
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    let ask = |arguments: &[&str]| run(folder.path(), &[arguments, &["--admin", &admin]].concat());
    let service = server.ready["service"].as_str().unwrap().to_owned();
    let called = || {
        let trust = folder.path().join("certs/authority.pem");
        let call = ["mim", "call", "--url", &service, "--authority", trust.to_str().unwrap()];
        run(folder.path(), &call)
    };

    assert_eq!(ask(&["tls-fault", "show"]), (0, "No fault of TLS is on.\n".into()));
    let (code, on) = ask(&["tls-fault", "start", "expired", "--lasts", "5m"]);
    assert!(code == 0 && on.contains("the certificate expired yesterday"), "{on}");
    assert_eq!(server.logged("TLS fault on until")["by"], "admin API");
    let (_, text) = called();
    assert!(text.contains("which is not now"), "{text}");
    let failed = server.logged("connection failed");
    assert!(failed["trouble"] == "tls-fault" && failed["what"].as_str().unwrap().contains("on purpose"), "{failed}");
    let (_, shown) = ask(&["tls-fault", "show", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(shown["fault"] == "expired" && shown["by"] == "admin API", "{shown}");
    assert_eq!(ask(&["tls-fault", "stop"]).0, 0);
    let (_, text) = called();
    assert!(!text.contains("which is not now"), "{text}");
    assert_eq!(ask(&["tls-fault", "start", "gone"]).0, 2);
}

#[test]
fn a_fault_of_tls_on_plain_http_and_one_that_does_not_fit_are_refused_with_the_remedy() {
    let api = Api::start(SCENARIO, &[]);
    let (status, no) = api.send("PUT", "/tls-fault", &json!({"fault": "reset"}));
    assert_eq!(status, 409, "{no}");
    assert!(no["detail"].as_str().unwrap().contains("plain HTTP"), "{no}");
    assert!(no["remedy"].as_str().unwrap().contains("without --http"), "{no}");
    for (body, field) in [(json!({"fault": "gone"}), "fault"), (json!({"fault": "reset", "lasts": "soon"}), "lasts")] {
        let (status, no) = api.send("PUT", "/tls-fault", &body);
        assert!(status == 400 && no["field"] == field, "{no}");
    }
    assert_eq!(api.get("/tls-fault"), json!({}));
    assert_eq!(api.send("DELETE", "/tls-fault", &Value::Null).0, 204);
}

#[test]
fn the_description_of_the_api_names_every_fault() {
    let described = locmfa::server::admin::openapi();
    for it in locmfa::tls::TlsFault::ALL {
        assert!(described.contains(&format!("`{}`", it.word())), "{it:?}");
    }
}
