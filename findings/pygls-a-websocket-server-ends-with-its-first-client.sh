#!/usr/bin/env bash
# pygls 2.1.1 (PyPI; the library of most language servers in Python), its `start_ws`; websockets 17.4 (PyPI) beside it, which is
# also the client. Python 3.11 or later.
#
# One would guess: a WebSocket server serves one client after the other, and many at once, and answers in text, as JSON is.
#
# What is: when any client closes its connection, with 1000, the server ends: all others are closed with 1001, `start_ws`
# returns (here the process ends, with 0), and nothing listens any more. And there is one writer for all connections: with the
# opening of a second one the first hears nothing any more. Every message that it sends is a binary one, of UTF-8 JSON. Params
# by name reach the handler as an object of the type `Object` that is a tuple, so a handler that returns them turns `{"a":1}`
# into `[1]`. A request of a method of one's own that has no `params` is not answered at all: a notification
# `window/showMessage` comes in its place.
#
# For a client: take binary messages, send `params` always, and take 1001 for "start it again". For whoever runs it: one process
# for each client.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pygls==2.1.1 websockets==17.4 || { echo "could not install pygls and websockets"; exit 2; }
cat > server.py <<'PY'
import sys
from pygls.lsp.server import LanguageServer

server = LanguageServer("server", "1")

@server.feature("own/echo")
def echo(ls, params):
    return params

server.start_ws("127.0.0.1", int(sys.argv[1]))
PY
cat > try.py <<'PY'
import asyncio, json, sys
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

port = int(sys.argv[1])
changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {seen}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {expected}")

async def heard(socket):
    try:
        return await asyncio.wait_for(socket.recv(), 2)
    except TimeoutError:
        return "nothing within 2 s"
    except ConnectionClosed:
        return f"closed, {socket.close_code}"

async def ask(socket, id, method, **rest):
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, **rest}))
    return await heard(socket)

async def main():
    url = f"ws://127.0.0.1:{port}"
    async with connect(url) as first:
        answer = await ask(first, 1, "initialize", params={"processId": None, "rootUri": None, "capabilities": {}})
        check("the answer to initialize is", f"{type(answer).__name__}, id {json.loads(answer)['id']}", "bytes, id 1")
        check("params [1, 2] come back as", json.loads(await ask(first, 2, "own/echo", params=[1, 2]))["result"], [1, 2])
        check('params {"a": 1} come back as', json.loads(await ask(first, "three", "own/echo", params={"a": 1}))["result"], [1])
        instead = json.loads(await ask(first, 4, "own/echo"))
        check("instead of an answer to a request without params comes", instead["method"], "window/showMessage")
        check("... and then", await heard(first), "nothing within 2 s")
        async with connect(url) as second:
            await second.send(json.dumps({"jsonrpc": "2.0", "id": 5, "method": "own/echo", "params": [5]}))
            check("a second client asks, and hears", json.loads(await heard(second))["result"], [5])
            check("the first client asks, and hears", await ask(first, 6, "own/echo", params=[6]), "nothing within 2 s")
        check("the second client has closed; its code", second.close_code, 1000)
        check("the first hears", await heard(first), "closed, 1001")
    try:
        await connect(url)
        third = "connected"
    except OSError:
        third = "refused"
    check("a third client is", third, "refused")
    sys.exit(changed)

asyncio.run(main())
PY
echo "pygls 2.1.1, websockets 17.4"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
env/bin/python server.py "$port" 2> log & server=$!
for _ in $(seq 100); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.2; done
timeout 60 env/bin/python try.py "$port"
for _ in $(seq 50); do kill -0 "$server" 2> /dev/null || break; sleep 0.1; done
kill -0 "$server" 2> /dev/null && { echo "CHANGED: the server runs on"; exit 1; }
code=0; wait "$server" || code=$?
server=
echo "the server's process has ended with $code"
[ "$code" = 0 ] || { echo "CHANGED: expected 0"; exit 1; }
