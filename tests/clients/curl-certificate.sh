# curl: signing in with a client certificate, which openssl makes.

cd "$(dirname "$0")" || exit
source checks.sh
soap=$(body TestSecurity)
made=$(mktemp -d)
trap 'rm -r "$made"' EXIT

# certificate NAME ISSUER: a certificate for CN=NAME in NAME.pem, with its key.
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$made/$1.key" -out "$made/$1.csr" 2>/dev/null
    openssl x509 -req -days 1 -in "$made/$1.csr" -CA "$2.pem" -CAkey "$2-key.pem" \
        -extfile <(echo extendedKeyUsage=clientAuth) -out "$made/$1.crt" 2>/dev/null
    cat "$made/$1.crt" "$made/$1.key" >"$made/$1.pem"
}
shows() { call TestSecurity "$soap" --cert "$made/$1.pem" --include; }

certificate mimservice "${AUTHORITY%.pem}"
check "the certificate of an account" "$(shows mimservice)" 'HTTP/1.1 200 *<TestSecurityResult>secure<*'
certificate stranger "${AUTHORITY%.pem}"
check "a certificate of no account" "$(shows stranger)" 'HTTP/1.1 403 *'
certificate guest "${AUTHORITY%.pem}"
check "the certificate of an account outside the group" "$(shows guest)" 'HTTP/1.1 401 *'
check "no certificate" "$(call TestSecurity "$soap" --include)" 'HTTP/1.1 403 *'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -keyout "$made/other-key.pem" -out "$made/other.pem" 2>/dev/null
certificate mimservice "$made/other"
check "the account's name, from another authority" "$(shows mimservice)" 'HTTP/1.1 403 *'

# Version 1 has no extensions, and rustls does not read it: it gets an answer all the same.
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=mimservice -keyout "$made/old.key" -out "$made/old.csr" 2>/dev/null
openssl x509 -req -days 1 -in "$made/old.csr" -CA "$AUTHORITY" -CAkey "${AUTHORITY%.pem}-key.pem" -out "$made/old.crt" 2>/dev/null
cat "$made/old.crt" "$made/old.key" >"$made/old.pem"
check "a certificate of version 1" "$(shows old)" 'HTTP/1.1 403 *'
