"""Runs the sh blocks of the pages, each page in a folder of its own, with a server whose addresses stand for those of the page.

Where a block ends by itself, it must end with 0. A line that follows events, or that serves, is ended after a moment. What
a line waits for happens meanwhile: MIM calls, and the phone rings or a text message comes.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ["LOCMFA"]
SCENARIO = """server: {sign_in: [ntlm, basic], trust: any-password}
accounts: any
users:
  - {username: anna, phone: "+1 425 555 0102"}
  - {username: mimservice@contoso.com}
rules:
  - {when: {phone: "+1 425 555 0111"}, outcome: busy, after: 0s}
  - {when: {operation: PfAuthUser_5, user: anna}, person: decides, within: 30s}
  - {when: {phone: "+1 425 555 0100"}, code: "123456"}
"""
MIM = "(sleep 0.5; locmfa mim call --url $URL --authority $CA --account 'CONTOSO\\mimservice' --number '1 {}' >/dev/null 2>&1) &"
TEXT = MIM.format("4255550100' --gate text --code '123456")
BUSY = "locmfa mim call --url $URL --authority $CA --account 'CONTOSO\\mimservice' --number '1 4255550111' >/dev/null || true"
RING = MIM.format("4255550102' --gate phone --username 'anna")

# What the blocks read.
FILES = {
    "my.yaml": "users:\n  - mimservice@contoso.com\nrules:\n  - {name: lost texts, when: {mode: smsText, chance: 10%}, outcome: text-not-sent}\n",
    "rule.yaml": "when: {user: zoe}\noutcome: busy\n",
    "expectations.yaml": "expect: [{where: {username: zoe}, exactly: 0}]\n",
    "users.csv": "SamAccountName,MobilePhone\nanna,+1 425 555 0100\n",
    "people.ldif": "dn: CN=Ben\nsAMAccountName: ben\nmobile: 020 7946 0123\n",
}
# Blocks that are left out, by a part of their text, and why.
LEFT_OUT = {
    "cargo run --release\n": "builds the program",
    "cargo test\n": "is the tests",
    "docker ": "needs a container engine; .ci/image makes the image",
    "authority.pem >authority.pem\nlocmfa calls": "asks a container",
    "cert-sync": "is a lane of tests/clients/run",
    "wsimport": "needs a JDK",
    "--negotiate": "is a lane of tests/clients/run",
    "tests/": "is a lane of its own",
    "locmfa scenarios/sign-in-windows.yaml": "serves; the blocks below it are lanes of tests/clients/run",
    "URL=https": "sets variables for lanes of tests/clients/run",
    "--cacert $CA": "is a lane of tests/clients/run",
}
# Lines that do not end by themselves.
ENDLESS = re.compile(r"--follow|^locmfa serve|^locmfa (my|scenarios/\S+)\.?\w*\s*(#.*)?$|^curl -N|^locmfa open")


def blocks():
    """The sh blocks of all pages: page, number, text."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        found = re.findall(r"^ *```(?:sh|bash)\n(.*?)^ *```", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for number, text in enumerate(found, 1):
            yield page.relative_to(ROOT), number, textwrap.dedent(text)


def script(text, ready):
    """A block as it is run: with the addresses of this server, and with an end for each line."""
    text = text.replace("cargo run --release --", "locmfa").replace("\\\n", " ")
    text = re.sub(r"http://(127\.0\.0\.1|localhost):9998", ready["admin"], text)
    text = re.sub(r"https://[\w.]+:9999", ready["service"].split("/Multi")[0], text)
    lines = ["set -e"]
    for line in text.splitlines():
        lines += [it for what, it in (("messages --next", TEXT), ("messages?after=$next", TEXT), ("phone list --wait", RING), ("/challenges?", RING)) if what in line]
        # Numbers of the page's example.
        if "locmfa call 12" in line:
            lines.append(BUSY)
        line = line.replace("locmfa call 12", "locmfa call $(locmfa calls --json | jq '.items[0].seq')")
        if "/challenges?" in line:
            line = "id=$(" + line.split("#")[0].strip() + ")"
        elif "/challenges/7" in line:
            line = line.replace("/challenges/7", "/challenges/'$id'" if "'http" in line else "/challenges/$id")
        if "--space build-42" in line:
            lines.append("locmfa space new build-42")
        if ENDLESS.search(line):
            line = re.sub(r"^locmfa open\b", "BROWSER=true locmfa open", line)
            line = f"timeout 2 bash -c {quoted(line)} >/dev/null 2>&1 || [ $? = 124 -o $? = 3 ]"
        elif "mim call" in line and "0111" in line:
            # The number is busy, as the page says.
            line = re.sub(r"^(locmfa mim call)(?!.*--url)", r"\1 --url $URL", line) + " && exit 9 || [ $? = 1 ]"
        elif line.startswith("curl "):
            line = line.replace("curl ", "curl --fail-with-body -sS ", 1)
        elif line.startswith("locmfa clock next"):
            # Nothing may be due by then.
            line = line.split("#")[0] + "|| [ $? = 1 ]"
        lines.append(line)
        if lines[-2] == TEXT:
            # Its challenge ends before a phone is to ring.
            lines.append("wait")
    return "\n".join(lines)


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def run(page, number, text):
    folder = Path(tempfile.mkdtemp(prefix="locmfa-docs-"))
    server = None
    try:
        for name, content in FILES.items():
            (folder / name).write_text(content)
        (folder / "s.yaml").write_text(SCENARIO)
        (folder / "docs").symlink_to(ROOT / "docs")
        (folder / "scenarios").symlink_to(ROOT / "scenarios")
        (folder / "locmfa").symlink_to(PROGRAM)
        environment = {
            **os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": str(folder), "LOCMFA_PASSWORD": "any",
        }
        command = [PROGRAM, "serve", "s.yaml", "--listen", "127.0.0.1:0", "--ready-file", "ready.json", "--log", "off"]
        server = subprocess.Popen(command, cwd=folder, env=environment)
        ready = folder / "ready.json"
        for _ in range(200):
            if ready.exists():
                break
            time.sleep(0.05)
        ready = json.loads(ready.read_text())
        environment |= {"LOCMFA_ADMIN": ready["admin"], "URL": ready["service"], "CA": str(folder / "certs" / "authority.pem")}
        done = subprocess.run(
            ["bash", "-c", script(text, ready)], cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
        )
        if done.returncode == 0:
            print(f"ok      {page}, block {number}")
            return True
        print(f"FAILED  {page}, block {number}: exit code {done.returncode}")
        print(textwrap.indent((script(text, ready) + "\n" + done.stdout[-2000:] + done.stderr[-2000:]).strip(), "        "))
        return False
    finally:
        if server:
            server.kill()
            server.wait()
        shutil.rmtree(folder)


def main():
    failed = 0
    for page, number, text in blocks():
        why = next((why for part, why in LEFT_OUT.items() if part in text), None)
        if why:
            print(f"left out {page}, block {number}: {why}")
        else:
            failed += not run(page, number, text)
    print(f"\n{failed} failed")
    sys.exit(bool(failed))


main()
