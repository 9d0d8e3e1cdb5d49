#!/usr/bin/env bash
# The story that the clients in all languages tell, with the command line: a text gate and a phone gate, as Identity
# Manager calls them. URL is the service, AUTHORITY the file of its authority, LOCMFA_ADMIN the admin API. LOCMFA is the
# program, where it is not on the PATH.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
locmfa() { command "${LOCMFA:-locmfa}" "$@"; }

# call OPERATION NAME=VALUE…: the program under test. Prints the result and the code of callResult.
call() {
    local operation=$1 body='' answer
    for it in "${@:2}"; do body+="<${it%%=*}>${it#*=}</${it%%=*}>"; done
    body="<$operation xmlns=\"http://www.phonefactor.com/PfWsSdk\">$body</$operation>"
    answer=$(curl --silent --show-error --fail --noproxy '*' --cacert "$AUTHORITY" \
        --header 'Content-Type: text/xml; charset=utf-8' \
        --header "SOAPAction: \"http://www.phonefactor.com/PfWsSdk/$operation\"" --data \
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>$body</s:Body></s:Envelope>" "$URL")
    sed -n "s/.*<${operation}Result>\([a-z]*\)<.*/\1/p" <<<"$answer" | tr '\n' ' '
    sed -n 's/.*<callResult><Code>\([0-9]*\)<.*/\1/p' <<<"${answer//$'\n'/}"
}

# expect TEXT COMMAND…
expect() {
    local expected=$1 actual
    actual=$("${@:2}" | xargs)
    [[ $actual == "$expected" ]] || { echo "expected \"$expected\" of ${*:2}, was \"$actual\"" >&2; exit 1; }
}

# The story: begin
number='+1 425 555 0100'
expect 'true 20' call PfAuthUser_5 username=mimservice mode=smsText phoneNumber="$number"
code=$(locmfa messages to="$number" --wait 30s --json | sed -n 's/.*"code": "\([0-9]*\)".*/\1/p')
expect 'true' call ValidatePasscode username=mimservice passcode="$code"

locmfa rule add '{first: {outcome: busy, times: 1}, then: {person: decides}}'
expect 'false 101' call PfAuthUser_5 username=mimservice mode=voiceCall phoneNumber="$number"
expect 'true 2' call PfAuthUser_5 username=mimservice mode=voiceCall phoneNumber="$number" &
locmfa phone list --wait 30s
locmfa phone answer
locmfa phone press '#'
wait $!

locmfa verify - --wait 30s <<'END'
- {where: {operation: ValidatePasscode, outcome: "true*"}, exactly: 1}
- {where: {operation: PfAuthUser*, call_result: 2}, exactly: 1}
END
# The story: end
