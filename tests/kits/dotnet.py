"""Static checks of the .NET kit: the generated contract is current, and the kit keeps to the admin API.

    dotnet.py

Prints a line for each check, `ok      …` or `FAILED  …`.
"""
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from contract import ROOT, Contract, check

CLIENT = ROOT / "clients" / "dotnet"
KIT = sorted((CLIENT / "Locmfa.Testing").glob("*.cs"))
# Members of the ready file, and of the mistakes of a problem, which are free in the description.
OTHERS = {"service", "admin", "authority", "line", "severity", "help", "mistakes"}


def snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def generated():
    made = subprocess.run([sys.executable, CLIENT / "Locmfa.Sdk" / "generate.py", "--check"], capture_output=True, text=True, check=False)
    check("Locmfa.Sdk/PfWsSdk.cs is what the description of the service says", made.stderr, "")
    source = (CLIENT / "Locmfa.Sdk" / "PfWsSdk.cs").read_text()
    check("it has 105 operations, synchronous and asynchronous", source.count("[OperationContract("), 210)


def api():
    contract = Contract()
    source = re.sub(r"//[^\n]*", "", "\n".join(it.read_text() for it in KIT))
    # Each path stands beside the method of the kit that asks it.
    asked = [("GET", path) for path in re.findall(r'GetAsync\(At\(\$?"([^"]+)"\)', source)]
    asked += [("GET", path) for path in re.findall(r'var query = AdminApi\.Query\(At\("([^"]+)"\)', source)]
    asked += [("POST", path) for path in re.findall(r'PostAsync\((?:AdminApi\.Query\()?At\(\$?"([^"]+)"\)', source)]
    asked += [("PUT", path) for path in re.findall(r'HttpMethod\.Put, At\("([^"]+)"\)', source)]
    asked += [("DELETE", path) for path in re.findall(r'HttpMethod\.Delete, At\("([^"]+)"\)', source)]
    asked += [("POST", path + "{}") for path in re.findall(r'PostAsync\(AdminApi\.Query\(At\("([^"]+)" \+', source)]
    asked += [("DELETE", path + "{}") for path in re.findall(r'HttpMethod\.Delete, "([^"]+)" \+', source)]
    asked += [("PUT", path + "{}") for path in re.findall(r'var path = "([^"]+)" \+ SpaceName', source)]
    found = set(re.findall(r'At\(\$?"([^"]+)"\)', source)) | {"spaces/"}
    check("each path of the kit is looked at", sorted(found - {path for _, path in asked} - {path.removesuffix("{}") for _, path in asked}), [])
    unknown = sorted(f"{method} /{path}" for method, path in asked if not contract.has(method, "/" + re.sub(r"\{[^}]+\}", "{}", path)))
    check("every path that the kit asks stands in docs/openapi.json", unknown, [])
    members = set(re.findall(r'\.(?:Text|Number|Moment|Element)\("(\w+)"\)', source))
    for body in re.findall(r"new \{([^{}]*)\}", source):
        members |= {it.split("=")[0].strip() for it in body.split(",") if it.strip()}
    for name in ("LocmfaUser", "LocmfaExpectation"):
        body = source.partition(f"class {name}")[2].partition("\n    }")[0]
        members |= {snake(it) for it in re.findall(r"public [\w?]+ (\w+) \{ get; set; \}", body)}
    check("the kit uses some names", len(members) > 40, True)
    known = contract.names | contract.words | OTHERS
    check("every name that the kit uses stands in docs/openapi.json or the schema of scenarios", sorted(members - known), [])


def projects():
    for path in sorted(CLIENT.rglob("*.csproj")):
        project = ElementTree.parse(path).getroot()
        name = path.relative_to(CLIENT)
        check(f"{name} is an SDK project that says it is not built here", ("Sdk" in project.attrib, "Not built" in path.read_text()), (True, True))
    kit = ElementTree.parse(CLIENT / "Locmfa.Testing" / "Locmfa.Testing.csproj")
    check("the kit depends on the framework alone", [it.get("Include") for it in kit.iter("PackageReference")], [])
    check("the kit is C# 7.0 for netstandard2.0 and net472", (kit.findtext(".//LangVersion"), kit.findtext(".//TargetFrameworks")), ("7.0", "netstandard2.0;net472"))


generated()
api()
projects()
