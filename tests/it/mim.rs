//! `locmfa mim check`, `configure` and `revert`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use expect_test::expect_file;
use locmfa::cli::Output;
use locmfa::mim::check::{self, Problem};
use locmfa::mim::settings::{LENGTH, secrets};
use proptest::prelude::*;

use crate::troubles::plain;

const CLOUD: &str = include_str!("../fixtures/mim/cloud.xml");
const CONFIGURED: &str = include_str!("../fixtures/mim/configured.xml");
const URL: &str = "https://mfa.contoso.com:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx";
const NAME: &str = "mimservice@contoso.com";

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: locmfa::cli::mim::Command,
}

/// A folder with a settings file.
struct Scene {
    folder: tempfile::TempDir,
    file: PathBuf,
    /// What a person answers; `None`: there is nobody.
    answer: Option<bool>,
}

/// How a command ended, and what it said.
#[derive(Debug, PartialEq)]
struct Said(u8, String);

impl Scene {
    fn with(bytes: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("MfaSettings.xml");
        fs::write(&file, bytes).unwrap();
        make_private(&file);
        Self { folder, file, answer: None }
    }

    fn mim(&self, arguments: &[&str]) -> Said {
        let file = self.file.to_str().unwrap();
        // The file alone: whether something answers at its URL is another test's matter.
        let alone = (arguments[0] == "check").then_some("--no-connect");
        let line = ["mim", arguments[0], file].into_iter().chain(arguments[1..].iter().copied()).chain(alone);
        let command = match Arguments::try_parse_from(line) {
            Ok(arguments) => arguments.command,
            Err(error) => return Said(2, error.to_string()),
        };
        let mut out = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result = runtime.block_on(command.run(&mut Output::new(&mut out), &mut |_| Ok(self.answer)));
        let mut text = String::from_utf8(out).unwrap();
        let code = match result {
            Ok(code) => (0..=3).find(|it| code == std::process::ExitCode::from(*it)).unwrap(),
            Err(error) => {
                text += &format!("locmfa: {error:#}");
                3
            }
        };
        Said(code, text.replace(file, "MfaSettings.xml"))
    }

    fn configure(&self, more: &[&str]) -> Said {
        self.mim(&[&["configure", "--url", URL, "--username", NAME], more].concat())
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.file).unwrap()
    }

    /// The names of the files, in order.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn backups(&self) -> Vec<PathBuf> {
        let names = self.files().into_iter().filter(|it| it.ends_with(".locmfa-backup"));
        names.map(|it| self.folder.path().join(it)).collect()
    }
}

fn make_private(file: &Path) {
    #[cfg(unix)]
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    #[cfg(not(unix))]
    let _ = file;
}

impl Said {
    #[track_caller]
    fn expect(&self, code: u8, parts: &[&str]) {
        assert_eq!(self.0, code, "{}", self.1);
        parts.iter().for_each(|it| assert!(self.1.contains(it), "lacks {it:?}: {}", self.1));
    }
}

#[test]
fn the_article_from_the_cloud_to_a_local_server_and_back() {
    let scene = Scene::with(CLOUD);
    scene.mim(&["check"]).expect(1, &["M011 cloud-leftover", "M013 local-off", "7 errors"]);

    let said = scene.configure(&["--yes"]);
    said.expect(0, &["MfaSettings.xml was written", "Restart-Service FIMService", "locmfa mim revert", "4.5.202.0"]);
    assert_eq!(String::from_utf8(scene.bytes()).unwrap(), CONFIGURED);
    assert_eq!(fs::read_to_string(&scene.backups()[0]).unwrap(), CLOUD);
    scene.mim(&["check"]).expect(0, &["2 notes"]);

    scene.configure(&[]).expect(0, &["is configured so already; nothing was changed"]);
    assert_eq!(scene.backups().len(), 1);

    scene.mim(&["revert"]).expect(0, &["is restored from", "Restart-Service FIMService"]);
    assert_eq!(scene.bytes(), CLOUD.as_bytes());
    scene.mim(&["revert"]).expect(0, &["nothing was changed"]);
    assert_eq!(scene.files().len(), 2);
}

