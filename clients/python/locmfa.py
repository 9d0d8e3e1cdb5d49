"""Starts and drives locmfa, which imitates the Web Service SDK of Azure MFA Server, from tests in Python.

One file, standard library only (Python 3.9 or newer). It starts the program, or connects to a server that runs already,
and drives it by the admin API (docs/admin.md). With pytest it brings the fixtures `locmfa_server` and `locmfa_space`.

    with locmfa.Server.start("scenario.yaml") as server:
        space = server.space("reset-by-text")
        ...  # the program under test calls space.url, and trusts server.authority_file
        code = space.wait_for_message(to="+1 425 555 0100")["code"]
        space.verify([{"where": {"operation": "ValidatePasscode", "outcome": "true*"}}])
"""

from __future__ import annotations

import collections
import http.client
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Sequence, Union

__all__ = ["LocmfaError", "Server", "Space", "VerificationFailed"]

#: What the admin API takes and answers.
Json = Any
#: The path of a scenario file, or the text of a scenario.
Scenario = Union[str, "os.PathLike[str]"]

#: The oldest program that this file can drive.
OLDEST = (0, 1, 0)

#: How many lines of the server's log a failure shows.
LINES_IN_FAILURES = 10


class LocmfaError(Exception):
    """What is wrong, what to do, and the newest lines of the server's log. `problem` is the server's problem document."""

    def __init__(self, text: str, problem: Optional[Dict[str, Json]] = None) -> None:
        super().__init__(text)
        self.problem: Dict[str, Json] = problem or {}


class VerificationFailed(LocmfaError, AssertionError):
    """What happened is not what was expected. The text shows what came nearest."""


