# curl: finding out by itself that NTLM is the way in.

cd "$(dirname "$0")" || exit
source checks.sh
soap=$(body TestSecurity)

check "the right password, by --anyauth" "$(call TestSecurity "$soap" --anyauth --user "$ACCOUNT:$PASSWORD" --include)" \
    'HTTP/1.1 401 *Www-Authenticate: NTLM
*HTTP/1.1 401 *Www-Authenticate: NTLM TlRMTVNTUAACAAAA*HTTP/1.1 200 OK*<TestSecurityResult>secure<*'
check "a wrong password, by --anyauth" "$(call TestSecurity "$soap" --anyauth --user "$ACCOUNT:wrong" --output /dev/null --write-out '%{http_code}')" 401
