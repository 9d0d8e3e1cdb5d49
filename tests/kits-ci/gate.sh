#!/usr/bin/env bash
# The text gate of Identity Manager, 200 times on a slow morning on which one message in ten is lost:
# `tests/kits-ci/gate.sh [SEED]`. It ends with 1 at the first time that the gate stays shut, and prints the seed and the
# number of that time. With that seed it stays shut at the same time again. LOCMFA is the program, where it is not on the
# PATH.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap '{ locmfa stop || true; } >/dev/null 2>&1; rm -rf "$work"' EXIT
locmfa() { command "${LOCMFA:-locmfa}" "$@"; }
export LOCMFA_READY_FILE=$work/ready.json LOCMFA_PASSWORD=any

# The slow answers are jumped over; which messages are lost stays the same.
cp scenarios/lost-texts.yaml "$work/lost-texts.yaml"
printf 'use: lost-texts.yaml\nclock: auto\n' >"$work/scenario.yaml"
locmfa serve "$work/scenario.yaml" ${1:+--seed "$1"} --http --listen 127.0.0.1:0 --admin 127.0.0.1:0 2>"$work/log" &
locmfa wait >/dev/null
member() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$LOCMFA_READY_FILE"; }
seed=$(member seed)
echo "seed $seed"

for ((time = 1; time <= 200; time++)); do
    number="1 42555501$((time % 20 + 60))"
    if ! locmfa mim call --gate text --code 123456 --number "$number" --url "$(member service)" \
        --account 'CONTOSO\mimservice' >"$work/gate" 2>&1; then
        echo "time $time, number +$number: the gate stayed shut"
        grep -E 'call result|Code|120|locmfa:' "$work/gate" || cat "$work/gate"
        locmfa call "$(locmfa calls --limit 1 --json | sed -n 's/^ *"seq": \([0-9]*\),$/\1/p' | tail -n 1)" --explain |
            grep chance
        exit 1
    fi
done
echo "the gate opened 200 times"
