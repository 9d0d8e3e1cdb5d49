# mono.sh: compiles the .NET kit with Mono's mcs, and runs its tests and the story under NUnit against the program LOCMFA.
set -euo pipefail
cd "$(dirname "$0")/../../clients/dotnet"

readonly made=$KEEP/mono
rm -rf "$made"
mkdir -p "$made"

compile() { timeout 120 mcs -nologo -langversion:7 -warn:4 -warnaserror "$@" >"$made/log" 2>&1 || { cat "$made/log"; exit 1; }; }

compile -target:library -d:NET472 -r:System.Net.Http -r:System.Runtime.Serialization -r:System.IdentityModel \
    -r:System.Xml -r:System.Xml.Linq "-out:$made/Locmfa.Testing.dll" Locmfa.Testing/*.cs
# What netstandard2.0 has: without the validator of WCF.
compile -target:library -r:System.Net.Http -r:System.Runtime.Serialization \
    -r:System.Xml -r:System.Xml.Linq "-out:$made/netstandard.dll" Locmfa.Testing/*.cs
compile -target:library -r:System.ServiceModel -r:System.IdentityModel "-out:$made/Locmfa.Sdk.dll" Locmfa.Sdk/*.cs
compile "-out:$made/Orphan.exe" "-r:$made/Locmfa.Testing.dll" Tests/Orphan.cs
compile "-out:$made/Runner.exe" Tests/Runner.cs
compile -target:library "-out:$made/Tests.dll" "-r:$made/Locmfa.Testing.dll" "-r:$made/Locmfa.Sdk.dll" -r:System.Net.Http \
    -r:System.ServiceModel -r:System.IdentityModel -pkg:nunit Tests/Story.cs Tests/KitTests.cs ../powershell/Locmfa/Private/Trust.cs
echo "ok      the kit, the contract and their tests compile without a warning"

# The type that the PowerShell module compiles, in the C# 5 of Windows PowerShell.
compile -langversion:5 -target:library -r:System.Net.Http "-out:$made/Trust.dll" ../powershell/Locmfa/Private/Trust.cs
echo "ok      the type of the PowerShell module compiles as C# 5"

python3 - "$made/Page.cs" ../../docs/dotnet.md <<'END'
import re, sys
block = re.search(r"```csharp\n(.*?)```", open(sys.argv[2], encoding="utf-8").read(), flags=re.DOTALL)[1]
using = "".join(f"using {it};\n" for it in ("System.Net", "System.Threading.Tasks", "Locmfa.Sdk", "Locmfa.Testing", "NUnit.Framework"))
open(sys.argv[1], "w", encoding="utf-8").write(f"{using}class Page {{ async Task Test() {{\n{block}}} }}\n")
END
compile -target:library "-out:$made/Page.dll" "-r:$made/Locmfa.Testing.dll" "-r:$made/Locmfa.Sdk.dll" -r:System.ServiceModel \
    -r:System.IdentityModel -pkg:nunit "$made/Page.cs"
echo "ok      the test of docs/dotnet.md compiles"

cd "$made"
timeout 150 nunit-console -nologo -noshadow -nodots Tests.dll >nunit.log 2>&1 || true
python3 - <<'END'
import xml.etree.ElementTree as ElementTree
for case in ElementTree.parse("TestResult.xml").iter("test-case"):
    passed = case.get("success") == "True"
    print("ok     " if passed else "FAILED ", case.get("name").replace("_", " "))
    if not passed:
        print("       ", (case.findtext(".//message") or "it did not run")[:2000])
END
echo "$(grep -vcE '^\s*(//.*)?$' "$OLDPWD/Tests/Story.cs") lines of test code tell the story"
