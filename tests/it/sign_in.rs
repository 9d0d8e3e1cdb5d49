//! Signing in, as far as it shows in HTTP: offers, refusals, groups. The exchanges themselves are tested beside their
//! code, and with real clients under `tests/clients/`.

use crate::{Answered, Served, site};

const ACCOUNTS: &str = r"
accounts:
  - {name: CONTOSO\mimservice, password: secret, groups: [PhoneFactor Admins]}
  - {name: CONTOSO\visitor, password: secret}
";

async fn get(served: &Served, authorization: &str) -> Answered {
    let request = served.request("GET", "");
    let request = if authorization.is_empty() { request } else { request.header("authorization", authorization) };
    request.send().await
}

fn basic(credentials: &str) -> String {
    use base64::Engine;
    format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(credentials))
}

fn offers(answer: &Answered) -> Vec<&str> {
    let offers = answer.headers.iter().filter(|(name, _)| name == "www-authenticate");
    offers.map(|(_, value)| value.as_str()).collect()
}

#[tokio::test]
async fn windows_authentication_is_offered_in_the_order_of_iis() {
    let served = site(&format!("server: {{sign_in: [negotiate, ntlm, basic]}}{ACCOUNTS}"));
    for suffix in ["", "?wsdl", "?op=TestSecurity"] {
        let answer = served.request("GET", suffix).send().await;
        assert_eq!(answer.status, 401);
        assert_eq!(offers(&answer), ["Negotiate", "NTLM", "Basic realm=\"localhost\""]);
        let names: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
        let order = [
            "content-type",
            "server",
            "www-authenticate",
            "www-authenticate",
            "www-authenticate",
            "date",
            "content-length",
        ];
        assert_eq!(names, order);
    }
}

#[tokio::test]
async fn the_first_message_of_ntlm_is_answered_by_the_second_alone() {
    let served = site(&format!("server: {{sign_in: [negotiate, ntlm]}}{ACCOUNTS}"));
    let first = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw==";
    for scheme in ["NTLM", "Negotiate"] {
        let answer = get(&served, &format!("{scheme} {first}")).await;
        assert_eq!(answer.status, 401);
        let [offer] = offers(&answer)[..] else { panic!("{answer:?}") };
        assert!(offer.starts_with(&format!("{scheme} TlRMTVNTUAACAAAA")), "{offer}");
    }
    // A third message on a connection where nothing was begun starts afresh.
    let third = "TlRMTVNTUAADAAAAAAAAAEgAAAAAAAAASAAAAAAAAABIAAAAAAAAAEgAAAAAAAAASAAAAAAAAABIAAAABYIIogoAYUoAAAAP";
    assert_eq!(offers(&get(&served, &format!("NTLM {third}")).await), ["Negotiate", "NTLM"]);
}

#[tokio::test]
async fn a_wrong_password_is_offered_everything_again() {
    let served = site(&format!("server: {{sign_in: basic}}{ACCOUNTS}"));
    for right in [
        r"CONTOSO\mimservice:secret",
        "mimservice:secret",
        "mimservice@contoso.com:secret",
        r"contoso\MIMSERVICE:secret",
    ] {
        assert_eq!(get(&served, &basic(right)).await.status, 200, "{right}");
    }
    for wrong in
        ["", "Basic", "Basic ####", &basic("mimservice"), &basic("mimservice:Secret"), &basic("eve:secret"), "Bearer x"]
    {
        let answer = get(&served, wrong).await;
        assert_eq!((answer.status, offers(&answer).len()), (401, 1), "{wrong}");
    }
}

#[tokio::test]
async fn an_account_outside_the_group_gets_what_the_scenario_says() {
    let visitor = basic(r"CONTOSO\visitor:secret");
    for (outsider, status) in [("401", 401), ("403", 403), ("fault", 500)] {
        let served = site(&format!("server: {{sign_in: basic, outsider: {outsider}}}{ACCOUNTS}"));
        let answer = get(&served, &visitor).await;
        assert_eq!(answer.status, status);
        assert!(answer.body.contains("is not in the group PhoneFactor Admins"), "{}", answer.body);
    }
    let other = site(&format!("server: {{sign_in: basic, group: Domain Users}}{ACCOUNTS}"));
    assert_eq!(get(&other, &basic("mimservice:secret")).await.status, 401);
}

#[tokio::test]
async fn any_password_does_where_the_scenario_trusts() {
    let served = site("server: {sign_in: [ntlm, basic], trust: any-password}\naccounts: any");
    assert_eq!(get(&served, "").await.status, 401);
    assert_eq!(get(&served, &basic("whoever:whatever")).await.status, 200);
    let listed = site(&format!("server: {{sign_in: [ntlm, basic], trust: any-password}}{ACCOUNTS}"));
    assert_eq!(get(&listed, &basic("mimservice:whatever")).await.status, 200);
    assert_eq!(get(&listed, &basic("whoever:whatever")).await.status, 401);
}

#[tokio::test]
async fn where_only_a_certificate_would_do_there_is_nothing_to_offer() {
    let served = site(
        r"
server: {sign_in: certificate}
accounts: [{name: CONTOSO\mimservice, groups: [PhoneFactor Admins], certificate: CN=mimservice}]",
    );
    let answer = get(&served, "").await;
    assert_eq!((answer.status, offers(&answer).len()), (403, 0));
}