class Server:
    """A server. Ending the `with` block, or `stop()`, ends a server that this object started."""

    def __init__(
        self,
        admin_url: str,
        service_url: str = "",
        token: Optional[str] = None,
        process: Optional[_Process] = None,
        seed: Optional[int] = None,
    ) -> None:
        self.admin_url = admin_url.rstrip("/")
        #: The URL of the service in the default space; empty where it is not known.
        self.url = service_url
        self._token = token
        self._process = process
        self._seed = seed
        self._folder: Optional[tempfile.TemporaryDirectory[str]] = None
        self._authority_file: Optional[str] = None
        # 127.0.0.1 needs no proxy, whatever the machine's settings say.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def start(
        cls,
        scenario: Optional[Scenario] = None,
        *arguments: str,
        program: Optional[str] = None,
        seed: Optional[int] = None,
        timeout: float = 30,
    ) -> Server:
        """Starts the program on free ports, and returns when it answers. The server ends with this process at the latest.

        scenario: the path of a scenario file, or the text of a scenario; None is the built-in one. A text has a line
        break, or a colon with a blank.
        arguments: more options of `locmfa serve`.
        program: its path; otherwise the environment variable LOCMFA_PROGRAM, or `locmfa` on the PATH.
        seed: fixes what the server draws, so that a run repeats; failures tell it.
        timeout: how long the server may take until it answers, in seconds.
        """
        program = _program(program)
        folder = tempfile.TemporaryDirectory(prefix="locmfa-")
        ready = pathlib.Path(folder.name, "ready.json")
        command = [program, "serve"]
        if scenario is not None:
            command.append(_scenario_file(scenario, folder.name))
        if seed is not None:
            command += ["--seed", str(seed)]
        command += ["--listen", "127.0.0.1:0", "--ready-file", str(ready), "--certs", "memory"]
        # A process that is killed ends nothing itself.
        command += ["--parent", str(os.getpid()), *arguments]
        process = _Process(command)
        try:
            found = process.wait_until_ready(ready, timeout)
            server = cls(found["admin"], found["service"], process=process, seed=found["seed"])
        except BaseException:
            process.stop()
            folder.cleanup()
            raise
        server._folder = folder
        return server

    @classmethod
    def connect(
        cls, admin_url: Optional[str] = None, service_url: str = "", token: Optional[str] = None
    ) -> Server:
        """Uses a server that runs already, as in a container beside the tests.

        admin_url: otherwise the environment variable LOCMFA_ADMIN.
        token: otherwise the text in the file of LOCMFA_ADMIN_TOKEN_FILE, if that is set.
        """
        admin_url = admin_url or os.environ.get("LOCMFA_ADMIN")
        if not admin_url:
            raise LocmfaError("There is no address of a server: give admin_url, or set LOCMFA_ADMIN.")
        if not admin_url.startswith(("http://", "https://")):
            raise LocmfaError(f"{admin_url} is no URL of an admin API: write http://{admin_url} in admin_url or LOCMFA_ADMIN.")
        if token is None and os.environ.get("LOCMFA_ADMIN_TOKEN_FILE"):
            token = pathlib.Path(os.environ["LOCMFA_ADMIN_TOKEN_FILE"]).read_text(encoding="utf-8-sig").strip()
        server = cls(admin_url, service_url, token)
        server.request("GET", "/readyz")
        return server

    @property
    def authority_pem(self) -> str:
        """The certificate of the server's authority, for the client under test to trust."""
        return self.request("GET", "/authority.pem", as_json=False)

    @property
    def authority_file(self) -> str:
        """A file with `authority_pem`, for REQUESTS_CA_BUNDLE or SSL_CERT_FILE."""
        if self._authority_file is None:
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="locmfa-")
            file = pathlib.Path(self._folder.name, "authority.pem")
            file.write_text(self.authority_pem, encoding="ascii")
            self._authority_file = str(file)
        return self._authority_file

    def ssl_context(self) -> ssl.SSLContext:
        """A context that trusts the server, for urllib and http.client."""
        return ssl.create_default_context(cadata=self.authority_pem)

    @property
    def seed(self) -> int:
        """The seed of all that the server draws, for `Server.start(seed=…)`: with it, a run repeats."""
        if self._seed is None:
            self._seed = int(self.request("GET", "/spaces")["seed"])
        return self._seed

    @property
    def log(self) -> List[str]:
        """The newest lines of the server's log, up to 200; empty for a server that runs elsewhere."""
        return list(self._process.lines) if self._process else []

    @property
    def default_space(self) -> Space:
        """The space of the server's own address."""
        return Space(self, "", self.url)

    def space(self, name: str, scenario: Optional[str] = None) -> Space:
        """Makes a space: users, rules, clock and memory of its own, from the server's scenario or from the text of
        another one. `name` is any text of up to 256 characters; the server makes a name from it that no other space
        has. Tests that share a server need one each. `with` removes it at the end."""
        made = self.request("POST", "/spaces", {"label": name, "scenario": scenario})
        url = urllib.parse.urlsplit(self.url)
        return Space(self, made["path"], url._replace(path=made["path"] + url.path).geturl() if self.url else "")

    def request(
        self, method: str, path: str, body: Json = None, *, as_json: bool = True, timeout: float = 0
    ) -> Json:
        """Sends a request to the admin API, for what has no method here. Returns the JSON of the answer, or its text.

        timeout: how long the server may wait, in seconds; the answer then has 30 more to come.
        """
        data: Optional[bytes] = None
        headers: Dict[str, str] = {}
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self.admin_url + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=timeout + 30) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            raise self._refused(error.read().decode(errors="replace"), error.code) from None
        except (OSError, http.client.HTTPException) as error:
            raise LocmfaError(self._gone(error) + self._newest_lines()) from None
        if not as_json:
            return text
        return json.loads(text) if text else None

    def stop(self) -> None:
        """Ends a server that this object started."""
        if self._process:
            self._process.stop()
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _refused(self, text: str, status: int) -> LocmfaError:
        try:
            problem = json.loads(text)
        except ValueError:
            problem = None
        if not isinstance(problem, dict) or "detail" not in problem:
            return LocmfaError(f"The program at {self.admin_url} is not the admin API of locmfa: it answers {status}.")
        lines = [it["message"] for it in problem.get("mistakes") or []] or [problem["detail"]]
        text = "\n".join([*lines, problem.get("remedy") or ""]).strip() + self._newest_lines()
        return (VerificationFailed if "failures" in problem else LocmfaError)(text, problem)

    def _gone(self, error: Exception) -> str:
        code = self._process.exit_code() if self._process else None
        if code is not None:
            return f"The server has ended, with exit code {code}."
        return f"No server answers at {self.admin_url} ({error}). Start it, or correct LOCMFA_ADMIN."

    def _newest_lines(self) -> str:
        seed = "" if self._seed is None else f"\nThe server's seed: {self._seed}"
        return seed + (self._process.newest_lines() if self._process else "")


