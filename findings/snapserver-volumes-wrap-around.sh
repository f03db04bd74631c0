#!/usr/bin/env bash
# snapserver 0.26.0 (Debian 12 packages snapserver and snapclient 0.26.0+dfsg1-1+deb12u1; music in many rooms), JSON-RPC over WebSocket at
# /jsonrpc; websockets 17.4 (PyPI) as the client. Needs Debian 12 (amd64) and Python 3.11 or later.
#
# One would guess: a volume in percent that is not one (400, -5, "50", true) is refused by -32602, as JSON-RPC has it for wrong parameters, or
# held between 0 and 100.
#
# What is: all are answered by a success. 400 is 400 percent; -5 is 65531 and 70000 is 4464, as numbers are cut to 16 bits without a sign; 33.9
# is 33; true is 1. A string is ignored: "50" leaves what was, and so does a volume without `percent` and `muted`. A latency is cut to 32 bits,
# then held at -10000 and above, so 4294967301 is 5. The result tells what became of it, and is the only sign. Whereas a name that is
# not given is -32603 with the words of a C++ exception.
#
# For a client that steps a volume down by 10 from 5: hold it at 0 itself; and compare the result with what was asked.
set -euo pipefail
dir=$(mktemp -d); servers=; trap '[ -z "$servers" ] || kill $servers 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
version=0.26.0+dfsg1-1+deb12u1
packages="snapserver=$version snapclient=$version libasound2 libavahi-client3 libavahi-common3 libflac12 libogg0 libopus0 libsoxr0 libvorbis0a libvorbisenc2 libgomp1 libdbus-1-3 libpulse0 libsndfile1 libmp3lame0 libmpg123-0 libasyncns0 libapparmor1 libx11-6 libx11-xcb1 libxcb1 libxau6 libxdmcp6 libbsd0 libmd0"
fetch() { apt-get download -q $packages > /dev/null 2>&1; }
fetch || { apt-get update -q > /dev/null 2>&1 || :; fetch; } || { echo "could not fetch the Debian packages $packages"; exit 2; }
for deb in *.deb; do dpkg -x "$deb" root; done
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check websockets==17.4 || { echo "could not install websockets"; exit 2; }
cat > try.py <<'PY'
import asyncio, json, sys
from websockets.asyncio.client import connect

changed = False
async def main():
    async with connect(f"ws://127.0.0.1:{sys.argv[1]}/jsonrpc") as socket:
        async def ask(method, **params):
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
            while "id" not in (message := json.loads(await asyncio.wait_for(socket.recv(), 10))):
                pass
            return message.get("result", message.get("error"))
        async def check(method, expected, **params):
            global changed
            seen = await ask(method, id="room", **params)
            print(f"{method} {json.dumps(params)}\n  {json.dumps(seen)}")
            if seen != expected:
                changed = True
                print(f"  CHANGED: expected {json.dumps(expected)}")
        for _ in range(50):
            if "client" in await ask("Client.GetStatus", id="room"):
                break
            await asyncio.sleep(0.2)
        for percent, after in ((80, 80), (400, 400), (-5, 65531), (70000, 4464), (33.9, 33), ("50", 33), (None, 33), (True, 1)):
            await check("Client.SetVolume", {"volume": {"muted": False, "percent": after}}, volume={"percent": percent})
        await check("Client.SetVolume", {"volume": {"muted": False, "percent": 1}}, volume={})
        for latency, after in ((40.7, 40), (-99999, -10000), (4294967301, 5)):
            await check("Client.SetLatency", {"latency": after}, latency=latency)
        await check("Client.SetName", {"code": -32603, "message": "Internal error", "data": "map::at"})
    sys.exit(changed)

asyncio.run(main())
PY
echo "snapserver 0.26.0 (Debian package $version), websockets 17.4"
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
rpc=$(free) stream=$(free)
cat > conf <<CONF
[server]
datadir = $dir
[http]
bind_to_address = 127.0.0.1
port = $rpc
[tcp]
enabled = false
[stream]
bind_to_address = 127.0.0.1
port = $stream
source = pipe://$dir/fifo?name=default
CONF
export LD_LIBRARY_PATH=$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/lib/x86_64-linux-gnu HOME=$dir
root/usr/bin/snapserver -c conf > log 2>&1 & servers=$!
for port in "$stream" "$rpc"; do
  for _ in $(seq 50); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.1; done
done
root/usr/bin/snapclient -h 127.0.0.1 -p "$stream" --hostID room --player file:filename=null --mixer none > clog 2>&1 & servers="$servers $!"
env -u LD_LIBRARY_PATH timeout 60 env/bin/python try.py "$rpc"
