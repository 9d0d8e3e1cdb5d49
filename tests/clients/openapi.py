"""The admin API against public tools: its description is valid, and what a fuzzer makes of it meets no failure."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request

from openapi_spec_validator import validate

ADMIN = os.environ["ADMIN"]

# Waits are for something that does not come here.
SETTINGS = '[parameters]\n"query.wait" = "0s"\n'
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]


def check(name, problem):
    print(f"ok      {name}" if problem is None else f"FAILED  {name}: {problem}")


def description():
    with urllib.request.urlopen(f"{ADMIN}/openapi.json") as answer:
        return json.load(answer)


def is_valid(document):
    try:
        validate(document)
    except Exception as error:  # Whatever it says of the document is its verdict.
        return str(error).splitlines()[0]
    return None


def fuzz(document):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "openapi.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        settings = os.path.join(folder, "schemathesis.toml")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(SETTINGS)
        schemathesis = os.path.join(os.path.dirname(sys.executable), "schemathesis")
        # A stream does not end by itself, and a server that was told to stop answers no more.
        command = [schemathesis, "--config-file", settings, "run", path, "--url", ADMIN, "--exclude-path", "/events", "--exclude-path", "/stop"]
        command += ["--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS)]
        command += ["--max-examples", "30", "--generation-deterministic", "--request-timeout", "20"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    said = ended.stdout + ended.stderr
    with open(os.path.join(os.environ["KEEP"], "schemathesis.log"), "w", encoding="utf-8") as log:
        log.write(said)
    if ended.returncode == 0:
        return None
    return "; ".join(line.strip() for line in said.splitlines() if "❌" in line or "ST1" in line)[:500] or said[-500:]


document = description()
check("the description is valid OpenAPI 3.1", is_valid(document))
check("what a fuzzer asks meets no failure", fuzz(document))
check("the server is well afterwards", None if description() == document else "it describes itself differently")
