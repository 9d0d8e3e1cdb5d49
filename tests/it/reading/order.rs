//! What is read, what is passed over, and which error is told.

use locmfa::soap::Version;

use super::{NAMESPACE, Outcome, SOAP11, call, envelope, wrapped};

/// What is not XML wherever it stands, but for the places that a test names.
const NOT_XML: [&str; 44] = [
    "&#0;",
    "&#x1;",
    "&#xFFFE;",
    "&#xD800;",
    "&#xDFFF;",
    "&#x110000;",
    "&#99999999999;",
    "&;",
    "&#;",
    "&#x;",
    "&#xg;",
    "&#X41;",
    "&#12",
    "& ",
    "&a b;",
    "&a:b;",
    "&1;",
    "\u{1}",
    "\u{1f}",
    "\u{0}",
    "\u{fffe}",
    "\u{ffff}",
    "]]>",
    "<",
    "< a/>",
    "<a b=c/>",
    "<a b/>",
    "<a b='1' b='2'/>",
    "<a b='1'c='2'/>",
    "<a b='<'/>",
    "<a:b/>",
    "<a c:b=''/>",
    "<a:b:c/>",
    "<1/>",
    "<a></b>",
    "<a></a b>",
    "<!-- -- -->",
    "<?xml?>",
    "<?XML a?>",
    "<!DOCTYPE a>",
    "<![cdata[]]>",
    "<a xmlns:b=''/>",
    "<a xml:space='x'/>",
    "<a xmlns:xml='u'/>",
];

#[test]
fn what_is_not_xml_is_refused_wherever_it_is_read() {
    let places = [
        ("in a value", "<UserExists xmlns=\"N\"><username>a#</username></UserExists>"),
        ("at the start of a value", "<UserExists xmlns=\"N\"><username>#</username></UserExists>"),
        ("in an item", "<FindUsers_4 xmlns=\"N\"><tagIds><string>#</string></tagIds></FindUsers_4>"),
        ("in a wrapper", "<UserExists xmlns=\"N\">#<username>a</username></UserExists>"),
        ("behind the parameters", "<UserExists xmlns=\"N\"><username>a</username>#</UserExists>"),
        ("in what is skipped", "<UserExists xmlns=\"N\"><x><y>#</y></x></UserExists>"),
        ("in another wrapper", "<Nope>#</Nope>"),
        ("in the body", "#<UserExists xmlns=\"N\"/>"),
    ];
    for (place, body) in places {
        for bad in NOT_XML {
            let body = envelope(&body.replace('N', NAMESPACE).replace('#', bad));
            let operation = if body.contains("FindUsers_4") { "FindUsers_4" } else { "UserExists" };
            assert_eq!(call(operation, &body), Outcome::Malformed(Version::Soap11), "{place}: {bad:?}");
        }
    }
    let good = wrapped("UserExists", "<username>a</username>");
    for (place, from, to) in [
        ("in a header", "<s:Body>", "<s:Header><x>#</x></s:Header><s:Body>"),
        ("behind the body", "</s:Body>", "</s:Body>#"),
        ("in an element behind the body", "</s:Body>", "</s:Body><x>#</x>"),
    ] {
        for bad in NOT_XML {
            let body = good.replace(from, &to.replace('#', bad));
            assert_eq!(call("UserExists", &body), Outcome::Malformed(Version::Soap11), "{place}: {bad:?}");
        }
    }
}