#[test]
fn what_will_change_is_shown_without_secrets_and_asked() {
    let mut scene = Scene::with(CLOUD);
    scene.configure(&[]).expect(1, &["+    <LocMfa>true</LocMfa>", "nothing was written", "add --yes"]);
    scene.answer = Some(false);
    let said = scene.configure(&[]);
    said.expect(1, &["nothing was changed"]);
    let text = said.1.replace(scene.folder.path().to_str().unwrap(), "");
    expect_file!["../fixtures/mim/configure.txt"].assert_eq(&text);
    for secret in ["4B1B", "7f6e", "horse", "year before"] {
        assert!(!text.contains(secret), "{text}");
        assert!(!scene.mim(&["check"]).1.contains(secret));
    }
    assert_eq!((scene.bytes(), scene.files().len()), (CLOUD.into(), 1));
    scene.answer = Some(true);
    scene.configure(&[]).expect(0, &["was written"]);
    assert_eq!(scene.bytes(), CONFIGURED.as_bytes());
}

#[test]
fn findings_say_where_and_what_to_do() {
    let scene = Scene::with(include_str!("../fixtures/mim/wrong.xml"));
    let Said(code, text) = scene.mim(&["check"]);
    assert_eq!(code, 1);
    expect_file!["../fixtures/mim/wrong.txt"].assert_eq(&text);

    let Said(code, json) = scene.mim(&["check", "--format", "json"]);
    let findings: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!((code, findings.len()), (1, text.matches("\n\n").count()));
    let asmx = findings.iter().find(|it| it["code"] == "M018").unwrap();
    assert_eq!((&asmx["kind"], &asmx["severity"]), (&"missing-asmx".into(), &"error".into()));
    assert_eq!((&asmx["line"], &asmx["column"], &asmx["length"]), (&8.into(), &14.into(), &57.into()));
    assert!(asmx["help"][0].as_str().unwrap().contains("PfWsSdk.asmx"));
}

/// A file that is all right, with one entry changed.
fn with(entry: &str) -> String {
    let mut entries = [
        format!("<Username>{NAME}</Username>"),
        "<LOCMFA>true</LOCMFA>".into(),
        format!("<LOCMFASRV>{URL}</LOCMFASRV>"),
    ]
    .to_vec();
    entries.push("<DefaultCountryCode>1</DefaultCountryCode>".into());
    let name = entry.split(['<', '>', '/']).nth(1).unwrap();
    entries.retain(|it| !it.starts_with(&format!("<{name}>")));
    format!("<r>{}{entry}</r>", entries.concat())
}

