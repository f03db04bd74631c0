#!/usr/bin/env bash
# granian 2.8.9 (PyPI; an ASGI server in Rust, on tungstenite), its WebSockets; websockets 17.4 (PyPI) as the client. Python 3.11 or later.
#
# One would guess: as from other ASGI servers, an application that fails closes its WebSocket with 1011 (internal error), a message
# that is too large is 1009, and a server that shuts down says 1001 or 1012.
#
# What is: an application that raises ends in an empty close frame, without a code (1005). Clients take that for a good end:
# `async for message in socket` just stops, with no exception, as if the server had nothing more to say. So, or by a
# connection that just breaks, ends a message of 17 MB, and there it depends on how it is cut: the limit that ends it is that of one frame (16 MiB), so the same 17 MB in
# fragments of 1 MB are taken and echoed. At a shutdown, on the other hand, there is no close frame at all: the client sees its
# connection break (1006), which most take for a failure of the network.
#
# For a client: take an end without a code for "failed, and nobody knows what ran", not for a good end; send large
# messages in fragments.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check granian==2.8.9 websockets==17.4 || { echo "could not install granian and websockets"; exit 2; }
cat > app.py <<'PY'
async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        if event["text"] == "fail":
            raise RuntimeError("failed")
        await send({"type": "websocket.send", "text": event["text"]})
PY
cat > try.py <<'PY'
import asyncio, os, signal, sys
from websockets.asyncio.client import connect

port, server = map(int, sys.argv[1:])
changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {seen}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {expected}")

async def after(message):
    async with connect(f"ws://127.0.0.1:{port}/", max_size=None, compression=None) as socket:
        await socket.send("hello")
        await socket.recv()
        try:
            async with asyncio.timeout(60):
                if message is None:
                    os.kill(server, signal.SIGTERM)
                else:
                    await socket.send(message)
                async for text in socket:
                    return f"{len(text)} characters come back"
                end = "the loop over its messages stops by itself"
        except Exception as e:
            end = type(e).__name__
        return f"{end}, code {socket.close_code}"

async def main():
    large = "x" * 17_000_000
    check("the application raises an exception", await after("fail"), "the loop over its messages stops by itself, code 1005")
    whole = (await after(large)).split()[-1]
    check("a message of 17 MB in one frame ends in", "no code" if whole in ("1005", "1006") else whole, "no code")
    check("... in fragments of 1 MB", await after([large[i:i + 1_000_000] for i in range(0, len(large), 1_000_000)]), "17000000 characters come back")
    check("the server is told to stop (SIGTERM)", await after(None), "ConnectionClosedError, code 1006")
    sys.exit(changed)

asyncio.run(main())
PY
echo "granian 2.8.9, websockets 17.4"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
env/bin/granian --interface asgi --host 127.0.0.1 --port "$port" app:app > log 2>&1 & server=$!
for _ in $(seq 100); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.2; done
timeout 120 env/bin/python try.py "$port" $server
