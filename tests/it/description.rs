//! What the service shows of itself.

use std::collections::HashMap;

use locmfa::description::{disco, help_page, operation_page, wsdl};
use locmfa::operations;
use roxmltree::{Document, Node};

const ADDRESS: &str = "https://localhost:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx";

#[test]
fn the_service_description_is_the_originals_to_the_letter() {
    let golden = include_str!("../golden/PfWsSdk.wsdl");
    let ours = wsdl(ADDRESS);
    let differs = ours.lines().zip(golden.lines()).position(|(ours, golden)| ours != golden);
    if let Some(line) = differs {
        let at = |text: &str| text.lines().nth(line).unwrap_or_default().to_owned();
        panic!("line {}:\n  ours   {}\n  golden {}", line + 1, at(&ours), at(golden));
    }
    assert!(ours == golden, "one of them goes on after line {}", ours.lines().count().min(golden.lines().count()));
}

#[test]
fn the_discovery_document_leads_to_the_description_and_both_ports() {
    let expected = r#"<?xml version="1.0" encoding="utf-8"?>
<discovery xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns="http://schemas.xmlsoap.org/disco/">
  <contractRef ref="https://host/PfWsSdk.asmx?wsdl" docRef="https://host/PfWsSdk.asmx" xmlns="http://schemas.xmlsoap.org/disco/scl/" />
  <soap address="https://host/PfWsSdk.asmx" xmlns:q1="http://www.phonefactor.com/PfWsSdk" binding="q1:PfWsSdkSoap" xmlns="http://schemas.xmlsoap.org/disco/soap/" />
  <soap address="https://host/PfWsSdk.asmx" xmlns:q2="http://www.phonefactor.com/PfWsSdk" binding="q2:PfWsSdkSoap12" xmlns="http://schemas.xmlsoap.org/disco/soap/" />
</discovery>"#;
    assert_eq!(disco("https://host/PfWsSdk.asmx"), expected);
}

#[test]
fn the_help_page_names_the_discovery_document_before_anything_else() {
    let html = help_page(ADDRESS);
    let head = format!("<head>\n<link rel=\"alternate\" type=\"text/xml\" href=\"{ADDRESS}?disco\" />");
    assert!(html.contains(&head));
    assert!(html.contains("href=\"?WSDL\""));
}

#[test]
fn the_help_page_lists_every_operation_by_ordinal_name_with_overloads_under_their_method() {
    let html = page(&help_page(ADDRESS));
    let document = parse(&html);
    let listed: Vec<&str> = hrefs(&document).filter_map(|it| it.strip_prefix("?op=")).collect();

    let mut expected: Vec<&str> = operations::all().map(|it| it.signature.name).collect();
    expected.sort_by_key(|name| (operations::find(name).unwrap().signature.overload_of.unwrap_or(name), *name));
    assert_eq!(listed, expected);
    let place = |name| listed.iter().position(|it| *it == name).unwrap();
    assert_eq!(place("PfAuthUser2"), place("PfAuthUser") + 1);
    assert!(place("PfAuthUserMaster") < place("PfAuthUser_3"), "upper-case letters stand before the underscore");
}

#[test]
fn every_operation_page_tells_its_parameters_and_shows_messages_that_are_xml() {
    for operation in operations::all() {
        let name = operation.signature.name;
        let html = page(&operation_page(ADDRESS, operation, true));
        assert!(!html.contains('`') && !html.contains("[<code>"), "{name}: a documentation comment shows its markup");
        let document = parse(&html);

        let terms: Vec<&str> = document.descendants().filter(|it| it.has_tag_name("dt")).map(text).collect();
        let parameters = operation.signature.request.fields().iter().chain(operation.signature.out.fields());
        for parameter in parameters {
            assert!(terms.contains(&parameter.name), "{name}: {} is not told", parameter.name);
        }
        for anchor in hrefs(&document).filter_map(|it| it.strip_prefix('#')) {
            let definition = document.descendants().find(|it| it.attribute("id") == Some(anchor));
            assert!(definition.is_some(), "{name}: {anchor} leads nowhere");
        }
        let messages = document.descendants().filter(|it| it.has_tag_name("pre")).map(text);
        let bodies: Vec<&str> = messages.filter_map(|it| Some(it.split_once("\n\n")?.1)).collect();
        assert!(bodies.len() >= 4, "{name}: a message is missing");
        for body in bodies {
            Document::parse(body).unwrap_or_else(|malformed| panic!("{name}: {malformed}\n{body}"));
        }
    }
}

