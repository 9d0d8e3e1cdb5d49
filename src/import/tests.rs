//! Exports as they come, and what becomes of them.

use super::*;

fn load(text: &str) -> Result<Scenario, Mistakes> {
    scenario::load("the scenario", text)
}

fn imported(text: &str) -> Imported {
    read(text, false, "1").unwrap()
}

fn left_out(it: &Imported) -> Vec<(usize, &str)> {
    it.left_out.iter().map(|it| (it.line, it.reason.as_str())).collect()
}

#[test]
fn the_products_export_is_read() {
    let text = "Username,First Name,Last Name,Primary Country Code,Primary Phone,Mode,Phone Call Mode,SMS Direction,SMS Mode,Mobile App Mode,PIN,User Disabled,Enabled,Minimum PIN Length,Text Message Language,Tags,Administrator,Administers,Change Phone,Add User,SID,Colour\r\n\
        CONTOSO\\anna,Anna,\"Hill, Dr.\",1,(425) 555-0100,Phone Call,Standard,One-Way,OTP,Standard,0258,Succeed Authentication,True,4,en,VIP;Staff,True,All Users,True,False,S-1-5,red\r\n\
        ben,,,44,1632 960001,Text Message,PIN,Two-Way,OTP + PIN,Standard,,Fail Authentication,False,6,de,,False,,,,,\r\n\
        ,,,,,,,,,,,,,,,,,,,,,\r\n\
        carla,,,1,call me,Phone Call,,,,,,,,,,,,,,,,\r\n\
        dario,,,,,Carrier Pigeon,,,,,,,,,,,,,,,,\r\n\
        BEN,,,,,,,,,,,,,,,,,,,,,\r\n\
        erin,,,,,,,,,,12ab,,,,,,,,,,,\r\n";
    let it = imported(text);
    let expected = "company:\n  tags: [Staff, VIP]\n\nusers:\n  - {username: \"CONTOSO\\\\anna\", first_name: Anna, last_name: \"Hill, Dr.\", phone: \"+1 4255550100\", pin: \"0258\", tags: [VIP, Staff], administrator: {is_administrator: true, tag_match_type: allUsers, change_phone: true}}\n  - {username: ben, phone: \"+44 1632960001\", mode: smsText, pin_mode: pin, sms_direction: twoWay, sms_mode: otpPlusPin, enabled: false, disabled_behavior: fail, sms_text_language: de, minimum_pin_length: 6}\n";
    assert_eq!(it.scenario(), expected);
    let expected = [
        (5, "\"call me\" is no telephone number: 'c' does not belong in it"),
        (6, "mode cannot be \"Carrier Pigeon\"; known: voiceCall, smsText, phoneApp, oathToken"),
        (7, "there is another user \"BEN\""),
        (8, "pin must be digits and nothing else"),
    ];
    assert_eq!(left_out(&it), expected);
    assert_eq!(it.notes, ["These columns were not read: Colour."]);
    assert_eq!(it.real_numbers, 0);
}

#[test]
fn a_directorys_table_is_read() {
    let text = "#TYPE Microsoft.ActiveDirectory.Management.ADUser\nsAMAccountName;userPrincipalName;givenName;sn;mail;telephoneNumber;mobile\nanna;anna@contoso.com;Anna;Hill;anna@contoso.com;+1 425 555 0101;+1 425 555 0100\nben;;Ben;;;+1 425 555 0102;\n;;Unknown;;;;\n";
    let it = imported(text);
    let expected = "users:\n  - {username: anna, first_name: Anna, last_name: Hill, email_address: anna@contoso.com, phone: \"+1 4255550100\", backup_phone: \"+1 4255550101\"}\n  - {username: ben, first_name: Ben, phone: \"+1 4255550102\"}\n";
    assert_eq!(it.scenario(), expected);
    assert_eq!(left_out(&it), [(5, "it names no user")]);
}