#[test]
fn every_finding_is_found() {
    let server = |url: &str| with(&format!("<LOCMFASRV>{url}</LOCMFASRV>"));
    let cases = [
        ("not-xml", "<r><LOCMFA></r>".to_owned()),
        ("not-xml", String::new()),
        ("not-xml", "<r><LOCMFA>&nothing;</LOCMFA></r>".into()),
        ("not-xml", format!("{}{}", "<a>".repeat(65), "</a>".repeat(64))),
        ("document-type", "<!DOCTYPE r [<!ENTITY a 'true'>]><r><LOCMFA>&a;</LOCMFA></r>".into()),
        ("encoding", "<?xml version='1.0' encoding='utf-16'?><r/>".into()),
        ("encoding", "<?xml version='1.0' encoding='klingon'?><r/>".into()),
        ("no-entries", "<r><a>1</a></r>".into()),
        ("no-entries", "<LOCMFA>true</LOCMFA>".into()),
        ("duplicate-entry", with("<LICENSE_KEY/><license_key/>")),
        ("not-text", with("<Username><b>x</b></Username>")),
        ("missing-entry", with("<Username/>")),
        ("missing-entry", with("<LOCMFA> </LOCMFA>")),
        ("missing-entry", with("<LOCMFASRV></LOCMFASRV>")),
        ("in-comment", with("<Username/>").replace("<Username/>", "<!--<username>x</username>-->")),
        ("misspelt-entry", with("<LOCMFASRV/>").replace("<LOCMFASRV/>", "<LOCMFASERV>x</LOCMFASERV>")),
        ("padded-value", with("<Username> x</Username>")),
        ("cloud-leftover", with("<license_Key>x</license_Key>")),
        ("cloud-leftover", with("<GROUP_KEY>x</GROUP_KEY>")),
        ("cloud-leftover", with("<CERT_PASSWORD>x</CERT_PASSWORD>")),
        ("cloud-leftover", with("<CertFilePath>x</CertFilePath>")),
        ("quoted-path", with("<CertFilePath>&quot;x&quot;</CertFilePath>")),
        ("local-off", with("<LOCMFA>1</LOCMFA>")),
        ("letter-case", with("<LOCMFA>True</LOCMFA>")),
        ("not-a-url", server("mfa.contoso.com")),
        ("not-a-url", server("ftp://mfa.contoso.com/PfWsSdk.asmx")),
        ("not-a-url", server("https://mfa.contoso.com:99999/PfWsSdk.asmx")),
        ("not-a-url", server("https://mim:secret@mfa.contoso.com/PfWsSdk.asmx")),
        ("not-a-url", server("https://mfa contoso.com/PfWsSdk.asmx")),
        ("not-a-url", server("https://:9999/PfWsSdk.asmx")),
        ("not-https", server("http://mfa/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx")),
        ("address-for-name", server("https://[::1]:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx")),
        ("address-for-name", server("https://10.0.0.5/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx")),
        ("missing-asmx", server("https://mfa/MultiFactorAuthWebServiceSdk/")),
        ("wrong-path", server("https://mfa.contoso.com:9999")),
        ("wrong-path", server("https://mfa/PfWsSdk.asmx/TestSecurity")),
        ("other-folder", server("https://mfa/mfa/PfWsSdk.asmx")),
        ("url-suffix", server("https://mfa/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx?WSDL")),
        ("custom-provider", with("<CustomPhoneProvider>x.dll</CustomPhoneProvider>")),
        ("namespace", with("<Username/>").replace("<Username/>", "<Username xmlns='urn:x'/>")),
        ("text-between", with("<a/>").replace("<a/>", "Username = x")),
        ("unknown-entry", with("<a/>")),
        ("attributes", with("<a LOCMFA='true'/>")),
        ("markup-in-username", with("<Username>x&lt;br&gt;</Username>")),
        ("invisible-character", with("<Username>x\u{200b}</Username>")),
        ("typographic-quotes", with("<Username>\u{201c}x\u{201d}</Username>")),
        ("no-country-code", with("<DefaultCountryCode/>")),
        ("bad-country-code", with("<DefaultCountryCode>+1</DefaultCountryCode>")),
    ];
    for (word, text) in &cases {
        let found = check::text("x", text.as_bytes()).findings;
        assert!(found.iter().any(|it| it.kind == *word), "{word}: {text}: {found:#?}");
        // Nothing else is wrong, but for what comes with it.
        let others = ["missing-entry", "padded-value", "no-country-code", "unknown-entry"];
        assert!(found.iter().all(|it| it.kind == *word || others.contains(&it.kind)), "{word}: {found:#?}");
    }
    let fine = [
        with("<locmfasrv>https://mfa:9999/~build-42/multifactorauthwebservicesdk/pfwssdk.ASMX</locmfasrv>")
            .replace(&format!("<LOCMFASRV>{URL}</LOCMFASRV>"), ""),
        with("<LOCMFA><!-- on --><![CDATA[true]]></LOCMFA>"),
    ];
    fine.iter().for_each(|it| assert_eq!(check::text("x", it.as_bytes()).findings, [], "{it}"));
    for (code, word, ..) in Problem::TABLE {
        let is_tried = cases.iter().any(|it| it.0 == *word) || ["open-to-all", "access-unseen"].contains(word);
        assert!(is_tried, "{code} {word}");
    }
}

#[test]
fn the_page_has_every_finding_and_codes_are_in_order() {
    let page = include_str!("../../docs/mim.md");
    for (at, (code, word, severity, what, remedy)) in Problem::TABLE.iter().enumerate() {
        assert_eq!(*code, format!("M{:03}", at + 1));
        let row = format!("| {code} | `{word}` | {severity} | {} | {remedy} |", plain(what));
        assert!(page.lines().any(|it| it == row), "docs/mim.md lacks {row}");
    }
}

