#!/usr/bin/env bash
# mopidy 3.4.1 (Debian 12 package mopidy 3.4.1-1; a music server), JSON-RPC 2.0 over WebSocket at /mopidy/ws; websockets 17.4 (PyPI) as the
# client. Needs Debian 12 with that package installed, and Python 3.11 or later.
#
# One would guess: a call that has a readable id is answered under that id, by an error if need be; what arrives without an id is a
# notification, with a method; and a volume is a number.
#
# What is: a call with `"params":null` (as many writers have it for "none") or without `jsonrpc` is refused with the id null: its caller
# is never answered, and one that has several calls out cannot know which of them failed. In a batch as well. Events, on the same
# connection, are no JSON-RPC at all: {"event":"volume_changed","volume":1}, without `jsonrpc` and `method`, so a strict client takes them for a
# broken peer. Errors of the application have the code 0. And set_volume [true] is answered by true and makes the
# volume 1, whereas set_random [1] is refused, as 1 is no boolean.
#
# For a client: leave `params` out when there are none; take an error with id null for the failure of some call; let
# objects without a method through to the application.
set -euo pipefail
[ "$(dpkg-query -W -f '${Version}' mopidy 2>/dev/null)" = 3.4.1-1 ] || { echo "needs the Debian package mopidy 3.4.1-1: apt-get install mopidy=3.4.1-1"; exit 2; }
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check websockets==17.4 || { echo "could not install websockets"; exit 2; }
cat > mopidy.conf <<CONF
[core]
cache_dir = $dir/cache
config_dir = $dir/config
data_dir = $dir/data
[audio]
output = fakesink
[file]
enabled = false
[http]
hostname = 127.0.0.1
port = PORT
zeroconf =
CONF
cat > try.py <<'PY'
import asyncio, json, sys
from websockets.asyncio.client import connect

changed = False
async def main():
    global changed
    async with connect(f"ws://127.0.0.1:{sys.argv[1]}/mopidy/ws") as socket:
        async def check(text, *expected):
            global changed
            await socket.send(text)
            print(">", text)
            seen = []
            try:
                while True:
                    message = json.loads(await asyncio.wait_for(socket.recv(), 1))
                    for answer in message if isinstance(message, list) else [message]:
                        if "error" in answer:
                            answer["error"] = answer["error"]["code"]
                        answer.pop("jsonrpc", None)
                        seen.append(answer)
                        print("<", json.dumps(answer))
            except TimeoutError:
                pass
            if sorted(map(json.dumps, seen)) != sorted(map(json.dumps, expected)):
                changed = True
                print("  CHANGED: expected", json.dumps(expected))
        def call(id, method, *params, all='"jsonrpc":"2.0",'):
            return f'{{{all}"id":{id},"method":"core.{method}"{"".join(",%s:%s" % (json.dumps("params"), json.dumps(p)) for p in params)}}}'
        await check(call(1, "get_version"), {"id": 1, "result": "3.4.1"})
        await check(call(2, "get_version", None), {"id": None, "error": -32600})
        await check(call(3, "get_version", all=""), {"id": None, "error": -32600})
        await check(f"[{call(4, 'get_version')},{call(5, 'get_version', None)}]", {"id": 4, "result": "3.4.1"}, {"id": None, "error": -32600})
        await check(call(6, "nosuch"), {"id": 6, "error": -32601})
        await check(call(7, "mixer.set_volume", [101]), {"id": 7, "error": 0})
        await check(call(8, "mixer.set_volume", [True]), {"id": 8, "result": True}, {"volume": 1, "event": "volume_changed"})
        await check(call(9, "mixer.get_volume"), {"id": 9, "result": 1})
        await check(call(10, "tracklist.set_random", [1]), {"id": 10, "error": 0})
    sys.exit(changed)

asyncio.run(main())
PY
echo "mopidy 3.4.1 (Debian package 3.4.1-1), websockets 17.4"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s/PORT/$port/" mopidy.conf
HOME=$dir XDG_CONFIG_HOME=$dir XDG_CACHE_HOME=$dir XDG_DATA_HOME=$dir mopidy --config "$dir/mopidy.conf" > log 2>&1 & server=$!
for _ in $(seq 150); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.2; done
timeout 60 env/bin/python try.py "$port"