#[test]
fn what_nothing_is_known_of_is_skipped() {
    let deep = format!("{}{}", "<a>".repeat(2000), "</a>".repeat(2000));
    let unknown = [
        "<x/>",
        "<x>text</x>",
        "<x><username>no</username></x>",
        "<username xmlns=\"\">no</username>",
        "<username xmlns=\"u\"/>",
        "<Username>no</Username>",
        "<x a='1' b=\"2\" xml:lang='de' xml:space='preserve'/>",
        "<x xmlns:p='q' p:a=''><p:y/></x>",
        "<!--c-->",
        "<?p i?>",
        "<?p?>",
        "text",
        " \r\n ",
        "<![CDATA[<&]]>",
        "<x>&zz;</x>",
        "<x a='&zz;'/>",
        "<é·ß/>",
        "<x>]]</x>",
        "<a.b-c_d/>",
        "<x\n\ta\r=\r\n'1'\n></x\n>",
        &deep,
    ];
    let read = || Outcome::Read("UserExists", vec![("username", "a".into())]);
    for it in unknown {
        for children in [
            format!("{it}<username>a</username>"),
            format!("<username>a</username>{it}"),
            format!("{it}<username>a</username>{it}"),
        ] {
            assert_eq!(call("UserExists", &wrapped("UserExists", &children)), read(), "{it}");
        }
        let good = wrapped("UserExists", "<username>a</username>");
        assert_eq!(call("UserExists", &good.replace("</s:Body>", &format!("</s:Body>{it}"))), read(), "{it}");
        assert_eq!(call("UserExists", &good.replace("</s:Body>", &format!("{it}</s:Body>"))), read(), "{it}");
        let array =
            call("FindUsers_4", &wrapped("FindUsers_4", &format!("<tagIds>{it}<string>a</string>{it}</tagIds>")));
        assert!(matches!(array, Outcome::Read(..)), "{it}: {array:?}");
        let record =
            wrapped("AddUser_3", &format!("<addUserSettings>{it}<FirstName>a</FirstName>{it}</addUserSettings>"));
        assert!(matches!(call("AddUser_3", &record), Outcome::Read(..)), "{it}");
        // A block of a header is loaded as a whole, so that an entity in it counts.
        let header = good.replace("<s:Body>", &format!("<s:Header>{it}</s:Header><s:Body>"));
        let expected = if it.contains("&zz;") { Outcome::Malformed(Version::Soap11) } else { read() };
        assert_eq!(call("UserExists", &header), expected, "{it}");
    }
    for place in ["&zz;<username>a</username>", "<username>a</username>&zz;"] {
        assert_eq!(call("UserExists", &wrapped("UserExists", place)), Outcome::Malformed(Version::Soap11), "{place}");
    }
}

#[test]
fn the_first_of_equal_children_and_the_last_of_equal_wrappers_count() {
    let names = |body: &str| match call("PfAuthUser_4", &envelope(body)) {
        Outcome::Read(_, values) => {
            let of = |name| values.iter().find(|it| it.0 == name).map_or("-", |it| it.1.as_str()).to_owned();
            format!("{} {}", of("username"), of("requireUserMatch"))
        }
        other => format!("{other:?}"),
    };
    for (children, read) in [
        ("<t:PfAuthUser_4><t:username>a</t:username><t:username>b</t:username></t:PfAuthUser_4>", "a false"),
        ("<t:PfAuthUser_4><t:username/><t:username>b</t:username></t:PfAuthUser_4>", " false"),
        (
            "<t:PfAuthUser_4><t:requireUserMatch>1</t:requireUserMatch><t:requireUserMatch>x</t:requireUserMatch></t:PfAuthUser_4>",
            "- true",
        ),
        (
            "<t:PfAuthUser_4><t:username>a</t:username></t:PfAuthUser_4><t:PfAuthUser_4><t:username>b</t:username></t:PfAuthUser_4>",
            "b false",
        ),
        (
            "<t:PfAuthUser_4><t:username>a</t:username></t:PfAuthUser_4><t:PfAuthUser_4><t:requireUserMatch>1</t:requireUserMatch></t:PfAuthUser_4>",
            "a true",
        ),
        ("<t:PfAuthUser_4><t:username>a</t:username></t:PfAuthUser_4><t:PfAuthUser_4/>", "a false"),
        ("<PfAuthUser_4><t:username>a</t:username></PfAuthUser_4>", "- false"),
        ("<t:pfauthuser_4><t:username>a</t:username></t:pfauthuser_4>", "- false"),
        ("<x/>text<t:PfAuthUser_4><t:username>a</t:username></t:PfAuthUser_4>", "a false"),
    ] {
        assert_eq!(names(children), read, "{children}");
    }
    // Behind an empty body the parameters are read where they stand.
    let outside =
        envelope("").replace("<s:Body></s:Body>", "<s:Body/><t:UserExists><t:username>a</t:username></t:UserExists>");
    assert_eq!(call("UserExists", &outside), Outcome::Read("UserExists", vec![("username", "a".into())]));
}

