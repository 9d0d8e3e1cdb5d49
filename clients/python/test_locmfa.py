"""The client itself: what it says where something is wrong, and that it is thin over docs/openapi.json."""

import ast
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import locmfa
import pytest
from caller import call

HERE = pathlib.Path(__file__).parent
DESCRIPTION = json.loads((HERE / "../../docs/openapi.json").read_text(encoding="utf-8"))
WINDOWS = sys.platform == "win32"


@pytest.fixture(scope="session")
def locmfa_scenario():
    return "users: [{username: anna, phone: '4255550100'}, mimservice]\ncompany: {ring: 0s}\n"


def test_a_missing_program_is_named():
    with pytest.raises(locmfa.LocmfaError, match="There is no program nowhere/locmfa: put locmfa on the PATH"):
        locmfa.Server.start(program="nowhere/locmfa")


def test_another_program_is_told_apart():
    with pytest.raises(locmfa.LocmfaError, match="is not locmfa: --version prints 'Python "):
        locmfa.Server.start(program=sys.executable)


@pytest.mark.skipif(WINDOWS, reason="the stand-in is a shell script")
def test_an_older_program_is_refused(tmp_path):
    old = tmp_path / "locmfa"
    old.write_text("#!/bin/sh\necho locmfa 0.0.9\n")
    old.chmod(0o755)
    with pytest.raises(locmfa.LocmfaError, match="is version 0.0.9, which is too old: 0.1.0 is needed"):
        locmfa.Server.start(program=str(old))


@pytest.mark.skipif(WINDOWS, reason="the stand-in is a shell script")
def test_a_program_that_is_not_ready_in_time_is_ended(tmp_path):
    slow = tmp_path / "locmfa"
    slow.write_text('#!/bin/sh\n[ "$1" = --version ] && echo locmfa 0.1.0 && exit\necho thinking >&2\nexec sleep 600\n')
    slow.chmod(0o755)
    with pytest.raises(locmfa.LocmfaError, match=r"not ready after 1 s\.\nThe newest lines.*\n  thinking"):
        locmfa.Server.start(program=str(slow), timeout=1)


def test_a_scenario_with_mistakes_starts_nothing():
    with pytest.raises(locmfa.LocmfaError, match="exit code 1(.|\n)*usrs"):
        locmfa.Server.start("usrs: [anna]\n")


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(locmfa.LocmfaError, match=rf"exit code 3(.|\n)*127\.0\.0\.1:{port} is taken"):
            locmfa.Server.start(None, "--listen", f"127.0.0.1:{port}")


@pytest.mark.skipif(WINDOWS, reason="Windows has no such signal")
def test_a_server_that_dies_in_mid_test_is_told_with_its_log():
    told = r"The server has ended, with exit code -9\.\nThe server's seed: \d+\nThe newest lines(.|\n)* ready "
    with locmfa.Server.start() as server:
        # The line comes a moment after the ready file.
        while not server.log:
            time.sleep(0.01)
        os.kill(server._process._child.pid, signal.SIGKILL)
        with pytest.raises(locmfa.LocmfaError, match=told):
            server.default_space.calls()


def test_a_server_ends_with_the_process_that_started_it():
    code = "import locmfa, os; print(locmfa.Server.start().admin_url, flush=True); os._exit(1)"
    told = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=60, check=False)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            locmfa.Server.connect(told.stdout.strip())
        except locmfa.LocmfaError as gone:
            # One that is about to end says so.
            if "No server answers" in str(gone):
                return
        time.sleep(0.05)
    pytest.fail("the server goes on")


def test_a_failure_tells_the_seed_and_a_run_with_it_draws_the_same():
    def code_and_failure(seed):
        with locmfa.Server.start("users: [mimservice]", seed=seed) as server:
            text = {"username": "mimservice", "mode": "smsText", "phoneNumber": "+1 425 555 0100"}
            call(server.url, server.ssl_context(), "PfAuthUser_5", **text)
            with pytest.raises(locmfa.VerificationFailed) as failed:
                server.default_space.verify([{"where": {"username": "ben"}}])
            return server.seed, server.default_space.wait_for_message()["code"], str(failed.value)

    seed, code, failure = code_and_failure(None)
    assert f"\nThe server's seed: {seed}\nThe newest lines of the server's log:\n" in failure
    assert "PfAuthUser_5" in failure and "SSL_CERT_FILE" not in failure, failure
    assert code_and_failure(seed)[:2] == (seed, code)


