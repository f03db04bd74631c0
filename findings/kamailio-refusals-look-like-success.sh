#!/usr/bin/env bash
# kamailio 5.6.3 (Debian 12 package kamailio 5.6.3-2), its module jsonrpcs: JSON-RPC 2.0, here over its datagram socket.
# Needs Debian 12 (amd64) and Python 3.
#
# One would guess: what the server does not take (a batch, a request without `jsonrpc`) is answered by an error, or not at all;
# a notification is not answered; an unknown method is -32601; and parameters of every JSON type arrive.
#
# What is: a batch is answered by the single object {"jsonrpc":"2.0","result":{}}: a success, without an id, of something that never
# ran. A request without `jsonrpc` is answered by `"result":{}` under its id: a success, though nothing ran. A notification is run and answered, by a response without
# an id. Unknown methods have the code 500 (as of HTTP). And the list of parameters ends, silently, at the first true, false or null:
# core.echo of ["a", true, "b"] gives ["a"], with no error; 2.5 arrives as 2.
#
# For a client: an answer of {} may mean "refused"; always send `jsonrpc`, never a batch, and take neither the lack of an error for
# proof that a call ran nor -32601 for the only way to say "no such method". Whole numbers and strings are all that
# arrives unharmed.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
package=kamailio=5.6.3-2
fetch() { apt-get download -q $package libpcre3 > /dev/null 2>&1; }
fetch || { apt-get update -q > /dev/null 2>&1 || :; fetch; } || { echo "could not fetch the Debian package $package"; exit 2; }
for deb in *.deb; do dpkg -x "$deb" root; done
cat > kamailio.cfg <<CFG
#!KAMAILIO
debug=-1
log_stderror=yes
children=1
disable_tcp=yes
listen=udp:127.0.0.1:0
mpath="$dir/root/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "jsonrpcs.so"
loadmodule "kex.so"
modparam("jsonrpcs", "transport", 4)
modparam("jsonrpcs", "dgram_socket", "$dir/s")
request_route { exit; }
CFG
LD_LIBRARY_PATH=$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/usr/lib/x86_64-linux-gnu/kamailio \
  root/usr/sbin/kamailio -f kamailio.cfg -DD -E -m 32 -M 4 -Y "$dir" > log 2>&1 & server=$!
for _ in $(seq 50); do [ -S s ] && break; sleep 0.2; done
[ -S s ] || { echo "kamailio did not start"; tail -5 log; exit 2; }
cat > try.py <<'PY'
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1] + "/c")
s.settimeout(5)
changed = False
def ask(what, text, expected):
    global changed
    s.sendto(text.encode(), sys.argv[1] + "/s")
    try:
        answer = json.loads(s.recv(65536))
        answer.pop("jsonrpc")
    except socket.timeout:
        answer = "nothing"
    print(f"{what}:\n  > {text}\n  < {json.dumps(answer)}")
    if answer != expected:
        changed = True
        print("  CHANGED: expected", json.dumps(expected))
version = "kamailio 5.6.3 (x86_64/linux) "
ask("a call", '{"jsonrpc":"2.0","id":1,"method":"core.version"}', {"result": version, "id": 1})
ask("without `jsonrpc`", '{"id":2,"method":"core.version"}', {"result": {}, "id": 2})
ask("a batch", '[{"jsonrpc":"2.0","id":3,"method":"core.version"}]', {"result": {}})
ask("a notification", '{"jsonrpc":"2.0","method":"core.version"}', {"result": version})
ask("an unknown method", '{"jsonrpc":"2.0","id":4,"method":"nosuch"}', {"error": {"code": 500, "message": "Method Not Found"}, "id": 4})
for id, word in enumerate(("true", "false", "null"), 5):
    ask(f"a parameter that is {word}", f'{{"jsonrpc":"2.0","id":{id},"method":"core.echo","params":["a",{word},"b"]}}', {"result": ["a"], "id": id})
ask("a fraction", '{"jsonrpc":"2.0","id":9,"method":"core.echo","params":["a",2.5,"b"]}', {"result": ["a", "2", "b"], "id": 9})
ask("strings only", '{"jsonrpc":"2.0","id":8,"method":"core.echo","params":["a","1","b"]}', {"result": ["a", "1", "b"], "id": 8})
sys.exit(changed)
PY
echo "kamailio 5.6.3 (Debian package 5.6.3-2)"
python3 try.py "$dir"