/// The place of a mark in a text, and the text without it. Counted by another way than the reader's.
fn marked(text: &str) -> (String, String) {
    let (before, after) = text.split_once('¦').unwrap();
    let line_ends = before.replace("\r\n", "\n").replace('\r', "\n");
    let column = line_ends.rsplit('\n').next().unwrap().encode_utf16().count() + 1;
    ([before, after].concat(), format!("({}, {column})", line_ends.matches('\n').count() + 1))
}

#[test]
fn a_bad_value_is_told_at_the_node_that_follows() {
    let following =
        ["<¦x/>", "<¦t:x/>", "¦ <x/>", "¦text", "¦\r\n<x/>", "<!--¦ c -->", "<![CDATA[¦x]]>", "<?¦pi x?>", "&¦zz;", ""];
    for (operation, bad, reason) in [
        ("PfAuthUser_4", "<requireUserMatch>x</requireUserMatch>", "The string 'x' is not a valid Boolean value."),
        ("PfAuthUser_4", "<requireUserMatch/>", "The string '' is not a valid Boolean value."),
        ("OneTimeBypass_2", "<bypassSeconds>x</bypassSeconds>", "Input string was not in a correct format."),
        ("ChangeMode_2", "<mode>x</mode>", "Instance validation error: 'x' is not a valid value for Mode3."),
        ("AddUser_3", "<addUserSettings><Enabled>x</Enabled>", "The string 'x' is not a valid Boolean value."),
    ] {
        for follows in following {
            for before in ["", "\n", "\r\n", "\r", "é😀", "<x a='\n'/>\r\r", "<!--\n\n-->&#10;"] {
                let end = match (operation, follows) {
                    ("AddUser_3", "") => "</¦addUserSettings>".to_owned(),
                    ("AddUser_3", _) => "</addUserSettings>".to_owned(),
                    (_, "") => String::new(),
                    _ => "<y/>".to_owned(),
                };
                let mut body = wrapped(operation, &format!("{before}{bad}{follows}{end}"));
                if !body.contains('¦') {
                    body = body.replace(&format!("</{operation}>"), &format!("</¦{operation}>"));
                }
                let (body, place) = marked(&body);
                let text = format!(
                    "Server was unable to read request. ---> There is an error in XML document {place}. ---> {reason}"
                );
                assert_eq!(call(operation, &body), Outcome::Fault(Version::Soap11, text), "{body}");
            }
        }
    }
}

