//! The program as it is started: its exit codes, its log, its files, its end.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Deref;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::Value;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

pub(crate) fn locmfa(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_locmfa"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    // Servers of other tests are not found.
    command.envs(["XDG_RUNTIME_DIR", "LOCALAPPDATA"].map(|it| (it, folder)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command that ends by itself: its exit code and what it printed.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = locmfa(folder, arguments).output().unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code().unwrap(), text)
}

/// The program, serving.
pub(crate) struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    pub(crate) ready: Value,
    pub(crate) caller: Caller,
}

/// Calls the service by sockets of its own.
#[derive(Clone)]
pub(crate) struct Caller {
    address: String,
}

impl Server {
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, Stdio::null())
    }

    pub(crate) fn start_with(folder: &Path, arguments: &[&str], stdin: Stdio) -> Self {
        Self::start_tls(folder, &[arguments, &["--http"]].concat(), stdin)
    }

    pub(crate) fn start_tls(folder: &Path, arguments: &[&str], stdin: Stdio) -> Self {
        let always = ["--listen", "127.0.0.1:0", "--log", "json"];
        let mut child = locmfa(folder, &[arguments, &always].concat()).stdin(stdin).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut server = Self { child, log, ready: Value::Null, caller: Caller { address: String::new() } };
        while server.ready["message"] != "ready" {
            let mut line = String::new();
            assert!(server.log.read_line(&mut line).unwrap() > 0, "it ended before it was ready");
            server.ready = serde_json::from_str(&line).unwrap();
        }
        server.caller = Caller::of(server.ready["service"].as_str().unwrap());
        server
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn close_input(&mut self) {
        drop(self.child.stdin.take());
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end: its exit code.
    pub(crate) fn code(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    /// The next line of the log that says so.
    pub(crate) fn logged(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "it ended before it logged: {message}");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"].as_str().unwrap_or_default().starts_with(message) {
                return line;
            }
        }
    }

    /// Asks the server to stop, and gives its exit code and the rest of its log.
    #[cfg(unix)]
    pub(crate) fn stop(mut self) -> (i32, Vec<Value>) {
        self.tell_to_stop();
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        let lines = rest.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        (self.child.wait().unwrap().code().unwrap(), lines)
    }

    #[cfg(unix)]
    pub(crate) fn tell_to_stop(&self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }
}