#[test]
fn ldif_is_read_with_base64_and_folded_lines() {
    let text = "version: 1\n\n# Anna\ndn: CN=Anna,DC=contoso,DC=com\nsAMAccountName: anna\ngivenName:: w4VzYQ==\nsn: Hi\n ll\nmobile: +1 425\n  555 0100\nthumbnailPhoto:: /9j/\n\ndn: OU=Sales,DC=contoso,DC=com\nobjectClass: organizationalUnit\n\ndn: CN=Ben\nsAMAccountName: ben\nnonsense\n";
    let it = imported(text);
    assert_eq!(
        it.scenario(),
        "users:\n  - {username: anna, first_name: \"Åsa\", last_name: Hill, phone: \"+1 4255550100\"}\n"
    );
    let expected = [(13, "it names no user"), (18, "the line is no attribute: value, or its Base64 is no text")];
    assert_eq!(left_out(&it), expected);
}

#[test]
fn the_sample_providers_file_is_read_with_its_outcomes() {
    let text = "17;14255550100;Success\n18;14255550101;busy\n19;14255550102;bussy\nonly;two\n";
    let it = imported(text);
    let expected = "users:\n  - {username: \"14255550100\", phone: \"+1 4255550100\"}\n  - {username: \"14255550101\", phone: \"+1 4255550101\"}\n\nrules:\n  - {when: {phone: \"+1 4255550100\"}, outcome: approve}\n  - {when: {phone: \"+1 4255550101\"}, outcome: busy}\n";
    assert_eq!(it.scenario(), expected);
    let expected = [
        (3, "the status \"bussy\" is no outcome; did you mean busy?"),
        (4, "it is not requestGuid;phone;status or requestGuid;phone;status;message"),
    ];
    assert_eq!(left_out(&it), expected);
}

#[test]
fn real_numbers_are_counted_and_replaced_consistently() {
    let text = "Username,Primary Phone,Backup Phone\nanna,2125551234,425 555 0100\nben,2065550188,+1 212 555 1234\ncarla,2125559999,\n";
    assert_eq!(imported(text).real_numbers, 2);
    let it = read(text, true, "1").unwrap();
    let expected = "users:\n  - {username: anna, phone: \"+1 201 555 0100\", backup_phone: \"+1 4255550100\"}\n  - {username: ben, phone: \"+1 2065550188\", backup_phone: \"+1 201 555 0100\"}\n  - {username: carla, phone: \"+1 201 555 0101\"}\n";
    assert_eq!(it.scenario(), expected);
}

#[test]
fn what_is_only_a_warning_leaves_nobody_out() {
    let it = imported("Username,First Name,Primary Phone\nanna,${NAME},\nben,Ben,\nBEN,Ben,\n");
    assert_eq!((it.len(), it.left_out.len()), (2, 1));
}

#[test]
fn an_existing_scenario_keeps_what_it_has_unless_forced() {
    let existing = "# Mine\nusers:\n- anna  # she stays\n- username: ben\n  phone: \"+1 425 555 0101\"\n\nrules:\n- {outcome: busy}\n";
    let text = "Username,First Name\nBEN,Ben\ncarla,Carla\n";
    let (merged, it) = imported(text).into_scenario(existing, false, &load).unwrap();
    let expected = "# Mine\nusers:\n- anna  # she stays\n- username: ben\n  phone: \"+1 425 555 0101\"\n- {username: carla, first_name: Carla}\n\nrules:\n- {outcome: busy}\n";
    assert_eq!((merged.as_str(), it.len()), (expected, 1));
    assert_eq!(left_out(&it), [(2, "the scenario has a user \"BEN\" already; --force replaces it")]);

    let (merged, it) = imported(text).into_scenario(existing, true, &load).unwrap();
    let expected = "# Mine\nusers:\n- anna  # she stays\n- {username: BEN, first_name: Ben}\n- {username: carla, first_name: Carla}\n\nrules:\n- {outcome: busy}\n";
    assert_eq!((merged.as_str(), it.len(), it.left_out.len()), (expected, 2, 0));

    let (merged, _) = imported("17;14255550100;busy").into_scenario(existing, false, &load).unwrap();
    assert!(merged.contains("rules:\n- {when: {phone: \"+1 4255550100\"}, outcome: busy}\n- {outcome: busy}\n"));
    let (merged, _) = imported(text).into_scenario("seed: 1\n", false, &load).unwrap();
    assert!(merged.starts_with("seed: 1\n\nusers:\n  - {username: BEN, first_name: Ben}\n"));
    assert!(imported(text).into_scenario("users: [anna]\n", false, &load).unwrap_err().contains("in one line"));
    assert!(imported(text).into_scenario("users: [anna, anna]\n", false, &load).unwrap_err().contains("mistakes"));
}

