//! The rules of ASP.NET on the wire, beyond the recorded cases.

use locmfa::engine::{EventKind, What};
use locmfa::server::{BodyLimits, Site};

use crate::{Answered, Served, site};

const ACTION: &str = "http://www.phonefactor.com/PfWsSdk/";
const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";

fn served() -> Served {
    site("users: [anna]")
}

fn envelope(namespace: &str, body: &str) -> String {
    format!("<soap:Envelope xmlns:soap=\"{namespace}\"><soap:Body>{body}</soap:Body></soap:Envelope>")
}

fn wrapped(operation: &str, children: &str) -> String {
    format!("<{operation} xmlns=\"http://www.phonefactor.com/PfWsSdk\">{children}</{operation}>")
}

/// A SOAP 1.1 call by SOAPAction with a body as it stands.
async fn post(operation: &str, body: impl Into<Vec<u8>>) -> Answered {
    post_as(operation, "text/xml; charset=utf-8", body).await
}

async fn post_as(operation: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answered {
    let request = served().request("POST", "").header("content-type", content_type);
    request.header("soapaction", &format!("\"{ACTION}{operation}\"")).body(body).send().await
}

async fn call(operation: &str, children: &str) -> Answered {
    post(operation, envelope(SOAP11, &wrapped(operation, children))).await
}

async fn get(suffix: &str) -> Answered {
    served().request("GET", suffix).send().await
}

#[tokio::test]
async fn the_headers_stand_in_the_order_of_iis() {
    let names = |it: &Answered| it.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(" ");
    let order = "cache-control content-type server x-aspnet-version x-powered-by date content-length";
    assert_eq!(names(&call("TestSecurity", "").await), order);
    assert_eq!(names(&call("OneTimeBypass_2", "<bypassSeconds>x</bypassSeconds>").await), order);
    assert_eq!(names(&get("").await), order);
    assert_eq!(names(&post("TestSecurity", "hello").await), order);
    assert_eq!(call("TestSecurity", "").await.header("server"), "Microsoft-IIS/10.0");
}

#[tokio::test]
async fn get_shows_the_description_and_the_help_pages() {
    for query in ["?wsdl", "?WSDL", "?Wsdl"] {
        let answer = get(query).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/xml; charset=utf-8"), "{query}");
        assert!(answer.body.contains("<wsdl:definitions"), "{query}");
        let address = "<soap:address location=\"https://localhost/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx\" />";
        assert!(answer.body.contains(address), "{query}");
    }
    assert!(get("?disco").await.body.contains("PfWsSdk.asmx?wsdl"));
    let help = get("").await;
    assert_eq!((help.status, help.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(help.body.contains("<link rel=\"alternate\" type=\"text/xml\""));
    assert!(get("?anything=else").await.body == help.body);
    assert!(get("?op=NoSuch").await.body == help.body);
    let operation = get("?op=PfAuthUser_5").await;
    assert!(operation.body.contains("PfAuthUser_5") && operation.body != help.body);
}

#[tokio::test]
async fn queries_that_name_a_part_find_none() {
    for (query, text) in
        [("?schema=x", "Schema not found.\r\n"), ("?wsdl=x", "XML Web service description was not found.\r\n")]
    {
        let answer = get(query).await;
        let seen = (answer.status, answer.header("content-type"), answer.body.as_str());
        assert_eq!(seen, (500, "text/plain; charset=utf-8", text));
    }
}

#[tokio::test]
async fn other_verbs_and_paths_are_refused() {
    for verb in ["HEAD", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(served().request(verb, "").send().await.status, 405, "{verb}");
    }
    for (verb, path_info) in [("GET", "/TestSecurity"), ("GET", "/"), ("PUT", "/TestSecurity"), ("POST", "/")] {
        let answer = served().request(verb, path_info).send().await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (500, "text/html; charset=utf-8"),
            "{verb} {path_info}"
        );
        let text = format!("Request format is unrecognized for URL unexpectedly ending in '{path_info}'.");
        assert!(answer.body.replace("&apos;", "'").contains(&text), "{}", answer.body);
    }
    assert_eq!(served().request("GET", "x").send().await.status, 404);
}

#[tokio::test]
async fn the_action_is_decoded_and_compared_exactly() {
    let answer = |action: &'static str| async move {
        let body = envelope(SOAP11, &wrapped("TestSecurity", ""));
        let request = served().request("POST", "").header("content-type", "text/xml").header("soapaction", action);
        request.body(body).send().await
    };
    assert_eq!(answer("\"http%3A%2F%2Fwww.phonefactor.com/PfWsSdk/TestSecurity\"").await.status, 200);
    for wrong in [
        "http://www.phonefactor.com/PfWsSdk/testsecurity",
        "TestSecurity",
        "\"\"",
        "http://www.phonefactor.com/PfWsSdk/",
    ] {
        let answer = answer(wrong).await;
        let bare = wrong.trim_matches('"');
        let text = format!("Server did not recognize the value of HTTP Header SOAPAction: {bare}.");
        assert!(answer.status == 500 && answer.body.contains(&text), "{}", answer.body);
    }
}

#[tokio::test]
async fn an_unknown_action_is_told_before_content_type_and_xml() {
    let request = served().request("POST", "").header("content-type", "image/png").header("soapaction", "x");
    let answer = request.body("<").send().await;
    assert!(answer.body.contains("SOAPAction: x."), "{}", answer.body);
}

#[tokio::test]
async fn the_envelope_decides_the_version_of_the_answer() {
    let body = wrapped("TestSecurity", "");
    let request = |content_type| served().request("POST", "").header("content-type", content_type);
    let new = request("text/xml").body(envelope(SOAP12, &body)).send().await;
    assert_eq!((new.status, new.header("content-type")), (200, "application/soap+xml; charset=utf-8"));
    let old = request("text/xml").body(envelope(SOAP11, &body)).send().await;
    assert_eq!((old.status, old.header("content-type")), (200, "text/xml; charset=utf-8"));
    let wrong = request("application/soap+xml").body(envelope(SOAP11, &body)).send().await;
    assert_eq!((wrong.status, wrong.body.as_str()), (415, ""));
    let both = post("TestSecurity", envelope(SOAP12, &body)).await;
    assert_eq!((both.status, both.header("content-type")), (200, "application/soap+xml; charset=utf-8"));
}

#[tokio::test]
async fn soap_12_without_an_operation_says_what_it_lacks() {
    let send = |content_type: &'static str, body: String| async move {
        served().request("POST", "").header("content-type", content_type).body(body).send().await
    };
    let answer = send("application/soap+xml", envelope(SOAP12, "<x/>")).await;
    assert!(answer.body.contains("<soap:Value>soap:Sender</soap:Value>"), "{}", answer.body);
    assert!(
        answer
            .body
            .contains("Unable to handle request without a valid action parameter. Please supply a valid soap action.")
    );
    let answer = send("application/soap+xml", "<broken".into()).await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("<soap:Value>soap:Receiver</soap:Value>"), "{}", answer.body);
    assert!(answer.body.contains("Server was unable to process request. ---&gt; "), "{}", answer.body);
    let by_element =
        send("application/soap+xml; action=\"urn:nothing\"", envelope(SOAP12, &wrapped("TestSecurity", ""))).await;
    assert_eq!(by_element.status, 200);
}

