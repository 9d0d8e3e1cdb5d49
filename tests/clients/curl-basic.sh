# curl: signing in with Basic, and the wire as it is.

cd "$(dirname "$0")" || exit
source checks.sh
readonly secure='*<TestSecurityResult>secure</TestSecurityResult>*'
readonly me="$ACCOUNT:$PASSWORD"
soap=$(body TestSecurity)

# Signing in.
check "the right password" "$(call TestSecurity "$soap" --user "$me")" "$secure"
check "the account as a principal name" "$(call TestSecurity "$soap" --user "mimservice@contoso.com:$PASSWORD")" "$secure"
for who in "a wrong password=$ACCOUNT:wrong" "an unknown account=nobody:$PASSWORD" "an account outside the group=CONTOSO\\guest:Besuch-1"; do
    check "${who%%=*}" "$(call TestSecurity "$soap" --user "${who#*=}" --include)" 'HTTP/1.1 401 *Basic realm="?*"*'
done
check "no password" "$(call TestSecurity "$soap" --include)" 'HTTP/1.1 401 *Basic realm="?*"*'
check "no password for the description" "$(status "$SERVICE?WSDL")" 401
check "the password when asked for, by --anyauth" "$(call TestSecurity "$soap" --user "$me" --anyauth)" "$secure"

# TLS.
check "an authority that is not trusted" "$(curl --disable --silent --max-time 20 "$SERVICE"; echo $?)" 60
name=${SERVICE#https://localhost:}
check "a name that the certificate lacks" \
    "$(ask --output /dev/null --write-out '%{exitcode}' --connect-to ::localhost: "https://mfa.example:$name" | tail -n 1)" '*60'
check "TLS 1.2" "$(status --tls-max 1.2 --user "$me" "$SERVICE")" 200
check "TLS 1.3 and HTTP/1.1, though curl offers 2" \
    "$(ask --tlsv1.3 --http2 --output /dev/null --write-out '%{http_version}' --user "$me" "$SERVICE")" 1.1

# From here on, signed in.
as_me() { ask --user "$me" "$@"; }

# Calls.
check "PfAuthUser_5, and the user presses #" "$(call PfAuthUser_5 "$(pf_auth_user 4255550100 unspecified)" --user "$me")" \
    '*<PfAuthUser_5Result>true<*<Code>2</Code><Description>No PIN Entered<*<authenticationRequestId>????????????????????????????????<*'
check "PfAuthUser_5, and the user denies" "$(call PfAuthUser_5 "$(pf_auth_user 4255550130 unspecified)" --user "$me")" \
    '*<PfAuthUser_5Result>false<*<Code>108</Code>*<error><Code>12</Code><Description>Multi-Factor Authentication denied.<*'
soap12=${soap/http:\/\/schemas.xmlsoap.org\/soap\/envelope\//http:\/\/www.w3.org\/2003\/05\/soap-envelope}
check "SOAP 1.2" "$(as_me --include --header "Content-Type: application/soap+xml; charset=utf-8; action=\"$NAMESPACE/TestSecurity\"" \
    --data-binary "$soap12" "$SERVICE")" "*Content-Type: application/soap+xml; charset=utf-8*2003/05/soap-envelope*$secure"
utf16=$(mktemp)
body UserExists '<username>Änna</username>' | sed 's/utf-8/utf-16/' | iconv -t utf-16 >"$utf16"
check "UTF-16" "$(TYPE='text/xml; charset=utf-16' call UserExists "@$utf16" --user "$me")" '*"Änna"*'
rm "$utf16"
check "a reply with letters that XML escapes" \
    "$(call GetUserSettings_3 "$(body GetUserSettings_3 '<username>anna</username>')" --user "$me")" '*<LastName>Höll &amp; Söhne</LastName>*'
check "Expect: 100-continue" "$(call TestSecurity "$soap" --user "$me" --header 'Expect: 100-continue' --include)" \
    "HTTP/1.1 100 Continue*HTTP/1.1 200 OK*$secure"
check "chunked" "$(call TestSecurity "$soap" --user "$me" --header 'Transfer-Encoding: chunked')" "$secure"
check "two calls on one connection" \
    "$(as_me --output /dev/null --write-out '%{num_connects} ' "$SERVICE" --next --disable --silent --cacert "$AUTHORITY" --user "$me" \
        --output /dev/null --write-out '%{num_connects} ' "$SERVICE")" '1 0 '
check "headers, in the order of IIS" \
    "$(call TestSecurity "$soap" --user "$me" --include | sed '/^$/Q; s/^Date: .* GMT$/Date: now/' | tr '\n' '|')" \
    'HTTP/1.1 200 OK|Cache-Control: private, max-age=0|Content-Type: text/xml; charset=utf-8|Server: Microsoft-IIS/10.0|X-Asp[Nn]et-Version: 4.0.30319|X-Powered-By: ASP.NET|Date: now|Content-Length: 381|'

# What is no call.
check "an unknown SOAPAction" "$(call Nope "$soap" --user "$me")" "*<faultcode>soap:Client<*SOAPAction: $NAMESPACE/Nope.<*"
check "a value that is none of the enumeration" "$(call PfAuthUser_5 "$(pf_auth_user 4255550100 telepathy)" --user "$me")" \
    "*<faultcode>soap:Client<*Instance validation error: 'telepathy' is not a valid value for Mode3.<*"
check "malformed XML" "$(call TestSecurity "<soap" --user "$me" --include | sed '/^$/q' | tr '\n' '|')" 'HTTP/1.1 400 *|Content-Length: 0||'
check "a content type that is not SOAP's" \
    "$(TYPE=application/json call TestSecurity "$soap" --user "$me" --include)" 'HTTP/1.1 415 *' 
check "no length" "$(status --user "$me" --request POST "$SERVICE")" 411
check "a body past the limit" "$(head -c 4194305 /dev/zero | status --user "$me" --data-binary @- "$SERVICE")" 413
check "PUT" "$(status --user "$me" --request PUT --data x "$SERVICE")" 405

# What a browser sees, and what tools read.
check "the help page, with the link that New-WebServiceProxy follows" "$(as_me "$SERVICE")" \
    "*<link rel=\"alternate\" type=\"text/xml\" href=\"$SERVICE?disco\" />*"
check "the page of an operation" "$(as_me "$SERVICE?op=PfAuthUser_5")" '*initiatingAuthenticationType*'
check "the discovery document" "$(as_me "$SERVICE?disco")" "*contractRef ref=\"$SERVICE?wsdl\"*"
check "the description is that of locmfa wsdl" "$(as_me "$SERVICE?WSDL" | sum)" "$("$LOCMFA" wsdl --address "$SERVICE" | tr -d '\r' | sum)"
check "HTTP POST of a plain operation" "$(as_me --data '' "$SERVICE/TestSecurity")" "*<string xmlns=\"$NAMESPACE\">secure</string>"
check "HTTP POST of another operation" "$(as_me --data '' "$SERVICE/UserExists")" 'UserExists Web Service method name is not valid.'