#[test]
fn what_is_no_export_says_what_is() {
    assert!(read("hello", false, "1").unwrap_err().contains("the product's user export"));
    assert_eq!(read("\n", false, "1").unwrap_err(), "the file is empty");
}

/// An input from the field, which is one of its kind.
fn field(name: &str) -> Imported {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field").join(name);
    let (text, _) = text_of(&std::fs::read(file).unwrap()).unwrap();
    imported(&text)
}

/// What the scenario says of each user and rule, without a mistake or a warning.
fn settled(it: &Imported) -> Scenario {
    let scenario = load(&it.scenario()).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{}", it.scenario()));
    let warnings: Vec<_> = scenario.warnings.iter().filter(|it| it.severity > Severity::Note).collect();
    assert!(warnings.iter().all(|it| it.code == Code::RealNumber), "{warnings:?}");
    scenario
}

#[test]
fn the_sample_providers_file_has_four_fields_and_one_person_a_number() {
    let it = field("provider-phone.txt");
    let scenario = settled(&it);
    assert_eq!((scenario.setup.users.len(), scenario.setup.rules.len()), (4, 4));
    let text = it.scenario();
    for line in [
        r#"{when: {phone: "+1 4255550111"}, outcome: approve}"#,
        r#"{when: {phone: "+1 4255550112"}, outcome: {code: 108, text: "The person hung up"}}"#,
        r#"{when: {phone: "+1 4255550113"}, outcome: no-answer}"#,
        r#"{when: {phone: "+1 4255550114"}, outcome: approve}"#,
    ] {
        assert!(
            text.contains(line) || text.contains(&line.replace("\"The person hung up\"", "The person hung up")),
            "{text}"
        );
    }
    let expected = [
        (4, "line 5 has the same number, and the last line of a number counts"),
        (6, "it is not requestGuid;phone;status or requestGuid;phone;status;message"),
    ];
    assert_eq!(left_out(&it), expected);
}

#[test]
fn the_sample_providers_file_comes_in_other_forms() {
    for (text, outcomes) in [
        ("id;phone;status;message\n6f;1 4255550111;1;\n", vec!["approve"]),
        (
            "requestGuid;phone;status;message\r\n6f;+14255550111;9;gone; for good {1}\r\n",
            vec!["{code: 108, text: \"gone; for good (1)\"}"],
        ),
        ("1;14255550111;1\n2;14255550112;2\n3;14255550113;0\n", vec!["approve", "deny", "no-answer"]),
        ("6f;1 4255550111;approve\n70;+1 (425) 555-0111;deny\n", vec!["deny"]),
        ("6f;1 4255550111;failed;\n", vec!["deny"]),
        ("6f;1 4255550111;what;Lost\n", vec!["{code: 108, text: Lost}"]),
    ] {
        let it = imported(text);
        let scenario = settled(&it);
        assert_eq!(
            (scenario.setup.users.len(), scenario.setup.rules.len()),
            (outcomes.len(), outcomes.len()),
            "{text}"
        );
        for outcome in outcomes {
            assert!(it.scenario().contains(&format!("outcome: {outcome}}}")), "{}", it.scenario());
        }
    }
    assert!(imported("6f;;1;\n71;call me;1;\n").is_empty());
}

