"""The recipes of docs/ci.md and the GitHub action, run as a runner runs them: `pipelines.py PROGRAM check-jsonschema zizmor`.

Prints a line for each check, `ok      …` or `FAILED  …`.
"""

import functools
import hashlib
import http.server
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading

from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).parents[2]
ACTION = ROOT / "clients/action"
PROGRAM, CHECK_JSONSCHEMA, ZIZMOR = sys.argv[1:4]

RUN_TESTS = """#!/usr/bin/env bash
# Stands for the tests of a user: it makes the call that Identity Manager makes.
set -euo pipefail
ready() { sed -n "s/^ *\\"$1\\": \\"\\(.*\\)\\",\\{0,1\\}$/\\1/p" "$LOCMFA_READY_FILE"; }
url=${MFA_URL:-$(ready service)} authority=${MFA_AUTHORITY:-$(ready authority)}
"$LOCMFA_PROGRAM" mim call --url "$url" --authority "$authority" --number "1 4255550100"
"""
SCENARIO = "users: [mimservice@contoso.com, mimservice]\ncompany: {ring: 0s}\n"
EXPECTATIONS = "- {name: MIM asked, where: {operation: PfAuthUser*, call_result: 2}, exactly: 1}\n"


def check(name):
    """A check: its function raises where something is wrong."""

    def run(function):
        try:
            function()
            print(f"ok      {name}", flush=True)
        except Exception as error:  # every failure is a line
            text = error.stdout + error.stderr if isinstance(error, subprocess.CalledProcessError) else ""
            print(f"FAILED  {name}: {type(error).__name__} {error} {text}".replace("\n", "\n        "), flush=True)

    return run


def workspace(folder):
    """What a user's repository has."""
    folder = pathlib.Path(folder)
    (folder / "scenario.yaml").write_text(SCENARIO)
    (folder / "expectations.yaml").write_text(EXPECTATIONS)
    (folder / "run-tests").write_text(RUN_TESTS)
    (folder / "run-tests").chmod(0o755)
    return folder


def environment(folder, **more):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "TMPDIR": str(folder), "LOCMFA_PROGRAM": PROGRAM, **more}


def run(script, folder, env):
    """Runs a script as a runner does. A server in the background keeps no pipe open: output goes into a file."""
    with open(pathlib.Path(folder, "output.txt"), "w+") as output:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=folder, env=env, stdout=output,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=120, check=False,
        )  # fmt: skip
        output.seek(0)
        text = output.read()
    if done.returncode:
        raise AssertionError(f"exit code {done.returncode} of {script!r}: {text}")
    return text


class Downloads:
    """A site with the archive of a release."""

    def __init__(self, folder):
        archive = pathlib.Path(folder, "locmfa-0.1.0-linux-x86_64.tar.gz")
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            tar.add(PROGRAM, "locmfa-0.1.0/locmfa")
        self.sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
        handler.log_message = lambda *_: None
        http.server.SimpleHTTPRequestHandler.log_message = lambda *_: None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/{archive.name}"