#[test]
fn a_check_of_the_connection_can_go_on_from_the_file() {
    let checked = check::text("x", CONFIGURED.as_bytes());
    assert_eq!((checked.service.unwrap().to_string().as_str(), checked.username.as_deref()), (URL, Some(NAME)));
    let checked = check::text("x", with("<LOCMFASRV>mfa</LOCMFASRV>").as_bytes());
    assert_eq!(checked.service, None);
}

#[cfg(unix)]
#[test]
fn a_file_that_everybody_may_read_is_found_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::with(CLOUD);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(&scene.file, fs::Permissions::from_mode(0o604)).unwrap();
    scene.mim(&["check"]).expect(1, &["warning M025 open-to-all", "(mode 604)"]);
    scene.configure(&["--yes"]).expect(0, &[]);
    scene.mim(&["check"]).expect(0, &["1 warning"]);
    assert_eq!((mode(&scene.file), mode(&scene.backups()[0])), (0o604, 0o604));
    scene.mim(&["revert"]).expect(0, &[]);
    assert_eq!(mode(&scene.file), 0o604);
}

#[cfg(unix)]
#[test]
fn a_link_to_the_file_stays_a_link() {
    let mut scene = Scene::with(CLOUD);
    let link = scene.folder.path().join("link.xml");
    std::os::unix::fs::symlink(&scene.file, &link).unwrap();
    let file = std::mem::replace(&mut scene.file, link);
    scene.configure(&["--yes"]).expect(0, &[]);
    assert!(scene.file.is_symlink());
    assert_eq!(fs::read(&file).unwrap(), CONFIGURED.as_bytes());
    scene.mim(&["revert"]).expect(0, &[]);
    assert_eq!(fs::read(&file).unwrap(), CLOUD.as_bytes());
}

/// A way to write a text as bytes.
type Writing = fn(&str) -> Vec<u8>;

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.replace("utf-8", "utf-16").encode_utf16().flat_map(bytes).collect()
}

const WRITINGS: [Writing; 6] = [
    |it| it.into(),
    |it| format!("\u{feff}{it}").into_bytes(),
    |it| utf16(&format!("\u{feff}{it}"), u16::to_le_bytes),
    |it| utf16(&format!("\u{feff}{it}"), u16::to_be_bytes),
    |it| utf16(it, u16::to_le_bytes),
    |it| it.replace("utf-8", "iso-8859-1").chars().map(|it| it as u8).collect(),
];

#[test]
fn encodings_byte_order_marks_and_line_ends_stay() {
    for write in WRITINGS {
        for line_end in ["\n", "\r\n", "\r"] {
            let written = |text: &str| write(&text.replace("the account", "le numéro").replace('\n', line_end));
            let scene = Scene::with(written(CLOUD));
            scene.configure(&["--yes"]).expect(0, &["+    <LOCMFASRV>https://"]);
            assert!(scene.bytes() == written(CONFIGURED), "{}", String::from_utf8_lossy(&scene.bytes()));
            scene.mim(&["revert"]).expect(0, &[]);
            assert!(scene.bytes() == written(CLOUD));
        }
    }
}

#[test]
fn mixed_line_ends_stay_mixed() {
    let mixed = |text: &str| {
        text.replace("/>", "/>\r").replace("</LocMfa>", "</LocMfa>\r\n").replace("<Settings", "\r\n<Settings")
    };
    let scene = Scene::with(mixed(CLOUD));
    scene.configure(&["--yes"]).expect(0, &[]);
    let text = String::from_utf8(scene.bytes()).unwrap();
    let added = format!("\n    <LOCMFASRV>{URL}</LOCMFASRV>");
    assert_eq!(text.matches(&added).count(), 1);
    assert_eq!(text.matches('\r').count(), mixed(CLOUD).matches('\r').count());
}