class Space:
    """A space: what a test calls, prepares, awaits and verifies. Conditions are those of lists, such as
    `username="anna"` or `operation="PfAuthUser*"`."""

    def __init__(self, server: Server, path: str, url: str) -> None:
        self.server = server
        #: The URL of the service, for the client under test.
        self.url = url
        self._path = path
        self._seen: Dict[str, Json] = {}

    def request(self, method: str, path: str, body: Json = None, **options: Any) -> Json:
        """Sends a request to the admin API of this space, for what has no method here."""
        return self.server.request(method, self._path + path, body, **options)

    def add_user(self, **keys: Json) -> Dict[str, Json]:
        """Adds a user, by the keys of scenario files. Returns the user."""
        return self.request("POST", "/users", keys)

    def add_rule(self, rule: Dict[str, Json], times: Optional[int] = None) -> Dict[str, Json]:
        """Adds a rule before all others, as a dictionary with the keys of scenario files; `times` limits how often it
        answers. Returns the rule."""
        return self.request("POST", "/rules" + _query(times=times), rule)

    def remove_rule(self, name: str) -> None:
        """Removes a rule."""
        self.request("DELETE", f"/rules/{_segment(name)}")

    def start_incident(self, name: str, lasts: Optional[str] = None) -> Dict[str, Json]:
        """Begins an incident, such as `"service-restarted"`: what goes wrong for a while, 15 minutes where `lasts`, such as
        `"5m"`, says nothing. It ends by itself, and leaves nothing behind. Returns it."""
        return self.request("POST", f"/incidents/{_segment(name)}" + _query(lasts=lasts))

    def stop_incident(self) -> Optional[str]:
        """Ends the incident that runs. Returns its name; None where none ran."""
        return self.request("DELETE", "/incidents")["ended"]

    def calls(self, **conditions: Json) -> List[Dict[str, Json]]:
        """The newest 100 calls that the space received."""
        return self.request("GET", "/calls" + _query(**conditions))["items"]

    def wait_for_message(self, timeout: float = 30, **conditions: Json) -> Dict[str, Json]:
        """Waits for a message, such as `to="+1 425 555 0100"`. Waits with the same conditions return each message once,
        the oldest first: a dictionary of `code`, `text`, `to` and more."""
        key = json.dumps(conditions, sort_keys=True)
        page = self._page("/messages", timeout, conditions, after=self._seen.get(key, 0), limit=1)
        items = page["items"]
        if not items:
            others = [f"#{it['seq']} to {it['to']}" for it in self.request("GET", "/messages")["items"]]
            self._nothing("message", timeout, conditions, "All are: " + ", ".join(others) if others else "There is none")
        self._seen[key] = page["next"]
        return items[0]

    def wait_for_challenge(self, timeout: float = 30, **conditions: Json) -> Dict[str, Json]:
        """Waits for an open challenge: a ringing phone, a text message that awaits its reply, a notification of the
        app. Returns a dictionary of `id`, `state`, `phone` and more."""
        items = self._page("/challenges", timeout, conditions)["items"]
        if not items:
            self._nothing("challenge", timeout, conditions, "GET /challenges/turns lists those that are over")
        return items[0]

    def act(self, challenge: Dict[str, Json], *acts: Union[str, Dict[str, Json]]) -> Dict[str, Json]:
        """Acts as the person in a challenge: `"answers"`, `{"presses": "#"}`, `"approves"` and others, one after the
        other. Returns what came of it."""
        return self.request("POST", f"/challenges/{challenge['id']}/act", {"act": list(acts)})

    def verify(
        self, expect: Sequence[Dict[str, Json]], in_order: bool = False, wait: float = 0
    ) -> Dict[str, Json]:
        """Compares what happened with a list of expectations, and waits up to `wait` seconds for them to come true.
        Raises VerificationFailed, which shows what came nearest."""
        body = {"expect": expect, "in_order": in_order, "wait": f"{wait}s"}
        return self.request("POST", "/verify", body, timeout=wait)

    def freeze_clock(self) -> Dict[str, Json]:
        """Stops the time of the space."""
        return self.request("PUT", "/clock", {"pace": "frozen"})

    def advance_clock(self, by: Union[str, float]) -> Dict[str, Json]:
        """Moves the time of the space forward, by a duration such as `"10m"`, or by seconds."""
        return self.request("POST", "/clock/advance", {"by": by})

    def remove(self) -> None:
        """Ends the space."""
        if self._path:
            self.server.request("DELETE", f"/spaces/{_segment(self._path[2:])}")

    def __enter__(self) -> Space:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _page(self, path: str, timeout: float, conditions: Dict[str, Json], **controls: Json) -> Json:
        query = _query(wait=f"{int(timeout * 1000)}ms", **controls, **conditions)
        return self.request("GET", path + query, timeout=timeout)

    def _nothing(self, what: str, timeout: float, conditions: Dict[str, Json], others: str) -> NoReturn:
        with_ = " ".join(f"{name}={value}" for name, value in conditions.items())
        text = f"No {what} with {with_ or 'any value'} came in {timeout} s. {others}."
        raise LocmfaError(text + self.server._newest_lines())


