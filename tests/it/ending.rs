//! The life of the process from outside: where a server is found, how others wait for it, and what ends it.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use locmfa::process::{Process, has_ended};
use serde_json::Value;

use crate::process::{Server, locmfa, read, run};

/// A program that ends only when a test ends it.
fn idle() -> Child {
    let (program, arguments) =
        if cfg!(windows) { ("ping", ["-n", "600", "127.0.0.1"].as_slice()) } else { ("sleep", ["600"].as_slice()) };
    Command::new(program).args(arguments).stdout(Stdio::null()).spawn().unwrap()
}

fn ready_file(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The ready files of the servers that run in a test's runtime folder.
fn ready_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("locmfa")).unwrap();
    entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_process_has_ended_also_before_its_parent_asks_for_its_code() {
    assert!(!has_ended(std::process::id()));
    assert!(Process::open(0).unwrap().is_none());
    let mut child = idle();
    let process = Process::open(child.id()).unwrap().unwrap();
    assert!(!process.wait(Some(std::time::Duration::ZERO)).unwrap());
    child.kill().unwrap();
    assert!(process.wait(None).unwrap() && has_ended(child.id()));
    child.wait().unwrap();
    assert!(has_ended(child.id()));
}

#[test]
fn the_admin_api_stops_the_server_in_good_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let file = format!("{}.json", server.id());
    assert_eq!(ready_files(folder.path()), std::slice::from_ref(&file));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("locmfa").join(&file)), 0o600);
        assert_eq!(mode(&folder.path().join("locmfa")), 0o700);
    }
    // The command finds the server by its ready file.
    let (code, text) = run(folder.path(), &["stop"]);
    assert_eq!((code, text), (0, format!("The server (process {}) has stopped.\n", server.id())));
    assert_eq!(server.logged("told to stop")["why"], "a request to the admin API");
    assert_eq!(server.logged("stopped")["calls"], 0);
    assert_eq!(server.code(), 0);
    assert_eq!(ready_files(folder.path()), [""; 0]);
    assert_eq!(run(folder.path(), &["stop", "--admin", server.ready["admin"].as_str().unwrap()]).0, 3);
}

#[test]
fn a_server_ends_with_its_standard_input_or_with_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_with(folder.path(), &["--exit-with-stdin"], Stdio::piped());
    assert_eq!(run(folder.path(), &["wait"]), (0, "The server is ready.\n".into()));
    server.close_input();
    assert_eq!(server.logged("told to stop")["why"], "standard input ended");
    assert_eq!(server.code(), 0);

    let mut parent = idle();
    let id = parent.id().to_string();
    let mut server = Server::start(folder.path(), &["--parent", &id]);
    assert_eq!(run(folder.path(), &["wait"]).0, 0);
    parent.kill().unwrap();
    assert_eq!(server.logged("told to stop")["why"], format!("process {id} ended"));
    assert_eq!(server.code(), 0);
    parent.wait().unwrap();
    let (code, text) = run(folder.path(), &["--http", "--listen", "127.0.0.1:0", "--parent", &id]);
    assert!(code == 3 && text.contains("there is no such process"), "{code} {text}");
}

#[test]
fn waiting_says_what_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = run(folder.path(), &["wait", "--timeout", "10ms", "--admin", "http://127.0.0.1:9"]);
    assert!(code == 1 && text.contains("not ready in 0.01 seconds: no server answers at http://127.0.0.1:9"), "{text}");
    fs::write(folder.path().join("s.yaml"), "users: []").unwrap();
    let server = Server::start(folder.path(), &["s.yaml"]);
    let (code, text) = run(folder.path(), &["wait", "--timeout", "200ms", "--space", "one"]);
    assert!(code == 1 && text.contains("no space"), "{text}");
    let mut waits = locmfa(folder.path(), &["wait", "--space", "one"]).spawn().unwrap();
    read(server.send_in("/~one", "TestSecurity", ""));
    let mut told = String::new();
    waits.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(
        (waits.wait().unwrap().code(), told.as_str()),
        (Some(0), "The server is ready, and the space one is there.\n")
    );
}

