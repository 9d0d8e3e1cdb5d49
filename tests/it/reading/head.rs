//! What headers decide: the operation, the version and the charset; and the headers within the envelope.

use locmfa::operations::{self, Operation};
use locmfa::soap::{self, Head, Version};

use super::{NAMESPACE, Outcome, SOAP11, SOAP12, envelope, open, wrapped};

#[test]
fn headers_matter_where_they_must_be_understood() {
    let not_understood = |header: &str| {
        let body = envelope("").replace("<s:Body>", &format!("<s:Header>{header}</s:Header><s:Body>"));
        let head = Head { soap_action: Some(&format!("{NAMESPACE}/TestSecurity")), content_type: "text/xml" };
        let call = soap::open(&head, &soap::decode(&head, body.as_bytes()), operations::find, Operation::read).unwrap();
        call.not_understood
    };
    let other = format!("xmlns:o=\"{SOAP12}\"");
    for value in ["1", "true", "&#49;"] {
        for (header, name) in [
            (format!("<X s:mustUnderstand=\"{value}\"/>"), "X"),
            (format!("<t:X s:mustUnderstand='{value}'>a<b/></t:X>"), "X"),
            (format!("text<A/><!--c--><B {other} o:mustUnderstand='{value}'/><C s:mustUnderstand='1'/>"), "B"),
            (format!("<A s:mustUnderstand='0'/><B s:mustUnderstand='{value}' s:actor='x'/>"), "B"),
        ] {
            assert_eq!(not_understood(&header).as_deref(), Some(name), "{header}");
        }
        for header in [
            format!("<X mustUnderstand='{value}'/>"),
            format!("<X t:mustUnderstand='{value}'/>"),
            format!("<X s:mustunderstand='{value}'/>"),
            format!("<X><Y s:mustUnderstand='{value}'/></X>"),
            format!("<X {other} s:mustUnderstand='0' o:mustUnderstand='{value}'/>"),
            format!("<X s:mustUnderstand=' {value}'/>"),
            format!("<!--<X s:mustUnderstand='{value}'/>-->"),
        ] {
            assert_eq!(not_understood(&header), None, "{header}");
        }
    }
    for value in ["0", "false", "", "yes", "True", "TRUE", "2"] {
        assert_eq!(not_understood(&format!("<X s:mustUnderstand='{value}'/>")), None, "{value}");
    }
}

#[test]
fn the_operation_is_found_by_action_or_by_the_body() {
    let soap12 = |body: &str| envelope(body).replace(SOAP11, SOAP12);
    let user = "<t:UserExists><t:username>a</t:username></t:UserExists>";
    let read = || Outcome::Read("UserExists", vec![("username", "a".into())]);
    let action = format!("{NAMESPACE}/UserExists");
    for written in [
        format!("\"{action}\""),
        action.clone(),
        action.replace("Exists", "%45xists"),
        action.replace("Exists", "%u0045xists"),
        action.replace(':', "%3a"),
        format!("\"{}\"", action.replace('U', "%55")),
    ] {
        for body in [envelope(user), soap12(user), envelope(user).replace("<s:Body>", "<s:Body>text<x/>")] {
            assert_eq!(open(Some(&written), "text/xml", body.as_bytes()), read(), "{written}");
        }
    }
    for wrong in [
        "",
        "\"\"",
        "x",
        "UserExists",
        "\"http://www.phonefactor.com/PfWsSdk/UserExists",
        "http://www.phonefactor.com/PfWsSdk/UserExists ",
        "http://www.phonefactor.com/PfWsSdk/userexists",
        "http://www.phonefactor.com/PfWsSdk//UserExists",
        "http://www.phonefactor.com/PfWsSdk",
        "'http://www.phonefactor.com/PfWsSdk/UserExists'",
        "http://www.phonefactor.com/PfWsSdk/UserExists/",
        "HTTP://www.phonefactor.com/PfWsSdk/UserExists",
    ] {
        let told = wrong.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(wrong);
        let text = format!("Server did not recognize the value of HTTP Header SOAPAction: {told}.");
        for content_type in ["text/xml", "text/plain", ""] {
            for body in [envelope(user), "<".into(), String::new()] {
                assert_eq!(
                    open(Some(wrong), content_type, body.as_bytes()),
                    Outcome::Fault(Version::Soap11, text.clone())
                );
            }
        }
    }
    for parameters in
        ["", ";", "; action=\"\"", "; action=x", "; charset=utf-8; action=\"urn:x\"", "; actio=x", "; action"]
    {
        for (body, version) in [(envelope(user), Version::Soap11), (soap12(user), Version::Soap12)] {
            for content_type in
                ["text/xml", "application/soap+xml", "application/xml", "text/plain", "", "application/json"]
            {
                let content_type = format!("{content_type}{parameters}");
                let base = content_type.split(';').next().unwrap();
                let expected = match (base, version) {
                    ("text/xml", _) | ("application/soap+xml", Version::Soap12) => read(),
                    ("application/soap+xml", Version::Soap11) => Outcome::Media(Version::Soap11),
                    _ => Outcome::Media(Version::Soap12),
                };
                assert_eq!(open(None, &content_type, body.as_bytes()), expected, "{content_type}");
                let unroutable = body.replace(user, "text<t:UserExists/>");
                let text = match parameters {
                    it if it.contains("urn:x") => "Unable to handle request. The action 'urn:x' was not recognized.",
                    it if it.contains("action=x") => "Unable to handle request. The action 'x' was not recognized.",
                    _ => {
                        "Unable to handle request without a valid action parameter. Please supply a valid soap action."
                    }
                };
                assert_eq!(
                    open(None, &content_type, unroutable.as_bytes()),
                    Outcome::Fault(version, text.into()),
                    "{content_type}"
                );
            }
        }
    }
    for parameter in [
        format!("action=\"{action}\""),
        format!("ACTION={action}"),
        format!("actions='{action}'"),
        format!("x=1; action= {action}\t"),
    ] {
        let content_type = format!("application/soap+xml; {parameter}");
        for body in ["", "<x/>", "text"] {
            assert_eq!(
                open(None, &content_type, soap12(body).as_bytes()),
                Outcome::Read("UserExists", vec![]),
                "{parameter}"
            );
        }
        assert_eq!(open(Some("nonsense"), &content_type, soap12(user).as_bytes()), read(), "{parameter}");
    }
}

