#!/usr/bin/env bash
# aiorpcX 0.25.0 (PyPI; JSON-RPC, both ways, of the Electrum servers), its `serve_ws` with its defaults; websockets 17.4 (PyPI)
# beside it, which is also the client. Python 3.11 or later.
#
# One would guess: an error answer costs no more than any other answer, and a server that ends a connection for a limit says so,
# by 1008 or 1013.
#
# What is: each connection has an account. An error answer, "unknown method" too, is 100 points, each 100,000 bytes either way
# are 1, and 2.8 points go away in a second. From 2,000 on every request waits before its handler runs: after 40 errors a good
# call takes 0.5 s, near the limit 2 s. At 10,000, so after some 100 errors within minutes, or 1 GB within an hour, the
# connection ends, and its code is 1000 ("normal") without a reason. So a client that probes for optional methods, or whose
# calls fail by the rules ("no such coin"), gets slower and slower and then sees a good end.
#
# For a client: connect again after 1000 too; ask once what there is instead of calling what may not be. For a server: the
# account is by connection, `cost_hard_limit = 0` in the session's class turns it off.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check aiorpcX==0.25.0 websockets==17.4 || { echo "could not install aiorpcX and websockets"; exit 2; }
cat > try.py <<'PY'
import asyncio, json, sys, time
from aiorpcx import RPCSession, handler_invocation, serve_ws
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {seen}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {expected}")

class Session(RPCSession):
    async def handle_request(self, request):
        async def echo(value):
            return value
        return await handler_invocation({"echo": echo}.get(request.method), request)()

class Free(Session):
    cost_hard_limit = 0

async def call(socket, method):
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": [0]}))
    answer = json.loads(await socket.recv())
    return answer["error"]["code"] if "error" in answer else answer["result"]

async def timed(socket):
    start = time.monotonic()
    result = await call(socket, "echo")
    took = time.monotonic() - start
    return f"{result} after {'less than 0.3 s' if took < 0.3 else '0.35 to 0.8 s' if 0.35 <= took <= 0.8 else '%.1f s' % took}"

async def fail(socket, times):
    codes = set()
    for _ in range(times):
        codes.add(await call(socket, "other"))
    return codes

async def connected(session):
    server = await serve_ws(session, "127.0.0.1", 0)
    return await connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")

async def main():
    check("points for an error", Session.error_base_cost, 100)
    check("... for 100,000 bytes", round(Session.bw_cost_per_byte * 100_000), 1)
    check("... that go in a second", round(Session.cost_decay_per_sec, 1), 2.8)
    check("limits", (Session.cost_soft_limit, Session.cost_hard_limit), (2000, 10000))
    check("the longest wait in seconds", Session.cost_sleep, 2)
    socket = await connected(Session)
    check("a call at first", await timed(socket), "0 after less than 0.3 s")
    check("40 calls of an unknown method", await fail(socket, 40), {-32601})
    check("a good call", await timed(socket), "0 after 0.35 to 0.8 s")
    said = []
    try:
        await socket.send(json.dumps([{"jsonrpc": "2.0", "id": i, "method": "other", "params": []} for i in range(80)]))
        while True:
            said.append(await asyncio.wait_for(socket.recv(), 60))
    except ConnectionClosed:
        pass
    check("80 more, as one batch; the connection ends with", f"{socket.close_code}, reason {socket.close_reason!r}", "1000, reason ''")
    check("... answers to the batch", len(said), 0)
    free = await connected(Free)
    check("with cost_hard_limit = 0, 150 calls of an unknown method", await fail(free, 150), {-32601})
    check("... a good call", await timed(free), "0 after less than 0.3 s")
    await free.close()
    sys.exit(changed)

asyncio.run(main())
PY
echo "aiorpcX 0.25.0, websockets 17.4"
timeout 110 env/bin/python try.py 2> log
