"""The libraries in the program: what `.ci/licences` and `.ci/sbom` list."""

import json
import subprocess


class Linked:
    """The packages that are linked into the program for a triple."""

    def __init__(self, triple):
        command = ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform", triple]
        metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        self._packages = {package["id"]: package for package in metadata["packages"]}
        self._nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        root = metadata["resolve"]["root"]
        found, left = set(), [root]
        while left:
            node = left.pop()
            if node not in found:
                found.add(node)
                left += self._needed(node)
        self.program = self._packages[root]
        #: Without the program itself, by name and version.
        self.libraries = sorted((self._packages[it] for it in found - {root}), key=lambda it: (it["name"], it["version"]))

    def _needed(self, node):
        # Neither what tests need nor what only builds.
        return [it["pkg"] for it in self._nodes[node]["deps"] if any(kind["kind"] is None for kind in it["dep_kinds"])]

    def needs(self, package):
        """The packages that a package links."""
        return [self._packages[it] for it in self._needed(package["id"])]
