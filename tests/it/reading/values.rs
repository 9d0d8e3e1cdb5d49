//! What values are read as.

use locmfa::contract::{Primitive, Shape};
use locmfa::operations;
use locmfa::soap::Version;

use super::{NAMESPACE, Outcome, call, envelope, parameter, wrapped};

/// What stands around a value that .NET trims, as it may be written.
const BLANKS: [&str; 9] = ["", " ", "\t", "\n", "\r\n", "\r", "&#32;", "&#x9;", "<![CDATA[ \n]]>"];

#[test]
fn booleans_are_four_words_with_blanks_around() {
    let read = |raw: &str| parameter("PfAuthUser_4", "requireUserMatch", raw);
    for before in BLANKS {
        for after in BLANKS {
            for (word, value) in [("true", "true"), ("1", "true"), ("false", "false"), ("&#48;", "false")] {
                let raw = format!("{before}{word}{after}");
                assert_eq!(read(&raw), Ok(value.into()), "{raw:?}");
            }
        }
        for bad in
            ["", "True", "FALSE", "yes", "2", "-1", "01", "+1", "true false", "\u{a0}1", "１", "tru", "nil", "1.0"]
        {
            let reason = format!("The string '{bad}' is not a valid Boolean value.");
            assert_eq!(read(&format!("{before}{bad}{before}")), Err(reason), "{before:?} {bad:?}");
        }
    }
}

#[test]
fn numbers_are_digits_with_blanks_around() {
    const FORMAT: &str = "Input string was not in a correct format.";
    let int = |raw: &str| parameter("ChangeOathToken", "timeInterval", raw);
    let unsigned = |raw: &str| parameter("OneTimeBypass_2", "bypassSeconds", raw);
    for blank in BLANKS {
        for (raw, value) in [
            ("0", "0"),
            ("-0", "0"),
            ("+7", "7"),
            ("007", "7"),
            ("-2147483648", "-2147483648"),
            ("2147483647", "2147483647"),
            ("0000000000000000000000000000000000000000000000000000000000000001", "1"),
        ] {
            assert_eq!(int(&format!("{blank}{raw}{blank}")), Ok(value.into()), "{raw}");
        }
        for (raw, value) in [("0", "0"), ("00", "0"), ("3", "3"), ("4294967295", "4294967295"), ("000000000009", "9")] {
            assert_eq!(unsigned(&format!("{blank}{raw}{blank}")), Ok(value.into()), "{raw}");
        }
        for bad in
            ["", "5.0", "1,000", "-", "+", "--1", "1-", "0x10", "1e3", "$5", "５", "1 2", "- 1", "NaN", "\u{a0}1"]
        {
            assert_eq!(int(&format!("{blank}{bad}{blank}")), Err(FORMAT.into()), "{bad}");
            assert_eq!(unsigned(&format!("{blank}{bad}{blank}")), Err(FORMAT.into()), "{bad}");
        }
        for bad in ["+1", "-0", "-1", "+0", "-99999999999"] {
            assert_eq!(unsigned(&format!("{blank}{bad}{blank}")), Err(FORMAT.into()), "{bad}");
        }
        for huge in ["2147483648", "-2147483649", "99999999999999999999999999999999", "+2147483648"] {
            let reason = "Value was either too large or too small for an Int32.";
            assert_eq!(int(&format!("{blank}{huge}{blank}")), Err(reason.into()), "{huge}");
        }
        for huge in ["4294967296", "18446744073709551616"] {
            let reason = "Value was either too large or too small for a UInt32.";
            assert_eq!(unsigned(&format!("{blank}{huge}{blank}")), Err(reason.into()), "{huge}");
        }
    }
}

/// Every operation with a parameter of a kind.
fn parameters(is_it: impl Fn(&Shape) -> bool) -> Vec<(&'static str, &'static str, &'static Shape)> {
    let fields = operations::all().flat_map(|operation| {
        operation.signature.request.fields().iter().map(|it| (operation.signature.name, it.name, it.shape))
    });
    fields.filter(|it| is_it(it.2)).collect()
}