#[tokio::test]
async fn what_is_not_xml_is_400_with_an_empty_body() {
    let good = envelope(SOAP11, &wrapped("TestSecurity", ""));
    for bad in [
        String::new(),
        "<a".into(),
        good.replace("</soap:Envelope>", ""),
        format!("\n<?xml version=\"1.0\"?>{good}"),
        format!("{good}<x/>"),
        good.replace("<soap:Body>", "<soap:Body>&nbsp;"),
        good.replace("<soap:Body>", "<soap:Body><p:x/>"),
        good.replace("<soap:Body>", "<soap:Body>&#1;"),
        format!("<!DOCTYPE x>{good}"),
        good.replace("<soap:Body>", &format!("<soap:Body>{}{}", "<a>".repeat(40_000), "</a>".repeat(39_999))),
    ] {
        let answer = post("TestSecurity", bad.clone()).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, ""), "{}", &bad[..bad.len().min(200)]);
        assert_eq!(answer.header("content-type"), "text/xml; charset=utf-8");
    }
}

#[tokio::test]
async fn charsets_are_read_as_dotnet_reads_them() {
    let call = envelope(SOAP11, &wrapped("UserExists", "<username>zoë</username>"));
    let wide: Vec<u8> = call.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = call.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin: Vec<u8> = call.chars().map(|it| it as u32 as u8).collect();
    let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
    for (name, content_type, body, seen) in [
        ("utf-8", "text/xml; charset=utf-8", call.clone().into_bytes(), "zoë"),
        ("quoted", "text/xml; charset=\"UTF-8\"", call.clone().into_bytes(), "zoë"),
        ("none is ascii", "text/xml", call.clone().into_bytes(), "zo??"),
        ("a mark wins", "text/xml", marked(b"\xef\xbb\xbf", call.as_bytes()), "zoë"),
        ("utf-16 with a mark", "text/xml", marked(b"\xff\xfe", &wide), "zoë"),
        ("utf-16 big end", "text/xml; charset=utf-8", marked(b"\xfe\xff", &big), "zoë"),
        ("utf-16 by name", "text/xml; charset=utf-16", wide.clone(), "zoë"),
        ("latin", "text/xml; charset=iso-8859-1", latin, "zoë"),
        ("unknown is ascii", "text/xml; charset=klingon", call.clone().into_bytes(), "zo??"),
    ] {
        let answer = post_as("UserExists", content_type, body).await;
        assert!(answer.body.contains(&format!("\"{seen}\"")), "{name}: {} {}", answer.status, answer.body);
    }
}

