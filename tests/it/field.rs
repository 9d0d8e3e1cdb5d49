//! Inputs from the field, as people bring them, through the built program. `src/import/tests.rs` reads the exports.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use locmfa::contract::Mode;
use locmfa::engine::{Engine, Outcome, Timestamp};

use crate::process::{locmfa, run};

fn field(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field").join(name).display().to_string()
}

#[test]
fn an_import_that_reads_no_user_is_exit_1_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, what) in [
        ("page.csv", "<html><body>Sign in</body></html>", "web page"),
        ("empty.csv", "", "empty"),
        ("numbers.csv", "Username,Phone\nanna,call me\n", "no user could be read"),
        ("header.csv", "Username,Phone\n", "no user could be read"),
        ("provider.txt", "6f;;1;\n", "no user could be read"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
        let (code, told) = run(folder.path(), &["users", "import", name, "--into", "my.yaml"]);
        assert!(code == 1 && told.contains(what), "{name}: {code} {told}");
        assert!(!folder.path().join("my.yaml").exists(), "{name}");
    }
    let (code, told) = run(folder.path(), &["users", "import", &field("export.csv"), "--into", "my.yaml"]);
    assert!(code == 0 && told.contains("3 users read, 0 rows left out"), "{told}");
    let (code, told) = run(folder.path(), &["check", "my.yaml"]);
    assert!(code == 0 && told.contains("no mistakes"), "{told}");
}

#[test]
fn a_dash_is_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let piped = |arguments: &[&str], text: &str| {
        let mut command = locmfa(folder.path(), arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), told)
    };
    let (code, told) = piped(&["users", "import", "-"], "Username,Phone\nanna,+1 425 555 0100\n");
    assert!(code == 0 && told.contains("{username: anna, phone: \"+1 4255550100\"}"), "{told}");
    assert!(told.contains("1 user read, 0 rows left out"), "{told}");
    let (code, told) = piped(&["check", "-"], "users: [anna]\n");
    assert!(code == 0 && told.contains("standard input: no mistakes"), "{told}");
    let (code, told) = piped(&["check", "-"], "usrs: [anna]\n");
    assert!(code == 1 && told.contains("--> standard input:1:1"), "{told}");
    let (code, told) = piped(&["serve", "-"], "users: [anna, anna]\n");
    assert!(code == 1 && told.contains("standard input has 1 error"), "{told}");
    for arguments in [&["serve", "-", "--watch"][..], &["-", "--watch"]] {
        let (code, told) = piped(arguments, "users: [anna]\n");
        assert!(code == 2 && told.contains("standard input is read once"), "{code} {told}");
    }
    let (code, told) = piped(&["serve", "-", "--exit-with-stdin"], "users: [anna]\n");
    assert!(code == 2 && told.contains("standard input ends with the scenario"), "{code} {told}");
}

#[test]
fn users_that_one_name_finds_are_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = run(folder.path(), &["check", &field("two-domains.yaml")]);
    assert!(code == 0 && told.contains("warning S027 ambiguous-name"), "{told}");
    assert!(told.contains("anna@fabrikam.com, the first"), "{told}");
    for (users, warns) in [
        ("[anna@fabrikam.com, ben@contoso.com]", false),
        ("[anna, anna@contoso.com]", false),
        ("[anna@contoso.com, Anna@corp.contoso.com]", true),
    ] {
        fs::write(folder.path().join("my.yaml"), format!("users: {users}\n")).unwrap();
        let (_, told) = run(folder.path(), &["check", "my.yaml"]);
        assert_eq!(told.contains("S027"), warns, "{told}");
    }
}

#[test]
fn a_number_of_a_call_that_cannot_be_read_is_named_by_its_character() {
    let text = "users: [mim]\nrules:\n  - {name: anna, when: {phone: '+1 425 555 0100'}, outcome: busy}\n";
    for (phone, why) in [
        ("+1 425 555 \u{41e}1OO", "(U+041E)"),
        ("07700900123", "country code 1 begins with 0"),
        ("+1 425 555 0100; +1 425 555 0101", "more than one number"),
        ("**600", "'*'"),
    ] {
        let scenario = locmfa::scenario::load("test", text).unwrap();
        let now = Timestamp::from_unix(std::time::Duration::ZERO);
        let mut engine = Engine::new(scenario.setup, now, 1, locmfa::engine::Bounds::default());
        let ask = crate::asking("mim", Mode::VoiceCall, phone);
        let values = [
            locmfa::contract::FieldValue::new("username", locmfa::contract::Value::Text("mim")),
            locmfa::contract::FieldValue::new("phoneNumber", locmfa::contract::Value::Text(phone)),
        ];
        let call = locmfa::engine::Call { operation: ask.operation, asks: true, space: "default", values: &values };
        let explained = engine.explain(now, &call)[0].why_not.clone().unwrap();
        assert!(explained.contains(why) && !explained.contains("there is no number"), "{explained}");
        let locmfa::engine::Authentication::Settled(settlement) = engine.authenticate(now, ask).unwrap() else {
            panic!("{phone} rings")
        };
        assert_eq!(settlement.ending.known(), Some(Outcome::InvalidNumberFormat), "{phone}");
        assert!(settlement.warning.as_ref().is_some_and(|it| it.contains(why)), "{:?}", settlement.warning);
    }
}