#[test]
fn entries_are_added_as_the_others_are_written() {
    let cases = [
        ("<r><LOCMFA/></r>", "<r><LOCMFA>true</LOCMFA><Username>U</Username><LOCMFASRV>S</LOCMFASRV></r>"),
        (
            "<r>\r\n\t<LOCMFA>x<!--y-->z</LOCMFA>\r\n</r>",
            "<r>\r\n\t<LOCMFA>true<!--y--></LOCMFA>\r\n\t<Username>U</Username>\r\n\t<LOCMFASRV>S</LOCMFASRV>\r\n</r>",
        ),
        (
            "<m:r xmlns:m='u'>\n <m:LOCMFA a='>' />\n</m:r>",
            "<m:r xmlns:m='u'>\n <m:LOCMFA a='>'>true</m:LOCMFA>\n <m:Username>U</m:Username>\n <m:LOCMFASRV>S</m:LOCMFASRV>\n</m:r>",
        ),
        (
            "<r><a>\n  <GROUP_KEY>x</GROUP_KEY></a><b/></r>",
            "<r><a>\n  <GROUP_KEY></GROUP_KEY>\n  <Username>U</Username>\n  <LOCMFA>true</LOCMFA>\n  <LOCMFASRV>S</LOCMFASRV></a><b/></r>",
        ),
    ];
    for (before, after) in cases {
        let scene = Scene::with(before);
        scene.configure(&["--yes"]).expect(0, &[]);
        let expected = after.replace(">U<", &format!(">{NAME}<")).replace(">S<", &format!(">{URL}<"));
        assert_eq!(String::from_utf8(scene.bytes()).unwrap(), expected);
    }
}

#[test]
fn values_are_escaped_and_characters_that_a_code_page_lacks_are_references() {
    let text = "<?xml version='1.0' encoding='iso-8859-2'?><r><Username>x</Username></r>";
    let scene = Scene::with(text);
    let said = scene.mim(&["configure", "--yes", "--url", URL, "--username", "a&b<ק>@contoso.com"]);
    said.expect(0, &[]);
    assert!(
        String::from_utf8(scene.bytes()).unwrap().contains("<Username>a&amp;b&lt;&#1511;&gt;@contoso.com</Username>")
    );
    assert_eq!(check::text("x", &scene.bytes()).username.unwrap(), "a&b<ק>@contoso.com");
}

#[test]
fn a_file_that_is_not_understood_is_not_touched() {
    let laughs = "<!DOCTYPE r [<!ENTITY a 'haha'><!ENTITY b '&a;&a;&a;'>]><r><LOCMFA>&b;</LOCMFA></r>";
    let deep = format!("<r><LOCMFA/>{}{}</r>", "<a>".repeat(100_000), "</a>".repeat(99_999));
    let endless = "<a>".repeat(300_000);
    let keys = "<key".repeat(200_000) + "/>";
    let twice = format!("<r>{}</r>", "<LOCMFA/>".repeat(50_000));
    let cases: [(&[u8], u8, &[&str]); 16] = [
        (keys.as_bytes(), 1, &["M001 not-xml"]),
        (twice.as_bytes(), 1, &["M005 duplicate-entry", "lines 1, 1, 1"]),
        (b"", 1, &["M001 not-xml: The file is empty. (Root element is missing.)"]),
        (b"hello", 1, &["M001 not-xml: Line 1 is not XML. (Data at the root level is invalid.)"]),
        (
            b"<r>\n<LOCMFA>true</LOCMF></r>",
            1,
            &[
                "M001 not-xml: Line 2 ends `<LOCMFA>` with `</LOCMF>`. (The 'LOCMFA' start tag on",
                "MfaSettings.xml:2:15",
            ],
        ),
        (
            "<?xml version=“1.0”?><r/>".as_bytes(),
            1,
            &[
                "M001 not-xml: Line 1 has typographic quotes (“ ”). Replace them with `\"`. ('“' is an unexpected token.",
            ],
        ),
        (
            b"<MfaSettings><LOCMFA>true</LOCMFA>",
            1,
            &[
                "M001 not-xml: `</MfaSettings>` is missing at the end of the file. (Unexpected end of file has occurred.",
            ],
        ),
        (b"<r><LICENSE_KEY>abc&def;</LICENSE_KEY></r>", 1, &["M001 not-xml: Line 1 is not XML.\n"]),
        (b"\xff\xfe<\0r", 1, &["M003 encoding", "UTF-16"]),
        (b"<r>\xe9</r>", 1, &["M003 encoding", "its bytes are no UTF-8"]),
        (laughs.as_bytes(), 1, &["M002 document-type"]),
        (deep.as_bytes(), 1, &["M001 not-xml"]),
        (endless.as_bytes(), 1, &["M001 not-xml"]),
        (b"<r><LOCMFA/>\n<locmfa/></r>", 1, &["M005 duplicate-entry", "lines 1, 2"]),
        (b"<r><LOCMFA><x/></LOCMFA></r>", 1, &["M006 not-text"]),
        (b"<configuration/>", 1, &["M004 no-entries"]),
    ];
    for (bytes, code, parts) in cases {
        let scene = Scene::with(bytes);
        scene.configure(&["--yes", "--force"]).expect(code, &[parts, &["nothing was changed"]].concat());
        assert_eq!((scene.bytes(), scene.files().len()), (bytes.into(), 1));
    }
}