#[test]
fn the_products_whole_export_is_read_with_the_rights_of_the_screens() {
    for name in ["export.csv", "export-sep-line.csv"] {
        let it = field(name);
        assert_eq!(it.notes, ["These columns were not read: Admin Receive Notifications."], "{name}");
        let scenario = settled(&it);
        let users = &scenario.setup.users;
        assert_eq!(users.len(), 3, "{name}");
        let rights = it.scenario();
        let rights = rights.lines().find(|it| it.contains("hanna")).unwrap().split(" administrator: ").nth(1).unwrap();
        let expected = "{is_administrator: true, tag_match_type: anyTags, tag_string: Berlin, add_user: true, one_time_bypass: true, bypass_seconds: true, change_mode: true, change_submode: true, change_phone: true, enable_disable: true, block_unblock_user: true, activate_phone_app: true, deactivate_phone_app: true, verify_security_questions: true}}";
        assert_eq!(rights, expected, "{name}");
        assert_eq!(users[2].settings.pin.as_ref().map(crate::contract::Secret::reveal), Some("2580"));
        assert!(!users[2].settings.enabled);
    }
    let it = field("export-only-method.csv");
    assert!(it.scenario().contains("tag_string: Berlin, change_mode: true}"), "{}", it.scenario());
}

#[test]
fn excel_writes_truths_in_its_own_language() {
    for (no, yes) in [("FALSCH", "WAHR"), ("FAUX", "VRAI"), ("FALSO", "VERDADERO"), ("ЛОЖЬ", "ИСТИНА"), ("no", "sí")]
    {
        let it = imported(&format!("sep=;\nUsername;Enabled;Administrator;Admin Add User\nanna;{no};{yes};{yes}\n"));
        let expected =
            "users:\n  - {username: anna, enabled: false, administrator: {is_administrator: true, add_user: true}}\n";
        assert_eq!(it.scenario(), expected, "{no}");
    }
    let it = imported("Username,Enabled\nanna,perhaps\n");
    assert_eq!(left_out(&it)[0].0, 2);
    assert!(left_out(&it)[0].1.contains("other languages"), "{:?}", it.left_out);
}

#[test]
fn a_directory_in_ldif_has_no_third_number() {
    let it = field("people.ldif");
    let numbers: Vec<_> = settled(&it)
        .setup
        .users
        .iter()
        .map(|it| (it.username.clone(), it.number("1").map(|it| it.to_string()).unwrap_or_default()))
        .collect();
    let expected = [
        ("a1", "+1 4255550101"),
        ("a2", "+1 4255550102"),
        ("a3", "+1 4255550103"),
        ("b1", "+44 7700900123"),
        ("b2", "+49 3023125001"),
        ("b3", "+44 7700900123"),
        ("d1", "+1 4255550104 x42"),
    ];
    assert_eq!(numbers, expected.map(|(name, number)| (name.to_owned(), number.to_owned())));
    assert_eq!(it.left_out.iter().map(|it| it.line).collect::<Vec<_>>(), [31, 41]);
    assert!(it.left_out[1].reason.contains("'*' does not belong in it"), "{:?}", it.left_out);
    assert_eq!(it.notes, ["These columns were not read: dn, changetype."]);
    let british = read("Username,Phone\nc1,07700900123\n", false, "44").unwrap();
    assert!(british.scenario().contains("+44 7700900123"), "{}", british.scenario());
}

