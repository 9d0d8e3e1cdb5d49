"""Static checks of the PowerShell module: its syntax, its exports, its help, and that it keeps to the admin API.

    powershell.py

Prints a line for each check, `ok      …` or `FAILED  …`. PowerShell itself runs nothing here: tree-sitter parses the files, and
the rest is read from their text.
"""
import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import tree_sitter_powershell
from contract import Contract, check
from tree_sitter import Language, Parser

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients" / "powershell"
MODULE = CLIENT / "Locmfa"
PUBLIC = sorted((MODULE / "Public").glob("*.ps1"))
SCRIPTS = sorted(path for pattern in ("*.ps1", "*.psm1", "*.psd1") for path in CLIENT.rglob(pattern))
PARSER = Parser(Language(tree_sitter_powershell.language()))
# Of Get-Verb in Windows PowerShell 5.1, those that the module uses or may use.
VERBS = set(
    "Add Approve Assert Clear Close Complete Confirm Connect Deny Disable Disconnect Enable Export Find Get Import Invoke "
    "Measure New Open Read Receive Remove Rename Request Reset Resolve Restart Restore Resume Send Set Start Stop Submit "
    "Suspend Test Update Wait Write".split()
)
# What PowerShell 7 has and 5.1 lacks.
LATER = {
    "a ternary": r"[)\w'\"] \? [^:\n]+ : ",
    "?? or ?.": r"\?\?|\$\{?\w+\}?\?\.",
    "a pipeline chain": r"(?<![&|])(?:&&|\|\|)(?![&|])",
    "-SkipHttpErrorCheck and its like": r"-Skip(?:HttpErrorCheck|CertificateCheck|HeaderValidation)",
    "-AsHashtable, -AsArray": r"-As(?:Hashtable|Array)\b",
    "ForEach-Object -Parallel": r"-Parallel\b",
    "Start-ThreadJob": r"Start-ThreadJob",
    "$IsWindows and its like": r"\$Is(?:Windows|Linux|MacOS|CoreCLR)\b",
    "clean blocks": r"^\s*clean\s*\{",
    "utf8NoBOM": r"utf8NoBOM|utf8BOM",
}
PROPERTIES_OF_READY = {"service", "admin", "authority", "wsdl", "pid", "version", "seed"}