/// A program serves, and a test calls it.
impl Deref for Server {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Caller {
    /// For the URL of a service without TLS.
    pub(crate) fn of(url: &str) -> Self {
        let port = url.split([':', '/']).nth(4).unwrap();
        Self { address: format!("127.0.0.1:{port}") }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends a call and leaves it open.
    pub(crate) fn send(&self, operation: &str, children: &str) -> TcpStream {
        self.send_in("", operation, children)
    }

    /// Sends a call to the space of a path, such as `/~one`, and leaves it open.
    pub(crate) fn send_in(&self, space: &str, operation: &str, children: &str) -> TcpStream {
        let namespace = "http://www.phonefactor.com/PfWsSdk";
        let body = format!(
            "<s:Envelope xmlns:s=\"{SOAP}\"><s:Body><{operation} xmlns=\"{namespace}\">{children}</{operation}></s:Body></s:Envelope>"
        );
        self.send_to(space, operation, &body)
    }

    fn send_body(&self, operation: &str, body: &str) -> TcpStream {
        self.send_to("", operation, body)
    }

    fn send_to(&self, space: &str, operation: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        write!(
            stream,
            "POST {space}/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: text/xml; charset=utf-8\r\nSOAPAction: \"http://www.phonefactor.com/PfWsSdk/{operation}\"\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        stream
    }

    pub(crate) fn call(&self, operation: &str, children: &str) -> String {
        read(self.send(operation, children))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn read(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(unix)]
#[test]
fn a_call_is_a_line_of_the_log_and_the_ready_file_says_where() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [anna]").unwrap();
    let server = Server::start(folder.path(), &["s.yaml", "--ready-file", "ready.json"]);
    let ready: Value = serde_json::from_slice(&fs::read(folder.path().join("ready.json")).unwrap()).unwrap();
    assert_eq!(ready["service"], server.ready["service"]);
    assert_eq!(ready["pid"], server.child.id());
    assert!(server.call("UserExists", "<username>anna</username>").contains("<UserExistsResult>true"));

    let (code, lines) = server.stop();
    assert_eq!(code, 0);
    let call = lines.iter().find(|it| it["target"] == "locmfa::call").unwrap();
    let seen: Vec<_> = ["space", "caller", "operation", "user", "outcome"].iter().map(|it| &call[it]).collect();
    assert_eq!(seen, ["default", "anonymous", "UserExists", "anna", "true"]);
    assert!(call["ms"].as_f64().unwrap() > 0.0);
    let last = lines.last().unwrap();
    assert_eq!((&last["message"], &last["calls"]), (&"stopped".into(), &1.into()));
    assert!(!folder.path().join("ready.json").exists());
}

#[cfg(unix)]
#[test]
fn an_open_call_is_told_that_the_server_stops() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [{username: anna, phone: '4255550100'}]\nrules: [{when: {application: probe}, after: 0s}, {after: 50s}]")
        .unwrap();
    let mut server = Server::start(folder.path(), &["s.yaml", "--grace", "0"]);
    let open = server.send("PfAuthUser_4", "<username>anna</username>");
    // The call rings as soon as another one is told that the line is busy.
    let probe = "<username>anna</username><applicationName>probe</applicationName>";
    while !server.call("PfAuthUser_4", probe).contains("<Code>101</Code>") {}
    server.tell_to_stop();
    let answer = read(open);
    assert!(
        answer.starts_with("HTTP/1.1 500 ") && answer.contains("locmfa was stopped while the call waited"),
        "{answer}"
    );
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn secrets_do_not_reach_the_log() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [{username: anna, password: correct-horse, mode: smsText, phone: '4255550100'}]\nrules: [{code: '864209'}]").unwrap();
    let server = Server::start(folder.path(), &["s.yaml", "--verbose"]);
    let anna = "<username>anna</username>";
    assert!(server.call("PrimaryAuthUser", &format!("{anna}<password>correct-horse</password>")).contains("true"));
    server.call("PrimaryAuthUser", &format!("{anna}<password>battery-staple</password>"));
    server.call("PfAuthUser_4", anna);
    assert!(server.call("ValidatePasscode", &format!("{anna}<passcode>864209</passcode>")).contains("true"));
    // A request that the server does not understand is logged whole, without secrets.
    read(server.send_body("PrimaryAuthUser", "<x><password>battery-staple</password><username>eve</username>"));
    // So is UTF-16, and a form not at all.
    let wide = "\u{feff}<x><password>battery-staple</password>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (path_info, kind, body) in [
        ("", "text/xml", wide),
        ("/PrimaryAuthUser", "application/x-www-form-urlencoded", b"username=eve&password=battery-staple".to_vec()),
    ] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        write!(
            stream,
            "POST /a/PfWsSdk.asmx{path_info} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             SOAPAction: \"http://www.phonefactor.com/PfWsSdk/PrimaryAuthUser\"\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        stream.write_all(&body).unwrap();
        read(stream);
    }
    let (_, lines) = server.stop();
    let log = format!("{lines:?}");
    assert!(log.contains("not understood") && log.contains("<username>eve</username>"), "{log}");
    for secret in ["correct-horse", "battery-staple", "864209"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[cfg(unix)]
#[test]
fn the_end_of_the_log_counts_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "server: {sign_in: basic}\naccounts: [{name: mim, password: x}, {name: guest, password: x}]";
    fs::write(folder.path().join("s.yaml"), scenario).unwrap();
    let server = Server::start(folder.path(), &["s.yaml"]);
    // mim:wrong, twice, and guest:x
    for credentials in ["bWltOndyb25n", "bWltOndyb25n", "Z3Vlc3Q6eA=="] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        write!(
            stream,
            "GET /PfWsSdk.asmx HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic {credentials}\r\n\r\n"
        )
        .unwrap();
        assert!(read(stream).starts_with("HTTP/1.1 401 "));
    }
    let (_, lines) = server.stop();
    assert_eq!(lines.last().unwrap()["failures"], "1 outside-group, 2 wrong-password");
}

#[test]
fn a_line_of_the_log_leaves_out_what_a_request_does_not_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [anna]").unwrap();
    let server = Server::start(folder.path(), &["s.yaml", "-v"]);
    for path in ["/PfWs.asmx", "/PfWsSdk.asmx"] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        write!(stream, "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nx=1").unwrap();
        read(stream);
    }
    let (_, lines) = server.stop();
    let is_empty = |line: &Value| line.as_object().unwrap().values().any(|it| it == "");
    assert!(!lines.iter().any(is_empty), "{lines:?}");
    assert!(["wrong-path", "(3 characters)"].iter().all(|it| format!("{lines:?}").contains(it)), "{lines:?}");
}