#[tokio::test]
async fn soap_12_without_a_charset_is_what_its_declaration_says() {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>{}",
        envelope(SOAP12, &wrapped("UserExists", "<username>zoë</username>"))
    );
    let latin: Vec<u8> = text.chars().map(|it| it as u32 as u8).collect();
    let answer = served().request("POST", "").header("content-type", "application/soap+xml").body(latin).send().await;
    assert!(answer.body.contains("\"zoë\""), "{}", answer.body);
}

#[tokio::test]
async fn an_envelope_that_is_none_says_so() {
    let answer = post("TestSecurity", format!("<x xmlns=\"{SOAP11}\"/>")).await;
    assert!(answer.body.contains("Missing required soap:Envelope element."), "{}", answer.body);
    let answer = post("TestSecurity", "<Envelope/>").await;
    assert!(answer.body.contains("Envelope namespace  was unexpected."), "{}", answer.body);
}

#[tokio::test]
async fn headers_matter_only_when_they_must_be_understood() {
    let with =
        |header: &str| format!("<s:Envelope xmlns:s=\"{SOAP11}\"><s:Header>{header}</s:Header><s:Body/></s:Envelope>");
    for fine in [
        "<X xmlns=\"urn:h\"/>",
        "<X xmlns=\"urn:h\" s:mustUnderstand=\"0\"/>",
        "<X xmlns=\"urn:h\" mustUnderstand=\"1\"/>",
    ] {
        assert_eq!(post("TestSecurity", with(fine)).await.status, 200, "{fine}");
    }
    let answer = post("TestSecurity", with("<A xmlns=\"urn:h\"/><B xmlns=\"urn:h\" s:mustUnderstand=\"true\"/>")).await;
    assert!(
        answer.body.contains("SOAP header B was not understood.") && !answer.body.contains("detail"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn the_operation_runs_before_a_header_is_refused() {
    let served = served();
    let send = |operation: &'static str, header: &'static str| {
        let body = format!(
            "<s:Envelope xmlns:s=\"{SOAP11}\"><s:Header>{header}</s:Header><s:Body>{}</s:Body></s:Envelope>",
            wrapped(operation, "<username>anna</username>")
        );
        let request = served.request("POST", "").header("content-type", "text/xml; charset=utf-8");
        request.header("soapaction", &format!("{ACTION}{operation}")).body(body).send()
    };
    let refused = send("BlockUser", "<X s:mustUnderstand=\"1\"/>").await;
    assert_eq!(refused.status, 500);
    let blocked = send("UserIsBlocked", "").await;
    assert!(blocked.body.contains("<UserIsBlockedResult>true</UserIsBlockedResult>"), "{}", blocked.body);
}

#[tokio::test]
async fn parameters_are_read_leniently() {
    let found = |answer: Answered| answer.body.contains("<UserExistsResult>true");
    assert!(found(call("UserExists", "<username>anna</username>").await));
    assert!(found(call("UserExists", "<other/><username>anna</username><username>bob</username>").await));
    assert!(found(call("UserExists", "<username><![CDATA[an]]>na</username>").await));
    assert_eq!(call("UserExists", "<username>an<!-- x -->na</username>").await.status, 400);
    assert!(!found(call("UserExists", "<userName>anna</userName>").await));
    assert!(!found(call("UserExists", "<username xmlns=\"urn:x\">anna</username>").await));
    assert!(!found(post("UserExists", envelope(SOAP11, &wrapped("GetPhone", "<username>anna</username>"))).await));
    let prefixed =
        "<p:UserExists xmlns:p=\"http://www.phonefactor.com/PfWsSdk\"><p:username>anna</p:username></p:UserExists>";
    assert!(found(post("UserExists", envelope(SOAP11, prefixed)).await));
}

#[tokio::test]
async fn values_are_read_as_dotnet_reads_them() {
    let bypass = |seconds: &'static str| async move {
        call("OneTimeBypass_2", &format!("<username>anna</username><bypassSeconds>{seconds}</bypassSeconds>")).await
    };
    for fine in ["5", " 5\n", "05", "4294967295"] {
        assert!(bypass(fine).await.body.contains("<OneTimeBypass_2Result>true"), "{fine}");
    }
    for (bad, reason) in [
        ("", "Input string was not in a correct format."),
        ("5.0", "Input string was not in a correct format."),
        ("4294967296", "Value was either too large or too small for a UInt32."),
        ("-1", "Input string was not in a correct format."),
        ("+5", "Input string was not in a correct format."),
    ] {
        let answer = bypass(bad).await;
        assert!(answer.status == 500 && answer.body.contains(&format!("---&gt; {reason}<")), "{bad}: {}", answer.body);
    }
    let matching = |value: &'static str| async move {
        call("PfAuthUser_5", &format!("<username>nobody</username><requireUserMatch>{value}</requireUserMatch>")).await
    };
    for (fine, result) in [("true", "false"), (" 1 ", "false"), ("false", "true"), ("0", "true")] {
        let answer = matching(fine).await;
        assert!(answer.body.contains(&format!("<PfAuthUser_5Result>{result}")), "{fine}: {}", answer.body);
    }
    for bad in ["True", "yes", ""] {
        let reason = format!("The string '{bad}' is not a valid Boolean value.");
        assert!(matching(bad).await.body.contains(&reason), "{bad}");
    }
    let spaced = call("DisabledBehavior", "<username>anna</username><disabledBehavior> fail</disabledBehavior>").await;
    assert!(spaced.body.contains("' fail' is not a valid value for AuthResult."), "{}", spaced.body);
}

#[tokio::test]
async fn an_error_stands_at_the_node_after_the_element() {
    let place = |body: &str| {
        let body = format!(
            "<s:Envelope xmlns:s=\"{SOAP11}\">\r\n<s:Body>\n{}</s:Body></s:Envelope>",
            wrapped("OneTimeBypass_2", body)
        );
        async move {
            let answer = post("OneTimeBypass_2", body).await.body;
            let (_, rest) = answer.split_once("XML document ").unwrap();
            rest.split_once(')').unwrap().0.to_owned() + ")"
        }
    };
    let start = "<OneTimeBypass_2 xmlns=\"http://www.phonefactor.com/PfWsSdk\">".len();
    let bad = "<bypassSeconds>x</bypassSeconds>";
    assert_eq!(place(bad).await, format!("(3, {})", start + bad.len() + 3));
    assert_eq!(place(&format!("{bad}<reason/>")).await, format!("(3, {})", start + bad.len() + 2));
    assert_eq!(place(&format!("{bad}\n  <reason/>")).await, format!("(3, {})", start + bad.len() + 1));
    assert_eq!(place(&format!("<reason>😀</reason>\n{bad}")).await, format!("(4, {})", bad.len() + 3));
}

#[tokio::test]
async fn a_plain_operation_answers_http_post() {
    let answer = served().request("POST", "/TestMasterConnection_2").send().await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<string xmlns="), "{}", answer.body);
    assert_eq!(
        served().request("POST", "/NoSuch").send().await.body,
        "NoSuch Web Service method name is not valid.\r\n"
    );
}

#[tokio::test]
async fn a_body_past_the_limit_is_refused() {
    let answer = post("TestSecurity", vec![b' '; (4 << 20) + 1]).await;
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("4194304"), "{}", answer.body);
}