#[test]
fn the_first_error_from_front_to_back_is_told() {
    // In their order: each is an error by itself, and those that follow it do not matter.
    let value = |outcome: &Outcome| matches!(outcome, Outcome::Fault(_, text) if text.contains("valid Boolean"));
    let malformed = |outcome: &Outcome| *outcome == Outcome::Malformed(Version::Soap11);
    let head = format!("<s:Envelope xmlns:s=\"{SOAP11}\"><s:Body><PfAuthUser_4 xmlns=\"{NAMESPACE}\">");
    let bad = "<requireUserMatch>x</requireUserMatch>";
    let rests = [
        "<",
        "<a>",
        "</b>",
        "&",
        "]]>",
        "\u{1}",
        "<?xml?>",
        "<a b=c>",
        "<!DOCTYPE>",
        "</PfAuthUser_4>",
        "</PfAuthUser_4></s:Body>",
        "<a a='' a=''/>",
        "&#0;",
        "",
    ];
    for rest in rests {
        // The node behind the value is read before the value is looked at.
        let outcome = call("PfAuthUser_4", &format!("{head}{bad}<y/>{rest}"));
        assert!(value(&outcome), "{rest}: {outcome:?}");
        for broken in ["<a></b>", "&#0;", "<a:b/>"] {
            let outcome = call("PfAuthUser_4", &format!("{head}{broken}{bad}{rest}"));
            assert!(malformed(&outcome), "{broken} {rest}: {outcome:?}");
        }
    }
    for (start, text) in [
        (
            "<a:Envelope xmlns:a=\"urn:a\">".into(),
            "Possible SOAP version mismatch: Envelope namespace urn:a was unexpected.",
        ),
        ("<ab>".into(), "Possible SOAP version mismatch: Envelope namespace  was unexpected."),
        (format!("<s:x xmlns:s=\"{SOAP11}\">"), "Missing required soap:Envelope element."),
        (format!("<s:Envelope xmlns:s=\"{SOAP11}\"/>"), "Missing required soap:Body element."),
        (format!("<s:Envelope xmlns:s=\"{SOAP11}\"><x/>"), "Missing required soap:Body element."),
        (format!("<s:Envelope xmlns:s=\"{SOAP11}\"><s:Header/><s:Header/>"), "Missing required soap:Body element."),
        (format!("<s:Envelope xmlns:s=\"{SOAP11}\">text<s:Body/>"), "Missing required soap:Body element."),
        (format!("<s:Envelope xmlns:s=\"{SOAP11}\"></s:Envelope>"), "Missing required soap:Body element."),
    ] {
        for rest in rests {
            let outcome = call("UserExists", &format!("{start}{rest}"));
            let is_it = matches!(&outcome, Outcome::Fault(Version::Soap11, it) if it.contains(text));
            assert!(is_it, "{start}{rest}: {outcome:?}");
        }
    }
}

#[test]
fn a_request_that_breaks_off_anywhere_is_refused() {
    let whole = format!(
        "<?xml version=\"1.0\"?>\n{}\n",
        wrapped("UserExists", "<x a='1'>&amp;</x><!--c--><username><![CDATA[a]]></username>")
    );
    let end = whole.trim_end().len();
    let root = whole.find("Envelope xmlns").unwrap();
    for at in 0..whole.len() {
        match call("UserExists", &whole[..at]) {
            Outcome::Malformed(_) => assert!(at < end, "{at}"),
            Outcome::Read(..) => assert!(at >= end, "{at}"),
            other => panic!("{at} of {end}, behind {root}: {other:?}"),
        }
    }
}

#[test]
fn behind_the_envelope_one_node_more_is_read() {
    let good = wrapped("UserExists", "");
    for (behind, passes) in [
        ("", true),
        (" ", true),
        ("\r\n\r\n", true),
        ("<!--c-->", true),
        ("<?p i?>", true),
        ("\n<a/>", true),
        ("\n\u{1}", false),
        (" <<<", true),
        ("<!--c--><a", true),
        ("<?p?>garbage", true),
        ("\u{0}", true),
        ("\u{0}garbage", true),
        (" \u{0}", false),
        ("<a/>", false),
        ("x", false),
        ("</a>", false),
        ("&amp;", false),
        ("<!-- -- -->", false),
        ("<!--", false),
        ("<?xml?>", false),
        ("<![CDATA[]]>", false),
        ("<!DOCTYPE a>", false),
        ("<", false),
        ("\u{feff}", false),
        (" x", false),
        ("😀", false),
    ] {
        let outcome = call("UserExists", &format!("{good}{behind}"));
        assert_eq!(matches!(outcome, Outcome::Read(..)), passes, "{behind:?}: {outcome:?}");
    }
}
