//! The XML reader beside .NET's words and beside another reader.

use locmfa::xml::{Malformed, Node, Reader};
use proptest::prelude::*;

/// Reads a text to its end: how many nodes it has.
fn nodes(text: &str) -> Result<usize, Box<Malformed>> {
    let mut reader = Reader::new(text);
    let mut nodes = 0;
    while reader.read()? != Node::Done {
        nodes += 1;
    }
    Ok(nodes)
}

#[test]
fn errors_have_the_words_and_places_of_dotnet() {
    const ROOT: &str = "Data at the root level is invalid.";
    const EOF: &str = "Unexpected end of file has occurred.";
    const NAME_EOF: &str = "Unexpected end of file while parsing Name has occurred.";
    const DECLARATION: &str = "Syntax for an XML declaration is invalid.";
    const NOT_FIRST: &str = "Unexpected XML declaration. The XML declaration must be the first node in the document, and no white space characters are allowed to appear before it.";
    const NOT_CLOSED: &str = "Unexpected end of file has occurred. The following elements are not closed:";
    const COMMENT: &str = "An XML comment cannot contain '--', and '-' cannot be the last character.";
    const ENTITY: &str = "An error occurred while parsing EntityName.";
    const HEX: &str = "Invalid syntax for a hexadecimal numeric entity reference.";
    const DECIMAL: &str = "Invalid syntax for a decimal numeric entity reference.";
    const LITERAL: &str = "There is an unclosed literal string.";
    const XMLNS: &str = "Prefix \"xmlns\" is reserved for use by XML.";
    let start = |c: &str, n: &str| format!("Name cannot begin with the '{c}' character, hexadecimal value {n}.");
    let within =
        |c: &str, n: &str| format!("The '{c}' character, hexadecimal value {n}, cannot be included in a name.");
    let invalid = |c: &str, n: &str| format!("'{c}', hexadecimal value {n}, is an invalid character.");
    let expected = |token: &str, it: &str| format!("'{token}' is an unexpected token. The expected token is '{it}'.");
    let quote = |token: &str| format!("'{token}' is an unexpected token. The expected token is '\"' or '''.");
    let white = |token: &str| format!("'{token}' is an unexpected token. Expecting white space.");
    let mark = |token: &str| format!("'{token}' is an unexpected token. The expected token is '<!--' or '<[CDATA['.");
    let prefix = |it: &str| format!("'{it}' is an undeclared prefix.");
    let twice = |it: &str| format!("'{it}' is a duplicate attribute name.");
    let reserved =
        |it: &str| format!("Prefix '{it}' cannot be mapped to namespace name reserved for \"xml\" or \"xmlns\".");
    let mismatch = |open: &str, line: u32, column: u32, end: &str| {
        format!("The '{open}' start tag on line {line} position {column} does not match the end tag of '{end}'.")
    };
    // The text, with a mark where the error is told, and the words.
    let cases: &[(&str, String)] = &[
        // Around the root.
        ("¦hello", ROOT.into()),
        ("\n\n¦hello", ROOT.into()),
        ("¦<a", ROOT.into()),
        ("<a/>¦<b", ROOT.into()),
        ("¦&amp;<a/>", ROOT.into()),
        ("¦<![CDATA[x]]><a/>", ROOT.into()),
        ("¦<![x", ROOT.into()),
        ("<a/>¦x", ROOT.into()),
        ("<a/> ¦x", ROOT.into()),
        ("\u{feff}¦<a/>".trim_start_matches('\u{feff}'), String::new()),
        ("¦\u{feff}<a/>", ROOT.into()),
        ("¦\u{1}<a/>", invalid("\u{1}", "0x01")),
        (" ¦\u{0}", invalid(".", "0x00")),
        ("¦😀<a/>", invalid("😀", "0x1F600")),
        ("¦\u{ffff}<a/>", invalid("\u{ffff}", "0xFFFF")),
        ("<a/><¦b/>", "There are multiple root elements.".into()),
        ("</¦a>", "Unexpected end tag.".into()),
        ("<a/></¦a>", "Unexpected end tag.".into()),
        ("<!-¦a--><a/>", expected("a--", "-")),
        ("< a/>".replacen(' ', "¦ ", 1).leak(), start(" ", "0x20")),
        ("<¦1/>", start("1", "0x31")),
        ("<¦-a/>", start("-", "0x2D")),
        ("<¦:a/>", start(":", "0x3A")),
        ("<¦\u{370}/>", start("\u{370}", "0x370")),
        ("<¦😀/>", start("😀", "0x1F600")),
        // The XML declaration.
        (" <?¦xml version='1.0'?><a/>", NOT_FIRST.into()),
        ("<!--x--><?¦xml version='1.0'?><a/>", NOT_FIRST.into()),
        ("<a/><?¦xml?>", NOT_FIRST.into()),
        ("<?¦XML?><a/>", "'XML' is an invalid name for processing instructions.".into()),
        ("<a><?¦xMl a?></a>", "'xMl' is an invalid name for processing instructions.".into()),
        ("<?xml¦?><a/>", DECLARATION.into()),
        ("<?xml ¦?><a/>", DECLARATION.into()),
        ("<?xml ¦encoding='utf-8'?><a/>", DECLARATION.into()),
        ("<?xml ¦Version='1.0'?><a/>", DECLARATION.into()),
        ("<?xml version='1.0' ¦version='1.0'?><a/>", DECLARATION.into()),
        ("<?xml version='1.0' standalone='yes' ¦encoding='utf-8'?><a/>", DECLARATION.into()),
        ("<?xml version='1.0' standalone=¦'maybe'?><a/>", DECLARATION.into()),
        ("<?xml version='1.0' standalone=¦''?><a/>", DECLARATION.into()),
        ("<?xml version='1.0' encoding='¦a<b'?><a/>", DECLARATION.into()),
        ("<?xml version='1.0' encoding='¦a\"b'?><a/>", DECLARATION.into()),
        ("<?xml version='¦1.1'?><a/>", "Version number '1.1' is invalid.".into()),
        ("<?xml version='¦'?><a/>", "Version number '' is invalid.".into()),
        ("<?xml\nversion=\"¦1\"?><a/>", "Version number '1' is invalid.".into()),
        ("<?xml version='¦1.0", LITERAL.into()),
        ("<?xml version='1.0'¦", EOF.into()),
        ("<?xml version='1.0' ¦", NAME_EOF.into()),
        ("<?xml version='1.0'¦?", EOF.into()),
        ("<?xml version='1.0' ¦?a", expected("?", "'>'")),
        ("<?xml version='1.0'¦encoding='utf-8'?><a/>", expected("encoding", "?>")),
        ("<?xml version¦", NAME_EOF.into()),
        ("<?xml version ¦'1.0'?><a/>", expected("'", "=")),
        ("<?xml version= ¦1.0?><a/>", quote("1.0")),
        ("<?xml¦\"?><a/>", start("\"", "0x22")),
        // Tags.
        ("<a¦/ >", expected("/", ">")),
        ("<ab ¦", format!("{NOT_CLOSED} ")),
        ("<abc¦", NAME_EOF.into()),
        ("<abc¦/", "Unexpected end of file while parsing > has occurred.".into()),
        ("<abc /¦", format!("{NOT_CLOSED} ")),
        ("<a /¦ >", expected(" ", ">")),
        ("<a¦<b/>", within("<", "0x3C")),
        ("<a¦\"/>", within("\"", "0x22")),
        ("<a¦×/>", within("×", "0xD7")),
        ("<a:¦/>", start("/", "0x2F")),
        ("<a:b¦:c/>", within(":", "0x3A")),
        ("<a:¦1/>", start("1", "0x31")),
        ("<a ¦1='x'/>", start("1", "0x31")),
        ("<a ¦='x'/>", start("=", "0x3D")),
        ("<a ¦\"x\"/>", start("\"", "0x22")),
        ("<a b¦/>", expected("/", "=")),
        ("<a b¦>", expected(">", "=")),
        ("<a b ¦c='1'/>", expected("c", "=")),
        ("<a b=¦c>", quote("c")),
        ("<a b= ¦>", quote(">")),
        ("<a b=¦", EOF.into()),
        ("<a b ¦", EOF.into()),
        ("<a b¦", NAME_EOF.into()),
        ("<a b='1'¦c='2'/>", white("c")),
        ("<a b='1'¦é='2'/>", white("é")),
        ("<a b='¦<'/>", "'<', hexadecimal value 0x3C, is an invalid attribute character.".into()),
        ("<a b='\n¦\u{2}'/>", invalid("\u{2}", "0x02")),
        ("<a b='x¦\u{fffe}'/>", invalid("\u{fffe}", "0xFFFE")),
        ("<a b='xy¦", LITERAL.into()),
        ("<a b='¦", LITERAL.into()),
        ("<a b='1' ¦b='2'/>", twice("b")),
        ("<a b='1' c='' ¦c='2' d='' b=''/>".replace("¦c", "c").replace(" b=''/", " ¦b=''/").leak(), twice("b")),
        ("<a xmlns:p='u' xmlns:q='u' p:b='1' ¦q:b='2'/>", twice("q:b")),
        ("<a xmlns='u' ¦xmlns='u'/>", twice("xmlns")),
        ("<a xmlns:p='u' ¦xmlns:p='v'/>", twice("xmlns:p")),
        ("<¦p:a/>", prefix("p")),
        ("<a ¦p:b=''/>", prefix("p")),
        ("<¦p:a q:b=''/>", prefix("p")),
        ("<a xmlns:p='u'><p:b/><b\n ¦q:c=''/></a>", prefix("q")),
        ("<a><b xmlns:p='u'/><¦p:c/></a>", prefix("p")),
        ("<a xmlns:p=¦''/>", "Invalid namespace declaration.".into()),
        ("<a ¦xmlns:xml='u'/>", "Prefix \"xml\" is reserved for use by XML and can be mapped only to namespace name \"http://www.w3.org/XML/1998/namespace\".".into()),
        ("<a ¦xmlns:xmlns='u'/>", XMLNS.into()),
        ("<a xmlns:xmlns='¦http://www.w3.org/2000/xmlns/'/>", XMLNS.into()),
        ("<a xmlns:p='¦http://www.w3.org/2000/xmlns/'/>", reserved("p")),
        ("<a xmlns='¦http://www.w3.org/2000/xmlns/'/>", reserved("")),
        ("<a ¦xml:space='x'/>", "'x' is an invalid xml:space value.".into()),
        ("<a></¦b>", mismatch("a", 1, 2, "b")),
        ("<a>\n<b>\r\n</¦a></b>", mismatch("b", 2, 2, "a")),
        ("<a></¦ab>", mismatch("a", 1, 2, "ab")),
        ("<a></¦a:b>", mismatch("a", 1, 2, "a:b")),
        ("<ab></¦a>", mismatch("ab", 1, 2, "a")),
        ("<a></¦ a>", start(" ", "0x20")),
        ("<a></¦>", NAME_EOF.into()),
        ("<a></¦/>", start("/", "0x2F")),
        ("<a></a ¦b>", expected("b", ">")),
        ("<abc></a¦", NAME_EOF.into()),
        ("<a></a¦", format!("{NOT_CLOSED} a.")),
        ("<a></a \n¦", format!("{NOT_CLOSED} a.")),
        // Content.
        ("<ab>¦", format!("{NOT_CLOSED} ab.")),
        ("<a><b>x¦", format!("{NOT_CLOSED} b, a.")),
        ("<a><b/><p:c xmlns:p='u'>¦", format!("{NOT_CLOSED} p:c, a.")),
        ("<ab><¦", format!("{NOT_CLOSED} ab.")),
        ("<ab><!¦", format!("{NOT_CLOSED} ab.")),
        ("<ab><!-¦", format!("{NOT_CLOSED} ab.")),
        ("<ab><![CDA¦", format!("{NOT_CLOSED} ab.")),
        ("<a><!-¦x", expected("x", "-")),
        ("<a><!¦[cdata[x]]></a>".replace("¦[", "[¦").leak(), expected("cdata", "CDATA[")),
        ("<a><!¦DOCTYPE a></a>", "Unexpected DTD declaration.".into()),
        ("<a><!¦ELEMENT a></a>", mark("ELEMENT")),
        ("<a><!¦ a></a>", mark(" ")),
        ("<a>x¦]]></a>", "']]>' is not allowed in character data.".into()),
        ("<a>x¦\u{1}</a>", invalid("\u{1}", "0x01")),
        ("<a>é😀¦\u{1f}</a>", invalid("\u{1f}", "0x1F")),
        ("<a>¦\u{0}</a>", invalid(".", "0x00")),
        ("<a>¦\u{fffe}</a>", invalid("\u{fffe}", "0xFFFE")),
        ("<a><¦\u{1}/></a>", start("\u{1}", "0x01")),
        ("<a>x<¦1", NAME_EOF.into()),
        ("<a>x<¦ b/></a>", start(" ", "0x20")),
        ("<a>¦&", EOF.into()),
        ("<a>x¦&", EOF.into()),
        ("<a>&¦ b</a>", ENTITY.into()),
        ("<a>&¦;</a>", ENTITY.into()),
        ("<a>&¦b</a>", ENTITY.into()),
        ("<a>&b¦:c;</a>", ENTITY.into()),
        ("<a>&¦1;</a>", ENTITY.into()),
        ("<a>&am¦", ENTITY.into()),
        ("<a b='&¦ '/>", ENTITY.into()),
        ("<a b='&¦lt'/>", ENTITY.into()),
        ("<a>&#¦;</a>", DECIMAL.into()),
        ("<a>&#1¦a;</a>", DECIMAL.into()),
        ("<a>&#¦X41;</a>", DECIMAL.into()),
        ("<a>&#x¦;</a>", HEX.into()),
        ("<a>&#x1¦g;</a>", HEX.into()),
        ("<a>&#x41¦ ;</a>", HEX.into()),
        ("<a>¦&#", "Unexpected end of file while parsing  has occurred.".into()),
        ("<a>x¦&#x4", "Unexpected end of file while parsing  has occurred.".into()),
        ("<a>&#¦0;</a>", invalid(".", "0x00")),
        ("<a>&#x¦1;</a>", invalid("\u{1}", "0x01")),
        ("<a b='&#x¦FFFE;'/>", invalid("\u{fffe}", "0xFFFE")),
        ("<a>&#¦55296;</a>", invalid("\u{fffd}", "0xD800")),
        ("<a>&#x¦110000;</a>", invalid("\u{fffd}", "0xDC00")),
        ("<a>&#2147483647¦0;</a>", "Invalid value of a character entity reference.".into()),
        ("<a>&#x8000000¦0;</a>", "Invalid value of a character entity reference.".into()),
        // Between two marks.
        ("<a><!-- x ¦-- --></a>", COMMENT.into()),
        ("<a><!--x¦---></a>", COMMENT.into()),
        ("<a><!--x¦\u{1}--></a>", invalid("\u{1}", "0x01")),
        ("<a><!--¦x", "Unexpected end of file while parsing Comment has occurred.".into()),
        ("<a><!--xyz¦", "Unexpected end of file while parsing Comment has occurred.".into()),
        ("<a><!--xyz¦-", "Unexpected end of file while parsing Comment has occurred.".into()),
        ("<a><!--xyz¦--", "Unexpected end of file while parsing Comment has occurred.".into()),
        ("<!--xyz\n¦", "Unexpected end of file while parsing Comment has occurred.".into()),
        ("<a><![CDATA[¦x", "Unexpected end of file while parsing CDATA has occurred.".into()),
        ("<a><![CDATA[xyz¦]]", "Unexpected end of file while parsing CDATA has occurred.".into()),
        ("<a><![CDATA[xyz¦\u{2}]]></a>", invalid("\u{2}", "0x02")),
        ("<a><?p x¦", "Unexpected end of file while parsing PI has occurred.".into()),
        ("<a><?p x?¦", "Unexpected end of file while parsing PI has occurred.".into()),
        ("<a><?p¦", NAME_EOF.into()),
        ("<a><?p¦ ".replace("¦ ", " ¦").leak(), "Unexpected end of file while parsing PI has occurred.".into()),
        ("<a><?¦ p?></a>", start(" ", "0x20")),
        ("<a><?p¦:q?></a>", within(":", "0x3A")),
        ("<a><?p¦+?></a>", within("+", "0x2B")),
        ("<a><?p¦?a?></a>", within("?", "0x3F")),
        ("<a><?p x¦\u{3}?></a>", invalid("\u{3}", "0x03")),
    ];
    let mut wrong = Vec::new();
    for (text, words) in cases.iter().filter(|it| !it.1.is_empty()) {
        let (before, after) = text.split_once('¦').unwrap();
        let line_ends = before.replace("\r\n", "\n").replace('\r', "\n");
        let column = line_ends.rsplit('\n').next().unwrap().encode_utf16().count() + 1;
        let expected = format!("{words} Line {}, position {column}.", line_ends.matches('\n').count() + 1);
        let told = nodes(&[before, after].concat()).map_or_else(|it| it.to_string(), |nodes| format!("{nodes} nodes"));
        if told != expected {
            wrong.push(format!("{text:?}\n  told     {told}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    for (text, words) in [
        ("", "Root element is missing."),
        (" \n", "Root element is missing."),
        ("<!--x-->", "Root element is missing."),
        ("<?xml version='1.0'?>", "Root element is missing."),
        ("\u{0}<a/>", "Root element is missing."),
        ("<!DOCTYPE a><a/>", "DTD is prohibited in this XML document."),
        ("<a/><!DOCTYPE a>", "DTD is prohibited in this XML document."),
        ("<!a>", "DTD is prohibited in this XML document."),
    ] {
        assert_eq!(nodes(text).unwrap_err().to_string(), words, "{text:?}");
    }
}

/// What documents are made of, well or badly.
const PIECES: [&str; 63] = [
    "<a>",
    "</a>",
    "<b>",
    "</b>",
    "<a/>",
    "<p:a>",
    "</p:a>",
    "<a xmlns:p='u'>",
    "<a xmlns='v'>",
    "<a p:b='1'/>",
    "<a b='1' c=\"2\"/>",
    "<a b='1' b='2'/>",
    "<a\n b = '1'>",
    "<a b='&amp;&#65;&lt;'/>",
    "<a b='<'/>",
    "<a b=1/>",
    "<a b/>",
    "<a b='1'c='2'/>",
    "< a>",
    "<a",
    ">",
    "/>",
    "</a >",
    "</ a>",
    "text",
    " ",
    "\n",
    "\t",
    "\r\n",
    "é€😀",
    "&amp;",
    "&lt;",
    "&#65;",
    "&#x1F600;",
    "&#0;",
    "&#xD800;",
    "&#;",
    "&",
    "]]>",
    "]]",
    "<!--c-->",
    "<!-- -- -->",
    "<!---->",
    "<!--",
    "-->",
    "<![CDATA[<&]]>",
    "<![CDATA[",
    "<?p i?>",
    "<?p?>",
    "<?xml version='1.0'?>",
    "<?xml version=\"1.0\" encoding='utf-8' standalone='yes'?>",
    "<é/>",
    "<1/>",
    "<a:b:c/>",
    "<a.b-c_d/>",
    "\u{1}",
    "\u{fffe}",
    "\u{f000}",
    "<a xml:lang='de' xml:space='default'/>",
    "<r>",
    "</r>",
    "x]",
    "\"'",
];

/// Whether the two readers are known to differ on a text.
fn differ(text: &str) -> bool {
    // roxmltree knows the names of the fifth edition of XML 1.0, and .NET those of the fourth.
    let has_newer_name = text.split('<').skip(1).any(|it| it.split('>').next().is_some_and(|it| it.contains('€')));
    // roxmltree takes a surrogate for U+FFFD.
    has_newer_name || text.contains("&#xD800;")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_reader_accepts_the_same_texts(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12), wrap in any::<bool>()) {
        let text = pieces.concat();
        let text = if wrap { format!("<root>{text}</root>") } else { text };
        if !differ(&text) {
            let other = roxmltree::Document::parse(&text);
            let ours = nodes(&text);
            prop_assert_eq!(ours.is_ok(), other.is_ok(), "{:?}\nours: {:?}\nother: {:?}", text, ours, other.err());
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*|[<>/&;#x!?='\"\\[\\]\\-a:\\s\u{0}\u{1}é😀\u{fffe}]{0,40}") {
        let _ = nodes(&text);
        let _ = nodes(&format!("<a>{text}</a>"));
        let _ = nodes(&format!("<a b='{text}'/>"));
    }
}