#[test]
fn a_decimal_reference_is_text_and_a_hexadecimal_one_may_be_white_space() {
    let user = "<t:UserExists/>";
    for white in ["", " ", "\n", "&#x20;", "&#xA;&#x9;", "<!--c-->", "<?p?>"] {
        assert!(
            matches!(open(None, "text/xml", envelope(&[white, user].concat()).as_bytes()), Outcome::Read(..)),
            "{white}"
        );
    }
    for text in ["x", "&#32;", " &#10;", "&amp;", "<![CDATA[]]>", "<![CDATA[ ]]>", "&zz;", "<x/>"] {
        assert!(
            matches!(open(None, "text/xml", envelope(&[text, user].concat()).as_bytes()), Outcome::Fault(..)),
            "{text}"
        );
    }
}

#[test]
fn every_charset_that_dotnet_knows_is_read() {
    let body = |name: &str| wrapped("UserExists", &format!("<username>{name}</username>"));
    let read = |content_type: &str, bytes: &[u8]| {
        let action = format!("{NAMESPACE}/UserExists");
        match open(Some(&action), content_type, bytes) {
            Outcome::Read(_, mut values) => values.remove(0).1,
            other => format!("{other:?}"),
        }
    };
    let labels = [
        "windows-1250",
        "windows-1251",
        "windows-1252",
        "windows-1253",
        "windows-1254",
        "windows-1255",
        "windows-1256",
        "windows-1257",
        "windows-1258",
        "windows-874",
        "iso-8859-2",
        "iso-8859-3",
        "iso-8859-4",
        "iso-8859-5",
        "iso-8859-6",
        "iso-8859-7",
        "iso-8859-8",
        "iso-8859-13",
        "iso-8859-15",
        "koi8-r",
        "koi8-u",
        "macintosh",
        "x-mac-cyrillic",
        "ibm866",
        "shift_jis",
        "euc-jp",
        "iso-2022-jp",
        "euc-kr",
        "big5",
        "gb2312",
        "gb18030",
        "WINDOWS-1251",
        "cp866",
        "latin2",
        "csISOLatin2",
        "x-sjis",
        "ks_c_5601-1987",
    ];
    for label in labels {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
        for text in ["anna", "é", "ß", "Ž", "ж", "α", "ש", "ع", "テスト", "한", "中文", "€", "ą"] {
            let (encoded, _, failed) = encoding.encode(text);
            if failed {
                continue;
            }
            let whole = body("#");
            let (before, after) = whole.split_once('#').unwrap();
            let bytes = [before.as_bytes(), &encoded, after.as_bytes()].concat();
            for written in [label.to_owned(), format!("\"{label}\""), format!("'{label}' ")] {
                assert_eq!(read(&format!("text/xml; charset={written}"), &bytes), text, "{label}");
            }
        }
    }
    let wide = |text: &str, mark: bool, big: bool, size: usize| {
        let mark = if mark { "\u{feff}" } else { "" };
        let text = [mark, text].concat();
        let mut bytes = Vec::new();
        match size {
            2 => text.encode_utf16().for_each(|it| bytes.extend(if big { it.to_be_bytes() } else { it.to_le_bytes() })),
            _ => text.chars().for_each(|it| {
                bytes.extend(if big { u32::from(it).to_be_bytes() } else { u32::from(it).to_le_bytes() })
            }),
        }
        bytes
    };
    let text = body("zoë😀");
    for charset in ["", "; charset=utf-8", "; charset=us-ascii", "; charset=klingon", "; charset=shift_jis"] {
        for (size, big) in [(2, false), (2, true), (4, false), (4, true)] {
            let content_type = format!("text/xml{charset}");
            assert_eq!(read(&content_type, &wide(&text, true, big, size)), "zoë😀", "{content_type} {size} {big}");
        }
        assert_eq!(read(&format!("text/xml{charset}"), &[b"\xef\xbb\xbf", text.as_bytes()].concat()), "zoë😀");
    }
    for (charset, big, size) in [
        ("utf-16", false, 2),
        ("unicode", false, 2),
        ("utf-16le", false, 2),
        ("UTF-16BE", true, 2),
        ("unicodeFFFE", true, 2),
        ("ucs-2", false, 2),
        ("utf-32", false, 4),
        ("utf-32le", false, 4),
        ("utf-32be", true, 4),
    ] {
        assert_eq!(read(&format!("text/xml; charset={charset}"), &wide(&text, false, big, size)), "zoë😀", "{charset}");
    }
    let latin = |text: &str| text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect::<Vec<_>>();
    for charset in ["iso-8859-1", "latin1", "l1", "cp819", "ISO_8859-1:1987"] {
        let bytes = latin(&body("zo\u{eb}\u{93}\u{80}"));
        assert_eq!(read(&format!("text/xml; charset={charset}"), &bytes), "zoë\u{93}\u{80}", "{charset}");
    }
    // Unknown names are ASCII, and so are those that browsers alone know.
    for charset in ["us-ascii", "ascii", "klingon", "utf8", "", "utf-9", "x-user-defined", "replacement"] {
        assert_eq!(read(&format!("text/xml; charset={charset}"), body("zoë").as_bytes()), "zo??", "{charset}");
    }
    let invalid = body("#").replace('#', "\u{1}").into_bytes();
    for (bytes, seen) in [(&b"\xff"[..], "\u{fffd}"), (b"a\xc3", "a\u{fffd}"), (b"\xc0\xaf", "\u{fffd}\u{fffd}")] {
        let at = invalid.iter().position(|it| *it == 1).unwrap();
        let bytes = [&invalid[..at], bytes, &invalid[at + 1..]].concat();
        assert_eq!(read("text/xml; charset=utf-8", &bytes), seen);
    }
}