#[test]
fn every_enumeration_takes_its_words_as_they_stand_and_nothing_else() {
    let mut inputs = 0;
    for (operation, field, shape) in parameters(|it| matches!(it, Shape::Choice { .. })) {
        let Shape::Choice { name, values, .. } = shape else { unreachable!() };
        for word in *values {
            assert_eq!(parameter(operation, field, word), Ok((*word).into()), "{operation} {field}");
            assert_eq!(parameter(operation, field, &format!("<![CDATA[{word}]]>")), Ok((*word).into()));
            for bad in [format!(" {word}"), format!("{word}\n"), word.to_uppercase(), format!("{name}.{word}")] {
                let reason = format!("Instance validation error: '{bad}' is not a valid value for {name}.");
                assert_eq!(parameter(operation, field, &bad), Err(reason), "{operation} {field}");
                inputs += 1;
            }
        }
        let reason = format!("Instance validation error: '' is not a valid value for {name}.");
        assert_eq!(parameter(operation, field, ""), Err(reason));
    }
    assert!(inputs > 150, "{inputs}");
}

#[test]
fn what_is_left_out_has_its_default() {
    for operation in operations::all() {
        let name = operation.signature.name;
        let Outcome::Read(found, left_out) = call(name, &envelope("")) else { panic!("{name}") };
        assert_eq!(found, name);
        assert_eq!(call(name, &wrapped(name, "")), Outcome::Read(name, left_out));
        for field in operation.signature.request.fields() {
            let expected = match field.shape {
                Shape::Choice { values, .. } => Some(values[0]),
                Shape::Simple(Primitive::Boolean) => Some("false"),
                Shape::Simple(Primitive::Int | Primitive::UnsignedInt | Primitive::Long) => Some("0"),
                _ => None,
            };
            let Outcome::Read(_, values) = call(name, &wrapped(name, "<unknown/>")) else { panic!("{name}") };
            let value = values.iter().find(|it| it.0 == field.name).map(|it| it.1.as_str());
            assert_eq!(value, expected, "{name} {}", field.name);
        }
    }
}

/// Parts of a text: as they stand in it, and what they mean.
const PARTS: [(&str, &str); 17] = [
    ("a", "a"),
    (" ", " "),
    ("\t", "\t"),
    ("\r\n", "\n"),
    ("\r", "\n"),
    ("&#13;", "\r"),
    ("&#xA;", "\n"),
    ("&amp;", "&"),
    ("&lt;&gt;&quot;&apos;", "<>\"'"),
    ("&#65;&#x42;", "AB"),
    ("&#x1F600;", "😀"),
    ("é€😀", "é€😀"),
    ("\u{fffd}\u{f000}", "\u{fffd}\u{f000}"),
    ("\u{7f}\u{80}", "\u{7f}\u{80}"),
    ("]]\"'>", "]]\"'>"),
    ("<![CDATA[<&\r\n]>]]>", "<&\n]>"),
    ("<![CDATA[]]>", ""),
];

#[test]
fn texts_keep_what_they_hold_with_line_ends_normalised() {
    for (first, first_means) in PARTS {
        for (second, second_means) in PARTS {
            for (third, third_means) in [("", ""), ("z", "z"), ("&amp;", "&")] {
                let raw = [first, second, third].concat();
                let means = [first_means, second_means, third_means].concat();
                assert_eq!(parameter("UserExists", "username", &raw), Ok(means), "{raw:?}");
            }
        }
    }
    // A number above U+10FFFF can be one below it, since .NET counts in 16 bits.
    assert_eq!(parameter("UserExists", "username", "&#x4010000;"), Ok("\u{10000}".into()));
    assert_eq!(
        call("UserExists", &wrapped("UserExists", "<username/>")),
        Outcome::Read("UserExists", vec![("username", String::new())])
    );
}