#[test]
fn directories_and_powershell_have_their_own_columns() {
    let it = field("get-aduser.csv");
    let expected = "users:\n  - {username: anna, first_name: Anna, last_name: Hill, email_address: anna@contoso.com, phone: \"+1 4255550101\", backup_phone: \"+1 4255550102\", enabled: false}\n";
    assert_eq!(it.scenario(), expected);
    assert_eq!(it.notes, ["These columns were not read: Name."]);

    let it = field("csvde-disabled.csv");
    let expected =
        "users:\n  - {username: anna, phone: \"+1 4255550101\", backup_phone: \"+1 4255550106\", enabled: false}\n";
    assert_eq!(it.scenario(), expected);
    assert_eq!(it.notes, ["These columns were not read: DN, otherMobile."]);

    let entra = "userPrincipalName,displayName,id,accountEnabled,telephoneNumber,mobilePhone\nanna@contoso.com,Anna Hill,1f,False,,+1 425 555 0101\nben@contoso.com,\"Brook, Ben\",20,True,+1 425 555 0102,\n";
    let it = imported(entra);
    let expected = "users:\n  - {username: anna@contoso.com, first_name: Anna, last_name: Hill, phone: \"+1 4255550101\", enabled: false}\n  - {username: ben@contoso.com, first_name: Ben, last_name: Brook, phone: \"+1 4255550102\"}\n";
    assert_eq!(it.scenario(), expected);
    assert_eq!(it.notes, ["These columns were not read: id."]);

    let own = "username,phone,mode,pin_mode,pin,enabled,sms_direction,country_code\nanna,4255550101,smsText,pin,2580,no,twoWay,1\n";
    let it = imported(own);
    let expected = "users:\n  - {username: anna, phone: \"+1 4255550101\", mode: smsText, pin_mode: pin, sms_direction: twoWay, pin: 2580, enabled: false}\n";
    assert_eq!(settled(&it).setup.users.len(), 1);
    assert_eq!(it.scenario(), expected);

    for control in ["514", "0x202", "66050"] {
        let it = imported(&format!("sAMAccountName,userAccountControl\nanna,{control}\n"));
        assert!(it.scenario().contains("enabled: false"), "{control}");
    }
    assert!(!imported("sAMAccountName,userAccountControl\nanna,512\n").scenario().contains("enabled"));
}

#[test]
fn what_a_directory_writes_beside_its_users_is_told_or_passed_over() {
    let text = "version: 1\n\ndn: CN=Anna\nsAMAccountName: anna\nmobile: +1 425 555 0101; +1 425 555 0102\n\ndn: CN=Ben\nchangetype: modify\nreplace: mobile\nmobile: +1 425 555 0103\n\ndn: CN=Carla\nsAMAccountName: carla\njpegPhoto:< file:///carla.jpg\nuserAccountControl: 514\n\nsearch: 2\nresult: 0 Success\n";
    let it = imported(text);
    assert_eq!(it.scenario(), "users:\n  - {username: carla, enabled: false}\n");
    let expected = [
        (3, "\"+1 425 555 0101; +1 425 555 0102\" is no telephone number: it is more than one number"),
        (7, "it changes an object (changetype: modify), and does not say the whole user"),
    ];
    assert_eq!(left_out(&it), expected);
}

#[test]
fn exports_come_in_the_encodings_of_windows() {
    let text = "sAMAccountName,Surname\r\njörg,Müller\r\n";
    let wide = |mark: &str| format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let windows = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    for bytes in [text.as_bytes().to_vec(), format!("\u{feff}{text}").into(), wide("\u{feff}"), wide(""), windows] {
        let it = imported(&text_of(&bytes).unwrap().0);
        assert_eq!(it.scenario(), "users:\n  - {username: \"jörg\", last_name: \"Müller\"}\n");
    }
    for (bytes, what) in [
        (&b"PK\x03\x04rest"[..], ".xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1", ".xls"),
        (b"%PDF-1.7", "PDF"),
        (b"\xff\xfea", "UTF-16LE"),
        (b"\x00\x01\x00", "no text file"),
    ] {
        assert!(text_of(bytes).unwrap_err().contains(what), "{what}");
    }
}

#[test]
fn a_file_of_another_kind_is_named() {
    for (text, what) in [
        ("{\"value\": []}", "JSON"),
        ("<html><body>", "web page"),
        ("<?xml version=\"1.0\"?><MfaSettings/>", "XML"),
        ("<Objs Version=\"1.1.0.1\">", "Export-Clixml"),
        ("company: {}\nusers:\n  - anna\n", "a scenario already"),
        ("Name  Enabled\n----  -------\nanna  True\n", "Export-Csv"),
        ("DisplayName : Anna\nMobilePhone : 1\n", "Export-Csv"),
        ("hello", "no export"),
    ] {
        let why = read(text, false, "1").unwrap_err();
        assert!(why.contains(what), "{text}: {why}");
    }
}