#[test]
fn a_scenario_with_mistakes_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [{usernam: anna}]\nrules: [{outcome: bussy}]").unwrap();
    let (code, text) = run(folder.path(), &["s.yaml", "--ready-file", "ready.json"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("Did you mean username?") && text.contains("Did you mean busy?"), "{text}");
    assert!(text.contains("s.yaml has 3 errors; nothing was started."), "{text}");
    assert!(!folder.path().join("certs").exists() && !folder.path().join("ready.json").exists());
}

#[test]
fn what_keeps_it_from_starting_is_one_sentence_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    fs::write(at("file"), "").unwrap();
    fs::create_dir(at("foreign")).unwrap();
    fs::write(at("foreign/authority.pem"), "hello").unwrap();
    let free = ["--listen", "127.0.0.1:0"];
    fs::write(at("s.yaml"), "users: [anna]").unwrap();
    let cases: [(&[&str], &[&str]); 7] = [
        (&["--http", "--listen", &taken], &["is taken by another program", "--listen"]),
        (&["s.yaml", "--listen", "0.0.0.0:0"], &["can be reached by other machines", "--allow-remote"]),
        (
            &["--listen", "0.0.0.0:0", "--allow-remote"],
            &["the scenario built-in lets every caller in", "sign-in-windows.yaml"],
        ),
        (&["--certs", "file", free[0], free[1]], &["file", "--certs"]),
        (&["--certs", "foreign", free[0], free[1]], &["authority.pem"]),
        (&["--http", "--ready-file", "no/such/folder/ready.json", free[0], free[1]], &["ready.json", "--ready-file"]),
        (&["missing.yaml"], &["missing.yaml", "cannot be read"]),
    ];
    for (arguments, expected) in cases {
        let (code, text) = run(folder.path(), arguments);
        let right_code = if arguments == ["missing.yaml"] { 1 } else { 3 };
        assert_eq!(code, right_code, "{arguments:?}: {text}");
        for part in expected {
            assert!(text.contains(part), "{arguments:?} lacks {part:?}: {text}");
        }
    }
    assert_eq!(run(folder.path(), &["--no-such-flag"]).0, 2);
}

#[test]
fn a_misspelt_command_is_no_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, remedy) in [
        (&["serv"][..], "There is no file or command `serv`. Did you mean `serve`?"),
        (&["chekc", "a.yaml"], "There is no file or command `chekc`. Did you mean `check`?"),
        (&["--http", "Serve"], "There is no file or command `Serve`. Did you mean `serve`?"),
        (&["statsu", "--json"], "There is no file or command `statsu`. Did you mean `status`?"),
        (&["quux"], "There is no file or command `quux`. `locmfa --help` lists the commands."),
    ] {
        let (code, text) = run(folder.path(), arguments);
        assert!(code == 2 && text.contains(remedy), "{arguments:?}: {code} {text}");
    }
    // A file may have any name.
    fs::write(folder.path().join("serv"), "usesr: []").unwrap();
    assert_eq!(run(folder.path(), &["serv"]).0, 1);
}

#[test]
fn a_closed_pipe_ends_the_output_and_keeps_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.yaml"), "usesr: []").unwrap();
    for (arguments, code) in
        [(&["fidelity"][..], 0), (&["schema"], 0), (&["certs", "show"], 0), (&["check", "bad.yaml"], 1)]
    {
        let mut child = locmfa(folder.path(), arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), text.as_str()), (Some(code), ""), "{arguments:?}");
    }
}

#[test]
fn the_description_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &["wsdl"]), (0, include_str!("../golden/PfWsSdk.wsdl").into()));
    let (_, text) = run(folder.path(), &["wsdl", "--address", "https://mfa.contoso.com/x.asmx"]);
    assert!(text.contains("location=\"https://mfa.contoso.com/x.asmx\""));
}

#[test]
fn header_names_have_the_letter_case_of_the_library() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: []").unwrap();
    let mut server = Server::start(folder.path(), &["s.yaml"]);
    let answer = server.call("TestSecurity", "");
    server.kill();
    // IIS writes X-AspNet-Version. To HTTP it is the same name.
    assert!(answer.contains("\r\nX-Aspnet-Version: "), "{answer}");
}

#[test]
fn the_ledger_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &["fidelity"]), (0, include_str!("../../docs/fidelity.md").into()));
}

#[test]
fn mistakes_are_told_as_json_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.yaml"), "users: [anna]").unwrap();
    fs::write(folder.path().join("bad.yaml"), "users: anna\nseeed: 1").unwrap();
    assert_eq!(run(folder.path(), &["check", "good.yaml"]), (0, "good.yaml: no mistakes\n".into()));
    let (code, text) = run(folder.path(), &["check", "good.yaml", "bad.yaml", "--format", "json"]);
    let mistakes: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!((code, mistakes.len()), (1, 2), "{text}");
    assert!(mistakes.iter().any(|it| it["line"] == 2 && it["column"] == 1), "{text}");
    assert_eq!(run(folder.path(), &["check", "good.yaml", "bad.yaml", "--json"]), (code, text));
}

