"""Python's `websockets`, with nothing but JSON on top, against the reference server at argv[1]."""

import asyncio
import itertools
import json

import websockets

from checks import check, equal, main


class Failure(Exception):
    """An error object, received or to be sent."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error


class Peer:
    """Both directions of JSON-RPC on one socket."""

    def __init__(self, socket):
        self.socket = socket
        self.ids = itertools.count(1)
        self.waiting = {}
        self.methods = {}
        self.heard = asyncio.Queue()
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            if isinstance(message, list):
                await self.heard.put(message)
            elif "method" not in message:
                self.waiting.pop(message["id"]).set_result(message)
            elif "id" in message:
                asyncio.create_task(self.serve(message))
            else:
                await self.heard.put(message)

    async def serve(self, request):
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            method = self.methods[request["method"]]
            answer["result"] = await method(*request.get("params", []))
        except Failure as failure:
            answer["error"] = failure.error
        await self.socket.send(json.dumps(answer))

    async def start(self, method, params=None):
        request = {"jsonrpc": "2.0", "id": next(self.ids), "method": method}
        if params is not None:
            request["params"] = params
        answer = self.waiting[request["id"]] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps(request))
        return request["id"], answer

    async def call(self, method, params=None):
        _, answer = await self.start(method, params)
        answer = await answer
        if "error" in answer:
            raise Failure(answer["error"])
        return answer["result"]

    async def notify(self, method, params):
        await self.socket.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    async def error(self, method, params=None):
        try:
            raise AssertionError(await self.call(method, params))
        except Failure as failure:
            return failure.error


async def calls(peer):
    equal(await peer.call("add", [1, 2]), 3)
    equal(await peer.call("greet", {"name": "Ada", "greeting": "good day"}), "good day, Ada")
    value = {"text": "☃ \" \\ \u0000", "numbers": [1.5, -7, 2**60], "nothing": None}
    equal(await peer.call("echo", [value]), value)
    equal(await peer.call("slept"), 0)


async def errors(peer):
    equal(await peer.error("fail", [7, "no", [1]]), {"code": 7, "message": "no", "data": [1]})
    equal((await peer.error("typed_fail", [3]))["data"], {"max": 3})
    equal((await peer.error("nonsense"))["code"], -32601)
    equal((await peer.error("add", [1, "x"]))["code"], -32602)
    equal((await peer.error("panic"))["code"], -32603)


async def notifications(peer):
    for text in "abc":
        await peer.notify("note", [text])
    equal(await peer.call("notes"), ["a", "b", "c"])


async def called_back(peer):
    async def shout(text):
        return text.upper()

    async def refuse():
        raise Failure({"code": 9, "message": "no", "data": {"why": 1}})

    peer.methods.update(shout=shout, refuse=refuse)
    equal(await peer.call("call_back", ["shout", ["hi"]]), "HI")
    equal(await peer.error("call_back", ["refuse"]), {"code": 9, "message": "no", "data": {"why": 1}})


async def bounced(peer):
    async def bounce(depth):
        return 0 if depth == 0 else 1 + await peer.call("bounce", [depth - 1])

    peer.methods["bounce"] = bounce
    equal(await peer.call("bounce", [50]), 50)


async def pushed(peer):
    equal(await peer.call("push", [3]), 3)
    ticks = [peer.heard.get_nowait() for _ in range(3)]
    equal([(tick["method"], tick["params"]) for tick in ticks], [("tick", [n]) for n in range(3)])


async def subscribed(peer):
    id = await peer.call("ticks", [0, 1])
    for n in range(20):
        item = await peer.heard.get()
        equal(item, {"jsonrpc": "2.0", "method": "ticks", "params": {"subscription": id, "result": n}})
    equal(await peer.call("unsubscribe_ticks", [id]), True)
    equal(await peer.call("unsubscribe_ticks", [id]), False)
    while not peer.heard.empty():
        equal(peer.heard.get_nowait()["params"]["subscription"], id)


async def progressed(peer):
    """Tokens as other protocols have them: beside the params, in `_meta` (MCP), and as the parameter
    that stands for the reports (StreamJsonRpc)."""
    ways = [
        {"params": [2], "progressToken": "beside"},
        {"params": {"steps": 2, "_meta": {"progressToken": "meta"}}},
        {"params": {"steps": 2, "progress": "param"}},
    ]
    for way, token in zip(ways, ["beside", "meta", "param"]):
        answer = peer.waiting[token] = asyncio.get_running_loop().create_future()
        await peer.socket.send(json.dumps({"jsonrpc": "2.0", "id": token, "method": "build", **way}))
        for step in (1, 2):
            report = {"token": token, "value": {"step": step, "of": 2}}
            equal(await peer.heard.get(), {"jsonrpc": "2.0", "method": "$/progress", "params": report})
        equal((await answer)["result"], "built")


async def streamed(url):
    """What a peer of another language does that wants to send a stream: says hello and follows the
    credit."""
    async with websockets.connect(url) as socket:

        async def send(**message):
            await socket.send(json.dumps({"jsonrpc": "2.0", **message}))

        async def receive():
            return json.loads(await socket.recv())

        await send(method="$/hello", params={"duplex": 1, "window": 4096})
        window = (await receive())["params"]["window"]
        await send(id=1, method="sum", params=[{"$stream": "numbers"}])
        for n in range(1, 2001):
            # A number counts as 64 bytes.
            while window <= 0:
                credit = await receive()
                equal((credit["method"], credit["params"]["subscription"]), ("$/credit", "numbers"))
                window += credit["params"]["bytes"]
            await send(method="$/item", params={"subscription": "numbers", "seq": n, "result": n})
            window -= 64
        await send(method="$/item", params={"subscription": "numbers", "done": True})
        while "result" not in (message := await receive()):
            equal(message["method"], "$/credit")
        equal(message["result"], 2001000)


async def batched(peer):
    batch = [
        {"jsonrpc": "2.0", "id": "a", "method": "sleep", "params": [50]},
        {"jsonrpc": "2.0", "method": "note", "params": ["d"]},
        {"jsonrpc": "2.0", "id": "b", "method": "add", "params": [1, 2]},
        1,
    ]
    await peer.socket.send(json.dumps(batch))
    sleep, add, invalid = await peer.heard.get()
    equal((sleep["id"], sleep["result"]), ("a", 50))
    equal((add["id"], add["result"]), ("b", 3))
    equal((invalid["id"], invalid["error"]["code"]), (None, -32600))


async def cancelled(peer):
    before = await peer.call("slept")
    id, answer = await peer.start("sleep", [3_600_000])
    await peer.notify("$/cancelRequest", {"id": id})
    equal((await answer)["error"]["code"], -32800)
    equal(await peer.call("slept"), before)


async def is_cancelled(peer):
    asked = asyncio.Event()

    async def wait():
        asked.set()
        await asyncio.sleep(5)

    peer.methods["wait"] = wait
    id, answer = await peer.start("call_back", ["wait"])
    await asked.wait()
    await peer.notify("$/cancelRequest", {"id": id})
    equal((await answer)["error"]["code"], -32800)
    equal((await peer.heard.get())["method"], "$/cancelRequest")


async def grouped(peer, other):
    for member in (peer, other):
        await member.call("join", ["lobby"])
    equal(await peer.call("publish", ["lobby", {"n": 1}]), 2)
    for member in (peer, other):
        equal((await member.heard.get())["params"], ["lobby", {"n": 1}])

    async def answer(question):
        return f"{question} yes"

    other.methods["answer"] = peer.methods["answer"] = answer
    replies = await peer.call("ask", ["lobby", "there?", 5000])
    equal([reply["result"] for reply in replies], ["there? yes"] * 2)


async def large(peer):
    equal(len(await peer.call("big", [3_000_000])), 3_000_000)
    equal(await peer.call("echo", ["x" * 900_000]), "x" * 900_000)


async def alive(peer):
    await (await peer.socket.ping())


async def binary(url):
    async with websockets.connect(url) as socket:
        # As web3.py sends all that it sends.
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": ["é"]}).encode())
        answer = await socket.recv()
        equal((type(answer), json.loads(answer)["result"]), (str, "é"))
        await socket.send(b"\xff")
        try:
            await socket.recv()
        except websockets.ConnectionClosed:
            equal(socket.close_code, 1003)


async def run(url):
    # The limit is on what this end takes, 1 MiB unless said otherwise.
    async with websockets.connect(url, max_size=2**23) as socket, websockets.connect(url) as second:
        peer, other = Peer(socket), Peer(second)
        await check("python websockets", "calls, by position and by name", calls(peer))
        await check("python websockets", "errors keep code and data", errors(peer))
        await check("python websockets", "notifications keep their order", notifications(peer))
        await check("python websockets", "is called back, its errors pass", called_back(peer))
        await check("python websockets", "bounces 50 deep", bounced(peer))
        await check("python websockets", "is pushed to before the answer", pushed(peer))
        await check("python websockets", "subscribes and unsubscribes", subscribed(peer))
        await check("python websockets", "hears progress, however it asks", progressed(peer))
        await check("python websockets", "streams into a call, with credit", streamed(url))
        await check("python websockets", "batch, answered in its order", batched(peer))
        await check("python websockets", "cancels", cancelled(peer))
        await check("python websockets", "is cancelled", is_cancelled(peer))
        await check("python websockets", "groups, published to and asked", grouped(peer, other))
        await check("python websockets", "large messages, in fragments", large(peer))
        await check("python websockets", "ping and pong", alive(peer))
        await check("python websockets", "binary is text if it is UTF-8, else closed with 1003", binary(url))


main(run)
