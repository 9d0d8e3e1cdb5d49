# curl: the faults of rules and of TLS.

cd "$(dirname "$0")" || exit
source checks.sh
readonly well='*<UserExistsResult>true</UserExistsResult>*'

# user NAME ARGUMENTS…: a call that names the user who brings a fault about.
user() { call UserExists "$(body UserExists "<username>$1</username>")" --user "$ACCOUNT:$PASSWORD" "${@:2}"; }

# faulty NAME WANTED ARGUMENTS…: what curl says of a fault; the next call is well.
faulty() {
    check "$1" "$(user "$1" --output /dev/null --write-out '%{http_code} %{exitcode}' "${@:3}")" "$2"
    check "after $1" "$(user well)" "$well"
}
faulty reset '*\(56) Recv failure: Connection reset by peer*000 56'
faulty close '*\(52) Empty reply from server*000 52'
# curl takes the end of the connection for the end of the headers.
faulty mid-header '200 0'
faulty mid-body '*\(18) transfer closed with * bytes remaining to read*200 18'
faulty bad-chunks '*\(56) *chunked*200 56'
faulty truncated '200 0'
faulty garbage '200 0'
faulty content-type '200 0'
faulty page-200 '200 0'
faulty page-500 '500 0'
faulty oversized '200 0'
faulty drip '*\(28) Operation timed out*200 28' --max-time 2
faulty sign-in '401 0'
faulty retry-after '503 0'
check "the body of mid-header" "$(user mid-header | wc --bytes)" 0
check "the length of oversized" "$(user oversized --output /dev/null --write-out '%{size_download}')" 5000000
check "the time to try again" "$(user retry-after --include)" '*Retry-After: 120*'
check "the offers of a refused sign-in" "$(user sign-in --include)" '*Www-Authenticate: Basic*'

# Faults of TLS.
switch() {
    curl --disable --silent --show-error --max-time 20 --output /dev/null --request PUT \
        --json "{\"fault\": \"$1\", \"lasts\": \"1m\"}" "$ADMIN/tls-fault"
}
# tls NAME WANTED: what curl says of a fault of TLS.
tls() {
    switch "$1"
    check "TLS: $1" "$(user well)" "curl: $2"
}
tls refused '\(35) *handshake failure*'
tls expired '\(60) *certificate has expired*'
tls wrong-name '\(60) *no alternative certificate subject name matches*'
tls unknown-authority '\(60) *unable to get local issuer certificate*'
tls protocol-version '\(35) *protocol version*'
tls reset '\(35) *reset by peer*'
curl --disable --silent --request DELETE "$ADMIN/tls-fault"
check "after the faults of TLS" "$(user well)" "$well"