#[test]
fn a_value_holds_text_and_nothing_else() {
    let refused = [
        "a<b/>",
        "a<b>c</b>",
        "<b/>",
        "<b><c/></b>",
        "<b><c>d</c></b>",
        "<b>c<d/></b>",
        "<!--x-->",
        "a<!--x-->",
        "<?x?>",
        "a<?x y?>",
        "&zz;",
        "a&zz;b",
        " <!--x-->",
        "<![CDATA[a]]><!--x-->",
        "<b>&zz;</b>",
        "<b><!--x--></b>",
    ];
    for (operation, around) in [
        ("UserExists", "<username>#</username>"),
        ("ChangeOathToken", "<timeInterval>#</timeInterval>"),
        ("PfAuthUser_4", "<requireUserMatch>#</requireUserMatch>"),
        ("ChangeMode_2", "<mode>#</mode>"),
        ("FindUsers_4", "<tagIds><string>#</string></tagIds>"),
        ("AddUser_3", "<addUserSettings><FirstName>#</FirstName></addUserSettings>"),
        ("AddUser_3", "<addUserSettings><Enabled>#</Enabled></addUserSettings>"),
        ("ActivateNew", "<activationParams><OathCounter>#</OathCounter></activationParams>"),
    ] {
        for bad in refused {
            let outcome = call(operation, &wrapped(operation, &around.replace('#', bad)));
            assert_eq!(outcome, Outcome::Malformed(Version::Soap11), "{operation}: {bad}");
        }
    }
    // One element in place of the text is entered, and the rest of the record is not read.
    for (raw, value) in [("<b>x</b>", "x"), ("<b></b>", ""), ("<b> </b>", " "), ("<b a='1'>x<![CDATA[y]]></b>", "xy")] {
        let body =
            wrapped("PfAuthUser_4", &format!("<username>{raw}</username><requireUserMatch>bad</requireUserMatch>"));
        let Outcome::Read(_, values) = call("PfAuthUser_4", &body) else { panic!("{raw}") };
        assert!(values.contains(&("username", value.into())), "{raw}: {values:?}");
        assert!(values.contains(&("requireUserMatch", "false".into())), "{raw}: {values:?}");
    }
}