#[test]
fn what_cannot_be_read_or_written_is_one_sentence() {
    let scene = Scene::with("");
    let large = fs::File::options().write(true).open(&scene.file).unwrap();
    large.set_len(100 << 20).unwrap();
    for command in ["check", "revert"] {
        scene.mim(&[command]).expect(3, &["MfaSettings.xml is larger than 1 MB"]);
    }
    scene.configure(&["--yes"]).expect(3, &["MfaSettings.xml is larger than 1 MB"]);
    large.set_len(LENGTH as u64).unwrap();
    scene.mim(&["check"]).expect(1, &["M001"]);

    let mut scene = Scene::with(CLOUD);
    scene.mim(&["revert"]).expect(3, &["there is no backup"]);
    let file = scene.file.clone();
    scene.file = scene.folder.path().into();
    scene.mim(&["check"]).expect(3, &["cannot be read"]);
    scene.file = file.with_file_name("none.xml");
    scene.mim(&["check"]).expect(3, &["MfaSettings.xml does not exist"]);
    scene.file = file;

    let mut permissions = fs::metadata(&scene.file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&scene.file, permissions).unwrap();
    scene.configure(&["--yes"]).expect(3, &["is read-only, so nothing was changed", "attrib -R"]);
    assert_eq!((scene.bytes(), scene.files().len()), (CLOUD.into(), 1));
    make_private(&scene.file);

    fs::write(scene.file.with_added_extension("locmfa-part"), "half").unwrap();
    scene.configure(&["--yes"]).expect(3, &["another locmfa writes at this moment, or one was broken off"]);
    assert_eq!(scene.bytes(), CLOUD.as_bytes());
}

#[test]
fn wrong_urls_and_names_are_refused_on_the_command_line() {
    let scene = Scene::with(CLOUD);
    for url in ["mfa.contoso.com", "https://mfa.contoso.com:9999/", "https://mfa/MultiFactorAuthWebServiceSdk"] {
        scene.mim(&["configure", "--yes", "--username", NAME, "--url", url]).expect(2, &["LOCMFASRV", "PfWsSdk.asmx"]);
    }
    for name in ["", " mim", "mim\n"] {
        scene.mim(&["configure", "--yes", "--url", URL, "--username", name]).expect(2, &["mimservice@contoso.com"]);
    }
    let said = scene.mim(&["configure", "--yes", "--username", NAME, "--url", &URL.replace("https", "http")]);
    said.expect(0, &["warning: LOCMFASRV is plain http."]);
}

#[test]
fn a_custom_provider_is_not_overruled_unasked() {
    let text = "<r><CustomPhoneProvider>Contoso.dll</CustomPhoneProvider></r>";
    let scene = Scene::with(text);
    scene.configure(&["--yes"]).expect(1, &["M022 custom-provider", "nothing was changed", "--force"]);
    assert_eq!(scene.bytes(), text.as_bytes());
    scene.configure(&["--yes", "--force"]).expect(0, &["was written"]);
    assert!(String::from_utf8(scene.bytes()).unwrap().starts_with(&text[..text.len() - 4]));
}

