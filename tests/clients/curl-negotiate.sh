# curl: signing in with Negotiate, by GSSAPI with gss-ntlmssp, which wraps NTLM in SPNEGO as Windows does.

cd "$(dirname "$0")" || exit
source checks.sh
readonly secure='*<TestSecurityResult>secure</TestSecurityResult>*'
soap=$(body TestSecurity)

# curl looks for no Kerberos ticket.
NTLM_USER_FILE=$(mktemp)
export NTLM_USER_FILE KRB5CCNAME=FILE:/nonexistent KRB5_CONFIG=/dev/null
trap 'rm "$NTLM_USER_FILE"' EXIT
# negotiate DOMAIN USER PASSWORD ARGUMENTS…
negotiate() {
    echo "$1:$2:$3" >"$NTLM_USER_FILE"
    call TestSecurity "$soap" --negotiate --user : --include "${@:4}"
}

check "the right password" "$(negotiate CONTOSO mimservice "$PASSWORD")" \
    "HTTP/1.1 401 *Www-Authenticate: Negotiate [!T]*HTTP/1.1 200 OK*Www-Authenticate: Negotiate *Persistent-Auth: true*$secure"
check "a name and a password with umlauts" "$(negotiate CONTOSO zoë 'Schlüssel 2')" "$secure"
check "when asked for, by --anyauth" "$(negotiate CONTOSO mimservice "$PASSWORD" --anyauth)" "$secure"
check "a wrong password" "$(negotiate CONTOSO mimservice wrong)" '*HTTP/1.1 401 *Www-Authenticate: Negotiate
Www-Authenticate: NTLM
*'
check "an unknown account" "$(negotiate CONTOSO nobody "$PASSWORD")" '*HTTP/1.1 401 *Www-Authenticate: Negotiate
Www-Authenticate: NTLM
*'