#[test]
fn nil_and_type_count_where_the_contract_lets_them() {
    const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
    let reason = |operation: &str, children: &str| match call(operation, &wrapped(operation, children)) {
        Outcome::Read(..) => "read".to_owned(),
        Outcome::Fault(_, text) => text.rsplit_once(" ---> ").unwrap().1.to_owned(),
        other => format!("{other:?}"),
    };
    let unknown = |name: &str, namespace: &str, element: &str| {
        format!(
            "The specified type was not recognized: name='{name}', namespace='{namespace}', at <{element} xmlns='{NAMESPACE}'>."
        )
    };
    // Neither matters on a string or a value.
    for attribute in
        ["xsi:nil='true'", "xsi:nil='1'", "xsi:nil='x'", "xsi:type='t:Nope'", "xsi:type='zz:int'", "xsi:type=''"]
    {
        for (operation, name, value) in [
            ("UserExists", "username", "a"),
            ("PfAuthUser_4", "requireUserMatch", "true"),
            ("ChangeOathToken", "timeInterval", "5"),
            ("ChangeMode_2", "mode", "phoneApp"),
        ] {
            let Outcome::Read(_, values) =
                call(operation, &wrapped(operation, &format!("<{name} {attribute}>{value}</{name}>")))
            else {
                panic!("{operation} {attribute}")
            };
            assert!(values.contains(&(name, value.into())), "{operation} {attribute}: {values:?}");
        }
    }
    // A record knows its own type, and cannot be nil.
    let record = |attributes: &str| {
        reason("AddUser_3", &format!("<addUserSettings {attributes}><FirstName>a</FirstName></addUserSettings>"))
    };
    for fine in [
        "xsi:type='t:AddUserSettings3'",
        "xsi:type='AddUserSettings3'",
        "xsi:nil='true'",
        "xsi:nil='x'",
        "type='Nope'",
        "t:type='Nope'",
    ] {
        assert_eq!(record(fine), "read", "{fine}");
    }
    for (attributes, expected) in [
        ("xsi:type='t:Nope'", unknown("Nope", NAMESPACE, "addUserSettings")),
        ("xsi:type='Nope'", unknown("Nope", NAMESPACE, "addUserSettings")),
        ("xsi:type=''", unknown("", NAMESPACE, "addUserSettings")),
        ("xsi:type=':x'", unknown(":x", NAMESPACE, "addUserSettings")),
        ("xsi:type='t:addusersettings3'", unknown("addusersettings3", NAMESPACE, "addUserSettings")),
        ("xsi:type='t:AddUserSettings2'", unknown("AddUserSettings2", NAMESPACE, "addUserSettings")),
        ("xsi:type='xsi:AddUserSettings3'", unknown("AddUserSettings3", XSI, "addUserSettings")),
        ("xmlns:u='urn:u' xsi:type='u:AddUserSettings3'", unknown("AddUserSettings3", "urn:u", "addUserSettings")),
        ("xsi:type='zz:AddUserSettings3'", "Namespace prefix 'zz' is not defined.".into()),
        ("xsi:type='a:b:c'", "Namespace prefix 'a:b' is not defined.".into()),
        ("xsi:nil='true' xsi:type='Nope'", unknown("Nope", NAMESPACE, "addUserSettings")),
        (
            "xmlns:x9='http://www.w3.org/1999/XMLSchema-instance' x9:type='Nope'",
            unknown("Nope", NAMESPACE, "addUserSettings"),
        ),
    ] {
        assert_eq!(record(attributes), expected, "{attributes}");
    }
    // An array and its items can be nil; what is nil may hold anything.
    for nil in ["xsi:nil='true'", "xsi:nil='1'", "xsi:nil=' true '", "xsi:null='1'", "xsi:nil='false'", "xsi:nil='0'"] {
        for holds in ["", "text", "<string/>", "<x><y/></x>", "<!--c-->", "<![CDATA[x]]>"] {
            let is_nil = !nil.contains("false") && !nil.contains('0');
            assert_eq!(reason("FindUsers_4", &format!("<tagIds {nil}>{holds}</tagIds>")), "read", "{nil} {holds}");
            let item = reason("FindUsers_4", &format!("<tagIds><string {nil}>{holds}</string></tagIds>"));
            let is_text = matches!(holds, "" | "text" | "<![CDATA[x]]>");
            assert_eq!(item == "read", is_nil || is_text, "{nil} {holds}: {item}");
        }
        assert_ne!(reason("FindUsers_4", &format!("<tagIds><string {nil}>&zz;</string></tagIds>")), "read");
    }
    for bad in ["x", "", "True", "yes"] {
        let expected = format!("The string '{bad}' is not a valid Boolean value.");
        assert_eq!(reason("FindUsers_4", &format!("<tagIds xsi:nil='{bad}'/>")), expected);
        assert_eq!(reason("FindUsers_4", &format!("<tagIds><string xsi:nil='{bad}'/></tagIds>")), expected);
    }
    let item = |attributes: &str| {
        reason(
            "EventConfirmationRunTemplate",
            &format!("<eventParameters><EventParameter {attributes}/></eventParameters>"),
        )
    };
    assert_eq!(item("xsi:type='t:EventParameter'"), "read");
    assert_eq!(item("xsi:type='t:Error'"), unknown("Error", NAMESPACE, "EventParameter"));
    // The item is read to its end before its type is looked at.
    assert_eq!(
        item("xsi:nil='1' xsi:type='t:Error'"),
        format!("The specified type was not recognized: name='Error', namespace='{NAMESPACE}', at >.")
    );
}