#[tokio::test]
async fn a_body_for_which_others_leave_no_room_gets_503() {
    let scenario = locmfa::scenario::load("test", "users: []").unwrap();
    let spaces = locmfa::switchboard::Switchboard::new(scenario.setup, locmfa::switchboard::Limits::default());
    let server = scenario.server;
    let admission = locmfa::server::Admission::new(server.sign_in, &server.group, server.outsider, "localhost");
    let bodies = BodyLimits { together: 1_000_000, ..BodyLimits::default() };
    let served = Served(std::sync::Arc::new(Site::new(spaces, admission, server.paths, bodies)));
    let call = |length| {
        let request = served.request("POST", "").header("content-type", "text/xml; charset=utf-8");
        let body = format!("{}{}", envelope(SOAP11, &wrapped("TestSecurity", "")), " ".repeat(length));
        request.header("soapaction", &format!("\"{ACTION}TestSecurity\"")).body(body)
    };
    let refused = call(1_000_000).send().await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("--bodies-in-flight"), "{}", refused.body);
    // While it is read, a large body takes more room.
    assert_eq!(call(200_000).send_in_chunks(&[1000]).await.status, 503);
    assert_eq!(served.0.spaces.default_space().update(|engine, _| engine.journal.count(EventKind::Call)), 1);
    // What is refused gives its room back.
    for _ in 0..20 {
        assert_eq!(call(100_000).send_in_chunks(&[1000]).await.status, 200);
        assert_eq!(call(100).send().await.status, 200);
    }
}

