"""zeep: a client made of the service description, signing in with Basic."""

import re

from zeep.helpers import serialize_object

from checks import ACCOUNT, NAMESPACE, PASSWORD, SERVICE, check, client, ends_with, session

# Signing in. Bytes are sent as they are, so that this is UTF-8; requests sends text as Latin-1.
it = client((ACCOUNT.encode(), PASSWORD.encode()))
service = it.service
check("the right password", service.TestSecurity(), "secure")
check("the right password, in Latin-1", session((ACCOUNT, PASSWORD)).get(SERVICE).status_code, 200)
check("a wrong password", ends_with(lambda: client((ACCOUNT, "wrong"))), "HTTPError 401")
check("no password", ends_with(lambda: client(None)), "HTTPError 401")


def seen(answer):
    """What decides: the result, the call result, the error."""
    answer = serialize_object(answer)
    result, call_result, error = next(iter(answer.values())), answer.get("callResult"), answer["error"]
    return result, call_result and call_result["Code"], error["Code"], error["Description"]


def ask(service, user, **more):
    return service.PfAuthUser_5(
        username=user,
        initiatingAuthenticationType="pfsdk",
        initiatingIpAddress="10.0.0.4",
        applicationName="MIM",
        requireUserMatch=True,
        **{"mode": "unspecified", **more},
    )


# Calls.
check("the user presses #", seen(ask(service, "anna")), (True, 2, 0, None))
denied = ask(service, "mimservice@contoso.com", countryCode="1", phoneNumber="4255550130")
check("the user denies", seen(denied), (False, 108, 12, "Multi-Factor Authentication denied."))
check("the identifier of a request that was denied", len(denied.authenticationRequestId), 32)
check("a text message goes out", seen(ask(service, "carla")), (True, 20, 0, None))
wrong = seen(service.ValidatePasscode("carla", "000000"))
check("a wrong code", wrong, (False, None, 9011, "Text Message OTP Incorrect. Attempts left: 2."))
check("the right code", seen(service.ValidatePasscode("carla", "246810")), (True, None, 0, None))
check("a user who is there", seen(service.UserExists("ANNA")), (True, None, 0, None))
check("a user who is not", seen(service.UserExists("nobody"))[:3], (False, None, 10))
settings = service.GetUserSettings_3("anna").userSettings
check("settings", (settings.LastName, settings.Phone, settings.Mode), ("Höll & Söhne", "4255550100", "voiceCall"))

# Arrays. The elements that zeep wants and the service does without have their defaults.
bare = {name: False for name, element in it.get_element(f"{{{NAMESPACE}}}FindUsers_4").type.elements if element.type.name == "boolean"}
modes = {"modeFilter": "unspecified", "pinModeFilter": "standard", "smsDirectionFilter": "unspecified"}
modes |= {"smsModeFilter": "unspecified", "phoneAppModeFilter": "unspecified", "tagMatchType": "allUsers"}
found = service.FindUsers_4(**bare, **modes, usernameFilter="*a*", tagIds={"string": []}, resultLimit=9)
check("an array of records", [row.Username for row in found.userRows.UserRow], ["anna", "carla"])
found = service.FindUsers_4(**bare, **modes, usernameFilter="*a*", resultLimit=1)
check("an array cut short", (len(found.userRows.UserRow), found.resultsComplete), (1, False))
check("an array of languages", "de" in [it.Name for it in service.GetSmsTextLanguageOptions().languages.Language], True)

# Overloads share one name in the description, and zeep keeps the last of them.
oldest = service.PfAuthUser("anna", "pfsdk", "10.0.0.4", "MIM", True)
check("the overload that zeep keeps", seen(oldest), (True, 2, 0, None))

# Faults.
place = re.compile(r"\(\d+, \d+\)")
told = "Server was unable to read request. ---> There is an error in XML document (line, column). ---> " \
    "Instance validation error: 'telepathy' is not a valid value for Mode3."
fault = ends_with(lambda: ask(service, "anna", mode="telepathy"))
check("a fault", place.sub("(line, column)", fault), "Fault soap:Client: " + told)
twelve = it.create_service(f"{{{NAMESPACE}}}PfWsSdkSoap12", SERVICE)
check("SOAP 1.2", seen(ask(twelve, "anna")), (True, 2, 0, None))
fault = ends_with(lambda: ask(twelve, "anna", mode="telepathy"))
check("a fault in SOAP 1.2", place.sub("(line, column)", fault), "Fault soap:Sender: " + told)
