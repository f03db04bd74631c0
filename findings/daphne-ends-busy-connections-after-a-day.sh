#!/usr/bin/env bash
# daphne 4.2.3 (PyPI; the ASGI server of Django Channels, on autobahn 26.10.2), its WebSockets; websockets 17.4 (PyPI) as the client.
# Python 3.11 or later.
#
# One would guess: a server's time limit for WebSockets is one for idle ones; a message that is too large is answered by the close
# code 1009; a close reason arrives; and an empty text message is sent.
#
# What is: `--websocket_timeout` (default 86400) counts from the opening, however busy the connection is: with 3 s here, one that
# sends and hears something five times a second is closed all the same, with 1000 ("normal"), at the next of the checks every few seconds. So by default
# every connection ends after a day, and clients that connect again only after a failure stay away. A message of more than
# 1 MiB (many servers take 16 or more) ends the connection without a close frame, so the client sees 1006 as if the network had
# failed, and would send it again. A close reason of the application is dropped, its code arrives. An empty text message
# that the application sends never leaves, without an error.
#
# For a client: connect again after 1000 too, if the end was not one's own wish; do not send anew what a 1006 may have been the answer to.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check daphne==4.2.3 autobahn==26.10.2 websockets==17.4 || { echo "could not install daphne, autobahn and websockets"; exit 2; }
cat > app.py <<'PY'
async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        text = event.get("text")
        if text == "close":
            return await send({"type": "websocket.close", "code": 4000, "reason": "moved"})
        if text == "empty":
            await send({"type": "websocket.send", "text": ""})
        await send({"type": "websocket.send", "text": f"{len(text)} characters"})
PY
cat > try.py <<'PY'
import asyncio, inspect, sys, time
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
import daphne.server

url = f"ws://127.0.0.1:{sys.argv[1]}/"
changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {seen}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {expected}")

async def answer(message):
    async with connect(url, compression=None) as socket:
        await socket.send(message)
        try:
            return await asyncio.wait_for(socket.recv(), 2)
        except TimeoutError:
            return "no answer within 2 s"
        except ConnectionClosed:
            return f"code {socket.close_code}, reason {socket.close_reason!r}"

async def busy():
    async with connect(url) as socket:
        start = time.monotonic()
        try:
            while time.monotonic() - start < 20:
                await socket.send("a")
                await socket.recv()
                await asyncio.sleep(0.2)
            return "open after 20 s"
        except ConnectionClosed:
            lasted = "within 3 to 10 s" if 3 <= time.monotonic() - start <= 10 else "at another time"
            return f"closed {lasted}, code {socket.close_code}, reason {socket.close_reason!r}"

async def main():
    default = inspect.signature(daphne.server.Server.__init__).parameters["websocket_timeout"].default
    check("default of the time limit in seconds", default, 86400)
    check("with one of 3 s, a connection that talks five times a second is", await busy(), "closed within 3 to 10 s, code 1000, reason ''")
    check("a message of 1 MiB", await answer("x" * (1 << 20)), "1048576 characters")
    check("a message of 1 MiB and 1 byte", await answer("x" * ((1 << 20) + 1)), "code 1006, reason ''")
    check("an empty message is taken", await answer(""), "0 characters")
    check('the application sends an empty message and then "5 characters"; the first to arrive', await answer("empty"), "5 characters")
    check('the application closes with 4000 "moved"', await answer("close"), "code 4000, reason ''")
    sys.exit(changed)

asyncio.run(main())
PY
echo "daphne 4.2.3, autobahn 26.10.2, websockets 17.4"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
env/bin/daphne -v 0 -b 127.0.0.1 -p "$port" --websocket_timeout 3 app:app > log 2>&1 & server=$!
for _ in $(seq 100); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.2; done
timeout 120 env/bin/python try.py "$port"
