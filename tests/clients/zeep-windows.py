"""zeep with requests_ntlm: NTLM with the channel binding of TLS."""

from requests_ntlm import HttpNtlmAuth

from checks import ACCOUNT, PASSWORD, SERVICE, check, client, ends_with, session


def me(password=PASSWORD, account=ACCOUNT, **more):
    return HttpNtlmAuth(account, password, **more)


service = client(me()).service
check("the right password", service.TestSecurity(), "secure")
answer = service.PfAuthUser_5("anna", "pfsdk", "10.0.0.4", "MIM", True, "unspecified")
check("the user presses #", (answer.PfAuthUser_5Result, answer.callResult.Code), (True, 2))
check("without channel binding", session(me(send_cbt=False)).get(SERVICE).status_code, 200)
check("a name and a password with umlauts", session(me("Schlüssel 2", "CONTOSO\\zoë")).get(SERVICE).status_code, 200)
check("a name without a domain", session(me(account="mimservice")).get(SERVICE).status_code, 200)
check("a wrong password", ends_with(lambda: client(me("wrong"))), "HTTPError 401")
check("an unknown account", ends_with(lambda: client(me(account="CONTOSO\\nobody"))), "HTTPError 401")

kept = session(me())
check("the legs of two requests on one connection", [len(kept.get(SERVICE).history) for _ in range(2)], [2, 0])