#[tokio::test]
async fn a_post_that_says_no_length_is_refused() {
    use axum::http::Request;
    use http_body_util::BodyExt;
    use locmfa::server::app;
    let request = Request::post("/PfWsSdk.asmx").body(axum::body::Body::empty()).unwrap();
    let answer = app(served().0).answer(request).await;
    assert_eq!(answer.status().as_u16(), 411);
    let page = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&page).contains("Length required"), "{page:?}");
}

#[tokio::test]
async fn a_content_encoding_is_named_and_not_decoded() {
    let served = served();
    let request = served.request("POST", "").header("content-type", "text/xml; charset=utf-8");
    let request = request.header("content-encoding", "gzip").header("soapaction", &format!("\"{ACTION}TestSecurity\""));
    let answer = request.body(b"\x1f\x8b\x08\x00").send().await;
    assert_eq!((answer.status, answer.body.as_str()), (400, ""));
    let outcome = served.0.spaces.default_space().update(|engine, _| {
        match &engine.journal.of(EventKind::Call).next().unwrap().what {
            What::Call(call) => call.end.as_ref().unwrap().outcome.clone(),
            other => panic!("{other:?}"),
        }
    });
    assert!(outcome.ends_with(" (Content-Encoding \"gzip\" is not decoded)"), "{outcome}");
}

#[tokio::test]
async fn nil_and_type_of_a_parameter_are_ignored() {
    let xsi = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    for attribute in ["xsi:nil=\"true\"", "xsi:type=\"xsd:int\"", "xsi:type=\"\""] {
        let answer = call("UserExists", &format!("<username {xsi} {attribute}>anna</username>")).await;
        assert!(answer.body.contains("<UserExistsResult>true"), "{attribute}: {}", answer.body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_leaves_the_phone_ringing() {
    use std::time::Duration;
    let site = site("users: [{username: anna, phone: '+1 425 555 0100'}]\nrules: [{after: 20s}]");
    let ask = || {
        let request = site.request("POST", "").header("content-type", "text/xml");
        request.body(envelope(SOAP11, &wrapped("PfAuthUser_4", "<username>anna</username>"))).send()
    };
    let gives_up = tokio::time::timeout(Duration::from_secs(5), ask()).await;
    assert!(gives_up.is_err());
    assert!(ask().await.body.contains("<Code>101</Code>"), "the phone still rings");
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert!(ask().await.body.contains("<Code>2</Code>"), "the call ended");
}

#[tokio::test]
async fn any_folder_serves_unless_the_scenario_names_paths() {
    use axum::http::Request;
    use locmfa::server::app;
    let status = |setup: &'static str, path: &'static str| async move {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        app(site(setup).0).answer(request).await.status().as_u16()
    };
    for path in ["/PfWsSdk.asmx", "/PhoneFactorWebServiceSdk/pfwssdk.ASMX", "/a/b/PfWsSdk.asmx"] {
        assert_eq!(status("{}", path).await, 200, "{path}");
    }
    let one = "server: {paths: [/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx]}";
    assert_eq!(status(one, "/multifactorauthwebservicesdk/PfWsSdk.asmx").await, 200);
    assert_eq!(status(one, "/PfWsSdk.asmx").await, 404);
    assert_eq!(status("{}", "/PfWsSdk.asmxx").await, 404);
}
