#!/usr/bin/env bash
# fastapi-ws-rpc 1.2.0 (PyPI; JSON-RPC 2.0 over WebSocket, both ways), its WebSocketRpcEndpoint with its defaults, on fastapi
# 0.165.0, starlette 1.10.0, pydantic 2.14.4, uvicorn 0.38.0; websockets 15.0.1 (PyPI) as the client. Python 3.11 or later.
#
# One would guess: a method's result is sent as it is; an answer has a `result` or an `error`; and a server selects a
# subprotocol only if the client offers one.
#
# What is: a method without a return annotation is taken for one that returns text: 5 is answered by "5", True by "True", None
# by "None", {'a': 1} by "{'a': 1}" (Python's spelling, not JSON). With an annotation the result is sent as it is, but None is
# left out: the answer is `{"jsonrpc":"2.0","id":1}`, with neither `result` nor `error`, which typed clients refuse. (None
# within a result stays null.) By default every handshake is answered by `Sec-WebSocket-Protocol: jsonrpc2.0`, offered or not. A
# strict client that offers none refuses that, and with one that does not mind the server closes by an internal error: so only
# who offers `jsonrpc2.0` gets in.
#
# For a client: offer `jsonrpc2.0`, and read an answer with neither member as null. For a server of this kind: annotate each
# method, and return no bare None.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check fastapi-ws-rpc==1.2.0 fastapi==0.165.0 starlette==1.10.0 pydantic==2.14.4 \
  uvicorn==0.38.0 websockets==15.0.1 || { echo "could not install fastapi-ws-rpc and what it stands on"; exit 2; }
cat > app.py <<'PY'
from fastapi import FastAPI
from fastapi_ws_rpc import RpcMethodsBase, WebSocketRpcEndpoint

class Methods(RpcMethodsBase):
    async def bare(self, value):
        return value

    async def typed(self, value) -> object:
        return value

app = FastAPI()
WebSocketRpcEndpoint(Methods()).register_route(app, "/")
PY
cat > try.py <<'PY'
import asyncio, json, sys
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

port = int(sys.argv[1])
changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {seen}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {expected}")

async def fate(offered):
    try:
        async with connect(f"ws://127.0.0.1:{port}/", subprotocols=offered):
            return "connected"
    except InvalidHandshake as e:
        return str(e)

async def lenient():
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    rest = await asyncio.wait_for(reader.read(100), 5)
    writer.close()
    return f"{head.split()[1]}, jsonrpc2.0 {'selected' if 'sec-websocket-protocol: jsonrpc2.0' in head else 'not selected'}, then {'closed' if not rest else rest[:4]}"

async def main():
    check("a client that offers jsonrpc2.0", await fate(["jsonrpc2.0"]), "connected")
    check("... another subprotocol", await fate(["other"]), "unsupported subprotocol: jsonrpc2.0")
    check("... none", await fate(None), "no subprotocols supported")
    check("... none, and does not look at the answer's", await lenient(), "101, jsonrpc2.0 selected, then closed")
    async with connect(f"ws://127.0.0.1:{port}/", subprotocols=["jsonrpc2.0"]) as socket:
        async def answer(method, value):
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": [value]}))
            members = json.loads(await asyncio.wait_for(socket.recv(), 5))
            return json.dumps({name: members[name] for name in members if name not in ("jsonrpc", "id")})
        for value, bare, typed in [
            (5, '{"result": "5"}', '{"result": 5}'),
            (True, '{"result": "True"}', '{"result": true}'),
            ({"a": [1, None]}, '{"result": "{\'a\': [1, None]}"}', '{"result": {"a": [1, null]}}'),
            (None, '{"result": "None"}', "{}"),
        ]:
            check(f"{value!r} of a method without a return annotation", await answer("bare", value), bare)
            check("... with one", await answer("typed", value), typed)
    sys.exit(changed)

asyncio.run(main())
PY
echo "fastapi-ws-rpc 1.2.0, websockets 15.0.1"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
env/bin/uvicorn app:app --host 127.0.0.1 --port "$port" --log-level critical > log 2>&1 & server=$!
for _ in $(seq 100); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.2; done
timeout 60 env/bin/python try.py "$port"
