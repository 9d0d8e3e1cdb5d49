//! Spellings of numbers, and what is no number.

use super::*;

#[test]
fn numbers_for_fiction_are_known() {
    let is_fictional = |text| Number::read(text, "", "", "1").unwrap().is_fictional();
    for text in ["1 4255550100", "(212) 555-0199 x7", "+44 1632 960999", "+49 30 23125 123"] {
        assert!(is_fictional(text), "{text}");
    }
    for text in ["+1 425 555 0200", "+1 425 882 8080", "+44 1632 9609", "+49 30 2312 5123 4"] {
        assert!(!is_fictional(text), "{text}");
    }
}

#[test]
fn every_spelling_of_a_number_is_that_number() {
    let spellings = [
        ("+1 425 555 0100", ""),
        ("+1 (425) 555-0100", ""),
        ("+14255550100", ""),
        ("1 4255550100", ""),
        ("1(425) 555-0100", ""),
        ("14255550100", ""),
        ("14255550100", "1"),
        ("4255550100", "1"),
        ("425.555.0100", "+1"),
        ("(425) 555-0100", ""),
        ("425 555 0100", ""),
        ("425-555-0100", ""),
        ("011 1 425 555 0100", ""),
        ("001 425 555 0100", ""),
        ("0014255550100", "1"),
        ("+1 1 425 555 0100", ""),
        ("tel:+1-425-555-0100", ""),
        ("TEL:+1.425.555.0100", ""),
        ("+1\u{a0}425\u{2009}555\u{202f}0100", ""),
        ("+1 425\u{2011}555\u{2013}0100", ""),
        ("\u{202d}+1 425 555\u{2212}0100\u{202c}", ""),
        ("\u{ff0b}\u{ff11} \u{ff08}425\u{ff09} 555 0100", ""),
        ("+1 \u{664}\u{662}\u{665} 555 0100", ""),
    ];
    for (text, country) in spellings {
        let number = Number::read(text, country, "", "1").unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!((number.digits(), number.parts().0), ("14255550100", "1"), "{text} with {country:?}");
    }
}

#[test]
fn what_is_dialled_before_a_number_is_no_part_of_it() {
    let cases = [
        ("+44 (0)7700 900123", "", "1", "447700900123"),
        ("+44 07700900123", "", "1", "447700900123"),
        ("+4407700900123", "", "1", "447700900123"),
        ("4407700900123", "", "1", "447700900123"),
        ("44 07700 900123", "", "1", "447700900123"),
        ("0044 7700 900123", "", "1", "447700900123"),
        ("0044 (0) 7700 900123", "", "1", "447700900123"),
        ("00 44 7700 900123", "", "49", "447700900123"),
        ("011 44 7700 900123", "", "1", "447700900123"),
        ("0011 44 7700 900123", "", "61", "447700900123"),
        ("010 44 7700 900123", "", "81", "447700900123"),
        ("8 10 44 7700 900123", "", "7", "447700900123"),
        ("07700900123", "", "44", "447700900123"),
        ("(0)7700 900123", "44", "1", "447700900123"),
        ("07700 900123", "+44", "1", "447700900123"),
        ("07700 900123", "0044", "1", "447700900123"),
        ("+49 (0) 30 / 23125-001", "", "1", "493023125001"),
        ("030/23125001", "", "49", "493023125001"),
        ("+49 (030) 23125001", "", "1", "493023125001"),
        ("8 (495) 123-45-67", "", "7", "74951234567"),
        ("8 495 1234567", "7", "1", "74951234567"),
        ("+7 (8) 495 123-45-67", "", "1", "74951234567"),
        ("+7 812 123-45-67", "", "1", "78121234567"),
        ("06 1 234 5678", "", "36", "3612345678"),
        ("+33 (0)1 99 00 12 34", "", "1", "33199001234"),
        ("+39 06 698 12345", "", "1", "390669812345"),
        ("+39 (0)6 698 12345", "", "1", "390669812345"),
        ("06 698 12345", "", "39", "390669812345"),
        ("0039 06 698 12345", "", "49", "390669812345"),
        ("+45 (0)32 12 34 56", "", "1", "4532123456"),
        ("47 22334455", "", "1", "4722334455"),
        ("12135551212", "", "1", "12135551212"),
        ("2135551212", "", "1", "12135551212"),
    ];
    for (text, country, default_country, digits) in cases {
        let number = Number::read(text, country, "", default_country);
        let number = number.unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(number.digits(), digits, "{text} with {country:?}, in {default_country}");
        let (code, rest, _) = number.kept(default_country);
        assert_eq!(Number::stored(code, rest, "").unwrap().digits(), digits, "{text} as stored");
    }
}