class Action:
    """The GitHub action, with what the runner gives it."""

    FILES = ("GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.env = environment(folder, RUNNER_TEMP=str(folder))
        for name in self.FILES:
            file = self.folder / name
            file.touch()
            self.env[name] = str(file)

    def main(self, **inputs):
        given = {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
        return self._node("main.js", given)

    def post(self):
        return self._node("post.js", {f"STATE_{name}": value for name, value in self.values("GITHUB_STATE").items()})

    def values(self, name):
        """The values that the action has set in a file of the runner."""
        text = (self.folder / name).read_text()
        return {it["name"]: it["value"] for it in re.finditer(r"(?P<name>\w+)<<(?P<end>.+)\n(?P<value>(?:.|\n)*?)\n(?P=end)\n", text)}

    def summary(self):
        return (self.folder / "GITHUB_STEP_SUMMARY").read_text()

    def later_steps(self):
        """The environment of the steps that follow."""
        path = os.pathsep.join([*(self.folder / "GITHUB_PATH").read_text().split("\n")[:-1], self.env["PATH"]])
        return {**self.env, "PATH": path, **self.values("GITHUB_ENV")}

    def _node(self, file, env):
        return subprocess.run(
            ["node", ACTION / file], env={**self.env, **env}, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )


def recipes():
    """The files in docs/ci.md, by the path in their first line."""
    text = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    return {it[2]: it[1] for it in re.finditer(r"```\w+\n((?:# |// )(\S+)\n(?:.|\n)*?)```", text)}


def filled(text, downloads):
    """A recipe with the archive of this run."""
    text = re.sub(r"https://downloads\.example/\S+?(?=['\"\n])", downloads.url, text)
    return text.replace("0" * 64, downloads.sha256)


def main():
    found = recipes()
    folder = tempfile.mkdtemp(prefix="locmfa-pipelines-")
    downloads = Downloads(folder)
    try:
        checks(found, folder, downloads)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def checks(found, folder, downloads):
    files = {}
    for name, text in found.items():
        files[name] = pathlib.Path(folder, "recipes", name)
        files[name].parent.mkdir(parents=True, exist_ok=True)
        files[name].write_text(text)
    files["action"] = pathlib.Path(folder, "recipes/.github/actions/locmfa/action.yml")
    shutil.copytree(ACTION, files["action"].parent)

    schemas = {
        ".github/workflows/tests.yml": "vendor.github-workflows", "azure-pipelines.yml": "vendor.azure-pipelines",
        ".gitlab-ci.yml": "vendor.gitlab-ci", "action": "vendor.github-actions",
    }  # fmt: skip
    for name, schema in schemas.items():

        @check(f"{name} fits the schema {schema}")
        def _(name=name, schema=schema):
            custom = ["--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"] if "azure" in schema else []
            custom += ["--data-transform", "gitlab-ci"] if "gitlab" in schema else []
            command = [CHECK_JSONSCHEMA, "--builtin-schema", schema, *custom, files[name]]
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)

    @check("zizmor finds nothing in the workflow and the action")
    def _():
        command = [ZIZMOR, "--offline", "--no-progress", "--persona", "pedantic", files["action"].parents[2]]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)

    load = YAML(typ="safe").load

    def in_workspace(name):
        made = workspace(tempfile.mkdtemp(dir=folder, prefix=name))
        return made, environment(made, LOCMFA_ARCHIVE=downloads.url, LOCMFA_SHA256=downloads.sha256,
                                 LOCMFA_READY_FILE=str(made / "locmfa.json"))  # fmt: skip

    def verified(made):
        assert 'tests="1" failures="0" errors="0"' in (made / "verify.xml").read_text()

    @check("the steps for GitHub pass, with the action, and the summary shows the call")
    def _():
        made, _ = in_workspace("github")
        action = Action(made)
        for step in load(filled(found[".github/workflows/tests.yml"], downloads))["jobs"]["tests"]["steps"]:
            if step.get("id") == "locmfa":
                done = action.main(**step["with"])
                assert done.returncode == 0, done.stdout + done.stderr
            if "run" in step:
                outputs = action.values("GITHUB_OUTPUT")
                filled_in = lambda it: re.sub(r"\${{ steps\.locmfa\.outputs\.(\w+) }}", lambda it: outputs[it[1]], it)  # noqa: E731
                env = {name: filled_in(value) for name, value in step.get("env", {}).items()}
                run(step["run"], made, {**action.later_steps(), **env})
        done = action.post()
        assert done.returncode == 0 and "::" not in done.stdout, done.stdout + done.stderr
        assert "1 of 1 expectation came true" in action.summary(), action.summary()
        assert "### Space default: 1 call" in action.summary() and "PfAuthUser" in action.summary(), action.summary()
        verified(made)

    @check("the steps for Azure Pipelines pass")
    def _():
        made, env = in_workspace("azure")
        steps = [it["bash"] for it in load(found["azure-pipelines.yml"])["steps"] if "bash" in it]
        assert len(steps) == 4
        for step in steps:
            run(step, made, env)
        verified(made)

    @check("the steps for GitLab pass")
    def _():
        made, env = in_workspace("gitlab")
        run("\n".join(load(found[".gitlab-ci.yml"])["tests"]["script"]), made, env)
        verified(made)

    @check("the steps for Jenkins pass")
    def _():
        made, env = in_workspace("jenkins")
        (script,) = re.findall(r"sh '''((?:.|\n)*?)'''", found["Jenkinsfile"])
        run(script, made, env)
        verified(made)

    @check("the story passes after the action, and the summary has its calls")
    def _():
        made, _ = in_workspace("story")
        action = Action(made)
        done = action.main(program=PROGRAM, scenario="scenario.yaml", seed="7", arguments="--log\njson")
        assert done.returncode == 0, done.stdout + done.stderr
        outputs = action.values("GITHUB_OUTPUT")
        assert outputs["seed"] == "7" and "its seed is 7." in done.stdout, done.stdout
        env = {**action.later_steps(), "URL": outputs["url"], "AUTHORITY": outputs["authority"]}
        run(str(ROOT / "tests/kits-ci/story.sh"), made, env)
        assert action.post().returncode == 0
        assert "### Space default: 4 calls" in action.summary() and "ValidatePasscode" in action.summary(), action.summary()

    @check("the action says what is wrong, with the server's last lines")
    def _():
        made, _ = in_workspace("wrong")
        (made / "wrong.yaml").write_text("usrs: [anna]\n")
        slow = made / "slow"
        slow.write_text('#!/bin/sh\n[ "$1" = --version ] && echo locmfa 0.1.0 && exit\necho thinking >&2\nexec sleep 600\n')
        slow.chmod(0o755)
        old = made / "old"
        old.write_text("#!/bin/sh\necho locmfa 0.0.9\n")
        old.chmod(0o755)
        port = socket.create_server(("127.0.0.1", 0))
        taken = f"127.0.0.1:{port.getsockname()[1]}"
        for inputs, words in (
            ({"program": "no-such-program"}, "There is no program no-such-program. Give the path in program"),
            ({"program": "python3"}, "is not locmfa: --version prints \"Python 3"),
            ({"program": str(old)}, "is version 0.0.9, which is too old: 0.1.0 is needed."),
            ({"program": PROGRAM, "arguments": f"--admin\n{taken}"}, f"{taken} is taken"),
            ({"program": PROGRAM, "seed": "seven"}, "it ended with exit code 2."),
            ({"program": PROGRAM, "scenario": "missing.yaml"}, "There is no scenario missing.yaml."),
            ({"program": PROGRAM, "scenario": "wrong.yaml"}, "it ended with exit code 1.%0AThe newest lines of the server's log:"),
            ({"program": str(slow), "timeout": "1"}, "is not ready after 1 seconds.%0AThe newest lines of the server's log:%0A  thinking"),
            ({"program": PROGRAM, "arguments": "--admin\n127.0.0.1"}, "it ended with exit code 2."),
            ({"archive": downloads.url}, "sha256 is not the SHA-256 checksum"),
            ({"archive": downloads.url, "sha256": "1" * 64}, "has the SHA-256 checksum " + downloads.sha256),
            ({"archive": downloads.url + "x", "sha256": downloads.sha256}, "cannot be downloaded: status 404."),
        ):
            action = Action(tempfile.mkdtemp(dir=made))
            shutil.copy(made / "wrong.yaml", action.folder)
            done = action.main(**inputs)
            assert done.returncode == 1 and words in done.stdout, f"{inputs}: {done.stdout}{done.stderr}"
            assert action.post().returncode == 0
        port.close()

    @check("a server that died in mid-job is a warning at its end")
    def _():
        made, _ = in_workspace("died")
        action = Action(made)
        assert action.main(program=PROGRAM, scenario="scenario.yaml").returncode == 0
        os.kill(int(action.values("GITHUB_STATE")["pid"]), 9)
        done = action.post()
        assert done.returncode == 0 and "::warning title=locmfa::The server did not answer" in done.stdout, done.stdout
        assert "The newest lines of the server's log:" in done.stdout


main()
