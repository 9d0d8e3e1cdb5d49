"""A small client of the service, for the tests: it calls as Identity Manager does, without a sign-in."""

import re
import urllib.request
from xml.sax.saxutils import escape

NAMESPACE = "http://www.phonefactor.com/PfWsSdk"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


def call(url, context, operation, **parameters):
    """Calls an operation: its result, and the code of callResult (None: there is none)."""
    children = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parameters.items())
    body = (
        f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body><{operation} xmlns="{NAMESPACE}">{children}'
        f"</{operation}></s:Body></s:Envelope>"
    )
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{NAMESPACE}/{operation}"'}
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open(urllib.request.Request(url, body.encode(), headers), timeout=60) as answer:
        text = answer.read().decode()
    result = re.search(rf"<{operation}Result>(\w+)<", text)
    code = re.search(r"<callResult>.*?<Code>(\d+)<", text, re.DOTALL)
    return result.group(1) == "true", int(code.group(1)) if code else None