#[test]
fn what_somebody_else_changed_since_is_not_lost() {
    let scene = Scene::with(CLOUD);
    scene.configure(&["--yes"]).expect(0, &[]);
    let theirs = CONFIGURED.replace(">3<", ">4<");
    fs::write(&scene.file, &theirs).unwrap();
    scene.mim(&["revert"]).expect(3, &["nothing was restored", "--force"]);
    assert_eq!(scene.bytes(), theirs.as_bytes());

    scene.mim(&["revert", "--force"]).expect(0, &["is kept in", "is restored from"]);
    assert_eq!(scene.bytes(), CLOUD.as_bytes());
    let kept = scene.backups().pop().unwrap();
    assert_eq!(fs::read(kept).unwrap(), theirs.as_bytes());
    scene.mim(&["revert"]).expect(0, &[]);
    assert_eq!(scene.bytes(), theirs.as_bytes());
}

#[test]
fn half_a_backup_is_not_restored_and_another_can_be_named() {
    let scene = Scene::with(CLOUD);
    scene.configure(&["--yes"]).expect(0, &[]);
    let first = scene.backups().remove(0);
    scene.mim(&["configure", "--yes", "--url", URL, "--username", "other"]).expect(0, &[]);
    let second = scene.backups().pop().unwrap();
    assert!(first != second);
    let written = scene.bytes();

    scene.mim(&["revert", "--backup", first.to_str().unwrap()]).expect(3, &["--force"]);
    fs::write(&second, &CONFIGURED[..100]).unwrap();
    scene.mim(&["revert", "--force"]).expect(3, &["it was cut or changed", "--backup"]);
    assert_eq!(scene.bytes(), written);
    scene.mim(&["revert", "--force", "--backup", first.to_str().unwrap()]).expect(0, &[]);
    assert_eq!(scene.bytes(), CLOUD.as_bytes());

    let copy = scene.file.with_file_name("MfaSettings - Copy.xml");
    fs::write(&copy, "<mine/>").unwrap();
    scene.mim(&["revert", "--backup", copy.to_str().unwrap()]).expect(3, &["--force"]);
    scene.mim(&["revert", "--force", "--backup", copy.to_str().unwrap()]).expect(0, &[]);
    assert_eq!(scene.bytes(), b"<mine/>");
}

#[test]
fn secrets_are_hidden_in_broken_files_too() {
    for text in [
        "<r><LICENSE_KEY>hush</r>",
        "<r><LICENSE_KEY hush",
        "<r><license_key a='hush'>hush</LICENSE_KEY></r>",
        "<!-- <CERT_PASSWORD>hush -->",
        "<r><ClientSecret>\nhush\n</ClientSecret>",
        "<r><a>https://me:hush@host/</a>",
        "<r><LICENSE_KEY hush</LICENSE_KEY><GROUP_KEY>hush</GROUP_KEY>",
        "<r><CERT_PASSWORD>a<hush</CERT_PASSWORD></r>",
        "<r><CERT_PASSWORD><![CDATA[a<hush]]></CERT_PASSWORD></r>",
        "<r><CERT_PASSWORD>a<hush>b</CERT_PASSWORD></r>",
        "<r><CERT_PASSWORD>a</hush>b</CERT_PASSWORD></r>",
        "<r><CERT_PASSWORD>a<hush/>b</CERT_PASSWORD></r>",
        "<r><Other>a<hush>b</hush></Other></r>",
        "<CERT_PASSWORD>a<hush>b</hush></CERT_PASSWORD>",
    ] {
        let hidden = secrets(text);
        let seen = text.match_indices("hush").any(|(at, _)| !hidden.iter().any(|it| it.contains(&at)));
        assert!(!seen, "{text}: {hidden:?}");
    }
    for broken in ["a<hush>b", "a</hush>b", "<hush>"] {
        let scene = Scene::with(format!("<r>\n<CERT_PASSWORD>{broken}</CERT_PASSWORD>\n</r>"));
        let said = scene.mim(&["check"]);
        assert!(!said.1.contains("hush") && said.1.contains("Line 2 has a `<` in a value"), "{broken}: {}", said.1);
    }
    let harmless = "<r><LICENSE_KEY/><GROUP_KEY></GROUP_KEY><LOCMFASRV>https://h/a@b</LOCMFASRV></r>";
    assert!(secrets(harmless).is_empty());
    for text in ["<key", "<key>", "<key>é", "</key>", "<key/", "://", "<"] {
        assert!(secrets(text).iter().all(|it| text.get(it.clone()).is_some()), "{text}");
    }
}

