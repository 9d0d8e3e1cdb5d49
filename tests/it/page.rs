//! The page and what it needs of the API, over real sockets.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::process::{Server, read, run};

const SCENARIO: &str = "company: {passcode: {code: '864209'}}
users:
  - mimservice@contoso.com
  - {username: anna, first_name: '<img src=x onerror=alert(1)>', phone: '+1 425 555 0100'}
rules:
  - {name: decide, person: decides, within: 90s}
server: {sign_in: basic}
accounts: [{name: 'CONTOSO\\mimservice', password: Zauber-1, groups: [PhoneFactor Admins]}]
";

struct Page {
    server: Server,
    folder: tempfile::TempDir,
}

struct Told {
    status: u16,
    head: String,
    body: String,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let has = |it: &&str| it.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(&start));
        self.head.lines().find(has).map_or("", |it| &it[start.len()..])
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|it| panic!("{it}: {}", self.body))
    }
}

impl Page {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s.yaml"), SCENARIO).unwrap();
        fs::write(folder.path().join("token"), "t0ken\n").unwrap();
        let server = Server::start(folder.path(), &[&["s.yaml"], arguments].concat());
        Self { server, folder }
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Told {
        let port = self.server.ready["admin"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: {length}\r\n"
        );
        stream.write_all(format!("{head}Content-Type: application/json\r\n{headers}\r\n{body}").as_bytes()).unwrap();
        let answer = read(stream);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Told { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head: head.into(), body: body.into() }
    }

    fn get(&self, path: &str) -> Value {
        let told = self.ask("GET", path, "", "");
        assert_eq!(told.status, 200, "{path}: {}", told.body);
        told.json()
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let told = self.ask(method, path, "", &body.to_string());
        assert!(told.status < 300, "{path}: {}", told.body);
        if told.body.is_empty() { Value::Null } else { told.json() }
    }

