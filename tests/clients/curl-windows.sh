# curl: signing in with NTLM, which curl speaks itself.

cd "$(dirname "$0")" || exit
source checks.sh
readonly secure='*<TestSecurityResult>secure</TestSecurityResult>*'
readonly offers='HTTP/1.1 401 *Www-Authenticate: Negotiate
Www-Authenticate: NTLM
*'
soap=$(body TestSecurity)
ntlm() { call TestSecurity "$soap" --ntlm --user "$1" "${@:2}"; }

check "no credentials" "$(call TestSecurity "$soap" --include)" "$offers"
check "no credentials, for the description" "$(ask --include "$SERVICE?WSDL")" "$offers"
for name in "$ACCOUNT" "${ACCOUNT#*\\}" "${ACCOUNT#*\\}@contoso.com"; do
    check "$name" "$(ntlm "$name:$PASSWORD")" "$secure"
done
check "the three legs" "$(ntlm "$ACCOUNT:$PASSWORD" --include)" \
    "HTTP/1.1 401 *Www-Authenticate: NTLM TlRMTVNTUAACAAAA*HTTP/1.1 200 OK*Persistent-Auth: true*$secure"
check "the description" "$(ask --ntlm --user "$ACCOUNT:$PASSWORD" "$SERVICE?WSDL" | sum)" \
    "$("$LOCMFA" wsdl --address "$SERVICE" | tr -d '\r' | sum)"
check "Expect: 100-continue" "$(ntlm "$ACCOUNT:$PASSWORD" --header 'Expect: 100-continue')" "$secure"
check "chunked" "$(ntlm "$ACCOUNT:$PASSWORD" --header 'Transfer-Encoding: chunked')" "$secure"
check "PfAuthUser_5, and the user presses #" \
    "$(call PfAuthUser_5 "$(pf_auth_user 4255550100 unspecified)" --ntlm --user "$ACCOUNT:$PASSWORD")" '*<PfAuthUser_5Result>true<*<Code>2</Code>*'
check "a wrong password" "$(ntlm "$ACCOUNT:wrong" --include)" "*TlRMTVNTUAACAAAA*$offers"
check "an unknown account" "$(ntlm "nobody:$PASSWORD" --include)" "*TlRMTVNTUAACAAAA*$offers"
check "another domain" "$(ntlm "FABRIKAM\\mimservice:$PASSWORD" --include)" "*TlRMTVNTUAACAAAA*$offers"
check "an account outside the group" "$(ntlm 'CONTOSO\guest:Besuch-1' --include)" '*TlRMTVNTUAACAAAA*HTTP/1.1 401 *'
check "Basic, which is not offered" "$(call TestSecurity "$soap" --user "$ACCOUNT:$PASSWORD" --include)" "$offers"