#[test]
fn the_program_has_the_commands() {
    let scene = Scene::with(CLOUD);
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_locmfa"));
        let output =
            command.current_dir(scene.folder.path()).args(arguments).stdin(std::process::Stdio::null()).output();
        output.unwrap().status.code().unwrap()
    };
    let configure = ["mim", "configure", "MfaSettings.xml", "--username", NAME, "--url", URL];
    assert_eq!(run(&["mim", "check", "MfaSettings.xml"]), 1);
    assert_eq!(run(&configure), 1);
    assert_eq!(run(&[&configure[..], &["--yes"]].concat()), 0);
    assert_eq!(run(&["mim", "check", "MfaSettings.xml"]), 0);
    assert_eq!(run(&["mim", "revert", "MfaSettings.xml"]), 0);
    assert_eq!(run(&["mim", "check", "none.xml"]), 3);
    assert_eq!(scene.bytes(), CLOUD.as_bytes());
}

/// Some settings file: any of the entries once, other elements, comments, white space.
fn settings() -> impl Strategy<Value = String> {
    let names = ["LICENSE_KEY", "group_key", "Cert_Password", "CertFilePath", "username", "LOCMFA", "LocMfaSrv"];
    let names = [&names[..], &["DefaultCountryCode", "Other", "Retries"]].concat();
    let value = prop_oneof![
        Just(String::new()),
        "[ a-zé\r\n]{0,8}",
        Just("&lt;&#x42;".into()),
        Just("<![CDATA[a<b]]>".into()),
        Just("a<!-- > -->b".into()),
        Just("<?p i?>".into()),
    ];
    let space = "[ \t\r\n]{0,4}";
    let between = prop_oneof![space.prop_map(String::from), Just(" <!-- c --> ".into()), Just("\r\n    ".into())];
    let entry = (value, any::<bool>(), between, "( [a-c]='[>x]')?");
    let entries = proptest::collection::vec(entry, names.len());
    (Just(names).prop_shuffle(), entries, 1..=10_usize).prop_map(|(names, entries, count)| {
        let elements = names.iter().zip(entries).map(|(name, (value, is_short, between, attribute))| {
            match value.is_empty() && is_short {
                true => format!("{between}<{name}{attribute} />"),
                false => format!("{between}<{name}{attribute}>{value}</{name}>"),
            }
        });
        format!("<?xml version='1.0' encoding='utf-8'?><Any>{}</Any>", elements.take(count).collect::<String>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn configure_then_revert_is_the_identity(text in settings(), write in 0..WRITINGS.len()) {
        let bytes = WRITINGS[write](&text);
        let scene = Scene::with(&bytes);
        let said = scene.configure(&["--yes"]);
        if said.0 == 1 {
            // No entry among those that were picked.
            prop_assert!(said.1.contains("no-entries"), "{}", said.1);
        } else {
            prop_assert_eq!(said.0, 0, "{}", said.1);
            let checked = check::text("x", &scene.bytes());
            prop_assert_eq!(checked.username.as_deref(), Some(NAME));
            prop_assert_eq!(checked.service.unwrap().to_string(), URL);
            prop_assert!(checked.findings.iter().all(|it| it.severity < locmfa::scenario::Severity::Error));
            scene.configure(&[]).expect(0, &["nothing was changed"]);
            scene.mim(&["revert"]).expect(0, &[]);
        }
        prop_assert_eq!(scene.bytes(), bytes);
    }
}