#[test]
fn a_sample_is_the_whole_message() {
    let operation = operations::find("ChangeMode").unwrap();
    let html = page(&operation_page(ADDRESS, operation, false));
    let document = parse(&html);
    let samples: Vec<&str> = document.descendants().filter(|it| it.has_tag_name("pre")).map(text).collect();
    let request = r#"POST /MultiFactorAuthWebServiceSdk/PfWsSdk.asmx HTTP/1.1
Host: localhost:9999
Content-Type: text/xml; charset=utf-8
Content-Length: length
SOAPAction: "http://www.phonefactor.com/PfWsSdk/ChangeMode"

<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
  <soap:Body>
    <ChangeMode xmlns="http://www.phonefactor.com/PfWsSdk">
      <username>string</username>
      <mode>phoneApp or smsText or voiceCall or invalid or unspecified</mode>
      <sendEmail>boolean</sendEmail>
      <modifyUsername>string</modifyUsername>
    </ChangeMode>
  </soap:Body>
</soap:Envelope>"#;
    let answer = r#"HTTP/1.1 200 OK
Content-Type: application/soap+xml; charset=utf-8
Content-Length: length

<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope">
  <soap:Body>
    <ChangeModeResponse xmlns="http://www.phonefactor.com/PfWsSdk">
      <ChangeModeResult>boolean</ChangeModeResult>
      <error>
        <Code>int</Code>
        <Description>string</Description>
      </error>
    </ChangeModeResponse>
  </soap:Body>
</soap:Envelope>"#;
    assert_eq!((samples.first(), samples.last()), (Some(&request), Some(&answer)));
}

#[test]
fn an_older_form_takes_its_words_from_the_newest() {
    let operation = operations::find("PfAuthUser2").unwrap();
    let html = operation_page(ADDRESS, operation, false);
    assert!(html.contains("Overload of <code>PfAuthUser</code> with the message name <code>PfAuthUser2</code>."));
    assert!(html.contains("<a href=\"?op=PfAuthUser_5\">"));
    assert!(html.contains("The address that the user signs in from"));
}

#[test]
fn fields_and_enumerations_of_an_older_record_take_their_words_from_the_newest() {
    let html = operation_page(ADDRESS, operations::find("GetUserSettings").unwrap(), false);
    let told = |name: &str, about: &str| {
        let row = html.split("<div><dt>").find(|it| it.starts_with(&format!("<code>{name}</code>"))).unwrap();
        assert!(row.contains(&format!("<dd class=\"about\">{about}")), "{row}");
    };
    told("CountryCode", "Digits without");
    told("Mode", "How the second factor reaches the user.");
    told("PinMode", "What a phone call asks of the user:");
    assert!(html.contains("<p>How the authentication of a disabled user ends. One of <code>fail</code>"), "{html}");
}

/// The help page finds the forms of an operation so.
#[test]
fn operations_with_the_same_documentation_are_forms_of_one() {
    let stem = |name: &'static str| {
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        name.strip_suffix("Master").unwrap_or(name)
    };
    let mut stems = HashMap::new();
    for signature in operations::all().map(|it| &it.signature) {
        let first = *stems.entry(signature.about).or_insert(signature.name);
        assert_eq!(stem(first), stem(signature.name), "{first} and {} are not told apart", signature.name);
    }
}

#[test]
fn the_form_is_there_for_the_two_plain_operations_and_for_this_machine_only() {
    let with_form = |local| {
        let pages = operations::all().map(|it| (it.signature.name, operation_page(ADDRESS, it, local)));
        pages.filter(|(_, html)| html.contains("<form")).map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(with_form(true), ["TestSecurity", "TestMasterConnection_2"]);
    assert!(with_form(false).is_empty());

    let operation = operations::find("TestSecurity").unwrap();
    let form = format!("<form method=\"post\" action=\"{ADDRESS}/TestSecurity\"");
    assert!(operation_page(ADDRESS, operation, true).contains(&form));
    assert!(operation_page(ADDRESS, operation, false).contains("Open this page there"));
}

#[test]
fn an_address_is_escaped_wherever_it_stands() {
    let address = "https://host/\"<a>&'/PfWsSdk.asmx";
    let operation = operations::find("TestSecurity").unwrap();
    let pages = [page(&help_page(address)), page(&operation_page(address, operation, true))];
    for text in [wsdl(address), disco(address)].into_iter().chain(pages) {
        let document = parse(&text);
        let mut attributes = document.descendants().flat_map(|it| it.attributes());
        assert!(attributes.any(|it| it.value().starts_with(address)));
    }
}

/// A page without its document type, which our reader refuses; the rest is well-formed XML.
fn page(html: &str) -> String {
    html.strip_prefix("<!DOCTYPE html>").unwrap().into()
}

fn parse(text: &str) -> Document<'_> {
    Document::parse(text).unwrap_or_else(|malformed| panic!("{malformed}\n{text}"))
}

fn hrefs<'a>(document: &'a Document<'_>) -> impl Iterator<Item = &'a str> {
    document.descendants().filter(|it| it.has_tag_name("a")).filter_map(|it| it.attribute("href"))
}

/// The text of an element that holds a text, or one element with a text.
fn text<'a>(node: Node<'a, '_>) -> &'a str {
    node.descendants().find(Node::is_text).and_then(|it| it.text()).unwrap_or_default()
}