#[test]
fn other_countries_keep_their_codes() {
    let read = |text, country| Number::read(text, country, "", "1").unwrap();
    assert_eq!(read("+44 1632 960000", "").digits(), "441632960000");
    assert_eq!(read("1632960000", "44").digits(), "441632960000");
    assert_eq!(read("44 1632960000", "").digits(), "441632960000");
    assert!(!read("44 1632960000", "").is_in("1"));
    assert_eq!(Number::read("1632960000", "", "", "44").unwrap().digits(), "441632960000");
}

#[test]
fn extensions_count_where_both_have_one() {
    let read = |text: &str| Number::read(text, "", "", "1").unwrap();
    let spellings = [" ext. 42", "x42", " x 42", " Ext: 42", "#42", ";42", ",42", ";ext=42", " extension 42", " DW 42"];
    for extension in spellings {
        let number = read(&format!("+1 425 555 0100{extension}"));
        assert_eq!((number.digits(), number.extension()), ("14255550100", "42"), "{extension}");
    }
    assert_eq!(Number::read("4255550100", "1", "ext. 42", "1").unwrap().extension(), "42");
    assert_eq!(read("4255550100x42").to_string(), "+1 4255550100 x42");
    assert!(read("4255550100x42").same_as(&read("4255550100")));
    assert!(!read("4255550100x42").same_as(&read("4255550100x43")));
}

#[test]
fn what_is_no_number_says_why() {
    let cases = [
        ("", "it has no digits"),
        ("42a5550100", "'a' does not belong in it"),
        ("**600", "'*' does not belong in it"),
        ("#31#+14255550100", "'#' does not belong in it"),
        ("+1 425 555 \u{41e}1OO", "'\u{41e}' (U+041E) does not belong in it"),
        ("+1 425 555 0100 \u{260e}", "the character U+260E does not belong in it"),
        ("+1 425 555 0100 x4b", "'b' does not belong in its extension"),
        ("12", "it has 2 digits, and with its country code a number has 5 to 15"),
        ("4255550101 4255550102", "it has 20 digits, and with its country code a number has 5 to 15"),
        ("+1 425 555 0101; +1 425 555 0102", "it is more than one number"),
        ("+1 425 555 0101, 425 555 0102", "it is more than one number"),
        ("+1 425 555 0101 +1 425 555 0102", "it is more than one number"),
        ("+1 425 555 0101\n+1 425 555 0102", "it is more than one number"),
        ("+49 30 23125001/02", "it is more than one number"),
        ("+1 425 555 0101 or 0102", "'o' does not belong in it"),
        ("8 (495) 123-45-67", "no country code begins so; write it as +, country code, number"),
        ("+07700 900123", "no country code begins so; write it as +, country code, number"),
        ("+8 (495) 123-45-67", "no country code begins so; write it as +, country code, number"),
        ("+999 5550100", "no country code begins so; write it as +, country code, number"),
        (
            "07700900123",
            "no number of country code 1 begins with 0; write it with its own country code, as in +44 1632 960000",
        ),
        (
            "+44 00 7700 900123",
            "no number of country code 44 begins with 0; write it with its own country code, as in +44 1632 960000",
        ),
        (
            "+45 032 12 34 56",
            "no number of country code 45 begins with 0; write it with its own country code, as in +44 1632 960000",
        ),
    ];
    for (text, why) in cases {
        let read = Number::read(text, "", "", "1").map(|it| it.to_string());
        assert_eq!(read.map_err(|it| it.to_string()), Err(why.into()), "{text}");
    }
    let ambiguous = Number::read("30 23125001", "", "", "49").unwrap_err();
    assert_eq!(ambiguous, NotANumber::Ambiguous);
    assert_eq!(Number::read("4255550100", "1", "front desk", "1").unwrap_err(), NotANumber::Extension('f'));
}

#[test]
fn a_stored_number_keeps_its_parts() {
    let number = Number::read("+49 4912 34567890", "", "", "1").unwrap();
    let (country, rest, extension) = number.kept("1");
    assert_eq!((country, rest), ("49", "491234567890"));
    assert_eq!(Number::stored(country, rest, extension).as_ref(), Some(&number));
    assert_eq!(Number::stored("", "4255550100", ""), None);
    assert_eq!(Number::stored("1", "(425) 555-0100", ""), None);
}