def nodes(tree):
    """Every node of a tree."""
    waiting = [tree.root_node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def text(node):
    return node.text.decode("ascii", "replace")


def without_comments(source):
    """The code of a script: comments blanked."""
    source = re.sub(r"<#.*?#>", "", source, flags=re.DOTALL)
    return re.sub(r"(?m)(^|\s)#[^\n]*", r"\1", source)


def syntax():
    for path in SCRIPTS:
        name = path.relative_to(CLIENT)
        raw = path.read_bytes()
        check(f"{name} is ASCII, so that 5.1 reads it without a byte-order mark", [i for i, one in enumerate(raw) if one > 126], [])
        tree = PARSER.parse(raw)
        broken = [f"line {it.start_point[0] + 1}: {text(it)[:60]}" for it in nodes(tree) if it.type == "ERROR" or it.is_missing]
        check(f"{name} parses", broken, [])
        code = without_comments(raw.decode("ascii", "replace"))
        later = [what for what, pattern in LATER.items() if re.search(pattern, code, flags=re.MULTILINE)]
        check(f"{name} has nothing that 5.1 lacks", later, [])


def exports():
    manifest = (MODULE / "Locmfa.psd1").read_text()
    listed = re.findall(r"'(\w+-\w+)'", manifest.partition("FunctionsToExport")[2].partition(")")[0])
    check("the manifest exports the files of Public", sorted(listed), [it.stem for it in PUBLIC])
    check("the manifest exports nothing by a wildcard", re.findall(r"ToExport\s*=\s*'\*'", manifest), [])
    view = ElementTree.parse(MODULE / "Locmfa.Format.ps1xml")
    formatted = {it.text for it in view.iter("TypeName")}
    given = set(re.findall(r"'(Locmfa\.\w+)'", "".join(it.read_text() for it in SCRIPTS)))
    check("each format is of a type that a command gives", sorted(formatted - given), [])


def commands():
    for path in PUBLIC:
        name, source = path.stem, path.read_text()
        tree = PARSER.parse(source.encode())
        functions = [text(it.children[1]) for it in nodes(tree) if it.type == "function_statement"]
        check(f"{name} is the one function of its file", functions, [name])
        check(f"{name} has an approved verb", name.partition("-")[0] in VERBS, True)
        help_text = source.partition("<#")[2].partition("#>")[0]
        check(f"{name} has a synopsis and an example", [it for it in (".SYNOPSIS", ".EXAMPLE") if it not in help_text], [])
        body = source.partition("#>")[2]
        declared = declared_parameters(tree)
        check(f"{name} describes its parameters", sorted(declared ^ set(re.findall(r"\.PARAMETER (\w+)", help_text))), [])
        changes = re.search(r"Invoke-LocmfaApi '(?:PUT|POST|PATCH|DELETE)'|Start-Program|Invoke-Act", body)
        asks = {"Test-LocmfaScenario"}
        check(f"{name} takes -WhatIf if it changes something", bool(changes and name not in asks) <= ("SupportsShouldProcess" in body), True)


def declared_parameters(tree):
    return {
        text(child).lstrip("$")
        for node in nodes(tree) if node.type == "script_parameter"
        for child in node.children if child.type == "variable"
    }


def api(contract):
    """Paths, names in queries and bodies, and members of answers: all of them stand in the description."""
    source = "\n".join(without_comments(it.read_text()) for it in SCRIPTS if MODULE in it.parents)
    asked = re.findall(r"Invoke-LocmfaApi '(\w+)' ['\"](/[^'\"\n]*)['\"]", source)
    asked += [("GET", path) for path in re.findall(r"Read-List '(/[^']*)'", source)]
    check("the module asks something", len(asked) > 20, True)
    unknown = sorted({f"{method} {path}" for method, path in asked if not contract.has(method, re.sub(r"\$\((?:[^()]|\([^()]*\))*\)|\$\w+", "{}", path))})
    check("every path that the module asks stands in docs/openapi.json", unknown, [])
    # By convention, names of the API begin with a small letter, and those of PowerShell and .NET with a capital.
    members = set(re.findall(r"\$\w+\.([a-z]\w*)\b(?!\()", source)) | set(re.findall(r"\)\.([a-z]\w*)\b(?!\()", source))
    members |= set(re.findall(r"Get-Field \$\w+ '([a-z]\w*)'", source)) | set(re.findall(r"\$_\.([a-z]\w*)", source))
    keys = set(re.findall(r"[{;]\s*([a-z]\w*) = ", source))
    formats = {it.text for it in ElementTree.parse(MODULE / "Locmfa.Format.ps1xml").iter("PropertyName") if it.text[0].islower()}
    # The ready file, the service's own fields, and the mistakes of a problem, which are free in the description.
    others = PROPERTIES_OF_READY | {"callResult", "error", "line", "severity", "help"}
    known = contract.names | contract.words | others
    check("every name that the module uses stands in docs/openapi.json or the schema of scenarios", sorted((members | keys | formats) - known), [])
    words = re.search(r"\$outcomes = \{.*?\n(.*?)\|", source, flags=re.DOTALL)[1]
    check("every outcome that is completed is a word of scenarios", sorted(set(re.findall(r"'([\w-]+)'", words)) - contract.words), [])


def documentation():
    """The blocks of all pages parse in 5.1 and read text as UTF-8; those of docs/powershell.md use what the module has."""
    for path in sorted((ROOT / "docs").glob("*.md")):
        blocks = [textwrap.dedent(it) for it in re.findall(r"^ *```powershell\n(.*?)^ *```", path.read_text(), flags=re.DOTALL | re.MULTILINE)]
        # The grammar has no lists of bare words.
        parsed = [re.sub(r"(Format-(?:Table|List)) [\w, ]+", r"\1", it) for it in blocks]
        broken = [text(it)[:60] for block in parsed for it in nodes(PARSER.parse(block.encode())) if it.type == "ERROR" or it.is_missing]
        later = [name for block in blocks for name, pattern in LATER.items() if re.search(pattern, without_comments(block), flags=re.MULTILINE)]
        unread = [line for block in blocks for line in block.splitlines() if "Get-Content" in line and "-Encoding UTF8" not in line]
        if blocks:
            check(f"the blocks of docs/{path.name} parse", broken, [])
            check(f"the blocks of docs/{path.name} have nothing that 5.1 lacks", later, [])
            check(f"the blocks of docs/{path.name} read text as UTF-8", unread, [])
    page = (ROOT / "docs" / "powershell.md").read_text()
    blocks = re.findall(r"```powershell\n(.*?)```", page, flags=re.DOTALL)
    known = {it.stem: declared_parameters(PARSER.parse(it.read_bytes())) for it in PUBLIC}
    for number, block in enumerate(blocks, 1):
        wrong = []
        for line in without_comments(block).splitlines():
            for command, rest in re.findall(r"(\w+-Locmfa\w+)([^|;)}]*)", line):
                given = set(re.findall(r"\s-([A-Z]\w*)", rest))
                wrong += [command] if command not in known else [f"{command} -{it}" for it in given - known[command] - COMMON]
        check(f"block {number} of docs/powershell.md uses what the module has", wrong, [])
    check("docs/powershell.md names every command", [it for it in known if it not in page], [])


COMMON = {"WhatIf", "Confirm", "Verbose", "ErrorAction", "ErrorVariable", "WarningVariable", "WarningAction"}

if __name__ == "__main__":
    the_contract = Contract()
    syntax()
    exports()
    commands()
    api(the_contract)
    documentation()
    sys.exit(0)
