#!/usr/bin/env bash
# Two jobs at the same time with the same user, each in a space of its own: one expects that the line is busy, the
# other types the code of a text message. Each sets its scene by the admin API, waits instead of polling, and verifies.
set -euo pipefail
source "$(dirname "$0")/checks.sh"
export LOCMFA_ADMIN=$ADMIN
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# in_space NAME: makes a space, and turns to it.
in_space() {
    "$LOCMFA" space new "$1" >/dev/null
    SPACE=$1
    SERVICE=${SERVICE/\/MultiFactor//~$1/MultiFactor}
}

busy() {
    in_space busy
    "$LOCMFA" rule add --space busy '{when: {user: anna}, outcome: busy, after: 0s}' >/dev/null
    call PfAuthUser_4 "$(body PfAuthUser_4 '<username>anna</username>')" >"$work/called"
    "$LOCMFA" verify --space "$SPACE" --wait 20s /dev/stdin <<'YAML'
- {name: Anna was called once and was busy, where: {operation: PfAuthUser_4, username: anna, call_result: 101}, exactly: 1}
- {name: no message went out, kind: message, exactly: 0}
YAML
}

text() {
    in_space text
    "$LOCMFA" users change anna mode=smsText --space text >/dev/null
    # A new space holds no other message, so that it does not matter which comes first, the wait or the message.
    ask "$ADMIN/~text/messages?username=anna&wait=20s" >"$work/message" &
    call PfAuthUser_4 "$(body PfAuthUser_4 '<username>anna</username>')" >"$work/sent"
    wait $!
    code=$(sed 's/.*"code":"\([0-9]*\)".*/\1/' "$work/message")
    call ValidatePasscode "$(body ValidatePasscode "<username>anna</username><passcode>$code</passcode>")" >"$work/typed"
    "$LOCMFA" verify --space "$SPACE" --wait 20s /dev/stdin <<'YAML'
in_order: true
expect:
  - {name: the message went out, where: {operation: PfAuthUser_4, username: anna, call_result: 20}, exactly: 1}
  - {name: its code was right, where: {operation: ValidatePasscode, outcome: "true*"}, exactly: 1, within: 1m}
YAML
}

busy >"$work/busy" 2>&1 &
first=$!
text >"$work/text" 2>&1 &
second=$!
wait $first || true
wait $second || true
check "the job that expects busy passes" "$(<"$work/busy")" "All 2 expectations came true."
check "the job that types a code passes" "$(<"$work/text")" "All 2 expectations came true."
check "one caller hears that the line is busy" "$(<"$work/called")" "*<Code>101</Code>*"
check "the other one that a message is out" "$(<"$work/sent")" "*<Code>20</Code>*"
check "and that its code is right" "$(<"$work/typed")" "*<ValidatePasscodeResult>true<*"

# A failure as a stranger reads it.
failed=$("$LOCMFA" verify --space busy /dev/stdin 2>&1 <<'YAML' || true
- {name: Anna signed in, where: {operation: PfAuthUser*, username: anna, call_result: 2}}
YAML
)
printf '%s\n' "$failed" | sed 's/^/        /'
check "a failure tells what was there instead" "$failed" "Expected Anna signed in: *call_result: expected 2, was 101*"
