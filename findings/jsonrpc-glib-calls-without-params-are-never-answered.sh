#!/usr/bin/env bash
# jsonrpc-glib 3.42.0 (Debian 12 package libjsonrpc-glib-1.0-1 3.42.0-1; GNOME Builder and language servers stand on it), its
# Jsonrpc.Server through the GObject bindings of Python. Needs Debian 12 (amd64) with its Python 3.11 as /usr/bin/python3.
#
# One would guess: `params` may be left out, as JSON-RPC says, and a server's handler is then called without any; and a
# whole number either arrives or is refused.
#
# What is: a call without `params` never reaches the handler and is never answered, not even by -32601; one line at
# warning level on its standard error ("Unhandled RPC from peer!") is all. The very same call with `"params":{}` or `[]`
# is answered. Notifications without `params` do arrive. And 18446744073709551615 (2^64-1) arrives, and comes
# back, as -1, and 9223372036854775808 as the smallest negative number, without an error.
#
# For a client: write `"params":{}` or `[]` rather than leave them out, and set a time limit; keep integers below 2^63.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
packages="libjsonrpc-glib-1.0-1=3.42.0-1 gir1.2-jsonrpc-1.0=3.42.0-1 libjson-glib-1.0-0 gir1.2-glib-2.0 libgirepository-1.0-1 python3-gi libglib2.0-0 libpcre2-8-0 libffi8"
fetch() { apt-get download -q $packages > /dev/null 2>&1; }
fetch || { apt-get update -q > /dev/null 2>&1 || :; fetch; } || { echo "could not fetch the Debian packages $packages"; exit 2; }
for deb in *.deb; do dpkg -x "$deb" root; done
cat > try.py <<'PY'
import json, socket, sys, threading
import gi
gi.require_version("Jsonrpc", "1.0")
from gi.repository import Gio, GLib, Jsonrpc

ours, theirs = socket.socketpair()
server = Jsonrpc.Server()
calls, notes = [], []

def call(_server, client, method, id, params):
    calls.append(method)
    client.reply(id, params)
    return True

server.connect("handle-call", call)
server.connect("notification", lambda _server, _client, method, _params: notes.append(method))
server.accept_io_stream(Gio.Socket.new_from_fd(theirs.detach()).connection_factory_create_connection())
loop = GLib.MainLoop()
threading.Thread(target=loop.run, daemon=True).start()

changed = False
def ask(text, expected):
    global changed
    ours.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(text), text.encode()))
    ours.settimeout(2)
    try:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += ours.recv(1)
        body = b""
        while len(body) < int(head.split(b":")[1].split(b"\r")[0]):
            body += ours.recv(65536)
        answer = json.loads(body).get("result")
    except socket.timeout:
        answer = "no answer within 2 s"
    print(f"> {text}\n  result: {json.dumps(answer)}")
    if answer != expected:
        changed = True
        print(f"  CHANGED: expected {json.dumps(expected)}")

ask('{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":1}}', {"a": 1})
ask('{"jsonrpc":"2.0","id":2,"method":"bare"}', "no answer within 2 s")
ask('{"jsonrpc":"2.0","id":"three","method":"bare"}', "no answer within 2 s")
ask('{"jsonrpc":"2.0","id":4,"method":"with-object","params":{}}', {})
ask('{"jsonrpc":"2.0","id":5,"method":"with-array","params":[]}', [])
ask('{"jsonrpc":"2.0","method":"note-bare"}', "no answer within 2 s")
for number, back in ((2**53 + 1, 2**53 + 1), (2**63 - 1, 2**63 - 1), (2**63, -2**63), (2**64 - 1, -1)):
    ask('{"jsonrpc":"2.0","id":6,"method":"echo","params":{"n":%d}}' % number, {"n": back})
print("calls that reached the handler:", " ".join(calls), "| notifications:", " ".join(notes))
if "bare" in calls or notes != ["note-bare"]:
    changed = True
    print("CHANGED")
sys.exit(changed)
PY
lib=$dir/root/usr/lib/x86_64-linux-gnu
echo "jsonrpc-glib 3.42.0 (Debian package 3.42.0-1)"
LD_LIBRARY_PATH=$lib:$dir/root/lib/x86_64-linux-gnu GI_TYPELIB_PATH=$lib/girepository-1.0 PYTHONPATH=$dir/root/usr/lib/python3/dist-packages \
  timeout 60 /usr/bin/python3 -P try.py