#[test]
fn without_a_charset_an_application_is_what_its_declaration_says() {
    let content_type = format!("application/soap+xml; action={NAMESPACE}/UserExists");
    let text = |declaration: &str| {
        let body = wrapped("UserExists", "<username>zoë</username>").replace(SOAP11, SOAP12);
        format!("{declaration}{body}")
    };
    let read = |bytes: &[u8]| match open(None, &content_type, bytes) {
        Outcome::Read(_, mut values) => values.remove(0).1,
        Outcome::Malformed(_) => "400".into(),
        other => format!("{other:?}"),
    };
    let latin = |text: &str| text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect::<Vec<_>>();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for (declaration, utf8, as_latin) in [
        ("", "zoë", "400"),
        ("<?xml version=\"1.0\"?>", "zoë", "400"),
        ("<?xml version='1.0' encoding='utf-8'?>", "zoë", "400"),
        ("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>", "zoÃ«", "zoë"),
        ("<?xml version=\"1.0\" encoding = 'ISO-8859-1' standalone='no' ?>", "zoÃ«", "zoë"),
        ("<?xml version=\"1.0\" encoding=\"windows-1252\"?>", "zoÃ«", "zoë"),
        ("<?xml version=\"1.0\" encoding=\"us-ascii\"?>", "zo??", "zo?"),
        ("<?xml version=\"1.0\" encoding=\"utf-16\"?>", "400", "400"),
        ("<?xml version=\"1.0\" encoding=\"ucs-2\"?>", "400", "400"),
        ("<?xml version=\"1.0\" encoding=\"klingon\"?>", "400", "400"),
        ("<?xml version=\"1.0\" encoding=\"\"?>", "400", "400"),
        ("<?xml version=\"1.0\" encoding=\"utf8\"?>", "400", "400"),
    ] {
        assert_eq!(read(text(declaration).as_bytes()), utf8, "{declaration}");
        assert_eq!(read(&latin(&text(declaration))), as_latin, "{declaration}");
        let marked = [b"\xff\xfe".to_vec(), wide(&text(declaration))].concat();
        let says_wide = declaration.is_empty()
            || !declaration.contains("encoding")
            || declaration.contains("utf-16")
            || declaration.contains("ucs-2");
        assert_eq!(read(&marked) == "zoë", says_wide, "{declaration}");
        let unmarked = wide(&text(declaration));
        assert_eq!(read(&unmarked) == "zoë", says_wide, "{declaration}");
    }
    let marked = [b"\xef\xbb\xbf", text("").as_bytes()].concat();
    assert_eq!(read(&marked), "zoë");
    assert_eq!(read(&[&marked[..], b"\0"].concat()), "zoë");
    assert_eq!(read(&[text("").as_bytes(), b"\n\0"].concat()), "zoë");
}