    /// The only call that was played, once it is in a state.
    fn play_in(&self, state: &str) -> Value {
        for _ in 0..500 {
            let plays = self.get("/plays");
            if plays["items"][0]["state"] == state {
                return plays["items"][0].clone();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("no call is {state}: {}", self.get("/plays"))
    }

    fn ringing(&self) -> Value {
        self.get("/challenges?wait=10s")["items"][0].clone()
    }
}

#[test]
fn the_page_comes_with_a_strict_policy_and_its_files_are_kept_for_ever() {
    let page = Page::start(&[]);
    let index = page.ask("GET", "/", "", "");
    assert_eq!((index.status, index.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = index.header("content-security-policy");
    for part in
        ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(index.header("cache-control"), "no-cache");
    let known = page.ask("GET", "/", &format!("If-None-Match: {}\r\n", index.header("etag")), "");
    assert_eq!((known.status, known.body.as_str()), (304, ""));

    let paths: Vec<&str> = index.body.split('"').filter(|it| it.starts_with("/page/")).collect();
    assert!(paths.len() >= 4, "{paths:?}");
    for path in &paths {
        let file = page.ask("GET", path, "", "");
        assert_eq!(file.status, 200, "{path}");
        assert!(file.header("cache-control").contains("immutable"), "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert_eq!(file.header("content-security-policy"), policy);
        assert!(!file.body.is_empty() && !file.body.contains("@param"), "{path}");
    }
    // The same page shows every space, and a file of another version is not there.
    assert_eq!(page.ask("GET", "/~build-42/", "", "").body, index.body);
    assert_eq!(page.ask("GET", "/page/0000000000000000/main.js", "", "").status, 404);
    assert_eq!(page.ask("POST", "/", "", "").status, 405);
}

#[test]
fn the_page_needs_no_token_and_what_it_shows_does() {
    let page = Page::start(&["--admin-token-file", "token"]);
    assert_eq!(page.ask("GET", "/", "", "").status, 200);
    assert_eq!(page.ask("GET", "/calls", "", "").status, 401);
    assert_eq!(page.ask("GET", "/calls", "Authorization: Bearer t0ken\r\n", "").status, 200);
    // No telephone can reach an API that listens to this machine alone.
    let told = page.ask("POST", "/devices", "Authorization: Bearer t0ken\r\n", "");
    assert_eq!(told.status, 409);
    assert!(told.body.contains("--allow-remote"), "{}", told.body);
}

#[test]
fn a_telephone_is_the_phone_of_one_space_until_that_starts_over() {
    let page = Page::start(&["--admin", "0.0.0.0:0", "--allow-remote", "--admin-token-file", "token"]);
    let owner = "Authorization: Bearer t0ken\r\n";
    let made = page.ask("POST", "/devices", owner, "");
    // A machine without a network has no address to tell.
    if made.status == 409 {
        return;
    }
    let made = made.json();
    let url = made["url"].as_str().unwrap();
    assert!(url.contains("/?stage&device#token="), "{url}");
    let rows = made["qr"].as_array().unwrap();
    assert!(rows.iter().all(|it| it.as_str().unwrap().len() == rows.len()));
    let device = format!("Authorization: Bearer {}\r\n", url.split("token=").nth(1).unwrap());
    for (method, path, status) in [
        ("GET", "/challenges", 200),
        ("GET", "/messages", 200),
        ("GET", "/clock", 200),
        ("POST", "/challenges/7/act", 404),
        ("GET", "/users", 401),
        ("GET", "/events", 401),
        ("POST", "/rules", 401),
        ("GET", "/~other/challenges", 401),
    ] {
        let body = if path.ends_with("act") { "{\"act\": \"answers\"}" } else { "" };
        assert_eq!(page.ask(method, path, &device, body).status, status, "{method} {path}");
    }
    assert_eq!(page.ask("POST", "/spaces/default/reset", owner, "").status, 200);
    assert_eq!(page.ask("GET", "/challenges", &device, "").status, 401);
}

#[test]
fn the_server_plays_mim_against_its_own_service() {
    let page = Page::start(&[]);
    assert_eq!(page.get("/plays")["account"], "CONTOSO\\mimservice");
    page.send("POST", "/plays", &json!({"gate": "phone", "number": "+1 4255550100"}));
    let challenge = page.ringing();
    assert_eq!((&challenge["state"], &challenge["asks"]), (&json!("deciding"), &json!("#")));
    assert_eq!(challenge["acts"], json!(["answers", "hangs-up", "voicemail", "lets-it-ring"]));
    let act = format!("/challenges/{}/act", challenge["id"]);
    page.send("POST", &act, &json!({"act": "answers"}));
    page.send("POST", &act, &json!({"act": {"presses": "#"}}));
    let play = page.play_in("passed");
    assert_eq!(play["answers"], json!(["PfAuthUser_5: true, call result 2 No PIN Entered"]));
    assert_eq!(play["signed_in"], "basic");
    // The password stays in the server.
    assert!(!page.get("/plays").to_string().contains("Zauber"));

    let page = Page::start(&[]);
    page.send("POST", "/plays", &json!({"gate": "text", "number": "+1 4255550100"}));
    let id = page.play_in("code")["id"].clone();
    page.send("POST", &format!("/plays/{id}/code"), &json!({"code": "864209"}));
    assert_eq!(page.play_in("passed")["answers"][1], "ValidatePasscode: true");
    let refused = page.ask("POST", "/plays", "", "{\"url\": \"https://192.0.2.1/\"}");
    assert_eq!(refused.status, 400, "an address is never taken from a request");
}

#[test]
fn the_clock_jumps_to_the_next_thing_that_is_due() {
    let page = Page::start(&[]);
    let nothing = page.ask("POST", "/clock/advance", "", "{\"to\": \"next\"}");
    assert_eq!(nothing.status, 409, "{}", nothing.body);
    page.send("PUT", "/clock", &json!({"pace": "frozen"}));
    page.send("POST", "/plays", &json!({"number": "+1 4255550100"}));
    let due = page.ringing()["gives_up"].clone();
    let clock = page.send("POST", "/clock/advance", &json!({"to": "next"}));
    assert_eq!(clock["now"], due);
    assert_eq!(page.get("/challenges")["items"], json!([]));
}

#[test]
fn a_user_passes_once_without_being_asked() {
    let page = Page::start(&[]);
    let user = page.send("POST", "/users/anna/bypass", &json!({"lasts": "5m", "reason": "lost the phone"}));
    assert_eq!(user["bypass"]["reason"], "lost the phone");
    assert_eq!(page.ask("POST", "/users/anna/bypass", "", "{\"lasts\": \"soon\"}").status, 400);
    assert_eq!(page.ask("POST", "/users/unknown/bypass", "", "{}").status, 404);
}

#[test]
fn a_report_is_one_file_without_script_and_without_secrets() {
    let page = Page::start(&[]);
    page.send("POST", "/plays", &json!({"gate": "text", "number": "+1 4255550100"}));
    page.play_in("code");
    page.send("PATCH", "/users/anna", &json!({"blocked": "<script>alert(1)</script>"}));
    let report = page.ask("GET", "/report", "", "");
    assert_eq!((report.status, report.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(report.body.contains("PfAuthUser_5") && report.body.contains("(code)"), "{}", report.body);
    for part in ["864209", "Zauber", "<script", "<img", "http-equiv=\"refresh\""] {
        assert!(!report.body.contains(part), "{part}: {}", report.body);
    }
    let style = report.body.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    assert!(report.header("content-security-policy").contains(&hash) && report.body.contains(&hash));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let admin = page.server.ready["admin"].as_str().unwrap();
    let (code, said) = run(folder.path(), &["report", file.to_str().unwrap(), "--admin", admin]);
    assert_eq!(code, 0, "{said}");
    assert!(fs::read_to_string(file).unwrap().ends_with("</html>\n"));
}

#[test]
fn status_tells_the_address_of_the_page() {
    let page = Page::start(&[]);
    let admin = page.server.ready["admin"].as_str().unwrap();
    let (code, text) = run(page.folder.path(), &["status", "--admin", admin]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&format!("its page is {admin}/")), "{text}");
}