/// A settings file with these lines between its root's tags.
fn settings(lines: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<MfaSettings>\n  <LICENSE_KEY></LICENSE_KEY>\n{lines}  <LOCMFA>true</LOCMFA>\n</MfaSettings>\n"
    )
}

#[test]
fn a_settings_file_shows_no_value_but_those_of_harmless_entries() {
    let folder = tempfile::tempdir().unwrap();
    for lines in [
        "  <CHAVE_LICENÇA>hunter2</CHAVE_LICENÇA>\n  <Username>mim</Username>\n",
        "  <!-- the key was hunter2 --><Username>mim</Username>\n",
        "  <!-- <Kennwort>hunter2</Kennwort> --><Username>mim</Username>\n",
        "  <add key=\"LICENSE_KEY\" value=\"hunter2\"/><Username>mim</Username>\n",
        "  &lt;LICENSE_KEY&gt;hunter2&lt;/LICENSE_KEY&gt; <Username>mim</Username>\n",
        "  <Schluessel><![CDATA[hunter2]]></Schluessel>\n",
        "  <Schluessel>hunter2\n",
        "  <Username>mim\n  LICENSE_KEY hunter2</Username>\n",
        "  hunter2 & more\n",
        "  <LOCMFASRV>https://mim:hunter2@mfa.contoso.com/PfWsSdk.asmx</LOCMFASRV>\n",
    ] {
        let file = folder.path().join("MfaSettings.xml");
        fs::write(&file, settings(lines)).unwrap();
        let url = "https://localhost:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx";
        for arguments in [
            &["mim", "check", "MfaSettings.xml", "--no-connect"][..],
            &["mim", "configure", "MfaSettings.xml", "--url", url, "--username", "mim", "--yes"],
            &["mim", "configure", "MfaSettings.xml", "--url", url, "--username", "mim"],
        ] {
            let (_, told) = run(folder.path(), arguments);
            assert!(!told.contains("hunter2") && !told.is_empty(), "{arguments:?} {lines}\n{told}");
        }
    }
}

#[test]
fn mistakes_of_pasted_settings_are_named_with_their_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        fs::write(folder.path().join("MfaSettings.xml"), text).unwrap();
        run(folder.path(), &["mim", "check", "MfaSettings.xml", "--no-connect"]).1
    };
    for (lines, told) in [
        ("  <Username>mim&lt;br&gt;</Username>\n", "M031"),
        ("  <Username><![CDATA[<mim>]]></Username>\n", "M031"),
        ("  <Username>mim\u{200b}service</Username>\n", "U+200B (zero-width space) in column 16"),
        ("  <LOCMFASRV>\u{a0}https://mfa/PfWsSdk.asmx</LOCMFASRV>\n", "U+00A0 (no-break space)"),
        ("  <LOCMFASRV>\u{201c}https://mfa/PfWsSdk.asmx\u{201d}</LOCMFASRV>\n", "M033"),
        ("  <CertFilePath>\u{201c}C:\\cert.p12\u{201d}</CertFilePath>\n", "M012"),
        ("  &lt;Username&gt;mim&lt;/Username&gt;\n", "write < for &lt;"),
        ("  \\<CertFilePath\\>\\</CertFilePath\\>\n", "M001"),
        ("  <BENUTZER>mim</BENUTZER>\n", "M029 unknown-entry: \"BENUTZER\""),
        ("  <add key=\"LOCMFA\" value=\"true\"/>\n", "M030"),
        ("  <m:Username xmlns:m=\"urn:x\">mim</m:Username>\n", "M027"),
        ("  <Username>mim</Username>\u{a0}\u{a0}\n  <\u{a0}LOCMFASRV></LOCMFASRV>\n", "U+00A0"),
    ] {
        let text = check(&settings(lines));
        assert!(text.contains(told), "{lines}: {text}");
    }
    let newer = check(&settings("").replace("1.0", "1.1"));
    assert!(newer.contains("M001") && newer.contains("Version number '1.1' is invalid."), "{newer}");
    assert!(check(&settings("").replace("<MfaSettings>", "<MfaSettings xmlns=\"urn:x\">")).contains("M027"));
    for (name, codes) in
        [("translated.xml", &["M029", "M011"][..]), ("escaped.xml", &["M001"]), ("entities.xml", &["M004"])]
    {
        let (code, told) = run(folder.path(), &["mim", "check", &field(name), "--no-connect"]);
        assert!(code == 1 && codes.iter().all(|it| told.contains(it)), "{name}: {told}");
        assert!(!told.contains("MADE-UP"), "{told}");
    }
}

