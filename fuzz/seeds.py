#!/usr/bin/env python3
"""Fills fuzz/corpus/ with what the tests already know, for each target to start from."""

import base64
import hashlib
import json
import re
import ssl
import xml.etree.ElementTree as xml
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def seed(target, content):
    folder = ROOT / "fuzz/corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def first_bytes(newest):
    """What OpenSSL sends first."""
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = newest
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="mfa01.contoso.com").do_handshake()
    except ssl.SSLWantReadError:
        return out.read()


for file in ROOT.glob("tests/fixtures/sign_in/*.txt"):
    for token in re.findall(r"^> (?:NTLM|Negotiate) (\S+)", file.read_text(), re.M):
        seed("ntlm", base64.b64decode(token))
        seed("spnego", base64.b64decode(token))

for newest in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    seed("hello", b"\xff" + first_bytes(newest))
    seed("hello", b"\x03" + first_bytes(newest))
seed("hello", b"\x03\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10")
seed("hello", b"\x09GET / HTTP/1.1\r\nHost: mfa01\r\n\r\nmore")

for case in json.loads((ROOT / "tests/golden/asmx.json").read_text()):
    if case["method"] == "POST" and not case["suffix"]:
        headers = {name.lower(): value for name, value in case["headers"].items()}
        head = [headers.get("soapaction", ""), headers.get("content-type", "")]
        body = case.get("body") or ""
        seed("envelope", "\n".join([*head, body]).encode())

SCHEMA = xml.parse(ROOT / "tests/golden/PfWsSdk.wsdl").find(".//{http://www.w3.org/2001/XMLSchema}schema")
TYPES = {it.get("name"): it for it in SCHEMA if it.tag.endswith("}complexType")}


def filled(element):
    """An element with 1 in everything that it may hold."""
    name = element.get("name")
    of = TYPES.get((element.get("type") or "").removeprefix("tns:"), element)
    inner = of.iterfind(".//{http://www.w3.org/2001/XMLSchema}element")
    return f"<{name}>{''.join(map(filled, inner)) or 1}</{name}>"


for element in SCHEMA.findall("{http://www.w3.org/2001/XMLSchema}element"):
    seed("envelope", f"""
application/soap+xml; charset=utf-8
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns="{SCHEMA.get("targetNamespace")}">\
<e:Body>{filled(element)}</e:Body></e:Envelope>""".encode())

for file in ROOT.glob("tests/fixtures/mim/*.xml"):
    text = file.read_bytes()
    seed("settings", text)
    seed("settings", text.decode().replace("utf-8", "utf-16").encode("utf-16"))

for file in [*ROOT.glob("scenarios/*.yaml"), *ROOT.glob("tests/mistakes/*.yaml")]:
    seed("scenario", file.read_bytes())
