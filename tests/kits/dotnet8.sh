# dotnet8.sh: runs the tests of the .NET kit, as mono.sh compiled them, on the .NET 8 that a package of Python carries.
set -euo pipefail
cd "$KEEP/mono"

dotnet=$(find "$KEEP/venv/lib" -path '*/dnv/*' -name dotnet -type f)
chmod +x "$dotnet"
cp "$(pkg-config --libs nunit | tr ' ' '\n' | sed -n 's/^-r:\(.*nunit.framework.dll\)$/\1/p')" .
for program in Runner Orphan; do
    cat >"$program.runtimeconfig.json" <<'END'
{"runtimeOptions": {
    "framework": {"name": "Microsoft.NETCore.App", "version": "8.0.0"},
    "configProperties": {"System.Globalization.Invariant": true}
}}
END
done
timeout 150 "$dotnet" exec --runtimeconfig Runner.runtimeconfig.json Runner.exe "$PWD/Tests.dll" KitTests