#[test]
fn certificates_are_made_once_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (code, first) = run(folder.path(), &["certs", "show", "--host", "mfa.contoso.com"]);
    assert!(code == 0 && first.contains("mfa.contoso.com") && first.contains("SHA-256"), "{first}");
    assert_eq!(run(folder.path(), &["certs", "show", "--host", "mfa.contoso.com"]).1, first);
    let (_, renewed) = run(folder.path(), &["certs", "new", "--host", "mfa.contoso.com"]);
    let authority = |text: &str| text.split("Server").next().unwrap().to_owned();
    assert!(renewed != first && authority(&renewed) == authority(&first), "{renewed}");

    let shown: Value = serde_json::from_str(&run(folder.path(), &["certs", "show", "--json"]).1).unwrap();
    assert!(renewed.contains(shown["servers"][0]["sha256"].as_str().unwrap()), "{shown}");

    let (_, trust) = run(folder.path(), &["certs", "trust"]);
    assert!(trust.contains("Import-Certificate -FilePath") && trust.contains("authority.cer"), "{trust}");
    let thumbprint = first.split("SHA-1").nth(1).unwrap().split_whitespace().next().unwrap();
    let (_, untrust) = run(folder.path(), &["certs", "untrust"]);
    assert!(untrust.contains(&format!(r"Remove-Item Cert:\LocalMachine\Root\{thumbprint}")), "{untrust}");
    fs::write(folder.path().join("password"), "a password\n").unwrap();
    let export = ["certs", "export", "--pfx", "server.pfx", "--password-file", "password"];
    let (code, text) = run(folder.path(), &export);
    assert!(code == 0 && folder.path().join("server.pfx").exists(), "{text}");
    let (code, text) = run(folder.path(), &export[..4]);
    assert!(code == 3 && text.contains("LOCMFA_PFX_PASSWORD"), "{text}");
}

#[test]
fn codes_are_explained_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = run(folder.path(), &["check", "--explain", "s006"]);
    assert_eq!(code, 0);
    assert!(text.starts_with("error S006 unknown-word\n"), "{text}");
    assert!(text.contains("  wrong:\n") && text.contains("      - outcome: bussy\n"), "{text}");
    let (code, all) = run(folder.path(), &["check", "--explain"]);
    assert!(code == 0 && all.contains(&text) && all.contains("S001 unknown-key"), "{all}");
    let (code, text) = run(folder.path(), &["check", "--explain", "S999"]);
    assert!(code == 3 && text.contains("there is no code \"S999\""), "{text}");
    assert_eq!(run(folder.path(), &["check"]).0, 2, "a file is needed");
}

#[test]
fn the_schema_is_printed_and_named_in_a_new_scenario_near_it() {
    let folder = tempfile::tempdir().unwrap();
    let (code, schema) = run(folder.path(), &["schema"]);
    assert_eq!(code, 0);
    assert!(schema == include_str!("../../docs/scenario.schema.json"), "another test says what differs");
    fs::create_dir_all(folder.path().join("docs")).unwrap();
    fs::create_dir_all(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("docs/scenario.schema.json"), schema).unwrap();
    fs::write(folder.path().join("export.csv"), "Username\nanna\n").unwrap();
    let import = |into: &str| {
        assert_eq!(run(folder.path(), &["users", "import", "export.csv", "--into", into]).0, 0);
        fs::read_to_string(folder.path().join(into)).unwrap()
    };
    assert!(
        import("mine/a.yaml").starts_with("# yaml-language-server: $schema=../docs/scenario.schema.json\n\nusers:")
    );
    assert!(import("a.yaml").starts_with("# yaml-language-server: $schema=docs/scenario.schema.json\n\nusers:"));
    fs::remove_file(folder.path().join("docs/scenario.schema.json")).unwrap();
    assert!(import("b.yaml").starts_with("users:"));
}