def test_no_server_is_told():
    with pytest.raises(locmfa.LocmfaError, match="127.0.0.1:9998 is no URL of an admin API: write http://127.0.0.1:9998"):
        locmfa.Server.connect("127.0.0.1:9998")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(locmfa.LocmfaError, match=f"No server answers at http://127.0.0.1:{port}"):
        locmfa.Server.connect(f"http://127.0.0.1:{port}")


def test_two_tests_of_one_name_have_a_space_each(locmfa_server):
    name = "Tests [1]: a name with blanks, brackets and colons, and longer than 64 characters"
    with locmfa_server.space(name) as one, locmfa_server.space(name) as two:
        assert one.url != two.url
        one.request("POST", "/users", {"username": "zoe"})
        assert [it["username"] for it in two.request("GET", "/users?username=zoe")["items"]] == []


def test_a_verification_that_fails_says_what_came_nearest(locmfa_space):
    with pytest.raises(locmfa.VerificationFailed, match="exactly 1 call with username ben; there was no call at all") as failed:
        locmfa_space.verify([{"where": {"username": "ben"}, "exactly": 1}])
    assert failed.value.problem["failures"][0]["found"] == 0
    with pytest.raises(locmfa.LocmfaError, match="Did you mean username?"):
        locmfa_space.verify([{"where": {"usrname": "ben"}}])


def test_an_incident_begins_and_ends(locmfa_space):
    assert locmfa_space.start_incident("service-restarted", lasts="5m")["name"] == "service-restarted"
    with pytest.raises(locmfa.LocmfaError, match="The incident service-restarted runs until"):
        locmfa_space.start_incident("hangs")
    assert locmfa_space.stop_incident() == "service-restarted"
    assert locmfa_space.stop_incident() is None


def test_a_message_that_does_not_come_is_told(locmfa_space):
    with pytest.raises(locmfa.LocmfaError, match=r"No message with username=anna came in 0\.01 s\. There is none\."):
        locmfa_space.wait_for_message(timeout=0.01, username="anna")


def test_a_rule_with_mistakes_names_each(locmfa_space):
    with pytest.raises(locmfa.LocmfaError, match="usr(.|\n)*bussy"):
        locmfa_space.add_rule({"when": {"usr": "anna"}, "outcome": "bussy"})


def test_users_rules_and_the_clock_are_changed(locmfa_space):
    assert locmfa_space.add_user(username="zoe", phone="+49 30 901820")["country_code"] == "49"
    name = locmfa_space.add_rule({"when": {"user": "zoe"}, "outcome": "busy"}, times=1)["name"]
    locmfa_space.remove_rule(name)
    before = locmfa_space.freeze_clock()["now"]
    assert locmfa_space.advance_clock("10m")["now"] > before


def test_a_connection_finds_the_server_that_runs(locmfa_server, monkeypatch):
    monkeypatch.setenv("LOCMFA_ADMIN", locmfa_server.admin_url)
    connected = locmfa.Server.connect()
    assert connected.authority_pem == pathlib.Path(locmfa_server.authority_file).read_text()
    assert connected.seed == locmfa_server.seed
    assert connected.log == [] and connected.default_space.calls() == locmfa_server.default_space.calls()


def test_every_path_and_field_stands_in_the_description():
    source = (HERE / "locmfa.py").read_text(encoding="utf-8")
    known = [re.sub(r"{[^}]*}", "{}", path) for path in DESCRIPTION["paths"]]
    properties = {
        name for schema in DESCRIPTION["components"]["schemas"].values() for name in schema.get("properties", {})
    }
    paths, fields = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            text = "".join(it.value if isinstance(it, ast.Constant) else "{}" for it in node.values)
            paths |= {text} if text.startswith("/") else set()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/"):
            paths.add(node.value)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            fields.add(node.slice.value)
    inside = {"/", "/rules/", "/spaces/", "/challenges/", "/act", "/incidents/"}  # parts of the paths with a name in them
    assert len(paths) > 8 and not [it for it in paths - inside if it not in known]
    ready_file = {"service"}
    environment = {"LOCMFA_ADMIN_TOKEN_FILE", "Authorization", "Content-Type"}
    # The mistakes of a problem document stand in docs/admin.md: the description has no type for them.
    assert not fields - properties - ready_file - environment - {"admin", "message"}