#[test]
fn no_call_is_made_where_mim_would_call_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let url = "<LOCMFASRV>http://127.0.0.1:9/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx</LOCMFASRV>";
    for (lines, why) in [
        (format!("  {url}<CustomPhoneProvider>Contoso.Phone.dll</CustomPhoneProvider>\n"), "Contoso.Phone.dll"),
        (format!("  {url}<LOCMFA>false</LOCMFA>\n"), "LOCMFA is false"),
        ("  <LOCMFASRV></LOCMFASRV>\n".into(), "LOCMFASRV is missing or empty"),
    ] {
        fs::write(folder.path().join("MfaSettings.xml"), settings(&lines)).unwrap();
        for command in ["call", "connect"] {
            let (code, told) = run(folder.path(), &["mim", command, "--settings", "MfaSettings.xml"]);
            assert!(code == 1 && told.contains(why) && told.contains("No call was made"), "{command}: {code} {told}");
        }
        let (code, told) = run(folder.path(), &["mim", "check", "MfaSettings.xml", "--connect"]);
        assert!(code == 1 && !told.contains("ok  "), "{told}");
    }
    let text = settings(&format!("  {url}<CustomPhoneProvider>Contoso.Phone.dll</CustomPhoneProvider>\n"));
    fs::write(folder.path().join("MfaSettings.xml"), text).unwrap();
    let (code, told) = run(folder.path(), &["mim", "call", "--settings", "MfaSettings.xml", "--force"]);
    assert!(code == 3 && !told.contains("No call was made"), "{code} {told}");
}

#[test]
fn init_writes_a_scenario_that_passes_check() {
    let folder = tempfile::tempdir().unwrap();
    for (account, username, country) in [
        ("mimservice", "mimservice@contoso.com", "1"),
        ("svc-mim$", "mimservice@contoso.com", "+49"),
        ("MIM01$", "mim", "351"),
    ] {
        let given =
            ["--domain", "CONTOSO", "--service-account", account, "--username", username, "--country-code", country];
        let (code, told) = run(folder.path(), &[&["init", "my.yaml", "--force"][..], &given].concat());
        assert!(code == 0, "{told}");
        let (code, told) = run(folder.path(), &["check", "my.yaml"]);
        assert!(code == 0 && told.contains("no mistakes"), "{told}");
        let (code, told) = run(folder.path(), &[&["init", "my.yaml"][..], &given].concat());
        assert!(code == 1 && told.contains("--force"), "{told}");
    }
    let (code, told) = run(folder.path(), &["init", "other.yaml", "--domain", "CONTOSO"]);
    assert!(code == 2 && told.contains("--service-account, --username, --country-code"), "{code} {told}");
    let (code, told) = run(
        folder.path(),
        &["init", "other.yaml", "--domain", "C", "--service-account", "m", "--username", "m", "--country-code", "none"],
    );
    assert!(code == 1 && told.contains("country_code") && !folder.path().join("other.yaml").exists(), "{told}");
}

