"""zeep: a user portal's working day, from adding users to removing them, over SERVICE."""

import base64
import hashlib
import hmac
import os
import struct
import time

import requests
import zeep
from zeep.helpers import serialize_object
from zeep.transports import Transport

session = requests.Session()
session.trust_env = False
session.verify = os.environ["AUTHORITY"]
client = zeep.Client(os.environ["SERVICE"] + "?WSDL", transport=Transport(session=session))
service = client.service


def check(what, seen, expected):
    print("ok      " + what if seen == expected else f"FAILED  {what}: {seen!r}, expected {expected!r}")


def ended(answer):
    """The result, the call result and the error's code."""
    answer = serialize_object(answer)
    if not isinstance(answer, dict):
        return answer
    call = answer.get("callResult")
    return next(iter(answer.values())), call and call["Code"], answer["error"]["Code"]


def totp(key):
    """The code that a token with this key shows now."""
    digest = hmac.new(base64.b32decode(key), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[19] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def ask(user, mode="unspecified"):
    return service.PfAuthUser_5(user, "userportal", "192.0.2.1", "Portal", True, mode, None, None, None)


def find(**filters):
    falses = "username firstName lastName email userGroup".split()
    given = {f"{it}CaseSensitive": False for it in falses}
    given |= {f"{it}Specified": False for it in "mode pinMode smsDirection smsMode phoneAppMode enabled".split()}
    given |= {"modeFilter": "unspecified", "pinModeFilter": "standard", "smsDirectionFilter": "unspecified"}
    given |= {"smsModeFilter": "unspecified", "phoneAppModeFilter": "unspecified", "enabledFilter": False}
    answer = service.FindUsers_4(**given, tagMatchType="allUsers", resultLimit=50, **filters)
    return [it.Username for it in answer.userRows.UserRow]


YES, who = (True, None, 0), "admin"

check("the administrator may change phones", service.GetAdministrator_2("admin").userAdministrator.ChangePhone, True)
check("the portal reads its settings", service.GetUserPortalSettings().userPortalSettings.DeviceLimit, 5)

new = dict(
    FirstName="Anna", LastName="Hill", EmailAddress="anna@contoso.com", UserGroup="Staff", CountryCode="1",
    Phone="425 555 0100", Extension="", BackupCountryCode="", BackupPhone="", BackupExtension="", Mode="voiceCall",
    PinMode="standard", SmsDirection="oneWay", SmsMode="otp", PhoneAppMode="standard", Pin="", Enabled=True,
    PinChangeRequired=False,
)
check("add", ended(service.AddUser_3("anna", new, True, who)), YES)
check("add again", ended(service.AddUser_3("ANNA", new, True, who)), (False, None, 101))
check("find by name", find(usernameFilter="a*"), ["admin", "anna"])
check("find by phone", find(phoneFilter="*0100"), ["anna"])
check("change phone", ended(service.ChangePhone("anna", {"CountryCode": "1", "Phone": "4255550102"}, True, who)), YES)
check("the new phone", service.GetPhone("anna").userPhone.Phone, "4255550102")


def change_pin(pin):
    return ended(service.ChangePin("anna", {"Pin": pin, "PinChangeRequired": False}, False, who))


check("a PIN that is weak", change_pin("1234"), (False, None, 110))
check("a PIN that is short", change_pin("25"), (False, None, 109))
check("a PIN of the number", change_pin("0102"), (False, None, 110))
check("a PIN that is good", change_pin("2580"), YES)
check("the PIN", ended(service.ValidatePin("anna", "2580")), YES)
check("another PIN", ended(service.ValidatePin("anna", "2581")), (False, None, 125))

code = service.GenerateActivationCode("anna").activationCode
info = service.ActivateNew({"ActivationCode": code, "DeviceToken": "push-1", "DeviceName": "Pixel", "OathCounter": 0, "Version": "6.2"}).activationInfo
check("activate a phone", info.Username, "anna")
check("confirm it", ended(service.ConfirmActivation(info.ConfirmationCode)), YES)
device = service.GetUserDevices("anna").userDevices.UserDevice[0]
check("the phone", (device.DeviceName, device.PhoneAppVersion), ("Pixel", "6.2"))

key = "JBSWY3DPEHPK3PXP"
check("a token with a wrong code", ended(service.ChangeOathToken("anna", key, "abcdef", 30, who)), (False, None, 9020))
enrolled = totp(key)
check("a token with its code", ended(service.ChangeOathToken("anna", key, enrolled, 30, who)), YES)
check("a token of another user", service.ChangeOathToken_2("anna", "GA-1", "123456", who).associatedUsername, "ben")

questions = {"SecurityQuestion1": "First pet?", "SecurityAnswer1": "Rex", "SecurityQuestion2": "First car?", "SecurityAnswer2": "Beetle"}
check("set questions", ended(service.ChangeSecurityQuestions("anna", questions, who)), YES)
right = {"SecurityAnswer1": "rex", "SecurityAnswer2": "beetle "}
check("answer them", ended(service.ValidateSecurityQuestionAnswers("anna", right, None)), YES)
wrong = service.ValidateSecurityQuestionAnswers("anna", {"SecurityAnswer1": "rex"}, None)
check("one answer is not enough", (ended(wrong), wrong.userSecurityAnswerResults.SecurityAnswer1Correct), ((False, None, 9032), True))

check("a phone call", ended(ask("anna")), (True, 2, 0))
check("a text message", ended(ask("anna", "smsText")), (True, 20, 0))
check("its code", ended(service.ValidatePasscode("anna", "246810")), YES)
check("the mobile app", ended(ask("anna", "phoneApp")), (True, 21, 0))
check("the token", ended(ask("anna", "oathToken")), (True, 22, 0))
check("its code, used when it was enrolled", ended(service.ValidateOathCode("anna", enrolled, None, False)), (False, None, 9021))
check("the app's own code", ended(service.ValidateOathCode("anna", totp(info.OathTokenSecretKey), None, True)), YES)
check("a bypass", ended(service.OneTimeBypass_2("anna", "Lost phone", 60, who)), YES)
check("is used", ended(ask("anna")), (True, 7, 0))
check("block", ended(service.BlockUser("anna", "Lost phone", who)), YES)
check("is blocked", ended(ask("anna")), (False, 14, 12))
check("unblock", ended(service.UnblockUser("anna", "Found it", who)), YES)
check("rings again", ended(ask("anna")), (True, 2, 0))
check("an event", service.EventConfirmationInitiateCall("anna", None, "Welcome", None).digitsEntered, "1")
check("rename", ended(service.ChangeUsername("anna", "zoe", who)), YES)
check("delete the phone", ended(service.DeleteUserDevice(device.UserDeviceId, who)), YES)
check("delete", ended(service.DeleteUser("zoe", who)), YES)
check("is gone", ended(service.UserExists("anna")), (False, None, 10))