#[test]
fn a_watched_scenario_is_read_again_when_a_file_of_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("s.yaml", "use: people.yaml");
    write("people.yaml", "users: [anna]");
    let mut server = Server::start(folder.path(), &["s.yaml", "--watch"]);
    let exists = |server: &Server, name: &str| {
        server.call("UserExists", &format!("<username>{name}</username>")).contains("<UserExistsResult>true")
    };

    write("people.yaml", "users: [anna, Anna]");
    let mistake = server.logged("there is another user");
    assert_eq!(
        (&mistake["level"], &mistake["source"], &mistake["line"]),
        (&"ERROR".into(), &"people.yaml".into(), &1.into())
    );
    assert_eq!(server.logged("scenario not reloaded")["mistakes"], "1 error");
    assert!(exists(&server, "anna") && !exists(&server, "ben"));

    // As many editors save: beside, and then in its place.
    write("people.yaml~", "users: [anna, ben, carla]");
    fs::rename(folder.path().join("people.yaml~"), folder.path().join("people.yaml")).unwrap();
    assert_eq!(server.logged("scenario reloaded")["changed"], "2 users added (ben, carla)");
    assert!(exists(&server, "ben"));

    // As others save: what is there is cut off first, and the new text follows.
    write("s.yaml", "");
    assert_eq!(server.logged("nothing stands here")["code"], "S026");
    assert!(exists(&server, "ben"));
    write("s.yaml", "users: [dario]");
    assert!(server.logged("scenario reloaded")["changed"].as_str().unwrap().contains("dario"));
}

/// As `locmfa 2>&1 | head -1` closes it.
#[cfg(unix)]
#[test]
fn a_closed_log_stops_no_call_and_its_lost_lines_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [anna]").unwrap();
    let mut server = Server::start(folder.path(), &["s.yaml"]);
    let mut other = locmfa(folder.path(), &["--version"]).spawn().unwrap();
    drop(std::mem::replace(&mut server.log, BufReader::new(other.stderr.take().unwrap())));
    other.wait().unwrap();

    let admin = server.ready["admin"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let lost = || {
        let mut stream = TcpStream::connect(&admin).unwrap();
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let answer = read(stream);
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        body["log_lines_lost"].as_u64().unwrap()
    };
    for _ in 0..20 {
        assert!(server.call("UserExists", "<username>anna</username>").contains("<UserExistsResult>true"));
    }
    assert!((0..100_000).any(|_| lost() > 0), "no line is counted as lost");
    server.tell_to_stop();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_log_file_takes_the_log_and_a_hangup_opens_it_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [anna]").unwrap();
    let (_, text) = run(folder.path(), &["--log", "off", "--log-file", "l.log"]);
    assert!(text.contains("--log off writes no log"), "{text}");
    let log = folder.path().join("l.log");
    let arguments = ["s.yaml", "--http", "--listen", "127.0.0.1:0", "--log", "json", "--log-file", "l.log"];
    let mut child = locmfa(folder.path(), &[&arguments[..], &["--ready-file", "r.json"]].concat()).spawn().unwrap();
    let wait_for = |name: &str, text: &str| {
        let has = |_| fs::read_to_string(folder.path().join(name)).is_ok_and(|it| it.contains(text));
        assert!((0..10_000_000).any(has), "{name} lacks {text}");
    };
    wait_for("r.json", "service");
    wait_for("l.log", "\"ready\"");
    fs::rename(&log, folder.path().join("l.log.1")).unwrap();
    assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
    wait_for("l.log", "scenario reloaded");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(fs::read_to_string(&log).unwrap().contains("stopped"));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[cfg(unix)]
#[test]
fn a_hangup_lets_the_scenario_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [anna]").unwrap();
    let mut server = Server::start(folder.path(), &["s.yaml"]);
    fs::write(folder.path().join("s.yaml"), "users: [ben]").unwrap();
    assert!(Command::new("kill").args(["-HUP", &server.child.id().to_string()]).status().unwrap().success());
    assert_eq!(server.logged("scenario reloaded")["changed"], "1 user added (ben), 1 removed (anna)");
}

#[test]
fn the_doctor_tells_what_a_running_server_saw_fail() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    let doctor = || run(folder.path(), &["doctor", "--listen", "127.0.0.1:0", "--admin", &admin]).1;
    assert!(doctor().contains("No connection and no sign-in failed."), "{}", doctor());
    // A handshake where plain HTTP is served.
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
    let told = doctor();
    assert!(told.contains("1 × "), "{told}");
    // Who verifies what happened finds it, too.
    let expectations = folder.path().join("expected.yaml");
    fs::write(&expectations, "expect: [{kind: notice, where: {topic: '*'}, exactly: 1}]").unwrap();
    let (code, told) = run(folder.path(), &["verify", "expected.yaml", "--admin", &admin]);
    assert_eq!(code, 0, "{told}");
    assert!(
        run(folder.path(), &["doctor", "--admin", "http://127.0.0.1:9"])
            .1
            .contains("No server reports its failures at http://127.0.0.1:9")
    );
}
