# What the lanes of curl share. SERVICE, AUTHORITY, ACCOUNT and PASSWORD come from `run`.

readonly NAMESPACE=http://www.phonefactor.com/PfWsSdk

# check NAME FOUND WANTED: whether what was found fits the pattern that was wanted.
check() {
    # shellcheck disable=SC2053 # the right side is a pattern
    if [[ $2 == $3 ]]; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s\n        wanted %s\n        found  %s\n' "$1" "$3" "${2:0:600}"
    fi
}

# curl without the user's own settings, without hanging, and without carriage returns in what it shows.
ask() { curl --disable --silent --show-error --max-time 20 --cacert "$AUTHORITY" "$@" 2>&1 | tr -d '\r'; }

# status ARGUMENTS…: what `ask` shows first.
status() { ask --output /dev/null --write-out '%{http_code}' "$@"; }

# body OPERATION [PARAMETERS]: a call in SOAP 1.1.
body() {
    printf '%s' '<?xml version="1.0" encoding="utf-8"?>' \
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>' \
        "<$1 xmlns=\"$NAMESPACE\">${2:-}</$1></soap:Body></soap:Envelope>"
}

# call OPERATION BODY ARGUMENTS…: sends a call in SOAP 1.1, as .NET does, but for another content type in TYPE.
call() {
    local operation=$1 body=$2
    shift 2
    ask --header "Content-Type: ${TYPE:-text/xml; charset=utf-8}" --header "SOAPAction: \"$NAMESPACE/$operation\"" \
        --data-binary "$body" "$@" "$SERVICE"
}

# What MIM asks: its own account, with the number of the person.
pf_auth_user() {
    body PfAuthUser_5 "<username>mimservice@contoso.com</username>\
<initiatingAuthenticationType>pfsdk</initiatingAuthenticationType><initiatingIpAddress>10.0.0.4</initiatingIpAddress>\
<applicationName>MIM</applicationName><requireUserMatch>true</requireUserMatch><mode>$2</mode>\
<countryCode>1</countryCode><phoneNumber>$1</phoneNumber>"
}
