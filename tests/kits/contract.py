"""What docs/openapi.json and the schema of scenarios have, for the checks of the clients."""
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def check(name, found, wanted):
    """Tells whether what was found is what was wanted, as tests/kits/run counts it."""
    if found == wanted:
        print(f"ok      {name}")
    else:
        print(f"FAILED  {name}\n        wanted {wanted}\n        found  {found}")


class Contract:
    """Paths by method; `names` are all members and parameters, `words` all words of scenarios."""

    def __init__(self):
        api = json.loads((ROOT / "docs" / "openapi.json").read_text())
        schema = json.loads((ROOT / "docs" / "scenario.schema.json").read_text())
        self.paths = {(method.upper(), re.sub(r"\{\w+\}", "{}", path)) for path, item in api["paths"].items() for method in item}
        self.names, self.words = set(), set()
        for value in (api, schema):
            self._walk(value)

    def has(self, method, path):
        return (method, path) in self.paths

    def _walk(self, value):
        if isinstance(value, list):
            for one in value:
                self._walk(one)
        elif isinstance(value, dict):
            if isinstance(value.get("properties"), dict):
                self.names |= set(value["properties"])
            if "in" in value and "name" in value:
                self.names.add(value["name"])
            if isinstance(value.get("enum"), list):
                self.words |= {it for it in value["enum"] if isinstance(it, str)}
            for one in value.values():
                self._walk(one)