/// A person types answers at a terminal.
#[cfg(unix)]
#[test]
fn init_asks_at_a_terminal_for_what_is_not_given() {
    use std::io::Read;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let folder = tempfile::tempdir().unwrap();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let path = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let typed = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut asking = locmfa(folder.path(), &["init", "my.yaml", "--country-code", "1"]).stdin(typed).spawn().unwrap();
    let mut questions = asking.stderr.take().unwrap();
    let mut keys = fs::File::from(terminal);
    for (question, answer) in [
        ("Domain of the accounts, such as CONTOSO: ", "FABRIKAM"),
        ("Account of the MIM Service, such as mimservice (managed accounts end in $): ", "mimservice"),
        ("Username in MfaSettings.xml, such as mimservice@contoso.com: ", " mimservice@fabrikam.com "),
    ] {
        let mut asked = vec![0; question.len()];
        questions.read_exact(&mut asked).unwrap();
        assert_eq!(String::from_utf8(asked).unwrap(), question);
        keys.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    assert!(asking.wait().unwrap().success());
    let written = fs::read_to_string(folder.path().join("my.yaml")).unwrap();
    assert!(written.contains("FABRIKAM") && written.contains("mimservice@fabrikam.com"), "{written}");
    assert_eq!(run(folder.path(), &["check", "my.yaml"]).0, 0, "{written}");
}

#[test]
fn an_account_whose_password_is_not_known_is_no_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = run(folder.path(), &["check", &field("kerberos-as.yaml")]);
    assert!(code == 0, "{told}");
}

#[test]
fn every_text_that_people_search_for_leads_to_what_to_do() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let pages = fs::read_dir(docs)
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "md"));
    let lines: Vec<String> = pages
        .flat_map(|it| fs::read_to_string(it).unwrap().lines().map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect();
    let mut texts: Vec<String> =
        fs::read_to_string(field("error-texts.txt")).unwrap().lines().map(ToOwned::to_owned).collect();
    let siblings = [
        "HTTP status 403",
        "HTTP status 404",
        "36874",
        "36887",
        "SEC_E_ALGORITHM_MISMATCH",
        "remote name could not be resolved",
        "closed the transport stream",
        "Server did not recognize the value of HTTP Header SOAPAction",
        "no endpoint listening",
    ];
    texts.extend(siblings.map(ToOwned::to_owned));
    for text in texts {
        // A row with a second column says what to do.
        let leads = lines.iter().any(|it| it.contains(&text) && it.starts_with("| ") && it.matches(" | ").count() >= 1);
        assert!(leads, "docs/ lacks {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_goes_to_users_who_are_enabled_and_complete() {
    let site = crate::site(
        "company: {mail: {templates: [{kind: voiceCall, from: mfa@contoso.com, subject: Hello, body: 'a phone call to {phone}.'}]}}\nusers: [{username: gone@contoso.com, phone: '+1 425 555 0109'}]\n",
    );
    let call = async |operation: &str, body: &str| {
        let body = format!(
            "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Body><{operation} xmlns=\"{}\">{body}<sendEmail>true</sendEmail></{operation}></Body></Envelope>",
            locmfa::contract::NAMESPACE
        );
        let answer = site.request("POST", "").header("content-type", "text/xml").body(body).send().await;
        assert!(answer.body.contains("Result>true<"), "{operation}: {}", answer.body);
        let mails = |it: &locmfa::engine::Event| match &it.what {
            locmfa::engine::What::Message(mail) => format!("{} {}", mail.to, mail.text.reveal()),
            other => panic!("{other:?}"),
        };
        site.0.spaces.default_space().update(|engine, _| {
            engine.journal.of(locmfa::engine::EventKind::Message).map(|it| mails(it)).collect::<Vec<_>>()
        })
    };
    let add = |name: &str, settings: &str| {
        format!("<username>{name}</username><addUserSettings>{settings}</addUserSettings>")
    };
    let phone = "<Phone>4255550100</Phone>";
    let kim = call("AddUser_3", &add("kim@contoso.com", &format!("{phone}<Enabled>true</Enabled>"))).await;
    assert_eq!(kim, ["kim@contoso.com a phone call to 4255550100."]);

    let lee = "<Email>lee@contoso.com</Email><EmailAddress>lee@contoso.com</EmailAddress>";
    assert_eq!(call("AddUser_3", &add("lee", &format!("{lee}<Enabled>true</Enabled>"))).await.len(), 1);
    let changed = "<username>lee</username><userPhone><Phone>4255550101</Phone></userPhone>";
    assert_eq!(call("ChangePhone", changed).await[1], "lee@contoso.com a phone call to 4255550101.");

    let max = "<EmailAddress>max@contoso.com</EmailAddress><Phone>4255550102</Phone><Enabled>false</Enabled>";
    assert_eq!(call("AddUser_3", &add("max", max)).await.len(), 2);
    assert_eq!(call("Enable", "<username>max</username>").await[2], "max@contoso.com a phone call to 4255550102.");

    let taken = "<username>gone@contoso.com</username><userPhone><Phone></Phone></userPhone>";
    assert_eq!(call("ChangePhone", taken).await.len(), 3);
}