#[test]
fn commands_find_the_server_by_its_ready_file_and_refuse_to_choose_between_two() {
    let folder = tempfile::tempdir().unwrap();
    let mut one = Server::start(folder.path(), &[]);
    // A killed server leaves its file.
    let dead = folder.path().join("locmfa/4000000.json");
    let mut ready = ready_file(&folder.path().join("locmfa").join(format!("{}.json", one.id())));
    assert_eq!(ready["version"], env!("CARGO_PKG_VERSION"));
    ready["pid"] = 4_000_000.into();
    fs::write(&dead, ready.to_string()).unwrap();
    assert_eq!(run(folder.path(), &["status"]).0, 0);
    assert!(!dead.exists());
    // The identifier of a killed server is another program's now. Nothing listens there, so it is no server.
    let other = folder.path().join(format!("locmfa/{}.json", std::process::id()));
    ready["pid"] = std::process::id().into();
    ready["admin"] = "http://127.0.0.1:9".into();
    fs::write(&other, ready.to_string()).unwrap();
    assert_eq!(run(folder.path(), &["status"]).0, 0);

    let two = Server::start(folder.path(), &["--ready-file", "two.json"]);
    assert_eq!(run(folder.path(), &["status"]).0, 0, "a named ready file is not in the runtime folder");
    let told = |name: &str| {
        let mut command = locmfa(folder.path(), &["space", "list"]);
        let output = command.env("LOCMFA_READY_FILE", name).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(told("two.json").0, 0);
    let (code, text) = told("three.json");
    assert!(code == 3 && text.contains("LOCMFA_READY_FILE names three.json"), "{text}");

    let three = Server::start(folder.path(), &[]);
    for command in ["status", "wait", "stop", "calls"] {
        let (code, text) = run(folder.path(), &[command]);
        let lists = |it: &Server| text.contains(it.ready["admin"].as_str().unwrap());
        assert!(code == 2 && text.contains("2 servers run") && lists(&one) && lists(&three), "{code} {text}");
        assert!(!lists(&two), "{text}");
    }
    one.kill();
    assert_eq!(run(folder.path(), &["stop"]).0, 0);
}

#[test]
fn a_ready_file_replaces_nothing_but_a_stale_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let start = |name: &str| run(folder.path(), &["--http", "--listen", "127.0.0.1:0", "--ready-file", name]);
    fs::write(at("s.yaml"), "users: [anna]").unwrap();
    fs::create_dir(at("folder")).unwrap();
    let mut cases = vec![("s.yaml", "is no ready file"), ("folder", "is a link, a folder")];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("s.yaml", at("link")).unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        cases.extend([
            ("link", "is a link, a folder"),
            ("pipe", "is a link, a folder"),
            ("/dev/null", "is a link, a folder"),
        ]);
    }
    for (name, why) in cases {
        let (code, text) = start(name);
        assert!(code == 3 && text.contains(why) && text.contains("--ready-file"), "{name}: {code} {text}");
        assert!(at(name).symlink_metadata().is_ok(), "{name} is gone");
    }
    // One that a server left goes before the start, which fails here.
    fs::write(at("r.json"), r#"{"service": "", "wsdl": "", "admin": null, "authority": null, "pid": 4000000}"#)
        .unwrap();
    let (code, text) = run(
        folder.path(),
        &["s.yaml", "--http", "--listen", "192.0.2.1:0", "--allow-remote", "--ready-file", "r.json"],
    );
    assert!(code == 3 && !at("r.json").exists(), "{text}");
    let server = Server::start(folder.path(), &["--ready-file", "r.json"]);
    let (code, text) = start("r.json");
    assert!(code == 3 && text.contains(&format!("belongs to a server that runs (process {}", server.id())), "{text}");
    assert_eq!(ready_file(&at("r.json"))["pid"], server.id());
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_server_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [{username: anna, phone: '4255550100'}]\nrules: [{when: {application: probe}, after: 0s}, {after: 50s}]").unwrap();
    let mut server = Server::start(folder.path(), &["s.yaml", "--grace", "600"]);
    let open = server.send("PfAuthUser_4", "<username>anna</username>");
    // The call rings as soon as another one is told that the line is busy.
    let probe = "<username>anna</username><applicationName>probe</applicationName>";
    while !server.call("PfAuthUser_4", probe).contains("<Code>101</Code>") {}
    server.tell_to_stop();
    assert_eq!(server.logged("stopping")["open_calls"], 1);
    server.tell_to_stop();
    assert!(server.logged("ended at once")["message"].as_str().unwrap().contains("second signal"));
    assert_eq!(server.code(), 3);
    drop(open);
}
