# mono.sh LANE: makes proxies of the running service, compiles the lane against them, plays it.
set -euo pipefail
cd "$(dirname "$0")"

readonly made=$KEEP/mono
mkdir -p "$made"
# Mono trusts what its home directory says.
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT

quietly() { timeout 60 "$@" >"$made/log" 2>&1 || { cat "$made/log"; exit 1; }; }
proxy() { quietly wsdl -nologo -username:"$ACCOUNT" -password:"$PASSWORD" "-namespace:$1" "-protocol:$2" "-out:$made/$1.cs" "$3"; }
compile() { quietly mcs -nologo -warn:0 -r:System.Web.Services -r:Mono.Security "$@"; }

quietly cert-sync --user "$AUTHORITY"
# As a developer does it, from the description; and as New-WebServiceProxy does it, from the bare URL.
proxy Soap11 SOAP "$SERVICE?WSDL"
proxy Soap12 SOAP12 "$SERVICE"
compile -target:library "-out:$made/PfWsSdk.dll" "$made/Soap11.cs" "$made/Soap12.cs"
compile "-r:$made/PfWsSdk.dll" "-out:$made/$1.exe" "$1.cs" checks.cs
mono "$made/$1.exe"
