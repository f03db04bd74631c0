#!/usr/bin/env bash
# tinyproxy 1.11.1 (Debian 12 package tinyproxy-bin 1.11.1-2.1+deb12u1), an HTTP proxy with `BasicAuth`; curl and Python as clients.
#
# One would guess: a client with a wrong password for the proxy gets 407 with `Proxy-Authenticate`, as one without a
# password does: RFC 9110 (15.5.8) has 407 for the proxy's own login, and 401 for the login of the server behind.
#
# What is: without a password it answers 407 with `Proxy-Authenticate`. With a wrong one it answers 401 Unauthorized with
# `WWW-Authenticate`, to CONNECT and to plain requests alike. So a browser or a library asks for, renews or gives up the
# login of the *server*, which has never been asked: a plain request through the proxy cannot be told from a refusal by
# the server itself.
#
# For a client: a 401 that answers CONNECT is the proxy's, since no server has been asked yet: say that the password of
# the proxy is wrong. For plain requests through it: compare the realm, `Tinyproxy`.
set -euo pipefail
dir=$(mktemp -d); trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT; cd "$dir"
as_root=(); ((EUID == 0)) || as_root=(sudo)
command -v tinyproxy curl python3 >/dev/null ||
    "${as_root[@]}" apt-get install -yqq --no-install-recommends tinyproxy-bin curl python3 >/dev/null ||
    { echo "could not install the packages"; exit 2; }
tinyproxy -v
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
proxy=$(free) server=$(free)
cat > conf <<CONF
Port $proxy
Listen 127.0.0.1
BasicAuth ada secret
CONF
tinyproxy -d -c conf > log 2>&1 &
mkdir empty
python3 -m http.server --directory empty --bind 127.0.0.1 "$server" > served 2>&1 &
for port in "$proxy" "$server"; do
    for _ in {1..200}; do (: > "/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.05; done
done

failed=0
check() { # what, what was seen, what is expected
    echo "$1: $2"
    [[ $2 == "$3" ]] || { echo "CHANGED: $1: expected $3"; failed=1; }
}
# The status and the header that asks for a login.
asks() {
    curl --silent --max-time 10 --verbose --output /dev/null "$@" "http://127.0.0.1:$server/" 2>&1 |
        tr -d '\r' | grep -oE '^< (HTTP/1.[01] [0-9]+|(Proxy|WWW)-Authenticate: .*)' | sed -E 's/^< (HTTP\/1.[01] )?//' | paste -sd' '
}
url=127.0.0.1:$proxy
check 'the right password, a plain request' "$(asks --proxy "http://ada:secret@$url")" '200'
check 'no password, a plain request' "$(asks --proxy "http://$url")" '407 Proxy-Authenticate: Basic realm="Tinyproxy"'
check 'no password, CONNECT' "$(asks --proxytunnel --proxy "http://$url")" '407 Proxy-Authenticate: Basic realm="Tinyproxy"'
check 'a wrong password, a plain request' "$(asks --proxy "http://ada:wrong@$url")" '401 WWW-Authenticate: Basic realm="Tinyproxy"'
check 'a wrong password, CONNECT' "$(asks --proxytunnel --proxy "http://ada:wrong@$url")" '401 WWW-Authenticate: Basic realm="Tinyproxy"'
check 'requests that the server has seen' "$(grep -c '"GET' served || true)" '1'
exit $failed