class _Process:
    """The program, and the newest lines of its log."""

    def __init__(self, command: List[str]) -> None:
        self.lines: collections.deque[str] = collections.deque(maxlen=200)
        self._child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._child.stderr or ():
            self.lines.append(line.rstrip())

    def wait_until_ready(self, file: pathlib.Path, timeout: float) -> Dict[str, Json]:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            # The program writes the file whole or not at all.
            if file.exists():
                found: Dict[str, Json] = json.loads(file.read_text(encoding="utf-8"))
                return found
            if self._child.poll() is not None:
                self._reader.join()
                raise LocmfaError(f"The server did not start: exit code {self._child.returncode}." + self.newest_lines())
            time.sleep(0.01)
        raise LocmfaError(f"The server is not ready after {timeout} s." + self.newest_lines())

    def exit_code(self) -> Optional[int]:
        """None while the program runs. A connection breaks a moment before its process has ended."""
        try:
            code = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(timeout=5)
        return code

    def newest_lines(self) -> str:
        lines = list(self.lines)[-LINES_IN_FAILURES:]
        return "\nThe newest lines of the server's log:\n  " + "\n  ".join(lines) if lines else ""

    def stop(self) -> None:
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._reader.join()
        if self._child.stderr:
            self._child.stderr.close()


def _program(given: Optional[str]) -> str:
    named = given or os.environ.get("LOCMFA_PROGRAM") or "locmfa"
    program = shutil.which(named)
    if program is None:
        raise LocmfaError(
            f"There is no program {named}: put locmfa on the PATH, set LOCMFA_PROGRAM to its path, or give program=."
        )
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocmfaError(f"{program} does not run ({error}).") from None
    words = told.split()
    if len(words) < 2 or words[0] != "locmfa":
        raise LocmfaError(f"{program} is not locmfa: --version prints {told.strip()[:80]!r}.")
    version = tuple(int(it) for it in words[1].split("-")[0].split(".") if it.isdigit())
    if version < OLDEST:
        raise LocmfaError(f"{program} is version {words[1]}, which is too old: {'.'.join(map(str, OLDEST))} is needed.")
    return program


def _scenario_file(scenario: Scenario, folder: str) -> str:
    if isinstance(scenario, str) and ("\n" in scenario or ": " in scenario):
        file = pathlib.Path(folder, "scenario.yaml")
        file.write_text(scenario, encoding="utf-8")
        return str(file)
    return os.fspath(scenario)


def _segment(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _query(**pairs: Json) -> str:
    given = {name: value for name, value in pairs.items() if value is not None}
    return "?" + urllib.parse.urlencode(given) if given else ""


try:
    import pytest
except ImportError:
    pass
else:

    @pytest.fixture(scope="session")
    def locmfa_scenario() -> Optional[Scenario]:
        """The scenario of `locmfa_server`: override this fixture to give another path or text."""
        return None

    @pytest.fixture(scope="session")
    def locmfa_server(locmfa_scenario: Optional[Scenario]) -> Iterator[Server]:
        """A server for all tests of the session. Where LOCMFA_ADMIN is set, it is the server there. LOCMFA_SEED is its
        seed, as that of any server."""
        if os.environ.get("LOCMFA_ADMIN"):
            yield Server.connect(service_url=os.environ.get("LOCMFA_URL", ""))
            return
        with Server.start(locmfa_scenario) as server:
            yield server

    @pytest.fixture
    def locmfa_space(locmfa_server: Server, request: Any) -> Iterator[Space]:
        """A space for one test. Its name is that of the test."""
        with locmfa_server.space(request.node.name[:256]) as space:
            yield space
