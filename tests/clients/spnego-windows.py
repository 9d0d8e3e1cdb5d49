"""pyspnego: each way that NTLM comes in, leg by leg on one connection."""

import base64
import hashlib
import http.client
import ssl
import urllib.parse

import spnego
from spnego.channel_bindings import GssChannelBindings

from checks import ACCOUNT, AUTHORITY, PASSWORD, SERVICE, check

url = urllib.parse.urlsplit(SERVICE)
tls = ssl.create_default_context(cafile=AUTHORITY)


class Connection:
    """One connection, and what came back on it last."""

    def __init__(self):
        self.http = http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=tls)
        self.http.connect()
        self.certificate = self.http.sock.getpeercert(binary_form=True)

    def ask(self, authorization=None):
        self.http.request("GET", url.path, headers={"Authorization": authorization} if authorization else {})
        answer = self.http.getresponse()
        answer.read()
        self.offers = answer.headers.get_all("WWW-Authenticate") or []
        self.persistent = answer.headers.get("Persistent-Auth")
        return answer.status

    def sign_in(self, scheme, protocol, password=PASSWORD, account=ACCOUNT, binding=None):
        """Signs in, and tells the statuses of the legs."""
        bindings = binding and GssChannelBindings(application_data=b"tls-server-end-point:" + binding)
        # Without Kerberos, which pyspnego would try first when it is there.
        options = spnego.NegotiateOptions.use_ntlm if protocol == "negotiate" else spnego.NegotiateOptions.none
        context = spnego.client(
            account, password, hostname=url.hostname, service="HTTP", protocol=protocol, options=options, channel_bindings=bindings
        )
        token, statuses = context.step(), []
        while token:
            statuses.append(self.ask(f"{scheme} {base64.b64encode(token).decode()}"))
            reply = next((it.split(" ", 1)[1] for it in self.offers if it.startswith(scheme + " ")), None)
            token = reply and context.step(base64.b64decode(reply))
        return statuses


ways = {"NTLM": ("NTLM", "ntlm"), "raw NTLM under Negotiate": ("Negotiate", "ntlm"), "SPNEGO": ("Negotiate", "negotiate")}
for name, (scheme, protocol) in ways.items():
    it = Connection()
    check(f"{name}: the right password", (it.sign_in(scheme, protocol), it.persistent), ([401, 200], "true"))
    check(f"{name}: the connection stays signed in", it.ask(), 200)
    bound = hashlib.sha256(it.certificate).digest()
    check(f"{name}: bound to the server's certificate", Connection().sign_in(scheme, protocol, binding=bound), [401, 200])
    check(f"{name}: bound to another's", Connection().sign_in(scheme, protocol, binding=bytes(32)), [401, 401])
    it = Connection()
    check(f"{name}: a wrong password", it.sign_in(scheme, protocol, password="wrong"), [401, 401])
    check(f"{name}: and then the right one on the same connection", it.sign_in(scheme, protocol), [401, 200])
    check(f"{name}: an unknown account", Connection().sign_in(scheme, protocol, account="CONTOSO\\nobody"), [401, 401])

check("a connection of its own for each", Connection().ask(), 401)
it = Connection()
check("junk", (it.ask("NTLM AAAA"), it.offers), (401, ["Negotiate", "NTLM"]))
check("and then the right password on the same connection", it.sign_in("NTLM", "ntlm"), [401, 200])
